# SPDX-License-Identifier: MIT OR Apache-2.0
#
# Makes a manual page of the comment of each function in a header. The comments
# have the form of kernel-doc, whose own pages are those of the kernel's
# functions: with no #include, no list of errors, and no tabs in examples.
#
#	awk -v DIR=... -v HEADER=mpmc.h -v DATE=... -v VERSION=... \
#		-f pages.awk libmpmc.map mpmc.h
#
# DIR gets a NAME.3 for each. The map says since when there is a function, and
# the headings between the declarations, which of them belong together.

# --- Text ---

function escape(text)
{
	gsub(/\\/, "\\e", text)
	gsub(/-/, "\\-", text)
	return text
}

# What looks like this in a font, but for its last LESS characters
function mark(text, pattern, font, less,   out, size)
{
	out = ""
	while (match(text, pattern)) {
		size = RLENGTH - less
		out = out substr(text, 1, RSTART - 1) "\\f" font \
			substr(text, RSTART, size) "\\fP" \
			substr(text, RSTART + size, less)
		text = substr(text, RSTART + RLENGTH)
	}
	return out text
}

# Words in lines that are not too long, none of which begins as a macro does
function fill(text,   word, n, i, out, width)
{
	n = split(text, word, / +/)
	out = word[1]
	width = length(word[1])
	for (i = 2; i <= n; i++) {
		if (width + length(word[i]) > 76) {
			out = out "\n" (word[i] ~ /^[.']/ ? "\\&" : "")
			width = -1
		} else {
			out = out " "
		}
		out = out word[i]
		width += length(word[i]) + 1
	}
	return out
}

# As one line, which a tag has to be
function fonts(text)
{
	text = escape(text)
	text = mark(text, "[a-z][a-z_]*\\(\\)", "B", 2)
	text = mark(text, "[A-Z]+_[A-Z_]*[A-Z]", "B", 0)
	text = mark(text, "\\\\-E[A-Z0-9]+", "B", 0)
	text = mark(text, "@[a-z_]+", "I", 0)
	gsub(/\\fI@/, "\\fI", text)
	return text
}

# Each sentence begins a line.
function markup(text,   sentence, n, i, out)
{
	text = fonts(text)
	gsub(/\. +/, ".\n", text)
	n = split(text, sentence, "\n")
	out = ""
	for (i = 1; i <= n; i++)
		out = out fill(sentence[i]) "\n"
	return out
}

# What is written without a capital and a full stop, as one; but not names.
function as_sentence(text,   i)
{
	text = text "."
	for (i = 1; i <= nargs; i++)
		if (text ~ "^" args[i] " (is|was|has|can)")
			return markup("@" text)
	if (text !~ /^[a-z]+(_|->)/)
		text = toupper(substr(text, 1, 1)) substr(text, 2)
	return markup(text)
}

function paragraphs(text,   list, n, i, out)
{
	n = split(text, list, "\n")
	out = ""
	for (i = 1; i <= n; i++)
		out = out (i > 1 ? ".PP\n" : "") markup(list[i])
	return out
}

function code(text)
{
	text = escape(text)
	gsub(/\n\./, "\n\\\\\\&.", text)
	return ".nf\n" text ".fi\n"
}

function joined(before, text)
{
	return before == "" ? text : before " " text
}

# --- Comments ---

function forget(   i)
{
	purpose = prose = context = result = example = part = ""
	nargs = nerrors = 0
	for (i in about)
		delete about[i]
}

# begins TEXT PATTERN PART : does TEXT begin so? It goes on behind that, then.
function begins(pattern, what)
{
	if (!match(line, "^" pattern))
		return 0
	found = substr(line, 1, RLENGTH)
	line = substr(line, RLENGTH + 1)
	part = what
	return 1
}

# A line of a comment, without its star
function comment()
{
	if (part == "example") {
		sub(/^\t/, "", line)
		example = example line "\n"
		return
	}
	if (begins("[a-z_ ]+(\\(\\))? - ", "purpose") ||
	    begins("Context: ", "context") || begins("Return: ", "result"))
		;
	else if (begins("@[a-z_]+: ", "arg"))
		args[++nargs] = substr(found, 2, length(found) - 3)
	else if (begins(" -E[^:]+: ", "error"))
		errno[++nerrors] = substr(found, 2, length(found) - 3)
	else if (begins("Example:$", "example") || begins("$", "prose"))
		return
	sub(/^[ \t]+/, "", line)
	add()
}

function add()
{
	if (part == "purpose")
		purpose = joined(purpose, line)
	else if (part == "context")
		context = joined(context, line)
	else if (part == "result")
		result = joined(result, line)
	else if (part == "arg")
		about[args[nargs]] = joined(about[args[nargs]], line)
	else if (part == "error")
		why[nerrors] = found == "" ? joined(why[nerrors], line) : line
	else
		prose = prose (prose == "" ? "" : new ? "\n" : " ") line
	found = ""
	new = 0
}

# --- What a page is made of ---

function head_of(name)
{
	return ".\\\" SPDX-License-Identifier: MIT OR Apache-2.0\n" \
		".\\\" Made of " HEADER " by pages.awk\n" \
		".TH " toupper(name) " 3 " DATE " \"libmpmc " VERSION "\" " \
		"\"Library Functions Manual\"\n"
}

# In bold, parameters in italics, as many in a line as fit
function synopsis(head,   name, list, one, n, i, width, pad, out)
{
	name = head
	sub(/\(.*/, "(", name)
	list = substr(head, length(name) + 1)
	sub(/\).*/, "", list)
	width = length(name)
	pad = sprintf("%" width "s", "")
	out = "\\fB" name
	n = split(list, one, /, */)
	for (i = 1; i <= n; i++) {
		if (i > 1 && width + length(one[i]) > 72) {
			out = out "\n" pad
			width = length(pad)
		}
		width += length(one[i]) + 2
		match(one[i], /[a-z]+$/)
		out = out substr(one[i], 1, RSTART - 1) "\\fI" \
			substr(one[i], RSTART) "\\fB" (i < n ? ", " : "")
	}
	gsub(/, \n/, ",\n", out)
	return ".nf\n.B #include <" HEADER ">\n.PP\n" out ");\\fP\n.fi\n"
}

function arguments(   i, out)
{
	out = ""
	for (i = 1; i <= nargs; i++)
		out = out ".TP\n.I " args[i] "\n" \
			as_sentence(about[args[i]])
	return out
}

# The structures that a function's parameters are
function structures(head,   out, name)
{
	out = ""
	while (match(head, /struct mpmc_[a-z_]+/)) {
		name = substr(head, RSTART + 7, RLENGTH - 7)
		head = substr(head, RSTART + RLENGTH)
		if (name in structs)
			out = out ".SS struct " name "\n" structs[name]
	}
	return out
}

function returns(   text)
{
	if (result == "")
		return "None.\n"
	text = result
	if (sub(/[,;] or$/, "", text))
		text = text ", or a negative errno. The variable errno is left " \
			"as it was"
	return as_sentence(text)
}

function errors(   i, out)
{
	if (!nerrors)
		return "None.\n"
	out = ""
	for (i = 1; i <= nerrors; i++)
		out = out ".TP\n" fonts(errno[i]) "\n" as_sentence(why[i])
	return out
}

# The others of its kind
function see_also(name,   i, out)
{
	out = ""
	for (i = 1; i <= count; i++)
		if (group[names[i]] == group[name] && names[i] != name)
			out = out ".BR " names[i] " (3),\n"
	return out ".BR mpmc (4),\n.BR mpmc (7)\n"
}

function page_of(name, head)
{
	return head_of(name) ".SH NAME\n" name " \\- " escape(purpose) "\n" \
		".SH SYNOPSIS\n" synopsis(head) \
		".SH DESCRIPTION\n" paragraphs(prose) arguments() \
		structures(head) ".SH RETURN VALUE\n" returns() \
		".SH ERRORS\n" errors() \
		".SH THREAD SAFETY\n" markup(context) \
		".SH HISTORY\nlibmpmc " since[name] ".\n" \
		".SH EXAMPLE\n" code(example)
}

# --- Files ---

FILENAME ~ /\.map$/ {
	if ($1 ~ /^LIBMPMC_/)
		version = substr($1, 9)
	else if (sub(/;$/, "", $1))
		since[$1] = version
	next
}

/^\/\* --- .* --- \*\/$/ { section++ }

/^\/\*\*$/ {
	inside = 1
	forget()
	next
}

inside && /^ \*\/$/ {
	inside = 0
	declares = 1
	head = source = ""
	next
}

inside {
	line = $0
	sub(/^ \* ?/, "", line)
	if (line == "")
		new = 1
	comment()
	next
}

declares && (source != "" || /^struct /) {
	source = source $0 "\n"
	if (/^};$/) {
		sub(/^struct /, "", source)
		name = source
		sub(/ .*/, "", name)
		structs[name] = code("struct " source) arguments() \
			(prose == "" ? "" : ".PP\n" paragraphs(prose))
		declares = 0
	}
	next
}

declares {
	sub(/^[ \t]+/, "")
	head = joined(head, $0)
	if (!sub(/\);?$/, ")", head))
		next
	declares = 0
	sub(/^MPMC_INLINE /, "", head)
	name = head
	sub(/\(.*/, "", name)
	sub(/.*[ *]/, "", name)
	names[++count] = name
	group[name] = section
	pages[name] = page_of(name, head)
}

END {
	for (i = 1; i <= count; i++) {
		file = DIR "/" names[i] ".3"
		printf "%s.SH SEE ALSO\n%s", pages[names[i]],
			see_also(names[i]) >file
		close(file)
	}
	exit !count
}
