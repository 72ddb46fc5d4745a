// SPDX-License-Identifier: GPL-2.0
/*
 * Test: what the allocator does while somebody holds an object or a page. No
 * timing is involved: the holder is this module itself.
 *
 *	echo SIZE > /sys/kernel/debug/zm_hold/object
 *
 * makes a pool with a few zspages of objects of SIZE bytes. Object by object it
 * holds the handle, moves each page that the object touches, wants that refused
 * and everything in its place, lets go, and moves it again. refused counts moves
 * that the allocator turned down, moved those it made.
 *
 *	echo SIZE > /sys/kernel/debug/zm_hold/page
 *
 * page by page does what the VM does up to the move itself, frees all objects, and
 * wants the move refused, that zspage to stay until the page is let go, and to be
 * gone soon after.
 *
 * A write fails with -EIO when something was not as it must be; the log says what.
 *
 * The handle is taken without its lockdep annotation, as movers do: a real
 * holder never waits for memory, this one does so all the time.
 */
#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/gfp.h>
#include <linux/migrate.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pagemap.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "../../drivers/zmalloc/internal.h"

#define ZM_HOLD_OBJECTS		24
#define ZM_HOLD_PRISTINE	0x5a

static struct dentry *zm_hold_dir;
static DEFINE_MUTEX(zm_hold_mutex);	/* one try at a time */
static u64 zm_hold_refused;		/* zm_hold_mutex */
static u64 zm_hold_moved;		/* zm_hold_mutex */

struct zm_hold {
	struct zm_pool *pool;
	size_t size;
	void *buffer;			/* PAGE_SIZE bytes, for a straddling object */
	void *wanted;			/* PAGE_SIZE bytes, what an object should hold */
	struct zm_handle handle[ZM_HOLD_OBJECTS];
};

static void zm_hold_pattern(struct zm_hold *hold, unsigned int nr)
{
	u32 *word = hold->wanted;
	unsigned int i;

	for (i = 0; i < PAGE_SIZE / sizeof(*word); i++)
		word[i] = nr << 16 | i;
}

static int zm_hold_store(struct zm_hold *hold, unsigned int nr)
{
	struct zm_reserve reserve = { };
	unsigned long word;
	int ret = zm_reserve(hold->pool, hold->size, GFP_KERNEL, &reserve);

	if (ret)
		return ret;
	zm_hold_pattern(hold, nr);
	zm_handle_lock(&hold->handle[nr]);
	word = zm_alloc(hold->pool, &hold->handle[nr], hold->size, &reserve);
	if (word)
		zm_write(word, hold->wanted, hold->size);
	zm_handle_unlock(&hold->handle[nr], word);
	zm_unreserve(&reserve);
	return word ? 0 : -ENOMEM;
}

static int zm_hold_verify(struct zm_hold *hold)
{
	unsigned int nr;

	for (nr = 0; nr < ZM_HOLD_OBJECTS; nr++) {
		unsigned long word = zm_handle_lock(&hold->handle[nr]);
		const void *data = zm_read(word, hold->size, hold->buffer);
		bool same;

		zm_hold_pattern(hold, nr);
		same = !memcmp(data, hold->wanted, hold->size);
		zm_handle_unlock(&hold->handle[nr], word);
		if (same)
			continue;
		pr_err("size %zu: object %u has changed\n", hold->size, nr);
		return -EIO;
	}
	return 0;
}

/* Does @word's object lie in two pages? */
static bool zm_hold_straddles(const struct zm_hold *hold, unsigned long word)
{
	unsigned long place = (word & ZM_PLACE_MASK) >> ZM_PLACE_SHIFT;
	unsigned long offset = offset_in_page(place << ZM_PLACE_UNIT_SHIFT);

	return hold->size < PAGE_SIZE && offset + ZM_HEADER + hold->size > PAGE_SIZE;
}

/* The page that @word's object starts in, or with @second the one it ends in. */
static struct page *zm_hold_page(unsigned long word, bool second)
{
	unsigned long place = (word & ZM_PLACE_MASK) >> ZM_PLACE_SHIFT;
	struct page *page = pfn_to_page(PHYS_PFN(place << ZM_PLACE_UNIT_SHIFT));

	if (!second)
		return page;
	return zm_page_zspage(page)->pages[zm_page_pos(page) + 1];
}

