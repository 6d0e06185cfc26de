# SPDX-License-Identifier: MIT
"""A browser without a window, which shows what a page's scripts make of it."""

from __future__ import annotations

import html
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Optional

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
SECONDS = 300


def browser() -> Optional[str]:
    return next((name for name in BROWSERS if shutil.which(name)), None)


def text_of(page: str, name: str) -> str:
    """The text of an element with this id, when the scripts of a page have
    run; '' if there is none."""
    found = browser()
    if found is None:
        raise OSError("there is no " + ", ".join(BROWSERS))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "film.html"
        path.write_text(page)
        done = subprocess.run(
            [found, "--headless", "--no-sandbox", "--disable-gpu",
             f"--user-data-dir={folder}/profile", "--dump-dom",
             f"file://{path}"], check=False, capture_output=True, text=True,
            timeout=SECONDS)
    match = re.search(rf'<pre id="{name}">(.*?)</pre>', done.stdout,
                      re.DOTALL)
    return html.unescape(match.group(1)) if match else ""
