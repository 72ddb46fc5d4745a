// SPDX-License-Identifier: GPL-2.0
/*
 * Test lever: asks the owner of one chosen page frame to move it in the mode in
 * which the caller copies, MIGRATE_SYNC_NO_COPY, as the VM would: the page and
 * the destination locked, a reference held, the page isolated.
 *
 *	echo PFN > /sys/kernel/debug/zm_nocopy/move
 *
 * The write succeeds when the owner refused with -EINVAL and had touched neither
 * page. EAGAIN: the page was not to be had; EBADMSG: a page was touched; else
 * what the owner answered, with EREMOTEIO for "moved".
 *
 * Kernels without the mode have the folder, but no file in it.
 */
#include <linux/debugfs.h>
#include <linux/highmem.h>
#include <linux/memory_hotplug.h>
#include <linux/migrate.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pagemap.h>

static struct dentry *zm_nocopy_dir;

#ifdef ZM_HAVE_SYNC_NO_COPY

/* What a refusal must leave alone. */
struct zm_nocopy_state {
	void *mapping;
	unsigned long private, index, flags, sum, refs;
};

static unsigned long zm_nocopy_sum(struct page *page)
{
	const unsigned long *word = page_address(page);
	unsigned long sum = 0;
	unsigned int i;

	for (i = 0; i < PAGE_SIZE / sizeof(*word); i++)
		sum = sum * 31 + word[i];
	return sum;
}

static struct zm_nocopy_state zm_nocopy_state(struct page *page)
{
	return (struct zm_nocopy_state) {
		.mapping = page->mapping,
		.private = page_private(page),
		.index = page->index,
		.flags = page->flags,
		.sum = zm_nocopy_sum(page),
		.refs = page_count(page),
	};
}

/* Both pages are locked, @src is isolated. */
static int zm_nocopy_ask(const struct movable_operations *mops, struct page *dst,
			 struct page *src)
{
	struct zm_nocopy_state src_was = zm_nocopy_state(src), dst_was = zm_nocopy_state(dst);
	struct zm_nocopy_state src_is, dst_is;
	int ret;

	ret = mops->migrate_page(dst, src, MIGRATE_SYNC_NO_COPY);
	if (!ret)
		return -EREMOTEIO;
	src_is = zm_nocopy_state(src);
	dst_is = zm_nocopy_state(dst);
	mops->putback_page(src);
	if (memcmp(&src_was, &src_is, sizeof(src_is)) || memcmp(&dst_was, &dst_is, sizeof(dst_is)))
		return -EBADMSG;
	return ret == -EINVAL ? 0 : ret;
}

/* @src is locked, with a reference of ours. */
static int zm_nocopy_try(struct page *src)
{
	const struct movable_operations *mops;
	struct page *dst;
	int ret = -EAGAIN;

	if (!PageMovable(src) || PageIsolated(src))
		return ret;
	dst = alloc_page(GFP_HIGHUSER_MOVABLE | __GFP_ZERO);
	if (!dst)
		return -ENOMEM;
	lock_page(dst);
	mops = page_movable_ops(src);
	if (mops->isolate_page(src, ISOLATE_UNEVICTABLE)) {
		SetPageIsolated(src);
		ret = zm_nocopy_ask(mops, dst, src);
		ClearPageIsolated(src);
	}
	unlock_page(dst);
	put_page(dst);
	return ret;
}

static int zm_nocopy_move(void *data, u64 pfn)
{
	struct page *page = pfn_to_online_page(pfn);
	int ret = -EAGAIN;

	if (!page)
		return -ENXIO;
	if (!get_page_unless_zero(page))
		return ret;
	if (trylock_page(page)) {
		ret = zm_nocopy_try(page);
		unlock_page(page);
	}
	put_page(page);
	return ret;
}

DEFINE_DEBUGFS_ATTRIBUTE(zm_nocopy_fops, NULL, zm_nocopy_move, "%llu\n");

static void zm_nocopy_add_file(void)
{
	debugfs_create_file("move", 0200, zm_nocopy_dir, NULL, &zm_nocopy_fops);
}

#else

static void zm_nocopy_add_file(void)
{
}

#endif

static int __init zm_nocopy_init(void)
{
	zm_nocopy_dir = debugfs_create_dir("zm_nocopy", NULL);
	zm_nocopy_add_file();
	return 0;
}

static void __exit zm_nocopy_exit(void)
{
	debugfs_remove(zm_nocopy_dir);
}

module_init(zm_nocopy_init);
module_exit(zm_nocopy_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Moves page frames in the mode that has to be refused, for tests");
