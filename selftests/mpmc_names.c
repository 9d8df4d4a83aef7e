// SPDX-License-Identifier: GPL-2.0
/*
 * Queues with names: opening, unlinking and listing them, who may do so, the
 * namespaces that they are in, and how long all that lives.
 */
#include "mpmc_cgroup.h"
#include "mpmc_names.h"

#define USER 1000
#define OTHER 1001
#define GROUP 2000
#define OTHER_GROUP 2001

/* Each test has a namespace of its own, and leaves nothing behind. */
FIXTURE(names)
{
	mode_t mask;
};

FIXTURE_SETUP(names)
{
	if (!names_available())
		SKIP(return, "a kernel that can't have names");
	new_namespace();
	self->mask = umask(0);
}

FIXTURE_TEARDOWN(names)
{
	umask(self->mask);
}

/* Catches: a queue for each open, and one that goes with its fd or its name. */
TEST_F(names, open_shares_and_unlink_ends)
{
	int first, second;
	__u64 item = 0;

	EXPECT_EQ(-ENOENT, name_open("/jobs", RW, 0));
	first = name_open("/jobs", NEW, 0600);
	ASSERT_LE(0, first);
	EXPECT_EQ(FD_CLOEXEC, fcntl(first, F_GETFD));
	second = name_open("/jobs", RW, 0);
	ASSERT_LE(0, second);
	ASSERT_EQ(0, enq(first, 1));
	EXPECT_EQ(1, deq(second, &item));
	EXPECT_EQ(1, item);
	ASSERT_EQ(0, enq(second, 2));
	close(first);
	close(second);
	/* Nobody has it open, and it is there with what is in it. */
	first = name_open("/jobs", RW, 0);
	ASSERT_LE(0, first);
	EXPECT_EQ(1, queue_items(first));
	ASSERT_EQ(0, name_unlink("/jobs"));
	EXPECT_EQ(-ENOENT, name_unlink("/jobs"));
	EXPECT_EQ(-ENOENT, name_open("/jobs", RW, 0));
	EXPECT_EQ(1, deq(first, &item));
	EXPECT_EQ(2, item);
	/* Another one by the same name is another one. */
	second = name_open("/jobs", NEW, 0600);
	ASSERT_LE(0, second);
	ASSERT_EQ(0, enq(second, 3));
	EXPECT_EQ(-EAGAIN, deq(first, &item));
	close(first);
	close(second);
}

/* Catches: names that no tool could show, or that another check lets through. */
TEST_F(names, what_a_name_is)
{
	char longest[300] = "/", *end = mapping_end(4);
	const char *bad[] = { "", "/", "jobs", "/a/b", "//", "/a/", "/.",
			      "/..", "jobs/" };
	const char *good[] = { "/a", "/...", "/.a", "/ \n\t", "/\xff\x01" };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_EQ(-EINVAL, name_open(bad[i], NEW, 0600))
			TH_LOG("name '%s'", bad[i]);
		EXPECT_EQ(-EINVAL, name_unlink(bad[i]));
	}
	EXPECT_EQ(-EINVAL, name_open_raw("/a\0b", 4, NEW, 0600, NULL));
	EXPECT_EQ(-EINVAL, name_open_raw("/a", 3, NEW, 0600, NULL));
	EXPECT_EQ(-EFAULT, name_open_raw(NULL, 5, NEW, 0600, NULL));
	EXPECT_EQ(-EFAULT, name_open_raw(end - 2, 5, NEW, 0600, NULL));
	memset(longest + 1, 'x', 256);
	EXPECT_EQ(-ENAMETOOLONG, name_open(longest, NEW, 0600));
	EXPECT_EQ(-ENAMETOOLONG, name_unlink(longest));
	EXPECT_EQ(-ENAMETOOLONG, name_open_raw(longest, ~0U, NEW, 0600, NULL));
	longest[256] = '\0';
	ASSERT_EQ(256, strlen(longest));
	EXPECT_LE(0, name_open(longest, NEW, 0600));
	EXPECT_TRUE(name_listed(longest));
	for (i = 0; i < ARRAY_SIZE(good); i++) {
		EXPECT_LE(0, name_open(good[i], NEW, 0600))
			TH_LOG("name '%s'", good[i]);
		EXPECT_TRUE(name_listed(good[i]));
	}
	/* Not terminated by a 0 in memory. */
	memcpy(end - 2, "/z", 2);
	EXPECT_LE(0, name_open_raw(end - 2, 2, NEW, 0600, NULL));
	EXPECT_TRUE(name_listed("/z"));
}

