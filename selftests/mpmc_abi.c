// SPDX-License-Identifier: GPL-2.0
/*
 * Every command with every single field that can be wrong, one at a time, and
 * the errno that each gets; what is written back, and how far; the device.
 */
#include <stddef.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>

#include "mpmc_names.h"

#define PAGE page_size()
#define POISON 0xa5

enum kind { CONTROL, QUEUE, PRODUCER, CONSUMER, KINDS };

#define COMMAND(noun, fd_kind, struct_name, ...)			\
	{								\
		.name = #noun " on " #fd_kind,				\
		.cmd = MPMC_IOC_##noun,					\
		.kind = fd_kind,					\
		.size = sizeof(struct struct_name),			\
		__VA_ARGS__						\
	}

#define END_OF(struct_name, field) \
	(offsetof(struct struct_name, field) + \
	 sizeof(((struct struct_name *)0)->field))

#define CREATES_TOKEN							\
	.creates = true, .flags = MPMC_TOKEN_ARMED,			\
	.pad = offsetof(struct mpmc_token_create, pad)

#define TRANSFERS							\
	.flags = MPMC_TRANSFER_INLINE | MPMC_TRANSFER_WAIT,		\
	.pad = offsetof(struct mpmc_transfer, pad),			\
	.count = offsetof(struct mpmc_transfer, count),			\
	.deadline = offsetof(struct mpmc_transfer, deadline)

#define KICKS								\
	.pad = offsetof(struct mpmc_token_kick, pad),			\
	.count = offsetof(struct mpmc_token_kick, count)

#define ENDS								\
	.pad = offsetof(struct mpmc_lease_end, pad),			\
	.count = offsetof(struct mpmc_lease_end, count)

/**
 * struct command - a command on a kind of fd
 * @name: for messages
 * @cmd: its number
 * @kind: the kind of fd
 * @size: of its struct
 * @first_size: of the struct's first version, if that was another
 * @creates: its result is an fd
 * @writes: it has outputs, beside an item
 * @flags: that have a meaning
 * @pad: where the padding is, or 0
 * @count: where there is a count that may not be 0, or 0
 * @deadline: where there is a deadline, or 0
 */
static const struct command {
	const char *name;
	unsigned long cmd;
	enum kind kind;
	__u32 size;
	__u32 first_size;
	bool creates;
	bool writes;
	__u32 flags;
	__u32 pad;
	__u32 count;
	__u32 deadline;
} commands[] = {
	COMMAND(DEVICE_INFO, CONTROL, mpmc_device_info, .writes = true),
	COMMAND(QUEUE_CREATE, CONTROL, mpmc_queue_create, .creates = true,
		.first_size = END_OF(mpmc_queue_create, max_deliveries),
		.flags = MPMC_QUEUE_DEAD_LETTER,
		.pad = offsetof(struct mpmc_queue_create, pad)),
	COMMAND(QUEUE_OPEN, CONTROL, mpmc_queue_open, .creates = true,
		.flags = MPMC_OPEN_READ | MPMC_OPEN_WRITE | MPMC_OPEN_CREATE |
			 MPMC_OPEN_EXCL | MPMC_OPEN_NONBLOCK),
	COMMAND(QUEUE_UNLINK, CONTROL, mpmc_queue_unlink,
		.pad = offsetof(struct mpmc_queue_unlink, pad)),
	COMMAND(QUEUE_LIST, CONTROL, mpmc_queue_list,
		.pad = offsetof(struct mpmc_queue_list, pad),
		.count = offsetof(struct mpmc_queue_list, count)),
	COMMAND(QUEUE_INFO, QUEUE, mpmc_queue_info, .writes = true,
		.first_size = END_OF(mpmc_queue_info, state)),
	COMMAND(QUEUE_STATS, QUEUE, mpmc_queue_stats, .writes = true),
	COMMAND(PRODUCER_CREATE, QUEUE, mpmc_token_create, CREATES_TOKEN),
	COMMAND(CONSUMER_CREATE, QUEUE, mpmc_token_create, CREATES_TOKEN),
	COMMAND(ITEM_ENQUEUE, QUEUE, mpmc_transfer, TRANSFERS),
	COMMAND(ITEM_ENQUEUE, PRODUCER, mpmc_transfer, TRANSFERS),
	COMMAND(ITEM_DEQUEUE, QUEUE, mpmc_transfer, TRANSFERS),
	COMMAND(ITEM_DEQUEUE, CONSUMER, mpmc_transfer, TRANSFERS),
	COMMAND(TOKEN_INFO, PRODUCER, mpmc_token_info, .writes = true,
		.first_size = END_OF(mpmc_token_info, items)),
	COMMAND(TOKEN_INFO, CONSUMER, mpmc_token_info, .writes = true,
		.first_size = END_OF(mpmc_token_info, items)),
	COMMAND(TOKEN_KICK, PRODUCER, mpmc_token_kick, KICKS),
	COMMAND(TOKEN_KICK, CONSUMER, mpmc_token_kick, KICKS),
	COMMAND(LEASE_FILL, CONSUMER, mpmc_lease,
		.flags = MPMC_LEASE_WAIT | MPMC_LEASE_SHARE,
		.pad = offsetof(struct mpmc_lease, pad),
		.count = offsetof(struct mpmc_lease, count),
		.deadline = offsetof(struct mpmc_lease, deadline)),
	COMMAND(LEASE_COMMIT, CONSUMER, mpmc_lease_end, ENDS),
	COMMAND(LEASE_RELEASE, CONSUMER, mpmc_lease_end, ENDS),
	COMMAND(URING_CANCEL, QUEUE, mpmc_uring_cancel),
	COMMAND(URING_CANCEL, PRODUCER, mpmc_uring_cancel),
	COMMAND(URING_CANCEL, CONSUMER, mpmc_uring_cancel),
	/* The last, because it has an effect that cannot be undone. */
	COMMAND(QUEUE_SHUTDOWN, QUEUE, mpmc_queue_shutdown),
	{ .name = NULL }
};

