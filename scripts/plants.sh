# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Plants bugs in copies of the source, one at a time, to show that a harness finds
# them. To be sourced, with common.sh before it. Who does has
#
#   plants        calls plant for each bug
#   search WHERE  looks for the one in $copy; 0 says that it found nothing, 125 that
#                 it could not. What it prints goes to $copy/log
#   found STATUS  prints in a line or two what search said; WHERE and STATUS as they are
#
# and calls plants_arg with each argument that it does not know itself, and plants_run.
# $mode is empty, list or check; $names are those that are wanted, or none for all.

mode='' names=()
caught=0 planted=0 missed=()

# plants_arg ARG
plants_arg() {
	case $1 in
	-h|--help) usage; exit ;;
	--list)    mode=list ;;
	--check)   mode=check ;;
	-*)        die "unknown option: $1 (see --help)" ;;
	*)         names+=("$1") ;;
	esac
}

wanted() {
	local name
	[ ${#names[@]} -gt 0 ] || return 0
	for name in "${names[@]}"; do
		[ "$name" != "$1" ] || return 0
	done
	return 1
}

# plant NAME FILE SED-SCRIPT WHAT [WHERE] : WHAT is wrong then, and WHERE search is to
# look for it. A script that changes nothing is an error: it is for source of old.
plant() {
	wanted "$1" || return 0
	planted=$((planted + 1))
	if [ "$mode" = list ]; then
		printf '%-16s %s%s\n' "$1" "$4" "${5:+ ($5)}"
		return
	fi
	dig "$1" "$2" "$3"
	if [ -z "$mode" ]; then
		try "$1" "$4" "${5:-}"
	fi
	rm -rf "${copy:?}"
}

# A copy of the source with the bug in it.
# shellcheck disable=SC2154 # $top and $tmp are common.sh's
dig() {
	copy=$tmp/$1
	mkdir -p "$copy"
	cp -r "$top/Kbuild" "$top/kmod" "$top/uapi" "$copy/" || die "cannot copy the source"
	sed -i -E "$3" "$copy/kmod/$2"
	! cmp -s "$top/kmod/$2" "$copy/kmod/$2" || die "$1: there is nothing like it in kmod/$2 any more"
}

# try NAME WHAT WHERE
try() {
	local started=$SECONDS status
	search "$3" >"$copy/log" 2>&1
	status=$?
	case $status in
	0)
		missed+=("$1")
		echo "MISSED  $1: $2" ;;
	125)
		tail -n 20 "$copy/log" >&2
		die "$1: could not be tried" ;;
	*)
		caught=$((caught + 1))
		echo "caught  $1 after $((SECONDS - started)) s: $2"
		found "$status" | cut -c -200 | sed 's/^[# ]*/        /' ;;
	esac
}

# build_planted KERNEL [ARG...]: the module that has the bug; ARGs are build-module's.
build_planted() {
	MPMC_SRC=$copy MPMC_BUILD=$copy/build "$top/scripts/build-module" "$@" || return 125
}

plants_run() {
	scratch "${TMPDIR:-/tmp}"
	plants
	[ "$planted" -gt 0 ] || die "there is nothing of that name to plant (see --list)"
	case $mode in
	list)  return ;;
	check) echo "# $planted bugs can be planted"; return ;;
	esac
	echo "# $caught of $planted planted bugs caught${missed[*]:+; missed: ${missed[*]}}"
	[ "$caught" -eq "$planted" ]
}
