// SPDX-License-Identifier: GPL-2.0
/*
 * Picking the slots that writeback or recompression works on, largest objects
 * first, in bounded memory.
 *
 * The first call marks: it sets ZMRAM_PP on every slot that qualifies and
 * counts them by size, in buckets. Each call then collects a batch: as many
 * whole buckets as fit, or a part of one that does not. So a run takes every
 * slot at most once, whatever happens to it: a slot that was written or
 * discarded has lost ZMRAM_PP, and one that was dealt with lies behind the
 * position of the run, which only moves on, through buckets from large to
 * small and through slots within one.
 *
 * Only marking locks slots, one at a time. Collecting peeks: who processes a
 * slot locks it and looks for ZMRAM_PP again.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "zmram.h"

#include <trace/events/zmram.h>

/* 16 bytes wide with pages of 4 KiB, as the size classes are. */
#define ZMRAM_BUCKETS		257

/* Slots in a batch: 1 MiB of indices; less if memory is short. */
#define ZMRAM_PICKS_MAX		BIT(17)
#define ZMRAM_PICKS_MIN		BIT(9)

struct zmram_bucket {
	unsigned long marked;		/* slots marked and not yet passed */
	unsigned int start;		/* in the batch */
	unsigned int nr;		/* collected */
};

static unsigned int zmram_bucket_of(unsigned long data)
{
	size_t bucket = zmram_data_size(data) * (ZMRAM_BUCKETS - 1) / PAGE_SIZE;

	/* Seen without the lock it may be anything. */
	return min_t(size_t, bucket, ZMRAM_BUCKETS - 1);
}

/* The least that is in a bucket, in bytes. */
static unsigned int zmram_bucket_size(int bucket)
{
	return bucket * PAGE_SIZE / (ZMRAM_BUCKETS - 1);
}

static int zmram_picks_alloc(struct zmram_meta *meta, struct zmram_picks *picks)
{
	unsigned long n = min(zmram_nr_slots(meta), ZMRAM_PICKS_MAX);

	picks->bucket = kcalloc(ZMRAM_BUCKETS, sizeof(*picks->bucket), GFP_KERNEL);
	if (!picks->bucket)
		return -ENOMEM;
	for (; !picks->index && n; n = n > ZMRAM_PICKS_MIN ? n / 2 : 0) {
		picks->index = kvmalloc_array(n, sizeof(*picks->index),
					      GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN);
		picks->capacity = n;
	}
	return picks->index ? 0 : -ENOMEM;
}

static void zmram_mark_leaf(struct zmram_slot *slot, zmram_match_fn match, const void *arg,
			    struct zmram_picks *picks)
{
	struct zmram_slot *end = slot + ZMRAM_LEAF_SLOTS;
	unsigned long word;

	for (; slot < end; slot++) {
		word = READ_ONCE(slot->handle.word);
		if (!zm_word_has_object(word) || !match(word, READ_ONCE(slot->data), arg))
			continue;
		word = zm_handle_lock(&slot->handle);
		if (zm_word_has_object(word) && match(word, slot->data, arg)) {
			word |= ZMRAM_PP;
			picks->bucket[zmram_bucket_of(slot->data)].marked++;
		}
		zm_handle_unlock(&slot->handle, word);
	}
}

static int zmram_mark(struct zmram_dev *dev, struct zmram_meta *meta, zmram_match_fn match,
		      const void *arg, struct zmram_picks *picks)
{
	unsigned long index = 0, total = 0;
	struct zmram_slot *leaf;
	unsigned int i;

	for (; (leaf = zmram_leaf_from(meta, &index)); index += ZMRAM_LEAF_SLOTS) {
		zmram_mark_leaf(leaf, match, arg, picks);
		if (zmram_post_interrupted(dev))
			return -EINTR;
	}
	for (i = 0; i < ZMRAM_BUCKETS; i++)
		total += picks->bucket[i].marked;
	zmram_post_set_total(dev, total);
	return 0;
}

/*
 * Gives the buckets from @top down their places in the batch; returns the last
 * one that is in it. One that does not fit as a whole, or of which a part has
 * been had, has the batch to itself.
 */
static int zmram_plan_batch(struct zmram_picks *picks)
{
	struct zmram_bucket *bucket = picks->bucket;
	unsigned long used = 0;
	int b = picks->top;

	do {
		bucket[b].start = used;
		bucket[b].nr = 0;
		used += bucket[b].marked;
		b--;
	} while (!picks->next && b >= 0 && used + bucket[b].marked <= picks->capacity);
	return b + 1;
}

