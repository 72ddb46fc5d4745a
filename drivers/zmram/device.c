// SPDX-License-Identifier: GPL-2.0
/*
 * Life of a device: added without a size, given one (disksize), grown, reset,
 * removed.
 *
 * A reset is refused while the device is open. It claims the device, so that
 * nobody opens it meanwhile, takes dev->meta away with the queue frozen, and
 * only then frees what it held. Removal forbids opening for good, and resets
 * once more when the disk is gone, because disksize could be written until
 * then.
 *
 * Half a reset leaves nothing that could be used, so it goes to its end; but for a
 * large disk that takes long. So a worker does it, and a fatal signal ends nothing
 * but the wait for it.
 */
#include <linux/blk-mq.h>
#include <linux/slab.h>
#include <linux/zmalloc_fault.h>

#include <compat/block.h>

#include "zmram.h"

static int zmram_open(ZM_OPEN_ARGS)
{
	struct zmram_dev *dev = ZM_OPEN_DISK->private_data;

	lockdep_assert_held(&ZM_OPEN_DISK->open_mutex);
	return dev->claim || dev->removing ? -EBUSY : 0;
}

static const struct block_device_operations zmram_fops = {
	.owner = THIS_MODULE,
	.open = zmram_open,
	.submit_bio = zmram_submit_bio,
	.swap_slot_free_notify = zmram_slot_free_notify,
#ifdef ZM_HAVE_RW_PAGE
	.rw_page = zmram_rw_page,
#endif
};

static const struct zm_disk_limits zmram_limits = {
	.logical_block = ZMRAM_BLOCK_SIZE,
	.physical_block = PAGE_SIZE,
};

/**
 * zmram_lock_unsized() - take init_lock to change what is fixed with the size
 * @dev: the device
 *
 * Where the answer is -EBUSY, it comes at once, whoever has the lock. Else a reset
 * may have it, for long.
 *
 * Context: Process context, sleeps.
 * Return: 0 with init_lock held for writing, -EBUSY if the device has a size, or
 *	   -EINTR on a fatal signal.
 */
int zmram_lock_unsized(struct zmram_dev *dev)
{
	if (zmram_meta(dev))
		return -EBUSY;
	if (down_write_killable(&dev->init_lock))
		return -EINTR;
	if (!zmram_meta(dev))
		return 0;
	up_write(&dev->init_lock);
	return -EBUSY;
}

/**
 * zmram_dev_init() - give a device its size
 * @dev: the device, which has none; see zmram_lock_unsized()
 * @disksize: bytes, not 0; rounded up to pages
 *
 * Context: Process context, init_lock held for writing; sleeps.
 * Return: 0, -EINVAL, -ENOMEM, also beyond what a device can have.
 */
int zmram_dev_init(struct zmram_dev *dev, u64 disksize)
{
	struct zmram_meta *meta;

	lockdep_assert_held_write(&dev->init_lock);
	disksize = PAGE_ALIGN(disksize);
	if (!disksize)
		return -EINVAL;
	if (disksize >> PAGE_SHIFT > ZMRAM_MAX_SLOTS)
		return -ENOMEM;
	meta = zmram_meta_create(dev, disksize >> PAGE_SHIFT);
	if (IS_ERR(meta))
		return PTR_ERR(meta);
	dev->disksize = disksize;
	/* So that no limit set meanwhile misses the pool. */
	mutex_lock(&dev->tune_lock);
	zm_pool_set_limit(meta->pool, dev->limit_pages);
	rcu_assign_pointer(dev->meta, meta);
	mutex_unlock(&dev->tune_lock);
	set_capacity_and_notify(dev->disk, disksize >> SECTOR_SHIFT);
	return 0;
}

/* The table finds whatever slot it is asked for; only the bounds have to move. */
static void zmram_dev_grow(struct zmram_dev *dev, u64 disksize)
{
	lockdep_assert_held(&dev->tune_lock);
	/* First, so that nobody finds the disk longer than what it takes. */
	WRITE_ONCE(zmram_meta(dev)->nr_slots, disksize >> PAGE_SHIFT);
	WRITE_ONCE(dev->disksize, disksize);
	set_capacity_and_notify(dev->disk, disksize >> SECTOR_SHIFT);
}

