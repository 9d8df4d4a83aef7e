# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
#
# What to look for in the log of a guest's kernel: patterns, for grep -E. Sourced, never
# run.

# What only a kernel in trouble says. Not "Call Trace": killing for want of memory,
# which a test may ask for, prints one too.
COMPLAINTS='BUG:|BUG .* \((Not tainted|Tainted: )|kernel BUG at|WARNING:|UBSAN:|ODEBUG:|Oops:|Kernel panic'
COMPLAINTS+='|general protection fault[,:]|: [0-9a-f]{4} \[#[0-9]+\]|Unable to handle'
COMPLAINTS+='|possible (circular|recursive)|Invalid wait|inconsistent lock state|suspicious RCU'
COMPLAINTS+='|INFO: (task .* blocked|trying to register|rcu)|(self-)?detected stall|stalls on CPU'
COMPLAINTS+='|refcount_t:|(list_(add|del)|[Ss]lab).*corruption'
COMPLAINTS+='|unreferenced object 0x|new suspected memory leaks|unregister_netdevice: waiting'
# What it says of a program in trouble, which is not the kernel's: the program's name
# may look like one of those.
OF_PROGRAMS='traps: .{1,15}\[[0-9]+\] |.{1,15}\[[0-9]+\]: segfault at |.{1,15} invoked oom-killer: '
OF_PROGRAMS+='|oom-kill:|oom_reaper: |(Out of memory|Memory cgroup out of memory).*: Killed process '
OF_PROGRAMS="(<[0-9]+>)?\\[ *[0-9.]+\\]( *\\[ *[CT][0-9]+\\])? ($OF_PROGRAMS)"
