// SPDX-License-Identifier: GPL-2.0
/*
 * Suite zm_release: zspages given back while the VM has their pages isolated or
 * locked, and what it may still do with them. Every class, every position.
 */
#include <linux/migrate.h>
#include <linux/pagemap.h>

#include "unit.h"

static struct zm_zspage *fill(struct kunit *test)
{
	zmu_fill_zspages(test, zmu_geometry(test), 1);
	return zmu_zspage_of(zmu(test)->object[0].handle.word);
}

static void drop_all(struct kunit *test)
{
	struct zmu *u = zmu(test);
	unsigned int i;

	for (i = 0; i < u->nr; i++) {
		if (u->object[i].size)
			zmu_drop(u->pool, &u->object[i]);
	}
}

/* Nothing is left of the zspage but the VM's references. */
static void expect_given_back(struct kunit *test, u64 deferred)
{
	KUNIT_EXPECT_EQ(test, zm_pool_pages(zmu(test)->pool), 0UL);
	KUNIT_EXPECT_EQ(test, zmu_zone_pages(), zmu(test)->zone_pages);
	KUNIT_EXPECT_EQ(test, zmu_counter(test, ZM_FREES_DEFERRED), deferred);
}

/* One page is isolated, then every object freed; the page is inert from then on. */
static void freed_while_one_is_isolated(struct kunit *test)
{
	const struct zm_geometry *geo = zmu_geometry(test);
	struct zm_zspage *zspage;
	struct page *page;
	unsigned int pos;

	for (pos = 0; pos < geo->pages; pos++) {
		zspage = fill(test);
		page = zspage->pages[pos];
		KUNIT_ASSERT_TRUE(test, zmu_isolate(test, page));
		drop_all(test);
		expect_given_back(test, 0);
		KUNIT_EXPECT_EQ(test, zmu_counter(test, ZM_RELEASED_ISOLATED), pos + 1ULL);
		/* Odd ones are put back, even ones moved: both find nobody. */
		if (pos % 2)
			zmu_putback(test, page);
		else
			KUNIT_EXPECT_EQ(test, zmu_migrate(test, page, MIGRATE_SYNC), 0);
	}
	KUNIT_EXPECT_EQ(test, zmu_counter(test, ZM_PUTBACK), 0ULL);
	KUNIT_EXPECT_EQ(test, zmu_counter(test, ZM_MIGRATED), 0ULL);
	KUNIT_EXPECT_EQ(test, zmu_counter(test, ZM_BUSY), 0ULL);
}

static void freed_while_all_are_isolated(struct kunit *test)
{
	const struct zm_geometry *geo = zmu_geometry(test);
	struct page *pages[ZM_MAX_CHAIN];
	struct zm_zspage *zspage;
	unsigned int pos;

	zspage = fill(test);
	for (pos = 0; pos < geo->pages; pos++) {
		pages[pos] = zspage->pages[pos];
		KUNIT_EXPECT_TRUE(test, zmu_isolate(test, pages[pos]));
	}
	drop_all(test);
	expect_given_back(test, 0);
	KUNIT_EXPECT_EQ(test, zmu_counter(test, ZM_RELEASED_ISOLATED), (u64)geo->pages);
	for (pos = 0; pos < geo->pages; pos++)
		zmu_putback(test, pages[pos]);
	KUNIT_EXPECT_EQ(test, zmu_counter(test, ZM_PUTBACK), 0ULL);
}

/* Moved while its zspage lives, freed as another page of it is isolated. */
static void freed_between_two_moves(struct kunit *test)
{
	const struct zm_geometry *geo = zmu_geometry(test);
	struct zm_zspage *zspage = fill(test);
	struct page *last = zspage->pages[geo->pages - 1];

	if (geo->pages == 1)
		kunit_skip(test, "one page");
	KUNIT_EXPECT_TRUE(test, zmu_isolate(test, zspage->pages[0]));
	KUNIT_EXPECT_TRUE(test, zmu_isolate(test, last));
	KUNIT_EXPECT_EQ(test, zmu_migrate(test, zspage->pages[0], MIGRATE_SYNC), 1);
	zmu_expect_content(test);
	drop_all(test);
	expect_given_back(test, 0);
	KUNIT_EXPECT_EQ(test, zmu_migrate(test, last, MIGRATE_SYNC), 0);
}

/*
 * The VM holds the lock of a page, as in a migration about to begin, when the last
 * object goes. The callback then finds an empty zspage on its way out, and must leave
 * it alone: its pages are the releaser's.
 */
