// SPDX-License-Identifier: GPL-2.0
/*
 * zspages: a few order-0 pages that objects are packed into, described by a
 * slab object outside of them. Making one, and giving its pages back.
 *
 * Fields of struct page in use; everything else stays outside:
 *	private		the zspage; 0 when the page is not in one
 *	index		position in zspage->pages[]
 *	mapping		by zm_page_set_movable() and zm_page_clear_movable() only
 *
 * Giving back. A zspage whose last object goes is taken off its class's list
 * under class->lock, by whoever freed the object, whether or not the VM has
 * one of its pages isolated. From then on migrate_page() refuses its pages, so
 * pages[] does not change any more, and they can be given back one by one,
 * each under its page lock: by trylock where the last object was freed, else
 * by the pool's worker, which sleeps on one page lock while it holds nothing
 * else. An isolated page becomes inert when its movable mark goes, and the
 * VM's reference is the one that frees it. The struct goes last: a callback
 * that runs meanwhile holds the lock of a page that is not given back yet.
 */
#include <linux/gfp.h>
#include <linux/pagemap.h>
#include <linux/slab.h>
#include <linux/vmstat.h>

#include "internal.h"

#include <trace/events/zmalloc.h>

/*
 * By number of pages, with one word for the objects in use, which is all that
 * most classes need; those with more than 64 objects use kmalloc(). Exact sizes
 * matter: for incompressible data there is a struct per page.
 */
static struct kmem_cache *zm_zspage_caches[ZM_MAX_CHAIN + 1];

static size_t zm_zspage_size(unsigned int pages, unsigned int objects)
{
	return offsetof(struct zm_zspage, pages[pages]) +
	       BITS_TO_LONGS(objects) * sizeof(unsigned long);
}

void zm_zspage_caches_destroy(void)
{
	unsigned int i;

	for (i = 1; i <= ZM_MAX_CHAIN; i++)
		kmem_cache_destroy(zm_zspage_caches[i]);
}

int zm_zspage_caches_create(void)
{
	char name[32];
	unsigned int i;

	for (i = 1; i <= ZM_MAX_CHAIN; i++) {
		snprintf(name, sizeof(name), "zm_zspage-%u", i);
		zm_zspage_caches[i] = kmem_cache_create(name, zm_zspage_size(i, 1),
							sizeof(long), 0, NULL);
		if (!zm_zspage_caches[i]) {
			zm_zspage_caches_destroy();
			return -ENOMEM;
		}
	}
	return 0;
}

static struct zm_zspage *zm_zspage_struct_alloc(const struct zm_geometry *geo, gfp_t gfp)
{
	if (geo->objects <= BITS_PER_LONG)
		return kmem_cache_zalloc(zm_zspage_caches[geo->pages], gfp);
	return kzalloc(zm_zspage_size(geo->pages, geo->objects), gfp);
}

static void zm_zspage_struct_free(struct zm_zspage *zspage)
{
	const struct zm_geometry *geo = zspage->class->geo;

	if (geo->objects <= BITS_PER_LONG)
		kmem_cache_free(zm_zspage_caches[geo->pages], zspage);
	else
		kfree(zspage);
}

/* Counts pages where /proc/zoneinfo and the OOM report show compressed memory. */
void zm_page_account(struct page *page, int n)
{
#if IS_ENABLED(CONFIG_ZSMALLOC)
	mod_zone_page_state(page_zone(page), NR_ZSPAGES, n);
#endif
}

/*
 * The same for all pages of a zspage, which mostly are of one zone. Nobody moves
 * them: it is not published yet, or empty.
 */
static void zm_zspage_account(struct zm_zspage *zspage, int sign)
{
	struct page **pages = zspage->pages;
	unsigned int i, n;

	for (i = 0; i < zspage->nr_pages; i += n) {
		for (n = 1; i + n < zspage->nr_pages; n++) {
			if (page_zone_id(pages[i + n]) != page_zone_id(pages[i]))
				break;
		}
		zm_page_account(pages[i], sign * (int)n);
	}
}

/* Makes @page the page at @pos; the caller publishes it. */
void zm_page_attach(struct page *page, struct zm_zspage *zspage, unsigned int pos)
{
	set_page_private(page, (unsigned long)zspage);
	page->index = pos;
	zspage->pages[pos] = page;
}

/* Clears what zm_page_attach() set; the page is locked if it is movable. */
void zm_page_detach(struct page *page)
{
	set_page_private(page, 0);
	page->index = 0;
}

static void zm_page_publish(struct page *page)
{
	lock_page(page);
	zm_page_set_movable(page);
	unlock_page(page);
}

