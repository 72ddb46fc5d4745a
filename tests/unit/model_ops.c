// SPDX-License-Identifier: GPL-2.0
/*
 * The operations of the random run. Each does something to the pool, or to a page as
 * the VM would, and knows from the model what has to come of it.
 */
#include <linux/migrate.h>
#include <linux/pagemap.h>

#include "model.h"

/* Compares a number; the first that differs ends the run. */
void zmu_model_want(struct zmu_model *m, u64 got, u64 want, const char *what)
{
	if (likely(got == want) || m->failed)
		return;
	m->failed = true;
	KUNIT_FAIL(m->test, "%s: %llu, should be %llu", what, got, want);
}

void zmu_model_check_object(struct zmu_model *m, const struct zmu_object *obj)
{
	unsigned long word = READ_ONCE(obj->handle.word);

	zmu_model_want(m, word & ZM_LOCK_MASK, obj->held * BIT(ZM_LOCK_BIT), "lock bits");
	zmu_model_want(m, word & ZM_OWNER_MASK, obj->size ? obj->flags : 0, "owner flags");
	zmu_model_want(m, (word & ZM_CLASS_MASK) >> ZM_CLASS_SHIFT,
		       obj->size ? zm_class_id(obj->size) : 0, "class in the word");
	if (obj->size && !m->failed)
		zmu_model_want(m, zmu_content_right(obj, word, zmu(m->test)->bounce), true,
			       "content of an object");
}

/* After each operation: what became of pages that the VM or somebody else has. */
void zmu_model_settle(struct zmu_model *m)
{
	unsigned int i;

	if (m->locked && !m->locked_empty && !m->locked_zspage->inuse) {
		m->locked_empty = true;
		m->counter[ZM_FREES_DEFERRED]++;
	}
	for (i = 0; i < m->nr_vm; i++) {
		struct page *page = m->vm[i].page;

		if (m->vm[i].gone || page_movable_ops(page))
			continue;
		m->vm[i].gone = true;
		m->counter[ZM_RELEASED_ISOLATED]++;
	}
}

static struct zmu_object *model_any(struct zmu_model *m)
{
	return &zmu(m->test)->object[zmu_below(&m->rng, MODEL_OBJECTS)];
}

/* A random object that exists and that nobody holds, or NULL. */
static struct zmu_object *model_some(struct zmu_model *m)
{
	unsigned int tries;

	for (tries = 0; tries < 64; tries++) {
		struct zmu_object *obj = model_any(m);

		if (obj->size && !obj->held)
			return obj;
	}
	return NULL;
}

/* Of all sizes; every class is met, and those that zmram fills most, more often. */
static size_t model_size(struct zmu_model *m, const struct zmu_object *obj)
{
	const struct zm_geometry *geo;

	switch (zmu_below(&m->rng, 8)) {
	case 0 ... 2:
		if (!obj->size)
			break;
		geo = &zm_geometries[zm_class_id(obj->size) - 1];
		return geo->huge ? PAGE_SIZE : zmu_min_size(geo) +
			zmu_below(&m->rng, zmu_max_size(geo) - zmu_min_size(geo) + 1);
	case 3:
		return PAGE_SIZE;
	case 4:
		return 1 + zmu_below(&m->rng, 256);
	case 5:
		/* Few classes, so that they have full zspages and empty ones. */
		return 700 * (1 + zmu_below(&m->rng, 4));
	}
	return 1 + zmu_below(&m->rng, PAGE_SIZE);
}

/* Would a new object of this size need a zspage, and the limit forbid it? */
static bool model_refuses(struct zmu_model *m, size_t size)
{
	struct zm_pool *pool = zmu(m->test)->pool;
	struct zm_class *class = &pool->classes[zm_class_id(size) - 1];
	struct zm_zspage *spare = m->reserve.zspage;
	unsigned long pages = zm_pool_pages(pool);

	if (!m->limit || class->objects < class->zspages * class->geo->objects)
		return false;
	if (spare && spare->class == class)
		return false;
	/* What was set aside for another class is given back first. */
	if (spare)
		pages -= spare->nr_pages;
	return pages + class->geo->pages > m->limit;
}

void zmu_model_store(struct zmu_model *m)
{
	struct zmu_object *obj = model_any(m);
	size_t size = model_size(m, obj);
	bool fits = obj->size && zm_class_id(obj->size) == zm_class_id(size);
	unsigned long old = obj->handle.word;
	bool refused;
	int ret;

	if (obj->held)
		return;
	zmu_model_check_object(m, obj);
	zmu_model_want(m, zm_fits(old, size), fits, "zm_fits()");
	if (m->failed)
		return;
	refused = !fits && model_refuses(m, size);
	m->live += !obj->size && !refused;
	if (!refused)
		obj->flags = zmu_random(&m->rng) & ZM_OWNER_MASK;
	ret = zmu_store(zmu(m->test)->pool, obj, size, ++m->stamp, &m->reserve);
	m->refused += refused;
	zmu_model_want(m, ret, refused ? -ENOSPC : 0, "answer of zm_reserve()");
	if (!ret)
		zmu_model_want(m, (obj->handle.word & ZM_OBJECT_MASK) == (old & ZM_OBJECT_MASK),
			       fits, "overwritten in place");
	zmu_model_check_object(m, obj);
}

