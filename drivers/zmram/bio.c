// SPDX-License-Identifier: GPL-2.0
/*
 * Requests: from bios, and from the swap code's direct calls, to slots.
 *
 * A bio is walked page of the disk by page of the disk, not segment by
 * segment. Where a page lies in one piece of memory, slots are read and
 * written there; where a segment ends inside it, or where a request covers
 * part of a page (blocks smaller than pages), it goes through a bounce page.
 * The first error ends the bio. All of it has ended before submit_bio() returns,
 * which is what lets the driver call itself synchronous; but for one that needs
 * data from the backing device, which a worker continues from there (readback.c).
 *
 * Where blocks are smaller than pages, a partial write reads, changes and
 * writes back its page; a mutex by page keeps other writers of that page out
 * meanwhile.
 */
#include <linux/bio.h>
#include <linux/mempool.h>
#include <linux/pagemap.h>

#include "zmram.h"

#define ZMRAM_SECTORS_PER_PAGE_SHIFT	(PAGE_SHIFT - SECTOR_SHIFT)

/* So many pages of a bio in a row have one age stamp, and let nobody else run. */
#define ZMRAM_PAGES_BETWEEN	16

/* Where a walk through a bio is: a page of the disk and the part of it. */
struct zmram_part {
	unsigned long index;
	unsigned int offset;
	unsigned int len;
};

static struct zmram_part zmram_part_at(sector_t sector, unsigned int bytes_left)
{
	unsigned int offset = (sector << SECTOR_SHIFT) & ~PAGE_MASK;

	return (struct zmram_part) {
		.index = sector >> ZMRAM_SECTORS_PER_PAGE_SHIFT,
		.offset = offset,
		.len = min_t(unsigned int, bytes_left, PAGE_SIZE - offset),
	};
}

static bool zmram_valid_range(const struct zmram_meta *meta, sector_t sector, unsigned int bytes)
{
	sector_t end = (sector_t)zmram_nr_slots(meta) << ZMRAM_SECTORS_PER_PAGE_SHIFT;

	/* A request of no bytes is one whose length did not fit: not done. */
	if (!bytes || !IS_ALIGNED(sector << SECTOR_SHIFT | bytes, ZMRAM_BLOCK_SIZE))
		return false;
	return sector < end && bytes >> SECTOR_SHIFT <= end - sector;
}

static void zmram_lock_page(struct zmram_walk *walk, unsigned long index)
{
	if (!ZMRAM_SUBPAGE_BLOCKS)
		return;
	mutex_lock(&walk->meta->rmw[index % ZMRAM_RMW_LOCKS]);
	/* What others wrote before must be seen: also that there is a leaf now. */
	zmram_walk_forget(walk);
}

static void zmram_unlock_page(struct zmram_walk *walk, unsigned long index)
{
	if (ZMRAM_SUBPAGE_BLOCKS)
		mutex_unlock(&walk->meta->rmw[index % ZMRAM_RMW_LOCKS]);
}

static int zmram_write_page(struct zmram_dev *dev, struct zmram_walk *walk,
			    unsigned long index, const void *src)
{
	int ret;

	zmram_lock_page(walk, index);
	ret = zmram_write_slot(dev, walk, index, src);
	zmram_unlock_page(walk, index);
	return ret;
}

static void zmram_free_pages(struct zmram_dev *dev, struct zmram_walk *walk,
			     unsigned long index, unsigned long end)
{
	zmram_stat_add(dev, ZMRAM_NOTIFY_FREE, end - index);
	if (!ZMRAM_SUBPAGE_BLOCKS) {
		zmram_free_slots(dev, walk->meta, index, end);
		return;
	}
	for (; index < end; index++) {
		zmram_lock_page(walk, index);
		zmram_free_slots(dev, walk->meta, index, index + 1);
		zmram_unlock_page(walk, index);
	}
}

/*
 * Reads a page, for a worker also from the backing device. With @reads, @dst may be
 * filled later; @now says that it must not.
 */
