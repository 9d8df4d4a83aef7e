# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Tests that print TAP, and runs of such tests, for scripts that make several. Sourced,
# never run. For runs the caller sets $logs, the folder for their output, and $steps, how
# many there are; for tests $tmp, a scratch folder.

logs='' steps=0
step=0
tap_started=$SECONDS

# run NAME COMMAND... : a run of tests: its output to the terminal and to a log. One
# that fails without a failed test in its log counts as one failed test.
run() {
	local name=$1 log=$logs/$1.tap status
	shift
	step=$((step + 1))
	printf '\n# [%s of %s, %ss] %s\n' "$step" "$steps" "$((SECONDS - tap_started))" "$name"
	"$@" 2>&1 | tee "$log"
	status=${PIPESTATUS[0]}
	if [ "$status" != 0 ] && ! grep -q '^not ok' "$log"; then
		echo "not ok 1 $name ended with status $status" | tee -a "$log"
	elif ! grep -qE '^(not )?ok' "$log"; then
		echo "not ok 1 $name ran no test" | tee -a "$log"
	fi
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