TEST_F(names, what_an_open_says)
{
	struct mpmc_queue_create create = { .size = sizeof(create) };
	const __u32 create_only = MPMC_OPEN_CREATE | RW;

	EXPECT_EQ(-EINVAL, name_open("/q", MPMC_OPEN_CREATE, 0600));
	EXPECT_EQ(-EINVAL, name_open("/q", RW | MPMC_OPEN_EXCL, 0));
	EXPECT_EQ(-EINVAL, name_open("/q", RW, 0600));
	EXPECT_EQ(-EINVAL, name_open("/q", create_only, 01000));
	EXPECT_EQ(-EINVAL, name_open("/q", create_only | 0x20, 0600));
	EXPECT_EQ(-EINVAL, name_open_raw("/q", 2, RW, 0, &create));
	create.size = 4;
	EXPECT_EQ(-EINVAL, name_open_raw("/q", 2, create_only, 0, &create));
	create.size = sizeof(create);
	create.pad = 1;
	EXPECT_EQ(-EINVAL, name_open_raw("/q", 2, create_only, 0, &create));
	create.pad = 0;
	create.segments = ~0U;
	EXPECT_EQ(-ENOSPC, name_open_raw("/q", 2, create_only, 0, &create));
	EXPECT_EQ(-EFAULT, name_open_raw("/q", 2, create_only, 0, (void *)8));
	EXPECT_EQ(-ENOENT, name_open("/q", RW, 0));
	EXPECT_EQ(0, name_list(NULL, (struct mpmc_queue_entry[1]){}, 1));
}

/* Catches: what a queue is to be like ignored, or taken for one that exists. */
TEST_F(names, creates_as_asked)
{
	struct mpmc_queue_create create = {
		.size = sizeof(create), .capacity = 3, .segments = 1,
	};
	const __u32 flags = RW | MPMC_OPEN_CREATE;
	int made = name_open_raw("/q", 2, flags, 0600, &create), again;

	ASSERT_LE(0, made);
	EXPECT_EQ(3, queue_state(made).capacity);
	EXPECT_EQ(1, queue_state(made).segments);
	EXPECT_EQ(-EEXIST, name_open_raw("/q", 2, flags | MPMC_OPEN_EXCL, 0600,
					 &create));
	create.capacity = 5;
	again = name_open_raw("/q", 2, flags, 0600, &create);
	ASSERT_LE(0, again);
	EXPECT_EQ(3, queue_state(again).capacity);
	again = name_open("/default", NEW, 0600);
	ASSERT_LE(0, again);
	EXPECT_EQ(1048576, queue_state(again).capacity);
}

TEST_F(names, nonblock)
{
	int fd = name_open("/q", NEW | MPMC_OPEN_NONBLOCK, 0600);

	ASSERT_LE(0, fd);
	EXPECT_EQ(O_RDWR | O_NONBLOCK,
		  fcntl(fd, F_GETFL) & (O_ACCMODE | O_NONBLOCK));
	fd = name_open("/q", MPMC_OPEN_READ, 0);
	EXPECT_EQ(O_RDONLY, fcntl(fd, F_GETFL) & (O_ACCMODE | O_NONBLOCK));
	fd = name_open("/q", MPMC_OPEN_WRITE, 0);
	EXPECT_EQ(O_WRONLY, fcntl(fd, F_GETFL) & (O_ACCMODE | O_NONBLOCK));
}

static short polled(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN | POLLOUT };

	must(poll(&pfd, 1, 0) >= 0);
	return pfd.revents;
}

