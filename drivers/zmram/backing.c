// SPDX-License-Identifier: GPL-2.0
/*
 * The backing device: opening it, moving pages to and from it, closing it.
 *
 * It is a block device, opened exclusively, or a regular file. Pages go to a
 * block device as bios of their own. To a file they go by direct I/O of its file
 * system, each in a worker of its own, which neither starts I/O for the memory it
 * needs nor holds anything of ours; so no lock of the file system is ever taken
 * inside of one of ours, or of a request to us. Direct, because pages that stay in
 * the page cache have only changed their place in memory; a file system that
 * cannot is refused, and so is one that has no other place (tmpfs takes O_DIRECT).
 *
 * By itself a device cannot end up behind itself: without a size it cannot be below
 * anything, being empty, and once it has one, its backing device is settled. Who
 * puts it below its own backing device afterwards, by way of device mapper or a
 * file system of several devices, makes reads that wait for themselves.
 */
#include <linux/backing-dev.h>
#include <linux/file.h>
#include <linux/namei.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/sysfs.h>
#include <linux/uio.h>

#include "zmram.h"

/* Enough for progress: requests and pages beyond that are had from the heap. */
#define ZMRAM_MIN_LATER		4
#define ZMRAM_MIN_IOS		16

/* Without access times: reading a page must not have to write an inode first. */
#define ZMRAM_FILE_FLAGS	(O_RDWR | O_LARGEFILE | O_DIRECT | O_NOATIME)

/* A file can be opened by many, so two devices could come to use the same. */
static DEFINE_MUTEX(zmram_files_mutex);
static LIST_HEAD(zmram_files);			/* zmram_files_mutex */

/* ---- one page ------------------------------------------------------------- */

struct zmram_io *zmram_io_alloc(gfp_t gfp)
{
	struct zmram_io *io = kmalloc(sizeof(*io), gfp);

	if (!io)
		return NULL;
	io->page = alloc_page(gfp);
	if (io->page)
		return io;
	kfree(io);
	return NULL;
}

void zmram_io_free(struct zmram_io *io)
{
	__free_page(io->page);
	kfree(io);
}

static void *zmram_io_pool_alloc(gfp_t gfp, void *unused)
{
	return zmram_io_alloc(gfp);
}

static void zmram_io_pool_free(void *io, void *unused)
{
	zmram_io_free(io);
}

void zmram_ios_init(struct zmram_ios *ios)
{
	spin_lock_init(&ios->lock);
	init_waitqueue_head(&ios->wait);
	INIT_LIST_HEAD(&ios->done);
	ios->inflight = 0;
}

static void zmram_io_done(struct zmram_io *io, int error)
{
	struct zmram_ios *ios = io->ios;
	unsigned long flags;

	io->error = error;
	/* All under the lock: who gets it next may find the last one and free @ios. */
	spin_lock_irqsave(&ios->lock, flags);
	list_add_tail(&io->node, &ios->done);
	wake_up(&ios->wait);
	spin_unlock_irqrestore(&ios->lock, flags);
}

static void zmram_io_end_bio(struct bio *bio)
{
	int error = blk_status_to_errno(bio->bi_status);

	bio_uninit(bio);
	zmram_io_done(container_of(bio, struct zmram_io, bio), error);
}

static void zmram_io_to_bdev(struct zmram_io *io)
{
	bio_init(&io->bio, io->backing->bdev.bdev, &io->bvec, 1,
		 io->write ? REQ_OP_WRITE : REQ_OP_READ);
	__bio_add_page(&io->bio, io->page, PAGE_SIZE, 0);
	io->bio.bi_iter.bi_sector = (sector_t)io->block << (PAGE_SHIFT - SECTOR_SHIFT);
	io->bio.bi_end_io = zmram_io_end_bio;
	submit_bio(&io->bio);
}

