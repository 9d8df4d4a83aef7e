// SPDX-License-Identifier: GPL-2.0
/*
 * The bytes are those of a file, mapped just before a hole, and alone within what
 * one page table covers.
 */
#include "area.h"

#include "../mpmc_test.h"

#define TABLE (2UL << 20) /* what one page table covers */
#define PAGE 4096UL

void area_make(struct area *area, const void *data, size_t size, size_t there,
	       int prot)
{
	size_t length = (there + PAGE - 1) / PAGE * PAGE;
	char *start;
	int fd;

	must(there <= size && length <= TABLE - PAGE);
	area->reserve = mmap(NULL, 2 * TABLE, PROT_NONE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(area->reserve != MAP_FAILED);
	start = (char *)(((uintptr_t)area->reserve + TABLE - 1) &
			 ~(TABLE - 1));
	area->data = start + length - there;
	if (!length)
		return;
	fd = memfd_create("area", MFD_CLOEXEC);
	must(fd >= 0 && ftruncate(fd, length) == 0);
	must(pwrite(fd, data, there, length - there) == (ssize_t)there);
	must(mmap(start, length, prot, MAP_SHARED | MAP_FIXED, fd, 0) == start);
	close(fd);
}

void area_free(struct area *area)
{
	if (area->reserve)
		must(munmap(area->reserve, 2 * TABLE) == 0);
	area->reserve = NULL;
}
