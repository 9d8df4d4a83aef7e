#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Arguments: MPMCCTL DOCUMENT
#
# Tests that trace-cmd, perf and bpftrace, as they are, understand the tracepoints: where
# all are in PATH, and the module loaded, and nobody else uses it. Prints TAP.
# mpmc_trace.c has what each tracepoint says, and when. What DOCUMENT shows of these
# tools is run as it is, but that they watch what happens here, and not for 10 seconds.
# To turn tracepoints on the kernel patches its code: scripts/test-tracing runs this in a
# guest that takes that.

# shellcheck disable=SC2317 # functions are run by ok()

ctl=$(readlink -f "$1") document=$(readlink -f "$2")
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

# The same, and more: somebody waits, is woken, and finds nothing.
mkdir "$tmp/bin"
cat >"$tmp/bin/sleep" <<end
#!/bin/sh
sh $tmp/work || exit
$ctl pop /traced >/dev/null &
until grep -q '^dequeue-waiters:.*1$' /proc/\$!/fdinfo/*; do :; done
$ctl push /traced 4 && wait && ! $ctl pop -t 0.05 /traced
end
chmod +x "$tmp/bin/sleep"

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

# Fields by their names, and the program that was traced.
bpf_trace() {
	bpftrace -q -e 'tracepoint:mpmc:enqueue /comm == "mpmcctl"/ {
			printf("enqueue: token=%d count=%d\n", args->token, args->count);
			@used = sum(args->used);
		}' -c "/bin/sh $tmp/work" >"$tmp/report" &&
		has 3 '^enqueue: token=-1 count=1' && has 1 '^@used: 6'
}

# as_shown COMMAND : a command of the document. bpftrace watches until it is told to end,
# and has something to show then.
as_shown() {
	case $1 in
	bpftrace*) eval "$1 -c '/bin/sh $tmp/bin/sleep'" >"$tmp/report" && cat "$tmp/report" && grep '^@' "$tmp/report" ;;
	*) eval "$1" ;;
	esac
}

"$ctl" create -c 1000 /traced || exit
ok 'trace-cmd record, and report' trace_cmd
ok 'trace-cmd has events chosen by a field' trace_cmd_filter
ok 'perf record, and script' perf_record
ok 'perf stat' perf_stat
ok 'bpftrace' bpf_trace
cd "$tmp" && PATH=$tmp/bin:$PATH || exit
sed -nE 's/^    ((trace-cmd|perf|bpftrace) .*)/\1/p' "$document" >"$tmp/shown"
while read -r command; do
	ok "as shown: $command" as_shown "$command"
done <"$tmp/shown"
ok 'and there are as many of those as there were' [ "$(wc -l <"$tmp/shown")" -ge 9 ]
"$ctl" rm /traced || exit
echo "1..$count"
exit $failed
