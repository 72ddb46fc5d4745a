/* SPDX-License-Identifier: GPL-2.0 */
/*
 * zmalloc internals: the structures, who protects what, and the lock order.
 * Every other file refers to this one for locking.
 *
 * Lock order, outer to inner:
 *
 *	lock			context			sleeps	taken by
 *	page lock		process			yes	VM, zspage.c
 *	user's stream lock	process			yes	the owner of handles
 *	handle lock		process			yes	owner; movers only try
 *	class->lock		process, preemption off	no	object, movable, compact
 *
 * - The owner of handles may call zm_reserve() with its stream lock held, which
 *   locks the pages of the new zspage. Nobody who holds the lock of such a page
 *   waits for anything: isolate and migrate refuse it.
 * - Migration enters with the page lock held and takes class->lock, then only
 *   tries handle locks. Compaction takes class->lock and only tries them.
 * - A handle holder never takes a page lock except by trylock (zm_free()).
 * - The deferred-free worker locks one page at a time, holding nothing else.
 * - Memory is allocated with no handle lock and no class->lock held.
 *
 * Letters beside fields:
 *	I  set when the structure is made, constant afterwards
 *	C  class->lock
 *	P  page lock of the page in question, and class->lock to change
 *	A  atomic or per-CPU
 *
 * Where to read next: class.c (sizes), zspage.c (pages), object.c (alloc and
 * free), movable.c (the VM's callbacks), compact.c.
 */
#ifndef ZM_INTERNAL_H
#define ZM_INTERNAL_H

#include <linux/list.h>
#include <linux/llist.h>
#include <linux/mm.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include <linux/zmalloc.h>
#include <linux/zmalloc_fault.h>

#include <compat/shrinker.h>

#define ZM_UNIT			BIT(ZM_PLACE_UNIT_SHIFT)
#define ZM_HEADER		sizeof(unsigned long)
#define ZM_MIN_SIZE		32U
#ifndef ZM_MAX_CHAIN
#define ZM_MAX_CHAIN		8
#endif
#define ZM_SIZES		(PAGE_SIZE / ZM_UNIT)
#define ZM_MAX_CLASSES		(BIT(ZM_CLASS_BITS) - 1)

/* Partly used zspages are kept in this many groups by how full they are. */
#define ZM_PARTIAL_GROUPS	8
#define ZM_GROUP_FULL		ZM_PARTIAL_GROUPS
#define ZM_GROUPS		(ZM_PARTIAL_GROUPS + 1)
#define ZM_GROUP_NONE		0xff

/**
 * struct zm_geometry - shape of a size class; the same in every pool
 * @size: bytes per object, header included; a multiple of ZM_UNIT
 * @pages: pages per zspage
 * @objects: objects per zspage
 * @group_scale: objects in use times this >> 16 is the fullness group
 * @huge: one raw page per object, without header
 */
struct zm_geometry {
	u32 size;
	u16 objects;
	u8 pages;
	bool huge;
	u32 group_scale;
};

struct zm_class {
	spinlock_t lock;
	u8 id;					/* I: as in the handle word */
	const struct zm_geometry *geo;		/* I */
	struct zm_pool *pool;			/* I */
	unsigned long nonempty;			/* C: one bit per group list */
	unsigned long zspages;			/* C, and read without: on any group list */
	unsigned long objects;			/* C, and read without: in use */
	u16 compact_run;			/* C: number of the latest run, not 0 */
	struct list_head group[ZM_GROUPS];	/* C */
} ____cacheline_aligned_in_smp;

/*
 * There is one for every few pages, and it cannot move: so it is kept small. What
 * follows @pages, a bit per object, is found with zm_used().
 */
struct zm_zspage {
	union {
		struct list_head node;		/* C: in class->group[group] */
		struct llist_node deferred;	/* A: in pool->deferred, off lists */
	};
	struct zm_class *class;			/* I */
	u16 inuse;				/* C, and read without */
	u16 compact_run;			/* C: run that last gave up on it */
	u8 group;				/* C: see class.c; ZM_GROUP_NONE off lists */
	u8 nr_pages;				/* I */
	u8 released;				/* releaser: pages given back */
	struct page *pages[];			/* P; constant once inuse is 0 */
};

/*
 * C: One bit per object. The one object of a huge zspage has bit 0, and the rest
 * of that word is the address of its handle, which it has no header for.
 */
static inline unsigned long *zm_used(struct zm_zspage *zspage)
{
	return (unsigned long *)&zspage->pages[zspage->nr_pages];
}

struct zm_stats {
	u64 counter[ZM_NR_COUNTERS];
};

