/* SPDX-License-Identifier: GPL-2.0 */
/*
 * zmram internals: the structures, who protects what, and the lock order
 * outside of zmalloc (whose own is in drivers/zmalloc/internal.h).
 *
 * Lock order, outer to inner:
 *
 *	lock			protects			taken by
 *	zmram_control_mutex	the set of devices		control.c, main.c
 *	disk->open_mutex	claim, removing			device.c, open
 *	dev->init_lock		settings; making and destroying	sysfs, device.c
 *				dev->meta
 *	dev->post[].lock	long operations		post.c
 *	dev->tune_lock		settings that change in use	sysfs, device.c
 *	meta->rmw[]		whole slots against partial	slot.c; only where
 *				writes				pages exceed blocks
 *	stream->lock		compressor state, buffer	slot.c
 *	handle lock		one slot			slot.c
 *
 * The I/O path takes only the last three. It finds dev->meta without a lock:
 * a reset freezes the queue before it takes the pointer away. swap's calls to
 * slot_free_notify do not enter the queue; they come while swap has the device
 * open, which refuses a reset. Readers of statistics find it by RCU and so never
 * wait for anything. Somebody who has the device open while it gets its size may
 * see the size before meta; that request fails as one beyond the end does.
 *
 * Letters beside fields:
 *	I  set when the structure is made, constant afterwards
 *	L  dev->init_lock
 *	T  dev->tune_lock; nobody holds it for long
 *	O  disk->open_mutex
 *	H  handle lock of the slot
 *	A  atomic or per-CPU
 *
 * Where to read next: slot.c (what a slot holds), bio.c (requests), device.c
 * (life of a device), backing.h (writeback).
 */
#ifndef ZMRAM_H
#define ZMRAM_H

#include <linux/blkdev.h>
#include <linux/ktime.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/rwsem.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>
#include <linux/zmalloc.h>

#include "backing.h"
#include "comp.h"
#include "post.h"

/* The logical block; smaller than a page on kernels with large pages. */
#ifndef ZMRAM_BLOCK_SHIFT
#define ZMRAM_BLOCK_SHIFT	12
#endif
#define ZMRAM_BLOCK_SIZE	BIT(ZMRAM_BLOCK_SHIFT)
#define ZMRAM_SUBPAGE_BLOCKS	(ZMRAM_BLOCK_SHIFT < PAGE_SHIFT)
#define ZMRAM_RMW_LOCKS		16

/* A leaf of the slot table: 64 KiB, the slots of 4096 pages. */
#define ZMRAM_LEAF_SHIFT	12
#define ZMRAM_LEAF_SLOTS	BIT(ZMRAM_LEAF_SHIFT)

/* So that 32 bits can name a page of the disk: 16 TiB with pages of 4 KiB. */
#define ZMRAM_MAX_SLOTS		BIT(32)

#define ZMRAM_ALGORITHM_MAX	128

/*
 * What a slot holds, by its handle's word:
 *	0		nothing: reads as zeroes
 *	ZMRAM_SAME	a page filled with the word in @data
 *	ZMRAM_WB	a block of the backing device; @data as for an object
 *	an object	of zmram_data_size() bytes: compressed, or raw if PAGE_SIZE
 *
 * The other flags qualify the last two and never stay on an empty slot:
 *	ZMRAM_IDLE	not touched since it was marked; any access clears it
 *	ZMRAM_INCOMP	no algorithm that was tried makes it smaller
 *	ZMRAM_PP	picked by the writeback or recompression that is running;
 *			gone as soon as the content changes, which is how these
 *			find out that they lost against a writer, or when an
 *			idle one is read
 */
#define ZMRAM_SAME		BIT(ZM_OWNER_SHIFT)
#define ZMRAM_WB		BIT(ZM_OWNER_SHIFT + 1)
#define ZMRAM_IDLE		BIT(ZM_OWNER_SHIFT + 2)
#define ZMRAM_INCOMP		BIT(ZM_OWNER_SHIFT + 3)
#define ZMRAM_PP		BIT(ZM_OWNER_SHIFT + 4)

