// SPDX-License-Identifier: GPL-2.0
/*
 * Pools: making and destroying them, their totals and their limit. And the
 * module's entry points.
 *
 * Totals that every operation touches are per-CPU. The pages are two atomics: those
 * charged, because a limit that is checked before memory is taken has to be exact, and
 * those that are there, because of what was only asked for nobody should hear. They
 * change once per zspage, not per object.
 *
 * A pool holds a reference to the module, so that it cannot be unloaded under
 * a pool's objects.
 */
#include <linux/module.h>
#include <linux/slab.h>

#include "internal.h"

struct workqueue_struct *zm_workqueue;

static const char *const zm_counter_names[ZM_NR_COUNTERS] = {
	[ZM_ISOLATED]		= "isolated",
	[ZM_MIGRATED]		= "migrated",
	[ZM_BUSY]		= "busy",
	[ZM_PUTBACK]		= "putback",
	[ZM_RELEASED_ISOLATED]	= "released_isolated",
	[ZM_HANDLES_REWRITTEN]	= "handles_rewritten",
	[ZM_OBJECTS_COMPACTED]	= "objects_compacted",
	[ZM_COMPACT_BUSY]	= "compact_busy",
	[ZM_PAGES_COMPACTED]	= "pages_compacted",
	[ZM_FREES_DEFERRED]	= "frees_deferred",
	[ZM_CORRUPT]		= "corrupt",
};

/**
 * zm_counter_name() - name of a counter, as in sysfs and debugfs
 * @item: the counter
 */
const char *zm_counter_name(enum zm_counter item)
{
	return zm_counter_names[item];
}
EXPORT_SYMBOL_GPL(zm_counter_name);

/**
 * zm_pool_counter() - read a counter
 * @pool: the pool
 * @item: the counter
 *
 * Context: Any.
 * Return: events since the pool was made; those of this instant may be missing.
 */
u64 zm_pool_counter(const struct zm_pool *pool, enum zm_counter item)
{
	u64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(per_cpu_ptr(pool->stats, cpu)->counter[item]);
	return sum;
}
EXPORT_SYMBOL_GPL(zm_pool_counter);

/* For whoever has raised the page count; that comes first. */
static void zm_pool_raise_peak(struct zm_pool *pool)
{
	long peak = atomic_long_read(&pool->peak);
	long pages;

	/* Read anew, or a count from before a reset could come back as the peak. */
	while ((pages = atomic_long_read(&pool->pages)) > peak &&
	       !atomic_long_try_cmpxchg(&pool->peak, &peak, pages))
		;
}

/* Asks the limit for pages; then follows zm_pool_add_pages() or zm_pool_uncharge(). */
bool zm_pool_charge(struct zm_pool *pool, unsigned long pages)
{
	long old = atomic_long_read(&pool->charged);
	unsigned long limit = READ_ONCE(pool->limit);

	do {
		if (limit && old + pages > limit)
			return false;
	} while (!atomic_long_try_cmpxchg(&pool->charged, &old, old + pages));
	return true;
}

void zm_pool_uncharge(struct zm_pool *pool, unsigned long pages)
{
	atomic_long_sub(pages, &pool->charged);
}

/* Counts pages that have been charged and are there now. */
void zm_pool_add_pages(struct zm_pool *pool, unsigned long pages)
{
	/* Fully ordered, for zm_pool_reset_peak(). */
	atomic_long_add_return(pages, &pool->pages);
	zm_pool_raise_peak(pool);
}

/* Takes pages that are gone off both counts. */
void zm_pool_sub_pages(struct zm_pool *pool, unsigned long pages)
{
	atomic_long_sub(pages, &pool->pages);
	zm_pool_uncharge(pool, pages);
}

/**
 * zm_pool_set_limit() - bound the pages a pool may take
 * @pool: the pool
 * @pages: the bound, 0 for none. Below what is in use, it only stops growth.
 *
 * Context: Any.
 */
void zm_pool_set_limit(struct zm_pool *pool, unsigned long pages)
{
	WRITE_ONCE(pool->limit, pages);
}
EXPORT_SYMBOL_GPL(zm_pool_set_limit);

/**
 * zm_pool_pages() - pages a pool holds now
 * @pool: the pool
 */
unsigned long zm_pool_pages(const struct zm_pool *pool)
{
	return atomic_long_read(&pool->pages);
}
EXPORT_SYMBOL_GPL(zm_pool_pages);

/**
 * zm_pool_peak() - most pages the pool has held since zm_pool_reset_peak()
 * @pool: the pool
 */
unsigned long zm_pool_peak(const struct zm_pool *pool)
{
	return atomic_long_read(&pool->peak);
}
EXPORT_SYMBOL_GPL(zm_pool_peak);

/**
 * zm_pool_reset_peak() - let the peak start again from the present count
 * @pool: the pool
 */
