// SPDX-License-Identifier: GPL-2.0
/*
 * Suites zmram_bio and zmram_bio_512: drivers/zmram/bio.c, which takes requests apart
 * into pages of the disk, alone. The slots beneath it are stood in for by plain pages,
 * and requests of all shapes are compared, byte by byte, with a plain array.
 *
 * bio_512_test.c compiles this file again for blocks of 512 bytes, which are smaller than
 * the pages, as they are with the usual blocks on kernels with large pages.
 */
#include <linux/vmalloc.h>

#ifndef BIO_TEST_NAME
#define BIO_TEST_NAME	zmram_bio
#endif

/* The module has bio.c twice, and it is not to find the real slots. */
#define BIO_OWN(name)		__PASTE(BIO_TEST_NAME, __PASTE(_, name))
#define zmram_submit_bio	BIO_OWN(submit_bio)
#define zmram_do_bio		BIO_OWN(do_bio)
#define zmram_end_bio		BIO_OWN(end_bio)
#define zmram_read_later	BIO_OWN(read_later)
#define zmram_reads_add		BIO_OWN(reads_add)
#define zmram_reads_finish	BIO_OWN(reads_finish)
#define zmram_slot_free_notify	BIO_OWN(slot_free_notify)
#define zmram_rw_page		BIO_OWN(rw_page)
#define zmram_read_slot		BIO_OWN(read_slot)
#define zmram_write_slot	BIO_OWN(write_slot)
#define zmram_free_slots	BIO_OWN(free_slots)
#define zmram_try_free_slot	BIO_OWN(try_free_slot)

#include "../../drivers/zmram/bio.c"

#include "unit.h"

#define DISK_PAGES	40
#define DISK_BYTES	(DISK_PAGES * PAGE_SIZE)
#define DISK_BLOCKS	(DISK_BYTES >> ZMRAM_BLOCK_SHIFT)
#define BIO_SEGMENTS	12
#define BIO_ROUNDS	8000

/* Of readback.c's own, here: what is being read from the backing device. */
struct zmram_reads {
	struct {
		unsigned long index;
		void *dst;
	} read[DISK_PAGES];
	unsigned int nr;
};

/*
 * struct disk - a disk twice
 * @slots: what the stand-in for the slots has
 * @want: what the model says
 * @memory: pages that requests transfer to and from
 * @mirror: what has to be in @memory
 * @fail_at: number of a slot that cannot be written or read, or -1
 * @backed: every third page is on a backing device, and requests are a worker's
 * @reads: what it gives as such
 * @test: for the stand-ins to complain to
 */
struct disk {
	struct zmram_dev dev;
	struct zmram_meta meta;
	u8 *slots, *want;
	struct page *memory;
	u8 *mirror;
	long fail_at;
	bool backed;
	struct zmram_reads reads;
	u64 rng;
	struct kunit *test;
};

#define MEMORY_ORDER	4
#define MEMORY_BYTES	(PAGE_SIZE << MEMORY_ORDER)

static struct disk *disk_of(struct zmram_dev *dev)
{
	return container_of(dev, struct disk, dev);
}

static blk_status_t disk_do(struct disk *d, struct bio *bio)
{
	struct zmram_reads *reads = d->backed ? &d->reads : NULL;
	struct bvec_iter iter = bio->bi_iter;
	int ret = zmram_do_bio(&d->dev, bio, &iter, reads);

	if (!ret && reads)
		ret = zmram_reads_finish(reads);
	return zmram_bio_status(&d->dev, bio, ret);
}

/*
 * The reserve of one bounce page: who holds it may be waiting for memory to read into,
 * so nobody may wait for it who has such memory.
 */
static void *disk_bounce_alloc(gfp_t gfp, void *data)
{
	struct disk *d = data;

	KUNIT_EXPECT_EQ_MSG(d->test, d->reads.nr, 0U, "a bounce page with reads in flight");
	return alloc_page(gfp);
}

static void disk_bounce_free(void *page, void *data)
{
	__free_page(page);
}

void zmram_read_later(struct zmram_dev *dev, struct bio *bio, struct bvec_iter iter,
		      unsigned long start)
{
}

int zmram_reads_add(struct zmram_reads *reads, unsigned long index, void *dst)
{
	struct disk *d = container_of(reads, struct disk, reads);

	KUNIT_ASSERT_LT(d->test, reads->nr, (unsigned int)DISK_PAGES);
	reads->read[reads->nr].index = index;
	reads->read[reads->nr++].dst = dst;
	return 0;
}

