/* SPDX-License-Identifier: GPL-2.0 */
#ifndef EXPLORE_IOURING_H
#define EXPLORE_IOURING_H

/*
 * io_uring, as far as a parked command sees it: included by shim.h, in place of
 * <linux/io_uring/cmd.h>. iouring.c says what is played.
 */

struct io_uring_sqe {
	u8 cmd[16] __attribute__((aligned(8)));
};

struct io_uring_cmd {
	struct file *file;
	const struct io_uring_sqe *sqe;
	u32 cmd_op;
	u32 flags;
	u8 pdu[32] __attribute__((aligned(8)));
	unsigned int ring; /* whose it is */
};

enum {
	IO_URING_F_COMPLETE_DEFER = 1,
	IO_URING_F_UNLOCKED = 2,
	IO_URING_F_NONBLOCK = 4,
	IO_URING_F_CANCEL = 8,
};

void io_uring_cmd_mark_cancelable(struct io_uring_cmd *cmd, unsigned int flags);
void io_uring_cmd_complete_in_task(struct io_uring_cmd *cmd,
				   void (*work)(struct io_uring_cmd *cmd,
						unsigned int flags));
void io_uring_cmd_done(struct io_uring_cmd *cmd, int ret, u64 res2,
		       unsigned int flags);

/* --- For cases --- */

struct mpmc_queue;

void iouring_reset(void);

/* Submits one that may be parked, to the caller's ring. */
void iouring_submit(struct mpmc_queue *queue, u32 op);

/* Does what io_uring has the caller do, until it is complete; its result. */
int iouring_wait(void);

/* Waits until a thread's command is parked, or complete. */
void iouring_parked(unsigned int thread);

/* Ends a thread's ring: what is parked is cancelled. */
void iouring_end(struct mpmc_queue *queue, unsigned int thread);

/* Whether all that were submitted are complete, and there was one. */
bool iouring_over(void);

/* The address by which a thread's command is cancelled. */
u64 iouring_arg(unsigned int thread);

#endif /* EXPLORE_IOURING_H */
