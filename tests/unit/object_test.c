// SPDX-License-Identifier: GPL-2.0
/*
 * Suite zm_object: allocating, writing, reading and freeing, at every place of every
 * class; fullness lists, reserves and the limit.
 */
#include <linux/gcd.h>

#include "unit.h"

static void expect_audit(struct kunit *test, unsigned long pages, unsigned long objects)
{
	struct zmu_audit sum;

	if (!zmu_audit(test, zmu(test)->pool, &sum))
		return;
	KUNIT_EXPECT_EQ(test, sum.pages, pages);
	KUNIT_EXPECT_EQ(test, sum.objects, objects);
	KUNIT_EXPECT_EQ(test, sum.isolated, 0UL);
	KUNIT_EXPECT_EQ(test, zmu_zone_pages() - zmu(test)->zone_pages, pages);
}

/* Whether an object lies in two pages, seen from its bytes. */
static bool in_two_pages(const struct zm_geometry *geo, unsigned int idx, size_t size)
{
	unsigned int begin = idx * geo->size, end = begin + ZM_HEADER + size;

	return !geo->huge && begin / PAGE_SIZE != (end - 1) / PAGE_SIZE;
}

/* If it lies in two pages, are these no neighbours? */
static bool in_two_pieces(const struct zm_geometry *geo, unsigned int idx, size_t size,
			  unsigned long word)
{
	struct page **page = &zmu_zspage_of(word)->pages[idx * geo->size / PAGE_SIZE];

	return in_two_pages(geo, idx, size) &&
	       page_address(page[1]) != page_address(page[0]) + PAGE_SIZE;
}

static void every_place_holds_its_bytes(struct kunit *test)
{
	const struct zm_geometry *geo = zmu_geometry(test);
	size_t size = zmu_max_size(geo);
	struct zmu *u = zmu(test);
	unsigned int i;

	zmu_fill_zspages(test, geo, 1);
	zmu_expect_content(test);
	expect_audit(test, geo->pages, geo->objects);
	for (i = 0; i < geo->objects; i++) {
		unsigned long word = u->object[i].handle.word;
		const void *data = zm_read(word, size, u->bounce);

		KUNIT_EXPECT_EQ_MSG(test, data == u->bounce, in_two_pieces(geo, i, size, word),
				    "object %u: bounced?", i);
	}
}

/* Every size of a class at every place of a zspage whose neighbours are full. */
static void every_size_in_place(struct kunit *test)
{
	const struct zm_geometry *geo = zmu_geometry(test);
	struct zm_reserve reserve = { };
	struct zmu *u = zmu(test);
	unsigned int i;
	size_t size;

	zmu_fill_zspages(test, geo, 1);
	for (i = 0; i < geo->objects; i++) {
		unsigned long place = u->object[i].handle.word & ZM_OBJECT_MASK;

		/* A huge class has one payload: the page. */
		for (size = geo->huge ? PAGE_SIZE : zmu_min_size(geo); size <= zmu_max_size(geo);
		     size++) {
			zmu_store(u->pool, &u->object[i], size, size + i, &reserve);
			KUNIT_ASSERT_EQ(test, u->object[i].handle.word & ZM_OBJECT_MASK, place);
			KUNIT_ASSERT_TRUE(test, zmu_content_right(&u->object[i], place,
								  u->bounce));
		}
	}
	zmu_expect_content(test);
}

/* Objects go in an order that takes the zspage through all groups and back. */
static void freeing_and_filling_up(struct kunit *test)
{
	const struct zm_geometry *geo = zmu_geometry(test);
	unsigned int n = geo->objects, i, step = 7;
	struct zm_reserve reserve = { };
	struct zmu *u = zmu(test);

	while (gcd(step, n) != 1)
		step++;
	zmu_fill_zspages(test, geo, 1);
	for (i = 0; i + 1 < n; i++) {
		zmu_drop(u->pool, &u->object[(i * step) % n]);
		expect_audit(test, geo->pages, n - i - 1);
	}
	zmu_expect_content(test);
	for (i = 0; i + 1 < n; i++)
		KUNIT_ASSERT_EQ(test, 0, zmu_store(u->pool, &u->object[(i * step) % n],
						   zmu_max_size(geo), i, &reserve));
	expect_audit(test, geo->pages, n);
	zmu_expect_content(test);
	for (i = 0; i < n; i++)
		zmu_drop(u->pool, &u->object[i]);
	expect_audit(test, 0, 0);
}