/**
 * zmram_dev_resize() - grow a device that has a size, also while it is in use
 * @dev: the device
 * @disksize: bytes; rounded up to pages. The present size is no error.
 *
 * A long operation that is under way may or may not go on into the new part.
 *
 * Context: Process context, sleeps.
 * Return: 0, -EINVAL to shrink it or when it has no size, -ENOMEM beyond what a
 *	   device can have, -EINTR on a fatal signal.
 */
int zmram_dev_resize(struct zmram_dev *dev, u64 disksize)
{
	int ret = 0;

	disksize = PAGE_ALIGN(disksize);
	if (down_read_killable(&dev->init_lock))
		return -EINTR;
	mutex_lock(&dev->tune_lock);
	if (!zmram_meta(dev) || disksize < dev->disksize)
		ret = -EINVAL;
	else if (disksize >> PAGE_SHIFT > ZMRAM_MAX_SLOTS)
		ret = -ENOMEM;
	else if (disksize > dev->disksize)
		zmram_dev_grow(dev, disksize);
	mutex_unlock(&dev->tune_lock);
	up_read(&dev->init_lock);
	return ret;
}

/**
 * zmram_dev_set_limit() - bound the memory of a device
 * @dev: the device, whether it has a size or not
 * @pages: the bound, 0 for none
 *
 * Context: Process context; waits for nothing that takes long.
 */
void zmram_dev_set_limit(struct zmram_dev *dev, unsigned long pages)
{
	struct zmram_meta *meta;

	mutex_lock(&dev->tune_lock);
	WRITE_ONCE(dev->limit_pages, pages);
	rcu_read_lock();
	meta = rcu_dereference(dev->meta);
	if (meta)
		zm_pool_set_limit(meta->pool, pages);
	rcu_read_unlock();
	mutex_unlock(&dev->tune_lock);
}

/* Takes all data away, and frees it. */
static void zmram_dev_drop_meta(struct zmram_dev *dev)
{
	struct zmram_meta *meta = zmram_meta(dev);

	lockdep_assert_held_write(&dev->init_lock);
	if (!meta)
		return;
	set_capacity_and_notify(dev->disk, 0);
	/* Requests that found meta have ended when this returns. */
	blk_mq_freeze_queue(dev->disk->queue);
	rcu_assign_pointer(dev->meta, NULL);
	blk_mq_unfreeze_queue(dev->disk->queue);
	/* And so have readers of its statistics after this. */
	synchronize_rcu();
	zmram_meta_destroy(dev, meta);
}

/* Back to the state of a device just added. Nobody has it open. */
static void zmram_dev_clear(struct zmram_dev *dev)
{
	struct zmram_backing *backing;
	unsigned int prio;

	down_write(&dev->init_lock);
	zmram_post_drain(dev);
	zmram_post_begin_reset(dev);
	zmram_dev_drop_meta(dev);
	zmram_stats_clear(dev);
	WRITE_ONCE(dev->gave_up, 0);
	dev->disksize = 0;
	zmram_dev_set_limit(dev, 0);
	WRITE_ONCE(dev->algorithm[0], zmram_backends[0]);
	for (prio = 1; prio < ZMRAM_MAX_COMPS; prio++)
		WRITE_ONCE(dev->algorithm[prio], NULL);
	zmram_params_forget(dev);
	backing = zmram_wb_reset(dev);
	zmram_post_end(dev);
	/* What begins now, on a device that gets a size again, may go on. */
	WRITE_ONCE(dev->stopping, false);
	up_write(&dev->init_lock);
	zmram_backing_close(backing);
}

static void zmram_reset_work(struct work_struct *work)
{
	struct zmram_dev *dev = container_of(work, struct zmram_dev, reset_work);
	struct gendisk *disk = dev->disk;

	sync_blockdev(disk->part0);
	zmram_dev_clear(dev);
	mutex_lock(&disk->open_mutex);
	WRITE_ONCE(dev->claim, false);
	WRITE_ONCE(dev->resets_done, dev->resets);
	wake_up_all(&dev->reset_wait);
	mutex_unlock(&disk->open_mutex);
}

/**
 * zmram_dev_reset() - drop all data and settings of a device
 * @dev: the device
 *
 * Context: Process context, sleeps.
 * Return: 0; -EBUSY while it is open, being reset or being removed; -EINTR on a
 *	   fatal signal: the reset goes on, and the device is busy until it is done.
 */