static bool transfers(const struct command *c)
{
	return c->cmd == MPMC_IOC_ITEM_ENQUEUE ||
	       c->cmd == MPMC_IOC_ITEM_DEQUEUE;
}

static bool ends_lease(const struct command *c)
{
	return c->cmd == MPMC_IOC_LEASE_COMMIT ||
	       c->cmd == MPMC_IOC_LEASE_RELEASE;
}

static __u32 first_size(const struct command *c)
{
	return c->first_size ? c->first_size : c->size;
}

/* The queue by this name is there before a call, and after it. */
static const char name[] = "/abi";

static void name_arg(const struct command *c, void *arg)
{
	struct mpmc_queue_unlink *unlink = arg;
	struct mpmc_queue_list *list = arg;
	struct mpmc_queue_open *open = arg;

	if (c->cmd == MPMC_IOC_QUEUE_OPEN) {
		open->flags = MPMC_OPEN_READ | MPMC_OPEN_WRITE |
			      MPMC_OPEN_CREATE;
		open->name = (uintptr_t)name;
		open->name_size = strlen(name);
	} else if (c->cmd == MPMC_IOC_QUEUE_UNLINK) {
		unlink->name = (uintptr_t)name;
		unlink->name_size = strlen(name);
	} else if (c->cmd == MPMC_IOC_QUEUE_LIST) {
		static struct mpmc_queue_entry entry;

		list->entries = (uintptr_t)&entry;
		list->entry_size = sizeof(entry);
	}
}

/* An argument with which the command succeeds. */
static void arg_valid(const struct command *c, void *arg)
{
	struct mpmc_transfer *transfer = arg;
	struct mpmc_queue_create *create = arg;

	memset(arg, 0, c->size);
	*(__u32 *)arg = c->size;
	if (c->count)
		*(__u32 *)((char *)arg + c->count) = 1;
	if (transfers(c)) {
		transfer->flags = MPMC_TRANSFER_INLINE;
		transfer->items = 7;
	} else if (c->cmd == MPMC_IOC_QUEUE_CREATE) {
		create->capacity = 4;
	}
	name_arg(c, arg);
}

/*
 * Each test has a queue with one item in it, and room, so that neither side
 * has a reason of its own to fail.
 */
FIXTURE(abi)
{
	int fds[KINDS];
	char *arg;	/* of more than a page */
};

FIXTURE_SETUP(abi)
{
	if (names_available()) {
		new_namespace();
		ASSERT_LE(0, name_open(name, NEW, 0600));
	}
	self->fds[CONTROL] = device_open();
	ASSERT_LE(0, self->fds[CONTROL]);
	self->fds[QUEUE] = queue_create(64, 0);
	ASSERT_LE(0, self->fds[QUEUE]);
	self->fds[PRODUCER] = producer_create(self->fds[QUEUE], 0);
	ASSERT_LE(0, self->fds[PRODUCER]);
	self->fds[CONSUMER] = consumer_create(self->fds[QUEUE], 0);
	ASSERT_LE(0, self->fds[CONSUMER]);
	ASSERT_EQ(0, enq(self->fds[QUEUE], 7));
	self->arg = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->arg);
}

FIXTURE_TEARDOWN(abi)
{
	int i;

	for (i = 0; i < KINDS; i++)
		close(self->fds[i]);
}

/* Undoes what a call did: there is one item after it again. */
static void undo(int *fds, const struct command *c, int ret)
{
	__u64 item;

	if (ret >= 0 && c->creates)
		close(ret);
	else if (!ret && c->cmd == MPMC_IOC_ITEM_ENQUEUE)
		must(deq(fds[QUEUE], &item) == 1);
	else if (ret == 1 && c->cmd == MPMC_IOC_ITEM_DEQUEUE)
		must(enq(fds[QUEUE], 7) == 0);
	else if (!ret && c->cmd == MPMC_IOC_LEASE_COMMIT)
		must(enq(fds[QUEUE], 7) == 0);
	else if (!ret && c->cmd == MPMC_IOC_QUEUE_UNLINK)
		close(name_open(name, NEW, 0600));
	else if (ret < 0 ? ends_lease(c) : c->cmd == MPMC_IOC_LEASE_FILL)
		must(lease_release(fds[CONSUMER], 1) == 0);
	must(queue_items(fds[QUEUE]) == 1);
}

