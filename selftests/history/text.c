// SPDX-License-Identifier: GPL-2.0
/*
 * Histories as text: a line for the queue, and then one for each operation
 *
 *	capacity 2 segments 1
 *	THREAD CALL RETURN  VERB WHERE ... = RESULT
 *
 * WHERE is q, the queue itself, or a token: p0, c1. The verbs:
 *
 *	put q 1 2 = 0			put p0 3 until 90 granted 2 = ETIMEDOUT
 *	store p0 4 = 0			take q 3 = 1 2
 *	take c1 1 until 80 = EPIPE	peek c1 2 = 1/1 2/3 (item/deliveries)
 *	commit c1 1 = 0			ack c1 1 = 0
 *	release c1 2 = 0		open p0 4 mapped = 0 (a ring of 4)
 *	close c1 = 0			shutdown q = 0
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "history.h"

static const char *const verbs[KINDS] = {
	[PUT] = "put", [STORE] = "store", [TAKE] = "take", [PEEK] = "peek",
	[COMMIT] = "commit", [ACK] = "ack", [RELEASE] = "release",
	[OPEN] = "open", [CLOSE] = "close", [SHUTDOWN] = "shutdown",
};

static const struct { int error; const char *name; } errors[] = {
	{ EAGAIN, "EAGAIN" }, { ETIMEDOUT, "ETIMEDOUT" }, { EPIPE, "EPIPE" },
	{ EMSGSIZE, "EMSGSIZE" }, { EINVAL, "EINVAL" },
};

#define ERRORS (sizeof(errors) / sizeof(*errors))

/* --- Writing --- */

static const char *error_name(int error)
{
	unsigned int i;

	for (i = 0; i < ERRORS; i++)
		if (errors[i].error == error)
			return errors[i].name;
	return strerror(error);
}

static void write_where(const struct history *history, const struct op *op,
			FILE *to)
{
	if (op->token == QUEUE)
		fprintf(to, " q");
	else
		fprintf(to, " %c%d",
			history->token[op->token].produces ? 'p' : 'c',
			op->token);
}

static void write_result(const struct op *op, FILE *to)
{
	unsigned int i;

	fprintf(to, " =");
	if (op->error)
		fprintf(to, " %s", error_name(op->error));
	else if (!op_takes(op))
		fprintf(to, " 0");
	for (i = 0; op_takes(op) && i < op->n; i++) {
		fprintf(to, " %llu", op->item[i]);
		if (op->kind == PEEK)
			fprintf(to, "/%u", op->deliveries[i]);
	}
}

static void write_op(const struct history *history, const struct op *op,
		     FILE *to)
{
	unsigned int i;

	fprintf(to, "%s", verbs[op->kind]);
	write_where(history, op, to);
	if (!op_puts(op) && op->kind != CLOSE && op->kind != SHUTDOWN)
		fprintf(to, " %u", op->count);
	for (i = 0; op_puts(op) && i < op->n; i++)
		fprintf(to, " %llu", op->item[i]);
	if (op->mapped)
		fprintf(to, " mapped");
	if (op->deadline)
		fprintf(to, " until %llu", op->deadline);
	if (op->granted)
		fprintf(to, " granted %u", op->granted);
	write_result(op, to);
}

/**
 * op_format() - an operation without its times
 * @history: its history
 * @op: the operation
 * @text: where to write it
 * @size: of that
 *
 * Return: how long it is.
 */
int op_format(const struct history *history, const struct op *op, char *text,
	      size_t size)
{
	FILE *to = fmemopen(text, size, "w");
	int n;

	if (!to)
		abort();
	write_op(history, op, to);
	n = ftell(to);
	fclose(to);
	text[size - 1] = 0;
	return n;
}

/**
 * history_write() - write a history, as history_parse() reads it
 * @history: the history
 * @to: where to
 */
void history_write(const struct history *history, FILE *to)
{
	const struct op *op;
	unsigned int i;

	fprintf(to, "#: capacity %u segments %u\n", history->capacity,
		history->segments);
	for (i = 0; i < history->ops; i++) {
		op = &history->op[i];
		fprintf(to, "#: %d %llu %llu ", op->thread, op->call,
			op->ret);
		write_op(history, op, to);
		fprintf(to, "\n");
	}
}

/* --- Reading --- */