/* Catches: an fd that does more than it was opened for. */
TEST_F(names, read_only_and_write_only)
{
	int both = name_open("/q", NEW, 0600), in, out, token;
	__u64 item = 7;

	ASSERT_LE(0, both);
	in = name_open("/q", MPMC_OPEN_READ, 0);
	out = name_open("/q", MPMC_OPEN_WRITE, 0);
	ASSERT_LE(0, in);
	ASSERT_LE(0, out);
	EXPECT_EQ(-EBADF, enq(in, 1));
	EXPECT_EQ(-EBADF, enq_bulk(in, &item, 1));
	EXPECT_EQ(-EBADF, producer_create(in, 0));
	EXPECT_EQ(-EBADF, queue_shutdown(in));
	EXPECT_EQ(-EBADF, limited_create(10, 2, in));
	EXPECT_EQ(0, enq(out, 1));
	EXPECT_EQ(-EBADF, deq(out, &item));
	EXPECT_EQ(-EBADF, consumer_create(out, 0));
	EXPECT_EQ(1, queue_items(out));
	EXPECT_EQ(1, queue_items(in));
	EXPECT_EQ(POLLIN, polled(in));
	EXPECT_EQ(POLLOUT, polled(out));
	EXPECT_EQ(POLLIN | POLLOUT, polled(both));
	EXPECT_EQ(1, deq(in, &item));
	EXPECT_EQ(0, polled(in));
	token = producer_create(out, 0);
	ASSERT_LE(0, token);
	EXPECT_EQ(0, enq(token, 2));
	token = consumer_create(in, 0);
	ASSERT_LE(0, token);
	EXPECT_EQ(1, deq(token, &item));
	EXPECT_LE(0, limited_create(10, 2, out));
	EXPECT_EQ(0, queue_shutdown(out));
	EXPECT_EQ(-EPIPE, deq(in, &item));
}

/* Whether one can open "/q" to read, to write, and for both. */
static int access_now(void)
{
	int i, fd, got = 0;

	for (i = 1; i <= 3; i++) {
		fd = name_open("/q", i, 0);
		must(fd >= 0 || fd == -EACCES);
		got |= (fd >= 0) << i;
		if (fd >= 0)
			close(fd);
	}
	return got;
}

static int access_of(uid_t uid, gid_t gid)
{
	int got;

	become(uid, gid);
	got = access_now();
	become(0, 0);
	return got;
}

#define READ_ALONE (1 << MPMC_OPEN_READ)
#define WRITE_ALONE (1 << MPMC_OPEN_WRITE)
#define ALL (READ_ALONE | WRITE_ALONE | 1 << RW)

/* Catches: the wrong part of the mode, or one that makes up for another. */
TEST_F(names, permissions)
{
	static const struct {
		__u32 mode;
		int owner, group, others;
	} rows[] = {
		{ 0600, ALL, 0, 0 },
		{ 0000, 0, 0, 0 },
		{ 0111, 0, 0, 0 },
		{ 0640, ALL, READ_ALONE, 0 },
		{ 0602, ALL, 0, WRITE_ALONE },
		{ 0066, 0, ALL, ALL },
		{ 0424, READ_ALONE, WRITE_ALONE, READ_ALONE },
		{ 0777, ALL, ALL, ALL },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		become(USER, GROUP);
		/* The creator gets what he asks for, whatever the mode. */
		ASSERT_LE(0, name_open("/q", NEW, rows[i].mode));
		become(0, 0);
		EXPECT_EQ(rows[i].owner, access_of(USER, OTHER_GROUP))
			TH_LOG("owner, mode %o", rows[i].mode);
		EXPECT_EQ(rows[i].group, access_of(OTHER, GROUP))
			TH_LOG("group, mode %o", rows[i].mode);
		EXPECT_EQ(rows[i].others, access_of(OTHER, OTHER_GROUP))
			TH_LOG("others, mode %o", rows[i].mode);
		EXPECT_EQ(ALL, access_of(0, 0));
		ASSERT_EQ(0, name_unlink("/q"));
	}
}

/*
 * All groups that one is in count, also where others have more. Catches: only the
 * one that one makes files with.
 */