/*
 * @data, low bits first, unless same-filled:
 *	20 bytes of the object
 *	 2 priority of the algorithm that made it
 *	10 unused
 *	32 when it was last accessed, zmram_now(); for ZMRAM_WB, the block
 */
#define ZMRAM_SIZE_BITS		20
#define ZMRAM_PRIO_SHIFT	ZMRAM_SIZE_BITS
#define ZMRAM_PRIO_BITS		2
#define ZMRAM_STAMP_SHIFT	32
#define ZMRAM_MAX_COMPS		BIT(ZMRAM_PRIO_BITS)

struct zmram_slot {
	struct zm_handle handle;
	unsigned long data;			/* H */
};

static inline size_t zmram_data_size(unsigned long data)
{
	return data & GENMASK(ZMRAM_SIZE_BITS - 1, 0);
}

static inline unsigned int zmram_data_prio(unsigned long data)
{
	return data >> ZMRAM_PRIO_SHIFT & (ZMRAM_MAX_COMPS - 1);
}

/* Age stamp of an object, block of the backing device otherwise. */
static inline u32 zmram_data_stamp(unsigned long data)
{
	return data >> ZMRAM_STAMP_SHIFT;
}

static inline unsigned long zmram_data(size_t size, unsigned int prio, u32 stamp)
{
	return size | (unsigned long)prio << ZMRAM_PRIO_SHIFT |
	       (unsigned long)stamp << ZMRAM_STAMP_SHIFT;
}

/* The clock of age stamps: seconds since boot, as in /proc/uptime. */
static inline u32 zmram_now(void)
{
	return ktime_get_boottime_seconds();
}

/* Counters of a device; all per-CPU, summed by the reader. */
enum zmram_stat {
	ZMRAM_PAGES_STORED,	/* slots that are not empty */
	ZMRAM_COMPR_SIZE,	/* bytes of objects */
	ZMRAM_SAME_PAGES,	/* same-filled slots */
	ZMRAM_HUGE_PAGES,	/* raw slots */
	ZMRAM_HUGE_SINCE,	/* raw slots ever written */
	ZMRAM_FAILED_READS,
	ZMRAM_FAILED_WRITES,
	ZMRAM_INVALID_IO,	/* out of range or misaligned */
	ZMRAM_NOTIFY_FREE,	/* slots freed by discard or by swap */
	ZMRAM_MISS_FREE,	/* swap freed a slot that was locked */
	ZMRAM_BD_COUNT,		/* blocks of the backing device in use */
	ZMRAM_BD_READS,		/* blocks read from it */
	ZMRAM_BD_WRITES,	/* blocks written to it */
	ZMRAM_WRITESTALL,	/* writes that had to wait for memory */
	ZMRAM_NR_STATS
};

struct zmram_stats {
	s64 value[ZMRAM_NR_STATS];
};

/* All that exists between disksize and reset. */
struct zmram_meta {
	struct zm_pool *pool;			/* I */
	struct zmram_comp *comp[ZMRAM_MAX_COMPS]; /* I: by priority; [0] is there */
	unsigned long nr_slots;			/* T; zmram_nr_slots(): only grows */
	struct mutex rmw[ZMRAM_RMW_LOCKS];	/* by slot: see the table above */
	struct xarray leaves;			/* A: each set once, on first touch */
};

/*
 * A way through the pages of a disk, of one request. A leaf that is there stays,
 * so it need not be looked for again; one that was not may be there by now, but
 * its pages were empty while the request was under way.
 */
struct zmram_walk {
	struct zmram_meta *meta;
	struct zmram_slot *leaf;	/* of the page it was at last, or NULL */
	unsigned long leaf_nr;		/* its place in the table */
	u32 now;			/* age stamp of what it touches; see bio.c */
};