int zmram_reads_finish(struct zmram_reads *reads)
{
	struct disk *d = container_of(reads, struct disk, reads);

	for (; reads->nr; reads->nr--)
		memcpy(reads->read[reads->nr - 1].dst,
		       d->slots + reads->read[reads->nr - 1].index * PAGE_SIZE, PAGE_SIZE);
	return 0;
}

int zmram_read_slot(struct zmram_dev *dev, struct zmram_walk *walk, unsigned long index,
		    void *dst)
{
	struct disk *d = disk_of(dev);

	KUNIT_ASSERT_LT(d->test, index, (unsigned long)DISK_PAGES);
	/* What a partial write is to keep is looked up with other writers locked out. */
	if (mutex_is_locked(&walk->meta->rmw[index % ZMRAM_RMW_LOCKS]))
		KUNIT_EXPECT_EQ(d->test, walk->leaf_nr, ULONG_MAX);
	walk->leaf_nr = index >> ZMRAM_LEAF_SHIFT;
	if (index == d->fail_at)
		return -EINVAL;
	if (d->backed && index % 3 == 0)
		return ZMRAM_ON_BACKING;
	memcpy(dst, d->slots + index * PAGE_SIZE, PAGE_SIZE);
	return 0;
}

int zmram_write_slot(struct zmram_dev *dev, struct zmram_walk *walk, unsigned long index,
		     const void *src)
{
	struct disk *d = disk_of(dev);

	KUNIT_ASSERT_LT(d->test, index, (unsigned long)DISK_PAGES);
	KUNIT_EXPECT_TRUE_MSG(d->test, IS_ALIGNED((unsigned long)src, 8), "a misaligned page");
	if (index == d->fail_at)
		return -ENOMEM;
	memcpy(d->slots + index * PAGE_SIZE, src, PAGE_SIZE);
	return 0;
}

unsigned long zmram_free_slots(struct zmram_dev *dev, struct zmram_meta *meta,
			       unsigned long index, unsigned long end)
{
	KUNIT_ASSERT_LE(disk_of(dev)->test, index, end);
	KUNIT_ASSERT_LE(disk_of(dev)->test, end, (unsigned long)DISK_PAGES);
	memset(disk_of(dev)->slots + index * PAGE_SIZE, 0, (end - index) * PAGE_SIZE);
	return end - index;
}

bool zmram_try_free_slot(struct zmram_dev *dev, struct zmram_meta *meta, unsigned long index)
{
	zmram_free_slots(dev, meta, index, index + 1);
	return true;
}

static s64 disk_stat(struct disk *d, enum zmram_stat item)
{
	return this_cpu_read(d->dev.stats->value[item]);
}

static int disk_init(struct kunit *test)
{
	struct disk *d = kunit_kzalloc(test, sizeof(*d), GFP_KERNEL);
	int i;

	if (!d)
		return -ENOMEM;
	test->priv = d;
	d->test = test;
	d->fail_at = -1;
	d->rng = 1;
	d->meta.nr_slots = DISK_PAGES;
	for (i = 0; i < ZMRAM_RMW_LOCKS; i++)
		mutex_init(&d->meta.rmw[i]);
	d->slots = vzalloc(DISK_BYTES);
	d->want = vzalloc(DISK_BYTES);
	d->mirror = vzalloc(MEMORY_BYTES);
	d->memory = alloc_pages(GFP_KERNEL | __GFP_ZERO | __GFP_COMP, MEMORY_ORDER);
	d->dev.stats = alloc_percpu(struct zmram_stats);
	rcu_assign_pointer(d->dev.meta, &d->meta);
	if (!d->slots || !d->want || !d->mirror || !d->memory || !d->dev.stats)
		return -ENOMEM;
	return mempool_init(&d->dev.bounce_pool, 1, disk_bounce_alloc, disk_bounce_free, d);
}

static void disk_exit(struct kunit *test)
{
	struct disk *d = test->priv;

	if (!d)
		return;
	mempool_exit(&d->dev.bounce_pool);
	free_percpu(d->dev.stats);
	if (d->memory)
		__free_pages(d->memory, MEMORY_ORDER);
	vfree(d->mirror);
	vfree(d->want);
	vfree(d->slots);
}

