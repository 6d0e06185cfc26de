#!/bin/sh
# SPDX-License-Identifier: MIT
#
# check.sh MAKE CHECK... - make each check-CHECK, also after one that failed,
# and say how many passed. A check that says `CHECK: skipped` could not run.

set -u

make=$1
shift
passed=0 skipped=0 failed=0
log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT

for check; do
	if ! "$make" --no-print-directory "check-$check" >"$log" 2>&1; then
		failed=$((failed + 1))
	elif grep -q "^$check: skipped" "$log"; then
		skipped=$((skipped + 1))
	else
		passed=$((passed + 1))
	fi
	grep -v '^  [A-Z]* *build/' "$log"
done
if [ "$failed" -gt 0 ]; then
	echo "$passed checks passed, $skipped skipped, $failed failed"
	exit 1
fi
echo "$passed checks passed, $skipped skipped"
[ "$passed" -gt 0 ]
