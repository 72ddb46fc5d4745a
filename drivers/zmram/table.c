// SPDX-License-Identifier: GPL-2.0
/*
 * The slot table, and making and destroying all that a sized device has.
 *
 * Leaves of 64 KiB, the slots of 16 MiB of disk, come into being when one of
 * their slots is first written; an xarray finds them. So the size of a disk costs
 * nothing, and growing needs no work. Handles live in the leaves, which therefore
 * never move; taking them in blocks of 64 KiB keeps them together instead of one
 * page in every pageblock. A leaf goes only with the table.
 *
 * Finding a leaf takes no lock; the xarray's own serialises putting one in.
 */
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "zmram.h"

#define ZMRAM_LEAF_SIZE		(ZMRAM_LEAF_SLOTS * sizeof(struct zmram_slot))
#define ZMRAM_LEAF_PAGES	(ZMRAM_LEAF_SIZE >> PAGE_SHIFT)

/* How long to wait for memory is the writer's to decide; see slot.c. */
#define ZMRAM_LEAF_GFP		(GFP_NOIO | __GFP_NORETRY | __GFP_NOWARN)

/*
 * A leaf of single pages. Not by vmalloc(), which fails a task that was killed
 * (vm_area_alloc_pages()): what it writes may be a page that somebody else has dirtied.
 */
static void *zmram_leaf_map(void)
{
	struct page *page[ZMRAM_LEAF_PAGES];
	unsigned int nr = 0, noio;
	void *leaf = NULL;

	while (nr < ZMRAM_LEAF_PAGES && (page[nr] = alloc_page(ZMRAM_LEAF_GFP | __GFP_ZERO)))
		nr++;
	if (nr == ZMRAM_LEAF_PAGES) {
		noio = memalloc_noio_save();
		leaf = vmap(page, nr, VM_MAP, PAGE_KERNEL);
		memalloc_noio_restore(noio);
	}
	while (!leaf && nr)
		__free_page(page[--nr]);
	return leaf;
}

static void zmram_leaf_free(void *leaf)
{
	struct page *page[ZMRAM_LEAF_PAGES];
	unsigned int nr;

	if (!is_vmalloc_addr(leaf)) {
		kfree(leaf);
		return;
	}
	for (nr = 0; nr < ZMRAM_LEAF_PAGES; nr++)
		page[nr] = vmalloc_to_page(leaf + nr * PAGE_SIZE);
	vunmap(leaf);
	while (nr)
		__free_page(page[--nr]);
}

/*
 * Makes the leaf at @nr of the table, unless another writer is first; NULL without
 * memory. Sleeps, but starts no I/O: writers come here from reclaim.
 */
struct zmram_slot *zmram_leaf_make(struct zmram_meta *meta, unsigned long nr)
{
	struct zmram_slot *leaf = kzalloc(ZMRAM_LEAF_SIZE, ZMRAM_LEAF_GFP), *old;

	if (!leaf)
		leaf = zmram_leaf_map();
	if (!leaf)
		return NULL;
	old = xa_cmpxchg(&meta->leaves, nr, NULL, leaf, ZMRAM_LEAF_GFP);
	if (!old)
		return leaf;
	zmram_leaf_free(leaf);
	return xa_is_err(old) ? NULL : old;
}

/*
 * For walks over the table: the leaf of slot *@index, or else the next that there is,
 * *@index then being the number of its first slot; NULL at the end. Steps over what is
 * not there, in the time that what is there takes.
 */
struct zmram_slot *zmram_leaf_from(struct zmram_meta *meta, unsigned long *index)
{
	unsigned long nr = *index >> ZMRAM_LEAF_SHIFT;
	struct zmram_slot *leaf = xa_find(&meta->leaves, &nr, ULONG_MAX, XA_PRESENT);

	*index = max(*index, nr << ZMRAM_LEAF_SHIFT);
	return leaf;
}

/* Frees every object, and says how far it is; ends only with the last one. */
static void zmram_meta_empty(struct zmram_dev *dev, struct zmram_meta *meta)
{
	unsigned long index = 0;

	zmram_post_set_total(dev, zmram_nr_slots(meta));
	while (zmram_leaf_from(meta, &index)) {
		zmram_post_done(dev, zmram_free_slots(dev, meta, index,
						      index + ZMRAM_LEAF_SLOTS));
		index += ZMRAM_LEAF_SLOTS;
		zmram_post_reached(dev, index);
	}
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
		comp = zmram_comp_create(dev->algorithm[prio], dev->params[prio],
					 dev->disk->disk_name);
		if (IS_ERR(comp))
			return PTR_ERR(comp);
		meta->comp[prio] = comp;
	}
	return 0;
}

/*
 * Frees every object and what is left, as a part of a reset that has begun. No I/O
 * is under way any more; pages may still be migrated, so the slots are locked as
 * always.
 */
void zmram_meta_destroy(struct zmram_dev *dev, struct zmram_meta *meta)
{
	struct zmram_slot *leaf;
	unsigned long nr;

	zmram_meta_empty(dev, meta);
	/* Objects that are left point at handles in the leaves: lose them both. */
	if (zm_pool_destroy(meta->pool))
		return;
	xa_for_each(&meta->leaves, nr, leaf) {
		zmram_leaf_free(leaf);
		cond_resched();
	}
	xa_destroy(&meta->leaves);
	zmram_meta_free_comps(meta);
	kfree(meta);
}

/* Makes all that a device of @nr_slots pages needs; or an ERR_PTR(). */
struct zmram_meta *zmram_meta_create(struct zmram_dev *dev, unsigned long nr_slots)
{
	struct zmram_meta *meta;
	unsigned int i;
	int ret;

	BUILD_BUG_ON(sizeof(struct zmram_slot) != 16);
	BUILD_BUG_ON(PAGE_SIZE >= BIT(ZMRAM_SIZE_BITS));

	meta = kzalloc(sizeof(*meta), GFP_KERNEL);
	if (!meta)
		return ERR_PTR(-ENOMEM);
	meta->nr_slots = nr_slots;
	xa_init(&meta->leaves);
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
	kfree(meta);
	return ERR_PTR(ret);
}
