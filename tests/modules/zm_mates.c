// SPDX-License-Identifier: GPL-2.0
/*
 * Test lever: another owner of pages, who lies in memory between the device's pages.
 * Its single pages are movable, by its own callbacks; its compound pages are nobody's
 * to move, although they are taken from the memory of movable ones.
 *
 *	echo ORDER > /sys/kernel/debug/zm_mates/order	(0 to 9; 0: single)
 *	echo COUNT > /sys/kernel/debug/zm_mates/take	take so many of them
 *	echo 1 > /sys/kernel/debug/zm_mates/thin	give back every other compound page
 *	cat /sys/kernel/debug/zm_mates/frames		"PFN ORDER" of each
 *	cat /sys/kernel/debug/zm_mates/damaged		pages that are not as written
 *	echo 1 > /sys/kernel/debug/zm_mates/drop	give all of them back
 *
 * moved counts pages that changed their frame; released, those given back while the VM
 * held them isolated.
 *
 * Thinned, they leave holes of their size, which are what the kernel gives away next: that
 * is how others' pages come to lie right beside them.
 *
 * A slot keeps its number, its page may change, or go: zm_mates_lock protects which page it has.
 * Who gives a page back locks it first, and so ends what the VM may do with it.
 */
#include <linux/debugfs.h>
#include <linux/gfp.h>
#include <linux/highmem.h>
#include <linux/migrate.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pagemap.h>
#include <linux/seq_file.h>
#include <linux/vmalloc.h>

#define ZM_MATES_MAX		65536
#define ZM_MATES_ORDERS		10

static struct dentry *zm_mates_dir;
static DEFINE_MUTEX(zm_mates_mutex);	/* one write at a time; protects zm_mates_slots */
static DEFINE_SPINLOCK(zm_mates_lock);
static struct page **zm_mates_page;	/* zm_mates_lock */
static unsigned int zm_mates_slots;
static u32 zm_mates_order;
static atomic_t zm_mates_moved, zm_mates_released;

static u32 zm_mates_word(unsigned int slot, unsigned int nr)
{
	return (slot + 1) * 2654435761u + nr;
}

/* The slot's number is in each word, so that a page of another slot shows. */
static void zm_mates_fill(struct page *page, unsigned int slot)
{
	u32 *word = page_address(page);
	unsigned int i;

	for (i = 0; i < (PAGE_SIZE << compound_order(page)) / sizeof(*word); i++)
		word[i] = zm_mates_word(slot, i);
}

static bool zm_mates_intact(struct page *page, unsigned int slot)
{
	const u32 *word = page_address(page);
	unsigned int i;

	for (i = 0; i < (PAGE_SIZE << compound_order(page)) / sizeof(*word); i++)
		if (word[i] != zm_mates_word(slot, i))
			return false;
	return true;
}

/* ---- the VM's callbacks; the page is locked and marked -------------------- */

static bool zm_mates_isolate(struct page *page, isolate_mode_t mode)
{
	return true;
}

static void zm_mates_putback(struct page *page)
{
}

static const struct movable_operations zm_mates_ops;

static int zm_mates_migrate(struct page *dst, struct page *src, enum migrate_mode mode)
{
	copy_highpage(dst, src);
	set_page_private(dst, page_private(src));
	get_page(dst);
	__SetPageMovable(dst, &zm_mates_ops);

	spin_lock(&zm_mates_lock);
	WRITE_ONCE(zm_mates_page[page_private(src)], dst);
	spin_unlock(&zm_mates_lock);

	__ClearPageMovable(src);
	set_page_private(src, 0);
	put_page(src);
	atomic_inc(&zm_mates_moved);
	return MIGRATEPAGE_SUCCESS;
}

static const struct movable_operations zm_mates_ops = {
	.isolate_page = zm_mates_isolate,
	.migrate_page = zm_mates_migrate,
	.putback_page = zm_mates_putback,
};

/* ---- taking and giving back ------------------------------------------------ */

/* The page of that slot, locked, so that it stays the page of that slot; or NULL. */
static struct page *zm_mates_get(unsigned int slot)
{
	struct page *page;

	lockdep_assert_held(&zm_mates_mutex);
	for (;;) {
		spin_lock(&zm_mates_lock);
		page = zm_mates_page[slot];
		if (page)
			get_page(page);
		spin_unlock(&zm_mates_lock);
		if (!page)
			return NULL;

		lock_page(page);
		if (page == READ_ONCE(zm_mates_page[slot]))
			return page;
		unlock_page(page);
		put_page(page);
	}
}

static void zm_mates_put(struct page *page)
{
	unlock_page(page);
	put_page(page);
}

/* The next page from @slot on, which becomes its slot, locked; or NULL. */
static struct page *zm_mates_next(unsigned int *slot)
{
	struct page *page;

	cond_resched();
	for (; *slot < zm_mates_slots; ++*slot) {
		page = zm_mates_get(*slot);
		if (page)
			return page;
	}
	return NULL;
}

static int zm_mates_take_one(unsigned int order)
{
	unsigned int slot = zm_mates_slots;
	struct page *page;

	lockdep_assert_held(&zm_mates_mutex);
	if (slot == ZM_MATES_MAX)
		return -ENOSPC;
	page = alloc_pages(GFP_USER | __GFP_MOVABLE | __GFP_COMP | __GFP_NOWARN, order);
	if (!page)
		return -ENOMEM;
	zm_mates_fill(page, slot);
	lock_page(page);
	if (!order) {
		set_page_private(page, slot);
		__SetPageMovable(page, &zm_mates_ops);
	}
	spin_lock(&zm_mates_lock);
	WRITE_ONCE(zm_mates_page[slot], page);
	spin_unlock(&zm_mates_lock);
	zm_mates_slots++;
	unlock_page(page);
	return 0;
}

