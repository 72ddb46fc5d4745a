// SPDX-License-Identifier: GPL-2.0
/*
 * What bounds and shapes writeback: how much may be written (writeback_limit),
 * how many pages are in flight (writeback_batch_size), and whether pages go out
 * as they are stored (compressed_writeback). What can be changed while writeback
 * runs does not take init_lock.
 *
 * A page is charged when it is submitted, so that many in flight cannot overdraw
 * the limit, and refunded when its write fails: the limit is there to spare flash,
 * and counts what was written to it.
 */
#include <linux/kstrtox.h>
#include <linux/sysfs.h>

#include "zmram.h"

#define ZMRAM_WB_BATCH		32

/* The limit is in units of 4 KiB, whatever the page. */
#define ZMRAM_WB_UNITS		BIT(PAGE_SHIFT - 12)

/* Before the device is visible. */
void zmram_wb_init(struct zmram_dev *dev)
{
	spin_lock_init(&dev->wb.lock);
	dev->wb.batch = ZMRAM_WB_BATCH;
}

/* Back to the defaults; returns the backing device, for its caller to close. */
struct zmram_backing *zmram_wb_reset(struct zmram_dev *dev)
{
	struct zmram_wb *wb = &dev->wb;
	struct zmram_backing *backing;

	lockdep_assert_held_write(&dev->init_lock);
	spin_lock(&wb->lock);
	backing = wb->backing;
	WRITE_ONCE(wb->backing, NULL);
	wb->limited = false;
	wb->limit = 0;
	spin_unlock(&wb->lock);
	wb->compressed = false;
	WRITE_ONCE(wb->batch, ZMRAM_WB_BATCH);
	return backing;
}

/**
 * zmram_wb_charge() - ask for a page's worth of the limit
 * @dev: the device
 * @charge: set to what it cost, for a refund if the write fails
 *
 * Context: Any but interrupt context.
 * Return: false if the limit is reached.
 */
bool zmram_wb_charge(struct zmram_dev *dev, struct zmram_wb_charge *charge)
{
	struct zmram_wb *wb = &dev->wb;
	bool ok;

	spin_lock(&wb->lock);
	ok = !wb->limited || wb->limit;
	charge->units = wb->limited ? min_t(u64, wb->limit, ZMRAM_WB_UNITS) : 0;
	charge->limit_writes = wb->limit_writes;
	wb->limit -= charge->units;
	spin_unlock(&wb->lock);
	return ok;
}

bool zmram_wb_limit_reached(struct zmram_dev *dev)
{
	struct zmram_wb *wb = &dev->wb;
	bool reached;

	spin_lock(&wb->lock);
	reached = wb->limited && !wb->limit;
	spin_unlock(&wb->lock);
	return reached;
}

/* Takes back a charge: nothing was written. A limit that was set since stands. */
void zmram_wb_refund(struct zmram_dev *dev, const struct zmram_wb_charge *charge)
{
	struct zmram_wb *wb = &dev->wb;

	spin_lock(&wb->lock);
	if (wb->limit_writes == charge->limit_writes)
		wb->limit += charge->units;
	spin_unlock(&wb->lock);
}

static ssize_t writeback_limit_show(struct device *device, struct device_attribute *attr,
				    char *buf)
{
	struct zmram_wb *wb = &to_zmram(device)->wb;
	u64 limit;

	spin_lock(&wb->lock);
	limit = wb->limit;
	spin_unlock(&wb->lock);
	return sysfs_emit(buf, "%llu\n", limit);
}

static ssize_t writeback_limit_store(struct device *device, struct device_attribute *attr,
				     const char *buf, size_t len)
{
	struct zmram_wb *wb = &to_zmram(device)->wb;
	u64 limit;

	if (kstrtoull(buf, 10, &limit))
		return -EINVAL;
	spin_lock(&wb->lock);
	wb->limit = limit;
	wb->limit_writes++;
	spin_unlock(&wb->lock);
	return len;
}
static DEVICE_ATTR_RW(writeback_limit);

static ssize_t writeback_limit_enable_show(struct device *device, struct device_attribute *attr,
					   char *buf)
{
	return sysfs_emit(buf, "%d\n", READ_ONCE(to_zmram(device)->wb.limited));
}

static ssize_t writeback_limit_enable_store(struct device *device, struct device_attribute *attr,
					    const char *buf, size_t len)
{
	struct zmram_wb *wb = &to_zmram(device)->wb;
	u64 enable;

	if (kstrtoull(buf, 10, &enable))
		return -EINVAL;
	spin_lock(&wb->lock);
	WRITE_ONCE(wb->limited, enable);
	spin_unlock(&wb->lock);
	return len;
}
static DEVICE_ATTR_RW(writeback_limit_enable);

static ssize_t writeback_batch_size_show(struct device *device, struct device_attribute *attr,
					 char *buf)
{
	return sysfs_emit(buf, "%u\n", READ_ONCE(to_zmram(device)->wb.batch));
}

static ssize_t writeback_batch_size_store(struct device *device, struct device_attribute *attr,
					  const char *buf, size_t len)
{
	u32 batch;

	if (kstrtou32(buf, 10, &batch) || !batch)
		return -EINVAL;
	WRITE_ONCE(to_zmram(device)->wb.batch, batch);
	return len;
}
static DEVICE_ATTR_RW(writeback_batch_size);

static ssize_t compressed_writeback_show(struct device *device, struct device_attribute *attr,
					 char *buf)
{
	return sysfs_emit(buf, "%d\n", READ_ONCE(to_zmram(device)->wb.compressed));
}

static ssize_t compressed_writeback_store(struct device *device, struct device_attribute *attr,
					  const char *buf, size_t len)
{
	struct zmram_dev *dev = to_zmram(device);
	bool compressed;
	int ret;

	if (kstrtobool(buf, &compressed))
		return -EINVAL;
	ret = zmram_lock_unsized(dev);
	if (ret)
		return ret;
	WRITE_ONCE(dev->wb.compressed, compressed);
	up_write(&dev->init_lock);
	return len;
}
static DEVICE_ATTR_RW(compressed_writeback);

static struct attribute *zmram_wb_settings_attrs[] = {
	&dev_attr_writeback_limit.attr,
	&dev_attr_writeback_limit_enable.attr,
	&dev_attr_writeback_batch_size.attr,
	&dev_attr_compressed_writeback.attr,
	NULL,
};

const struct attribute_group zmram_wb_settings_group = {
	.attrs = zmram_wb_settings_attrs,
};