/* Calls, with an item leased if it takes one, and undoes it. */
static int call(int *fds, const struct command *c, void *arg)
{
	int ret;

	if (ends_lease(c))
		must(lease_fill(fds[CONSUMER], NULL, 1) == 1);
	ret = mpmc_ioctl(fds[c->kind], c->cmd, arg);
	undo(fds, c, ret);
	/* Nothing is parked here. But it has looked, and would have found it. */
	if (c->cmd == MPMC_IOC_URING_CANCEL && ret == -ENOENT)
		return 0;
	return ret;
}

static void expect_result(struct __test_metadata *_metadata, int expected,
			  int seen, const struct command *c)
{
	EXPECT_EQ(expected, seen) {
		TH_LOG("command %s", c->name);
	}
}

#define EXPECT_RESULT(expected, seen, c) \
	expect_result(_metadata, expected, seen, c)

/* Without this all the others could be failing for another reason. */
TEST_F(abi, valid_arguments_are_accepted)
{
	const struct command *c;

	for (c = commands; c->name; c++) {
		arg_valid(c, self->arg);
		EXPECT_LE(0, call(self->fds, c, self->arg))
			TH_LOG("command %s", c->name);
	}
}

/* Catches: a struct read past what the caller says it is. */
TEST_F(abi, size_too_small)
{
	const struct command *c;
	__u32 size;

	for (c = commands; c->name; c++) {
		for (size = 0; size < first_size(c); size++) {
			arg_valid(c, self->arg);
			*(__u32 *)self->arg = size;
			EXPECT_RESULT(-EINVAL, call(self->fds, c, self->arg), c);
		}
	}
}

/*
 * Callers that know the struct as it was first. Catches: their memory behind it
 * taken for what they say, or written to.
 */
TEST_F(abi, structs_of_the_first_version)
{
	const struct command *c;
	unsigned int i, rest;
	__u32 size;

	for (c = commands; c->name; c++) {
		for (size = first_size(c); size < c->size; size += 4) {
			memset(self->arg, POISON, PAGE);
			rest = c->size - size;
			arg_valid(c, self->arg);
			*(__u32 *)self->arg = size;
			memset(self->arg + size, POISON, rest);
			EXPECT_LE(0, call(self->fds, c, self->arg))
				TH_LOG("command %s", c->name);
			for (i = 0; i < rest; i++)
				ASSERT_EQ((char)POISON, self->arg[size + i]);
		}
	}
}

/* The same at the end of the memory. Catches: reads beyond what they have. */
TEST_F(abi, first_version_at_the_end_of_memory)
{
	char *end = mapping_end(PAGE), valid[128];
	const struct command *c;

	for (c = commands; c->name; c++) {
		arg_valid(c, valid);
		*(__u32 *)valid = first_size(c);
		memcpy(end - first_size(c), valid, first_size(c));
		EXPECT_LE(0, call(self->fds, c, end - first_size(c)))
			TH_LOG("command %s", c->name);
	}
}

/* Catches: sizes compared for equality, which refuses newer callers. */
TEST_F(abi, larger_struct_with_zero_tail)
{
	const struct command *c;
	__u32 sizes[] = { 4, 8, 64 }, size;
	unsigned int i;

	for (c = commands; c->name; c++) {
		for (i = 0; i <= ARRAY_SIZE(sizes); i++) {
			size = i < ARRAY_SIZE(sizes) ? c->size + sizes[i] : PAGE;
			memset(self->arg, 0, PAGE);
			arg_valid(c, self->arg);
			*(__u32 *)self->arg = size;
			EXPECT_LE(0, call(self->fds, c, self->arg))
				TH_LOG("command %s", c->name);
		}
	}
}

/* Catches: fields that the caller relies on, silently ignored. */
TEST_F(abi, larger_struct_with_tail_is_e2big)
{
	const struct command *c;
	__u32 tails[] = { 0, 1, 7, 63 };
	unsigned int i;

	for (c = commands; c->name; c++) {
		for (i = 0; i < ARRAY_SIZE(tails); i++) {
			memset(self->arg, 0, PAGE);
			arg_valid(c, self->arg);
			*(__u32 *)self->arg = c->size + 64;
			self->arg[c->size + tails[i]] = 1;
			EXPECT_RESULT(-E2BIG, call(self->fds, c, self->arg), c);
		}
	}
}

/* Catches: a tail of any length read in search of non-zero bytes. */
TEST_F(abi, larger_than_a_page_is_e2big)
{
	const struct command *c;
	__u32 sizes[] = { PAGE + 1, PAGE + 8, 2 * PAGE, 1U << 31, ~0U };
	unsigned int i;

	for (c = commands; c->name; c++) {
		for (i = 0; i < ARRAY_SIZE(sizes); i++) {
			memset(self->arg, 0, 4 * PAGE);
			arg_valid(c, self->arg);
			*(__u32 *)self->arg = sizes[i];
			EXPECT_RESULT(-E2BIG, call(self->fds, c, self->arg), c);
		}
	}
}

/* Every struct has its flags behind its size. */
TEST_F(abi, undefined_flags)
{
	const struct command *c;
	int bit;

	for (c = commands; c->name; c++) {
		for (bit = 0; bit < 32; bit++) {
			if (c->flags & 1U << bit)
				continue;
			arg_valid(c, self->arg);
			((__u32 *)self->arg)[1] |= 1U << bit;
			EXPECT_RESULT(-EINVAL, call(self->fds, c, self->arg), c);
		}
	}
}