int zmram_dev_reset(struct zmram_dev *dev)
{
	struct gendisk *disk = dev->disk;
	unsigned long nr;

	mutex_lock(&disk->open_mutex);
	if (disk_openers(disk) || dev->claim || dev->removing) {
		mutex_unlock(&disk->open_mutex);
		return -EBUSY;
	}
	zmram_post_expect_reset(dev);
	WRITE_ONCE(dev->claim, true);
	WRITE_ONCE(dev->stopping, true);
	nr = ++dev->resets;
	queue_work(zmram_workqueue, &dev->reset_work);
	mutex_unlock(&disk->open_mutex);
	/* When this task looks, others may have been made since. */
	if (wait_event_killable(dev->reset_wait, (long)(READ_ONCE(dev->resets_done) - nr) >= 0))
		return -EINTR;
	return 0;
}

static void zmram_dev_free(struct zmram_dev *dev)
{
	mempool_exit(&dev->bounce_pool);
	free_percpu(dev->stats);
	kfree(dev);
}

/**
 * zmram_dev_remove() - remove a device for good
 * @dev: the device; freed on success
 *
 * Context: Process context, sleeps; a reset under way is waited for.
 * Return: 0, or -EBUSY while it is open.
 */
int zmram_dev_remove(struct zmram_dev *dev)
{
	struct gendisk *disk = dev->disk;

	mutex_lock(&disk->open_mutex);
	if (disk_openers(disk) || dev->removing) {
		mutex_unlock(&disk->open_mutex);
		return -EBUSY;
	}
	WRITE_ONCE(dev->removing, true);
	mutex_unlock(&disk->open_mutex);

	/* One that nobody waits for may be under way; none begins any more. */
	flush_work(&dev->reset_work);
	/* Nobody has it open or will; writers of sysfs files may be inside. */
	sync_blockdev(disk->part0);
	zm_delay(ZM_DELAY_REMOVE);
	del_gendisk(disk);
	zmram_debugfs_del(dev);
	/* Now they are not, and what they left is freed. */
	zmram_dev_clear(dev);
	pr_info("removed %s\n", disk->disk_name);
	put_disk(disk);
	zmram_dev_free(dev);
	return 0;
}

static void zmram_disk_setup(struct zmram_dev *dev)
{
	struct gendisk *disk = dev->disk;

	disk->major = zmram_major;
	disk->first_minor = dev->id;
	disk->minors = 1;
	disk->flags |= GENHD_FL_NO_PART;
	disk->fops = &zmram_fops;
	disk->private_data = dev;
	snprintf(disk->disk_name, sizeof(disk->disk_name), "%s%d", zmram_disk_prefix(), dev->id);
	set_capacity(disk, 0);
}

/**
 * zmram_dev_create() - add a device
 * @id: its number
 *
 * Everything is set up before the disk and its attributes become visible.
 *
 * Context: Process context, sleeps.
 * Return: the device or an ERR_PTR().
 */
struct zmram_dev *zmram_dev_create(int id)
{
	struct zmram_dev *dev = kzalloc(sizeof(*dev), GFP_KERNEL);
	int ret = -ENOMEM;

	if (!dev)
		return ERR_PTR(ret);
	dev->id = id;
	dev->algorithm[0] = zmram_backends[0];
	init_rwsem(&dev->init_lock);
	INIT_WORK(&dev->reset_work, zmram_reset_work);
	init_waitqueue_head(&dev->reset_wait);
	zmram_post_init(dev);
	mutex_init(&dev->tune_lock);
	zmram_wb_init(dev);
	dev->stats = alloc_percpu(struct zmram_stats);
	if (!dev->stats || mempool_init_page_pool(&dev->bounce_pool, 1, 0))
		goto free_dev;
	dev->disk = zm_compat_alloc_disk(&zmram_limits);
	if (IS_ERR(dev->disk)) {
		ret = PTR_ERR(dev->disk);
		goto free_dev;
	}
	zmram_disk_setup(dev);
	zmram_debugfs_add(dev);
	ret = device_add_disk(NULL, dev->disk, zmram_disk_groups);
	if (ret)
		goto put_disk;
	pr_info("added %s\n", dev->disk->disk_name);
	return dev;

put_disk:
	zmram_debugfs_del(dev);
	/* Its attributes were there for a moment, and somebody may have used them. */
	flush_work(&dev->reset_work);
	zmram_dev_clear(dev);
	put_disk(dev->disk);
free_dev:
	zmram_dev_free(dev);
	return ERR_PTR(ret);
}