static int zmram_read_page(struct zmram_dev *dev, struct zmram_walk *walk,
			   struct zmram_reads *reads, unsigned long index, void *dst, bool now)
{
	int ret = zmram_read_slot(dev, walk, index, dst);

	if (likely(ret != ZMRAM_ON_BACKING) || !reads)
		return ret;
	ret = zmram_reads_add(reads, index, dst);
	return ret || !now ? ret : zmram_reads_finish(reads);
}

/* Copies @len bytes between @buf and a bio, advancing @iter. */
static void zmram_copy_bio(struct bio *bio, struct bvec_iter *iter, void *buf, unsigned int len)
{
	bool to_bio = bio_op(bio) == REQ_OP_READ;

	while (len) {
		struct bio_vec bv = bio_iter_iovec(bio, *iter);
		unsigned int n = min(bv.bv_len, len);
		void *mem = page_address(bv.bv_page) + bv.bv_offset;

		if (to_bio) {
			memcpy(mem, buf, n);
			flush_dcache_page(bv.bv_page);
		} else {
			memcpy(buf, mem, n);
		}
		bio_advance_iter_single(bio, iter, n);
		buf += n;
		len -= n;
	}
}

/* A part of a page, or a page in pieces, by way of the @bounce page. */
static int zmram_rw_bounced(struct zmram_dev *dev, struct zmram_walk *walk, struct bio *bio,
			    struct bvec_iter *iter, struct zmram_reads *reads,
			    struct zmram_part part, void *bounce)
{
	bool partial = part.len < PAGE_SIZE;
	int ret = 0;

	if (bio_op(bio) == REQ_OP_READ) {
		ret = zmram_read_page(dev, walk, reads, part.index, bounce, true);
		if (!ret)
			zmram_copy_bio(bio, iter, bounce + part.offset, part.len);
		return ret;
	}
	zmram_lock_page(walk, part.index);
	if (partial)
		ret = zmram_read_page(dev, walk, reads, part.index, bounce, true);
	if (!ret) {
		zmram_copy_bio(bio, iter, bounce + part.offset, part.len);
		ret = zmram_write_slot(dev, walk, part.index, bounce);
	}
	zmram_unlock_page(walk, part.index);
	return ret;
}

/* The memory of a whole page that lies in one piece, or NULL. */
static void *zmram_whole_page(struct bio *bio, struct bvec_iter iter, struct zmram_part part)
{
	/* Without highmem, a segment of several pages is one piece too. */
	struct bio_vec bv = mp_bvec_iter_bvec(bio->bi_io_vec, iter);
	void *mem = page_address(bv.bv_page) + bv.bv_offset;

	if (part.len < PAGE_SIZE || bv.bv_len < PAGE_SIZE)
		return NULL;
	return IS_ALIGNED((unsigned long)mem, sizeof(long)) ? mem : NULL;
}

static int zmram_rw_whole(struct zmram_dev *dev, struct zmram_walk *walk, enum req_op op,
			  struct zmram_reads *reads, unsigned long index, void *mem)
{
	int ret;

	if (op_is_write(op))
		return zmram_write_page(dev, walk, index, mem);
	ret = zmram_read_page(dev, walk, reads, index, mem, false);
	flush_dcache_page(virt_to_page(mem));
	if (offset_in_page(mem))
		flush_dcache_page(virt_to_page(mem + PAGE_SIZE - 1));
	return ret;
}

/*
 * A page for what lies in pieces. One in reserve is enough for progress, one for each
 * device: who holds it waits for nobody's of the same device, but may read from a backing
 * device that is one of ours, whose workers may all be waiting for that one's. Not
 * with reads in flight: who has the last bounce page may be waiting for memory to read
 * into, which they have.
 */
static struct page *zmram_bounce_get(struct zmram_dev *dev, struct zmram_reads *reads)
{
	int ret = reads ? zmram_reads_finish(reads) : 0;

	return ret ? ERR_PTR(ret) : mempool_alloc(&dev->bounce_pool, GFP_NOIO);
}