TEST_F(abi, padding_must_be_zero)
{
	const struct command *c;
	int bit;

	for (c = commands; c->name; c++) {
		for (bit = 0; c->pad && bit < 32; bit++) {
			arg_valid(c, self->arg);
			*(__u32 *)(self->arg + c->pad) = 1U << bit;
			EXPECT_RESULT(-EINVAL, call(self->fds, c, self->arg), c);
		}
	}
}

TEST_F(abi, count_of_none)
{
	const struct command *c;

	for (c = commands; c->name; c++) {
		if (!c->count)
			continue;
		arg_valid(c, self->arg);
		*(__u32 *)(self->arg + c->count) = 0;
		EXPECT_RESULT(-EINVAL, call(self->fds, c, self->arg), c);
	}
}

/* Catches: a lease that ends before it began, counted in 32 bits. */
TEST_F(abi, lease_end_of_too_many)
{
	__u32 counts[] = { 2, 8, 9, 1U << 31, ~0U };
	const struct command *c;
	unsigned int i;

	for (c = commands; c->name; c++) {
		for (i = 0; ends_lease(c) && i < ARRAY_SIZE(counts); i++) {
			arg_valid(c, self->arg);
			*(__u32 *)(self->arg + c->count) = counts[i];
			EXPECT_RESULT(-EINVAL, call(self->fds, c, self->arg), c);
		}
	}
	EXPECT_EQ(-EINVAL, lease_commit(self->fds[CONSUMER], 1));
	EXPECT_EQ(-EINVAL, lease_release(self->fds[CONSUMER], 1));
}

TEST_F(abi, transfer_count)
{
	struct mpmc_transfer *arg = (void *)self->arg;
	__u32 bad_inline[] = { 0, 2, ~0U };
	const struct command *c;
	unsigned int i;

	for (c = commands; c->name; c++) {
		if (!transfers(c))
			continue;
		for (i = 0; i < ARRAY_SIZE(bad_inline); i++) {
			arg_valid(c, arg);
			arg->count = bad_inline[i];
			EXPECT_RESULT(-EINVAL, call(self->fds, c, arg), c);
		}
		arg_valid(c, arg);
		arg->flags = 0;
		arg->items = (uintptr_t)self->arg + PAGE;
		arg->count = 0;
		EXPECT_RESULT(-EINVAL, call(self->fds, c, arg), c);
	}
}

TEST_F(abi, deadline_without_wait)
{
	__u64 deadlines[] = { 1, 1ULL << 32, MPMC_FOREVER };
	const struct command *c;
	unsigned int i;

	for (c = commands; c->name; c++) {
		for (i = 0; c->deadline && i < ARRAY_SIZE(deadlines); i++) {
			arg_valid(c, self->arg);
			*(__u64 *)(self->arg + c->deadline) = deadlines[i];
			EXPECT_RESULT(-EINVAL, call(self->fds, c, self->arg), c);
		}
	}
}

static int create(int control, __u64 capacity, __u32 segments)
{
	struct mpmc_queue_create arg = {
		.size = sizeof(arg), .capacity = capacity, .segments = segments,
	};

	return mpmc_ioctl(control, MPMC_IOC_QUEUE_CREATE, &arg);
}

static int create_dead_letter(int control, __u32 flags, __u32 max, int dead)
{
	struct mpmc_queue_create arg = {
		.size = sizeof(arg), .flags = flags, .capacity = 4,
		.max_deliveries = max, .dead_letter = dead,
	};
	int fd = mpmc_ioctl(control, MPMC_IOC_QUEUE_CREATE, &arg);

	if (fd >= 0)
		close(fd);
	return fd < 0 ? fd : 0;
}

/* Catches: fds looked up that are not said to be there, or of any kind. */
TEST_F(abi, dead_letter)
{
	int control = self->fds[CONTROL], queue = self->fds[QUEUE], kind;
	const __u32 flag = MPMC_QUEUE_DEAD_LETTER;

	EXPECT_EQ(0, create_dead_letter(control, flag, 1, queue));
	EXPECT_EQ(0, create_dead_letter(control, flag, ~0U, queue));
	EXPECT_EQ(0, create_dead_letter(control, 0, 1, 0));
	EXPECT_EQ(-EINVAL, create_dead_letter(control, 0, 1, queue));
	EXPECT_EQ(-EINVAL, create_dead_letter(control, 0, 0, queue));
	EXPECT_EQ(-EINVAL, create_dead_letter(control, 0, 1, -1));
	EXPECT_EQ(-EINVAL, create_dead_letter(control, flag, 0, queue));
	EXPECT_EQ(-EBADF, create_dead_letter(control, flag, 1, -1));
	EXPECT_EQ(-EBADF, create_dead_letter(control, flag, 1, 1000));
	for (kind = 0; kind < KINDS; kind++)
		EXPECT_EQ(kind == QUEUE ? 0 : -ENOTTY,
			  create_dead_letter(control, flag, 1,
					     self->fds[kind]));
	EXPECT_EQ(-ENOTTY, create_dead_letter(control, flag, 1, 0));
}

