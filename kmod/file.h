/* SPDX-License-Identifier: GPL-2.0 */
#ifndef MPMC_FILE_H
#define MPMC_FILE_H

struct file;
struct mpmc_queue;

struct file *mpmc_queue_file(struct mpmc_queue *queue);
struct file *mpmc_producer_file(struct file *queue_file, unsigned int entries);
struct file *mpmc_consumer_file(struct file *queue_file, unsigned int entries);

#endif /* MPMC_FILE_H */