/* Takes a slot into the batch; false if it belongs to it but is one too many. */
static bool zmram_collect_slot(struct zmram_picks *picks, int last,
			       const struct zmram_slot *slot, unsigned long index)
{
	struct zmram_bucket *bucket;
	int b;

	if (!(READ_ONCE(slot->handle.word) & ZMRAM_PP))
		return true;
	b = zmram_bucket_of(READ_ONCE(slot->data));
	if (b > picks->top || b < last)
		return true;
	bucket = &picks->bucket[b];
	if (bucket->nr == bucket->marked || bucket->start + bucket->nr == picks->capacity)
		return false;
	picks->index[bucket->start + bucket->nr++] = index;
	return true;
}

/* The same for a leaf, from *@index on; false with *@index at what is too much. */
static bool zmram_collect_leaf(struct zmram_picks *picks, int last,
			       const struct zmram_slot *leaf, unsigned long *index)
{
	bool alone = picks->top == last;

	do {
		if (!zmram_collect_slot(picks, last, &leaf[*index % ZMRAM_LEAF_SLOTS], *index) &&
		    alone)
			return false;
	} while (++*index % ZMRAM_LEAF_SLOTS);
	return true;
}

/* Collects buckets @top to @last and moves the position behind them. */
static int zmram_collect(struct zmram_dev *dev, struct zmram_meta *meta,
			 struct zmram_picks *picks, int last)
{
	unsigned long index = picks->next;
	struct zmram_slot *leaf;

	while ((leaf = zmram_leaf_from(meta, &index))) {
		if (!zmram_collect_leaf(picks, last, leaf, &index))
			break;
		if (zmram_post_interrupted(dev))
			return -EINTR;
	}
	if (leaf && picks->bucket[last].nr) {
		picks->bucket[last].marked -= picks->bucket[last].nr;
		picks->next = index;
	} else {
		picks->top = last - 1;
		picks->next = 0;
	}
	return 0;
}

/* Closes the gaps that slots left which are not picked any more. */
static void zmram_close_gaps(struct zmram_picks *picks, int b, int last)
{
	picks->nr = 0;
	for (; b >= last; b--) {
		const struct zmram_bucket *bucket = &picks->bucket[b];

		memmove(&picks->index[picks->nr], &picks->index[bucket->start],
			bucket->nr * sizeof(*picks->index));
		picks->nr += bucket->nr;
	}
}

/**
 * zmram_post_pick() - the next batch of slots to work on
 * @dev: the device, on which this task runs writeback or recompression
 * @meta: its meta
 * @match: which objects qualify
 * @arg: for @match
 * @picks: all zero at the first call; receives the batch, of 0 slots at the end
 *
 * Context: Process context, no slot or stream locked; sleeps.
 * Return: 0, -EINTR when the operation has to stop, -ENOMEM.
 */
int zmram_post_pick(struct zmram_dev *dev, struct zmram_meta *meta, zmram_match_fn match,
		    const void *arg, struct zmram_picks *picks)
{
	int top = 0, last = 0, ret = 0;

	lockdep_assert_held(&dev->post[ZMRAM_CLAIM_PP].lock);
	if (!picks->bucket) {
		ret = zmram_picks_alloc(meta, picks);
		if (!ret)
			ret = zmram_mark(dev, meta, match, arg, picks);
		picks->top = ZMRAM_BUCKETS - 1;
	}
	picks->nr = 0;
	while (!ret && !picks->nr && picks->top >= 0) {
		top = picks->top;
		last = zmram_plan_batch(picks);
		ret = zmram_collect(dev, meta, picks, last);
		if (!ret)
			zmram_close_gaps(picks, top, last);
	}
	if (!ret && picks->nr)
		trace_zmram_pick(dev->disk->disk_name, picks->nr, zmram_bucket_size(top),
				 zmram_bucket_size(last));
	return ret;
}

static void zmram_unmark_leaf(struct zmram_slot *slot)
{
	struct zmram_slot *end = slot + ZMRAM_LEAF_SLOTS;

	for (; slot < end; slot++) {
		if (READ_ONCE(slot->handle.word) & ZMRAM_PP)
			zm_handle_unlock(&slot->handle,
					 zm_handle_lock(&slot->handle) & ~ZMRAM_PP);
	}
}

/**
 * zmram_post_unpick() - forget what was picked and not processed
 * @dev: the device
 * @meta: its meta
 * @picks: given back; all zero afterwards
 *
 * After this no slot has ZMRAM_PP. To be called in any case, before
 * zmram_post_end().
 *
 * Context: Process context, no slot or stream locked; sleeps.
 */
void zmram_post_unpick(struct zmram_dev *dev, struct zmram_meta *meta, struct zmram_picks *picks)
{
	unsigned long index = 0;
	struct zmram_slot *leaf;

	lockdep_assert_held(&dev->post[ZMRAM_CLAIM_PP].lock);
	while (picks->bucket && (leaf = zmram_leaf_from(meta, &index))) {
		zmram_unmark_leaf(leaf);
		index += ZMRAM_LEAF_SLOTS;
		cond_resched();
	}
	kvfree(picks->index);
	kfree(picks->bucket);
	memset(picks, 0, sizeof(*picks));
}
