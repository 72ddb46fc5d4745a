// SPDX-License-Identifier: GPL-2.0
/*
 * Benchmark: a disk that does nothing, /dev/zmnull0. Its requests are complete as
 * they arrive; their data is neither read nor written. What a request takes here is
 * what the kernel takes above any driver that a bio is handed to: the floor for all
 * of them. Its queue is what zmram's is. Only the first page is kept, which is the
 * header of a swap area.
 *
 * With codec=1 it does nothing but the codec: a page is compressed by lz4 into a place
 * of its own, which is as large as the page, and decompressed from there. There is no
 * lock, no allocator and no table: the floor for drivers that compress. It keeps all
 * data, but nobody may write a page that somebody else uses.
 */
#include <linux/blkdev.h>
#include <linux/bvec.h>
#include <linux/lz4.h>
#include <linux/module.h>
#include <linux/pagemap.h>
#include <linux/percpu.h>
#include <linux/vmalloc.h>

#include <compat/block.h>

static const struct zm_disk_limits zm_null_limits = {
	.logical_block = PAGE_SIZE,
	.physical_block = PAGE_SIZE,
};

static unsigned long size_mib = 256;
module_param(size_mib, ulong, 0444);
MODULE_PARM_DESC(size_mib, "Size of the disk");

static bool codec;
module_param(codec, bool, 0444);
MODULE_PARM_DESC(codec, "Compress and keep the data");

#ifdef ZMRAM_HAVE_LZ4
struct zm_null_stream {
	char work[LZ4_MEM_COMPRESS];
	char packed[LZ4_COMPRESSBOUND(PAGE_SIZE)];
};

static struct zm_null_stream __percpu *zm_null_streams;
/* Of each page, its place and how much of that it fills; 0 is a page of zeroes. */
static char *zm_null_places;
static u16 *zm_null_sizes;

static void zm_null_compress(const void *page, unsigned long nr)
{
	struct zm_null_stream *stream = get_cpu_ptr(zm_null_streams);
	int len = LZ4_compress_default(page, stream->packed, PAGE_SIZE, sizeof(stream->packed),
				       stream->work);
	bool raw = len <= 0 || len >= PAGE_SIZE;

	memcpy(zm_null_places + nr * PAGE_SIZE, raw ? page : stream->packed,
	       raw ? PAGE_SIZE : len);
	zm_null_sizes[nr] = raw ? PAGE_SIZE : len;
	put_cpu_ptr(zm_null_streams);
}

static bool zm_null_decompress(void *page, unsigned long nr)
{
	const char *place = zm_null_places + nr * PAGE_SIZE;
	unsigned int len = zm_null_sizes[nr];

	if (!len)
		memset(page, 0, PAGE_SIZE);
	else if (len == PAGE_SIZE)
		memcpy(page, place, PAGE_SIZE);
	else
		return LZ4_decompress_safe(place, page, len, PAGE_SIZE) == PAGE_SIZE;
	return true;
}

static void zm_null_codec(struct bio *bio)
{
	unsigned long nr = bio->bi_iter.bi_sector >> (PAGE_SHIFT - SECTOR_SHIFT);
	struct bvec_iter iter;
	struct bio_vec bvec;
	bool good = true;
	void *page;

	bio_for_each_segment(bvec, bio, iter) {
		if (bvec.bv_len != PAGE_SIZE)
			return bio_io_error(bio);
		page = kmap_local_page(bvec.bv_page);
		if (op_is_write(bio_op(bio)))
			zm_null_compress(page, nr++);
		else
			good &= zm_null_decompress(page, nr++);
		kunmap_local(page);
	}
	if (!good)
		return bio_io_error(bio);
	bio_endio(bio);
}

static void zm_null_codec_exit(void)
{
	vfree(zm_null_sizes);
	vfree(zm_null_places);
	free_percpu(zm_null_streams);
}

static int zm_null_codec_init(void)
{
	size_t pages = size_mib << (20 - PAGE_SHIFT);

	if (!codec)
		return 0;
	zm_null_streams = alloc_percpu(struct zm_null_stream);
	zm_null_places = vmalloc(pages << PAGE_SHIFT);
	zm_null_sizes = vzalloc(pages * sizeof(*zm_null_sizes));
	if (zm_null_streams && zm_null_places && zm_null_sizes)
		return 0;
	zm_null_codec_exit();
	return -ENOMEM;
}
#else
static void zm_null_codec(struct bio *bio)
{
	bio_io_error(bio);
}

static void zm_null_codec_exit(void)
{
}

static int zm_null_codec_init(void)
{
	return codec ? -EOPNOTSUPP : 0;
}
#endif

static struct gendisk *zm_null_disk;
static char zm_null_first[PAGE_SIZE];

static void zm_null_keep(struct bio *bio)
{
	struct bio_vec bvec = bio_iovec(bio);

	if (op_is_write(bio_op(bio)))
		memcpy_from_bvec(zm_null_first, &bvec);
	else
		memcpy_to_bvec(&bvec, zm_null_first);
}

static void zm_null_submit_bio(struct bio *bio)
{
	if (codec && bio_has_data(bio))
		return zm_null_codec(bio);
	if (!bio->bi_iter.bi_sector && bio_has_data(bio))
		zm_null_keep(bio);
	bio_endio(bio);
}

#ifdef ZM_HAVE_RW_PAGE
static int zm_null_rw_page(struct block_device *bdev, sector_t sector, struct page *page,
			   enum req_op op)
{
	/* The caller makes a bio instead. */
	if (codec)
		return -EOPNOTSUPP;
	page_endio(page, op_is_write(op), 0);
	return 0;
}
#endif

static const struct block_device_operations zm_null_fops = {
	.owner = THIS_MODULE,
	.submit_bio = zm_null_submit_bio,
#ifdef ZM_HAVE_RW_PAGE
	.rw_page = zm_null_rw_page,
#endif
};

static int zm_null_disk_add(void)
{
	struct gendisk *disk = zm_compat_alloc_disk(&zm_null_limits);
	int ret;

	if (IS_ERR(disk))
		return PTR_ERR(disk);
	disk->flags |= GENHD_FL_NO_PART;
	disk->minors = 0;
	disk->fops = &zm_null_fops;
	strscpy(disk->disk_name, "zmnull0", DISK_NAME_LEN);
	set_capacity(disk, (sector_t)size_mib << (20 - SECTOR_SHIFT));
	ret = add_disk(disk);
	if (ret)
		put_disk(disk);
	else
		zm_null_disk = disk;
	return ret;
}

static int __init zm_null_init(void)
{
	int ret = zm_null_codec_init();

	if (ret)
		return ret;
	ret = zm_null_disk_add();
	if (ret)
		zm_null_codec_exit();
	return ret;
}

static void __exit zm_null_exit(void)
{
	del_gendisk(zm_null_disk);
	put_disk(zm_null_disk);
	zm_null_codec_exit();
}

module_init(zm_null_init);
module_exit(zm_null_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("A disk that does nothing, the floor of a benchmark");
