// SPDX-License-Identifier: GPL-2.0
/*
 * Programs: made anew, or out of others
 */
#include "fuzz.h"

static u8 random_kind(u64 *random)
{
	unsigned int i, total = 0;
	int left;

	for (i = 0; i < op_kinds_count; i++)
		total += op_kinds[i].weight;
	left = random_below(random, total);
	for (i = 0; left >= (int)op_kinds[i].weight; i++)
		left -= op_kinds[i].weight;
	return i;
}

static struct op random_op(u64 *random)
{
	return (struct op){
		.kind = random_kind(random),
		.lane = random_below(random, 256),
		.target = random_below(random, 256),
		.shape = random_below(random, 256),
		.value = random_next(random) >> 16,
	};
}

/* A step that nearly always succeeds. */
static void add_plain(struct program *program, const char *name, u64 *random)
{
	struct op op = random_op(random);

	op.kind = op_find(name);
	op.shape = 0;
	op.target %= 128;
	program->op[program->count++] = op;
}

/* Without these there is little to do for the rest. */
static void add_setup(struct program *program, u64 *random)
{
	unsigned int i, n;

	add_plain(program, "queue_create", random);
	for (i = 0, n = 1 + random_below(random, 3); i < n; i++)
		add_plain(program, random_below(random, 2) ?
			  "producer_create" : "consumer_create", random);
	for (i = 0, n = random_below(random, 3); i < n; i++)
		add_plain(program, "mmap", random);
	for (i = 0, n = random_below(random, 3); i < n; i++)
		add_plain(program, "enqueue", random);
	program->setup = program->count;
}

/* Some are much about rings of io_uring. */
static void add_rings(struct program *program, u64 *random)
{
	static const char * const names[] = {
		"ring_create", "ring_submit", "ring_submit", "ring_submit",
		"ring_submit", "ring_reap", "ring_cancel", "ring_update",
		"ring_close",
	};
	unsigned int n = 4 + random_below(random, 12);

	add_plain(program, "ring_create", random);
	while (n-- && program->count < OPS_MAX)
		add_plain(program, names[random_below(random, 9)], random);
}

void program_make(struct program *program, u64 *random)
{
	unsigned int n = 4 + random_below(random, 29);

	memset(program, 0, sizeof(*program));
	if (!random_below(random, 3))
		program->attack = random_below(random, ATTACKS);
	if (random_below(random, 16))
		add_setup(program, random);
	if (!random_below(random, 8))
		add_rings(program, random);
	while (n-- && program->count < OPS_MAX)
		program->op[program->count++] = random_op(random);
}

static void op_insert(struct program *program, unsigned int at, struct op op)
{
	if (program->count == OPS_MAX)
		return;
	memmove(&program->op[at + 1], &program->op[at],
		(program->count - at) * sizeof(op));
	program->op[at] = op;
	program->count++;
	if (at < program->setup)
		program->setup++;
}

static void op_remove(struct program *program, unsigned int at)
{
	if (program->count < 2)
		return;
	program->count--;
	memmove(&program->op[at], &program->op[at + 1],
		(program->count - at) * sizeof(program->op[0]));
	if (at < program->setup)
		program->setup--;
}

static void op_change(struct op *op, u64 *random)
{
	struct op fresh = random_op(random);

	switch (random_below(random, 6)) {
	case 0:
		op->lane = fresh.lane;
		break;
	case 1:
		op->target = fresh.target;
		break;
	case 2:
		op->shape = fresh.shape;
		break;
	case 3:
		op->kind = fresh.kind;
		break;
	case 4:
		op->shape = 0;
		break;
	default:
		op->value = fresh.value;
	}
}

/* The end of another program in place of ours. */
static void program_splice(struct program *program, const struct program *other,
		   u64 *random)
{
	unsigned int keep = random_below(random, program->count) + 1;
	unsigned int from = random_below(random, other->count);

	program->count = keep;
	while (from < other->count && program->count < OPS_MAX)
		program->op[program->count++] = other->op[from++];
	if (program->setup > program->count)
		program->setup = program->count;
}

void program_mutate(struct program *program, const struct program *other,
		    u64 *random)
{
	unsigned int at, n = 1 + random_below(random, 4);

	while (n--) {
		at = random_below(random, program->count);
		switch (random_below(random, 8)) {
		case 0:
		case 1:
			op_insert(program, at, random_op(random));
			break;
		case 2:
			op_remove(program, at);
			break;
		case 3:
			op_insert(program, at, program->op[at]);
			break;
		case 4:
			program_splice(program, other, random);
			break;
		case 5:
			program->attack = random_below(random, ATTACKS);
			break;
		default:
			op_change(&program->op[at], random);
		}
	}
}

/* As --program takes it. */
void program_format(const struct program *program, char *text, size_t size)
{
	const u8 *bytes = (const u8 *)program;
	size_t i, n = offsetof(struct program, op) +
		      program->count * sizeof(program->op[0]);

	for (i = 0; i < n && 2 * i + 3 <= size; i++)
		sprintf(text + 2 * i, "%02x", bytes[i]);
}

bool program_parse(struct program *program, const char *text)
{
	u8 *bytes = (u8 *)program;
	size_t i, n = strspn(text, "0123456789abcdef") / 2;
	unsigned int byte;

	memset(program, 0, sizeof(*program));
	for (i = 0; i < n && i < sizeof(*program); i++) {
		if (sscanf(text + 2 * i, "%2x", &byte) != 1)
			return false;
		bytes[i] = byte;
	}
	for (i = 0; i < program->count && i < OPS_MAX; i++)
		if (program->op[i].kind >= op_kinds_count)
			return false;
	return program->count && program->count <= OPS_MAX &&
	       program->setup <= program->count &&
	       program->attack < ATTACKS &&
	       n == offsetof(struct program, op) +
		    program->count * sizeof(program->op[0]);
}

/* For people, and for --program. */
void program_print(const struct program *program)
{
	static const char * const attack[] = { "", "a producer", "a consumer" };
	char text[2 * sizeof(*program) + 1] = "";
	unsigned int i;

	if (program->attack && program->attack < ATTACKS)
		printf("#   has %s of the queue with others' items\n",
		       attack[program->attack]);
	for (i = 0; i < program->count && i < OPS_MAX; i++) {
		const struct op *op = &program->op[i];

		printf("#   %2u %s %-15s target %3u shape %3u value %08x\n", i,
		       i < program->setup ? "first" :
		       op->lane & 1 ? "right" : "left ",
		       op_kinds[op->kind % op_kinds_count].name, op->target,
		       op->shape, op->value);
	}
	program_format(program, text, sizeof(text));
	printf("#   --program %s\n", text);
}