/* New objects go where there are most: so that the others can become empty. */
static void the_fullest_zspage_is_filled_first(struct kunit *test)
{
	const struct zm_geometry *geo = zmu_geometry(test);
	unsigned int n = geo->objects;
	struct zm_reserve reserve = { };
	struct zmu *u = zmu(test);
	struct zm_zspage *fuller;

	if (n < 2 * ZM_PARTIAL_GROUPS)
		kunit_skip(test, "groups need more objects");
	zmu_fill_zspages(test, geo, 2);
	fuller = zmu_zspage_of(u->object[n].handle.word);
	zmu_drop(u->pool, &u->object[n]);
	for (n = 0; n < geo->objects / 2; n++)
		zmu_drop(u->pool, &u->object[n]);
	zmu_store(u->pool, &u->object[0], zmu_max_size(geo), 1, &reserve);
	KUNIT_EXPECT_PTR_EQ(test, zmu_zspage_of(u->object[0].handle.word), fuller);
	expect_audit(test, 2 * geo->pages, 2 * geo->objects - geo->objects / 2);
}

static void a_reserve_is_used_once(struct kunit *test)
{
	const struct zm_geometry *geo = zmu_geometry(test);
	size_t size = zmu_max_size(geo);
	struct zm_reserve reserve = { };
	struct zmu *u = zmu(test);
	struct zm_zspage *zspage;

	zm_handle_lock(&u->object[0].handle);
	KUNIT_EXPECT_EQ(test, zm_alloc(u->pool, &u->object[0].handle, size, &reserve), 0UL);
	zm_handle_unlock(&u->object[0].handle, 0);
	KUNIT_ASSERT_EQ(test, zm_reserve(u->pool, size, GFP_KERNEL, &reserve), 0);
	zspage = reserve.zspage;
	KUNIT_EXPECT_EQ(test, zm_pool_pages(u->pool), (unsigned long)geo->pages);
	/* It is there already. */
	KUNIT_EXPECT_EQ(test, zm_reserve(u->pool, size, GFP_KERNEL, &reserve), 0);
	KUNIT_EXPECT_PTR_EQ(test, reserve.zspage, zspage);
	/* Nobody may move an empty zspage. */
	KUNIT_EXPECT_FALSE(test, zmu_isolate(test, zspage->pages[0]));
	/* Another class takes its place. */
	size = geo == zm_geometries ? PAGE_SIZE : 1;
	KUNIT_ASSERT_EQ(test, zm_reserve(u->pool, size, GFP_KERNEL, &reserve), 0);
	KUNIT_EXPECT_EQ(test, zm_pool_pages(u->pool),
			(unsigned long)zm_geometries[zm_class_id(size) - 1].pages);
	KUNIT_EXPECT_EQ(test, 0, zmu_store(u->pool, &u->object[0], size, 1, &reserve));
	KUNIT_EXPECT_NULL(test, reserve.zspage);
	zm_unreserve(&reserve);
	zmu_expect_content(test);
	zmu_drop(u->pool, &u->object[0]);
	KUNIT_EXPECT_EQ(test, zm_pool_pages(u->pool), 0UL);
	KUNIT_ASSERT_EQ(test, zm_reserve(u->pool, size, GFP_KERNEL, &reserve), 0);
	zm_unreserve(&reserve);
	expect_audit(test, 0, 0);
}

/* The limit is exact, refuses before it takes, and leaves what is there alone. */
static void the_limit_holds(struct kunit *test)
{
	const struct zm_geometry *geo = zmu_geometry(test);
	unsigned long limit = 3 * geo->pages + (geo->pages - 1);
	struct zm_reserve reserve = { };
	struct zmu *u = zmu(test);
	unsigned int i;

	zm_pool_set_limit(u->pool, limit);
	zmu_fill_zspages(test, geo, 3);
	i = 3 * geo->objects;
	KUNIT_EXPECT_EQ(test, zmu_store(u->pool, &u->object[i], zmu_max_size(geo), 1, &reserve),
			-ENOSPC);
	KUNIT_EXPECT_NULL(test, reserve.zspage);
	KUNIT_EXPECT_EQ(test, u->object[i].handle.word, 0UL);
	expect_audit(test, 3 * geo->pages, 3 * geo->objects);
	zmu_expect_content(test);
	KUNIT_EXPECT_EQ(test, zm_pool_peak(u->pool), 3UL * geo->pages);
	zm_pool_set_limit(u->pool, limit + 1);
	KUNIT_EXPECT_EQ(test, 0, zmu_store(u->pool, &u->object[i], zmu_max_size(geo), 1,
					   &reserve));
	zmu_drop(u->pool, &u->object[i]);
	KUNIT_EXPECT_EQ(test, zm_pool_peak(u->pool), 4UL * geo->pages);
	zm_pool_reset_peak(u->pool);
	KUNIT_EXPECT_EQ(test, zm_pool_peak(u->pool), 3UL * geo->pages);
	/* Below what is in use: nothing is taken away, nothing more given. */
	zm_pool_set_limit(u->pool, 1);
	KUNIT_EXPECT_EQ(test, zm_reserve(u->pool, zmu_max_size(geo), GFP_KERNEL, &reserve),
			-ENOSPC);
	zmu_expect_content(test);
}

