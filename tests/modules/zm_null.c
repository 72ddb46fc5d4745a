// SPDX-License-Identifier: GPL-2.0
/*
 * Benchmark: a disk that does nothing, /dev/zmnull0. Its requests are complete as
 * they arrive; their data is neither read nor written. What a request takes here is
 * what the kernel takes above any driver that a bio is handed to: the floor for all
 * of them. Its queue is what zmram's is.
 *
 * Only the first page is kept, which is the header of a swap area.
 */
#include <linux/blkdev.h>
#include <linux/bvec.h>
#include <linux/module.h>
#include <linux/pagemap.h>

#include <compat/block.h>

static const struct zm_disk_limits zm_null_limits = {
	.logical_block = PAGE_SIZE,
	.physical_block = PAGE_SIZE,
};

static unsigned long size_mib = 256;
module_param(size_mib, ulong, 0444);
MODULE_PARM_DESC(size_mib, "Size of the disk");

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
	if (!bio->bi_iter.bi_sector && bio_has_data(bio))
		zm_null_keep(bio);
	bio_endio(bio);
}

#ifdef ZM_HAVE_RW_PAGE
static int zm_null_rw_page(struct block_device *bdev, sector_t sector, struct page *page,
			   enum req_op op)
{
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

static int __init zm_null_init(void)
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

static void __exit zm_null_exit(void)
{
	del_gendisk(zm_null_disk);
	put_disk(zm_null_disk);
}

module_init(zm_null_init);
module_exit(zm_null_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("A disk that does nothing, the floor of a benchmark");
