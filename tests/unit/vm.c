// SPDX-License-Identifier: GPL-2.0
/*
 * The VM's part in moving a page, step by step as in isolate_movable_page(),
 * migrate_pages() and putback_movable_pages() of mm/migrate.c: references, page locks,
 * PG_isolated, page->lru, and what it tests before it calls a driver. At each step it
 * checks what the contract asks of the driver.
 *
 * Isolated pages are on zmu_isolated, by page->lru, which is the VM's meanwhile.
 */
#include <linux/highmem.h>
#include <linux/migrate.h>
#include <linux/pagemap.h>

#include "unit.h"

/* What a destination is full of, so that a byte written to it shows. */
#define ZMU_DST_BYTE	0xd5

static LIST_HEAD(zmu_isolated);

/* PageMovable() is not exported on every kernel. */
static bool zmu_movable(struct page *page)
{
	return __PageMovable(page) && page_movable_ops(page);
}

/* isolate_movable_page() */
bool zmu_isolate(struct kunit *test, struct page *page)
{
	if (!get_page_unless_zero(page))
		return false;
	if (!__PageMovable(page) || !trylock_page(page)) {
		put_page(page);
		return false;
	}
	if (!zmu_movable(page) || PageIsolated(page) ||
	    !page_movable_ops(page)->isolate_page(page, ISOLATE_UNEVICTABLE)) {
		unlock_page(page);
		put_page(page);
		return false;
	}
	KUNIT_EXPECT_FALSE_MSG(test, PageIsolated(page), "the driver set PG_isolated");
	SetPageIsolated(page);
	unlock_page(page);
	list_add(&page->lru, &zmu_isolated);
	return true;
}

/* Makes a page what migration targets are: locked, and filled. */
void zmu_dst_init(struct page *dst)
{
	memset(page_address(dst), ZMU_DST_BYTE, PAGE_SIZE);
	lock_page(dst);
}

struct page *zmu_dst_alloc(struct kunit *test)
{
	struct page *dst = alloc_page(GFP_HIGHUSER_MOVABLE);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, dst);
	zmu_dst_init(dst);
	return dst;
}

/* After any error the VM gives the target back unseen: it has to be as it was. */
void zmu_dst_free_pristine(struct kunit *test, struct page *dst)
{
	KUNIT_EXPECT_NULL_MSG(test, memchr_inv(page_address(dst), ZMU_DST_BYTE, PAGE_SIZE),
			      "a failed move wrote to the destination");
	KUNIT_EXPECT_NULL(test, dst->mapping);
	KUNIT_EXPECT_EQ(test, page_private(dst), 0UL);
	KUNIT_EXPECT_FALSE(test, PagePrivate(dst));
	KUNIT_EXPECT_FALSE(test, PageIsolated(dst));
	KUNIT_EXPECT_EQ(test, page_count(dst), 1);
	unlock_page(dst);
	put_page(dst);
}

/* The end of a move: pages locked, the driver has said that it is done. */
static void zmu_finish(struct kunit *test, struct page *dst, struct page *src,
		       const struct movable_operations *ops)
{
	/* By its tag, the VM sees what the old page was; not whose. */
	KUNIT_EXPECT_EQ(test, (unsigned long)src->mapping, (unsigned long)PAGE_MAPPING_MOVABLE);
	KUNIT_EXPECT_TRUE(test, PageIsolated(src));
	KUNIT_EXPECT_EQ_MSG(test, page_count(src), 1, "whose reference is on the old page?");
	KUNIT_EXPECT_EQ(test, page_private(src), 0UL);
	KUNIT_EXPECT_FALSE(test, PagePrivate(src));
	KUNIT_EXPECT_TRUE(test, zmu_movable(dst));
	if (zmu_movable(dst))
		KUNIT_EXPECT_PTR_EQ(test, page_movable_ops(dst), ops);
	KUNIT_EXPECT_FALSE(test, PageIsolated(dst));
	KUNIT_EXPECT_EQ_MSG(test, page_count(dst), 2, "whose reference is on the new page?");

	ClearPageIsolated(src);
	/* A stale look at it shall find nothing of use. */
	memset(page_address(src), 0x6b, PAGE_SIZE);
	unlock_page(dst);
	put_page(dst);
	list_del(&src->lru);
	unlock_page(src);
	put_page(src);
}

/* A page that its driver has given up since it was isolated. */
static void zmu_forget(struct kunit *test, struct page *src)
{
	unsigned int patience = 100;

	/* Whoever gave it up has unlocked it, and may be about to drop its reference. */
	while (page_count(src) > 1 && patience--)
		schedule_timeout_uninterruptible(1);
	KUNIT_EXPECT_EQ_MSG(test, page_count(src), 1, "a page is given back, its reference not");
	KUNIT_EXPECT_EQ(test, page_private(src), 0UL);
	list_del(&src->lru);
	ClearPageIsolated(src);
	put_page(src);
}

/**
 * zmu_migrate_to() - move an isolated page, as migrate_pages() does
 * @test: the test
 * @src: the page; still isolated if the move fails, gone if it does not
 * @dst: where to, from zmu_dst_alloc() or zmu_dst_init(); given away
 * @mode: how hard the VM tries
 *
 * Return: 1 if it was moved, 0 if its driver had freed it in the meantime, or what
 *	   the driver said.
 */
int zmu_migrate_to(struct kunit *test, struct page *src, struct page *dst,
		   enum migrate_mode mode)
{
	const struct movable_operations *ops;
	int ret;

	if (!trylock_page(src)) {
		zmu_dst_free_pristine(test, dst);
		return -EAGAIN;
	}
	if (!zmu_movable(src)) {
		zmu_dst_free_pristine(test, dst);
		unlock_page(src);
		zmu_forget(test, src);
		return 0;
	}
	ops = page_movable_ops(src);
	ret = ops->migrate_page(dst, src, mode);
	if (ret == MIGRATEPAGE_SUCCESS) {
		zmu_finish(test, dst, src, ops);
		return 1;
	}
	KUNIT_EXPECT_TRUE_MSG(test, ret == -EAGAIN || ret == -EBUSY || ret == -EINVAL,
			      "the VM does not take %d for an answer", ret);
	KUNIT_EXPECT_TRUE_MSG(test, zmu_movable(src), "an error, but the old page is given up");
	KUNIT_EXPECT_TRUE(test, PageIsolated(src));
	KUNIT_EXPECT_EQ(test, page_count(src), 2);
	zmu_dst_free_pristine(test, dst);
	unlock_page(src);
	return ret;
}

/* The same, to any new page. */
int zmu_migrate(struct kunit *test, struct page *src, enum migrate_mode mode)
{
	return zmu_migrate_to(test, src, zmu_dst_alloc(test), mode);
}

/* putback_movable_pages(), for one page */
void zmu_putback(struct kunit *test, struct page *page)
{
	lock_page(page);
	if (!zmu_movable(page)) {
		unlock_page(page);
		zmu_forget(test, page);
		return;
	}
	list_del(&page->lru);
	page_movable_ops(page)->putback_page(page);
	KUNIT_EXPECT_TRUE(test, PageIsolated(page));
	ClearPageIsolated(page);
	unlock_page(page);
	put_page(page);
}

void zmu_putback_all(struct kunit *test)
{
	struct page *page, *next;

	list_for_each_entry_safe(page, next, &zmu_isolated, lru)
		zmu_putback(test, page);
}