static int zmram_bio_rw(struct zmram_dev *dev, struct zmram_meta *meta, struct bio *bio,
			struct bvec_iter *iter, struct zmram_reads *reads)
{
	struct zmram_walk walk = zmram_walk_begin(meta);
	sector_t sector;
	struct page *bounce = NULL;
	struct zmram_part part;
	unsigned int done = 0;
	int ret = 0;
	void *mem;

	for (; iter->bi_size && !ret; done++) {
		/* Not the iterator's: it loses count where memory is cut between sectors. */
		sector = bio->bi_iter.bi_sector +
			 ((bio->bi_iter.bi_size - iter->bi_size) >> SECTOR_SHIFT);
		part = zmram_part_at(sector, iter->bi_size);
		if (done == ZMRAM_PAGES_BETWEEN) {
			done = 0;
			cond_resched();
			walk.now = zmram_now();
		}
		mem = zmram_whole_page(bio, *iter, part);
		if (likely(mem)) {
			if (!op_is_write(bio_op(bio)) && iter->bi_size > PAGE_SIZE)
				zmram_walk_prefetch(&walk, part.index + 1);
			ret = zmram_rw_whole(dev, &walk, bio_op(bio), reads, part.index, mem);
			if (likely(!ret))
				bio_advance_iter_single(bio, iter, PAGE_SIZE);
			continue;
		}
		if (!bounce) {
			bounce = zmram_bounce_get(dev, reads);
			if (IS_ERR(bounce))
				return PTR_ERR(bounce);
		}
		ret = zmram_rw_bounced(dev, &walk, bio, iter, reads, part, page_address(bounce));
	}
	if (bounce)
		mempool_free(bounce, &dev->bounce_pool);
	return ret;
}

/* Zeroes part of a page; its other blocks keep their content. */
static int zmram_zero_part(struct zmram_dev *dev, struct zmram_walk *walk,
			   struct zmram_reads *reads, struct zmram_part part)
{
	struct page *bounce = zmram_bounce_get(dev, reads);
	void *mem;
	int ret;

	if (IS_ERR(bounce))
		return PTR_ERR(bounce);
	mem = page_address(bounce);
	zmram_lock_page(walk, part.index);
	ret = zmram_read_page(dev, walk, reads, part.index, mem, true);
	if (!ret) {
		memset(mem + part.offset, 0, part.len);
		ret = zmram_write_slot(dev, walk, part.index, mem);
	}
	zmram_unlock_page(walk, part.index);
	mempool_free(bounce, &dev->bounce_pool);
	return ret;
}

/* Discard skips what covers no whole page, write-zeroes must not. */
static int zmram_bio_clear(struct zmram_dev *dev, struct zmram_meta *meta, struct bio *bio,
			   struct bvec_iter *iter, struct zmram_reads *reads)
{
	struct zmram_walk walk = zmram_walk_begin(meta);
	int ret = 0;

	while (iter->bi_size) {
		struct zmram_part part = zmram_part_at(iter->bi_sector, iter->bi_size);

		if (part.len == PAGE_SIZE) {
			part.len = round_down(iter->bi_size, PAGE_SIZE);
			zmram_free_pages(dev, &walk, part.index,
					 part.index + (part.len >> PAGE_SHIFT));
		} else if (bio_op(bio) == REQ_OP_WRITE_ZEROES) {
			ret = zmram_zero_part(dev, &walk, reads, part);
			if (ret)
				break;
		}
		iter->bi_sector += part.len >> SECTOR_SHIFT;
		iter->bi_size -= part.len;
	}
	return ret;
}

/*
 * Does what is left of a bio, from @iter on. Without @reads it returns
 * ZMRAM_ON_BACKING when it comes to what only a worker can do; -ERANGE for a bio
 * that is out of range or misaligned; another negative errno.
 */
int zmram_do_bio(struct zmram_dev *dev, struct bio *bio, struct bvec_iter *iter,
		 struct zmram_reads *reads)
{
	struct zmram_meta *meta = zmram_meta(dev);

