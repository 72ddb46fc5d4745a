// SPDX-License-Identifier: GPL-2.0
/*
 * Suite zm_move: one page of a zspage is moved, for every class and every position in
 * the chain, with every object that touches the page in use in turn.
 */
#include <linux/pagemap.h>

#include "unit.h"

static struct zm_zspage *the_zspage(struct kunit *test)
{
	struct zmu *u = zmu(test);
	unsigned int i;

	for (i = 0; i < u->nr; i++) {
		if (u->object[i].size)
			return zmu_zspage_of(u->object[i].handle.word);
	}
	return NULL;
}

/* Objects that touch @pos and exist: what a move of that page has to rewrite. */
static unsigned int touching(struct kunit *test, const struct zm_geometry *geo, unsigned int pos)
{
	struct zmu *u = zmu(test);
	unsigned int i, n = 0;

	for (i = 0; i < geo->objects; i++)
		n += u->object[i].size && zmu_touches(geo, i, pos);
	return n;
}

static void expect_consistent(struct kunit *test)
{
	struct zmu_audit sum;

	if (zmu_audit(test, zmu(test)->pool, &sum))
		KUNIT_EXPECT_EQ(test, zmu_zone_pages() - zmu(test)->zone_pages, sum.pages);
	zmu_expect_content(test);
}

/* Moves page @pos of the only zspage; all that has to be true then is checked. */
static void move(struct kunit *test, unsigned int pos)
{
	const struct zm_geometry *geo = zmu_geometry(test);
	struct zm_zspage *zspage = the_zspage(test);
	struct page *src = zspage->pages[pos];
	u64 rewritten = zmu_counter(test, ZM_HANDLES_REWRITTEN);
	u64 migrated = zmu_counter(test, ZM_MIGRATED);

	KUNIT_ASSERT_TRUE(test, zmu_isolate(test, src));
	KUNIT_ASSERT_EQ_MSG(test, zmu_migrate(test, src, MIGRATE_SYNC), 1, "page %u", pos);
	KUNIT_EXPECT_PTR_NE(test, zspage->pages[pos], src);
	KUNIT_EXPECT_EQ(test, zmu_counter(test, ZM_MIGRATED) - migrated, 1ULL);
	KUNIT_EXPECT_EQ_MSG(test, zmu_counter(test, ZM_HANDLES_REWRITTEN) - rewritten,
			    (u64)touching(test, geo, pos), "page %u", pos);
	expect_consistent(test);
}

static void every_page_of_a_full_zspage(struct kunit *test)
{
	const struct zm_geometry *geo = zmu_geometry(test);
	unsigned int pos, round;

	zmu_fill_zspages(test, geo, 1);
	for (round = 0; round < 2; round++) {
		for (pos = 0; pos < geo->pages; pos++)
			move(test, pos);
	}
	KUNIT_EXPECT_EQ(test, zmu_counter(test, ZM_BUSY), 0ULL);
}

/* One object is left, the first, the last, or one in the middle. */
static void every_page_around_one_object(struct kunit *test)
{
	const struct zm_geometry *geo = zmu_geometry(test);
	unsigned int last = geo->objects - 1;
	unsigned int keep[] = { 0, last / 2, last };
	struct zmu *u = zmu(test);
	unsigned int i, k, pos;

	for (k = 0; k < ARRAY_SIZE(keep); k++) {
		zmu_fill_zspages(test, geo, 1);
		for (i = 0; i < geo->objects; i++) {
			if (i != keep[k])
				zmu_drop(u->pool, &u->object[i]);
		}
		for (pos = 0; pos < geo->pages; pos++)
			move(test, pos);
		zmu_drop(u->pool, &u->object[keep[k]]);
		KUNIT_EXPECT_EQ(test, zm_pool_pages(u->pool), 0UL);
	}
}

/* Each straddler alone: both of its pages are moved, in both orders. */
static void both_pages_of_a_straddler(struct kunit *test)
{
	const struct zm_geometry *geo = zmu_geometry(test);
	struct zmu *u = zmu(test);
	unsigned int i, k, pos;

	for (i = 0; i < geo->objects; i++) {
		pos = i * geo->size / PAGE_SIZE;
		if (pos + 1 == geo->pages || !zmu_touches(geo, i, pos + 1))
			continue;
		zmu_fill_zspages(test, geo, 1);
		for (k = 0; k < geo->objects; k++) {
			if (k != i)
				zmu_drop(u->pool, &u->object[k]);
		}
		move(test, pos);
		move(test, pos + 1);
		move(test, pos + 1);
		move(test, pos);
		zmu_drop(u->pool, &u->object[i]);
	}
}

/*
 * Moves a straddler's pages, from @pos on, to neighbours in memory: in the order in
 * which its bytes follow on each other, or with @swapped in the other.
 */
