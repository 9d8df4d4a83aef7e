/* SPDX-License-Identifier: GPL-2.0 */
#ifndef MPMC_FILE_H
#define MPMC_FILE_H

#include <linux/types.h>

struct file;
struct iov_iter;
struct kiocb;
struct mpmc_queue;
struct mpmc_queue_info;

struct file *mpmc_queue_file(struct mpmc_queue *queue, int flags);
void mpmc_queue_drop(struct mpmc_queue *queue);
void mpmc_queue_inspect(struct mpmc_queue *queue, struct mpmc_queue_info *info);
struct file *mpmc_queue_file_get(int fd);
struct file *mpmc_producer_file(struct file *queue_file, unsigned int entries,
				bool armed);
struct file *mpmc_consumer_file(struct file *queue_file, unsigned int entries,
				bool armed);

ssize_t mpmc_queue_read(struct kiocb *iocb, struct iov_iter *to);
ssize_t mpmc_queue_write(struct kiocb *iocb, struct iov_iter *from);

#endif /* MPMC_FILE_H */
