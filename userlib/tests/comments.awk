# SPDX-License-Identifier: MIT OR Apache-2.0
#
# Says what the comments of the functions in mpmc.h lack: a parameter, what is
# returned, who may call it, an example. MIN is how many there are at least.

function lacks(what) {
	print name ": " what
}

# A function's comment is complete, and its declaration is in head.
function examine(   args, i, n) {
	count++
	name = head
	sub(/\(.*/, "", name)
	sub(/.*[ *]/, "", name)
	if (index(text, "\n * " name "() - ") == 0)
		lacks("its name")
	if (head !~ /^ void / && text !~ /\n \* Return: /)
		lacks("Return")
	if (text !~ /\n \* Context: .*thread/)
		lacks("Context, with threads")
	if (text !~ /\n \* Example:\n/)
		lacks("Example")
	sub(/^[^(]*\(/, "", head)
	sub(/\).*/, "", head)
	n = split(head, args, ",")
	for (i = 1; i <= n; i++) {
		sub(/.*[ *]/, "", args[i])
		if (index(text, "\n * @" args[i] ": ") == 0)
			lacks("@" args[i])
	}
}

/^\/\*/ { text = ""; inside = 1 }

inside {
	text = text $0 "\n"
	inside = !/\*\/$/
	declares = !inside && text ~ /\n \* mpmc_[a-z_]*\(\) - /
	head = ""
	next
}

declares {
	head = head " " $0
	if (/\)(;| $|$)/) {
		examine()
		declares = 0
	}
}

END {
	if (count < MIN)
		print "there are only " count
}
