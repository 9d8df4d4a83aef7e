#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Usage: run.sh DIR [litmus]
#
# Searches all models, building them in DIR, and runs the litmus tests, or those
# alone. A model with nothing left out must have no error in any state that can be
# reached; one with something left out must have the error that this is there to
# prevent. Output is TAP.

mkdir -p "$1" || exit
dir=$(cd "$1" && pwd)
cd "$(dirname "$0")" || exit
models=$PWD
only=${2:-}
# The kernel's memory model.
lkmm=${LKMM:-/usr/src/linux/tools/memory-model}

# Seconds, of a search or an evaluation, which takes a tenth of a minute on a machine
# that has nothing else to do.
patience=900

# A search that needs more memory than that is a failure.
cflags='-w -DSAFETY -DCOLLAPSE -DMEMLIM=1800'

# What each model's assertions say, to know the right error from others.
declare -A error=(
	[wakeup]='poll_queue'
	[seal]='accepted|refused|sealed'
	[drain]='told'
)

# Of which model, how it is built, what it is or does wrong. models() calls them.
# shellcheck disable=SC2317
good() {
	cat <<-END
	wakeup ITEMS=3,SLEEPERS=2 an owner, 2 sleepers
	wakeup SLEEPERS=2,SIGNALS=1,DEATHS an owner who may die, 2 sleepers, one interrupted
	wakeup OWNERS=2,ITEMS=1,SLEEPERS=2 2 owners, 2 sleepers
	wakeup OWNERS=2,SLEEPERS=1,SIGNALS=1 2 owners, a sleeper who is interrupted
	wakeup SLEEPERS=1,POLLERS=1,SIGNALS=1,DEATHS an owner who may die, a sleeper, a poller
	wakeup OWNERS=2,ITEMS=1,POLLERS=2,DEATHS 2 owners who may die, 2 pollers
	seal ITEMS=3,CONSUMERS=2,DEATHS an owner who may die, 2 consumers, a shutdown
	seal SHUTDOWNS=2,DEATHS an owner who may die, a consumer, 2 shutdowns
	drain ITEMS=3 an owner, a sleeper, a shutdown
	END
}

# shellcheck disable=SC2317
bad() {
	cat <<-END
	wakeup SLEEPERS=2,NO_HEAVY_BARRIER no barrier on a hot owner's CPU
	wakeup SLEEPERS=2,NO_FENCE no barrier of an armed owner
	wakeup SLEEPERS=2,COUNTED_UNARMED a sleeper counted in a hot word
	wakeup SLEEPERS=2,COUNTED_AFTER_THE_LOOK a sleeper counted after his last look
	wakeup SLEEPERS=2,SIGNALS=1,COUNTED_BEFORE_ENTERING a sleeper counted before he is on the wait queue
	wakeup SLEEPERS=2,COUNT_TAKEN_UNSEEN a sleeper taken off the count before he is counted
	wakeup SLEEPERS=2,ARMED_TOO_EARLY armed before the barrier is complete
	wakeup SLEEPERS=2,DISARM_IGNORES_COUNT disarmed though somebody sleeps
	wakeup SLEEPERS=2,NO_PASSING_ON a wake-up not used and not passed on
	wakeup SLEEPERS=2,DEATHS,NO_KICK_FOR_THE_DEAD no kick for an owner who died
	wakeup POLLERS=1,NO_HEAVY_BARRIER no barrier on a hot owner's CPU, for a poller
	wakeup POLLERS=1,NO_FENCE no barrier of an armed owner, for a poller
	wakeup POLLERS=1,POLLED_AFTER_THE_LOOK POLLED set after the last look
	wakeup POLLERS=1,POLLED_NO_SECOND_LOOK POLLED cleared, and no look for pollers after that
	wakeup OWNERS=2,ITEMS=1,POLLERS=2,POLLED_TOLD_OF_WHAT_IS_LEFT POLLED cleared, and nobody told as there is nothing left of one's own
	seal NO_HEAVY_BARRIER no barrier on a hot owner's CPU, for a shutdown
	seal NO_FENCE no barrier of an armed owner, for a shutdown
	seal SHUTDOWN_UNARMED SHUTDOWN set in a hot word
	seal DECIDED_BEFORE_TOLD decided by an owner who has not been told
	seal LIMIT_BEFORE_TAIL,NO_FLIP a consumer who looks at the limit before the tail, and claims by an old look
	seal LIMIT_IGNORED a consumer who does not look at the limit
	drain NO_HEAVY_BARRIER no barrier on a hot owner's CPU, for who waits for the end
	drain NO_FENCE no barrier of an armed owner, for who waits for the end
	drain SHUTDOWN_UNARMED SHUTDOWN set in a hot word
	drain WOKEN_BEFORE_TOLD sleepers woken before the owner is told
	END
}

number=0
failed=0

# result STATUS TEXT
result() {
	number=$((number + 1))
	if [ "$1" = 0 ]; then
		echo "ok $number $2"
	else
		echo "not ok $number $2"
		failed=1
	fi
}