/* The first half of a move in the steps of mm/migrate.c; @src is locked. */
static bool zm_hold_isolate(struct page *src)
{
	if (!__PageMovable(src) || PageIsolated(src) ||
	    !page_movable_ops(src)->isolate_page(src, ISOLATE_ASYNC_MIGRATE))
		return false;
	SetPageIsolated(src);
	return true;
}

/* The second half. A refusal leaves @dst as it was. */
static int zm_hold_migrate(struct page *dst, struct page *src)
{
	const struct movable_operations *ops = page_movable_ops(src);
	int ret;

	memset(page_address(dst), ZM_HOLD_PRISTINE, PAGE_SIZE);
	lock_page(dst);
	ret = ops->migrate_page(dst, src, MIGRATE_SYNC);
	unlock_page(dst);
	if (ret != MIGRATEPAGE_SUCCESS) {
		if (memchr_inv(page_address(dst), ZM_HOLD_PRISTINE, PAGE_SIZE)) {
			pr_err("a refused move has written to its destination\n");
			ret = -EIO;
		}
		ops->putback_page(src);
	}
	ClearPageIsolated(src);
	return ret;
}

/*
 * This page and always: whether alloc_contig_range() gets as far as asking depends
 * on the pageblock around it.
 */
static int zm_hold_move(struct page *src)
{
	struct page *dst = alloc_page(GFP_KERNEL);
	int ret = -EBUSY;

	if (!dst)
		return -ENOMEM;
	get_page(src);
	lock_page(src);
	if (zm_hold_isolate(src))
		ret = zm_hold_migrate(dst, src);
	unlock_page(src);
	put_page(src);
	put_page(dst);
	return ret;
}

static int zm_hold_one(struct zm_hold *hold, unsigned int nr, bool second)
{
	unsigned long word;
	int ret;

	if (!__zm_handle_trylock(&hold->handle[nr], &word))
		return -EBUSY;
	ret = zm_hold_move(zm_hold_page(word, second));
	if (ret != -EAGAIN) {
		pr_err("size %zu: moving object %u under its holder gave %d\n",
		       hold->size, nr, ret);
		return -EIO;
	}
	if ((READ_ONCE(hold->handle[nr].word) & ZM_OBJECT_MASK) != (word & ZM_OBJECT_MASK)) {
		pr_err("size %zu: the handle of object %u has changed\n", hold->size, nr);
		return -EIO;
	}
	zm_hold_refused++;
	__zm_handle_unlock(&hold->handle[nr], word);
	ret = zm_hold_move(zm_hold_page(word, second));
	/* The VM may have the page just then. */
	if (ret && ret != -EBUSY) {
		pr_err("size %zu: object %u does not move: %d\n", hold->size, nr, ret);
		return -EIO;
	}
	zm_hold_moved += !ret;
	return zm_hold_verify(hold);
}

static int zm_hold_fill(struct zm_hold *hold)
{
	unsigned int nr;
	int ret = 0;

	for (nr = 0; nr < ZM_HOLD_OBJECTS && !ret; nr++)
		ret = zm_hold_store(hold, nr);
	return ret;
}

static void zm_hold_drop(struct zm_hold *hold)
{
	unsigned int nr;

	for (nr = 0; nr < ZM_HOLD_OBJECTS; nr++) {
		/* A failed try leaves one locked. */
		unsigned long word = READ_ONCE(hold->handle[nr].word) & ~ZM_LOCK_MASK;

		if (zm_word_has_object(word))
			zm_free(hold->pool, word);
		hold->handle[nr].word = 0;
	}
}

static int zm_hold_objects(struct zm_hold *hold)
{
	unsigned int nr;
	int ret = zm_hold_fill(hold);

	for (nr = 0; nr < ZM_HOLD_OBJECTS && !ret; nr++) {
		ret = zm_hold_one(hold, nr, false);
		if (!ret && zm_hold_straddles(hold, READ_ONCE(hold->handle[nr].word)))
			ret = zm_hold_one(hold, nr, true);
	}
	return ret;
}

static bool zm_hold_pages_become(struct zm_hold *hold, unsigned long pages)
{
	unsigned int tries = 500;

	while (zm_pool_pages(hold->pool) != pages && --tries)
		msleep(20);
	return tries;
}