TEST_F(abi, capacity_limit)
{
	struct mpmc_device_info info;
	int fd, control = self->fds[CONTROL];

	ASSERT_EQ(0, device_info(&info));
	EXPECT_EQ(-ENOSPC, create(control, info.max_capacity + 1, 1));
	EXPECT_EQ(-ENOSPC, create(control, 1ULL << 63, 1));
	EXPECT_EQ(-ENOSPC, create(control, ~0ULL, 1));
	/* Catches: a limit off by one, or memory taken in advance. */
	fd = create(control, info.max_capacity, 1);
	ASSERT_LE(0, fd);
	EXPECT_EQ(info.max_capacity, queue_state(fd).capacity);
	close(fd);
}

TEST_F(abi, segments_limit)
{
	struct mpmc_device_info info;
	int fd, control = self->fds[CONTROL];

	ASSERT_EQ(0, device_info(&info));
	EXPECT_EQ(-ENOSPC, create(control, 64, info.max_segments + 1));
	EXPECT_EQ(-ENOSPC, create(control, 64, ~0U));
	fd = create(control, 64, info.max_segments);
	ASSERT_LE(0, fd);
	EXPECT_EQ(info.max_segments, queue_state(fd).segments);
	EXPECT_EQ(64, fill(fd, 1));
	EXPECT_EQ(64, drain(fd));
	close(fd);
}

TEST_F(abi, ring_entries_limit)
{
	unsigned long cmds[] = {
		MPMC_IOC_PRODUCER_CREATE, MPMC_IOC_CONSUMER_CREATE,
	};
	struct mpmc_device_info info;
	struct mpmc_token_info token;
	int fd, i, queue = self->fds[QUEUE];

	ASSERT_EQ(0, device_info(&info));
	for (i = 0; i < 2; i++) {
		EXPECT_EQ(-EINVAL, token_create(queue, cmds[i],
						info.max_ring_entries + 1));
		/* Rounding up to a power of two must not wrap to 0. */
		EXPECT_EQ(-EINVAL, token_create(queue, cmds[i], 0x80000001));
		EXPECT_EQ(-EINVAL, token_create(queue, cmds[i], ~0U));
		fd = token_create(queue, cmds[i], info.max_ring_entries);
		ASSERT_LE(0, fd);
		ASSERT_EQ(0, token_info(fd, &token));
		EXPECT_EQ(info.max_ring_entries, token.ring_entries);
		close(fd);
	}
}

static bool has_command(enum kind kind, unsigned long cmd)
{
	const struct command *c;

	for (c = commands; c->name; c++)
		if (c->kind == kind && c->cmd == cmd)
			return true;
	return false;
}

/* Every number on every kind of fd: the known ones of other kinds included. */
TEST_F(abi, commands_of_other_kinds)
{
	int kind, nr;

	for (kind = 0; kind < KINDS; kind++) {
		for (nr = 0; nr < 256; nr++) {
			if (has_command(kind, _IO(MPMC_IOC_TYPE, nr)))
				continue;
			memset(self->arg, 0, PAGE);
			*(__u32 *)self->arg = 48;
			EXPECT_EQ(-ENOTTY, mpmc_ioctl(self->fds[kind],
						      _IO(MPMC_IOC_TYPE, nr),
						      self->arg))
				TH_LOG("fd kind %d, nr %#x", kind, nr);
		}
	}
}

/* The number alone is not the command. */
TEST_F(abi, commands_of_other_types)
{
	const struct command *c;
	unsigned long cmds[3];
	int nr, i;

	for (c = commands; c->name; c++) {
		nr = _IOC_NR(c->cmd);
		cmds[0] = _IO(MPMC_IOC_TYPE + 1, nr);
		cmds[1] = _IOW(MPMC_IOC_TYPE, nr, __u64);
		cmds[2] = _IOR(MPMC_IOC_TYPE, nr, __u64);
		for (i = 0; i < 3; i++) {
			arg_valid(c, self->arg);
			EXPECT_RESULT(-ENOTTY, mpmc_ioctl(self->fds[c->kind],
							  cmds[i], self->arg), c);
		}
	}
}

/* The struct at @end - n for every n that is too little of it. */
TEST_F(abi, argument_efault)
{
	char *end = mapping_end(PAGE);
	const struct command *c;
	char valid[128];
	__u32 n;

	for (c = commands; c->name; c++) {
		EXPECT_RESULT(-EFAULT, call(self->fds, c, NULL), c);
		EXPECT_RESULT(-EFAULT, call(self->fds, c, end), c);
		EXPECT_RESULT(-EFAULT, call(self->fds, c, (void *)-4096L), c);
		arg_valid(c, valid);
		for (n = 4; n < c->size; n += 4) {
			memcpy(end - n, valid, n);
			EXPECT_RESULT(-EFAULT, call(self->fds, c, end - n), c);
		}
	}
}

/* Catches: an item lost when the struct cannot be written back. */
TEST_F(abi, read_only_argument_efault)
{
	const struct command *c;
	char *arg;

	for (c = commands; c->name; c++) {
		/* A consumer token keeps the item: mpmc_lease. */
		if (!c->writes && (c->cmd != MPMC_IOC_ITEM_DEQUEUE ||
				   c->kind == CONSUMER))
			continue;
		arg = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		ASSERT_NE(MAP_FAILED, arg);
		arg_valid(c, arg);
		ASSERT_EQ(0, mprotect(arg, PAGE, PROT_READ));
		EXPECT_RESULT(-EFAULT, call(self->fds, c, arg), c);
		munmap(arg, PAGE);
	}
}