static void move_to_neighbours(struct kunit *test, unsigned int pos, bool swapped)
{
	struct zm_zspage *zspage = the_zspage(test);
	struct page *block = alloc_pages(GFP_HIGHUSER_MOVABLE, 1);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, block);
	split_page(block, 1);
	for (i = 0; i < 2; i++) {
		struct page *src = zspage->pages[pos + i], *dst = &block[i ^ swapped];

		zmu_dst_init(dst);
		KUNIT_ASSERT_TRUE(test, zmu_isolate(test, src));
		KUNIT_ASSERT_EQ(test, zmu_migrate_to(test, src, dst, MIGRATE_SYNC), 1);
	}
}

/* What lies in two neighbouring pages is read and written there, in one piece. */
static void a_straddler_in_one_piece(struct kunit *test)
{
	const struct zm_geometry *geo = zmu_geometry(test);
	size_t size = zmu_max_size(geo);
	struct zm_reserve reserve = { };
	struct zmu *u = zmu(test);
	unsigned int i, k, pos;

	zmu_fill_zspages(test, geo, 1);
	for (i = 0; i < geo->objects; i++) {
		pos = i * geo->size / PAGE_SIZE;
		if (pos + 1 == geo->pages || !zmu_touches(geo, i, pos + 1))
			continue;
		for (k = 0; k < 2; k++) {
			unsigned long word;

			move_to_neighbours(test, pos, k);
			word = u->object[i].handle.word;
			KUNIT_EXPECT_EQ(test, !zm_in_place(word, size), k);
			KUNIT_EXPECT_EQ(test, zm_read(word, size, u->bounce) == u->bounce, k);
			zmu_expect_content(test);
			zmu_store(u->pool, &u->object[i], size, i + k + 1, &reserve);
			expect_consistent(test);
		}
	}
}

/* A move that somebody is in the way of: nothing has changed, anywhere. */
static void expect_busy(struct kunit *test, unsigned int pos, unsigned int busy)
{
	struct zm_zspage *zspage = the_zspage(test);
	struct page *src = zspage->pages[pos];
	u64 count = zmu_counter(test, ZM_BUSY);
	unsigned long before[2], word;

	word = zmu(test)->object[busy].handle.word;
	before[0] = zmu_counter(test, ZM_MIGRATED);
	before[1] = zmu_counter(test, ZM_HANDLES_REWRITTEN);
	KUNIT_ASSERT_TRUE(test, zmu_isolate(test, src));
	KUNIT_ASSERT_EQ_MSG(test, zmu_migrate(test, src, MIGRATE_SYNC), -EAGAIN,
			    "page %u moved under object %u", pos, busy);
	KUNIT_EXPECT_EQ(test, zmu(test)->object[busy].handle.word, word);
	KUNIT_EXPECT_PTR_EQ(test, zspage->pages[pos], src);
	KUNIT_EXPECT_EQ(test, zmu_counter(test, ZM_BUSY) - count, 1ULL);
	KUNIT_EXPECT_EQ(test, zmu_counter(test, ZM_MIGRATED), (u64)before[0]);
	KUNIT_EXPECT_EQ(test, zmu_counter(test, ZM_HANDLES_REWRITTEN), (u64)before[1]);
	zmu_expect_content(test);
	zmu_putback(test, src);
}

/* Every page against every object: in use, it holds up just the pages it touches. */
static void an_object_in_use(struct kunit *test)
{
	const struct zm_geometry *geo = zmu_geometry(test);
	struct zmu *u = zmu(test);
	unsigned int pos, i;

	zmu_fill_zspages(test, geo, 1);
	for (i = 0; i < geo->objects; i++) {
		zmu_hold(test, &u->object[i]);
		for (pos = 0; pos < geo->pages; pos++) {
			if (zmu_touches(geo, i, pos))
				expect_busy(test, pos, i);
			else if (i % 16 == 0)
				move(test, pos);
		}
		zmu_release(&u->object[i]);
	}
	KUNIT_EXPECT_EQ(test, zmu_counter(test, ZM_ISOLATED),
			zmu_counter(test, ZM_MIGRATED) + zmu_counter(test, ZM_PUTBACK));
	expect_consistent(test);
}

static void all_pages_at_once(struct kunit *test)
{
	const struct zm_geometry *geo = zmu_geometry(test);
	struct zm_zspage *zspage;
	struct zmu *u = zmu(test);
	unsigned int pos;

	zmu_fill_zspages(test, geo, 1);
	zspage = the_zspage(test);
	for (pos = 0; pos < geo->pages; pos++) {
		KUNIT_EXPECT_TRUE(test, zmu_isolate(test, zspage->pages[pos]));
		KUNIT_EXPECT_FALSE_MSG(test, zmu_isolate(test, zspage->pages[pos]), "twice");
	}
	KUNIT_EXPECT_EQ(test, zmu_counter(test, ZM_ISOLATED), (u64)geo->pages);
	/* Objects are used while their pages are isolated. */
	zmu_expect_content(test);
	for (pos = 0; pos < geo->pages; pos++)
		KUNIT_EXPECT_EQ(test, zmu_migrate(test, zspage->pages[pos], MIGRATE_ASYNC), 1);
	expect_consistent(test);
	for (pos = 0; pos < geo->pages; pos++)
		KUNIT_EXPECT_TRUE(test, zmu_isolate(test, zspage->pages[pos]));
	zmu_putback_all(test);
	KUNIT_EXPECT_EQ(test, zmu_counter(test, ZM_PUTBACK), (u64)geo->pages);
	expect_consistent(test);
	/* And freed from where they are now. */
	for (pos = 0; pos < geo->objects; pos++)
		zmu_drop(u->pool, &u->object[pos]);
	KUNIT_EXPECT_EQ(test, zm_pool_pages(u->pool), 0UL);
}

