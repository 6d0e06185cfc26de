# SPDX-License-Identifier: MIT
#
# help.awk - the targets that say what they do, `name: ... ## what`, grouped by
# the headings `# --- what they are about ---` above them. Two files may have
# a heading in common.

BEGIN { FS = ":.*## " }

FNR == 1 { heading = "" }

/^# --- / {
	heading = substr($0, 7)
	sub(/ *-*$/, "", heading)
}

/^[a-z-]+:.*## / {
	if (!(heading in lines))
		order[++groups] = heading
	lines[heading] = lines[heading] sprintf("  %-16s %s\n", $1, $2)
}

END {
	for (i = 1; i <= groups; i++)
		printf "%s%s\n%s", (i > 1 ? "\n" : ""), order[i], lines[order[i]]
}