static void model_drop(struct zmu_model *m, struct zmu_object *obj)
{
	zmu_model_check_object(m, obj);
	zmu_drop(zmu(m->test)->pool, obj);
	m->live--;
}

void zmu_model_drop(struct zmu_model *m)
{
	struct zmu_object *obj = model_some(m);

	if (obj)
		model_drop(m, obj);
}

void zmu_model_read(struct zmu_model *m)
{
	zmu_model_check_object(m, model_any(m));
}

static bool model_is_isolated(struct zmu_model *m, struct page *page)
{
	unsigned int i;

	for (i = 0; i < m->nr_vm; i++) {
		if (m->vm[i].page == page)
			return true;
	}
	return false;
}

/* Some page of a zspage with objects, or NULL. */
static struct page *model_page(struct zmu_model *m)
{
	struct zmu_object *obj = model_some(m);
	struct zm_zspage *zspage;

	if (!obj)
		return NULL;
	zspage = zmu_zspage_of(obj->handle.word);
	return zspage->pages[zmu_below(&m->rng, zspage->nr_pages)];
}

void zmu_model_isolate(struct zmu_model *m)
{
	struct page *page = model_page(m);
	bool want;

	if (!page || m->nr_vm == MODEL_ISOLATED)
		return;
	want = !model_is_isolated(m, page) && page != m->locked;
	zmu_model_want(m, zmu_isolate(m->test, page), want, "isolated?");
	if (!want || m->failed)
		return;
	m->counter[ZM_ISOLATED]++;
	m->vm[m->nr_vm++] = (struct zmu_isolated) {
		.page = page,
		.zspage = zm_page_zspage(page),
	};
}

/* Objects that touch a page: how many, and whether one of them is held. */
static unsigned int model_touching(struct zmu_model *m, struct page *page, bool *busy)
{
	struct zm_zspage *zspage = zm_page_zspage(page);
	unsigned int i, n = 0;

	*busy = false;
	for (i = 0; i < MODEL_OBJECTS; i++) {
		struct zmu_object *obj = &zmu(m->test)->object[i];
		unsigned long word = obj->handle.word;

		if (!obj->size || zmu_zspage_of(word) != zspage ||
		    !zmu_touches(zspage->class->geo, zmu_index_of(word), zm_page_pos(page)))
			continue;
		*busy |= obj->held;
		n++;
	}
	return n;
}

static void model_forget(struct zmu_model *m, unsigned int i)
{
	m->vm[i] = m->vm[--m->nr_vm];
}

void zmu_model_migrate(struct zmu_model *m)
{
	/* To the driver they are all one. */
	static const enum migrate_mode modes[] = {
		MIGRATE_ASYNC, MIGRATE_SYNC_LIGHT, MIGRATE_SYNC,
	};
	unsigned int i, touching = 0;
	struct page *page;
	int ret, want;
	bool busy;

	if (!m->nr_vm)
		return;
	i = zmu_below(&m->rng, m->nr_vm);
	page = m->vm[i].page;
	if (m->vm[i].gone) {
		want = 0;
	} else if (page == m->locked) {
		want = -EAGAIN;
	} else if (m->locked && m->locked_empty && m->vm[i].zspage == m->locked_zspage) {
		/* On its way out, and held up by the locked page. */
		want = -EAGAIN;
		m->counter[ZM_BUSY]++;
	} else {
		touching = model_touching(m, page, &busy);
		want = busy ? -EAGAIN : 1;
		m->counter[ZM_BUSY] += busy;
	}
	ret = zmu_migrate(m->test, page, modes[zmu_below(&m->rng, ARRAY_SIZE(modes))]);
	zmu_model_want(m, ret, want, "answer to a move");
	if (want == 1) {
		m->counter[ZM_MIGRATED]++;
		m->counter[ZM_HANDLES_REWRITTEN] += touching;
	}
	if (want >= 0)
		model_forget(m, i);
}

void zmu_model_putback(struct zmu_model *m)
{
	unsigned int i;

	if (!m->nr_vm)
		return;
	i = zmu_below(&m->rng, m->nr_vm);
	if (m->vm[i].page == m->locked)
		return;
	m->counter[ZM_PUTBACK] += !m->vm[i].gone;
	zmu_putback(m->test, m->vm[i].page);
	model_forget(m, i);
}

