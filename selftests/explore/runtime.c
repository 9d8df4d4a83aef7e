// SPDX-License-Identifier: GPL-2.0
/*
 * What the compiler calls for each access to memory: it builds the code under
 * test as for ThreadSanitizer, and this takes the place of that one's library
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "machine.h"

#define HERE __builtin_return_address(0)

/* Nobody includes declarations of these. */
#pragma GCC diagnostic ignored "-Wmissing-prototypes"

void __tsan_init(void)
{
}

void __tsan_func_entry(void *pc)
{
	(void)pc;
}

void __tsan_func_exit(void)
{
}

#define PLAIN(size) \
void __tsan_read##size(void *addr) \
{ \
	machine_plain(addr, size, false, HERE); \
} \
\
void __tsan_write##size(void *addr) \
{ \
	machine_plain(addr, size, true, HERE); \
} \
\
void __tsan_unaligned_read##size(void *addr) \
{ \
	machine_plain(addr, size, false, HERE); \
} \
\
void __tsan_unaligned_write##size(void *addr) \
{ \
	machine_plain(addr, size, true, HERE); \
}

PLAIN(1)
PLAIN(2)
PLAIN(4)
PLAIN(8)
PLAIN(16)

void __tsan_read_range(void *addr, size_t size)
{
	machine_plain(addr, size, false, HERE);
}

void __tsan_write_range(void *addr, size_t size)
{
	machine_plain(addr, size, true, HERE);
}

#define RMW(bits, name, kind) \
uint##bits##_t __tsan_atomic##bits##_##name(void *addr, uint##bits##_t value, \
					    int order) \
{ \
	return machine_rmw(addr, bits / 8, kind, value, NULL, order, HERE); \
}

#define CAS(bits, strength) \
int __tsan_atomic##bits##_compare_exchange_##strength(void *addr, \
		uint##bits##_t *expected, uint##bits##_t value, int order, \
		int fail_order) \
{ \
	uint64_t want = *expected; \
	uint##bits##_t old = machine_rmw(addr, bits / 8, RMW_CAS, value, &want, \
					 order, HERE); \
	bool success = old == *expected; \
\
	(void)fail_order; \
	*expected = old; \
	return success; \
}

#define ATOMIC(bits) \
uint##bits##_t __tsan_atomic##bits##_load(const void *addr, int order) \
{ \
	return machine_load(addr, bits / 8, order, HERE); \
} \
\
void __tsan_atomic##bits##_store(void *addr, uint##bits##_t value, int order) \
{ \
	machine_store(addr, bits / 8, value, order, HERE); \
} \
\
RMW(bits, exchange, RMW_EXCHANGE) \
RMW(bits, fetch_add, RMW_ADD) \
RMW(bits, fetch_sub, RMW_SUB) \
RMW(bits, fetch_and, RMW_AND) \
RMW(bits, fetch_or, RMW_OR) \
RMW(bits, fetch_xor, RMW_XOR) \
CAS(bits, strong) \
CAS(bits, weak)

ATOMIC(8)
ATOMIC(16)
ATOMIC(32)
ATOMIC(64)

void __tsan_atomic_thread_fence(int order)
{
	machine_fence(order, HERE);
}

/* A barrier to the compiler alone. */
void __tsan_atomic_signal_fence(int order)
{
	(void)order;
}