struct zm_pool {
	char *name;				/* I */
	bool movable;				/* I */
	struct zm_class *classes;		/* I: by id - 1 */
	struct zm_stats __percpu *stats;	/* A */
	atomic_long_t charged;			/* A: pages, also those not there yet */
	atomic_long_t pages;			/* A: there */
	atomic_long_t peak;			/* A: of pages */
	unsigned long limit;			/* A: pages, 0 is none */
	struct llist_head deferred;		/* A: empty zspages to free */
	struct work_struct free_work;
	struct zm_compat_shrinker shrinker;
	struct dentry *debugfs;
};

static inline void zm_count(struct zm_pool *pool, enum zm_counter item, u64 n)
{
	this_cpu_add(pool->stats->counter[item], n);
}

/* class.c */
extern struct zm_geometry zm_geometries[];
extern unsigned int zm_nr_classes;
extern u8 zm_id_of_size[];
void zm_classes_init(void);
struct zm_class *zm_pool_classes_create(struct zm_pool *pool);
void zm_class_link(struct zm_zspage *zspage);
void zm_class_unlink(struct zm_zspage *zspage);
void zm_class_requeue(struct zm_zspage *zspage);
void zm_class_freed(struct zm_zspage *zspage);

/*
 * Follows an allocation. The zspage that is being filled would go up group by
 * group, to be taken again each time: it stays where it is until it is full.
 */
static inline void zm_class_filled(struct zm_zspage *zspage)
{
	lockdep_assert_held(&zspage->class->lock);
	if (zspage->inuse == zspage->class->geo->objects)
		zm_class_requeue(zspage);
}

/* Class of an object with @size bytes of payload, at most PAGE_SIZE. */
static inline unsigned int zm_class_id(size_t size)
{
	if (size + ZM_HEADER > PAGE_SIZE)
		return zm_nr_classes;
	return zm_id_of_size[DIV_ROUND_UP(size + ZM_HEADER, ZM_UNIT)];
}

static inline struct zm_class *zm_pool_class(struct zm_pool *pool, unsigned long word)
{
	return &pool->classes[((word & ZM_CLASS_MASK) >> ZM_CLASS_SHIFT) - 1];
}

/* zspage.c */
int zm_zspage_caches_create(void);
void zm_zspage_caches_destroy(void);
struct zm_zspage *zm_zspage_alloc(struct zm_class *class, gfp_t gfp);
void zm_zspage_release(struct zm_zspage *zspage);
void zm_free_worker(struct work_struct *work);
void zm_page_attach(struct page *page, struct zm_zspage *zspage, unsigned int pos);
void zm_page_detach(struct page *page);
void zm_page_account(struct page *page, int n);

/* Every use of struct page fields is in these two and in zspage.c. */
static inline struct zm_zspage *zm_page_zspage(const struct page *page)
{
	return (struct zm_zspage *)page_private(page);
}

static inline unsigned int zm_page_pos(const struct page *page)
{
	return page->index;
}

/* object.c */
unsigned long zm_object_word(struct zm_zspage *zspage, unsigned int idx);
struct zm_handle *zm_object_handle(struct zm_zspage *zspage, unsigned int idx);
unsigned int zm_object_free(struct zm_zspage *zspage);
void zm_object_take(struct zm_zspage *zspage, unsigned int idx, struct zm_handle *handle);
void zm_object_drop(struct zm_zspage *zspage, unsigned int idx);
void zm_object_copy(struct zm_zspage *dst, unsigned int to,
		    struct zm_zspage *src, unsigned int from);
bool zm_object_trylock(struct zm_zspage *zspage, unsigned int idx,
		       struct zm_handle **handle, unsigned long *word);

/* First object that touches page @pos of a zspage, and one past the last. */
static inline unsigned int zm_first_object(const struct zm_geometry *geo, unsigned int pos)
{
	return pos * PAGE_SIZE / geo->size;
}

static inline unsigned int zm_end_object(const struct zm_geometry *geo, unsigned int pos)
{
	unsigned int end = DIV_ROUND_UP((pos + 1) * PAGE_SIZE, geo->size);

	return min_t(unsigned int, end, geo->objects);
}

/* movable.c */
void zm_page_set_movable(struct page *page);
void zm_page_clear_movable(struct page *page);

/* compact.c */
int zm_shrinker_register(struct zm_pool *pool);

/* pool.c */
extern struct workqueue_struct *zm_workqueue;
bool zm_pool_charge(struct zm_pool *pool, unsigned long pages);
void zm_pool_uncharge(struct zm_pool *pool, unsigned long pages);
void zm_pool_add_pages(struct zm_pool *pool, unsigned long pages);
void zm_pool_sub_pages(struct zm_pool *pool, unsigned long pages);

/* debugfs.c */
void zm_debugfs_create(void);
void zm_debugfs_destroy(void);
void zm_debugfs_add_pool(struct zm_pool *pool);
void zm_debugfs_del_pool(struct zm_pool *pool);

#endif /* ZM_INTERNAL_H */
