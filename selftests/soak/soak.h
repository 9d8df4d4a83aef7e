/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What all parts of the soak share
 *
 * A soak is a number of rounds. In each, crews of the torture (loads) and others
 * who make and destroy queues (churners) are at work, while processes make
 * trouble of several kinds. At the end of a round all come to rest, and what
 * there is is counted: a checkpoint.
 */
#ifndef SOAK_H
#define SOAK_H

#include <sys/types.h>

#include "crew.h"

#define LOADS 5
#define CHURNERS 3

/* After so long without progress, or with nobody coming to rest, it is stuck. */
#define PATIENCE_NS (40 * NSEC_PER_SEC)

/* Makers of trouble, each in its own process */
enum {
	TROUBLE_CPUS,
	TROUBLE_FREEZER,
	TROUBLE_MEMORY,
	TROUBLES,
};

/**
 * struct soak - what all processes of a soak share; sums, but for the first ones
 * @rest: the makers of trouble are to leave everything as it should be, and wait
 * @quiet: which of them do
 * @churn_end: churners are to end
 * @faults: what has gone wrong, told by the one that saw it
 * @cpus_off: CPUs taken offline
 * @freezes: of half of the loads
 * @probes: items put while some of those asleep are being frozen
 * @squeezes: times without any more memory
 * @hogs: processes that took all memory there was
 * @reclaims: times that all memory was wanted back
 * @churned: queues made and destroyed again
 * @churn_items: items through those
 * @churn_no_memory: calls there that there was no memory for
 * @churn_kills: churners killed; those killed for their memory included
 * @views: of the loads
 * @outcomes: of the loads in this round
 */
struct soak {
	_Atomic bool rest;
	_Atomic bool quiet[TROUBLES];
	_Atomic bool churn_end;
	_Atomic uint32_t faults;
	_Atomic uint64_t cpus_off;
	_Atomic uint64_t freezes;
	_Atomic uint64_t probes;
	_Atomic uint64_t squeezes;
	_Atomic uint64_t hogs;
	_Atomic uint64_t reclaims;
	_Atomic uint64_t churned;
	_Atomic uint64_t churn_items;
	_Atomic uint64_t churn_no_memory;
	_Atomic uint64_t churn_kills;
	struct view views[LOADS];
	struct outcome outcomes[LOADS];
};

__attribute__((format(printf, 2, 3)))
void soak_fault(struct soak *soak, const char *format, ...);

/* group.c: the control groups. The loads have memory together; one part freezes. */
enum {
	GROUP_WARM,
	GROUP_COLD,
	GROUP_CHURN,
	GROUP_HOG,
	GROUPS,
};

void groups_make(void);
void groups_remove(void);
const int *groups_fds(void);
void group_enter(int group);
void group_write(const char *file, const char *text);
uint64_t group_read(const char *file, const char *key);

/* Whole files, and the number behind a word of one; 0 without it. */
bool file_write(const char *path, const char *text);
size_t file_read(const char *path, char *text, size_t size);
uint64_t file_number(const char *path, const char *key);

/* load.c */
void loads_make(void);
void loads_begin(struct soak *soak, uint32_t round, bool last, uint64_t seed);
bool loads_ended(struct soak *soak);
bool loads_failing(struct soak *soak);
void loads_stop(void);
void loads_judge(struct soak *soak, uint32_t round);
bool loads_report(int *test);
void loads_release(void);
unsigned int loads_kept(void);

/* churn.c */
void churn_begin(struct soak *soak, uint64_t seed);
void churn_tend(struct soak *soak, uint64_t *seed);
void churn_stop(struct soak *soak);
uid_t churn_user(int churner);

/* trouble.c, and what it makes */
void troubles_start(struct soak *soak, uint64_t seed);
void troubles_begin(struct soak *soak);
void troubles_rest(struct soak *soak);
void troubles_stop(void);

/**
 * struct trouble - a kind of trouble
 * @name: for people
 * @start: NULL, or before the first time
 * @make: make some, once, and for a while
 * @mend: leave everything as it should be
 */
struct trouble {
	const char *name;
	void (*start)(struct soak *soak);
	void (*make)(struct soak *soak, uint64_t *seed);
	void (*mend)(struct soak *soak);
};

/* memory.c: before any process is made. */
void memory_prepare(void);

extern const struct trouble trouble_cpus, trouble_freezer, trouble_memory;

int cpus_count(void);

/* gauge.c */
void gauge_first(void);
void gauge_next(void);
bool gauge_report(int *test);

/* user.c */
unsigned int user_queues(uid_t uid, unsigned int expected);

#endif /* SOAK_H */
