// SPDX-License-Identifier: GPL-2.0
/*
 * Objects whose content is known: made, overwritten, dropped and read back through
 * zmalloc's interface by the protocol that include/linux/zmalloc.h describes.
 *
 * The content of an object follows from its stamp and its size; so a test keeps no
 * copy, and bytes of another object, or of another time, show.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/vmstat.h>

#include "unit.h"

/* NR_ZSPAGES of all zones; exact, as there is one processor. */
unsigned long zmu_zone_pages(void)
{
#if IS_ENABLED(CONFIG_ZSMALLOC)
	return global_zone_page_state(NR_ZSPAGES);
#else
	return 0;
#endif
}

int zmu_init(struct kunit *test)
{
	struct zmu *u = kunit_kzalloc(test, sizeof(*u), GFP_KERNEL);

	if (!u)
		return -ENOMEM;
	test->priv = u;
	u->nr = ZMU_OBJECTS;
	u->zone_pages = zmu_zone_pages();
	u->bounce = kunit_kmalloc(test, PAGE_SIZE, GFP_KERNEL);
	u->object = kvcalloc(u->nr, sizeof(*u->object), GFP_KERNEL);
	u->pool = zm_pool_create("unit", ZM_POOL_MOVABLE);
	if (u->bounce && u->object && u->pool)
		return 0;
	if (u->pool)
		zm_pool_destroy(u->pool);
	kvfree(u->object);
	test->priv = NULL;
	return -ENOMEM;
}

/* Also after a test that failed half-way. */
void zmu_exit(struct kunit *test)
{
	struct zmu *u = zmu(test);
	unsigned int i;

	if (!u)
		return;
	for (i = 0; i < u->nr; i++) {
		if (u->object[i].held)
			zmu_release(&u->object[i]);
		zmu_drop(u->pool, &u->object[i]);
	}
	zmu_putback_all(test);
	flush_work(&u->pool->free_work);
	KUNIT_EXPECT_EQ(test, zm_pool_pages(u->pool), 0UL);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&u->pool->charged), 0L);
	KUNIT_EXPECT_EQ(test, zmu_counter(test, ZM_CORRUPT), 0ULL);
	KUNIT_EXPECT_EQ(test, zm_pool_destroy(u->pool), 0);
	KUNIT_EXPECT_EQ(test, zmu_zone_pages(), u->zone_pages);
	kvfree(u->object);
}

/* For KUNIT_CASE_PARAM(): every size class. */
const void *zmu_class_params(const void *prev, char *desc)
{
	const struct zm_geometry *geo = prev;

	geo = geo ? geo + 1 : zm_geometries;
	if (geo == zm_geometries + zm_nr_classes)
		return NULL;
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "size %u, %u pages, %u objects%s", geo->size,
		 geo->pages, geo->objects, geo->huge ? ", huge" : "");
	return geo;
}

const struct zm_geometry *zmu_geometry(struct kunit *test)
{
	return test->param_value;
}

unsigned int zmu_geometry_id(const struct zm_geometry *geo)
{
	return geo - zm_geometries + 1;
}

/* The payload sizes at the ends of a class. */
size_t zmu_max_size(const struct zm_geometry *geo)
{
	return geo->huge ? PAGE_SIZE : geo->size - ZM_HEADER;
}

size_t zmu_min_size(const struct zm_geometry *geo)
{
	return geo == zm_geometries ? 1 : zmu_max_size(geo - 1) + 1;
}

/* Fills @size bytes with what @stamp stands for; no two stamps look alike. */
void zmu_byte_fill(void *buf, size_t size, u32 stamp)
{
	u64 state = (u64)stamp << 32 | size;

	for (; size >= sizeof(u64); size -= sizeof(u64), buf += sizeof(u64))
		*(u64 *)buf = zmu_random(&state);
	if (size) {
		u64 last = zmu_random(&state);

		memcpy(buf, &last, size);
	}
}

/* Are the bytes at @word those of @obj? Each is looked at. */
bool zmu_content_right(const struct zmu_object *obj, unsigned long word, void *bounce)
{
	const void *data = zm_read(word, obj->size, bounce);
	u64 state = (u64)obj->stamp << 32 | obj->size;
	size_t left = obj->size;

	for (; left >= sizeof(u64); left -= sizeof(u64), data += sizeof(u64)) {
		if (*(const u64 *)data != zmu_random(&state))
			return false;
	}
	state = zmu_random(&state);
	return !memcmp(data, &state, left);
}

/**
 * zmu_store() - give an object new content, as zmram does
 * @pool: the pool
 * @obj: the object; may be empty
 * @size: bytes of payload
 * @stamp: what they are made from
 * @reserve: for the allocation
 *
 * Return: 0, or the error of zm_reserve(); then nothing has changed.
 */
int zmu_store(struct zm_pool *pool, struct zmu_object *obj, size_t size, u32 stamp,
	      struct zm_reserve *reserve)
{
	unsigned long old, word;
	static u8 data[PAGE_SIZE] __aligned(8);
	int ret;

