// SPDX-License-Identifier: GPL-2.0
/*
 * Requests that need data from the backing device.
 *
 * bio.c leaves a bio to a worker when it comes to a page that was written back.
 * The worker goes through the rest of it and starts a read for each such page;
 * only when it has no memory for another page, or has started enough, or comes to
 * the end, does it wait. Each device with a backing device has a workqueue and
 * pools of its own, because its backing device may be another one of ours.
 *
 * Progress without memory: the first page of a bio waits for one from the pool,
 * a further one is only tried for, and the pages that are had already are waited
 * for instead. So whoever waits for the pool holds nothing of it; he may hold a bounce
 * page, for which nobody waits with pages in flight (bio.c).
 *
 * A bio that was left to a worker keeps the queue from freezing, as it did inside
 * of ->submit_bio, so that a reset waits for it.
 */
#include <linux/bio.h>
#include <linux/blkdev.h>
#include <linux/mm.h>
#include <linux/zmalloc_fault.h>

#include "zmram.h"

/* Pages that one bio has in flight at most: bounds what it takes of the heap. */
#define ZMRAM_READS_MAX		128

/* Reads that a worker has started; @dst of each is filled when they are finished. */
struct zmram_reads {
	struct zmram_dev *dev;
	struct zmram_meta *meta;
	struct zmram_ios ios;
	int srcu;			/* while there are any */
};

struct zmram_later {
	struct work_struct work;
	struct zmram_dev *dev;
	struct bio *bio;
	struct bvec_iter iter;		/* from where on */
	unsigned long start;		/* when the bio came, for accounting */
};

/* Turns what has arrived into the page that was asked for. */
static int zmram_read_deliver(struct zmram_reads *reads, struct zmram_io *io)
{
	struct zmram_comp *comp = reads->meta->comp[zmram_data_prio(io->data)];
	size_t size = zmram_data_size(io->data);
	const void *src = page_address(io->page);
	struct zmram_stream *stream = NULL;
	int ret;

	/* Whatever it was: to us it means that the page cannot be read. */
	if (io->error)
		return -EIO;
	if (size == PAGE_SIZE) {
		memcpy(io->dst, src, PAGE_SIZE);
		return 0;
	}
	if (comp->ops->ctx_for_read)
		stream = zmram_stream_get(comp);
	ret = zmram_decompress(comp, stream, src, size, io->dst);
	if (stream)
		zmram_stream_put(stream);
	if (unlikely(ret))
		pr_err_ratelimited("%s: page %lu, read back, does not decompress\n",
				   reads->dev->disk->disk_name, io->index);
	return ret;
}

/* Waits until at most @max pages are in flight. */
static int zmram_reads_drain(struct zmram_reads *reads, unsigned int max)
{
	struct zmram_backing *backing = reads->dev->wb.backing;
	struct zmram_io *io;
	int err, ret = 0;

	if (!reads->ios.inflight)
		return 0;
	while ((io = zmram_io_wait(&reads->ios, reads->ios.inflight > max))) {
		err = zmram_read_deliver(reads, io);
		flush_dcache_page(virt_to_page(io->dst));
		if (offset_in_page(io->dst))
			flush_dcache_page(virt_to_page(io->dst + PAGE_SIZE - 1));
		zmram_stat_add(reads->dev, ZMRAM_BD_READS, 1);
		mempool_free(io, backing->io_pool);
		ret = ret ?: err;
	}
	if (!reads->ios.inflight)
		srcu_read_unlock(&backing->readers, reads->srcu);
	return ret;
}

/**
 * zmram_reads_finish() - wait for the pages that were started
 * @reads: the reads of this worker
 *
 * Context: Process context, no slot or stream locked; sleeps.
 * Return: 0 or the first error since it was last called; all of @dst are filled
 *	   otherwise.
 */
int zmram_reads_finish(struct zmram_reads *reads)
{
	return zmram_reads_drain(reads, 0);
}

/* A page to read into; on the way it may find errors of earlier ones. */
static struct zmram_io *zmram_reads_get_io(struct zmram_reads *reads, int *error)
{
	mempool_t *pool = reads->dev->wb.backing->io_pool;
	struct zmram_io *io;