static void zmram_io_file_work(struct work_struct *work)
{
	struct zmram_io *io = container_of(work, struct zmram_io, work);
	struct file *file = io->backing->file;
	loff_t pos = (loff_t)io->block << PAGE_SHIFT;
	unsigned int noio = memalloc_noio_save();
	struct iov_iter iter;
	ssize_t n;

	io->bvec.bv_page = io->page;
	io->bvec.bv_offset = 0;
	io->bvec.bv_len = PAGE_SIZE;
	iov_iter_bvec(&iter, io->write ? ITER_SOURCE : ITER_DEST, &io->bvec, 1, PAGE_SIZE);
	if (io->write)
		n = zm_compat_iter_write(file, &iter, &pos);
	else
		n = vfs_iter_read(file, &iter, &pos, 0);
	memalloc_noio_restore(noio);
	/* Less than a page: somebody has truncated the file. */
	if (n >= 0)
		n = n == PAGE_SIZE ? 0 : -EIO;
	zmram_io_done(io, n);
}

/**
 * zmram_io_submit() - start moving a page
 * @backing: the backing device
 * @ios: where it turns up when it has arrived
 * @io: the page; @block and @write are set
 *
 * Context: Process context, not inside of ->submit_bio; sleeps.
 */
void zmram_io_submit(struct zmram_backing *backing, struct zmram_ios *ios, struct zmram_io *io)
{
	io->backing = backing;
	io->ios = ios;
	ios->inflight++;
	if (!backing->file) {
		zmram_io_to_bdev(io);
		return;
	}
	INIT_WORK(&io->work, zmram_io_file_work);
	queue_work(backing->file_wq, &io->work);
}

/**
 * zmram_io_wait() - take back a page that has arrived
 * @ios: the caller's pages in flight
 * @block: wait for one if need be
 *
 * Context: Process context, sleeps if @block.
 * Return: the page, io->error says how it went; NULL if none is in flight, or,
 *	   without @block, if none has arrived.
 */
struct zmram_io *zmram_io_wait(struct zmram_ios *ios, bool block)
{
	struct zmram_io *io = NULL;

	if (!ios->inflight)
		return NULL;
	spin_lock_irq(&ios->lock);
	if (block)
		wait_event_lock_irq(ios->wait, !list_empty(&ios->done), ios->lock);
	if (!list_empty(&ios->done)) {
		io = list_first_entry(&ios->done, struct zmram_io, node);
		list_del(&io->node);
		ios->inflight--;
	}
	spin_unlock_irq(&ios->lock);
	return io;
}

/* ---- opening and closing -------------------------------------------------- */

/* What holds the data: of a file of an overlay, the one beneath. It is open for writing. */
static struct inode *zmram_file_inode(const struct file *file)
{
	return d_real_inode(file->f_path.dentry);
}

static bool zmram_file_in_use(struct zmram_dev *dev, const struct inode *inode)
{
	struct zmram_backing *other;

	lockdep_assert_held(&zmram_files_mutex);
	list_for_each_entry(other, &zmram_files, node) {
		/* Its own, of an earlier write, goes when this one is in place. */
		if (zmram_file_inode(other->file) == inode && other != READ_ONCE(dev->wb.backing))
			return true;
	}
	return false;
}

/* Takes @file over, or gives it back. */
static int zmram_file_claim(struct zmram_dev *dev, struct zmram_backing *backing,
			    struct file *file)
{
	struct inode *inode = zmram_file_inode(file);
	int ret = 0;

	mutex_lock(&zmram_files_mutex);
	if (!S_ISREG(inode->i_mode))
		ret = -ENOTBLK;
	else if (!mapping_can_writeback(inode->i_mapping))	/* in memory, as tmpfs's */
		ret = -EINVAL;
	else if (IS_SWAPFILE(inode) || zmram_file_in_use(dev, inode))
		ret = -EBUSY;
	if (!ret) {
		backing->file = file;
		list_add(&backing->node, &zmram_files);
	}
	mutex_unlock(&zmram_files_mutex);
	if (ret)
		fput(file);
	return ret;
}