	for (;;) {
		old = zm_handle_lock(&obj->handle);
		word = zm_fits(old, size) ? old & ZM_OBJECT_MASK :
					    zm_alloc(pool, &obj->handle, size, reserve);
		if (word)
			break;
		zm_handle_unlock(&obj->handle, old);
		ret = zm_reserve(pool, size, GFP_KERNEL, reserve);
		if (ret)
			return ret;
	}
	zmu_byte_fill(data, size, stamp);
	zm_write(word, data, size);
	if (zm_word_has_object(old) && (old & ZM_OBJECT_MASK) != word)
		zm_free(pool, old);
	obj->size = size;
	obj->stamp = stamp;
	zm_handle_unlock(&obj->handle, word | obj->flags);
	return 0;
}

void zmu_drop(struct zm_pool *pool, struct zmu_object *obj)
{
	unsigned long word = zm_handle_lock(&obj->handle);

	if (zm_word_has_object(word))
		zm_free(pool, word);
	obj->size = 0;
	zm_handle_unlock(&obj->handle, 0);
}

/*
 * Makes as many full zspages of a class as asked for: the objects 0 and up are in the
 * order of their places. The pool has none of this class yet.
 */
void zmu_fill_zspages(struct kunit *test, const struct zm_geometry *geo, unsigned int zspages)
{
	struct zm_reserve reserve = { };
	struct zmu *u = zmu(test);
	unsigned int i;

	KUNIT_ASSERT_LE(test, zspages * geo->objects, u->nr);
	for (i = 0; i < zspages * geo->objects; i++) {
		/* Every owner flag is one that a move has to keep. */
		u->object[i].flags = (unsigned long)(i + 1) << ZM_OWNER_SHIFT;
		KUNIT_ASSERT_EQ(test, 0, zmu_store(u->pool, &u->object[i], zmu_max_size(geo),
						   i + 1, &reserve));
	}
	KUNIT_EXPECT_NULL(test, reserve.zspage);
}

static bool zmu_expect_object(struct kunit *test, unsigned int i)
{
	struct zmu_object *obj = &zmu(test)->object[i];
	unsigned long word = READ_ONCE(obj->handle.word);
	const char *wrong = NULL;

	if ((word & BIT(ZM_LOCK_BIT)) != obj->held * BIT(ZM_LOCK_BIT))
		wrong = "lock";
	else if ((word & ZM_OWNER_MASK) != obj->flags)
		wrong = "flags";
	else if ((word & ZM_CLASS_MASK) >> ZM_CLASS_SHIFT != zm_class_id(obj->size))
		wrong = "class";
	else if (!zmu_content_right(obj, word, zmu(test)->bounce))
		wrong = "content";
	if (wrong)
		KUNIT_FAIL(test, "object %u: its %s is wrong, word %#lx", i, wrong, word);
	return !wrong;
}

/* Every object has its bytes and flags, and nobody holds it but the test. One report. */
void zmu_expect_content(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < zmu(test)->nr; i++) {
		if (zmu(test)->object[i].size && !zmu_expect_object(test, i))
			break;
	}
}

/* Locks a handle as if another task worked on it; lockdep must not see two. */
void zmu_hold(struct kunit *test, struct zmu_object *obj)
{
	unsigned long word;

	KUNIT_EXPECT_TRUE(test, __zm_handle_trylock(&obj->handle, &word));
	obj->held = true;
}

void zmu_release(struct zmu_object *obj)
{
	obj->held = false;
	__zm_handle_unlock(&obj->handle, READ_ONCE(obj->handle.word));
}

static unsigned long zmu_phys_of(unsigned long word)
{
	return (word & ZM_PLACE_MASK) >> ZM_PLACE_SHIFT << ZM_PLACE_UNIT_SHIFT;
}

struct zm_zspage *zmu_zspage_of(unsigned long word)
{
	return zm_page_zspage(pfn_to_page(PHYS_PFN(zmu_phys_of(word))));
}

/* Number of an object in its zspage, reckoned from the word alone. */
unsigned int zmu_index_of(unsigned long word)
{
	unsigned long phys = zmu_phys_of(word);
	struct zm_zspage *zspage = zmu_zspage_of(word);
	unsigned int pos;

	for (pos = 0; pos < zspage->nr_pages; pos++) {
		if (zspage->pages[pos] == pfn_to_page(PHYS_PFN(phys)))
			break;
	}
	return (pos * PAGE_SIZE + offset_in_page(phys)) / zspage->class->geo->size;
}

/* Do the bytes of object @idx, header included, and page @pos overlap? */
bool zmu_touches(const struct zm_geometry *geo, unsigned int idx, unsigned int pos)
{
	unsigned int begin = idx * geo->size, end = begin + geo->size;

	return begin < (pos + 1) * PAGE_SIZE && end > pos * PAGE_SIZE;
}
