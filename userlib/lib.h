/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef LIBMPMC_LIB_H
#define LIBMPMC_LIB_H

#include <linux/mpmc.h>

#include "mpmc.h"

#define LIB_EXPORT __attribute__((__visibility__("default")))

struct mpmc_queue {
	int fd;
};

/* sys.c: the system, without errno */
int lib_open(const char *path);
int lib_dup(int fd);
void lib_close(int fd);
long lib_ioctl(int fd, unsigned int cmd, void *arg);
void *lib_alloc(size_t size);
void *lib_mmap(void *at, size_t size, int prot, int flags, int fd,
	       uint64_t offset);

/* token.c */
int lib_token_create(struct mpmc_token **token, struct mpmc_queue *queue,
		     unsigned int cmd, const struct mpmc_token_opts *opts);
int lib_kick(int fd, size_t n);

/* map.c: handles of tokens, and their rings */
struct mpmc_token *lib_token_open(int fd, const struct mpmc_token_opts *opts);
void lib_token_close(struct mpmc_token *token);

/* deadline.c */
int lib_deadline(uint64_t *deadline, const struct timespec *timeout);
int lib_timeout_check(const struct timespec *timeout);

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

/*
 * lease.c: the lease of a consumer token: fill it, and look at it if items is
 * not NULL; with no deadline: don't wait.
 */
long lib_lease_fill(int fd, struct mpmc_item *items, size_t count,
		    unsigned int flags, const uint64_t *deadline);
int lib_lease_end(int fd, unsigned int cmd, size_t n);

#endif /* LIBMPMC_LIB_H */