static void freed_while_the_vm_has_it_locked(struct kunit *test)
{
	const struct zm_geometry *geo = zmu_geometry(test);
	const struct movable_operations *ops;
	struct zmu *u = zmu(test);
	struct page *page, *dst;
	unsigned int pos;

	for (pos = 0; pos < geo->pages; pos++) {
		page = fill(test)->pages[pos];
		KUNIT_ASSERT_TRUE(test, zmu_isolate(test, page));
		lock_page(page);
		drop_all(test);
		KUNIT_EXPECT_EQ(test, zmu_counter(test, ZM_FREES_DEFERRED), pos + 1ULL);
		KUNIT_EXPECT_EQ(test, zm_pool_pages(u->pool), (unsigned long)geo->pages);
		/* The worker waits for the page by now, if it will. */
		schedule_timeout_uninterruptible(1);
		ops = page_movable_ops(page);
		dst = zmu_dst_alloc(test);
		KUNIT_EXPECT_EQ(test, ops->migrate_page(dst, page, MIGRATE_SYNC), -EAGAIN);
		zmu_dst_free_pristine(test, dst);
		KUNIT_EXPECT_EQ(test, zmu_counter(test, ZM_BUSY), pos + 1ULL);
		KUNIT_EXPECT_FALSE(test, ops->isolate_page(page, ISOLATE_UNEVICTABLE));
		ops->putback_page(page);
		unlock_page(page);
		flush_work(&u->pool->free_work);
		expect_given_back(test, pos + 1);
		zmu_putback(test, page);
	}
	KUNIT_EXPECT_EQ(test, zmu_counter(test, ZM_PUTBACK), (u64)geo->pages);
}

/* Somebody who has nothing to do with moving holds the lock. */
static void freed_while_a_page_is_locked(struct kunit *test)
{
	const struct zm_geometry *geo = zmu_geometry(test);
	struct zmu *u = zmu(test);
	struct page *page;
	unsigned int pos;

	for (pos = 0; pos < geo->pages; pos++) {
		page = fill(test)->pages[pos];
		get_page(page);
		lock_page(page);
		drop_all(test);
		KUNIT_EXPECT_EQ(test, zm_pool_pages(u->pool), (unsigned long)geo->pages);
		/* What is freed meanwhile goes at once. */
		fill(test);
		drop_all(test);
		KUNIT_EXPECT_EQ(test, zm_pool_pages(u->pool), (unsigned long)geo->pages);
		unlock_page(page);
		flush_work(&u->pool->free_work);
		expect_given_back(test, pos + 1);
		KUNIT_EXPECT_EQ(test, page_count(page), 1);
		KUNIT_EXPECT_EQ(test, page_private(page), 0UL);
		put_page(page);
	}
}

/* The pool goes, its module could; the VM comes for its pages afterwards. */
static void destroyed_while_isolated(struct kunit *test)
{
	const struct zm_geometry *geo = zmu_geometry(test);
	struct zm_pool *pool = zm_pool_create("unit-2", ZM_POOL_MOVABLE);
	struct page *pages[ZM_MAX_CHAIN];
	struct zm_reserve reserve = { };
	struct zmu *u = zmu(test);
	struct zm_zspage *zspage;
	unsigned int pos;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, pool);
	KUNIT_EXPECT_EQ(test, 0, zmu_store(pool, &u->object[0], zmu_max_size(geo), 1, &reserve));
	zspage = zmu_zspage_of(u->object[0].handle.word);
	for (pos = 0; pos < geo->pages; pos++) {
		pages[pos] = zspage->pages[pos];
		KUNIT_EXPECT_TRUE(test, zmu_isolate(test, pages[pos]));
	}
	/* The worker has to free them, and destruction to wait for it. */
	lock_page(pages[0]);
	zmu_drop(pool, &u->object[0]);
	unlock_page(pages[0]);
	KUNIT_EXPECT_EQ(test, zm_pool_destroy(pool), 0);
	KUNIT_EXPECT_EQ(test, zmu_zone_pages(), u->zone_pages);
	for (pos = 0; pos < geo->pages; pos++) {
		if (pos % 2)
			zmu_putback(test, pages[pos]);
		else
			KUNIT_EXPECT_EQ(test, zmu_migrate(test, pages[pos], MIGRATE_SYNC), 0);
	}
}

static struct kunit_case zm_release_cases[] = {
	KUNIT_CASE_PARAM(freed_while_one_is_isolated, zmu_class_params),
	KUNIT_CASE_PARAM(freed_while_all_are_isolated, zmu_class_params),
	KUNIT_CASE_PARAM(freed_between_two_moves, zmu_class_params),
	KUNIT_CASE_PARAM(freed_while_the_vm_has_it_locked, zmu_class_params),
	KUNIT_CASE_PARAM(freed_while_a_page_is_locked, zmu_class_params),
	KUNIT_CASE_PARAM(destroyed_while_isolated, zmu_class_params),
	{ }
};

struct kunit_suite zm_release_suite = {
	.name = "zm_release",
	.init = zmu_init,
	.exit = zmu_exit,
	.test_cases = zm_release_cases,
};