struct zmram_dev {
	struct gendisk *disk;			/* I */
	int id;					/* I */
	bool claim;				/* O; A: being reset */
	bool removing;				/* O; A: being removed; stays set */
	bool stopping;				/* A: set with claim; long operations end */
	struct work_struct reset_work;		/* queued by who has set claim */
	unsigned long resets;			/* O: begun */
	unsigned long resets_done;		/* O; A: of them, over */
	wait_queue_head_t reset_wait;		/* for resets_done */
	struct rw_semaphore init_lock;
	struct mutex tune_lock;
	const struct zmram_comp_ops *algorithm[ZMRAM_MAX_COMPS]; /* L: by priority */
	struct zmram_params *params[ZMRAM_MAX_COMPS]; /* L: by priority, or NULL */
	u64 disksize;				/* L, T when growing: bytes */
	unsigned long limit_pages;		/* T */
	struct zmram_meta __rcu *meta;		/* L; RCU; stable for I/O */
	struct zmram_stats __percpu *stats;	/* A */
	mempool_t bounce_pool;			/* I: a page; see bio.c */
	unsigned long gave_up;			/* A: jiffies, see slot.c; 0 is never */
	struct zmram_wb wb;
	struct zmram_post post[ZMRAM_NR_CLAIMS];
	struct dentry *debugfs;			/* I */
};

/* Whose attribute it is. */
static inline struct zmram_dev *to_zmram(struct device *device)
{
	return dev_to_disk(device)->private_data;
}

/*
 * For the I/O path, which a reset waits for; and for holders of init_lock.
 * NULL when the device has no size yet.
 */
static inline struct zmram_meta *zmram_meta(struct zmram_dev *dev)
{
	return rcu_dereference_raw(dev->meta);
}

/* Pages of the disk. Without tune_lock, it may grow at any time. */
static inline unsigned long zmram_nr_slots(const struct zmram_meta *meta)
{
	return READ_ONCE(meta->nr_slots);
}

static inline void zmram_stat_add(struct zmram_dev *dev, enum zmram_stat item, s64 n)
{
	this_cpu_add(dev->stats->value[item], n);
}

/* main.c */
extern bool zmram_movable;
extern bool zmram_drop_in;
extern int zmram_major;
extern struct workqueue_struct *zmram_workqueue;
const char *zmram_disk_prefix(void);

/* control.c */
extern struct mutex zmram_control_mutex;
bool zmram_path_exists(const char *path);
int zmram_control_register(void);
void zmram_control_unregister(void);
void zmram_control_open(void);
int zmram_control_add(void);
void zmram_control_remove_all(void);

/* device.c */
struct zmram_dev *zmram_dev_create(int id);
int zmram_dev_remove(struct zmram_dev *dev);
int zmram_lock_unsized(struct zmram_dev *dev);
int zmram_dev_init(struct zmram_dev *dev, u64 disksize);
int zmram_dev_resize(struct zmram_dev *dev, u64 disksize);
int zmram_dev_reset(struct zmram_dev *dev);
void zmram_dev_set_limit(struct zmram_dev *dev, unsigned long pages);

/* bio.c */
int zmram_do_bio(struct zmram_dev *dev, struct bio *bio, struct bvec_iter *iter,
		 struct zmram_reads *reads);
void zmram_end_bio(struct zmram_dev *dev, struct bio *bio, int error, unsigned long start);
void zmram_submit_bio(struct bio *bio);
void zmram_slot_free_notify(struct block_device *bdev, unsigned long index);
#ifdef ZM_HAVE_RW_PAGE
int zmram_rw_page(struct block_device *bdev, sector_t sector, struct page *page, enum req_op op);
#endif

/* table.c */
struct zmram_meta *zmram_meta_create(struct zmram_dev *dev, unsigned long nr_slots);
void zmram_meta_destroy(struct zmram_dev *dev, struct zmram_meta *meta);
struct zmram_slot *zmram_leaf_make(struct zmram_meta *meta, unsigned long nr);
struct zmram_slot *zmram_leaf_from(struct zmram_meta *meta, unsigned long *index);

/* Slot of a page, or NULL if none of its leaf was ever written. */
static inline struct zmram_slot *zmram_slot_find(struct zmram_meta *meta, unsigned long index)
{
	struct zmram_slot *leaf = xa_load(&meta->leaves, index >> ZMRAM_LEAF_SHIFT);

	return leaf ? &leaf[index & (ZMRAM_LEAF_SLOTS - 1)] : NULL;
}

static inline struct zmram_walk zmram_walk_begin(struct zmram_meta *meta)
{
	return (struct zmram_walk) {
		.meta = meta,
		.leaf_nr = ULONG_MAX,
		.now = zmram_now(),
	};
}

