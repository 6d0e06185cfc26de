# SPDX-License-Identifier: MIT
"""Reads messages of Protocol Buffers, as far as a test needs it."""

from __future__ import annotations

from typing import List, Tuple

Fields = List[Tuple[int, object]]


def varint_at(data: bytes, at: int) -> Tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7f) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def fields_of(data: bytes) -> Fields:
    """The fields of a message: numbers, and bytes."""
    found: Fields = []
    at = 0
    while at < len(data):
        key, at = varint_at(data, at)
        value: object
        value, at = varint_at(data, at)
        if key & 7 == 2:
            length = int(str(value))
            value, at = data[at:at + length], at + length
        elif key & 7:
            raise ValueError(f"type {key & 7}")
        found.append((key >> 3, value))
    return found


def get(fields: Fields, number: int) -> object:
    return next((value for key, value in fields if key == number), None)