TEST_F(names, supplementary_groups)
{
	static const gid_t groups[] = { OTHER_GROUP + 1, GROUP };
	static const struct {
		__u32 mode;
		int group, others;
	} rows[] = {
		{ 0640, READ_ALONE, 0 },
		{ 0620, WRITE_ALONE, 0 },
		{ 0660, ALL, 0 },
		{ 0606, 0, ALL },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		become(USER, GROUP);
		ASSERT_LE(0, name_open("/q", NEW, rows[i].mode));
		become_with(OTHER, OTHER_GROUP, groups, 2);
		EXPECT_EQ(rows[i].group, access_now())
			TH_LOG("group, mode %o", rows[i].mode);
		EXPECT_EQ(!!rows[i].group, name_listed("/q"));
		become_with(OTHER, OTHER_GROUP, groups, 1);
		EXPECT_EQ(rows[i].others, access_now())
			TH_LOG("others, mode %o", rows[i].mode);
		EXPECT_EQ(!!rows[i].others, name_listed("/q"));
		become(0, 0);
		ASSERT_EQ(0, name_unlink("/q"));
	}
}

TEST_F(names, umask_is_taken_away)
{
	struct mpmc_queue_entry entry;

	umask(027);
	ASSERT_LE(0, name_open("/q", NEW, 0666));
	ASSERT_EQ(1, name_list(NULL, &entry, 1));
	EXPECT_EQ(0640, entry.mode);
}

/* Catches: others told what there is by the error; and a right to make ignored. */
TEST_F(names, creating_what_exists)
{
	become(USER, GROUP);
	ASSERT_LE(0, name_open("/q", NEW, 0600));
	become(OTHER, GROUP);
	EXPECT_EQ(-EEXIST, name_open("/q", NEW, 0600));
	EXPECT_EQ(-EACCES, name_open("/q", RW | MPMC_OPEN_CREATE, 0600));
	EXPECT_EQ(-EACCES, name_open("/q", RW, 0));
}

/* Catches: unlinking by who may write, as in a folder without the sticky bit. */
TEST_F(names, unlinking_is_for_owners)
{
	become(USER, GROUP);
	ASSERT_LE(0, name_open("/q", NEW, 0777));
	ASSERT_LE(0, name_open("/r", NEW, 0));
	become(OTHER, GROUP);
	EXPECT_EQ(-EACCES, name_unlink("/q"));
	EXPECT_EQ(-EACCES, name_unlink("/r"));
	EXPECT_EQ(-ENOENT, name_unlink("/s"));
	become(USER, OTHER_GROUP);
	EXPECT_EQ(0, name_unlink("/r"));
	become(0, 0);
	EXPECT_EQ(0, name_unlink("/q"));
}

/* A call that fails has made nothing. Catches: names with no fd left behind. */
TEST_F(names, failing_leaves_no_name)
{
	int device = device_open(), i;
	struct mpmc_queue_open arg = {
		.size = sizeof(arg), .flags = NEW, .name = (uintptr_t)"/q",
		.name_size = 2, .mode = 0600,
	};

	ASSERT_LE(0, device);
	for (i = 3; i < 64; i++)
		dup2(device, i);
	allow_fds(64);
	ASSERT_EQ(-EMFILE, mpmc_ioctl(3, MPMC_IOC_QUEUE_OPEN, &arg));
	for (i = 4; i < 64; i++)
		close(i);
	EXPECT_FALSE(name_listed("/q"));
	close(3);
	EXPECT_TRUE(module_settles());
}

/* --- The list --- */

static const char *entry_name(const struct mpmc_queue_entry *entry)
{
	return (const char *)entry->name;
}

