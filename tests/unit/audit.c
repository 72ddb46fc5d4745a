// SPDX-License-Identifier: GPL-2.0
/*
 * An audit of a pool that nobody is working on: every list, count, bitmap, header,
 * handle and struct page against each other, each reckoned anew rather than with the
 * function that maintains it.
 */
#include <linux/bitmap.h>
#include <linux/io.h>
#include <linux/migrate.h>

#include "unit.h"

/* Stops at the first thing wrong: the rest would be noise. */
#define zmu_wrong(test, cond, fmt, ...)						\
({										\
	bool __wrong = (cond);							\
										\
	if (__wrong)								\
		KUNIT_FAIL(test, "audit: " fmt, ##__VA_ARGS__);			\
	__wrong;								\
})

static bool zmu_audit_page(struct kunit *test, struct zm_zspage *zspage, unsigned int pos,
			   struct zmu_audit *sum)
{
	bool movable = zspage->class->pool->movable;
	struct page *page = zspage->pages[pos];
	int refs = 1 + PageIsolated(page);

	sum->isolated += PageIsolated(page);
	return !(zmu_wrong(test, page_private(page) != (unsigned long)zspage,
			   "page %u does not know its zspage", pos) ||
		 zmu_wrong(test, page->index != pos, "page %u is at %lu", pos, page->index) ||
		 zmu_wrong(test, page_count(page) != refs, "page %u has %d references, not %d", pos,
			   page_count(page), refs) ||
		 zmu_wrong(test, !!__PageMovable(page) != movable, "page %u: movable?", pos) ||
		 zmu_wrong(test, movable && !page_movable_ops(page), "page %u: no callbacks", pos));
}

static bool zmu_audit_object(struct kunit *test, struct zm_zspage *zspage, unsigned int idx)
{
	const struct zm_geometry *geo = zspage->class->geo;
	unsigned int offset = idx * geo->size;
	void *addr = page_address(zspage->pages[offset / PAGE_SIZE]) + offset % PAGE_SIZE;
	unsigned long word;

	if (geo->huge)
		word = ((struct zm_handle *)(*zm_used(zspage) & ~7UL))->word;
	else if (zmu_wrong(test, (*(unsigned long *)addr & 7) != 5, "object %u has no header", idx))
		return false;
	else
		word = ((struct zm_handle *)(*(unsigned long *)addr - 5))->word;
	return !(zmu_wrong(test, (word & ZM_CLASS_MASK) >> ZM_CLASS_SHIFT != zspage->class->id,
			   "object %u: its handle names class %lu", idx,
			   (word & ZM_CLASS_MASK) >> ZM_CLASS_SHIFT) ||
		 zmu_wrong(test, (word & ZM_PLACE_MASK) >> ZM_PLACE_SHIFT !=
				 virt_to_phys(addr) >> ZM_PLACE_UNIT_SHIFT,
			   "object %u: its handle names another place", idx));
}

static bool zmu_audit_zspage(struct kunit *test, struct zm_zspage *zspage, unsigned int group,
			     struct zmu_audit *sum)
{
	const struct zm_geometry *geo = zspage->class->geo;
	unsigned int inuse = geo->huge ? 1 : bitmap_weight(zm_used(zspage), geo->objects);
	unsigned int i;

	if (zmu_wrong(test, (inuse == geo->objects) != (group == ZM_GROUP_FULL),
		      "%u of %u objects, in group %u", inuse, geo->objects, group) ||
	    /* One group off is near enough; fuller than that by any number. */
	    zmu_wrong(test, group != ZM_GROUP_FULL &&
			    group > inuse * ZM_PARTIAL_GROUPS / geo->objects + 1,
		      "%u of %u objects, in group %u", inuse, geo->objects, group) ||
	    zmu_wrong(test, zspage->group != group, "group %u, on list %u", zspage->group, group) ||
	    zmu_wrong(test, zspage->inuse != inuse, "in use %u, bits %u", zspage->inuse, inuse) ||
	    zmu_wrong(test, !inuse, "an empty zspage on a list") ||
	    zmu_wrong(test, zspage->nr_pages != geo->pages, "%u pages", zspage->nr_pages))
		return false;
	for (i = 0; i < geo->pages; i++) {
		if (!zmu_audit_page(test, zspage, i, sum))
			return false;
	}
	for (i = 0; i < geo->objects; i++) {
		if (test_bit(i, zm_used(zspage)) && !zmu_audit_object(test, zspage, i))
			return false;
	}
	sum->pages += geo->pages;
	sum->objects += inuse;
	return true;
}

static bool zmu_audit_class(struct kunit *test, struct zm_class *class, struct zmu_audit *sum)
{
	unsigned long zspages = 0, objects = sum->objects;
	struct zm_zspage *zspage;
	unsigned int group;

	for (group = 0; group < ZM_GROUPS; group++) {
		if (zmu_wrong(test, !!(class->nonempty & BIT(group)) ==
				    list_empty(&class->group[group]),
			      "class %u: bit of group %u", class->id, group))
			return false;
		list_for_each_entry(zspage, &class->group[group], node) {
			if (zmu_wrong(test, zspage->class != class, "a zspage of another class") ||
			    !zmu_audit_zspage(test, zspage, group, sum)) {
				kunit_info(test, "in class %u (size %u)", class->id,
					   class->geo->size);
				return false;
			}
			zspages++;
		}
	}
	return !(zmu_wrong(test, class->zspages != zspages, "class %u: %lu zspages, counted %lu",
			   class->id, zspages, class->zspages) ||
		 zmu_wrong(test, class->objects != sum->objects - objects,
			   "class %u: %lu objects, counted %lu", class->id,
			   sum->objects - objects, class->objects));
}

/**
 * zmu_audit() - check everything in a pool
 * @test: the test that fails
 * @pool: the pool; nothing of it is being given back or set aside
 * @sum: what was found, for comparison with what should be there
 *
 * Return: false if something was wrong.
 */
bool zmu_audit(struct kunit *test, struct zm_pool *pool, struct zmu_audit *sum)
{
	unsigned int i;

	*sum = (struct zmu_audit) { };
	for (i = 0; i < zm_nr_classes; i++) {
		if (!zmu_audit_class(test, &pool->classes[i], sum))
			return false;
	}
	return !(zmu_wrong(test, zm_pool_pages(pool) != sum->pages, "%lu pages, counted %lu",
			   sum->pages, zm_pool_pages(pool)) ||
		 zmu_wrong(test, zm_pool_peak(pool) < sum->pages, "the peak is below"));
}
