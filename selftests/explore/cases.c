// SPDX-License-Identifier: GPL-2.0
/*
 * All cases, the small ones first
 */
#include "schedule.h"

#define CASES(each) \
	each(segment_end) \
	each(segment_bulk) \
	each(segment_recycle) \
	each(segment_worn) \
	each(segment_late) \
	each(segment_share) \
	each(ring_claim) \
	each(ring_move) \
	each(ring_move_two) \
	each(ring_one) \
	each(ring_eager) \
	each(ring_chunks) \
	each(ring_revoke) \
	each(ring_rogue) \
	each(ring_seal) \
	each(ring_seal_move) \
	each(ring_seal_gone) \
	each(credit_sure) \
	each(credit_gather) \
	each(credit_scarce) \
	each(credit_true) \
	each(credit_some) \
	each(credit_common) \
	each(pending_set) \
	each(pending_doubt) \
	each(pending_hop) \
	each(pending_late) \
	each(pending_once) \
	each(requeue_share) \
	each(requeue_both) \
	each(lease_lend) \
	each(lease_release) \
	each(queue_wait) \
	each(queue_two) \
	each(queue_signal) \
	each(queue_empty) \
	each(queue_behind) \
	each(queue_behind_ready) \
	each(queue_behind_back) \
	each(queue_behind_gone) \
	each(queue_behind_limbo) \
	each(queue_full) \
	each(queue_full_limbo) \
	each(queue_full_last) \
	each(queue_room) \
	each(queue_harvest) \
	each(queue_harvest_hot) \
	each(queue_armed) \
	each(queue_hot) \
	each(queue_hot_two) \
	each(queue_cool) \
	each(queue_shutdown) \
	each(queue_drain) \
	each(queue_drain_two) \
	each(queue_late) \
	each(queue_refused) \
	each(queue_close) \
	each(poll_put) \
	each(poll_armed) \
	each(poll_hot) \
	each(poll_left) \
	each(poll_stay) \
	each(poll_again) \
	each(poll_commit) \
	each(poll_commit_hot) \
	each(poll_shutdown) \
	each(poll_drain) \
	each(park_put) \
	each(park_hot) \
	each(park_again) \
	each(park_room) \
	each(park_changed) \
	each(park_late) \
	each(park_cancel) \
	each(park_pass) \
	each(park_shutdown) \
	each(park_end) \
	each(park_exit) \
	each(known_message) \
	each(known_passing) \
	each(known_buffers) \
	each(known_fences) \
	each(known_race) \
	each(known_locked) \
	each(known_free) \
	each(known_late_free) \
	each(known_deadlock) \
	each(known_loop)

#define CASE_DECLARE(name) extern const struct explore_case case_##name;
#define CASE_LIST(name) &case_##name,

CASES(CASE_DECLARE)

const struct explore_case *const explore_cases[] = {
	CASES(CASE_LIST)
	NULL
};
