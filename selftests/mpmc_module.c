// SPDX-License-Identifier: GPL-2.0
/*
 * Unloading: refused while anything of the module is open, and clean otherwise.
 * The module's file is $MPMC_KO, or /lib/mpmc.ko.
 */
#include <dirent.h>

#include "mpmc_names.h"

#define PARAMETERS "/sys/module/mpmc/parameters"

static int module_unload(void)
{
	return syscall(SYS_delete_module, "mpmc", O_NONBLOCK) ? -errno : 0;
}

/* The last reference may be on its way out when close() has returned. */
static bool module_unloads(void)
{
	return eventually(!module_unload());
}

static const char *module_path(void)
{
	const char *path = getenv("MPMC_KO");

	return path ? path : "/lib/mpmc.ko";
}

/* What the parameters are now, so that they can be the same after a reload. */
static void module_parameters(char *text, size_t size)
{
	DIR *dir = opendir(PARAMETERS);
	char path[512], value[128];
	struct dirent *entry;
	FILE *file;

	*text = '\0';
	while (dir && (entry = readdir(dir))) {
		snprintf(path, sizeof(path), PARAMETERS "/%s", entry->d_name);
		file = *entry->d_name == '.' ? NULL : fopen(path, "r");
		if (!file)
			continue;
		if (fscanf(file, "%127s", value) == 1)
			snprintf(text + strlen(text), size - strlen(text),
				 "%s=%s ", entry->d_name, value);
		fclose(file);
	}
	if (dir)
		closedir(dir);
}

static int module_load(const char *parameters)
{
	int fd = open(module_path(), O_RDONLY | O_CLOEXEC), ret;

	if (fd < 0)
		return -errno;
	ret = syscall(SYS_finit_module, fd, parameters, 0) ? -errno : 0;
	close(fd);
	return ret;
}

/*
 * Each fixture unloads for real in the end, and loads again: what a test left
 * behind would show there.
 */
FIXTURE(module)
{
	char parameters[1024];
};

FIXTURE_SETUP(module)
{
	if (access(module_path(), R_OK))
		SKIP(return, "no module file to load again");
	module_parameters(self->parameters, sizeof(self->parameters));
}

FIXTURE_TEARDOWN(module)
{
	struct mpmc_device_info info;

	EXPECT_TRUE(module_unloads());
	EXPECT_EQ(-ENOENT, device_info(&info));
	ASSERT_EQ(0, module_load(self->parameters));
	EXPECT_TRUE(eventually(!device_info(&info)));
}

/* EWOULDBLOCK is what delete_module() says of a module in use. */
TEST_F(module, device_in_use)
{
	int fd = device_open();

	ASSERT_LE(0, fd);
	EXPECT_EQ(-EWOULDBLOCK, module_unload());
	close(fd);
}

TEST_F(module, queue_in_use)
{
	int queue = queue_create(10, 0);

	ASSERT_LE(0, queue);
	EXPECT_EQ(-EWOULDBLOCK, module_unload());
	EXPECT_EQ(10, fill(queue, 1));
	EXPECT_EQ(-EWOULDBLOCK, module_unload());
	close(queue);
}

TEST_F(module, token_in_use)
{
	int i, queue, token;

	for (i = 0; i < 2; i++) {
		queue = queue_create(10, 0);
		ASSERT_LE(0, queue);
		token = i ? producer_create(queue, 0) :
			    consumer_create(queue, 0);
		ASSERT_LE(0, token);
		EXPECT_EQ(10, fill(queue, 1));
		close(queue);
		EXPECT_EQ(-EWOULDBLOCK, module_unload());
		close(token);
	}
}

/* A name with items behind it, that nobody has open, is not dropped silently. */
TEST_F(module, name_in_use)
{
	int queue;

	if (!names_available())
		SKIP(return, "a kernel that can't have names");
	queue = name_open("/module", NEW, 0600);
	ASSERT_LE(0, queue);
	EXPECT_EQ(0, enq(queue, 1));
	close(queue);
	EXPECT_TRUE(eventually(module_references() == 1));
	EXPECT_EQ(-EWOULDBLOCK, module_unload());
	EXPECT_EQ(0, name_unlink("/module"));
}

/* Catches: code called when a namespace ends that has had names, and is gone. */
TEST_F(module, namespaces_that_had_names)
{
	int home = open("/proc/self/ns/ipc", O_RDONLY | O_CLOEXEC), i;

	if (!names_available())
		SKIP(return, "a kernel that can't have names");
	for (i = 0; i < 20; i++) {
		ASSERT_EQ(0, unshare(CLONE_NEWIPC));
		close(name_open("/module", NEW, 0600));
		if (i % 2)
			ASSERT_EQ(0, name_unlink("/module"));
	}
	/* The last one is this process's, and lives on, without a name. */
	EXPECT_TRUE(module_unloads());
	ASSERT_EQ(0, setns(home, CLONE_NEWIPC));
	ASSERT_EQ(0, module_load(self->parameters));
	close(home);
}

static void child_sleep(void *arg)
{
	__u64 item;

	deq_until(*(int *)arg, &item, MPMC_FOREVER);
	must(false);
}

/* One that is asleep inside, whose fd is the only one, and who is killed. */
TEST_F(module, waiter_in_use)
{
	int queue = queue_create(10, 0);
	pid_t pid;

	ASSERT_LE(0, queue);
	pid = spawn(child_sleep, &queue);
	ASSERT_TRUE(wait_for_dequeuers(queue, 1));
	close(queue);
	EXPECT_EQ(-EWOULDBLOCK, module_unload());
	EXPECT_TRUE(killed(pid));
}

/* Nothing that was deferred, RCU or work, may run after the code has gone. */
TEST_F(module, much_to_clean_up)
{
	int i, queue, producer, consumer;

	for (i = 0; i < 50; i++) {
		queue = queue_create(20000, 0);
		ASSERT_LE(0, queue);
		producer = producer_create(queue, 64);
		consumer = consumer_create(queue, 64);
		ASSERT_LE(0, producer);
		ASSERT_LE(0, consumer);
		put_range(producer, 1, 10000);
		put_range(queue, 1, 10000);
		ASSERT_EQ(-EFAULT, deq_bulk(consumer, NULL, 10));
		close(queue);
		close(producer);
		close(consumer);
	}
	EXPECT_TRUE(module_unloads());
	ASSERT_EQ(0, module_load(self->parameters));
}

TEST_HARNESS_MAIN
