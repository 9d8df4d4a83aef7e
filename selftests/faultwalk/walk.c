// SPDX-License-Identifier: GPL-2.0
/*
 * One scene, again and again in a world of its own: its first failure point fails,
 * then its second, until the call passes without a failure. Then bad addresses: of the
 * structure and the array behind it only so many bytes are there.
 *
 * After each failed call everything is as it was before, everything adds up, and the
 * same call, with nothing in its way, does what it should.
 */
#include "walk.h"

#include "fault.h"
#include "memory.h"

/* No call has as many; if one seems to, its failures are not injected. */
#define POINTS_MAX 2000

/* Of walks that do not see all errors that a scene is to be seen with. */
#define WALKS 20

/* Bad addresses within a large array: not at each of its words. */
#define CUTS 24

/* A page lost at one point is as many pages lost; some are in caches, now and then. */
#define ROUNDS 20
#define PAGES_MAX 12

/* What is freed by way of RCU and of works is so after some seconds. */
#define SETTLE_SECONDS 7

/* What fails, or is missing. */
struct point {
	unsigned int nth;
	enum cut cut;
	size_t there;
};

/* What must not change in a call that fails. */
struct snapshot {
	struct mpmc_queue_info queue;
	struct mpmc_queue_info dead;
	struct mpmc_token_info token;
	struct mpmc_map_token map;
	__u64 own;
	__u64 ring;
};

static struct world world;

/* Points of the scene at hand at which its call failed. */
static bool failed[POINTS_MAX];

static __u64 ring_sum(const struct mapped *m)
{
	__u64 sum = 0, i;

	for (i = 0; i < m->info.ring_entries; i++)
		sum = sum * 31 + m->items[i];
	return sum;
}

static void snapshot_take(struct snapshot *s, const struct world *w)
{
	memset(s, 0, sizeof(*s));
	if (w->queue >= 0)
		queue_info(w->queue, &s->queue);
	if (w->dead >= 0)
		queue_info(w->dead, &s->dead);
	if (w->token >= 0)
		token_info(w->token, &s->token);
	if (!w->mapped.kernel)
		return;
	s->map = *w->mapped.token;
	s->own = *w->mapped.own;
	s->ring = ring_sum(&w->mapped);
}

static void snapshot_compare(struct world *w, const struct snapshot *before)
{
	struct snapshot now;

	snapshot_take(&now, w);
	right(w, !memcmp(&now.queue, &before->queue, sizeof(now.queue)));
	right(w, !memcmp(&now.dead, &before->dead, sizeof(now.dead)));
	right(w, !memcmp(&now.token, &before->token, sizeof(now.token)));
	right(w, !memcmp(&now.map, &before->map, sizeof(now.map)));
	right(w, now.own == before->own && now.ring == before->ring);
}

/* A leaked fd, or one that is only reserved, is the lowest that there was. */
static int lowest_fd(void)
{
	int fd = dup(0);

	must(fd >= 0);
	close(fd);
	return fd;
}

static long call(const struct scene *scene, struct world *w)
{
	return scene->call ? scene->call(w) :
			     mpmc_ioctl(w->fd, w->cmd, w->at.data);
}

static bool may_fail(const struct scene *scene, const struct point *point,
		     long error)
{
	if (error == scene->result)
		return true;
	if (error == -EFAULT && point->cut != CUT_NOTHING)
		return true;
	return (error == -ENOMEM && scene->sees & SEES_NOMEM) ||
	       (error == -EFAULT && scene->sees & SEES_FAULT);
}

static void judge(const struct scene *scene, struct world *w,
		  const struct point *point, long ret, bool injected)
{
	bool clear = !injected && point->cut == CUT_NOTHING;

	if (clear && scene->result < 0 ? ret != scene->result :
	    ret < 0 && (clear ? ret != scene->result :
				!may_fail(scene, point, ret)))
		wrong(w, "it returned %ld", ret);
	if (point->cut == CUT_ARGS && ret != -EFAULT)
		wrong(w, "of its structure %zu bytes are there, and it returned %ld",
		      point->there, ret);
}

static void account(const struct scene *scene, struct world *w, long ret)
{
	if (scene->check)
		scene->check(w, ret);
	world_count(w);
}

/* The same call, and all that it needs is there. */
static void call_again(const struct scene *scene, struct world *w)
{
	long ret;

	world_unplace(w);
	world_place(w, CUT_NOTHING, 0);
	ret = call(scene, w);
	if (w->cut != CUT_NOTHING || scene->result >= 0 ? ret < 0 :
							 ret != scene->result)
		wrong(w, "the same call once more returned %ld", ret);
	account(scene, w, ret);
}

/* One call, with something in its way; what it returned. */
static long run(const struct scene *scene, const struct point *point,
		bool *injected)
{
	struct world *w = &world;
	struct snapshot before;
	int fd = lowest_fd();
	long ret;

	world_begin(w);
	scene->setup(w);
	if (w->cut != CUT_NOTHING)
		world_place(w, w->cut, w->there);
	else
		world_place(w, point->cut, point->there);
	snapshot_take(&before, w);
	if (point->nth)
		fault_arm(point->nth);
	ret = call(scene, w);
	*injected = point->nth && fault_disarm();
	judge(scene, w, point, ret, *injected);
	account(scene, w, ret);
	if (ret < 0 && !scene->moves)
		snapshot_compare(w, &before);
	if (ret < 0 && !scene->once)
		call_again(scene, w);
	world_end(w);
	if (lowest_fd() != fd)
		wrong(w, "an fd is open that was not");
	return ret;
}