/* A request whose segments lie anywhere in the memory, none over another. */
static void bio_shape(struct disk *d, struct bio *bio, struct bio_vec *vecs, blk_opf_t op,
		      u64 block, unsigned int blocks)
{
	unsigned int left = blocks << ZMRAM_BLOCK_SHIFT, at = 0, n;

	bio_init(bio, NULL, vecs, BIO_SEGMENTS, op);
	bio->bi_iter.bi_sector = block << (ZMRAM_BLOCK_SHIFT - SECTOR_SHIFT);
	if (op != REQ_OP_READ && op != REQ_OP_WRITE) {
		bio->bi_iter.bi_size = left;
		return;
	}
	while (left) {
		n = min_t(unsigned int, left, zmu_below(&d->rng, 3) ?
			  SECTOR_SIZE * (1 + zmu_below(&d->rng, 20)) : PAGE_SIZE);
		/* The last segment takes the rest; some begin at odd places. */
		if (bio->bi_vcnt == BIO_SEGMENTS - 1)
			n = left;
		at += 4 * zmu_below(&d->rng, 200);
		if (zmu_below(&d->rng, 2))
			at = ALIGN(at, 512);
		if (at + left > MEMORY_BYTES)
			at = MEMORY_BYTES - left;
		__bio_add_page(bio, d->memory, n, at);
		at += n;
		left -= n;
	}
}

/* Moves the bytes of a request between the model's disk and the model's memory. */
static void model_transfer(struct disk *d, struct bio *bio)
{
	u8 *disk = d->want + (bio->bi_iter.bi_sector << SECTOR_SHIFT);
	unsigned int i;

	for (i = 0; i < bio->bi_vcnt; i++) {
		struct bio_vec *bv = &bio->bi_io_vec[i];

		if (bio_op(bio) == REQ_OP_READ)
			memcpy(d->mirror + bv->bv_offset, disk, bv->bv_len);
		else
			memcpy(disk, d->mirror + bv->bv_offset, bv->bv_len);
		disk += bv->bv_len;
	}
}

/* Discard drops whole pages and leaves the rest alone; write-zeroes zeroes all. */
static void model_clear(struct disk *d, struct bio *bio)
{
	u64 begin = bio->bi_iter.bi_sector << SECTOR_SHIFT, end = begin + bio->bi_iter.bi_size;

	if (bio_op(bio) == REQ_OP_DISCARD) {
		begin = round_up(begin, PAGE_SIZE);
		end = round_down(end, PAGE_SIZE);
	}
	if (begin < end)
		memset(d->want + begin, 0, end - begin);
}

static void random_requests(struct kunit *test)
{
	static const blk_opf_t op[] = { REQ_OP_READ, REQ_OP_WRITE, REQ_OP_WRITE,
					REQ_OP_DISCARD, REQ_OP_WRITE_ZEROES };
	struct disk *d = test->priv;
	struct bio_vec vecs[BIO_SEGMENTS];
	unsigned int i, blocks;
	struct bio bio;
	u64 block;

	for (i = 0; i < BIO_ROUNDS; i++) {
		block = zmu_below(&d->rng, DISK_BLOCKS);
		blocks = 1 + zmu_below(&d->rng, min_t(u64, DISK_BLOCKS - block,
						      8 * PAGE_SIZE >> ZMRAM_BLOCK_SHIFT));
		bio_shape(d, &bio, vecs, op[zmu_below(&d->rng, ARRAY_SIZE(op))], block, blocks);
		if (bio_op(&bio) == REQ_OP_WRITE) {
			zmu_byte_fill(d->mirror, MEMORY_BYTES, i);
			memcpy(page_address(d->memory), d->mirror, MEMORY_BYTES);
		}
		KUNIT_ASSERT_EQ(test, disk_do(d, &bio), BLK_STS_OK);
		if (bio.bi_vcnt)
			model_transfer(d, &bio);
		else
			model_clear(d, &bio);
		KUNIT_ASSERT_EQ_MSG(test, memcmp(d->slots, d->want, DISK_BYTES), 0,
				    "the disk, after request %u (op %u, %u segments)", i,
				    bio_op(&bio), bio.bi_vcnt);
		KUNIT_ASSERT_EQ_MSG(test, memcmp(page_address(d->memory), d->mirror,
						 MEMORY_BYTES), 0,
				    "the memory, after request %u (op %u)", i, bio_op(&bio));
		bio_uninit(&bio);
	}
	KUNIT_EXPECT_EQ(test, disk_stat(d, ZMRAM_INVALID_IO), 0LL);
	KUNIT_EXPECT_EQ(test, disk_stat(d, ZMRAM_FAILED_READS), 0LL);
	KUNIT_EXPECT_EQ(test, disk_stat(d, ZMRAM_FAILED_WRITES), 0LL);
}