static void published_when_it_is_there(struct kunit *test)
{
	const struct zm_geometry *geo = zmu_geometry(test);
	struct zmu *u = zmu(test);
	struct zmu_witness *w = kunit_kcalloc(test, geo->objects, sizeof(*w), GFP_KERNEL);
	unsigned int pos, i;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, w);
	zmu_fill_zspages(test, geo, 1);
	for (pos = 0; pos < geo->pages; pos++) {
		struct page *src = the_zspage(test)->pages[pos];

		for (i = 0; i < geo->objects; i++) {
			zmu_witness_start(&w[i], &u->object[i], u->bounce);
			/* For one that spills in, the word stays: its first page does. */
			if (i * geo->size < pos * PAGE_SIZE)
				w[i].old = 0;
		}
		KUNIT_EXPECT_TRUE(test, zmu_isolate(test, src));
		KUNIT_EXPECT_EQ(test, zmu_migrate(test, src, MIGRATE_SYNC), 1);
		for (i = 0; i < geo->objects; i++) {
			zmu_witness_stop(&w[i]);
			KUNIT_EXPECT_EQ_MSG(test, w[i].seen, zmu_touches(geo, i, pos),
					    "page %u, object %u: unlocked?", pos, i);
			KUNIT_EXPECT_EQ_MSG(test, w[i].wrong, 0, "page %u, object %u: too early",
					    pos, i);
		}
	}
}

/* A damaged header holds up its page; whoever did it, no handle is touched. */
static void a_header_overwritten(struct kunit *test)
{
	const struct zm_geometry *geo = &zm_geometries[zm_nr_classes / 2];
	static const unsigned long bad[] = { 0, 1, 5, ~0UL };
	struct zmu *u = zmu(test);
	unsigned long *header, good;
	struct page *page;
	unsigned int i;

	zmu_fill_zspages(test, geo, 1);
	page = the_zspage(test)->pages[0];
	header = page_address(page);
	good = *header;
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		*header = bad[i];
		KUNIT_EXPECT_TRUE(test, zmu_isolate(test, page));
		KUNIT_EXPECT_EQ(test, zmu_migrate(test, page, MIGRATE_SYNC), -EAGAIN);
		zmu_putback(test, page);
		KUNIT_EXPECT_EQ(test, zmu_counter(test, ZM_CORRUPT), i + 1ULL);
	}
	/* The header of another object: its handle disagrees. */
	*header = *(unsigned long *)((void *)header + geo->size);
	KUNIT_EXPECT_TRUE(test, zmu_isolate(test, page));
	KUNIT_EXPECT_EQ(test, zmu_migrate(test, page, MIGRATE_SYNC), -EAGAIN);
	zmu_putback(test, page);
	*header = good;
	expect_consistent(test);
	/* All that zmu_exit() wants to know of it. */
	per_cpu_ptr(u->pool->stats, 0)->counter[ZM_CORRUPT] = 0;
}

#ifdef ZM_HAVE_SYNC_NO_COPY
static void a_caller_who_copies_is_refused(struct kunit *test)
{
	const struct zm_geometry *geo = zmu_geometry(test);
	struct page *page;

	zmu_fill_zspages(test, geo, 1);
	page = the_zspage(test)->pages[0];
	KUNIT_EXPECT_TRUE(test, zmu_isolate(test, page));
	KUNIT_EXPECT_EQ(test, zmu_migrate(test, page, MIGRATE_SYNC_NO_COPY), -EINVAL);
	zmu_putback(test, page);
	expect_consistent(test);
}
#endif

static struct kunit_case zm_move_cases[] = {
	KUNIT_CASE_PARAM(every_page_of_a_full_zspage, zmu_class_params),
	KUNIT_CASE_PARAM(every_page_around_one_object, zmu_class_params),
	KUNIT_CASE_PARAM(both_pages_of_a_straddler, zmu_class_params),
	KUNIT_CASE_PARAM(a_straddler_in_one_piece, zmu_class_params),
	KUNIT_CASE_PARAM(an_object_in_use, zmu_class_params),
	KUNIT_CASE_PARAM(all_pages_at_once, zmu_class_params),
	KUNIT_CASE_PARAM(published_when_it_is_there, zmu_class_params),
	KUNIT_CASE(a_header_overwritten),
#ifdef ZM_HAVE_SYNC_NO_COPY
	KUNIT_CASE_PARAM(a_caller_who_copies_is_refused, zmu_class_params),
#endif
	{ }
};

struct kunit_suite zm_move_suite = {
	.name = "zm_move",
	.init = zmu_init,
	.exit = zmu_exit,
	.test_cases = zm_move_cases,
};
