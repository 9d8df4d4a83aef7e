# SPDX-License-Identifier: MIT OR Apache-2.0
# shellcheck shell=bash
#
# Completion of mpmcctl for bash. What there is to complete, mpmcctl itself tells.

# The words of stdin, one a line, that begin with $1. Not by compgen -W, which would
# run what is in them.
_mpmcctl_reply() {
	local word
	while IFS= read -r word; do
		[[ $word != "$1"* ]] || COMPREPLY+=("$word")
	done
}

_mpmcctl_commands() {
	"$1" --help 2>/dev/null | sed -n 's/^  \([a-z]*\)  *[A-Z].*/\1/p'
	echo help
}

_mpmcctl_options() {
	"$1" "$2" --help 2>/dev/null | grep -o -e '--[a-z-]*=\?' | sort -u
}

# Those that mean nothing else to a shell.
_mpmcctl_names() {
	"$1" ls --quiet 2>/dev/null | grep -E '^/[A-Za-z0-9_.:@%+,=-]+$'
}

_mpmcctl_fields() {
	"$1" ls --json 2>/dev/null | grep -o '"[a-z_]*": [0-9]' |
		sed 's/"\(.*\)".*/\1=/' | sort -u
}

_mpmcctl() {
	local ctl=$1 cur=$2 prev=$3 command=${COMP_WORDS[1]}
	COMPREPLY=()
	if [ "$COMP_CWORD" = 1 ]; then
		_mpmcctl_reply "$cur" < <(_mpmcctl_commands "$ctl"; echo --help --version)
		return
	fi
	# "--option=" is two words for bash.
	[ "$prev" != = ] || prev=${COMP_WORDS[COMP_CWORD - 2]}
	[ "$cur" != = ] || { prev=${COMP_WORDS[COMP_CWORD - 1]} cur=; }
	case $command:$prev in
	help:*)
		_mpmcctl_reply "$cur" < <(_mpmcctl_commands "$ctl") ;;
	create:-d|create:--dead-letter)
		_mpmcctl_reply "$cur" < <(_mpmcctl_names "$ctl") ;;
	watch:-[wc]|watch:--warning|watch:--critical)
		compopt -o nospace 2>/dev/null
		_mpmcctl_reply "$cur" < <(_mpmcctl_fields "$ctl"; echo use=) ;;
	metrics:-o|metrics:--output)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
	*:-[cstnbm]|*:--capacity|*:--segments|*:--mode|*:--max-deliveries|*:--timeout|*:--count|*:--batch|*:--delay|*:--pages|*:--stall)
		[ "$command:$prev" != metrics:-m ] ||
			_mpmcctl_reply "$cur" < <(_mpmcctl_options "$ctl" metrics) ;;
	*)
		case $cur in
		-*) _mpmcctl_reply "$cur" < <(_mpmcctl_options "$ctl" "$command")
		    [[ ${COMPREPLY[0]} != *= ]] || compopt -o nospace 2>/dev/null ;;
		*)  _mpmcctl_reply "$cur" < <(_mpmcctl_names "$ctl") ;;
		esac ;;
	esac
}

complete -F _mpmcctl mpmcctl
