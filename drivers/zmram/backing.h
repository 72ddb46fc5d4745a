/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The backing device: where writeback puts pages and reads get them back from.
 *
 * Files:
 *	backing.c	opens and closes it; moves one page to or from it
 *	blocks.c	which of its blocks are in use
 *	writeback.c	the long operation that moves slots to it
 *	wb_settings.c	limits and modes of that
 *	readback.c	requests that need data from it
 *
 * Locks, inside of those in zmram.h; none is held while another is taken:
 *	backing->lock	frees of blocks; under slot locks and swap's spinlocks
 *	wb->lock	what is left of the limit; the backing device's name
 *	ios->lock	pages that have arrived; taken in interrupts
 *
 * ->submit_bio and ->rw_page never wait for it: bios that they submit go on a
 * list that is worked off when they return. Whoever finds a slot that was written
 * back there leaves the request to a worker, which may wait; without memory for
 * that, he waits until another such request has ended.
 *
 * A block that is freed while somebody reads it must not get other data before he
 * is done. Readers are SRCU readers, from before they lock the slot that names the
 * block until its content has arrived. Freed blocks are handed out again only
 * after a grace period; see blocks.c.
 */
#ifndef ZMRAM_BACKING_H
#define ZMRAM_BACKING_H

#include <linux/bio.h>
#include <linux/mempool.h>
#include <linux/spinlock.h>
#include <linux/srcu.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include <compat/backing.h>

struct attribute_group;
struct zmram_dev;
struct zmram_meta;
struct zmram_reads;

/* In zmram_dev: what concerns writeback. */
struct zmram_wb {
	struct zmram_backing *backing;	/* L; stays while there is meta; wb->lock */
	bool compressed;		/* L: stays while there is meta */
	u32 batch;			/* A: pages in flight at most */
	spinlock_t lock;
	bool limited;			/* wb->lock */
	u64 limit;			/* wb->lock: units of 4 KiB that may be written */
	unsigned int limit_writes;	/* wb->lock: how often somebody set it */
};

/* What a page in flight has cost of the limit. */
struct zmram_wb_charge {
	unsigned int units;
	unsigned int limit_writes;	/* as of then */
};

/* All fields without a letter: set when it is opened, constant afterwards. */
struct zmram_backing {
	struct zm_compat_bdev bdev;		/* a block device, */
	struct file *file;			/* or a regular file */
	struct list_head node;			/* zmram_files_mutex: files in use */
	char *path;
	struct workqueue_struct *read_wq;	/* requests that wait for it */
	struct workqueue_struct *file_wq;	/* I/O to the file */
	mempool_t *later_pool;			/* struct zmram_later */
	mempool_t *io_pool;			/* struct zmram_io */
	struct srcu_struct readers;

	unsigned long nr_blocks;
	unsigned long *used;		/* running writeback: in use, or freed lately */
	unsigned long *freed;		/* lock: freed since the last grace period */
	unsigned long *waiting;		/* running writeback: freed, being waited for */
	unsigned long next;		/* running writeback: where to look next */
	spinlock_t lock;
	unsigned long nr_freed;		/* lock: bits in @freed */
};

/* Pages in flight of one task. */
struct zmram_ios {
	spinlock_t lock;
	wait_queue_head_t wait;
	struct list_head done;			/* lock */
	unsigned int inflight;			/* owner: submitted and not yet taken back */
};

/* A page on its way to or from the backing device. */
struct zmram_io {
	struct zmram_backing *backing;
	struct zmram_ios *ios;
	struct list_head node;			/* in ios->done, or its owner's */
	union {
		struct bio bio;			/* to a block device */
		struct work_struct work;	/* to a file */
	};
	struct bio_vec bvec;
	struct page *page;
	bool write;
	int error;				/* result */
	u32 block;
	struct zmram_wb_charge charge;		/* the owner's, as all that follow */
	unsigned long index;
	unsigned long data;
	void *dst;
};

/* backing.c */
extern const struct attribute_group zmram_backing_group;
void zmram_backing_close(struct zmram_backing *backing);
struct zmram_io *zmram_io_alloc(gfp_t gfp);
void zmram_io_free(struct zmram_io *io);
void zmram_ios_init(struct zmram_ios *ios);
void zmram_io_submit(struct zmram_backing *backing, struct zmram_ios *ios, struct zmram_io *io);
struct zmram_io *zmram_io_wait(struct zmram_ios *ios, bool block);

/* blocks.c */
int zmram_blocks_init(struct zmram_backing *backing, loff_t bytes);
void zmram_blocks_exit(struct zmram_backing *backing);
unsigned long zmram_block_alloc(struct zmram_dev *dev);
void zmram_block_unalloc(struct zmram_dev *dev, unsigned long block);
void zmram_block_free(struct zmram_dev *dev, unsigned long block);

/* writeback.c */
extern const struct attribute_group zmram_writeback_group;

/* wb_settings.c */
extern const struct attribute_group zmram_wb_settings_group;
void zmram_wb_init(struct zmram_dev *dev);
struct zmram_backing *zmram_wb_reset(struct zmram_dev *dev);
bool zmram_wb_limit_reached(struct zmram_dev *dev);
bool zmram_wb_charge(struct zmram_dev *dev, struct zmram_wb_charge *charge);
void zmram_wb_refund(struct zmram_dev *dev, const struct zmram_wb_charge *charge);

/* readback.c */
mempool_t *zmram_later_pool(int min);
void zmram_read_later(struct zmram_dev *dev, struct bio *bio, struct bvec_iter iter,
		      unsigned long start);
int zmram_reads_add(struct zmram_reads *reads, unsigned long index, void *dst);
int zmram_reads_finish(struct zmram_reads *reads);

#endif /* ZMRAM_BACKING_H */