TEST_F(names, list_has_all_in_order)
{
	const char *made[] = { "/c", "/a", "/b2", "/b", "/B", "/\xe4" };
	const char *sorted[] = { "/B", "/a", "/b", "/b2", "/c", "/\xe4" };
	struct mpmc_queue_entry entries[10];
	int fds[6], i, n;
	char after[264];

	EXPECT_EQ(0, name_list(NULL, entries, 10));
	become(USER, GROUP);
	for (i = 0; i < 6; i++) {
		fds[i] = name_open(made[i], NEW, 0620);
		ASSERT_LE(0, fds[i]);
	}
	ASSERT_EQ(0, enq(fds[3], 1));
	ASSERT_EQ(0, queue_shutdown(fds[3]));
	ASSERT_EQ(6, name_list(NULL, entries, 10));
	for (i = 0; i < 6; i++) {
		EXPECT_STREQ(sorted[i], entry_name(&entries[i]));
		EXPECT_EQ(USER, entries[i].uid);
		EXPECT_EQ(GROUP, entries[i].gid);
		EXPECT_EQ(0620, entries[i].mode);
		EXPECT_EQ(1048576, entries[i].capacity);
		EXPECT_EQ(i == 2, entries[i].items);
		EXPECT_EQ(i == 2 ? MPMC_STATE_SHUTDOWN : 0, entries[i].state);
	}
	/* In pieces of any size, and when what it goes on behind has gone. */
	for (n = 1; n <= 6; n++) {
		for (i = 0; i < 6; i += n) {
			int rest = 6 - i < n ? 6 - i : n;

			strcpy(after, i ? sorted[i - 1] : "");
			ASSERT_EQ(rest, name_list(i ? after : NULL, entries,
						  n));
			EXPECT_STREQ(sorted[i], entry_name(entries));
		}
		EXPECT_EQ(0, name_list(sorted[5], entries, n));
	}
	ASSERT_EQ(0, name_unlink("/b"));
	ASSERT_EQ(1, name_list("/b", entries, 1));
	EXPECT_STREQ("/b2", entry_name(entries));
}

/* Catches: others' names shown, and skipped ones taken for the end. */
TEST_F(names, list_shows_what_one_may_see)
{
	struct mpmc_queue_entry entries[3];
	char name[16];
	int i;

	become(USER, GROUP);
	for (i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "/%03d", i);
		/* What somebody else could open: the last one. */
		close(name_open(name, NEW, i == 299 ? 0622 : 0600));
	}
	ASSERT_LE(0, name_open("/group", NEW, 0640));
	EXPECT_EQ(3, name_list(NULL, entries, 3));
	become(OTHER, GROUP);
	ASSERT_LE(0, name_open("/hidden", NEW, 0));
	ASSERT_EQ(3, name_list(NULL, entries, 3));
	EXPECT_STREQ("/299", entry_name(entries));
	EXPECT_STREQ("/group", entry_name(entries + 1));
	EXPECT_STREQ("/hidden", entry_name(entries + 2));
	become(OTHER, OTHER_GROUP);
	ASSERT_EQ(2, name_list(NULL, entries, 3));
	EXPECT_STREQ("/299", entry_name(entries));
	EXPECT_STREQ("/hidden", entry_name(entries + 1));
	become(0, 0);
	EXPECT_EQ(3, name_list("/298", entries, 3));
}

TEST_F(names, list_arguments)
{
	char room[3 * 320], *end = mapping_end(2 * 296) - 2 * 296;
	struct mpmc_queue_list arg, valid = {
		.size = sizeof(valid), .entry_size = 296,
		.entries = (uintptr_t)room, .count = 3,
	};
	int i;

	ASSERT_EQ(296, sizeof(struct mpmc_queue_entry));
	ASSERT_LE(0, name_open("/a", NEW, 0600));
	ASSERT_LE(0, name_open("/b", NEW, 0600));
	ASSERT_LE(0, name_open("/c", NEW, 0600));
#define LIST(field, value) ({						\
	arg = valid;							\
	arg.field = value;						\
	device_call(MPMC_IOC_QUEUE_LIST, &arg);				\
})
	EXPECT_EQ(3, LIST(count, 3));
	EXPECT_EQ(-EINVAL, LIST(count, 0));
	EXPECT_EQ(-EINVAL, LIST(flags, 1));
	EXPECT_EQ(-EINVAL, LIST(pad, 1));
	EXPECT_EQ(-EINVAL, LIST(entry_size, 295));
	EXPECT_EQ(-EINVAL, LIST(entry_size, 4097));
	EXPECT_EQ(-EINVAL, LIST(after, (uintptr_t)"/a"));
	EXPECT_EQ(-EINVAL, LIST(after_size, 2));
	EXPECT_EQ(-EFAULT, LIST(entries, 8));
	/* What there is room for has been written. */
	EXPECT_EQ(2, LIST(entries, (uintptr_t)end));
	/* Callers that know more than the kernel get zeros. */
	memset(room, 0xa5, sizeof(room));
	EXPECT_EQ(3, LIST(entry_size, 320));
	for (i = 0; i < 24; i++)
		EXPECT_EQ(0, room[320 + 296 + i]);
	EXPECT_STREQ("/c", entry_name((void *)(room + 640)));
	/* None that could be a name. */
	arg = valid;
	arg.after = (uintptr_t)"x";
	arg.after_size = 1;
	EXPECT_EQ(-EINVAL, device_call(MPMC_IOC_QUEUE_LIST, &arg));
}

