// SPDX-License-Identifier: GPL-2.0
/*
 * The VM's callbacks: isolate, migrate and put back one page of a zspage.
 *
 * All three are entered with the page locked and still marked movable, which
 * is what keeps its zspage alive: see zspage.c. Isolating changes nothing
 * here, so neither does putting back; in particular nothing waits for the end
 * of an isolation, and none can be missed.
 *
 * Migration is all or nothing. Under class->lock it tries the handle of every
 * object that touches the page, also of the one that spills in from the page
 * before. One that is busy, and it unlocks what it took and answers -EAGAIN
 * with the destination untouched. Once it holds them all, nothing can fail.
 * It never sleeps, in no mode, and waits for no other page.
 *
 * Registration with the VM is here and nowhere else.
 */
#include <linux/highmem.h>

#include <compat/migrate.h>

#include "internal.h"

#include <trace/events/zmalloc.h>

static bool zm_isolate_page(struct page *page, isolate_mode_t mode)
{
	struct zm_zspage *zspage = zm_page_zspage(page);
	struct zm_pool *pool = zspage->class->pool;

	/* An empty one is being given back, or about to be used: a hint only. */
	if (!READ_ONCE(zspage->inuse))
		return false;
	zm_count(pool, ZM_ISOLATED, 1);
	trace_zmalloc_isolate(pool->name, page_to_pfn(page));
	return true;
}

/* Drops the handle locks of objects [first, end), leaving their words alone. */
static void zm_unlock_objects(struct zm_zspage *zspage, unsigned int first, unsigned int end)
{
	for_each_set_bit_from(first, zm_used(zspage), end) {
		struct zm_handle *handle = zm_object_handle(zspage, first);

		__zm_handle_unlock(handle, READ_ONCE(handle->word));
	}
}

/* Locks the handles of all allocated objects in [first, end), or of none. */
static bool zm_lock_objects(struct zm_zspage *zspage, unsigned int first, unsigned int end)
{
	unsigned int idx = first;
	struct zm_handle *handle;
	unsigned long word;

	for_each_set_bit_from(idx, zm_used(zspage), end) {
		if (!zm_object_trylock(zspage, idx, &handle, &word)) {
			zm_unlock_objects(zspage, first, idx);
			return false;
		}
	}
	return true;
}

/* Publishes the present place of objects [first, end) and unlocks them. */
static unsigned int zm_publish_objects(struct zm_zspage *zspage, unsigned int first,
				       unsigned int end)
{
	unsigned int n = 0;

	for_each_set_bit_from(first, zm_used(zspage), end) {
		struct zm_handle *handle = zm_object_handle(zspage, first);
		unsigned long owner = READ_ONCE(handle->word) & ZM_OWNER_MASK;

		__zm_handle_unlock(handle, zm_object_word(zspage, first) | owner);
		n++;
	}
	return n;
}

/* Moves the page at @pos to @dst; returns handles rewritten, or -EAGAIN. */
static int zm_move_page(struct zm_zspage *zspage, unsigned int pos, struct page *dst)
{
	struct page *src = zspage->pages[pos];
	unsigned int first, end;
	int rewritten;

	lockdep_assert_held(&zspage->class->lock);
	/* pages[] of an empty zspage is the releaser's: see zspage.c. */
	if (!zspage->inuse || zm_fault(ZM_FAIL_MIGRATE))
		return -EAGAIN;
	first = zm_first_object(zspage->class->geo, pos);
	end = zm_end_object(zspage->class->geo, pos);

	zm_handle_dep_acquire(1);
	if (!zm_lock_objects(zspage, first, end)) {
		zm_handle_dep_release();
		return -EAGAIN;
	}
	copy_highpage(dst, src);
	zm_delay(ZM_DELAY_MIGRATE);
	/*
	 * Before any handle is unlocked: its next holder may look for the
	 * neighbour page through these.
	 */
	zm_page_attach(dst, zspage, pos);
	/* Still with objects: who frees the last one takes off what is added here. */
	zm_page_account(dst, 1);
	zm_page_account(src, -1);
	rewritten = zm_publish_objects(zspage, first, end);
	zm_handle_dep_release();
	return rewritten;
}

/* Passes the movable mark and the driver's reference on from @src to @dst. */
static void zm_hand_over(struct page *dst, struct page *src)
{
	get_page(dst);
	zm_page_set_movable(dst);

	/* Leaves the bare movable tag, by which the VM knows what @src was. */
	zm_page_clear_movable(src);
	zm_page_detach(src);
	put_page(src);
}

static int zm_migrate_page(struct page *dst, struct page *src, enum migrate_mode mode)
{
	struct zm_zspage *zspage = zm_page_zspage(src);
	struct zm_class *class = zspage->class;
	struct zm_pool *pool = class->pool;
	int ret;

	if (zm_compat_caller_copies(mode))
		return -EINVAL;

	spin_lock(&class->lock);
	ret = zm_move_page(zspage, zm_page_pos(src), dst);
	spin_unlock(&class->lock);

	trace_zmalloc_migrate(pool->name, page_to_pfn(src), page_to_pfn(dst), ret);
	if (ret < 0) {
		zm_count(pool, ZM_BUSY, 1);
		return ret;
	}
	zm_count(pool, ZM_MIGRATED, 1);
	zm_count(pool, ZM_HANDLES_REWRITTEN, ret);
	zm_hand_over(dst, src);
	return MIGRATEPAGE_SUCCESS;
}

static void zm_putback_page(struct page *page)
{
	struct zm_pool *pool = zm_page_zspage(page)->class->pool;

	zm_count(pool, ZM_PUTBACK, 1);
	trace_zmalloc_putback(pool->name, page_to_pfn(page));
}

static const struct movable_operations zm_movable_ops = {
	.isolate_page = zm_isolate_page,
	.migrate_page = zm_migrate_page,
	.putback_page = zm_putback_page,
};

/* The page is locked and wired to its zspage. */
void zm_page_set_movable(struct page *page)
{
	__SetPageMovable(page, &zm_movable_ops);
}

/* The page is locked; the VM may still hold it isolated. */
void zm_page_clear_movable(struct page *page)
{
	__ClearPageMovable(page);
}
