/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef LIBMPMC_LIB_H
#define LIBMPMC_LIB_H

#include <linux/mpmc.h>

#include "mpmc.h"

#define LIB_EXPORT __attribute__((__visibility__("default")))

struct mpmc_queue {
	int fd;
};

struct mpmc_producer {
	int fd;
};

struct mpmc_consumer {
	int fd;
};

/* sys.c: the system, without errno */
int lib_open(const char *path);
int lib_dup(int fd);
void lib_close(int fd);
long lib_ioctl(int fd, unsigned int cmd, void *arg);
void *lib_alloc(size_t size);

/* token.c */
int lib_token_create(struct mpmc_queue *queue, unsigned int cmd,
		     const struct mpmc_token_opts *opts);

/* deadline.c */
int lib_deadline(uint64_t *deadline, const struct timespec *timeout);

/*
 * transfer.c: items through a descriptor, a queue's or a token's. Those that
 * wait take a timeout as the public functions do.
 */
int lib_put(int fd, uint64_t item);
int lib_put_wait(int fd, uint64_t item, const struct timespec *timeout);
int lib_put_bulk(int fd, const uint64_t *items, size_t n);
int lib_put_bulk_wait(int fd, const uint64_t *items, size_t n,
		      const struct timespec *timeout);
int lib_take(int fd, uint64_t *item);
int lib_take_wait(int fd, uint64_t *item, const struct timespec *timeout);
ssize_t lib_take_bulk(int fd, uint64_t *items, size_t max);
ssize_t lib_take_bulk_wait(int fd, uint64_t *items, size_t max,
			   const struct timespec *timeout);

#endif /* LIBMPMC_LIB_H */
