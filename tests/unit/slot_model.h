/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A few slots and the model of them, for suite zmram_slot; see slot_test.c.
 *
 * drivers/zmram/slot.c is compiled into the test module under other names, on a real pool.
 * What it calls beside zmalloc is stood in for by slot_model.c.
 */
#ifndef ZM_UNIT_SLOT_MODEL_H
#define ZM_UNIT_SLOT_MODEL_H

#define zmram_read_slot		zmu_slot_read
#define zmram_write_slot	zmu_slot_write
#define zmram_free_slots	zmu_slot_free
#define zmram_try_free_slot	zmu_slot_try_free
#define zmram_picked_read	zmu_slot_picked_read
#define zmram_picked_replace	zmu_slot_picked_replace
#define zmram_pick_slot		zmu_slot_pick
#define zmram_unpick_slot	zmu_slot_unpick
#define zmram_copy_picked	zmu_slot_copy_picked
#define zmram_slot_to_block	zmu_slot_to_block
#define zmram_slot_block	zmu_slot_block
#define zmram_block_free	zmu_slot_block_free
#define zmram_stream_get	zmu_slot_stream_get
#define zmram_stream_tryget	zmu_slot_stream_tryget
#define zmram_stream_put	zmu_slot_stream_put
#define zmram_leaf_make		zmu_slot_leaf_make

#include "../../drivers/zmram/zmram.h"

#include "unit.h"

#define SLOTS		64
#define SLOT_COMPS	3
#define SLOT_FLAGS	(ZMRAM_IDLE | ZMRAM_INCOMP | ZMRAM_PP)

enum slot_kind { SLOT_EMPTY, SLOT_SAME, SLOT_OBJECT, SLOT_BLOCK };

/**
 * struct slot_want - what a slot has to hold
 * @kind: what it is
 * @seed: what its page is made from, see zmu_slot_page(); of SLOT_SAME, the pattern
 * @size: bytes of the object, or on the backing device
 * @prio: which algorithm has made them
 * @stamp: when it was last accessed; of SLOT_BLOCK, the block
 * @flags: of SLOT_FLAGS
 * @damaged: the last byte of the object has been changed
 */
struct slot_want {
	enum slot_kind kind;
	u64 seed;
	u32 size, prio, stamp;
	unsigned long flags;
	bool damaged;
};

struct slots;

/* An algorithm with one stream. */
struct slot_comp {
	struct slots *s;
	unsigned int prio;
	struct zmram_comp *comp;
	struct zmram_stream stream;
};

/**
 * struct slots - the slots twice, and what their surroundings do
 * @nr: how many of them are in use, and compared
 * @want: the model
 * @stat: the model of the counters that only grow
 * @now: what the clock says
 * @page: a page to write, or to read into
 * @copy: one to compare with
 * @object: the bytes of an object
 * @scratch: for the stand-ins
 * @freed: calls of zmram_block_free()
 * @last_freed: the latest block
 * @want_freed: the model of @freed; @want_last_freed as well
 * @limit: pages that the pool may have, 0 for any number
 * @busy_streams: so many tries to get a stream find it locked
 * @fail_nowait: no memory without waiting
 * @fail_waiting: so many times there is none with waiting
 * @at_stream: called once when somebody waits for a stream
 * @at_memory: and when for memory
 * @at_leaf: and when there is no memory for a leaf
 * @no_leaf: so many times there is no memory for one
 * @said: why the latest write failed, or NULL
 * @held: a slot that the test has locked, or NULL
 * @seen: how often some things have come about, to tell whether a random run met them
 */
struct slots {
	struct kunit *test;
	struct zmram_dev dev;
	struct gendisk disk;
	struct zmram_meta meta;
	struct slot_comp comp[SLOT_COMPS];
	struct zmram_slot *leaf;
	unsigned int nr;
	struct slot_want want[SLOTS];
	s64 stat[ZMRAM_NR_STATS];
	u32 now;
	u8 *page, *copy, *object, *scratch;
	unsigned long freed, want_freed;
	u32 last_freed, want_last_freed, blocks;
	unsigned long limit;
	unsigned int busy_streams, fail_waiting, no_leaf;
	bool fail_nowait, failed;
	void (*at_stream)(struct slots *s);
	void (*at_memory)(struct slots *s);
	void (*at_leaf)(struct slots *s);
	const char *said;
	struct zmram_slot *held;
	struct { unsigned long in_place, refused, damaged, moved, lost; } seen;
	u8 per_class[ZM_MAX_CLASSES + 1];
	unsigned long zone_pages;
	u64 rng;
};

/* slot_model.c */
int zmu_slots_init(struct kunit *test);
void zmu_slots_exit(struct kunit *test);
void zmu_slot_page(u64 seed, void *page);
void zmu_slot_encode(u64 seed, unsigned int prio, size_t size, void *dst);
unsigned long zmu_slot_data(const struct slot_want *w);
void zmu_slot_object(const struct slot_want *w, void *dst);
void zmu_slot_want(struct slots *s, s64 got, s64 want, const char *what);
void zmu_slots_compare(struct slots *s, unsigned int first, unsigned int nr);
void zmu_slots_compare_all(struct slots *s);

/* slot_ops.c: each does one thing to a slot and knows what has to come of it. */
struct zmram_walk zmu_slot_walk(struct slots *s);
bool zmu_slot_room(struct slots *s, size_t size);
void zmu_slot_op_write(struct slots *s, unsigned int i, long len);
void zmu_slot_op_write_at_limit(struct slots *s, unsigned int i, long len);
void zmu_slot_op_write_waiting(struct slots *s, unsigned int i, long len);
void zmu_slot_op_write_reclaiming(struct slots *s, unsigned int i, long len);
void zmu_slot_op_write_same(struct slots *s, unsigned int i, long pattern);
void zmu_slot_op_read(struct slots *s, unsigned int i, long busy_streams);
void zmu_slot_op_free(struct slots *s, unsigned int i, long unused);
void zmu_slot_op_try_free(struct slots *s, unsigned int i, long held);
void zmu_slot_op_pick(struct slots *s, unsigned int i, long unused);
void zmu_slot_op_unpick(struct slots *s, unsigned int i, long how);
void zmu_slot_op_picked_read(struct slots *s, unsigned int i, long busy_streams);
void zmu_slot_op_replace(struct slots *s, unsigned int i, long size);
void zmu_slot_op_copy(struct slots *s, unsigned int i, long raw);
void zmu_slot_op_to_block(struct slots *s, unsigned int i, long raw);
void zmu_slot_op_where(struct slots *s, unsigned int i, long unused);
void zmu_slot_op_mark(struct slots *s, unsigned int i, long flags);
void zmu_slot_op_damage(struct slots *s, unsigned int i, long unused);
void zmu_slot_op_move(struct slots *s, unsigned int i, long pos);

#endif /* ZM_UNIT_SLOT_MODEL_H */