	if (!meta || !zmram_valid_range(meta, bio->bi_iter.bi_sector, bio->bi_iter.bi_size))
		return -ERANGE;
	switch (bio_op(bio)) {
	case REQ_OP_READ:
	case REQ_OP_WRITE:
		return zmram_bio_rw(dev, meta, bio, iter, reads);
	case REQ_OP_DISCARD:
	case REQ_OP_WRITE_ZEROES:
		return zmram_bio_clear(dev, meta, bio, iter, reads);
	default:
		return -EOPNOTSUPP;
	}
}

/* What zmram_do_bio() returned, as the bio's status; counts what has failed. */
static blk_status_t zmram_bio_status(struct zmram_dev *dev, struct bio *bio, int error)
{
	enum zmram_stat failed = op_is_write(bio_op(bio)) ? ZMRAM_FAILED_WRITES :
							    ZMRAM_FAILED_READS;

	if (likely(!error))
		return BLK_STS_OK;
	if (error == -EOPNOTSUPP)
		return BLK_STS_NOTSUPP;
	zmram_stat_add(dev, error == -ERANGE ? ZMRAM_INVALID_IO : failed, 1);
	return BLK_STS_IOERR;
}

/* Ends a bio whose accounting was started at @start. */
void zmram_end_bio(struct zmram_dev *dev, struct bio *bio, int error, unsigned long start)
{
	bio->bi_status = zmram_bio_status(dev, bio, error);
	bio_end_io_acct(bio, start);
	bio_endio(bio);
}

/* ->submit_bio: the bio has ended when this returns, or a worker will end it. */
void zmram_submit_bio(struct bio *bio)
{
	struct zmram_dev *dev = bio->bi_bdev->bd_disk->private_data;
	unsigned long start = bio_start_io_acct(bio);
	struct bvec_iter iter = bio->bi_iter;
	int ret = zmram_do_bio(dev, bio, &iter, NULL);

	if (unlikely(ret == ZMRAM_ON_BACKING))
		zmram_read_later(dev, bio, iter, start);
	else
		zmram_end_bio(dev, bio, ret, start);
}

#ifdef ZM_HAVE_RW_PAGE
/*
 * ->rw_page: swap's way to a synchronous device. On an error the caller sends
 * the same request again as a bio, which then reports it; and which may wait for
 * the backing device, as nothing may here.
 */
int zmram_rw_page(struct block_device *bdev, sector_t sector, struct page *page, enum req_op op)
{
	struct zmram_dev *dev = bdev->bd_disk->private_data;
	struct zmram_meta *meta = zmram_meta(dev);
	struct zmram_walk walk;
	unsigned long start;
	int ret;

	if (PageTransHuge(page))
		return -ENOTSUPP;
	if (!meta || !IS_ALIGNED(sector << SECTOR_SHIFT, PAGE_SIZE) ||
	    !zmram_valid_range(meta, sector, PAGE_SIZE))
		return -EINVAL;
	start = jiffies;
	walk = zmram_walk_begin(meta);
	ret = zmram_rw_whole(dev, &walk, op, NULL, sector >> ZMRAM_SECTORS_PER_PAGE_SHIFT,
			     page_address(page));
	if (ret == ZMRAM_ON_BACKING)
		return -EOPNOTSUPP;
	bdev_start_io_acct(bdev->bd_disk->part0, PAGE_SIZE >> SECTOR_SHIFT, op, start);
	bdev_end_io_acct(bdev->bd_disk->part0, op, start);
	if (!ret)
		page_endio(page, op_is_write(op), 0);
	return ret;
}
#endif

/*
 * ->swap_slot_free_notify: the swap slot is free, drop its data. Called under
 * swap's spinlocks, so a slot that somebody holds is left as it is; its next
 * write or discard frees it.
 */
void zmram_slot_free_notify(struct block_device *bdev, unsigned long index)
{
	struct zmram_dev *dev = bdev->bd_disk->private_data;
	struct zmram_meta *meta = zmram_meta(dev);

	if (!meta || index >= zmram_nr_slots(meta))
		return;
	zmram_stat_add(dev, ZMRAM_NOTIFY_FREE, 1);
	if (!zmram_try_free_slot(dev, meta, index))
		zmram_stat_add(dev, ZMRAM_MISS_FREE, 1);
}