/* Another task works on an object. */
void zmu_model_hold(struct zmu_model *m)
{
	struct zmu_object *obj = model_some(m);

	if (!obj || m->held == MODEL_HELD)
		return;
	zmu_hold(m->test, obj);
	m->held++;
}

void zmu_model_release(struct zmu_model *m)
{
	unsigned int i;

	for (i = 0; m->held && i < MODEL_OBJECTS; i++) {
		struct zmu_object *obj = &zmu(m->test)->object[i];

		if (obj->held && zmu_below(&m->rng, 2)) {
			zmu_release(obj);
			zmu_model_check_object(m, obj);
			m->held--;
		}
	}
}

/* Somebody looks at a page under its lock, as a scanner of physical memory does. */
void zmu_model_lock_page(struct zmu_model *m)
{
	struct page *page = model_page(m);

	if (!page || m->locked || !trylock_page(page))
		return;
	m->locked = page;
	m->locked_zspage = zm_page_zspage(page);
	m->locked_empty = false;
}

void zmu_model_unlock_page(struct zmu_model *m)
{
	if (!m->locked)
		return;
	unlock_page(m->locked);
	m->locked = NULL;
	flush_work(&zmu(m->test)->pool->free_work);
}

/* Frees all objects around an isolated page that nobody holds. */
void zmu_model_empty(struct zmu_model *m)
{
	struct zm_zspage *zspage;
	unsigned int i, k;

	if (!m->nr_vm)
		return;
	k = zmu_below(&m->rng, m->nr_vm);
	if (m->vm[k].gone)
		return;
	zspage = m->vm[k].zspage;
	for (i = 0; i < MODEL_OBJECTS && !m->failed; i++) {
		struct zmu_object *obj = &zmu(m->test)->object[i];

		if (obj->size && !obj->held && zmu_zspage_of(obj->handle.word) == zspage)
			model_drop(m, obj);
	}
}

void zmu_model_reserve(struct zmu_model *m)
{
	size_t size = 1 + zmu_below(&m->rng, PAGE_SIZE);
	int ret;

	ret = zm_reserve(zmu(m->test)->pool, size, GFP_KERNEL, &m->reserve);
	if (ret)
		zmu_model_want(m, ret, m->limit ? -ENOSPC : 0, "answer of zm_reserve()");
	else
		zmu_model_want(m, m->reserve.zspage->class->id, zm_class_id(size), "reserve");
}

void zmu_model_limit(struct zmu_model *m)
{
	unsigned long pages = zm_pool_pages(zmu(m->test)->pool);

	m->limit = m->limit ? 0 : pages + zmu_below(&m->rng, 16);
	zm_pool_set_limit(zmu(m->test)->pool, m->limit);
}

/* What both ways to compact have in common; @freed is what they say they did. */
static void model_after_compact(struct zmu_model *m, unsigned long pages, unsigned long freed)
{
	u64 moved = zmu_counter(m->test, ZM_OBJECTS_COMPACTED);
	u64 busy = zmu_counter(m->test, ZM_COMPACT_BUSY);
	unsigned int i;

	/* Where a page is locked, the last of it is given back later. */
	if (!m->locked)
		zmu_model_want(m, pages - zm_pool_pages(zmu(m->test)->pool), freed,
			       "pages freed by compaction");
	m->counter[ZM_PAGES_COMPACTED] += freed;
	if (!m->held)
		zmu_model_want(m, busy, m->counter[ZM_COMPACT_BUSY], "compact_busy");
	if (moved == m->counter[ZM_OBJECTS_COMPACTED])
		zmu_model_want(m, freed, 0, "pages freed without a move");
	m->counter[ZM_COMPACT_BUSY] = busy;
	m->counter[ZM_OBJECTS_COMPACTED] = moved;
	for (i = 0; i < MODEL_OBJECTS && !m->failed; i++)
		zmu_model_check_object(m, &zmu(m->test)->object[i]);
}

void zmu_model_compact(struct zmu_model *m)
{
	unsigned long pages = zm_pool_pages(zmu(m->test)->pool);

	model_after_compact(m, pages, zm_compact(zmu(m->test)->pool));
}

void zmu_model_shrink(struct zmu_model *m)
{
	struct shrink_control sc = { .gfp_mask = GFP_KERNEL };
	struct shrinker *shrinker = zmu_shrinker(zmu(m->test)->pool);
	unsigned long pages = zm_pool_pages(zmu(m->test)->pool), freed;

	freed = shrinker->count_objects(shrinker, &sc);
	if (freed == SHRINK_EMPTY)
		return;
	sc.nr_to_scan = 1 + zmu_below(&m->rng, freed);
	freed = shrinker->scan_objects(shrinker, &sc);
	model_after_compact(m, pages, freed == SHRINK_STOP ? 0 : freed);
}
