# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Tests that print TAP, and runs of such tests, for scripts that make several. Sourced,
# never run. For runs the caller sets $logs, the folder for their output, and $steps, how
# many there are; for tests $tmp, a scratch folder.

logs='' steps=0
step=0
tap_started=$SECONDS

# step_begins NAME : what comes next
step_begins() {
	step=$((step + 1))
	printf '\n# [%s of %s, %ss] %s\n' "$step" "$steps" "$((SECONDS - tap_started))" "$1"
}

# step_ended NAME STATUS : a run that fails without a failed test in its log counts as
# one failed test.
step_ended() {
	local log=$logs/$1.tap
	if [ "$2" != 0 ] && ! grep -q '^not ok' "$log"; then
		echo "not ok 1 $1 ended with status $2" | tee -a "$log"
	elif ! grep -qE '^(not )?ok' "$log"; then
		echo "not ok 1 $1 ran no test" | tee -a "$log"
	fi
}

# run NAME COMMAND... : a run of tests: its output to the terminal and to a log.
run() {
	local name=$1
	shift
	step_begins "$name"
	"$@" 2>&1 | tee "$logs/$name.tap"
	step_ended "$name" "${PIPESTATUS[0]}"
}

beside='' beside_pid=

# run_beside NAME COMMAND... : the same, beside the runs that follow, for one that takes
# long and uses one CPU. Its output to a log; run_joined shows it.
run_beside() {
	beside=$1
	shift
	step_begins "$beside, beside what follows"
	"$@" >"$logs/$beside.tap" 2>&1 &
	beside_pid=$!
	trap 'kill "$beside_pid" 2>/dev/null' EXIT
}

# run_joined : the end of what run_beside began
run_joined() {
	local status=0
	printf '\n# %s\n' "$beside"
	wait "$beside_pid" || status=$?
	trap - EXIT
	cat "$logs/$beside.tap"
	step_ended "$beside" $status
}

# tell_failed LOG... : once more what failed, with what was said just before and after:
# who sees no more than the end of the output sees that.
tell_failed() {
	awk '
	FNR == 1 { said = after = 0 }
	/^not ok / {
		gsub(/.*\/|\.tap$/, "", FILENAME)
		print "# failed in " FILENAME ":"
		for (i = said > 6 ? said - 5 : 1; i <= said; i++)
			print "#   " line[i]
		print "#   " $0
		said = 0
		after = 3
		next
	}
	/^#/ && after { print "#   " $0; after--; next }
	/^#/          { line[++said] = $0; next }
	              { said = after = 0 }' "$@" | tail -n 40
}

# count_results LOG... : the last line of all. Fails if a test did, or there was none.
count_results() {
	tell_failed "$@"
	cat "$@" | awk '
	/^ok .*# *SKIP/ { skipped++; next }
	/^ok /          { passed++ }
	/^not ok /      { failed++ }
	END {
		printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped
		exit failed || !passed
	}'
}

tap_tests=0 tap_failed=0

# ok NAME COMMAND... : one test; what the command says is shown if it fails.
ok() {
	local name=$1
	shift
	tap_tests=$((tap_tests + 1))
	if "$@" >"${tmp:?}/ok-said" 2>&1; then
		echo "ok $tap_tests ${me:?}: $name"
		return
	fi
	echo "not ok $tap_tests $me: $name"
	sed 's/^/# /' "$tmp/ok-said"
	tap_failed=1
}

# plan : after the last test. Fails if one did.
plan() {
	echo "1..$tap_tests"
	return $tap_failed
}