static inline void zmram_walk_forget(struct zmram_walk *walk)
{
	walk->leaf_nr = ULONG_MAX;
}

/* Slot of a page, or NULL if none of its leaf was written before the walk came there. */
static inline struct zmram_slot *zmram_walk_find(struct zmram_walk *walk, unsigned long index)
{
	unsigned long nr = index >> ZMRAM_LEAF_SHIFT;

	if (unlikely(nr != walk->leaf_nr)) {
		walk->leaf_nr = nr;
		walk->leaf = xa_load(&walk->meta->leaves, nr);
	}
	return walk->leaf ? &walk->leaf[index & (ZMRAM_LEAF_SLOTS - 1)] : NULL;
}

/* The same, its leaf made if need be; NULL without memory. */
static inline struct zmram_slot *zmram_walk_get(struct zmram_walk *walk, unsigned long index)
{
	struct zmram_slot *slot = zmram_walk_find(walk, index);

	if (likely(slot))
		return slot;
	walk->leaf = zmram_leaf_make(walk->meta, walk->leaf_nr);
	return zmram_walk_find(walk, index);
}

/* What the walk comes to next, if that is in the same leaf. */
static inline void zmram_walk_prefetch(const struct zmram_walk *walk, unsigned long index)
{
	unsigned long word;

	if (index >> ZMRAM_LEAF_SHIFT != walk->leaf_nr || !walk->leaf)
		return;
	word = READ_ONCE(walk->leaf[index & (ZMRAM_LEAF_SLOTS - 1)].handle.word);
	if (zm_word_has_object(word))
		zm_prefetch(word);
}

/* slot.c */
#define ZMRAM_ON_BACKING	1
int zmram_read_slot(struct zmram_dev *dev, struct zmram_walk *walk, unsigned long index,
		    void *dst);
int zmram_write_slot(struct zmram_dev *dev, struct zmram_walk *walk, unsigned long index,
		     const void *src);
unsigned long zmram_free_slots(struct zmram_dev *dev, struct zmram_meta *meta,
			       unsigned long index, unsigned long end);
bool zmram_try_free_slot(struct zmram_dev *dev, struct zmram_meta *meta, unsigned long index);
int zmram_picked_read(struct zmram_dev *dev, struct zmram_meta *meta, unsigned long index,
		      void *dst, unsigned long *word, unsigned long *data);
int zmram_picked_replace(struct zmram_dev *dev, struct zmram_meta *meta, unsigned long index,
			 const void *src, size_t size, unsigned int prio,
			 struct zm_reserve *reserve);
bool zmram_pick_slot(struct zmram_meta *meta, unsigned long index);
void zmram_unpick_slot(struct zmram_meta *meta, unsigned long index, unsigned long clear,
		       unsigned long set);
int zmram_copy_picked(struct zmram_meta *meta, unsigned long index, bool raw, void *dst,
		      unsigned long *data);
bool zmram_slot_to_block(struct zmram_dev *dev, struct zmram_meta *meta, unsigned long index,
			 u32 block, unsigned long data);
bool zmram_slot_block(struct zmram_meta *meta, unsigned long index, unsigned long *data);

/* params.c */
extern struct device_attribute dev_attr_algorithm_params;
void zmram_params_forget(struct zmram_dev *dev);

/* features.c */
extern struct class_attribute class_attr_features;

/* stats.c */
s64 zmram_stat_read(struct zmram_dev *dev, enum zmram_stat item);
void zmram_stats_clear(struct zmram_dev *dev);

/* idle.c, recompress.c */
extern const struct attribute_group zmram_idle_group;
extern const struct attribute_group zmram_recompress_group;

/* debugfs.c */
void zmram_debugfs_destroy(void);
void zmram_debugfs_add(struct zmram_dev *dev);
void zmram_debugfs_del(struct zmram_dev *dev);

/* sysfs.c */
extern const struct attribute_group *zmram_disk_groups[];
int zmram_algorithm_set(struct zmram_dev *dev, unsigned int prio, const char *name);

#endif /* ZMRAM_H */
