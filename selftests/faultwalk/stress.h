/* SPDX-License-Identifier: GPL-2.0 */
/* Threads whose calls fail at random. */
#ifndef FAULTWALK_STRESS_H
#define FAULTWALK_STRESS_H

#include <stdbool.h>

/* So many seconds of that. Whether all was well; prints what was not. */
bool stress_run(unsigned int seconds);

#endif /* FAULTWALK_STRESS_H */
