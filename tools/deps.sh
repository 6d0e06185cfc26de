#!/bin/sh
# SPDX-License-Identifier: MIT
#
# deps.sh - install what building and testing needs, where it is missing.
#
# What is there is found by trying it, not by asking a package manager, so a
# tool from any source counts; when nothing is missing nothing is installed
# and no rights are asked for.

set -eu

# --- What is needed: one function per need, true if it is met ---------------

has()
{
	command -v "$1" >/dev/null 2>&1
}

need_make()
{
	has make && make --version 2>/dev/null | grep -q 'GNU Make'
}

need_python()
{
	has python3 &&
		python3 -c 'import sys; sys.exit(sys.version_info < (3, 9))'
}

# GCC is what the figures were recorded with and what tells of the stack's
# depth. Clang will do where no GCC is to be had.
need_toolchain()
{
	has riscv64-unknown-elf-gcc || has riscv64-elf-gcc ||
		has riscv64-linux-gnu-gcc ||
		has riscv64-unknown-linux-gnu-gcc ||
		{ [ -n "$no_more_to_install" ] && has clang && has ld.lld; }
}

need_qemu()
{
	has qemu-system-riscv64
}

# Without its firmware QEMU says so and stops before the monitor answers.
need_firmware()
{
	has qemu-system-riscv64 && echo quit |
		qemu-system-riscv64 -machine virt -bios default -S \
			-display none -serial none -monitor stdio \
			>/dev/null 2>&1
}

need_gdb()
{
	for gdb in gdb-multiarch riscv64-unknown-elf-gdb riscv64-elf-gdb gdb; do
		if has "$gdb" && "$gdb" -nx -batch \
			-ex 'python gdb.execute("set architecture riscv:rv64")
print("both work")' 2>/dev/null | grep -q 'both work'; then
			return 0
		fi
	done
	return 1
}

need_clang()
{
	has clang
}

need_clang_format()
{
	has clang-format
}

need_cppcheck()
{
	has cppcheck
}

# A compiler for this machine which can link the sanitizers.
need_host_cc()
{
	has cc || return 1
	probe=$(mktemp -d)
	echo 'int main(void) { return 0; }' >"$probe/probe.c"
	status=0
	cc -fsanitize=address,undefined -o "$probe/probe" "$probe/probe.c" \
		>/dev/null 2>&1 || status=1
	rm -rf "$probe"
	return "$status"
}

need_spin()
{
	has spin
}

need_qemu_user()
{
	has qemu-riscv64 || has qemu-riscv64-static
}

NEEDS='make python toolchain qemu firmware gdb host_cc clang clang_format
	cppcheck spin qemu_user'

describe()
{
	case $1 in
	make)		echo 'GNU make' ;;
	python)		echo 'python3, 3.9 or later' ;;
	toolchain)	echo 'GCC for RISC-V (or clang with ld.lld)' ;;
	qemu)		echo 'qemu-system-riscv64' ;;
	firmware)	echo 'OpenSBI, the firmware QEMU boots with' ;;
	gdb)		echo 'a gdb with RISC-V and Python' ;;
	host_cc)	echo 'cc with address and undefined sanitizers' ;;
	clang)		echo 'clang' ;;
	clang_format)	echo 'clang-format' ;;
	cppcheck)	echo 'cppcheck' ;;
	spin)		echo 'the model checker spin' ;;
	qemu_user)	echo 'qemu-riscv64, for Linux programs' ;;
	esac
}

# The needs of $* which are not met.
missing()
{
	for need; do
		"need_$need" || printf '%s ' "$need"
	done
}

# --- Who provides it --------------------------------------------------------
#
# packages_MANAGER NEED prints candidates.  A comma joins what belongs
# together; of several words the first the manager has heard of is taken,
# because distributions move emulators between packages.

packages_apt()
{
	case $1 in
	make)		echo make ;;
	python)		echo python3 ;;
	toolchain)	echo gcc-riscv64-unknown-elf gcc-riscv64-linux-gnu ;;
	qemu)		echo qemu-system-riscv qemu-system-misc ;;
	firmware)	echo opensbi ;;
	gdb)		echo gdb-multiarch ;;
	host_cc)	echo gcc,libc6-dev ;;
	clang)		echo clang ;;
	clang_format)	echo clang-format ;;
	cppcheck)	echo cppcheck ;;
	spin)		echo spin ;;
	qemu_user)	echo qemu-user qemu-user-static ;;
	esac
}

