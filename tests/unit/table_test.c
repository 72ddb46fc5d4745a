// SPDX-License-Identifier: GPL-2.0
/*
 * Suite zmram_table: drivers/zmram/table.c, the slot table, and walks over it. The
 * slots are only places here; what would fill or free them is stood in for.
 */
#include <linux/module.h>

#define zmram_meta_create	table_meta_create
#define zmram_meta_destroy	table_meta_destroy
#define zmram_leaf_make		table_leaf_make
#define zmram_leaf_from		table_leaf_from
#define zmram_movable		table_movable
#define zmram_free_slots	table_free_slots
#define zmram_comp_create	table_comp_create
#define zmram_comp_destroy	table_comp_destroy
#define zmram_post_set_total	table_post_set_total
#define zmram_post_done		table_post_done
#define zmram_post_reached	table_post_reached

#include "../../drivers/zmram/table.c"

#include "unit.h"

#define LEAVES	5

struct table {
	struct zmram_dev dev;
	struct gendisk disk;
	struct zmram_meta *meta;
	unsigned long total, freed, reached;
};

bool zmram_movable = true;

static struct table *table_of(struct zmram_dev *dev)
{
	return container_of(dev, struct table, dev);
}

unsigned long zmram_free_slots(struct zmram_dev *dev, struct zmram_meta *meta,
			       unsigned long index, unsigned long end)
{
	table_of(dev)->freed += end - index;
	return end - index;
}

struct zmram_comp *zmram_comp_create(const struct zmram_comp_ops *ops,
				     struct zmram_params *params, const char *disk)
{
	return ERR_PTR(-ENOMEM);
}

void zmram_comp_destroy(struct zmram_comp *comp)
{
}

void zmram_post_set_total(struct zmram_dev *dev, unsigned long total)
{
	table_of(dev)->total = total;
}

void zmram_post_done(struct zmram_dev *dev, unsigned long n)
{
}

bool zmram_post_reached(struct zmram_dev *dev, unsigned long index)
{
	table_of(dev)->reached = index;
	return true;
}

static int table_init(struct kunit *test)
{
	struct table *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);

	if (!t)
		return -ENOMEM;
	test->priv = t;
	t->dev.disk = &t->disk;
	strscpy(t->disk.disk_name, "table", sizeof(t->disk.disk_name));
	t->meta = zmram_meta_create(&t->dev, LEAVES * ZMRAM_LEAF_SLOTS);
	return PTR_ERR_OR_ZERO(t->meta);
}

static void table_exit(struct kunit *test)
{
	struct table *t = test->priv;

	if (t && !IS_ERR_OR_NULL(t->meta))
		zmram_meta_destroy(&t->dev, t->meta);
}

static struct zmram_meta *the_meta(struct kunit *test)
{
	return ((struct table *)test->priv)->meta;
}

/* Two writers have both found no leaf: who is late has the other's, and it is the one. */
static void two_writers_touch_a_leaf_first(struct kunit *test)
{
	struct zmram_meta *meta = the_meta(test);
	struct zmram_walk walk = zmram_walk_begin(meta);
	struct zmram_slot *first, *second;

	KUNIT_EXPECT_NULL(test, zmram_walk_find(&walk, 0));
	first = zmram_leaf_make(meta, 0);
	second = zmram_leaf_make(meta, 0);
	KUNIT_ASSERT_NOT_NULL(test, first);
	KUNIT_EXPECT_PTR_EQ(test, first, second);
	KUNIT_EXPECT_PTR_EQ(test, xa_load(&meta->leaves, 0), (void *)first);
	/* A writer whose walk has seen that there was none. */
	KUNIT_EXPECT_PTR_EQ(test, zmram_walk_get(&walk, 7), first + 7);
}

/* Where no 64 KiB lie in one piece, a leaf is of single pages, and it goes as well. */
static void a_leaf_of_single_pages(struct kunit *test)
{
	struct zmram_meta *meta = the_meta(test);
	struct zmram_walk walk = zmram_walk_begin(meta);
	struct zmram_slot *leaf = zmram_leaf_map();
	struct page *page[ZMRAM_LEAF_PAGES];
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, leaf);
	KUNIT_EXPECT_NULL(test, memchr_inv(leaf, 0, ZMRAM_LEAF_SIZE));
	leaf[ZMRAM_LEAF_SLOTS - 1].data = 1;
	for (i = 0; i < ZMRAM_LEAF_PAGES; i++) {
		page[i] = vmalloc_to_page((void *)leaf + i * PAGE_SIZE);
		get_page(page[i]);
	}
	zmram_leaf_free(leaf);
	for (i = 0; i < ZMRAM_LEAF_PAGES; i++) {
		KUNIT_EXPECT_EQ(test, page_count(page[i]), 1);
		KUNIT_EXPECT_NULL(test, vmalloc_to_page((void *)leaf + i * PAGE_SIZE));
		put_page(page[i]);
	}
	/* This one is the table's to free. */
	leaf = zmram_leaf_map();
	KUNIT_ASSERT_NOT_NULL(test, leaf);
	KUNIT_ASSERT_NULL(test, xa_store(&meta->leaves, 0, leaf, GFP_KERNEL));
	KUNIT_EXPECT_PTR_EQ(test, zmram_walk_get(&walk, 9), leaf + 9);
}

