#!/bin/sh
# SPDX-License-Identifier: MIT
#
# deps.sh [GOAL...] - install the tools that these goals of make need and that
# are missing; without a goal, the tools for all of them.
#
# A tool is looked for by trying it, not by asking a package manager, so a tool
# from any source counts; when none is missing nothing is installed and no
# rights are asked for. LLVM=1 asks for clang in the place of GCC.

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

# The figures were recorded with GCC, and only GCC tells the stack's depth.
# Clang is enough where there is no GCC.
need_toolchain()
{
	has riscv64-unknown-elf-gcc || has riscv64-elf-gcc ||
		has riscv64-linux-gnu-gcc ||
		has riscv64-unknown-linux-gnu-gcc ||
		{ [ -n "$no_more_to_install" ] && need_clang && need_lld; }
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

need_lld()
{
	has ld.lld
}

need_clang_format()
{
	has clang-format
}

need_cppcheck()
{
	has cppcheck
}

# Can the compiler $1 make a program, with these further options?
links()
{
	has "$1" || return 1
	probe=$(mktemp -d)
	echo 'int main(void) { return 0; }' >"$probe/probe.c"
	status=0
	"$@" -o "$probe/probe" "$probe/probe.c" >/dev/null 2>&1 || status=1
	rm -rf "$probe"
	return "$status"
}

# A compiler for this machine which can link the sanitizers.
need_host_cc()
{
	links cc -fsanitize=address,undefined
}

# Programs as a user of Linux builds them, with the C library in them.
need_linux_cc()
{
	links riscv64-linux-gnu-gcc -static
}

need_spin()
{
	has spin
}

# Draws the figures of the documents.
need_graphviz()
{
	has dot
}

# To try what the page of a film does, without a window. This takes 700 MB, and
# a person who looks at a film uses a browser that is there already.
need_browser()
{
	has chromium || has chromium-browser || has google-chrome
}

need_qemu_user()
{
	has qemu-riscv64 || has qemu-riscv64-static
}

CROSS=toolchain
[ "${LLVM:-}" != 1 ] || CROSS='clang lld'
ALL="make python $CROSS qemu firmware gdb host_cc clang lld clang_format
	cppcheck spin qemu_user linux_cc browser"

# Goals leave out what needs these tools if they are missing.
OPTIONAL='linux_cc browser'

# What a goal of make needs. One that is not known here needs everything.
needs_of()
{
	case $1 in
	clean | help | compilers) echo make ;;
	all)		echo make "$CROSS" ;;
	run | spike)	echo make "$CROSS" qemu firmware ;;
	gdb | debug)	echo make "$CROSS" qemu firmware gdb ;;
	replay)		echo make python "$CROSS" gdb host_cc ;;
	fuzz | storm)	echo make python "$CROSS" qemu firmware ;;
	hunt*)		echo make python "$CROSS" qemu firmware gdb host_cc ;;
	bench-hidden)	echo make python "$CROSS" qemu firmware linux_cc \
				host_cc ;;
	bench* | profile)
			echo make python "$CROSS" qemu firmware linux_cc ;;
	format)		echo make clang_format ;;
	figures)	echo make python graphviz ;;
	check*)		echo make python "$CROSS" clang lld clang_format \
				cppcheck ;;
	test-host* | test-files)	echo make python qemu host_cc ;;
	test-model)
			echo make host_cc ;;
	film)		echo make python "$CROSS" qemu firmware ;;
	test-film)	echo make python "$CROSS" qemu firmware browser ;;
	test-spin)	echo make python host_cc spin ;;
	test-clang)	echo make python "$CROSS" qemu firmware clang lld ;;
	test*)		echo make python "$CROSS" qemu firmware gdb host_cc \
				clang spin qemu_user browser ;;
	*)		echo "$ALL" ;;
	esac
}

# All that the goals $* need, each once.
needs_of_all()
{
	[ $# -gt 0 ] || set -- everything
	for goal; do
		needs_of "$goal"
	done | tr -s ' \t' '\n' | awk '!seen[$0]++'
}

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
	lld)		echo 'lld, the linker of LLVM' ;;
	clang_format)	echo 'clang-format' ;;
	cppcheck)	echo 'cppcheck' ;;
	spin)		echo 'the model checker spin' ;;
	qemu_user)	echo 'qemu-riscv64, for Linux programs' ;;
	linux_cc)	echo 'riscv64-linux-gnu-gcc with a static C library' ;;
	browser)	echo 'chromium' ;;
	graphviz)	echo 'dot, of Graphviz' ;;
	esac
}

# The needs of $* which are not met.
missing()
{
	for need; do
		"need_$need" || printf '%s ' "$need"
	done
}

# --- Packages ---------------------------------------------------------------
#
# packages_MANAGER NEED prints candidates.  A comma joins what belongs
# together; of several words the first the manager has heard of is taken,
# because distributions move emulators between packages.

packages_apt()
{
	case $1 in
	make)		echo make ;;
	python)		echo python3 ;;
	toolchain)	echo gcc-riscv64-unknown-elf gcc-riscv64-linux-gnu \
				clang,lld ;;
	qemu)		echo qemu-system-riscv qemu-system-misc ;;
	firmware)	echo opensbi ;;
	gdb)		echo gdb-multiarch ;;
	host_cc)	echo gcc,libc6-dev ;;
	clang)		echo clang ;;
	lld)		echo lld ;;
	clang_format)	echo clang-format ;;
	cppcheck)	echo cppcheck ;;
	spin)		echo spin ;;
	qemu_user)	echo qemu-user qemu-user-static ;;
	linux_cc)	echo gcc-riscv64-linux-gnu,libc6-dev-riscv64-cross ;;
	browser)	echo chromium chromium-browser ;;
	graphviz)	echo graphviz ;;
	esac
}

