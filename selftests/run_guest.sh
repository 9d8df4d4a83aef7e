#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Arguments: [DIR | TEST...]
#
# Runs test binaries one after another (by default those in its own folder, or
# in DIR) on a machine that has the module loaded: a guest of scripts/vm-run.
# Prints their TAP, and at the end
#
#   # totals: N passed, N failed, N skipped
#
# Fails if any test failed. A binary that dies, or whose results are not as many
# as its plan says, counts as a failure more.

# What is always there once, done before anything else runs: the kernel patches
# its own code for the first memory cgroup, which emulated CPUs do not take well
# while they are busy.
prepare_cgroups() {
	[ -c /dev/mpmc ] || return
	[ -e /sys/fs/cgroup/cgroup.procs ] ||
		mount -t cgroup2 none /sys/fs/cgroup 2>/dev/null || return
	echo +memory >/sys/fs/cgroup/cgroup.subtree_control 2>/dev/null
	mkdir /sys/fs/cgroup/first 2>/dev/null && rmdir /sys/fs/cgroup/first
}

# Adds up one binary's output. A skipped test is an "ok ... # SKIP".
count() {
	awk -v status="$2" -v name="$3" '
		/^1\.\.[0-9]+/ { plan = substr($1, 4); planned = 1 }
		/^ok .*# SKIP/ { skip++; next }
		/^ok /         { ok++ }
		/^not ok /     { bad++ }
		END {
			if (!planned || ok + skip + bad != plan) {
				why = "results missing"
			} else if (status && !bad) {
				why = "exit status " status
			}
			if (why != "") {
				printf "not ok %s # %s\n", name, why > "/dev/stderr"
				bad++
			}
			print ok + 0, bad + 0, skip + 0
		}' "$1"
}

run_one() {
	name=${1##*/}
	echo "# ==== $name"
	started=$(date +%s)
	{ "$1" 2>&1; echo $? >"$tmp/status"; } | tee "$tmp/output"
	# shellcheck disable=SC2046 # three numbers
	set -- $(count "$tmp/output" "$(cat "$tmp/status")" "$name")
	echo "# ==== $name: $1 passed, $2 failed, $3 skipped," \
		"$(($(date +%s) - started)) s"
	passed=$((passed + $1))
	failed=$((failed + $2))
	skipped=$((skipped + $3))
}

tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
passed=0 failed=0 skipped=0

[ $# -gt 0 ] || set -- "$(dirname "$0")"
if [ -d "$1" ]; then
	set -- "$1"/mpmc_*
fi
prepare_cgroups
for test; do
	if [ -f "$test" ] && [ -x "$test" ]; then
		run_one "$test"
	fi
done
echo "# totals: $passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