static void zm_page_release(struct zm_pool *pool, struct page *page)
{
	if (pool->movable) {
		if (PageIsolated(page))
			zm_count(pool, ZM_RELEASED_ISOLATED, 1);
		zm_page_clear_movable(page);
	}
	zm_page_detach(page);
	if (pool->movable)
		unlock_page(page);
	/* Drops our reference, as put_page(); it was in no cgroup, cache or LRU list. */
	__free_page(page);
}

/*
 * Fills the array @pages; all or none. In the order of their addresses: what begins
 * in a page and ends in its neighbour lies in one piece then. One by one, because
 * alloc_pages_bulk() takes them where they break up other pageblocks, which
 * alloc_page() avoids as long as there is another zone, and heeds no mempolicy.
 */
static bool zm_get_pages(struct page **pages, unsigned int nr, gfp_t gfp)
{
	struct page *page;
	unsigned int n, at;

	for (n = 0; n < nr; n++) {
		page = alloc_page(gfp);
		if (!page)
			goto free_pages;
		for (at = n; at && page_to_pfn(pages[at - 1]) > page_to_pfn(page); at--)
			pages[at] = pages[at - 1];
		pages[at] = page;
	}
	return true;

free_pages:
	while (n--)
		__free_page(pages[n]);
	return false;
}

/*
 * Allocates an empty zspage that is on no list; charging and counting its pages is the
 * caller's. May sleep as @gfp says. NULL without memory.
 */
struct zm_zspage *zm_zspage_alloc(struct zm_class *class, gfp_t gfp)
{
	const struct zm_geometry *geo = class->geo;
	bool movable = class->pool->movable;
	struct zm_zspage *zspage;
	unsigned int i;

	gfp |= __GFP_NOWARN;
	if (zm_fault(ZM_FAIL_ZSPAGE))
		return NULL;
	zspage = zm_zspage_struct_alloc(geo, gfp);
	if (!zspage)
		return NULL;
	zspage->class = class;
	zspage->group = ZM_GROUP_NONE;
	zspage->nr_pages = geo->pages;
	INIT_LIST_HEAD(&zspage->node);
	if (movable)
		gfp |= __GFP_MOVABLE | __GFP_HIGHMEM;
	if (!zm_get_pages(zspage->pages, geo->pages, gfp)) {
		zm_zspage_struct_free(zspage);
		return NULL;
	}
	for (i = 0; i < geo->pages; i++)
		zm_page_attach(zspage->pages[i], zspage, i);
	zm_zspage_account(zspage, 1);
	/* Wired completely; now the VM may find them. */
	for (i = 0; movable && i < geo->pages; i++)
		zm_page_publish(zspage->pages[i]);
	trace_zmalloc_zspage_alloc(class->pool->name, geo->size, geo->pages);
	return zspage;
}

/*
 * Gives back the pages of an empty zspage, then the struct. Without @wait it
 * stops at a page that somebody has locked, and returns false.
 */
static bool zm_release_pages(struct zm_zspage *zspage, bool wait)
{
	struct zm_pool *pool = zspage->class->pool;

	for (; zspage->released < zspage->nr_pages; zspage->released++) {
		struct page *page = zspage->pages[zspage->released];

		if (pool->movable && (zm_fault(ZM_FAIL_PAGE_LOCK) || !trylock_page(page))) {
			if (!wait)
				return false;
			lock_page(page);
		}
		zm_page_release(pool, page);
	}
	zm_pool_sub_pages(pool, zspage->nr_pages);
	zm_zspage_struct_free(zspage);
	return true;
}

/*
 * Gives back an empty zspage that is on no list. Does not sleep; what cannot
 * be locked at once goes to the worker. The zspage is gone on return.
 */
void zm_zspage_release(struct zm_zspage *zspage)
{
	struct zm_pool *pool = zspage->class->pool;

	zm_zspage_account(zspage, -1);
	zm_delay(ZM_DELAY_RELEASE);
	if (zm_release_pages(zspage, false))
		return;
	zm_count(pool, ZM_FREES_DEFERRED, 1);
	if (llist_add(&zspage->deferred, &pool->deferred))
		queue_work(zm_workqueue, &pool->free_work);
}

/*
 * Ends what zm_zspage_release() could not; holds one page lock at a time. First
 * what can be locked by now, so that one page in use does not hold up the rest.
 */
void zm_free_worker(struct work_struct *work)
{
	struct zm_pool *pool = container_of(work, struct zm_pool, free_work);
	struct zm_zspage *zspage, *next;
	LLIST_HEAD(busy);

	llist_for_each_entry_safe(zspage, next, llist_del_all(&pool->deferred), deferred) {
		zm_delay(ZM_DELAY_WORKER);
		if (!zm_release_pages(zspage, false))
			llist_add(&zspage->deferred, &busy);
		cond_resched();
	}
	llist_for_each_entry_safe(zspage, next, llist_del_all(&busy), deferred) {
		zm_release_pages(zspage, true);
		cond_resched();
	}
}
