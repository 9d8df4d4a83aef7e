/* SPDX-License-Identifier: GPL-2.0 */
/* Memory for what a call reads and writes, as bad as one likes. */
#ifndef FAULTWALK_AREA_H
#define FAULTWALK_AREA_H

#include <stddef.h>

/**
 * struct area - some bytes of a process's memory
 * @reserve: what is to be unmapped in the end
 * @data: where they are; not all of them need be there
 */
struct area {
	void *reserve;
	void *data;
};

/*
 * Bytes that are there, but no page table says so yet: the first access has to
 * allocate one. Only the first @there of them can be accessed, as @prot says.
 */
void area_make(struct area *area, const void *data, size_t size, size_t there,
	       int prot);
void area_free(struct area *area);

#endif /* FAULTWALK_AREA_H */