packages_dnf()
{
	case $1 in
	make)		echo make ;;
	python)		echo python3 ;;
	toolchain)	echo gcc-riscv64-linux-gnu clang,lld ;;
	qemu)		echo qemu-system-riscv-core qemu-system-riscv ;;
	firmware)	echo opensbi qemu-common ;;
	gdb)		echo gdb ;;
	host_cc)	echo gcc,libasan,libubsan ;;
	clang)		echo clang ;;
	lld)		echo lld ;;
	clang_format)	echo clang-tools-extra ;;
	cppcheck)	echo cppcheck ;;
	spin)		echo spin ;;
	qemu_user)	echo qemu-user-riscv qemu-user ;;
	browser)	echo chromium ;;
	graphviz)	echo graphviz ;;
	esac
}

packages_pacman()
{
	case $1 in
	make)		echo make ;;
	python)		echo python ;;
	toolchain)	echo riscv64-elf-gcc riscv64-linux-gnu-gcc clang,lld ;;
	qemu)		echo qemu-system-riscv ;;
	firmware)	echo qemu-system-riscv-firmware ;;
	gdb)		echo riscv64-elf-gdb ;;
	host_cc)	echo gcc ;;
	clang)		echo clang ;;
	lld)		echo lld ;;
	clang_format)	echo clang ;;
	cppcheck)	echo cppcheck ;;
	spin)		echo spin ;;
	qemu_user)	echo qemu-user ;;
	linux_cc)	echo riscv64-linux-gnu-gcc,riscv64-linux-gnu-glibc ;;
	browser)	echo chromium ;;
	graphviz)	echo graphviz ;;
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
	lld)		echo lld ;;
	clang_format)	echo clang-format ;;
	cppcheck)	echo cppcheck ;;
	spin)		echo spin ;;
	browser)	echo chromium ;;
	graphviz)	echo graphviz ;;
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

# The command that makes the manager $1 read its lists again.
refresh_command()
{
	case $1 in
	apt)	echo 'apt-get -q update' ;;
	pacman)	echo 'pacman -Sy --noconfirm' ;;
	*)	echo true ;;
	esac
}

# The command that installs $2... with the manager $1.
install_command()
{
	manager=$1
	shift
	case $manager in
	apt)	echo "env DEBIAN_FRONTEND=noninteractive apt-get -q -y" \
			"-o DPkg::Lock::Timeout=300" \
			"install --no-install-recommends $*" ;;
	dnf)	echo "dnf -y install $*" ;;
	pacman)	echo "pacman -S --noconfirm --needed $*" ;;
	brew)	echo "brew install $*" ;;
	esac
}

may_install()
{
	[ "$manager" = brew ] || [ "$(id -u)" -eq 0 ] || has sudo
}

# Runs a command with the rights that installing takes.
as_installer()
{
	if [ "$manager" = brew ] || [ "$(id -u)" -eq 0 ]; then
		sh -c "$1"
	else
		sudo sh -c "$1"
	fi
}

ask_administrator()
{
	echo 'deps.sh: please ask an administrator of this machine to run' >&2
	echo "    $1" >&2
	echo "and then: make deps${goals:+ $goals}" >&2
}

# Installs what provides the needs $*, or says what has to be done.
install_needs()
{
	manager=$(find_manager)
	if [ "$manager" = none ]; then
		echo 'deps.sh: neither apt-get, dnf, pacman nor brew' >&2
		return
	fi
	refresh=$(refresh_command "$manager")
	# A list that cannot be refreshed may still be good enough.
	! may_install || as_installer "$refresh" || true
	# A list of words without spaces in them.
	# shellcheck disable=SC2046
	set -- $(choose "$manager" "$@")
	if [ $# -eq 0 ]; then
		echo "deps.sh: the lists of $manager name no package for what is missing" >&2
		may_install || ask_administrator "$refresh"
		return
	fi
	command=$(install_command "$manager" "$@")
	if ! may_install; then
		ask_administrator "$refresh && $command"
		return
	fi
	echo "deps.sh: installing $*"
	as_installer "$command" || ask_administrator "$command"
}

# Says what is still missing; true if the goals work without it.
report()
{
	status=0
	for need; do
		echo "deps.sh: still missing: $(describe "$need")" >&2
		case " $OPTIONAL " in
		*" $need "*)	echo '  (what needs it is left out)' >&2 ;;
		*)		status=1 ;;
		esac
	done
	return "$status"
}

main()
{
	goals=$*
	no_more_to_install=
	# Lists of words without spaces in them: split on purpose below.
	# shellcheck disable=SC2046
	wanted=$(missing $(needs_of_all "$@"))
	if [ -z "$wanted" ]; then
		return
	fi
	# shellcheck disable=SC2086
	install_needs $wanted

	no_more_to_install=yes
	# shellcheck disable=SC2086
	wanted=$(missing $wanted)
	# shellcheck disable=SC2086
	report $wanted
}

main "$@"