/* --- Namespaces --- */

/* Catches: one table for all, or one that is keyed by who comes after. */
TEST_F(names, namespaces_are_apart)
{
	int here = name_open("/q", NEW, 0600), there, i;
	__u64 item = 0;

	ASSERT_LE(0, here);
	ASSERT_EQ(0, enq(here, 1));
	/* Many, one after the other: addresses and numbers are used again. */
	for (i = 0; i < 100; i++) {
		new_namespace();
		ASSERT_EQ(-ENOENT, name_open("/q", RW, 0));
		ASSERT_EQ(-ENOENT, name_unlink("/q"));
		ASSERT_FALSE(name_listed("/q"));
		there = name_open("/q", NEW, 0600);
		ASSERT_LE(0, there);
		ASSERT_EQ(-EAGAIN, deq(there, &item));
		ASSERT_EQ(0, enq(there, 2));
		close(there);
	}
	EXPECT_EQ(1, deq(here, &item));
	EXPECT_EQ(1, item);
}

static int queues_of_user(const char *prefix, __u32 flags)
{
	char name[32];
	int fd, n = 0;

	for (;; n++) {
		snprintf(name, sizeof(name), "%s%d", prefix, n);
		fd = name_open(name, flags, 0600);
		if (fd < 0)
			break;
		close(fd);
	}
	must(fd == -ENOSPC);
	return n;
}

/* Catches: queues of a namespace that has ended kept, and counted, for ever. */
TEST_F(names, end_with_their_namespace)
{
	int queue = -1, i, status, socks[2];
	__u64 item;

	ASSERT_TRUE(module_settles());
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, socks));
	for (i = 0; i < 20; i++) {
		pid_t pid = fork();

		if (!pid) {
			new_namespace();
			queue = name_open("/kept", NEW, 0600);
			must(queue >= 0 && enq(queue, 5) == 0);
			put_range(name_open("/full", NEW, 0600), 1, 10000);
			must(name_open("/b", NEW, 0600) >= 0);
			if (i == 19)
				send_fd(socks[0], queue);
			_exit(module_references() >= 6 ? 0 : 1);
		}
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		ASSERT_EQ(0, status);
	}
	queue = recv_fd(socks[1]);
	/* That fd is one of them, and still works. */
	EXPECT_TRUE(eventually(module_references() == 1));
	EXPECT_EQ(1, deq(queue, &item));
	EXPECT_EQ(5, item);
	EXPECT_EQ(-ENOENT, name_open("/kept", RW, 0));
	close(queue);
	EXPECT_TRUE(module_settles());
}

static int namespace_fd(void)
{
	int fd = open("/proc/self/ns/ipc", O_RDONLY | O_CLOEXEC);

	must(fd >= 0);
	return fd;
}

/* Catches: names that go when the last process leaves a namespace that lives. */
TEST_F(names, live_as_long_as_the_namespace)
{
	int home = namespace_fd(), away;

	new_namespace();
	away = namespace_fd();
	put_range(name_open("/q", NEW, 0600), 1, 10);
	ASSERT_EQ(0, setns(home, CLONE_NEWIPC));
	EXPECT_EQ(-ENOENT, name_open("/q", RW, 0));
	ASSERT_EQ(0, setns(away, CLONE_NEWIPC));
	EXPECT_EQ(10, drain(name_open("/q", RW, 0)));
}

