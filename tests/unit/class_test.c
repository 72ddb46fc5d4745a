// SPDX-License-Identifier: GPL-2.0
/*
 * Suite zm_class: the geometry of every object size, and what follows from it. All of
 * it is arithmetic, checked against the definition rather than against the code.
 */
#include "unit.h"

/* Bytes per page that a chain of @pages wastes on objects of @size, times 840. */
static u32 waste(u32 pages, u32 size)
{
	return pages * PAGE_SIZE % size * (840 / pages);
}

static void every_size_has_a_class(struct kunit *test)
{
	unsigned int id, last = 1;
	size_t size;

	for (size = 1; size <= PAGE_SIZE; size++) {
		const struct zm_geometry *geo;

		id = zm_class_id(size);
		KUNIT_ASSERT_GE_MSG(test, id, last, "%zu bytes: smaller class", size);
		KUNIT_ASSERT_LE_MSG(test, id, last + 1, "%zu bytes: class skipped", size);
		last = id;
		geo = &zm_geometries[id - 1];
		if (geo->huge)
			continue;
		KUNIT_ASSERT_LE_MSG(test, size + ZM_HEADER, (size_t)geo->size, "%zu bytes", size);
		/* The class below would not have done. */
		if (id > 1)
			KUNIT_ASSERT_GT_MSG(test, size + ZM_HEADER, (size_t)geo[-1].size,
					    "%zu bytes", size);
	}
	KUNIT_EXPECT_EQ(test, last, zm_nr_classes);
	KUNIT_EXPECT_EQ(test, zm_class_id(PAGE_SIZE), zm_nr_classes);
}

static void only_the_last_class_is_huge(struct kunit *test)
{
	const struct zm_geometry *huge = &zm_geometries[zm_nr_classes - 1];
	unsigned int i;

	for (i = 0; i + 1 < zm_nr_classes; i++)
		KUNIT_EXPECT_FALSE(test, zm_geometries[i].huge);
	KUNIT_EXPECT_TRUE(test, huge->huge);
	KUNIT_EXPECT_EQ(test, huge->size, (u32)PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, huge->pages, 1);
	KUNIT_EXPECT_EQ(test, huge->objects, 1);
	KUNIT_EXPECT_EQ(test, zm_class_id(zm_huge_size()), zm_nr_classes);
	KUNIT_EXPECT_EQ(test, zm_class_id(zm_huge_size() - 1), zm_nr_classes - 1);
}

static void geometry_adds_up(struct kunit *test)
{
	const struct zm_geometry *geo = zmu_geometry(test);
	u32 pages;

	KUNIT_EXPECT_EQ(test, geo->size % (u32)ZM_UNIT, 0U);
	KUNIT_EXPECT_GE(test, geo->size, ZM_MIN_SIZE);
	KUNIT_EXPECT_GE(test, geo->pages, 1);
	KUNIT_EXPECT_LE(test, geo->pages, ZM_MAX_CHAIN);
	KUNIT_EXPECT_EQ(test, (u32)geo->objects, geo->pages * (u32)PAGE_SIZE / geo->size);
	if (geo->huge)
		return;
	/* Otherwise it saves nothing over a page for each. */
	KUNIT_EXPECT_GT(test, geo->objects, geo->pages);
	for (pages = 1; pages <= ZM_MAX_CHAIN; pages++)
		KUNIT_EXPECT_LE_MSG(test, waste(geo->pages, geo->size), waste(pages, geo->size),
				    "a chain of %u wastes less", pages);
}

/* Sizes that no class has would all have been wasteful: their shape is a neighbour's. */
static void merged_sizes_have_one_shape(struct kunit *test)
{
	u32 size, pages, best;

	for (size = ZM_MIN_SIZE; size <= PAGE_SIZE; size += ZM_UNIT) {
		const struct zm_geometry *geo =
			&zm_geometries[zm_class_id(size - ZM_HEADER) - 1];

		for (best = 1, pages = 2; pages <= ZM_MAX_CHAIN; pages++) {
			if (waste(pages, size) < waste(best, size))
				best = pages;
		}
		if (best * PAGE_SIZE / size <= best) {
			KUNIT_EXPECT_TRUE_MSG(test, geo->huge, "size %u", size);
			continue;
		}
		KUNIT_EXPECT_EQ_MSG(test, (u32)geo->pages, best, "size %u", size);
		KUNIT_EXPECT_EQ_MSG(test, (u32)geo->objects, best * (u32)PAGE_SIZE / size,
				    "size %u", size);
	}
}

static void fullness_groups_are_in_order(struct kunit *test)
{
	const struct zm_geometry *geo = zmu_geometry(test);
	unsigned int inuse, group, last = 0;

	for (inuse = 1; inuse < geo->objects; inuse++) {
		group = inuse * geo->group_scale >> 16;
		KUNIT_EXPECT_GE(test, group, last);
		KUNIT_EXPECT_LT_MSG(test, group, (unsigned int)ZM_GROUP_FULL,
				    "%u of %u objects", inuse, geo->objects);
		last = group;
	}
}

/* first and end of the objects on a page, against the overlap of bytes. */
static void objects_of_a_page(struct kunit *test)
{
	const struct zm_geometry *geo = zmu_geometry(test);
	unsigned int pos, idx;

	for (pos = 0; pos < geo->pages; pos++) {
		unsigned int first = zm_first_object(geo, pos), end = zm_end_object(geo, pos);

		KUNIT_EXPECT_LE(test, end, (unsigned int)geo->objects);
		for (idx = 0; idx < geo->objects; idx++)
			KUNIT_EXPECT_EQ_MSG(test, idx >= first && idx < end,
					    zmu_touches(geo, idx, pos),
					    "object %u and page %u", idx, pos);
	}
}

static void fits_is_the_same_class(struct kunit *test)
{
	unsigned long id;
	size_t size;

	for (size = 1; size <= PAGE_SIZE; size++) {
		KUNIT_EXPECT_FALSE(test, zm_fits(0, size));
		for (id = 1; id <= zm_nr_classes; id++) {
			unsigned long word = id << ZM_CLASS_SHIFT | ZM_OWNER_MASK | ZM_PLACE_MASK;

			if (zm_fits(word, size) != (id == zm_class_id(size)))
				KUNIT_FAIL(test, "%zu bytes in class %lu", size, id);
		}
	}
}

static struct kunit_case zm_class_cases[] = {
	KUNIT_CASE(every_size_has_a_class),
	KUNIT_CASE(only_the_last_class_is_huge),
	KUNIT_CASE_PARAM(geometry_adds_up, zmu_class_params),
	KUNIT_CASE(merged_sizes_have_one_shape),
	KUNIT_CASE_PARAM(fullness_groups_are_in_order, zmu_class_params),
	KUNIT_CASE_PARAM(objects_of_a_page, zmu_class_params),
	KUNIT_CASE(fits_is_the_same_class),
	{ }
};

struct kunit_suite zm_class_suite = {
	.name = "zm_class",
	.test_cases = zm_class_cases,
};
