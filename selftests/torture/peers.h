/* SPDX-License-Identifier: GPL-2.0 */
/* What others do under the same torture */
#ifndef PEERS_H
#define PEERS_H

#include <stdbool.h>
#include <stdint.h>

bool peers_run(uint32_t kills, uint64_t interval_us, uint64_t seed);

#endif /* PEERS_H */