/* In a namespace that is not his, a capability of his own one is none. */
static void in_user_namespace(void *unused)
{
	(void)unused;
	become(OTHER, OTHER_GROUP);
	must(prctl(PR_SET_DUMPABLE, 1) == 0);
	must(unshare(CLONE_NEWUSER) == 0);
	must(name_open("/q", RW, 0) == -EACCES);
	must(name_unlink("/q") == -EACCES);
	must(!name_listed("/q"));
	/* But in one that is. */
	new_namespace();
	must(name_open("/q", NEW, 0) >= 0);
	must(name_open("/q", RW, 0) >= 0);
	must(name_unlink("/q") == 0);
}

TEST_F(names, capabilities_are_the_namespaces)
{
	pid_t pid;
	int status;

	if (access("/proc/self/ns/user", F_OK))
		SKIP(return, "no user namespaces");
	become(USER, GROUP);
	ASSERT_LE(0, name_open("/q", NEW, 0600));
	become(0, 0);
	pid = spawn(in_user_namespace, NULL);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

/* --- Limits --- */

#define MAX_QUEUES "/sys/module/mpmc/parameters", "max_queues"

/* Catches: names that are not counted once their fds are closed, or twice. */
TEST_F(names, limit_of_a_user)
{
	char limit[16];

	ASSERT_TRUE(module_settles());
	ASSERT_TRUE(file_read(MAX_QUEUES, limit, sizeof(limit)));
	ASSERT_TRUE(file_write(MAX_QUEUES, "20"));
	become(USER, GROUP);
	EXPECT_EQ(20, queues_of_user("/a", NEW));
	EXPECT_EQ(-ENOSPC, queue_create(1, 1));
	/* What exists can be opened, and is told from what can't be made. */
	EXPECT_LE(0, name_open("/a7", RW | MPMC_OPEN_CREATE, 0600));
	EXPECT_EQ(-EEXIST, name_open("/a7", NEW, 0600));
	EXPECT_EQ(-ENOSPC, name_open("/b", NEW, 0600));
	become(OTHER, OTHER_GROUP);
	EXPECT_EQ(20, queues_of_user("/b", NEW));
	become(USER, GROUP);
	ASSERT_EQ(0, name_unlink("/a3"));
	EXPECT_LE(0, name_open("/a3", NEW, 0600));
	ASSERT_EQ(0, name_unlink("/a4"));
	EXPECT_LE(0, queue_create(1, 1));
	become(0, 0);
	EXPECT_TRUE(file_write(MAX_QUEUES, limit));
}

static long long cgroup_memory(const char *dir)
{
	char text[32];

	must(file_read(dir, "memory.current", text, sizeof(text)));
	return atoll(text);
}

static void make_queues(void *arg)
{
	char name[16];
	int i;

	cgroup_enter(arg);
	for (i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "/%d", i);
		close(name_open(name, NEW, 0600));
	}
}

/* Catches: queues that nobody pays for once their creator has gone. */
TEST_F(names, memory_is_the_creators)
{
	char dir[64], name[16];
	long long full;
	int i, status;
	pid_t pid;

	if (!cgroup_available("memory"))
		SKIP(return, "no memory cgroups");
	cgroup_make(dir, "memory");
	pid = spawn(make_queues, dir);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_EQ(0, status);
	full = cgroup_memory(dir);
	/* A page each, and more. */
	EXPECT_LT(300 * 4096, full);
	for (i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "/%d", i);
		ASSERT_EQ(0, name_unlink(name));
	}
	EXPECT_TRUE(eventually(cgroup_memory(dir) < full / 2));
	cgroup_remove(dir);
}

/* --- Races --- */

#define RACERS 4
#define ROUNDS 300

struct race {
	atomic_int gate;
	atomic_int won;
	atomic_int lost;
	atomic_int done;
	__u32 flags;
};

