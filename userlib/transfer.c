// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Items through a descriptor, a queue's or a token's
 */
#include <errno.h>
#include <limits.h>

#include "lib.h"

int lib_put(int fd, uint64_t item)
{
	struct mpmc_transfer transfer = {
		.size = sizeof(transfer),
		.flags = MPMC_TRANSFER_INLINE,
		.items = item,
		.count = 1,
	};

	return lib_ioctl(fd, MPMC_IOC_ITEM_ENQUEUE, &transfer);
}

int lib_put_wait(int fd, uint64_t item, const struct timespec *timeout)
{
	struct mpmc_transfer transfer = {
		.size = sizeof(transfer),
		.flags = MPMC_TRANSFER_INLINE | MPMC_TRANSFER_WAIT,
		.items = item,
		.count = 1,
	};
	uint64_t deadline;
	int ret = lib_deadline(&deadline, timeout);

	if (ret)
		return ret;
	transfer.deadline = deadline;
	return lib_ioctl(fd, MPMC_IOC_ITEM_ENQUEUE, &transfer);
}

/* 1 when there is something to put, 0 when there is not, or an error. */
static int put_prepare(struct mpmc_transfer *transfer, const uint64_t *items,
		       size_t n)
{
	if (!n)
		return 0;
	if (!items)
		return -EINVAL;
	if (n > UINT32_MAX)
		return -EMSGSIZE;
	transfer->items = (uintptr_t)items;
	transfer->count = n;
	return 1;
}

int lib_put_bulk(int fd, const uint64_t *items, size_t n)
{
	struct mpmc_transfer transfer = { .size = sizeof(transfer) };
	int ret = put_prepare(&transfer, items, n);

	if (ret <= 0)
		return ret;
	return lib_ioctl(fd, MPMC_IOC_ITEM_ENQUEUE, &transfer);
}

int lib_put_bulk_wait(int fd, const uint64_t *items, size_t n,
		      const struct timespec *timeout)
{
	struct mpmc_transfer transfer = {
		.size = sizeof(transfer),
		.flags = MPMC_TRANSFER_WAIT,
	};
	uint64_t deadline;
	int ret = lib_deadline(&deadline, timeout);

	if (!ret)
		ret = put_prepare(&transfer, items, n);
	if (ret <= 0)
		return ret;
	transfer.deadline = deadline;
	return lib_ioctl(fd, MPMC_IOC_ITEM_ENQUEUE, &transfer);
}

/*
 * The kernel writes the item, as it writes those of a bulk: where it cannot,
 * the item is back in the queue, and the caller gets -EFAULT.
 */
static int take_one(int fd, struct mpmc_transfer *transfer, uint64_t *item)
{
	int ret;

	if (!item)
		return -EINVAL;
	transfer->items = (uintptr_t)item;
	transfer->count = 1;
	ret = lib_ioctl(fd, MPMC_IOC_ITEM_DEQUEUE, transfer);
	return ret < 0 ? ret : 0;
}

int lib_take(int fd, uint64_t *item)
{
	struct mpmc_transfer transfer = { .size = sizeof(transfer) };

	return take_one(fd, &transfer, item);
}

int lib_take_wait(int fd, uint64_t *item, const struct timespec *timeout)
{
	struct mpmc_transfer transfer = {
		.size = sizeof(transfer),
		.flags = MPMC_TRANSFER_WAIT,
	};
	uint64_t deadline;
	int ret = lib_deadline(&deadline, timeout);

	if (ret)
		return ret;
	transfer.deadline = deadline;
	return take_one(fd, &transfer, item);
}

/* How many; 0 when there were none, which the kernel calls @empty. */
static ssize_t take_bulk(int fd, struct mpmc_transfer *transfer,
			 uint64_t *items, size_t max, int empty)
{
	long ret;

	if (!max)
		return 0;
	if (!items)
		return -EINVAL;
	transfer->items = (uintptr_t)items;
	transfer->count = max < INT_MAX ? max : INT_MAX;
	ret = lib_ioctl(fd, MPMC_IOC_ITEM_DEQUEUE, transfer);
	return ret == empty ? 0 : ret;
}

ssize_t lib_take_bulk(int fd, uint64_t *items, size_t max)
{
	struct mpmc_transfer transfer = { .size = sizeof(transfer) };

	return take_bulk(fd, &transfer, items, max, -EAGAIN);
}

ssize_t lib_take_bulk_wait(int fd, uint64_t *items, size_t max,
			   const struct timespec *timeout)
{
	struct mpmc_transfer transfer = {
		.size = sizeof(transfer),
		.flags = MPMC_TRANSFER_WAIT,
	};
	uint64_t deadline;
	int ret = lib_deadline(&deadline, timeout);

	if (ret)
		return ret;
	transfer.deadline = deadline;
	return take_bulk(fd, &transfer, items, max, -ETIMEDOUT);
}