TEST_F(abi, emsgsize)
{
	struct mpmc_device_info info;
	__u64 items[65], big, *huge;
	int i, queue, fds[] = { self->fds[QUEUE], self->fds[PRODUCER] };

	memset(items, 1, sizeof(items));
	for (i = 0; i < 2; i++) {
		/* Whether there is room now or not: it can never succeed. */
		EXPECT_EQ(-EMSGSIZE, enq_bulk(fds[i], items, 65));
		EXPECT_EQ(-EMSGSIZE, enq_bulk(fds[i], items, ~0U));
		/* Catches: sleeping for ever for room that cannot come. */
		EXPECT_EQ(-EMSGSIZE, enq_bulk_until(fds[i], items, 65,
						    MPMC_FOREVER));
	}
	EXPECT_EQ(1, queue_items(self->fds[QUEUE]));
	EXPECT_EQ(63, fill(self->fds[QUEUE], 1));
	EXPECT_EQ(-EMSGSIZE, enq_bulk(fds[0], items, 65));
	EXPECT_EQ(64, drain(self->fds[QUEUE]));
	EXPECT_EQ(0, enq_bulk(fds[0], items, 64));

	/* What fits must not be EMSGSIZE, however large: a queue in one go. */
	ASSERT_EQ(0, device_info(&info));
	big = info.max_capacity < 300000 ? info.max_capacity : 300000;
	huge = calloc(big, sizeof(*huge));
	queue = queue_create(big, 0);
	ASSERT_LE(0, queue);
	EXPECT_EQ(0, enq_bulk(queue, huge, big));
	EXPECT_EQ(big, drain(queue));
	close(queue);
	free(huge);
}

/* Asking for more than there is, or than there can be, is no error. */
TEST_F(abi, dequeue_count_beyond_capacity)
{
	static __u64 items[80];
	int i, fds[] = { self->fds[QUEUE], self->fds[CONSUMER] };

	for (i = 0; i < 2; i++) {
		EXPECT_EQ(1, deq_bulk(fds[i], items, 65));
		EXPECT_EQ(7, items[0]);
		ASSERT_EQ(0, enq(self->fds[QUEUE], 7));
		EXPECT_EQ(1, deq_bulk(fds[i], items, ~0U));
		ASSERT_EQ(0, enq(self->fds[QUEUE], 7));
	}
}

static bool all_bytes(const char *p, int byte, size_t n)
{
	while (n--)
		if ((unsigned char)*p++ != byte)
			return false;
	return true;
}

/*
 * Catches: output fields left as they were (each is poisoned before), and
 * bytes written behind the size that the caller gave.
 */
TEST_F(abi, device_info_written)
{
	struct mpmc_device_info *info = (void *)self->arg;

	memset(self->arg, POISON, PAGE);
	info->size = sizeof(*info);
	info->flags = 0;
	ASSERT_EQ(0, mpmc_ioctl(self->fds[CONTROL], MPMC_IOC_DEVICE_INFO, info));
	EXPECT_EQ(sizeof(*info), info->size);
	EXPECT_EQ(0, info->flags);
	/* Those that not every kernel has: below. */
	EXPECT_EQ(MPMC_FEATURE_LEASE | MPMC_FEATURE_MAP |
		  MPMC_FEATURE_DELIVERY_LIMIT,
		  info->features & ~(MPMC_FEATURE_NAMES | MPMC_FEATURE_URING |
				     MPMC_FEATURE_URING_PARK));
	/* The defaults must be possible, the product's tests too. */
	EXPECT_LE(1048576, info->max_capacity);
	EXPECT_GT(1ULL << 48, info->max_capacity);
	EXPECT_LE(sysconf(_SC_NPROCESSORS_CONF), info->max_segments);
	EXPECT_GT(1 << 24, info->max_segments);
	EXPECT_LE(4096, info->max_ring_entries);
	EXPECT_EQ(0, info->max_ring_entries & (info->max_ring_entries - 1));
	EXPECT_LE(1000, info->max_tokens);
	EXPECT_GT(1 << 24, info->max_tokens);
	EXPECT_LE(16, info->max_queues);
	EXPECT_GT(1 << 24, info->max_queues);
	EXPECT_TRUE(all_bytes((char *)(info + 1), POISON, PAGE - sizeof(*info)));
}

/* Whether the kernel is of this release, or of a later one. */
static bool kernel_since(int major, int minor)
{
	struct utsname name;
	int is_major, is_minor;

	must(uname(&name) == 0);
	must(sscanf(name.release, "%d.%d", &is_major, &is_minor) == 2);
	return is_major > major || (is_major == major && is_minor >= minor);
}

static bool kernel_has_mqueue(void)
{
	FILE *file = fopen("/proc/filesystems", "r");
	char line[64];
	bool has = false;

	must(file);
	while (fgets(line, sizeof(line), file))
		has = has || !strcmp(line, "nodev\tmqueue\n");
	fclose(file);
	return has;
}

static bool kernel_has_uring(void)
{
	return syscall(SYS_io_uring_setup, 1, NULL) >= 0 || errno != ENOSYS;
}

