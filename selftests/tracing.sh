#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Arguments: MPMCCTL
#
# Tests that trace-cmd and perf, as they are, understand the tracepoints: where both are
# in PATH, and the module loaded, and nobody else uses it. Prints TAP. mpmc_trace.c has
# what each tracepoint says, and when. To turn them on the kernel patches its code:
# scripts/test-tracing runs it in a guest that takes that.

# shellcheck disable=SC2317 # functions are run by ok()

ctl=$1
count=0 failed=0
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

# ok NAME COMMAND... : one test; what the command says is shown if it fails
ok() {
	name=$1
	shift
	count=$((count + 1))
	if "$@" >"$tmp/said" 2>&1; then
		echo "ok $count - $name"
	else
		echo "not ok $count - $name"
		sed 's/^/# /' "$tmp/said"
		failed=1
	fi
}

# What is traced: three items, each by a call of its own, in, and out through a token.
cat >"$tmp/work" <<end
for item in 1 2 3; do
	echo \$item | $ctl push /traced || exit
done
$ctl drain /traced >/dev/null
end

# has COUNT PATTERN : so many lines of the report end in that
has() {
	[ "$(grep -c -E "$2\$" "$tmp/report")" = "$1" ] && return
	echo "there are not $1 of $2 in"
	cat "$tmp/report"
	return 1
}

# has_fields BEFORE : all events, and what they say, behind what the tool has before
has_fields() {
	for used in 1 2 3; do
		has 1 "$1enqueue: +queue=[1-9][0-9]* token=-1 count=1 used=$used" || return
	done
	has 1 "$1consumer_create: +queue=[1-9][0-9]* token=[0-9]+ entries=[1-9][0-9]*" &&
		has 1 "$1commit: +queue=[1-9][0-9]* token=[0-9]+ count=[1-3] used=0"
}

# record_trace_cmd OPTION... : and report
record_trace_cmd() {
	trace-cmd record -q "$@" -o "$tmp/trace.dat" sh "$tmp/work" &&
		trace-cmd report -i "$tmp/trace.dat" >"$tmp/report"
}

trace_cmd() {
	record_trace_cmd -e mpmc && has_fields '^ +mpmcctl-[0-9]+ .* '
}

trace_cmd_filter() {
	record_trace_cmd -e mpmc:enqueue -f 'used == 2' &&
		has 1 ' enqueue: .* used=2' && has 1 ' enqueue: .*'
}

perf_record() {
	perf record -q -a -e 'mpmc:*' -o "$tmp/perf.data" -- sh "$tmp/work" &&
		perf script -i "$tmp/perf.data" >"$tmp/report" && has_fields '^ +mpmcctl .* mpmc:'
}

perf_stat() {
	perf stat -a -x , -e mpmc:enqueue -o "$tmp/report" -- sh "$tmp/work" &&
		has 1 '^3,,mpmc:enqueue,.*'
}

"$ctl" create -c 1000 /traced || exit
ok 'trace-cmd record, and report' trace_cmd
ok 'trace-cmd has events chosen by a field' trace_cmd_filter
ok 'perf record, and script' perf_record
ok 'perf stat' perf_stat
"$ctl" rm /traced || exit
echo "1..$count"
exit $failed