/* What is new is empty, and what was is not touched. */
static void leaves_come_one_by_one(struct kunit *test)
{
	struct zmram_meta *meta = the_meta(test);
	struct zmram_walk walk = zmram_walk_begin(meta);
	struct zmram_slot *slot[2 * ZMRAM_LEAF_SLOTS / 1024];
	unsigned long index;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(slot); i++) {
		slot[i] = zmram_walk_get(&walk, i * 1024);
		KUNIT_ASSERT_NOT_NULL(test, slot[i]);
		KUNIT_EXPECT_EQ(test, slot[i]->handle.word | slot[i]->data, 0UL);
		slot[i]->data = i + 1;
	}
	for (i = 0; i < ARRAY_SIZE(slot); i++) {
		index = i * 1024;
		KUNIT_EXPECT_PTR_EQ(test, zmram_walk_find(&walk, index), slot[i]);
		KUNIT_EXPECT_PTR_EQ(test, zmram_slot_find(meta, index), slot[i]);
		KUNIT_EXPECT_EQ(test, slot[i]->data, i + 1UL);
	}
	KUNIT_EXPECT_NULL(test, zmram_slot_find(meta, 2 * ZMRAM_LEAF_SLOTS));
}

/* That there is no leaf may be outdated, until the walk is told to look again. */
static void absence_is_remembered_until_forgotten(struct kunit *test)
{
	struct zmram_meta *meta = the_meta(test);
	struct zmram_walk reader = zmram_walk_begin(meta), writer = reader;
	struct zmram_slot *slot;

	KUNIT_EXPECT_NULL(test, zmram_walk_find(&reader, 3));
	slot = zmram_walk_get(&writer, 3);
	KUNIT_ASSERT_NOT_NULL(test, slot);
	KUNIT_EXPECT_NULL(test, zmram_walk_find(&reader, 3));
	zmram_walk_forget(&reader);
	KUNIT_EXPECT_PTR_EQ(test, zmram_walk_find(&reader, 3), slot);
	KUNIT_EXPECT_NULL(test, zmram_walk_find(&reader, ZMRAM_LEAF_SLOTS));
	KUNIT_EXPECT_PTR_EQ(test, zmram_walk_find(&reader, 3), slot);
}

/* Long operations see the leaves that are there, a reset empties these and no other. */
static void leaves_are_found_in_order(struct kunit *test)
{
	static const unsigned long nr[] = { 1, 2, 4 };
	struct table *t = test->priv;
	struct zmram_walk walk = zmram_walk_begin(t->meta);
	unsigned long index = 0;
	unsigned int i;

	for (i = ARRAY_SIZE(nr); i--;)
		KUNIT_ASSERT_NOT_NULL(test, zmram_walk_get(&walk, nr[i] * ZMRAM_LEAF_SLOTS + i));
	for (i = 0; i < ARRAY_SIZE(nr); i++) {
		KUNIT_EXPECT_PTR_EQ(test, zmram_leaf_from(t->meta, &index),
				    zmram_slot_find(t->meta, nr[i] * ZMRAM_LEAF_SLOTS));
		KUNIT_EXPECT_EQ(test, index, nr[i] * ZMRAM_LEAF_SLOTS);
		index += ZMRAM_LEAF_SLOTS;
	}
	KUNIT_EXPECT_NULL(test, zmram_leaf_from(t->meta, &index));
	zmram_meta_destroy(&t->dev, t->meta);
	t->meta = NULL;
	KUNIT_EXPECT_EQ(test, t->total, (unsigned long)LEAVES * ZMRAM_LEAF_SLOTS);
	KUNIT_EXPECT_EQ(test, t->freed, ARRAY_SIZE(nr) * ZMRAM_LEAF_SLOTS);
	KUNIT_EXPECT_EQ(test, t->reached, (unsigned long)LEAVES * ZMRAM_LEAF_SLOTS);
}

/* From inside a leaf a walk goes on from there, also when it has just come. */
static void a_walk_does_not_go_back(struct kunit *test)
{
	struct zmram_meta *meta = the_meta(test);
	struct zmram_walk walk = zmram_walk_begin(meta);
	unsigned long index = 2 * ZMRAM_LEAF_SLOTS + 5;
	struct zmram_slot *slot;

	KUNIT_EXPECT_NULL(test, zmram_slot_find(meta, index));
	slot = zmram_walk_get(&walk, 2 * ZMRAM_LEAF_SLOTS);
	KUNIT_ASSERT_NOT_NULL(test, slot);
	KUNIT_EXPECT_PTR_EQ(test, zmram_leaf_from(meta, &index), slot);
	KUNIT_EXPECT_EQ(test, index, 2UL * ZMRAM_LEAF_SLOTS + 5);
	index = ZMRAM_LEAF_SLOTS + 5;
	KUNIT_EXPECT_PTR_EQ(test, zmram_leaf_from(meta, &index), slot);
	KUNIT_EXPECT_EQ(test, index, 2UL * ZMRAM_LEAF_SLOTS);
}

static struct kunit_case table_cases[] = {
	KUNIT_CASE(two_writers_touch_a_leaf_first),
	KUNIT_CASE(a_leaf_of_single_pages),
	KUNIT_CASE(leaves_come_one_by_one),
	KUNIT_CASE(absence_is_remembered_until_forgotten),
	KUNIT_CASE(leaves_are_found_in_order),
	KUNIT_CASE(a_walk_does_not_go_back),
	{ }
};

struct kunit_suite zmram_table_suite = {
	.name = "zmram_table",
	.init = table_init,
	.exit = table_exit,
	.test_cases = table_cases,
};