/*
 * By what the kernel says of itself. Catches: a probe that fails (kmod/compat), with
 * which all the tests of a feature would be skipped.
 */
TEST(features_of_this_kernel)
{
	bool uring = kernel_has_uring();
	struct mpmc_device_info info;

	ASSERT_EQ(0, device_info(&info));
	EXPECT_EQ(kernel_has_mqueue(), !!(info.features & MPMC_FEATURE_NAMES));
	EXPECT_EQ(uring, !!(info.features & MPMC_FEATURE_URING));
	EXPECT_EQ(uring && kernel_since(6, 7),
		  !!(info.features & MPMC_FEATURE_URING_PARK));
}

TEST_F(abi, queue_info_written)
{
	struct mpmc_queue_info *info = (void *)self->arg;

	memset(self->arg, POISON, PAGE);
	info->size = sizeof(*info);
	info->flags = 0;
	ASSERT_EQ(0, mpmc_ioctl(self->fds[QUEUE], MPMC_IOC_QUEUE_INFO, info));
	EXPECT_EQ(sizeof(*info), info->size);
	EXPECT_EQ(0, info->flags);
	EXPECT_EQ(64, info->capacity);
	EXPECT_EQ(1, info->items);
	EXPECT_EQ(0, info->leased);
	EXPECT_LE(sysconf(_SC_NPROCESSORS_CONF), info->segments);
	EXPECT_EQ(1, info->producers);
	EXPECT_EQ(1, info->consumers);
	EXPECT_EQ(0, info->enqueue_waiters);
	EXPECT_EQ(0, info->dequeue_waiters);
	EXPECT_EQ(0, info->state);
	EXPECT_EQ(0, info->granted);
	EXPECT_EQ(0, info->redelivered);
	EXPECT_EQ(0, info->dead);
	EXPECT_EQ(0, info->dropped);
	EXPECT_TRUE(all_bytes((char *)(info + 1), POISON, PAGE - sizeof(*info)));
}

/* Whole pages, and everything in them: where the header says. */
static void expect_layout(struct __test_metadata *_metadata,
			  const struct mpmc_token_info *info)
{
	bool produces = info->kind == MPMC_TOKEN_PRODUCER;
	__u32 items = info->ring_entries * sizeof(__u64);

	EXPECT_LT(0, info->kernel_size);
	EXPECT_LT(0, info->owner_size);
	EXPECT_EQ(0, info->kernel_size % PAGE);
	EXPECT_EQ(0, info->owner_size % PAGE);
	EXPECT_LE(sizeof(struct mpmc_map_queue), info->token_offset);
	EXPECT_LE(info->token_offset + sizeof(struct mpmc_map_token),
		  info->kernel_size);
	EXPECT_EQ(0, info->items_offset % sizeof(__u64));
	EXPECT_EQ(0, info->deliveries_offset % sizeof(__u32));
	EXPECT_LE(info->items_offset + items,
		  produces ? info->owner_size : info->kernel_size);
	if (produces) {
		EXPECT_LE(sizeof(__u64), info->items_offset);
		EXPECT_EQ(0, info->deliveries_offset);
	} else {
		EXPECT_LE(info->items_offset + items, info->deliveries_offset);
		EXPECT_LE(info->deliveries_offset + items / 2,
			  info->kernel_size);
	}
}

/* Catches: a producer to be mapped whose items go elsewhere. */
TEST_F(abi, one_segment_maps_no_producers)
{
	int queue = queue_create(64, 1), producer, consumer;
	struct mpmc_token_info info;

	ASSERT_LE(0, queue);
	producer = producer_create(queue, 0);
	consumer = consumer_create(queue, 0);
	ASSERT_EQ(0, token_info(producer, &info));
	EXPECT_EQ(0, info.kernel_size);
	EXPECT_EQ(0, info.owner_size);
	ASSERT_EQ(0, token_info(consumer, &info));
	expect_layout(_metadata, &info);
	close(producer);
	close(consumer);
	close(queue);
}

TEST_F(abi, token_info_written)
{
	struct mpmc_token_info *info = (void *)self->arg;
	int i, kinds[] = { PRODUCER, CONSUMER };

	ASSERT_EQ(0, enq(self->fds[PRODUCER], 1));
	for (i = 0; i < 2; i++) {
		memset(self->arg, POISON, PAGE);
		info->size = sizeof(*info);
		info->flags = 0;
		ASSERT_EQ(0, mpmc_ioctl(self->fds[kinds[i]],
					MPMC_IOC_TOKEN_INFO, info));
		EXPECT_EQ(sizeof(*info), info->size);
		EXPECT_EQ(0, info->flags);
		EXPECT_EQ(i ? MPMC_TOKEN_CONSUMER : MPMC_TOKEN_PRODUCER,
			  info->kind);
		EXPECT_EQ(8, info->ring_entries);	/* 64 / 8 */
		EXPECT_EQ(i ? 0 : 1, info->items);
		EXPECT_EQ(0, info->pad);
		expect_layout(_metadata, info);
		EXPECT_TRUE(all_bytes((char *)(info + 1), POISON,
				      PAGE - sizeof(*info)));
	}
}

