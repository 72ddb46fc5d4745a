/* SPDX-License-Identifier: GPL-2.0 */
/* Kernel-version differences of the block layer; see zm_compat.h. */
#ifndef ZM_COMPAT_BLOCK_H
#define ZM_COMPAT_BLOCK_H

#include <linux/blkdev.h>
#include <linux/err.h>

/* What the driver asks of its queue, in bytes; the same on every kernel. */
struct zm_disk_limits {
	unsigned int logical_block;
	unsigned int physical_block;
};

#ifdef ZM_HAVE_QUEUE_LIMITS_ARG

static inline struct gendisk *zm_compat_alloc_disk(const struct zm_disk_limits *l)
{
	struct queue_limits lim = {
		.logical_block_size	  = l->logical_block,
		.physical_block_size	  = l->physical_block,
		.io_min			  = l->physical_block,
		.io_opt			  = l->physical_block,
		.max_hw_discard_sectors	  = UINT_MAX,
		.max_write_zeroes_sectors = UINT_MAX,
		.discard_granularity	  = l->physical_block,
		.features		  = BLK_FEAT_STABLE_WRITES | BLK_FEAT_SYNCHRONOUS,
	};

	return blk_alloc_disk(&lim, NUMA_NO_NODE);
}

#else

static inline struct gendisk *zm_compat_alloc_disk(const struct zm_disk_limits *l)
{
	struct gendisk *disk = blk_alloc_disk(NUMA_NO_NODE);
	struct request_queue *q;

	if (!disk)
		return ERR_PTR(-ENOMEM);
	q = disk->queue;
	blk_queue_logical_block_size(q, l->logical_block);
	blk_queue_physical_block_size(q, l->physical_block);
	blk_queue_io_min(q, l->physical_block);
	blk_queue_io_opt(q, l->physical_block);
	blk_queue_max_discard_sectors(q, UINT_MAX);
	/*
	 * The core does not split write-zeroes by what fits bi_size, in bytes and
	 * 32 bits wide; a longer request would arrive truncated.
	 */
	blk_queue_max_write_zeroes_sectors(q, round_down(UINT_MAX, l->physical_block) >>
					      SECTOR_SHIFT);
	q->limits.discard_granularity = l->physical_block;
	blk_queue_flag_set(QUEUE_FLAG_NONROT, q);
	blk_queue_flag_set(QUEUE_FLAG_STABLE_WRITES, q);
	blk_queue_flag_clear(QUEUE_FLAG_ADD_RANDOM, q);
	return disk;
}

#endif

#ifdef ZM_HAVE_BLK_MODE
#define ZM_OPEN_ARGS		struct gendisk *disk, blk_mode_t mode
#define ZM_OPEN_DISK		(disk)
#else
#define ZM_OPEN_ARGS		struct block_device *bdev, fmode_t mode
#define ZM_OPEN_DISK		(bdev->bd_disk)
#endif

#endif /* ZM_COMPAT_BLOCK_H */