static void random_requests_of_a_worker(struct kunit *test)
{
	struct disk *d = test->priv;

	d->backed = true;
	random_requests(test);
}

/* What is not of the disk is refused as a whole. */
static void ranges_are_checked(struct kunit *test)
{
	const sector_t end = DISK_BYTES >> SECTOR_SHIFT;
	const unsigned int block = ZMRAM_BLOCK_SIZE;
	struct disk *d = test->priv;
	const struct {
		sector_t sector;
		unsigned int bytes;
		bool valid;
	} range[] = {
		{ 0, block, true },
		{ 0, DISK_BYTES, true },
		{ end - (block >> SECTOR_SHIFT), block, true },
		{ 0, 0, false },
		{ 0, DISK_BYTES + block, false },
		{ end - (block >> SECTOR_SHIFT), 2 * block, false },
		{ end, block, false },
		{ ~0ULL >> SECTOR_SHIFT, block, false },
		{ 0, block - 1, false },
		{ 0, block + SECTOR_SIZE / 2, false },
		{ 0, UINT_MAX & ~(block - 1), false },
		{ 1, SECTOR_SIZE, block == SECTOR_SIZE },
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(range); i++)
		KUNIT_EXPECT_EQ_MSG(test, zmram_valid_range(&d->meta, range[i].sector,
							    range[i].bytes), range[i].valid,
				    "sector %llu, %u bytes", range[i].sector, range[i].bytes);
}

/* The first error ends a request, and is told. */
static void an_error_ends_it(struct kunit *test)
{
	struct disk *d = test->priv;
	struct bio_vec vec;
	struct bio bio;
	int op;

	d->fail_at = 2;
	for (op = REQ_OP_READ; op <= REQ_OP_WRITE; op++) {
		bio_init(&bio, NULL, &vec, 1, op);
		__bio_add_page(&bio, d->memory, 4 * PAGE_SIZE, 0);
		memset(page_address(d->memory), 0x11 + op, 4 * PAGE_SIZE);
		KUNIT_EXPECT_EQ(test, disk_do(d, &bio), BLK_STS_IOERR);
		bio_uninit(&bio);
	}
	KUNIT_EXPECT_EQ(test, disk_stat(d, ZMRAM_FAILED_READS), 1LL);
	KUNIT_EXPECT_EQ(test, disk_stat(d, ZMRAM_FAILED_WRITES), 1LL);
	KUNIT_EXPECT_EQ(test, d->slots[0], 0x12);
	KUNIT_EXPECT_EQ(test, d->slots[2 * PAGE_SIZE - 1], 0x12);
	KUNIT_EXPECT_NULL(test, memchr_inv(d->slots + 2 * PAGE_SIZE, 0, 2 * PAGE_SIZE));
}

static void no_size_no_io(struct kunit *test)
{
	struct disk *d = test->priv;
	struct bio_vec vec;
	struct bio bio;

	RCU_INIT_POINTER(d->dev.meta, NULL);
	bio_init(&bio, NULL, &vec, 1, REQ_OP_READ);
	__bio_add_page(&bio, d->memory, PAGE_SIZE, 0);
	KUNIT_EXPECT_EQ(test, disk_do(d, &bio), BLK_STS_IOERR);
	KUNIT_EXPECT_EQ(test, disk_stat(d, ZMRAM_INVALID_IO), 1LL);
	bio_uninit(&bio);
}

static struct kunit_case bio_cases[] = {
	KUNIT_CASE(ranges_are_checked),
	KUNIT_CASE(random_requests),
	KUNIT_CASE(random_requests_of_a_worker),
	KUNIT_CASE(an_error_ends_it),
	KUNIT_CASE(no_size_no_io),
	{ }
};

struct kunit_suite BIO_OWN(suite) = {
	.name = __stringify(BIO_TEST_NAME),
	.init = disk_init,
	.exit = disk_exit,
	.test_cases = bio_cases,
};