void zm_pool_reset_peak(struct zm_pool *pool)
{
	/*
	 * Fully ordered: who raised the count meanwhile and still found the old peak
	 * high enough is in what zm_pool_raise_peak() reads.
	 */
	atomic_long_xchg(&pool->peak, atomic_long_read(&pool->pages));
	zm_pool_raise_peak(pool);
}
EXPORT_SYMBOL_GPL(zm_pool_reset_peak);

static void zm_pool_free(struct zm_pool *pool)
{
	kvfree(pool->classes);
	free_percpu(pool->stats);
	kfree(pool->name);
	kfree(pool);
}

static struct zm_pool *zm_pool_alloc(const char *name, unsigned int flags)
{
	struct zm_pool *pool = kzalloc(sizeof(*pool), GFP_KERNEL);

	if (!pool)
		return NULL;
	pool->movable = IS_ENABLED(CONFIG_COMPACTION) && (flags & ZM_POOL_MOVABLE);
	init_llist_head(&pool->deferred);
	INIT_WORK(&pool->free_work, zm_free_worker);
	pool->name = kstrdup(name, GFP_KERNEL);
	pool->stats = alloc_percpu(struct zm_stats);
	pool->classes = zm_pool_classes_create(pool);
	if (pool->name && pool->stats && pool->classes)
		return pool;
	zm_pool_free(pool);
	return NULL;
}

/**
 * zm_pool_create() - make a pool
 * @name: for debugfs, messages and tracepoints; copied
 * @flags: ZM_POOL_MOVABLE to let the VM move the pages. Has no effect on a
 *	   kernel without compaction.
 *
 * Context: Process context, may sleep and enter reclaim.
 * Return: the pool, or NULL without memory.
 */
struct zm_pool *zm_pool_create(const char *name, unsigned int flags)
{
	struct zm_pool *pool = zm_pool_alloc(name, flags);

	if (!pool)
		return NULL;
	if (zm_shrinker_register(pool)) {
		zm_pool_free(pool);
		return NULL;
	}
	__module_get(THIS_MODULE);
	zm_debugfs_add_pool(pool);
	return pool;
}
EXPORT_SYMBOL_GPL(zm_pool_create);

static unsigned long zm_pool_objects(const struct zm_pool *pool)
{
	unsigned long objects = 0;
	unsigned int i;

	for (i = 0; i < zm_nr_classes; i++)
		objects += READ_ONCE(pool->classes[i].objects);
	return objects;
}

/**
 * zm_pool_destroy() - destroy an empty pool
 * @pool: the pool. Its owner has freed all objects and makes no new ones.
 *
 * Pages the VM has isolated are no obstacle: they became inert when their
 * zspage was given back.
 *
 * Context: Process context, sleeps.
 * Return: 0, or -EBUSY if there are objects: then the pool stays usable.
 */
int zm_pool_destroy(struct zm_pool *pool)
{
	if (WARN_ON_ONCE(zm_pool_objects(pool)))
		return -EBUSY;
	/* After these two nobody but the worker gives zspages back. */
	zm_debugfs_del_pool(pool);
	zm_compat_shrinker_free(&pool->shrinker);
	flush_work(&pool->free_work);
	WARN_ON_ONCE(zm_pool_pages(pool) || atomic_long_read(&pool->charged));
	zm_pool_free(pool);
	module_put(THIS_MODULE);
	return 0;
}
EXPORT_SYMBOL_GPL(zm_pool_destroy);

/* Every word layout and width that the code relies on. */
static void zm_check_layout(void)
{
	BUILD_BUG_ON(BITS_PER_LONG != 64);
	BUILD_BUG_ON(ZM_OWNER_BITS < 1);
#ifdef MAX_PHYSMEM_BITS
	BUILD_BUG_ON(MAX_PHYSMEM_BITS - ZM_PLACE_UNIT_SHIFT > ZM_PLACE_BITS);
#endif
	BUILD_BUG_ON(ZM_SIZES > ZM_MAX_CLASSES + 2);
	BUILD_BUG_ON(ZM_MAX_CHAIN * PAGE_SIZE / ZM_MIN_SIZE >
		     (typeof(((struct zm_geometry *)0)->objects))~0U);
	BUILD_BUG_ON(ZM_MAX_CHAIN >
		     (typeof(((struct zm_zspage *)0)->nr_pages))~0U);
	BUILD_BUG_ON(ZM_GROUPS > ZM_GROUP_NONE);
	BUILD_BUG_ON(__alignof__(struct zm_handle) < 8);
}

static int __init zm_init(void)
{
	zm_check_layout();
	zm_classes_init();
	/* Gives memory back, so it must make progress when there is none. */
	zm_workqueue = alloc_workqueue("zmalloc", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	if (!zm_workqueue)
		return -ENOMEM;
	if (zm_zspage_caches_create()) {
		destroy_workqueue(zm_workqueue);
		return -ENOMEM;
	}
	zm_debugfs_create();
	return 0;
}

static void __exit zm_exit(void)
{
	zm_debugfs_destroy();
	destroy_workqueue(zm_workqueue);
	zm_zspage_caches_destroy();
}

module_init(zm_init);
module_exit(zm_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Allocator for compressed objects on movable pages");