static int zm_mates_take(void *data, u64 count)
{
	unsigned int order = READ_ONCE(zm_mates_order);
	int ret = 0;

	if (order >= ZM_MATES_ORDERS)
		return -EINVAL;
	mutex_lock(&zm_mates_mutex);
	while (count-- && !ret) {
		ret = zm_mates_take_one(order);
		cond_resched();
	}
	mutex_unlock(&zm_mates_mutex);
	return ret;
}

DEFINE_DEBUGFS_ATTRIBUTE(zm_mates_take_fops, NULL, zm_mates_take, "%llu\n");

/* Gives back the locked page of a slot, for good. */
static void zm_mates_release(struct page *page, unsigned int slot)
{
	if (!PageCompound(page)) {
		if (PageIsolated(page))
			atomic_inc(&zm_mates_released);
		__ClearPageMovable(page);
		set_page_private(page, 0);
	}
	spin_lock(&zm_mates_lock);
	WRITE_ONCE(zm_mates_page[slot], NULL);
	spin_unlock(&zm_mates_lock);
	zm_mates_put(page);
	put_page(page);
}

static void zm_mates_drop_all(void)
{
	unsigned int slot;
	struct page *page;

	mutex_lock(&zm_mates_mutex);
	for (slot = 0; (page = zm_mates_next(&slot)); slot++)
		zm_mates_release(page, slot);
	zm_mates_slots = 0;
	mutex_unlock(&zm_mates_mutex);
}

static int zm_mates_thin(void *data, u64 ignored)
{
	unsigned int slot;
	struct page *page;
	bool keep = false;

	mutex_lock(&zm_mates_mutex);
	for (slot = 0; (page = zm_mates_next(&slot)); slot++) {
		keep = PageCompound(page) ? !keep : keep;
		if (!PageCompound(page) || keep)
			zm_mates_put(page);
		else
			zm_mates_release(page, slot);
	}
	mutex_unlock(&zm_mates_mutex);
	return 0;
}

DEFINE_DEBUGFS_ATTRIBUTE(zm_mates_thin_fops, NULL, zm_mates_thin, "%llu\n");

static int zm_mates_drop(void *data, u64 ignored)
{
	zm_mates_drop_all();
	return 0;
}

DEFINE_DEBUGFS_ATTRIBUTE(zm_mates_drop_fops, NULL, zm_mates_drop, "%llu\n");

/* ---- looking ----------------------------------------------------------------- */

static int zm_mates_frames_show(struct seq_file *seq, void *v)
{
	unsigned int slot;
	struct page *page;

	mutex_lock(&zm_mates_mutex);
	for (slot = 0; (page = zm_mates_next(&slot)); slot++) {
		seq_printf(seq, "%lu %u\n", page_to_pfn(page), compound_order(page));
		zm_mates_put(page);
	}
	mutex_unlock(&zm_mates_mutex);
	return 0;
}

DEFINE_SHOW_ATTRIBUTE(zm_mates_frames);

static int zm_mates_damaged_get(void *data, u64 *damaged)
{
	unsigned int slot;
	struct page *page;

	*damaged = 0;
	mutex_lock(&zm_mates_mutex);
	for (slot = 0; (page = zm_mates_next(&slot)); slot++) {
		if (!zm_mates_intact(page, slot))
			(*damaged)++;
		zm_mates_put(page);
	}
	mutex_unlock(&zm_mates_mutex);
	return 0;
}

DEFINE_DEBUGFS_ATTRIBUTE(zm_mates_damaged_fops, zm_mates_damaged_get, NULL, "%llu\n");

static int __init zm_mates_init(void)
{
	zm_mates_page = vcalloc(ZM_MATES_MAX, sizeof(*zm_mates_page));
	if (!zm_mates_page)
		return -ENOMEM;
	zm_mates_dir = debugfs_create_dir("zm_mates", NULL);
	debugfs_create_u32("order", 0600, zm_mates_dir, &zm_mates_order);
	debugfs_create_file("take", 0200, zm_mates_dir, NULL, &zm_mates_take_fops);
	debugfs_create_file("thin", 0200, zm_mates_dir, NULL, &zm_mates_thin_fops);
	debugfs_create_file("drop", 0200, zm_mates_dir, NULL, &zm_mates_drop_fops);
	debugfs_create_file("frames", 0400, zm_mates_dir, NULL, &zm_mates_frames_fops);
	debugfs_create_file("damaged", 0400, zm_mates_dir, NULL, &zm_mates_damaged_fops);
	debugfs_create_atomic_t("moved", 0400, zm_mates_dir, &zm_mates_moved);
	debugfs_create_atomic_t("released", 0400, zm_mates_dir, &zm_mates_released);
	return 0;
}

static void __exit zm_mates_exit(void)
{
	debugfs_remove(zm_mates_dir);
	zm_mates_drop_all();
	/* A page that the VM still holds isolated is put back without our callbacks. */
	vfree(zm_mates_page);
}

module_init(zm_mates_init);
module_exit(zm_mates_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Pages of somebody else, for tests");
