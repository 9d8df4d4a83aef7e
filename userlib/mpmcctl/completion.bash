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

# Whether option $3 of a command takes a value: those that do have a "=" there.
_mpmcctl_takes_value() {
	[[ $3 =~ ^--?[a-z-]+$ ]] &&
		"$1" "$2" --help 2>/dev/null | grep -q -e "^  \(-., \)\?$3\(, --[a-z-]*\)\?="
}

# Whether a name comes next: where the usage has one NAME, it may be there already.
_mpmcctl_takes_name() {
	local usage word
	usage=$("$1" "$2" --help 2>/dev/null | sed -n '1s/^Usage: //p')
	[[ $usage != *NAME...* ]] || return 0
	for word in "${COMP_WORDS[@]:2:COMP_CWORD-2}"; do
		[[ $word != /* ]] || return 1
	done
	[[ $usage = *NAME* ]]
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
	# "--option=" is two words for bash, the second of which is empty in $2, and three
	# with a value.
	case $prev:${COMP_WORDS[COMP_CWORD]} in
	=:*) prev=${COMP_WORDS[COMP_CWORD - 2]}= ;;
	*:=) prev=$prev= cur= ;;
	esac
	case $command:${prev%=} in
	help:*)
		_mpmcctl_reply "$cur" < <(_mpmcctl_commands "$ctl") ;;
	create:-d|create:--dead-letter)
		_mpmcctl_reply "$cur" < <(_mpmcctl_names "$ctl") ;;
	create:-o|create:--owner)
		mapfile -t COMPREPLY < <(compgen -u -- "$cur") ;;
	create:-g|create:--group)
		mapfile -t COMPREPLY < <(compgen -g -- "$cur") ;;
	watch:-[wc]|watch:--warning|watch:--critical)
		compopt -o nospace 2>/dev/null
		_mpmcctl_reply "$cur" < <(_mpmcctl_fields "$ctl"; echo use=) ;;
	metrics:-o|metrics:--output)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
	*)
		# What is behind a "=" is a value, or the rest of one, or of a name.
		[[ $prev != *= ]] && ! _mpmcctl_takes_value "$ctl" "$command" "$prev" || return 0
		case $cur in
		-*) _mpmcctl_reply "$cur" < <(_mpmcctl_options "$ctl" "$command")
		    [[ ${COMPREPLY[0]} != *= ]] || compopt -o nospace 2>/dev/null ;;
		*)  ! _mpmcctl_takes_name "$ctl" "$command" ||
			_mpmcctl_reply "$cur" < <(_mpmcctl_names "$ctl") ;;
		esac ;;
	esac
}

complete -F _mpmcctl mpmcctl