static int zmram_backing_open_file(struct zmram_dev *dev, struct zmram_backing *backing,
				   const char *name)
{
	struct file *file = filp_open(name, ZMRAM_FILE_FLAGS, 0);
	int ret = PTR_ERR_OR_ZERO(file);

	if (!ret) {
		zm_compat_no_events(file);
		ret = zmram_file_claim(dev, backing, file);
	}
	if (ret == -EINVAL)
		pr_warn("%s: %s has no direct I/O or is in memory\n",
			dev->disk->disk_name, name);
	if (ret)
		return ret;
	backing->file_wq = alloc_workqueue("%s-file", WQ_UNBOUND | WQ_MEM_RECLAIM, 0,
					   dev->disk->disk_name);
	return backing->file_wq ? 0 : -ENOMEM;
}

static int zmram_backing_open_bdev(struct zmram_dev *dev, struct zmram_backing *backing,
				   const char *name)
{
	struct block_device *bdev;
	int ret;

	/* By the same holder it can be opened twice: it may replace itself. */
	ret = zm_compat_bdev_open(&backing->bdev, name, dev);
	if (ret)
		return ret;
	bdev = backing->bdev.bdev;
	if (bdev->bd_disk == dev->disk || bdev_logical_block_size(bdev) > PAGE_SIZE)
		return -EINVAL;
	/* What its page cache still has to write must not come on top of our data. */
	return sync_blockdev(bdev);
}

static int zmram_backing_open_path(struct zmram_dev *dev, struct zmram_backing *backing,
				   const char *name)
{
	struct path path;
	umode_t mode;
	char *buf, *text;
	int ret;

	ret = kern_path(name, LOOKUP_FOLLOW, &path);
	if (ret)
		return ret;
	mode = d_backing_inode(path.dentry)->i_mode;
	buf = kmalloc(PATH_MAX, GFP_KERNEL);
	text = buf ? d_path(&path, buf, PATH_MAX) : ERR_PTR(-ENOMEM);
	if (!IS_ERR(text))
		backing->path = kstrdup(text, GFP_KERNEL);
	path_put(&path);
	kfree(buf);
	if (IS_ERR(text))
		return PTR_ERR(text);
	if (!backing->path)
		return -ENOMEM;
	if (S_ISBLK(mode))
		return zmram_backing_open_bdev(dev, backing, name);
	if (S_ISREG(mode))
		return zmram_backing_open_file(dev, backing, name);
	return S_ISDIR(mode) ? -EISDIR : -ENOTBLK;
}

static int zmram_backing_make_pools(struct zmram_dev *dev, struct zmram_backing *backing)
{
	backing->read_wq = alloc_workqueue("%s-read", WQ_UNBOUND | WQ_MEM_RECLAIM, 0,
					   dev->disk->disk_name);
	backing->later_pool = zmram_later_pool(ZMRAM_MIN_LATER);
	backing->io_pool = mempool_create(ZMRAM_MIN_IOS, zmram_io_pool_alloc,
					  zmram_io_pool_free, NULL);
	return backing->read_wq && backing->later_pool && backing->io_pool ? 0 : -ENOMEM;
}

static loff_t zmram_backing_bytes(const struct zmram_backing *backing)
{
	return backing->file ? i_size_read(file_inode(backing->file)) :
			       bdev_nr_bytes(backing->bdev.bdev);
}

/**
 * zmram_backing_close() - give a backing device back
 * @backing: nothing uses it any more; may be NULL, may be half opened
 *
 * Context: Process context, no lock of ours held: closing takes those of its disk.
 */
void zmram_backing_close(struct zmram_backing *backing)
{
	if (!backing)
		return;
	if (backing->read_wq)
		destroy_workqueue(backing->read_wq);
	if (backing->file_wq)
		destroy_workqueue(backing->file_wq);
	mempool_destroy(backing->later_pool);
	mempool_destroy(backing->io_pool);
	zmram_blocks_exit(backing);
	cleanup_srcu_struct(&backing->readers);
	if (backing->bdev.bdev)
		zm_compat_bdev_close(&backing->bdev);
	if (backing->file) {
		mutex_lock(&zmram_files_mutex);
		list_del(&backing->node);
		mutex_unlock(&zmram_files_mutex);
		zm_compat_close(backing->file);
	}
	kfree(backing->path);
	kfree(backing);
}