	*error = zmram_reads_drain(reads, ZMRAM_READS_MAX - 1);
	if (*error)
		return NULL;
	if (!reads->ios.inflight)
		return mempool_alloc(pool, GFP_NOIO);
	io = mempool_alloc(pool, GFP_NOWAIT);
	if (io)
		return io;
	*error = zmram_reads_drain(reads, 0);
	return *error ? NULL : mempool_alloc(pool, GFP_NOIO);
}

/**
 * zmram_reads_add() - start reading a page that was written back
 * @reads: the reads of this worker
 * @index: the page, within the size
 * @dst: PAGE_SIZE bytes, filled by zmram_reads_finish() at the latest
 *
 * Context: Process context, no slot or stream locked; sleeps.
 * Return: 0 or a negative errno, of this or an earlier page.
 */
int zmram_reads_add(struct zmram_reads *reads, unsigned long index, void *dst)
{
	struct zmram_backing *backing = reads->dev->wb.backing;
	struct zmram_walk walk;
	struct zmram_io *io;
	bool first;
	int ret;

	for (;;) {
		io = zmram_reads_get_io(reads, &ret);
		if (!io)
			return ret;
		first = !reads->ios.inflight;
		/* Before the slot says which block it is; see blocks.c. */
		if (first)
			reads->srcu = srcu_read_lock(&backing->readers);
		if (zmram_slot_block(reads->meta, index, &io->data))
			break;
		/* Written or discarded since; read what it has now. */
		if (first)
			srcu_read_unlock(&backing->readers, reads->srcu);
		mempool_free(io, backing->io_pool);
		walk = zmram_walk_begin(reads->meta);
		ret = zmram_read_slot(reads->dev, &walk, index, dst);
		if (ret != ZMRAM_ON_BACKING)
			return ret;
	}
	zm_delay(ZM_DELAY_READBACK);
	io->index = index;
	io->block = zmram_data_stamp(io->data);
	io->dst = dst;
	io->write = false;
	zmram_io_submit(backing, &reads->ios, io);
	return 0;
}

static void zmram_later_work(struct work_struct *work)
{
	struct zmram_later *later = container_of(work, struct zmram_later, work);
	struct zmram_dev *dev = later->dev;
	struct zmram_reads reads = { .dev = dev, .meta = zmram_meta(dev) };
	struct request_queue *q = dev->disk->queue;
	struct blk_plug plug;
	int ret, err;

	zmram_ios_init(&reads.ios);
	blk_start_plug(&plug);
	ret = zmram_do_bio(dev, later->bio, &later->iter, &reads);
	err = zmram_reads_finish(&reads);
	blk_finish_plug(&plug);
	zmram_end_bio(dev, later->bio, ret ?: err, later->start);
	mempool_free(later, dev->wb.backing->later_pool);
	/* From here on the backing device may be closed, which waits for this work. */
	percpu_ref_put(&q->q_usage_counter);
}

/**
 * zmram_read_later() - leave a bio to a worker
 * @dev: the device; it has a backing device
 * @bio: the bio
 * @iter: from where on it has to be done
 * @start: from bio_start_io_acct()
 *
 * Context: Inside of ->submit_bio; sleeps, but not for I/O of the caller's.
 */
void zmram_read_later(struct zmram_dev *dev, struct bio *bio, struct bvec_iter iter,
		      unsigned long start)
{
	struct zmram_backing *backing = dev->wb.backing;
	struct zmram_later *later = mempool_alloc(backing->later_pool, GFP_NOIO);

	/* The caller's own reference is still there, so this is never the first. */
	percpu_ref_get(&dev->disk->queue->q_usage_counter);
	INIT_WORK(&later->work, zmram_later_work);
	later->dev = dev;
	later->bio = bio;
	later->iter = iter;
	later->start = start;
	queue_work(backing->read_wq, &later->work);
}

/* The pool for what is left to workers: @min requests without memory. */
mempool_t *zmram_later_pool(int min)
{
	return mempool_create_kmalloc_pool(min, sizeof(struct zmram_later));
}