/* Whether nothing was wrong. */
static bool fine(const struct scene *scene, const struct point *point)
{
	if (!*world.wrong)
		return true;
	if (point->nth)
		printf("# %s, failure point %u: %s\n", scene->name, point->nth,
		       world.wrong);
	else if (point->cut == CUT_NOTHING)
		printf("# %s: %s\n", scene->name, world.wrong);
	else
		printf("# %s, %zu bytes of %s there: %s\n", scene->name,
		       point->there, point->cut == CUT_ARGS ||
		       point->cut == CUT_WRITE ? "the structure" : "the array",
		       world.wrong);
	fflush(stdout);
	return false;
}

/* Each point in its turn, until there is none any more. */
static bool walk_points_once(const struct scene *scene, struct walked *walked)
{
	struct point point = { .nth = 1 };
	bool injected;
	long ret;

	for (; point.nth < POINTS_MAX; point.nth++) {
		ret = run(scene, &point, &injected);
		if (!fine(scene, &point))
			return false;
		if (!injected)
			return true;
		if (walked->points < point.nth)
			walked->points = point.nth;
		failed[point.nth] = failed[point.nth] || ret < 0;
		walked->nomem += ret == -ENOMEM;
		walked->fault += ret == -EFAULT;
		walked->done += ret >= 0 ||
				(ret == scene->result && ret != -EFAULT);
	}
	printf("# %s: there is no end of failure points\n", scene->name);
	return false;
}

static bool saw_errors(const struct scene *scene, const struct walked *walked)
{
	return (walked->nomem || !(scene->sees & SEES_NOMEM)) &&
	       (walked->fault || !(scene->sees & SEES_FAULT));
}

/*
 * The first time nothing fails. Caches that were empty would have points of their own,
 * for a page, and then no more: those behind come earlier the next time, and the walk,
 * which goes on where it was, passes by one. As that happens now and then later as
 * well, it is walked again.
 */
static bool walk_points(const struct scene *scene, struct walked *walked)
{
	struct point none = {};
	unsigned int walks;
	bool injected;

	memset(failed, 0, sizeof(failed));
	run(scene, &none, &injected);
	if (!fine(scene, &none))
		return false;
	for (walks = 0; walks < WALKS; walks++) {
		if (!walk_points_once(scene, walked))
			return false;
		if (saw_errors(scene, walked))
			break;
	}
	return true;
}

static bool walk_cut(const struct scene *scene, struct walked *walked,
		     enum cut cut, size_t there)
{
	struct point point = { .cut = cut, .there = there };
	bool injected;

	walked->cuts++;
	walked->cut_fault += run(scene, &point, &injected) == -EFAULT;
	return fine(scene, &point);
}

static bool walk_cuts(const struct scene *scene, struct walked *walked)
{
	size_t size = world.args.size, buffer = world.buffer_size;
	size_t step = (buffer / CUTS + sizeof(__u64)) & ~(sizeof(__u64) - 1);
	size_t there;
	bool ok = true;

	if (world.cut != CUT_NOTHING)
		return true;
	for (there = 0; ok && there < size; there += sizeof(__u32))
		ok = walk_cut(scene, walked, CUT_ARGS, there);
	if (ok && size)
		ok = walk_cut(scene, walked, CUT_WRITE, size);
	for (there = 0; ok && there < buffer; there += step)
		ok = walk_cut(scene, walked, CUT_BUFFER, there);
	if (ok && buffer)
		ok = walk_cut(scene, walked, CUT_BUFFER_WRITE, buffer);
	return ok;
}

/*
 * Walks once more, and again, through all points at which the call failed, or was to
 * do without, and counts memory: against what there was when the last scene had settled.
 */
static bool walk_memory(const struct scene *scene, struct walked *walked)
{
	static long settled = -1;
	unsigned int round;
	bool injected;
	long before;

	before = settled < 0 ? memory_settled(0, SETTLE_SECONDS) :
			      settled;
	for (round = 0; round < ROUNDS; round++) {
		struct point point = { .nth = 1 };

		for (; point.nth <= walked->points; point.nth++) {
			if (!failed[point.nth] && !scene->hidden)
				continue;
			run(scene, &point, &injected);
			if (!fine(scene, &point))
				return false;
		}
	}
	settled = memory_settled(before + PAGES_MAX, 2 * SETTLE_SECONDS);
	walked->pages = settled - before;
	if (walked->pages <= PAGES_MAX)
		return true;
	printf("# %s: after %d walks there are %ld pages that were not\n",
	       scene->name, ROUNDS, walked->pages);
	return false;
}

static bool saw_all(const struct scene *scene, const struct walked *walked)
{
	bool ok = saw_errors(scene, walked);

	if (scene->hidden && !walked->points)
		ok = false;
	if (walked->cuts && !walked->cut_fault)
		ok = false;
	if (!ok)
		printf("# %s: not seen to fail as it should\n", scene->name);
	return ok;
}

bool walk_scene(const struct scene *scene, struct walked *walked)
{
	memset(walked, 0, sizeof(*walked));
	return walk_points(scene, walked) && walk_cuts(scene, walked) &&
	       saw_all(scene, walked) &&
	       (!walked->points || walk_memory(scene, walked));
}

/* --- Checks --- */

void check_put(struct world *w, long ret)
{
	if (ret >= 0)
		world_accepted(w);
}

void check_take(struct world *w, long ret)
{
	bool one = w->args.transfer.flags & MPMC_TRANSFER_INLINE;

	if (ret > (long)w->count)
		wrong(w, "%ld of %u items", ret, w->count);
	else if (ret > 0)
		world_took(w, one ? (__u64 *)&world_args(w)->transfer.items :
			   w->at_buffer.data, ret);
}

/* A new fd is close-on-exec. */
void check_made(struct world *w, long ret)
{
	if (ret < 0)
		return;
	w->made = ret;
	right(w, fcntl(ret, F_GETFD) == FD_CLOEXEC);
}