static void *racer(void *arg)
{
	struct race *race = arg;
	int i, fd;

	for (i = 1; i <= ROUNDS; i++) {
		gate_wait(&race->gate, i);
		fd = name_open("/race", race->flags, 0600);
		if (fd >= 0) {
			must(enq(fd, 1) == 0);
			close(fd);
			race->won++;
		} else {
			must(fd == -EEXIST);
			race->lost++;
		}
		race->done++;
	}
	return NULL;
}

/* Rounds of all opening the same name at a time; how many items it got. */
static __u64 run_race(struct race *race, __u32 flags)
{
	pthread_t threads[RACERS];
	__u64 items = 0;
	int i, t;

	*race = (struct race){ .flags = flags };
	for (t = 0; t < RACERS; t++)
		threads[t] = thread_start(racer, race);
	for (i = 1; i <= ROUNDS; i++) {
		gate_open(&race->gate, i);
		must(eventually(race->done == i * RACERS));
		items += queue_items(name_open("/race", MPMC_OPEN_READ, 0));
		must(name_unlink("/race") == 0);
	}
	for (t = 0; t < RACERS; t++)
		thread_join(threads[t]);
	return items;
}

/* Catches: two queues by one name. */
TEST_F(names, race_to_create)
{
	struct race race;

	allow_fds(4096);
	EXPECT_EQ(ROUNDS, run_race(&race, NEW));
	EXPECT_EQ(ROUNDS, race.won);
	EXPECT_EQ(ROUNDS * (RACERS - 1), race.lost);
	EXPECT_EQ(ROUNDS * RACERS,
		  run_race(&race, RW | MPMC_OPEN_CREATE));
	EXPECT_EQ(ROUNDS * RACERS, race.won);
}

struct churn {
	atomic_bool stop;
	atomic_int opened;
	atomic_int unlinked;
};

static void *churner(void *arg)
{
	struct churn *churn = arg;
	__u64 seed = now_ns() | 1;
	char name[8];
	__u64 item;
	int fd;

	while (!churn->stop) {
		snprintf(name, sizeof(name), "/%u", random_below(&seed, 8));
		if (random_below(&seed, 2)) {
			fd = name_open(name, RW | MPMC_OPEN_CREATE, 0600);
			must(fd >= 0);
			must(enq(fd, 1) == 0);
			must(deq(fd, &item) != -EBADF);
			close(fd);
			churn->opened++;
		} else {
			fd = name_unlink(name);
			must(fd == 0 || fd == -ENOENT);
			churn->unlinked += !fd;
		}
	}
	return NULL;
}

/*
 * Names come and go, and others stay. Catches: queues freed under who has just
 * found them, and the list led astray.
 */
TEST_F(names, race_of_open_unlink_and_list)
{
	const char *stay[] = { "/0a", "/3b", "/7c" };
	struct mpmc_queue_entry entries[2];
	pthread_t threads[RACERS];
	struct churn churn = {};
	char after[264];
	int i, n, seen;
	__u64 end;

	for (i = 0; i < 3; i++)
		close(name_open(stay[i], NEW, 0600));
	for (i = 0; i < RACERS; i++)
		threads[i] = thread_start(churner, &churn);
	end = in_ms(2000);
	while (now_ns() < end || churn.opened < 200 || churn.unlinked < 50) {
		*after = '\0';
		seen = 0;
		while ((n = name_list(*after ? after : NULL, entries, 2)) > 0) {
			for (i = 0; i < n; i++) {
				ASSERT_LT(0, strcmp(entry_name(&entries[i]),
						    after));
				strcpy(after, entry_name(&entries[i]));
				seen += strlen(after) == 3;
			}
		}
		ASSERT_EQ(0, n);
		ASSERT_EQ(3, seen);
	}
	churn.stop = true;
	for (i = 0; i < RACERS; i++)
		thread_join(threads[i]);
	while (name_list(NULL, entries, 1) == 1)
		ASSERT_EQ(0, name_unlink(entry_name(entries)));
	EXPECT_TRUE(module_settles());
}

TEST_HARNESS_MAIN