packages_dnf()
{
	case $1 in
	make)		echo make ;;
	python)		echo python3 ;;
	toolchain)	echo gcc-riscv64-linux-gnu ;;
	qemu)		echo qemu-system-riscv-core qemu-system-riscv ;;
	firmware)	echo opensbi qemu-common ;;
	gdb)		echo gdb ;;
	host_cc)	echo gcc,libasan,libubsan ;;
	clang)		echo clang ;;
	clang_format)	echo clang-tools-extra ;;
	cppcheck)	echo cppcheck ;;
	spin)		echo spin ;;
	qemu_user)	echo qemu-user-riscv qemu-user ;;
	esac
}

packages_pacman()
{
	case $1 in
	make)		echo make ;;
	python)		echo python ;;
	toolchain)	echo riscv64-elf-gcc riscv64-linux-gnu-gcc ;;
	qemu)		echo qemu-system-riscv ;;
	firmware)	echo qemu-system-riscv-firmware ;;
	gdb)		echo riscv64-elf-gdb ;;
	host_cc)	echo gcc ;;
	clang)		echo clang ;;
	clang_format)	echo clang ;;
	cppcheck)	echo cppcheck ;;
	spin)		echo spin ;;
	qemu_user)	echo qemu-user ;;
	esac
}

packages_brew()
{
	case $1 in
	make)		echo make ;;
	python)		echo python3 ;;
	toolchain)	echo riscv64-elf-gcc ;;
	qemu | firmware) echo qemu ;;
	gdb)		echo riscv64-elf-gdb ;;
	host_cc | clang) echo llvm ;;
	clang_format)	echo clang-format ;;
	cppcheck)	echo cppcheck ;;
	spin)		echo spin ;;
	esac
}

known_apt()
{
	apt-cache show "$1" 2>/dev/null | grep -q '^Package:'
}

known_dnf()
{
	dnf -q list "$1" >/dev/null 2>&1
}

known_pacman()
{
	pacman -Si "$1" >/dev/null 2>&1
}

known_brew()
{
	brew info --formula "$1" >/dev/null 2>&1
}

# The packages to install for the needs $2..., with the manager $1.
choose()
{
	manager=$1
	shift
	for need; do
		for candidate in $("packages_$manager" "$need"); do
			if "known_$manager" "${candidate%%,*}"; then
				echo "$candidate" | tr ',' ' '
				break
			fi
		done
	done
}

# --- Installing -------------------------------------------------------------

as_root()
{
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	elif has sudo; then
		sudo "$@"
	else
		echo "deps.sh: not root, and no sudo, for: $*" >&2
		return 1
	fi
}

find_manager()
{
	for manager in apt-get dnf pacman brew; do
		if has "$manager"; then
			echo "${manager%-get}"
			return
		fi
	done
	echo none
}

# A list that cannot be refreshed may still be good enough.
refresh()
{
	case $1 in
	apt)	as_root apt-get -q update || true ;;
	pacman)	as_root pacman -Sy --noconfirm || true ;;
	esac
}

install_with()
{
	manager=$1
	shift
	echo "deps.sh: installing $*"
	case $manager in
	apt)	as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y \
			-o DPkg::Lock::Timeout=300 \
			install --no-install-recommends "$@" ;;
	dnf)	as_root dnf -y install "$@" ;;
	pacman)	as_root pacman -S --noconfirm --needed "$@" ;;
	brew)	brew install "$@" ;;
	esac
}

# Say what is still missing, and whom it concerns.
report()
{
	for need; do
		echo "deps.sh: still missing: $(describe "$need")" >&2
		case $need in
		spin)
			echo '  (only test-spin, in make test, needs it)' >&2 ;;
		qemu_user)
			echo '  (only test-linux, in make test, needs it)' >&2 ;;
		clang | clang_format | cppcheck)
			echo '  (only make check needs it)' >&2 ;;
		esac
	done
}

main()
{
	no_more_to_install=
	# Lists of words without spaces in them: split on purpose below.
	# shellcheck disable=SC2086
	wanted=$(missing $NEEDS)
	if [ -z "$wanted" ]; then
		return
	fi

	manager=$(find_manager)
	if [ "$manager" != none ]; then
		refresh "$manager"
		# shellcheck disable=SC2086
		packages=$(choose "$manager" $wanted)
		# shellcheck disable=SC2086
		[ -z "$packages" ] || install_with "$manager" $packages ||
			echo 'deps.sh: the installation failed' >&2
	else
		echo 'deps.sh: neither apt-get, dnf, pacman nor brew' >&2
	fi

	no_more_to_install=yes
	# shellcheck disable=SC2086
	wanted=$(missing $wanted)
	# shellcheck disable=SC2086
	report $wanted
	[ -z "$wanted" ]
}

main "$@"