/* The next word of a line, or NULL. */
static char *next_word(char **line)
{
	char *word;

	do {
		word = strsep(line, " \t");
	} while (word && !*word);
	return word;
}

static bool read_number(char **line, u64 *number)
{
	char *end, *word = next_word(line);

	if (!word)
		return false;
	*number = strtoull(word, &end, 10);
	return !*end;
}

static bool read_verb(char **line, struct op *op)
{
	char *word = next_word(line);
	unsigned int i;

	for (i = 0; word && i < KINDS; i++) {
		if (!strcmp(word, verbs[i])) {
			op->kind = i;
			return true;
		}
	}
	return false;
}

static bool read_where(struct history *history, char **line, struct op *op)
{
	char *word = next_word(line);

	op->token = QUEUE;
	if (!word || !strcmp(word, "q"))
		return word;
	op->token = atoi(word + 1);
	if (op->token < 0 || op->token >= TOKENS_MAX)
		return false;
	if ((unsigned int)op->token >= history->tokens)
		history->tokens = op->token + 1;
	history->token[op->token].produces = *word == 'p';
	return *word == 'p' || *word == 'c';
}

static bool add_item(struct op *op, const char *word)
{
	const char *slash = strchr(word, '/');

	if (op->n == OP_ITEMS)
		return false;
	op->deliveries[op->n] = slash ? atoi(slash + 1) : 1;
	op->item[op->n++] = strtoull(word, NULL, 10);
	return true;
}

/* What is between the place and the result. */
static bool read_arguments(char **line, struct op *op)
{
	u64 number;
	char *word;

	while ((word = next_word(line)) && strcmp(word, "=")) {
		if (!strcmp(word, "mapped")) {
			op->mapped = true;
		} else if (!strcmp(word, "until")) {
			if (!read_number(line, &op->deadline))
				return false;
		} else if (!strcmp(word, "granted")) {
			if (!read_number(line, &number))
				return false;
			op->granted = number;
		} else if (!op_puts(op)) {
			op->count = atoi(word);
		} else if (!add_item(op, word)) {
			return false;
		}
	}
	return word;
}

static bool read_result(char **line, struct op *op)
{
	unsigned int i;
	char *word;

	while ((word = next_word(line))) {
		for (i = 0; i < ERRORS; i++)
			if (!strcmp(word, errors[i].name))
				op->error = errors[i].error;
		if (op_takes(op) && !op->error && !add_item(op, word))
			return false;
	}
	return true;
}

static bool read_op(struct history *history, char *line)
{
	struct op *op = &history->op[history->ops];
	u64 thread;

	if (history->ops == OPS_MAX)
		return false;
	memset(op, 0, sizeof(*op));
	if (!read_number(&line, &thread) || thread >= THREADS_MAX ||
	    !read_number(&line, &op->call) || !read_number(&line, &op->ret) ||
	    op->ret < op->call || !read_verb(&line, op) ||
	    !read_where(history, &line, op) || !read_arguments(&line, op) ||
	    !read_result(&line, op))
		return false;
	op->thread = thread;
	if (op_puts(op))
		op->count = op->n;
	if (op->kind == OPEN) {
		history->token[op->token].entries = op->count;
		history->token[op->token].mapped = op->mapped;
		op->produces = history->token[op->token].produces;
	}
	history->ops++;
	return true;
}

/**
 * history_parse() - read a history
 * @history: where to
 * @text: the text; what is before the line of the queue is not looked at, nor are
 *	lines that begin with a #, but for those that begin with "#: "
 *
 * Return: NULL, or the line that is wrong, which stays until the next call.
 */
const char *history_parse(struct history *history, const char *text)
{
	static char wrong[200];
	char *copy = strdup(text), *rest = copy, *line, *scan;
	bool good = true;

	memset(history, 0, sizeof(*history));
	while (good && (line = strsep(&rest, "\n"))) {
		snprintf(wrong, sizeof(wrong), "%s", line);
		scan = line + (strncmp(line, "#: ", 3) ? 0 : 3);
		scan += strspn(scan, " \t");
		if (!*scan || *scan == '#')
			continue;
		if (sscanf(scan, "capacity %u segments %u", &history->capacity,
			   &history->segments) != 2 && history->capacity)
			good = read_op(history, scan);
	}
	free(copy);
	if (good && !history->capacity)
		return "there is no line \"capacity N segments N\"";
	return good ? NULL : wrong;
}