/* A caller with larger structs must not see its unknown fields filled in. */
TEST_F(abi, unknown_output_stays_zero)
{
	const struct command *c;

	for (c = commands; c->name; c++) {
		memset(self->arg, 0, PAGE);
		arg_valid(c, self->arg);
		*(__u32 *)self->arg = c->size + 64;
		memset(self->arg + c->size + 64, POISON, 64);
		EXPECT_LE(0, call(self->fds, c, self->arg))
			TH_LOG("command %s", c->name);
		EXPECT_TRUE(all_bytes(self->arg + c->size, 0, 64));
		EXPECT_TRUE(all_bytes(self->arg + c->size + 64, POISON, 64));
	}
}

/* Nothing but the item may change in what only goes in. */
TEST_F(abi, input_is_not_written)
{
	const struct command *c;
	char before[128];

	for (c = commands; c->name; c++) {
		if (c->writes || c->cmd == MPMC_IOC_ITEM_DEQUEUE)
			continue;
		arg_valid(c, self->arg);
		memcpy(before, self->arg, c->size);
		EXPECT_LE(0, call(self->fds, c, self->arg));
		EXPECT_EQ(0, memcmp(before, self->arg, c->size))
			TH_LOG("command %s", c->name);
	}
}

TEST_F(abi, dequeue_writes_the_item_only)
{
	struct mpmc_transfer want = {
		.size = sizeof(want),
		.flags = MPMC_TRANSFER_INLINE | MPMC_TRANSFER_WAIT,
		.items = 7, .count = 1, .deadline = MPMC_FOREVER,
	}, arg = want;
	__u64 items[4] = { 1, 2, 3, 4 };

	arg.items = 0;
	ASSERT_EQ(1, mpmc_ioctl(self->fds[QUEUE], MPMC_IOC_ITEM_DEQUEUE, &arg));
	EXPECT_EQ(0, memcmp(&want, &arg, sizeof(arg)));
	/* The bulk form: no more of the array than the items there were. */
	ASSERT_EQ(0, enq(self->fds[QUEUE], 9));
	ASSERT_EQ(1, deq_bulk(self->fds[QUEUE], items, 4));
	EXPECT_EQ(9, items[0]);
	EXPECT_EQ(2, items[1]);
	/* When there is nothing, nothing is written. */
	EXPECT_EQ(-EAGAIN, deq_bulk(self->fds[QUEUE], items, 4));
	EXPECT_EQ(9, items[0]);
}

TEST_F(abi, close_on_exec)
{
	int i;

	for (i = QUEUE; i < KINDS; i++)
		EXPECT_EQ(FD_CLOEXEC, fcntl(self->fds[i], F_GETFD));
}

TEST_F(abi, defaults)
{
	int possible = sysconf(_SC_NPROCESSORS_CONF);
	int producer, consumer, queue = create(self->fds[CONTROL], 0, 0);
	struct mpmc_token_info info;

	ASSERT_LE(0, queue);
	EXPECT_EQ(1048576, queue_state(queue).capacity);
	EXPECT_LE(possible, queue_state(queue).segments);
	producer = producer_create(queue, 0);
	consumer = consumer_create(queue, 0);
	ASSERT_EQ(0, token_info(producer, &info));
	EXPECT_EQ(4096, info.ring_entries);
	ASSERT_EQ(0, token_info(consumer, &info));
	EXPECT_EQ(4096, info.ring_entries);
	close(producer);
	close(consumer);
	close(queue);
}

TEST_F(abi, ring_entries_round_up)
{
	static const __u32 sizes[][2] = {
		{ 1, 1 }, { 2, 2 }, { 3, 4 }, { 5, 8 }, { 1000, 1024 },
		{ 4096, 4096 },
	};
	struct mpmc_token_info info;
	unsigned int i;
	int fd;

	for (i = 0; i < 2 * ARRAY_SIZE(sizes); i++) {
		fd = token_create(self->fds[QUEUE],
				  i % 2 ? MPMC_IOC_PRODUCER_CREATE :
					  MPMC_IOC_CONSUMER_CREATE,
				  sizes[i / 2][0]);
		ASSERT_LE(0, fd);
		ASSERT_EQ(0, token_info(fd, &info));
		EXPECT_EQ(sizes[i / 2][1], info.ring_entries);
		close(fd);
	}
}

/* A creation that fails must not leave its half-made object behind. */
TEST_F(abi, create_without_a_free_fd)
{
	struct rlimit limit, none;
	const struct command *c;
	int ret;

	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &limit));
	none = limit;
	none.rlim_cur = 3;
	for (c = commands; c->name; c++) {
		if (!c->creates)
			continue;
		arg_valid(c, self->arg);
		ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &none));
		ret = mpmc_ioctl(self->fds[c->kind], c->cmd, self->arg);
		ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
		EXPECT_RESULT(-EMFILE, ret, c);
	}
	EXPECT_EQ(1, queue_state(self->fds[QUEUE]).producers);
	EXPECT_EQ(1, queue_state(self->fds[QUEUE]).consumers);
}

TEST(device_node)
{
	struct stat st;

	ASSERT_EQ(0, stat(DEVICE, &st));
	EXPECT_TRUE(S_ISCHR(st.st_mode));
	EXPECT_EQ(0666, st.st_mode & 0777);
	EXPECT_EQ(10, major(st.st_rdev));	/* misc */
}

TEST_HARNESS_MAIN
