// SPDX-License-Identifier: GPL-2.0
/*
 * Suite zm_compact: objects of half-empty zspages are packed together, by the owner's
 * order or the shrinker's, for every class; also around objects in use and pages that
 * the VM has isolated.
 */
#include "unit.h"

#define ZSPAGES		4

static void expect_consistent(struct kunit *test, unsigned long pages)
{
	struct zmu_audit sum;

	if (zmu_audit(test, zmu(test)->pool, &sum))
		KUNIT_EXPECT_EQ(test, sum.pages, pages);
	KUNIT_EXPECT_EQ(test, zmu_zone_pages() - zmu(test)->zone_pages, pages);
	zmu_expect_content(test);
}

/* Four zspages, of which every fourth object is left: they fit in one. */
static void thin_out(struct kunit *test)
{
	const struct zm_geometry *geo = zmu_geometry(test);
	struct zmu *u = zmu(test);
	unsigned int i;

	if (geo->objects < 2)
		kunit_skip(test, "nothing to pack");
	zmu_fill_zspages(test, geo, ZSPAGES);
	for (i = 0; i < ZSPAGES * geo->objects; i++) {
		if (i % ZSPAGES != i / geo->objects)
			zmu_drop(u->pool, &u->object[i]);
	}
}

static unsigned long left(struct kunit *test)
{
	struct zmu *u = zmu(test);
	unsigned long n = 0;
	unsigned int i;

	for (i = 0; i < u->nr; i++)
		n += u->object[i].size != 0;
	return n;
}

/* How many zspages that many objects need at least, in pages. */
static unsigned long pages_for(const struct zm_geometry *geo, unsigned long objects)
{
	return DIV_ROUND_UP(objects, geo->objects) * geo->pages;
}

static void packs_all_that_can_be(struct kunit *test)
{
	const struct zm_geometry *geo = zmu_geometry(test);
	struct zmu *u = zmu(test);
	unsigned long before, freed;

	thin_out(test);
	before = zm_pool_pages(u->pool);
	freed = zm_compact(u->pool);
	expect_consistent(test, pages_for(geo, left(test)));
	KUNIT_EXPECT_EQ(test, before - zm_pool_pages(u->pool), freed);
	KUNIT_EXPECT_EQ(test, zmu_counter(test, ZM_PAGES_COMPACTED), (u64)freed);
	KUNIT_EXPECT_GT(test, zmu_counter(test, ZM_OBJECTS_COMPACTED), 0ULL);
	KUNIT_EXPECT_EQ(test, zmu_counter(test, ZM_COMPACT_BUSY), 0ULL);
	KUNIT_EXPECT_EQ(test, zm_compact(u->pool), 0UL);
}

/* What is in use stays where it is; the rest goes on around it. */
static void passes_over_objects_in_use(struct kunit *test)
{
	struct zmu *u = zmu(test);
	unsigned int i, held = 0;

	thin_out(test);
	for (i = 0; i < u->nr; i++) {
		if (u->object[i].size && held++ % 3 == 0)
			zmu_hold(test, &u->object[i]);
	}
	zm_compact(u->pool);
	expect_consistent(test, zm_pool_pages(u->pool));
	KUNIT_EXPECT_EQ(test, zmu_counter(test, ZM_CORRUPT), 0ULL);
	for (i = 0; i < u->nr; i++) {
		if (u->object[i].held)
			zmu_release(&u->object[i]);
	}
	zm_compact(u->pool);
	expect_consistent(test, pages_for(zmu_geometry(test), left(test)));
}

/* Everything held: nothing moves, every word is as it was. */
static void all_in_use(struct kunit *test)
{
	struct zmu *u = zmu(test);
	unsigned long *words = kunit_kcalloc(test, u->nr, sizeof(*words), GFP_KERNEL);
	unsigned long before;
	unsigned int i;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, words);
	thin_out(test);
	before = zm_pool_pages(u->pool);
	for (i = 0; i < u->nr; i++) {
		if (u->object[i].size)
			zmu_hold(test, &u->object[i]);
		words[i] = u->object[i].handle.word;
	}
	KUNIT_EXPECT_EQ(test, zm_compact(u->pool), 0UL);
	for (i = 0; i < u->nr; i++)
		KUNIT_EXPECT_EQ(test, words[i], u->object[i].handle.word);
	KUNIT_EXPECT_GT(test, zmu_counter(test, ZM_COMPACT_BUSY), 0ULL);
	KUNIT_EXPECT_EQ(test, zmu_counter(test, ZM_OBJECTS_COMPACTED), 0ULL);
	expect_consistent(test, before);
}

/* A zspage is emptied under the VM's hands: its isolated pages become inert. */
static void under_isolated_pages(struct kunit *test)
{
	const struct zm_geometry *geo = zmu_geometry(test);
	struct zmu *u = zmu(test);
	struct zmu_audit sum;
	unsigned int i, pos, isolated = 0;

	thin_out(test);
	for (i = 0; i < ZSPAGES * geo->objects; i += geo->objects) {
		struct zm_zspage *zspage;
		unsigned int k = i;

		while (k < i + geo->objects && !u->object[k].size)
			k++;
		if (k == i + geo->objects)
			continue;
		zspage = zmu_zspage_of(u->object[k].handle.word);
		for (pos = 0; pos < geo->pages; pos++)
			isolated += zmu_isolate(test, zspage->pages[pos]);
	}
	KUNIT_EXPECT_GT(test, isolated, 0U);
	zm_compact(u->pool);
	KUNIT_EXPECT_TRUE(test, zmu_audit(test, u->pool, &sum));
	KUNIT_EXPECT_EQ(test, sum.isolated + zmu_counter(test, ZM_RELEASED_ISOLATED),
			(u64)isolated);
	zmu_putback_all(test);
	KUNIT_EXPECT_EQ(test, zmu_counter(test, ZM_PUTBACK), (u64)sum.isolated);
	expect_consistent(test, pages_for(geo, left(test)));
}