/* Pages that somebody has asked for and waits for, maybe in vain, count for the limit only. */
static void pages_not_there_yet_count_for_the_limit(struct kunit *test)
{
	const struct zm_geometry *geo = zmu_geometry(test);
	size_t size = zmu_max_size(geo);
	struct zm_reserve reserve = { };
	struct zm_pool *pool = zmu(test)->pool;

	KUNIT_ASSERT_TRUE(test, zm_pool_charge(pool, 100));
	zm_pool_reset_peak(pool);
	KUNIT_EXPECT_EQ(test, zm_pool_pages(pool), 0UL);
	KUNIT_EXPECT_EQ(test, zm_pool_peak(pool), 0UL);
	zm_pool_set_limit(pool, 100 + geo->pages - 1);
	KUNIT_EXPECT_EQ(test, zm_reserve(pool, size, GFP_KERNEL, &reserve), -ENOSPC);
	zm_pool_set_limit(pool, 100 + geo->pages);
	KUNIT_ASSERT_EQ(test, zm_reserve(pool, size, GFP_KERNEL, &reserve), 0);
	KUNIT_EXPECT_EQ(test, zm_pool_pages(pool), (unsigned long)geo->pages);
	KUNIT_EXPECT_EQ(test, zm_pool_peak(pool), (unsigned long)geo->pages);
	zm_pool_uncharge(pool, 100);
	zm_unreserve(&reserve);
	expect_audit(test, 0, 0);
}

static void names_are_kept(struct kunit *test)
{
	struct zm_pool *pool = zmu(test)->pool;

	KUNIT_EXPECT_STREQ(test, pool->name, "unit");
	KUNIT_EXPECT_STREQ(test, zm_counter_name(ZM_ISOLATED), "isolated");
	KUNIT_EXPECT_STREQ(test, zm_counter_name(ZM_CORRUPT), "corrupt");
}

/* Without ZM_POOL_MOVABLE the VM does not see the pages at all. */
static void a_pinned_pool_cannot_be_moved(struct kunit *test)
{
	struct zm_pool *pool = zm_pool_create("unit-pinned", 0);
	struct zm_reserve reserve = { };
	struct zmu *u = zmu(test);
	struct page *page;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, pool);
	KUNIT_EXPECT_EQ(test, 0, zmu_store(pool, &u->object[0], 100, 1, &reserve));
	page = zmu_zspage_of(u->object[0].handle.word)->pages[0];
	KUNIT_EXPECT_FALSE(test, zmu_isolate(test, page));
	KUNIT_EXPECT_EQ(test, page_count(page), 1);
	zmu_expect_content(test);
	zmu_drop(pool, &u->object[0]);
	KUNIT_EXPECT_EQ(test, zm_pool_destroy(pool), 0);
}

static struct kunit_case zm_object_cases[] = {
	KUNIT_CASE_PARAM(every_place_holds_its_bytes, zmu_class_params),
	KUNIT_CASE_PARAM(every_size_in_place, zmu_class_params),
	KUNIT_CASE_PARAM(freeing_and_filling_up, zmu_class_params),
	KUNIT_CASE_PARAM(the_fullest_zspage_is_filled_first, zmu_class_params),
	KUNIT_CASE_PARAM(a_reserve_is_used_once, zmu_class_params),
	KUNIT_CASE_PARAM(the_limit_holds, zmu_class_params),
	KUNIT_CASE_PARAM(pages_not_there_yet_count_for_the_limit, zmu_class_params),
	KUNIT_CASE(names_are_kept),
	KUNIT_CASE(a_pinned_pool_cannot_be_moved),
	{ }
};

struct kunit_suite zm_object_suite = {
	.name = "zm_object",
	.init = zmu_init,
	.exit = zmu_exit,
	.test_cases = zm_object_cases,
};
