# SPDX-License-Identifier: MIT OR Apache-2.0
#
# Makes a C file of the examples in the comments of mpmc.h, a function of each,
# with what they take for granted declared around them.

BEGIN {
	print "#include <fcntl.h>"
	print "#include <mpmc.h>"
	print "#include <poll.h>"
	print "#include <pthread.h>"
	print "#include <stdio.h>"
	print "#include <unistd.h>"
	print "#define WORKERS 4"
	print "static struct mpmc_queue *queue;"
	print "static struct mpmc_producer *producer;"
	print "static struct mpmc_consumer *consumer;"
	print "static pthread_t workers[WORKERS];"
	print "static uint64_t item;"
	print "static int dropped, fd, i, ret;"
	print "static ssize_t n;"
	print "int cannot_handle(uint64_t item);"
	print "int handle(uint64_t item, ...);"
}

/^ \* mpmc_[a-z_]+\(\) - / {
	name = $2
	sub(/\(.*/, "", name)
}

/^ \* Example:$/ {
	print "void example_" name "(void);"
	print "void example_" name "(void)\n{"
	if (name ~ /_(peek|release)/)
		print "\tstatic struct mpmc_item items[16];"
	else
		print "\tstatic uint64_t items[1000];"
	print "\t(void)items;\n\t{"
	inside = 1
	next
}

inside && /^ \*\// {
	print "\t}\n}"
	inside = 0
}

inside {
	sub(/^ \*/, "")
	print
}