# search NUMBER MODEL DEFINES OPTIMIZE: build it and search it, in a folder by the
# number
search() {
	local build=$dir/$1 model=$2 defines=${3//,/ -D} optimize=$4

	rm -rf "$build"
	mkdir "$build" && cd "$build" || return
	# shellcheck disable=SC2086 # they are words
	spin -a -D$defines "$models/$model.pml" >spin.log 2>&1 &&
		${CC:-gcc} $optimize $cflags -o pan pan.c >>spin.log 2>&1 &&
		timeout "$patience" ./pan -m20000 >pan.log 2>&1
	[ $? != 124 ] || echo "no end after $patience seconds" >>pan.log
	rm -f pan pan.?
}

# judge NUMBER MODEL TEXT RIGHT: has it the one error, or, complete, none?
judge() {
	local build=$dir/$1 model=$2 status=1 log

	log=$(cat "$build/spin.log" "$build/pan.log" 2>/dev/null)
	if [ "$4" = good ]; then
		grep -q 'errors: 0$' <<<"$log" &&
			! grep -qE 'max search depth|MEMLIM bound|not completed|out of memory' <<<"$log"
		status=$?
	else
		grep -qE "assertion violated.*(${error[$model]})" <<<"$log"
		status=$?
	fi
	result "$status" "$3"
	sed -nE 's/^ *([0-9]+) states, stored.*/# \1 states/p' <<<"$log"
	[ "$status" = 0 ] || echo "# ${log//$'\n'/$'\n'# }"
}

# models good|bad WORDS OPTIMIZE: all of them, as many at a time as there are CPUs
models() {
	local kind=$1 words=$2 optimize=$3
	local model defines text at=$number running=0

	while read -r model defines text; do
		[ "$running" -lt "$(nproc)" ] || { wait -n; running=$((running - 1)); }
		at=$((at + 1))
		running=$((running + 1))
		search "$at" "$model" "$defines" "$optimize" &
	done < <($kind)
	wait
	at=$number
	while read -r model defines text; do
		at=$((at + 1))
		judge "$at" "$model" "$model: $words $text" "$kind"
	done < <($kind)
}

# Whether it looks like a litmus test; herd7 knows better.
well_formed() {
	local name=${1##*/}

	[ "$(head -n 1 "$1")" = "C ${name%.litmus}" ] &&
		grep -q 'SPDX-License-Identifier' "$1" &&
		grep -qE '^ \* Result: (Never|Sometimes|Always)$' "$1" &&
		[ "$(grep -c '{' "$1")" = "$(grep -c '}' "$1")" ] &&
		[ "$(grep -c '^P[0-9]*(' "$1")" -ge 2 ] &&
		tail -n 1 "$1" | grep -qE '^exists \(.*\)$'
}

# Which of what there is evaluates them. lkmm.py always does.
evaluators() {
	echo lkmm
	if ! command -v herd7 >/dev/null; then
		echo '# herd7 is not installed: lkmm.py alone evaluates the litmus tests' >&2
	elif [ ! -e "$lkmm/linux-kernel.cfg" ]; then
		echo "# there is no $lkmm (see LKMM): lkmm.py alone evaluates the litmus tests" >&2
	else
		echo herd7
	fi
}

# evaluated EVALUATOR TEST NAME WANT : whether the result is the one that is wanted.
evaluated() {
	local got

	if [ "$1" = lkmm ]; then
		got=$(timeout "$patience" python3 ./lkmm.py "$2" 2>&1)
		grep -qE "^$3 $4: " <<<"$got"
	else
		got=$(cd "$lkmm" && herd7 -conf linux-kernel.cfg "$models/$2" 2>&1)
		grep -qE "^Observation $3 $4 " <<<"$got"
	fi && return
	echo "# ${got//$'\n'/$'\n# '}"
	return 1
}

# barriers TEST : whether a test that says Never needs the barriers that it says it
# does, each of them, and no others.
barriers() {
	local said

	said=$(python3 ./lkmm.py --barriers "$1" 2>&1) && return
	echo "# ${said//$'\n'/$'\n# '}"
	return 1
}

litmus() {
	local test name want evaluator

	for test in litmus/*.litmus; do
		name=${test##*/}
		name=${name%.litmus}
		want=$(sed -n 's/^ \* Result: //p' "$test")
		well_formed "$test"
		result $? "litmus: $name is well-formed"
		for evaluator in $(evaluators 2>/dev/null); do
			evaluated "$evaluator" "$test" "$name" "$want"
			result $? "litmus: $name: $want ($evaluator)"
		done
		[ "$want" = Never ] || continue
		barriers "$test"
		result $? "litmus: $name: happens without each of its barriers"
	done
}

# lkmm.py itself, with tests whose results are known.
litmus_test() {
	local line

	while IFS= read -r line; do
		case $line in
		ok*)       result 0 "${line#ok * }" ;;
		'not ok'*) result 1 "${line#not ok * }" ;;
		esac
	done < <(python3 ./lkmm_test.py || echo 'not ok 0 lkmm_test.py failed')
}

all_litmus() {
	{ evaluators >/dev/null; } 2>&1
	litmus_test
	litmus
}

if [ "$only" = litmus ]; then
	echo 'TAP version 13'
	all_litmus
	echo "1..$number"
	exit "$failed"
fi
command -v spin >/dev/null || { echo 'Bail out! spin is not installed'; exit 1; }
echo 'TAP version 13'
models good 'holds with' -O2
# These take longer to build than to search.
models bad 'fails with' -O0
all_litmus
echo "1..$number"
exit "$failed"