static struct zmram_backing *zmram_backing_open(struct zmram_dev *dev, const char *name)
{
	struct zmram_backing *backing = kzalloc(sizeof(*backing), GFP_KERNEL);
	int ret;

	if (!backing)
		return ERR_PTR(-ENOMEM);
	ret = init_srcu_struct(&backing->readers);
	if (ret) {
		kfree(backing);
		return ERR_PTR(ret);
	}
	spin_lock_init(&backing->lock);
	ret = zmram_backing_open_path(dev, backing, name);
	if (!ret)
		ret = zmram_blocks_init(backing, zmram_backing_bytes(backing));
	if (!ret)
		ret = zmram_backing_make_pools(dev, backing);
	if (!ret)
		return backing;
	zmram_backing_close(backing);
	return ERR_PTR(ret);
}

/* ---- sysfs ---------------------------------------------------------------- */

static ssize_t backing_dev_show(struct device *device, struct device_attribute *attr, char *buf)
{
	struct zmram_wb *wb = &to_zmram(device)->wb;
	ssize_t len;

	spin_lock(&wb->lock);
	len = sysfs_emit(buf, "%s\n", wb->backing ? wb->backing->path : "none");
	spin_unlock(&wb->lock);
	return len;
}

/* Puts @backing in the place of what is there, which is returned. */
static struct zmram_backing *zmram_backing_replace(struct zmram_wb *wb,
						   struct zmram_backing *backing)
{
	struct zmram_backing *old;

	spin_lock(&wb->lock);
	old = wb->backing;
	WRITE_ONCE(wb->backing, backing);
	spin_unlock(&wb->lock);
	return old;
}

static int zmram_backing_set(struct zmram_dev *dev, const char *name)
{
	struct zmram_backing *backing;
	int ret = -EBUSY;

	/* Asked again below; so that a sized device does not open anything. */
	if (zmram_meta(dev))
		return ret;
	/* Before init_lock, because opening a disk takes its locks. */
	backing = zmram_backing_open(dev, name);
	if (IS_ERR(backing))
		return PTR_ERR(backing);
	if (down_write_killable(&dev->init_lock)) {
		zmram_backing_close(backing);
		return -EINTR;
	}
	if (!zmram_meta(dev)) {
		pr_info("%s: backing device %s, %lu pages\n", dev->disk->disk_name,
			backing->path, backing->nr_blocks);
		backing = zmram_backing_replace(&dev->wb, backing);
		ret = 0;
	}
	up_write(&dev->init_lock);
	/* Either the one that was replaced or the one that came too late. */
	zmram_backing_close(backing);
	return ret;
}

static ssize_t backing_dev_store(struct device *device, struct device_attribute *attr,
				 const char *buf, size_t len)
{
	char *name = kstrndup(buf, PATH_MAX, GFP_KERNEL);
	int ret;

	if (!name)
		return -ENOMEM;
	if (*name && name[strlen(name) - 1] == '\n')
		name[strlen(name) - 1] = '\0';
	ret = zmram_backing_set(to_zmram(device), name);
	kfree(name);
	return ret ? ret : len;
}
static DEVICE_ATTR_RW(backing_dev);

static ssize_t bd_stat_show(struct device *device, struct device_attribute *attr, char *buf)
{
	struct zmram_dev *dev = to_zmram(device);
	const unsigned int shift = PAGE_SHIFT - 12;

	return sysfs_emit(buf, "%8llu %8llu %8llu\n",
			  (u64)zmram_stat_read(dev, ZMRAM_BD_COUNT) << shift,
			  (u64)zmram_stat_read(dev, ZMRAM_BD_READS) << shift,
			  (u64)zmram_stat_read(dev, ZMRAM_BD_WRITES) << shift);
}
static DEVICE_ATTR_RO(bd_stat);

static struct attribute *zmram_backing_attrs[] = {
	&dev_attr_backing_dev.attr,
	&dev_attr_bd_stat.attr,
	NULL,
};

const struct attribute_group zmram_backing_group = {
	.attrs = zmram_backing_attrs,
};
