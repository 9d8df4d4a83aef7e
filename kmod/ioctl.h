/* SPDX-License-Identifier: GPL-2.0 */
#ifndef MPMC_IOCTL_H
#define MPMC_IOCTL_H

#include <linux/fs.h>
#include <linux/types.h>
#include <uapi/linux/mpmc.h>

/*
 * Every structure of the ABI; they all begin with their size, and consist of
 * whole words.
 */
union mpmc_args {
	__u32 size;
	__u64 words[sizeof(struct mpmc_queue_info) / sizeof(__u64)];
	struct mpmc_device_info device_info;
	struct mpmc_queue_create queue_create;
	struct mpmc_queue_open queue_open;
	struct mpmc_queue_unlink queue_unlink;
	struct mpmc_queue_list queue_list;
	struct mpmc_queue_info queue_info;
	struct mpmc_queue_stats queue_stats;
	struct mpmc_queue_shutdown queue_shutdown;
	struct mpmc_token_create token_create;
	struct mpmc_token_info token_info;
	struct mpmc_token_kick token_kick;
	struct mpmc_lease lease;
	struct mpmc_lease_end lease_end;
	struct mpmc_transfer transfer;
	struct mpmc_uring_cancel uring_cancel;
};

/**
 * struct mpmc_command - what an ioctl command is
 * @cmd: the command
 * @size: size of its structure
 * @min_size: size of its structure in the first version of the ABI
 * @mode: what the file must be open for, FMODE_READ or FMODE_WRITE; or 0
 * @out: the structure is copied back
 * @wait: the flag of it by which a caller asks for waiting; 0: it never waits
 * @handler: does it; @args is the kernel's copy, @user where it came from
 */
struct mpmc_command {
	unsigned int cmd;
	unsigned int size;
	unsigned int min_size;
	fmode_t mode;
	bool out;
	__u32 wait;
	long (*handler)(struct file *file, union mpmc_args *args,
			void __user *user);
};

/**
 * struct mpmc_wish - what a caller asks for who would wait
 * @waits: he would
 * @count: of how many items it is about
 * @deadline: until when, in his time namespace
 */
struct mpmc_wish {
	bool waits;
	u32 count;
	u64 deadline;
};

int mpmc_ioctl_copy(const struct mpmc_command *command, union mpmc_args *args,
		    void __user *user);
long mpmc_ioctl(const struct mpmc_command *commands, unsigned int count,
		struct file *file, unsigned int cmd, unsigned long arg);
long mpmc_ioctl_try(const struct mpmc_command *commands, unsigned int count,
		    struct file *file, unsigned int cmd, unsigned long arg,
		    struct mpmc_wish *wish);
int mpmc_install(struct file *file);

#endif /* MPMC_IOCTL_H */
