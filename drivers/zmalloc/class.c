// SPDX-License-Identifier: GPL-2.0
/*
 * Size classes: their geometry, which is the same in every pool, and the
 * fullness lists of one pool's class.
 *
 * Geometry is computed once at module load. Sizes step by 16 bytes; for each
 * the chain length that wastes least is chosen, and neighbours with the same
 * pages and objects per zspage become one class. Sizes of which no chain of
 * pages takes more objects than pages share the last class, "huge": one raw
 * page per object.
 *
 * Lists and counts of a class change under class->lock, and only here.
 * Allocation takes from the fullest group, compaction from the emptiest. Full
 * zspages, and no others, are in the group of those. The rest are where they were
 * put last, because a move between groups costs as much as the rest of a free:
 * not more than one group too high, and after allocations, too low. Compaction
 * puts right those that it looks at.
 * Next: zspage.c.
 */
#include <linux/slab.h>

#include "internal.h"

static_assert(PAGE_SIZE == 4096, "zmalloc/zmram: the size classes are for pages of 4 KiB");

struct zm_geometry zm_geometries[ZM_SIZES];
unsigned int zm_nr_classes;

/* Class id by object size, header included, in units. */
u8 zm_id_of_size[ZM_SIZES + 1];

static void zm_geometry_of(u32 size, struct zm_geometry *geo)
{
	u32 best_waste = U32_MAX;
	u32 pages;

	for (pages = 1; pages <= ZM_MAX_CHAIN; pages++) {
		u32 bytes = pages * PAGE_SIZE;
		/* waste per page, scaled so that chains compare exactly */
		u32 waste = bytes % size * (840 / pages);

		if (waste >= best_waste)
			continue;
		best_waste = waste;
		geo->pages = pages;
		geo->objects = bytes / size;
	}
	geo->size = size;
	geo->huge = geo->objects <= geo->pages;
	if (geo->huge) {
		geo->size = PAGE_SIZE;
		geo->pages = 1;
		geo->objects = 1;
	}
	/* Rounded down: a zspage that is not full never reaches the last group. */
	geo->group_scale = (ZM_PARTIAL_GROUPS << 16) / geo->objects;
}

static bool zm_same_shape(const struct zm_geometry *a, const struct zm_geometry *b)
{
	return a->pages == b->pages && a->objects == b->objects;
}

/* Runs once, before any pool exists. */
void zm_classes_init(void)
{
	struct zm_geometry geo;
	u32 size;

	/* 840 is divisible by every chain length up to 8. */
	BUILD_BUG_ON(ZM_MAX_CHAIN > 8);
	BUILD_BUG_ON(ZM_MIN_SIZE < ZM_HEADER + ZM_UNIT);

	for (size = ZM_MIN_SIZE; size <= PAGE_SIZE; size += ZM_UNIT) {
		zm_geometry_of(size, &geo);
		if (!zm_nr_classes || !zm_same_shape(&geo, &zm_geometries[zm_nr_classes - 1]))
			zm_nr_classes++;
		zm_geometries[zm_nr_classes - 1] = geo;
		zm_id_of_size[size / ZM_UNIT] = zm_nr_classes;
	}
	for (size = 0; size < ZM_MIN_SIZE; size += ZM_UNIT)
		zm_id_of_size[size / ZM_UNIT] = 1;
}

/**
 * zm_huge_size() - from which size on an object takes a raw page
 *
 * Compressing to this many bytes or more saves nothing: store the data as it
 * is, with size PAGE_SIZE.
 *
 * Context: Any.
 * Return: bytes of payload.
 */
size_t zm_huge_size(void)
{
	return zm_geometries[zm_nr_classes - 2].size - ZM_HEADER + 1;
}
EXPORT_SYMBOL_GPL(zm_huge_size);

/**
 * zm_fits() - can the object be overwritten in place?
 * @word: word of a locked handle
 * @size: bytes of new payload
 *
 * Context: Any.
 * Return: true if the handle has an object of the class that @size needs.
 */
bool zm_fits(unsigned long word, size_t size)
{
	return (word & ZM_CLASS_MASK) >> ZM_CLASS_SHIFT == zm_class_id(size);
}
EXPORT_SYMBOL_GPL(zm_fits);

/* Allocates and initialises the classes of a pool; NULL without memory. */
struct zm_class *zm_pool_classes_create(struct zm_pool *pool)
{
	struct zm_class *classes;
	unsigned int i, group;

	classes = kvcalloc(zm_nr_classes, sizeof(*classes), GFP_KERNEL);
	if (!classes)
		return NULL;
	for (i = 0; i < zm_nr_classes; i++) {
		struct zm_class *class = &classes[i];

		spin_lock_init(&class->lock);
		class->id = i + 1;
		class->geo = &zm_geometries[i];
		class->pool = pool;
		for (group = 0; group < ZM_GROUPS; group++)
			INIT_LIST_HEAD(&class->group[group]);
	}
	return classes;
}

static unsigned int zm_group_of(const struct zm_zspage *zspage)
{
	const struct zm_geometry *geo = zspage->class->geo;

	if (zspage->inuse == geo->objects)
		return ZM_GROUP_FULL;
	return zspage->inuse * geo->group_scale >> 16;
}

static void zm_group_add(struct zm_zspage *zspage, unsigned int group)
{
	struct zm_class *class = zspage->class;

	zspage->group = group;
	/* The latest compaction looks at heads for what it has not tried yet. */
	if (zspage->compact_run && zspage->compact_run == class->compact_run)
		list_add_tail(&zspage->node, &class->group[group]);
	else
		list_add(&zspage->node, &class->group[group]);
	__set_bit(group, &class->nonempty);
}

static void zm_group_del(struct zm_zspage *zspage)
{
	struct zm_class *class = zspage->class;

	list_del(&zspage->node);
	if (list_empty(&class->group[zspage->group]))
		__clear_bit(zspage->group, &class->nonempty);
	zspage->group = ZM_GROUP_NONE;
}

/* Puts a zspage with objects on the list of its group. */
void zm_class_link(struct zm_zspage *zspage)
{
	struct zm_class *class = zspage->class;

	lockdep_assert_held(&class->lock);
	zm_group_add(zspage, zm_group_of(zspage));
	WRITE_ONCE(class->zspages, class->zspages + 1);
}

/* Takes a zspage off its list; if it is empty, it is the caller's to release. */
void zm_class_unlink(struct zm_zspage *zspage)
{
	struct zm_class *class = zspage->class;

	lockdep_assert_held(&class->lock);
	zm_group_del(zspage);
	WRITE_ONCE(class->zspages, class->zspages - 1);
}

/* Puts a zspage on the list of its group. */
void zm_class_requeue(struct zm_zspage *zspage)
{
	unsigned int group = zm_group_of(zspage);

	lockdep_assert_held(&zspage->class->lock);
	if (group == zspage->group)
		return;
	zm_group_del(zspage);
	zm_group_add(zspage, group);
}

/* Follows a free that leaves objects: the group above the right one will do. */
void zm_class_freed(struct zm_zspage *zspage)
{
	lockdep_assert_held(&zspage->class->lock);
	if (zspage->group == ZM_GROUP_FULL || zm_group_of(zspage) + 1 != zspage->group)
		zm_class_requeue(zspage);
}