/* A page of an emptied zspage is locked: is all as it should be? */
static int zm_hold_check_empty(struct zm_hold *hold, struct page *page, int nr_pages)
{
	struct page *dst = alloc_page(GFP_KERNEL);
	int ret;

	if (!dst)
		return -ENOMEM;
	ret = PageIsolated(page) ? zm_hold_migrate(dst, page) : -EAGAIN;
	put_page(dst);
	/* The other zspages are gone, this one stays whole. */
	if (zm_pool_pages(hold->pool) == nr_pages && ret == -EAGAIN)
		return nr_pages;
	pr_err("size %zu: with one of %d pages locked %lu are left, moving it gave %d\n",
	       hold->size, nr_pages, zm_pool_pages(hold->pool), ret);
	return -EIO;
}

/*
 * Frees a zspage while the VM moves its page @pos: between isolating it and the
 * move itself, with the page locked. Returns its pages or an errno.
 */
static int zm_hold_page_at(struct zm_hold *hold, unsigned int pos)
{
	u64 deferred = zm_pool_counter(hold->pool, ZM_FREES_DEFERRED);
	int nr_pages, ret = zm_hold_fill(hold);
	struct page *page;

	if (ret)
		return ret;
	page = zm_hold_page(hold->handle[0].word, false);
	nr_pages = zm_page_zspage(page)->nr_pages;
	page = zm_page_zspage(page)->pages[pos];
	get_page(page);
	lock_page(page);
	zm_hold_isolate(page);
	zm_hold_drop(hold);
	ret = zm_hold_check_empty(hold, page, nr_pages);
	unlock_page(page);
	put_page(page);
	if (ret >= 0 && zm_pool_counter(hold->pool, ZM_FREES_DEFERRED) == deferred) {
		pr_err("size %zu: nothing was deferred\n", hold->size);
		ret = -EIO;
	}
	if (!zm_hold_pages_become(hold, 0)) {
		pr_err("size %zu: page %u is free, and its zspage is not gone\n",
		       hold->size, pos);
		return -EIO;
	}
	return ret;
}

static int zm_hold_pages(struct zm_hold *hold)
{
	int pos = 0, nr_pages;

	do {
		nr_pages = zm_hold_page_at(hold, pos);
	} while (++pos < nr_pages);
	return nr_pages < 0 ? nr_pages : 0;
}

static void zm_hold_free(struct zm_hold *hold)
{
	if (hold->pool) {
		zm_hold_drop(hold);
		zm_pool_destroy(hold->pool);
	}
	kfree(hold->buffer);
	kfree(hold->wanted);
	kfree(hold);
}

static int zm_hold_try(u64 size, int (*run)(struct zm_hold *hold))
{
	struct zm_hold *hold;
	int ret = -ENOMEM;

	if (!size || (size >= zm_huge_size() && size != PAGE_SIZE))
		return -EINVAL;
	hold = kzalloc(sizeof(*hold), GFP_KERNEL);
	if (!hold)
		return ret;
	mutex_lock(&zm_hold_mutex);
	hold->size = size;
	hold->buffer = kmalloc(PAGE_SIZE, GFP_KERNEL);
	hold->wanted = kmalloc(PAGE_SIZE, GFP_KERNEL);
	hold->pool = zm_pool_create("zm_hold", ZM_POOL_MOVABLE);
	if (hold->buffer && hold->wanted && hold->pool)
		ret = run(hold);
	zm_hold_free(hold);
	mutex_unlock(&zm_hold_mutex);
	return ret;
}

static int zm_hold_object_set(void *data, u64 size)
{
	return zm_hold_try(size, zm_hold_objects);
}

static int zm_hold_page_set(void *data, u64 size)
{
	return zm_hold_try(size, zm_hold_pages);
}

DEFINE_DEBUGFS_ATTRIBUTE(zm_hold_object_fops, NULL, zm_hold_object_set, "%llu\n");
DEFINE_DEBUGFS_ATTRIBUTE(zm_hold_page_fops, NULL, zm_hold_page_set, "%llu\n");

static int __init zm_hold_init(void)
{
	zm_hold_dir = debugfs_create_dir("zm_hold", NULL);
	debugfs_create_file("object", 0200, zm_hold_dir, NULL, &zm_hold_object_fops);
	debugfs_create_file("page", 0200, zm_hold_dir, NULL, &zm_hold_page_fops);
	debugfs_create_u64("refused", 0400, zm_hold_dir, &zm_hold_refused);
	debugfs_create_u64("moved", 0400, zm_hold_dir, &zm_hold_moved);
	return 0;
}

static void __exit zm_hold_exit(void)
{
	debugfs_remove(zm_hold_dir);
}

module_init(zm_hold_init);
module_exit(zm_hold_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Holds objects and pages against the allocator, for tests");
