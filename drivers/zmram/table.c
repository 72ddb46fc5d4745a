// SPDX-License-Identifier: GPL-2.0
/*
 * The slot table, and making and destroying all that a sized device has.
 *
 * Two levels: an array of leaves, 8 bytes per 16 MiB of disk, and leaves of
 * 64 KiB that come into being when one of their slots is first written. Handles
 * live in the leaves, which therefore never move; taking them in blocks of 64
 * KiB keeps them together instead of one page in every pageblock. A leaf goes
 * only with the table.
 */
#include <linux/mm.h>
#include <linux/slab.h>

#include "zmram.h"

/*
 * Slot of a page, its leaf made if need be; NULL without memory. Sleeps, but
 * starts no I/O: writers come here from reclaim.
 */
struct zmram_slot *zmram_slot_get(struct zmram_meta *meta, unsigned long index)
{
	struct zmram_slot **place = &meta->leaf[index >> ZMRAM_LEAF_SHIFT];
	struct zmram_slot *leaf, *old = NULL;

	if (likely(smp_load_acquire(place)))
		return zmram_slot_find(meta, index);
	leaf = kvcalloc(ZMRAM_LEAF_SLOTS, sizeof(*leaf), GFP_NOIO | __GFP_NOWARN);
	if (!leaf)
		return NULL;
	/* Release: publishes the zeroes. Another writer may have been first. */
	if (!try_cmpxchg_release(place, &old, leaf))
		kvfree(leaf);
	return zmram_slot_find(meta, index);
}

static void zmram_leaf_empty(struct zmram_dev *dev, struct zmram_meta *meta, unsigned long nr)
{
	unsigned long index = nr << ZMRAM_LEAF_SHIFT;
	unsigned long end = index + ZMRAM_LEAF_SLOTS;

	for (; index < end; index++)
		zmram_free_slot(dev, meta, index);
}

static void zmram_meta_free_comps(struct zmram_meta *meta)
{
	unsigned int prio;

	for (prio = 0; prio < ZMRAM_MAX_COMPS; prio++)
		zmram_comp_destroy(meta->comp[prio]);
}

static int zmram_meta_make_comps(struct zmram_dev *dev, struct zmram_meta *meta)
{
	struct zmram_comp *comp;
	unsigned int prio;

	for (prio = 0; prio < ZMRAM_MAX_COMPS; prio++) {
		if (!dev->algorithm[prio])
			continue;
		comp = zmram_comp_create(dev->algorithm[prio]);
		if (IS_ERR(comp))
			return PTR_ERR(comp);
		meta->comp[prio] = comp;
	}
	return 0;
}

/*
 * Frees every object and what is left. No I/O is under way any more; pages may
 * still be migrated, so the slots are locked as always.
 */
void zmram_meta_destroy(struct zmram_dev *dev, struct zmram_meta *meta)
{
	unsigned long nr;

	for (nr = 0; nr < meta->nr_leaves; nr++) {
		if (meta->leaf[nr])
			zmram_leaf_empty(dev, meta, nr);
		cond_resched();
	}
	/* Objects that are left point at handles in the leaves: lose them both. */
	if (zm_pool_destroy(meta->pool))
		return;
	for (nr = 0; nr < meta->nr_leaves; nr++)
		kvfree(meta->leaf[nr]);
	zmram_meta_free_comps(meta);
	kvfree(meta);
}

/* Makes all that a device of @nr_slots pages needs; or an ERR_PTR(). */
struct zmram_meta *zmram_meta_create(struct zmram_dev *dev, unsigned long nr_slots)
{
	unsigned long nr_leaves = DIV_ROUND_UP(nr_slots, ZMRAM_LEAF_SLOTS);
	struct zmram_meta *meta;
	unsigned int i;
	int ret;

	BUILD_BUG_ON(sizeof(struct zmram_slot) != 16);
	BUILD_BUG_ON(PAGE_SIZE >= BIT(ZMRAM_SIZE_BITS));

	meta = kvzalloc(struct_size(meta, leaf, nr_leaves), GFP_KERNEL | __GFP_NOWARN);
	if (!meta)
		return ERR_PTR(-ENOMEM);
	meta->nr_slots = nr_slots;
	meta->nr_leaves = nr_leaves;
	for (i = 0; i < ZMRAM_RMW_LOCKS; i++)
		mutex_init(&meta->rmw[i]);
	ret = zmram_meta_make_comps(dev, meta);
	if (ret)
		goto free_comps;
	ret = -ENOMEM;
	meta->pool = zm_pool_create(dev->disk->disk_name, zmram_movable ? ZM_POOL_MOVABLE : 0);
	if (!meta->pool)
		goto free_comps;
	return meta;

free_comps:
	zmram_meta_free_comps(meta);
	kvfree(meta);
	return ERR_PTR(ret);
}