/* The shrinker promises what a run frees, and frees as much as it is asked for. */
static void shrinks_on_demand(struct kunit *test)
{
	const struct zm_geometry *geo = zmu_geometry(test);
	struct shrink_control sc = { .gfp_mask = GFP_KERNEL, .nr_to_scan = 1 };
	struct zmu *u = zmu(test);
	struct shrinker *shrinker = zmu_shrinker(u->pool);
	unsigned long count, before;

	KUNIT_EXPECT_EQ(test, shrinker->count_objects(shrinker, &sc), SHRINK_EMPTY);
	KUNIT_EXPECT_EQ(test, shrinker->scan_objects(shrinker, &sc), SHRINK_STOP);
	thin_out(test);
	before = zm_pool_pages(u->pool);
	count = shrinker->count_objects(shrinker, &sc);
	KUNIT_EXPECT_EQ(test, count, before - pages_for(geo, left(test)));
	KUNIT_EXPECT_EQ(test, shrinker->scan_objects(shrinker, &sc), (unsigned long)geo->pages);
	expect_consistent(test, before - geo->pages);
	sc.nr_to_scan = count;
	KUNIT_EXPECT_EQ(test, shrinker->scan_objects(shrinker, &sc),
			count - geo->pages ?: SHRINK_STOP);
	KUNIT_EXPECT_EQ(test, shrinker->count_objects(shrinker, &sc), SHRINK_EMPTY);
	expect_consistent(test, pages_for(geo, left(test)));
}

/* As in zm_move: an object is complete at its new place when its handle says so. */
static void published_when_it_is_there(struct kunit *test)
{
	struct zmu *u = zmu(test);
	struct zmu_witness *w = kunit_kcalloc(test, u->nr, sizeof(*w), GFP_KERNEL);
	unsigned int i, seen = 0;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, w);
	thin_out(test);
	for (i = 0; i < u->nr; i++) {
		if (u->object[i].size)
			zmu_witness_start(&w[i], &u->object[i], u->bounce);
	}
	zm_compact(u->pool);
	for (i = 0; i < u->nr; i++) {
		if (!u->object[i].size)
			continue;
		zmu_witness_stop(&w[i]);
		KUNIT_EXPECT_EQ_MSG(test, w[i].wrong, 0U, "object %u: too early", i);
		seen += w[i].seen;
	}
	KUNIT_EXPECT_EQ(test, zmu_counter(test, ZM_OBJECTS_COMPACTED), (u64)seen);
	expect_consistent(test, pages_for(zmu_geometry(test), left(test)));
}

/* Frees and stores by chance; how much of each differs from piece to piece. */
static void stir(struct kunit *test, u64 *rng, unsigned int objects)
{
	const struct zm_geometry *geo = zmu_geometry(test);
	struct zm_reserve reserve = { };
	struct zmu *u = zmu(test);
	u32 drop = 0, store = 0;
	unsigned int i;

	for (i = 0; i < objects; i++) {
		if (i % geo->objects == 0) {
			drop = zmu_below(rng, 100);
			store = zmu_below(rng, 60);
		}
		if (!u->object[i].size && zmu_below(rng, 100) < store)
			KUNIT_ASSERT_EQ(test, 0, zmu_store(u->pool, &u->object[i],
							   zmu_max_size(geo), i + 1, &reserve));
		else if (u->object[i].size && zmu_below(rng, 100) < drop)
			zmu_drop(u->pool, &u->object[i]);
	}
	zm_unreserve(&reserve);
}

/* Zspages are in the group that they were put in last; a run frees all the same. */
static void packs_after_any_history(struct kunit *test)
{
	const struct zm_geometry *geo = zmu_geometry(test);
	struct shrink_control sc = { .gfp_mask = GFP_KERNEL };
	struct zmu *u = zmu(test);
	struct shrinker *shrinker = zmu_shrinker(u->pool);
	unsigned int round, zspages = min(16U, u->nr / geo->objects);
	unsigned long count;
	u64 rng = geo->size;

	if (geo->objects < 2)
		kunit_skip(test, "nothing to pack");
	zmu_fill_zspages(test, geo, zspages);
	for (round = 0; round < 24; round++) {
		stir(test, &rng, zspages * geo->objects);
		if (round % 2)
			stir(test, &rng, zspages * geo->objects);
		count = shrinker->count_objects(shrinker, &sc);
		KUNIT_EXPECT_EQ(test, zm_compact(u->pool), count == SHRINK_EMPTY ? 0 : count);
		expect_consistent(test, pages_for(geo, left(test)));
	}
}

static struct kunit_case zm_compact_cases[] = {
	KUNIT_CASE_PARAM(packs_all_that_can_be, zmu_class_params),
	KUNIT_CASE_PARAM(packs_after_any_history, zmu_class_params),
	KUNIT_CASE_PARAM(passes_over_objects_in_use, zmu_class_params),
	KUNIT_CASE_PARAM(all_in_use, zmu_class_params),
	KUNIT_CASE_PARAM(under_isolated_pages, zmu_class_params),
	KUNIT_CASE_PARAM(shrinks_on_demand, zmu_class_params),
	KUNIT_CASE_PARAM(published_when_it_is_there, zmu_class_params),
	{ }
};

struct kunit_suite zm_compact_suite = {
	.name = "zm_compact",
	.init = zmu_init,
	.exit = zmu_exit,
	.test_cases = zm_compact_cases,
};
