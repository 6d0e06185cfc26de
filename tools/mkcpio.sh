#!/bin/sh
# SPDX-License-Identifier: MIT
#
# mkcpio.sh - write a newc archive, the format of an initial file system.
#
#   tools/mkcpio.sh OUT ENTRY...
#
# An ENTRY is `name=path[:mode]`, the file at `path` under the name `name`;
# `name/`, an empty directory; or `name/=path`, all that is in the directory at
# `path`, where `/=path` puts it at the top.  Without an octal mode, a file is
# 755 if it may be executed here and 644 if not.  Parent directories are made
# as needed.  No name may have a newline in it.
#
# The same input gives the same bytes on every machine: owner and time are 0,
# inode numbers count from 1, entries keep the order they are given in.

set -eu
export LC_ALL=C

die()
{
	echo "mkcpio.sh: $*" >&2
	exit 1
}

inode=0
offset=0
newline='
'
seen=$newline

# Zero bytes up to a multiple of $1.
pad()
{
	zeros=$((($1 - offset % $1) % $1))
	offset=$((offset + zeros))
	while [ "$zeros" -gt 0 ]; do
		printf '\000'
		zeros=$((zeros - 1))
	done
}

# header NAME MODE NLINK SIZE: one header with its name, both padded.
header()
{
	namesize=$((${#1} + 1))
	# magic ino mode uid gid nlink mtime size dev*2 rdev*2 namesize check
	printf '070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X' \
		"$inode" "$2" 0 0 "$3" 0 "$4" 0 0 0 0 "$namesize" 0
	printf '%s\000' "$1"
	offset=$((offset + 110 + namesize))
	pad 4
}

# Remember a name; false if it was there before.
first_time()
{
	case $seen in
	*"$newline$1$newline"*) return 1 ;;
	esac
	seen=$seen$1$newline
	inode=$((inode + 1))
}

# The directory $1 and those it is in, each once.
directory()
{
	case $1 in
	*/*)	directory "${1%/*}" ;;
	esac
	# The recursion shares its variables, but not its arguments.
	if first_time "$1"; then
		header "$1" $((040755)) 2 0
	fi
}

# file NAME PATH MODE
file()
{
	[ ! -d "$2" ] || die "$2: a directory, not a file"
	[ -f "$2" ] || die "$2: no such file"
	case $1 in
	*/*)	directory "${1%/*}" ;;
	esac
	first_time "$1" || die "$1: given twice"
	# Some wc pad the number with spaces; arithmetic drops them.
	size=$(wc -c <"$2")
	size=$((size))
	header "$1" $((0100000 + 0$3)) 1 "$size"
	cat "$2"
	offset=$((offset + size))
	pad 4
}

# link NAME PATH: a symbolic link, whatever it leads to.
link()
{
	target=$(readlink "$2" && echo .) # $() drops newlines at the end,
	target=${target%??}               # but not those before a dot
	case $1 in
	*/*)	directory "${1%/*}" ;;
	esac
	first_time "$1" || die "$1: given twice"
	header "$1" $((0120777)) 1 ${#target}
	printf %s "$target"
	offset=$((offset + ${#target}))
	pad 4
}

# tree NAME PATH: all that is in the directory PATH, under NAME (not if empty).
tree()
{
	[ -d "$2" ] || die "$2: no such directory"
	[ -z "$1" ] || directory "$1"
	find "$2/." -name "*$newline*" -print >"$out.found" ||
		die "$2: not all of it can be read"
	found=$(head -n 2 "$out.found")
	[ -z "$found" ] || die "$2: there is a newline in the name" \
		"$(printf %s "${found#"$2/./"}" | tr '\n' '?')"
	# By itself: in a pipeline nobody would hear that it failed.
	find "$2/." ! -name . -print >"$out.found" ||
		die "$2: not all of it can be read"
	sort "$out.found" | while IFS= read -r found; do
		printf '%s\n' "${found#"$2/./"}"
	done >"$out.names"
	while IFS= read -r found; do
		name=${1:+$1/}$found
		if [ -L "$2/$found" ]; then
			link "$name" "$2/$found"
		elif [ -d "$2/$found" ]; then
			directory "$name"
		elif [ -f "$2/$found" ]; then
			file "$name" "$2/$found" "$(default_mode "$2/$found")"
		else
			die "$2/$found: neither file, directory nor link"
		fi
	done <"$out.names"
}

default_mode()
{
	if [ -x "$1" ]; then echo 755; else echo 644; fi
}

entry()
{
	name=${1%%=*}
	case $1 in
	/=*)	tree '' "${1#*=}"; return ;;
	esac
	case $name in
	'' | /* | *//* | . | .. | ./* | ../* | */. | */.. | */./* | */../*)
		die "$1: a name is relative, without . or .." ;;
	*"$newline"*)
		die "$1: there is a newline in the name" ;;
	esac
	case $1 in
	*/=*)	tree "${name%/}" "${1#*=}"; return ;;
	*=*)	;;
	*/)	directory "${name%/}"; return ;;
	*)	die "$1: neither name=path[:mode] nor name/" ;;
	esac

	path=${1#*=}
	mode=${path##*:}
	case $mode in
	"$path" | '' | *[!0-7]*)
		mode=$(default_mode "$path") ;;
	*)	path=${path%:*} ;;
	esac
	file "$name" "$path" "$mode"
}

archive()
{
	for spec; do
		entry "$spec"
	done
	inode=0
	header 'TRAILER!!!' 0 1 0
	pad 512
}

[ $# -ge 1 ] || die 'usage: mkcpio.sh OUT name=path[:mode]|name/ ...'
out=$1
shift

# The archive is written to another file first, so that an error leaves no
# incomplete archive that make would take for a good one.
trap 'rm -f "$out.part" "$out.names" "$out.found"' EXIT
archive "$@" >"$out.part"
mv "$out.part" "$out"
