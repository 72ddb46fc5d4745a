// SPDX-License-Identifier: GPL-2.0
/*
 * The device's attributes, in zram's names, formats and errors. Stores parse
 * first, then take init_lock, then act; a refused write changes nothing.
 * Statistics take no lock but RCU's, so that reading them waits for nothing; and
 * what may be set in use waits for nothing that takes long.
 */
#include <linux/string.h>
#include <linux/sysfs.h>

#include "zmram.h"

static ssize_t disksize_show(struct device *device, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%llu\n", READ_ONCE(to_zmram(device)->disksize));
}

static ssize_t disksize_store(struct device *device, struct device_attribute *attr,
			      const char *buf, size_t len)
{
	struct zmram_dev *dev = to_zmram(device);
	u64 disksize = memparse(buf, NULL);
	int ret;

	if (!disksize)
		return -EINVAL;
	ret = zmram_lock_unsized(dev);
	if (ret == -EBUSY)
		pr_info("%s: the size is set; resize grows it, reset allows another\n",
			dev->disk->disk_name);
	if (ret)
		return ret;
	ret = zmram_dev_init(dev, disksize);
	up_write(&dev->init_lock);
	return ret ? ret : len;
}
static DEVICE_ATTR_RW(disksize);

static ssize_t resize_store(struct device *device, struct device_attribute *attr,
			    const char *buf, size_t len)
{
	char *end;
	u64 disksize = memparse(buf, &end);
	int ret;

	/* disksize ignores what follows the number, as zram does; here it is a typo. */
	if (end == buf || *skip_spaces(end))
		return -EINVAL;
	ret = zmram_dev_resize(to_zmram(device), disksize);
	return ret ? ret : len;
}
static DEVICE_ATTR_WO(resize);

static ssize_t initstate_show(struct device *device, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%u\n", !!zmram_meta(to_zmram(device)));
}
static DEVICE_ATTR_RO(initstate);

static ssize_t reset_store(struct device *device, struct device_attribute *attr,
			   const char *buf, size_t len)
{
	unsigned short yes;
	int ret;

	ret = kstrtou16(buf, 10, &yes);
	if (ret)
		return ret;
	if (!yes)
		return -EINVAL;
	ret = zmram_dev_reset(to_zmram(device));
	return ret ? ret : len;
}
static DEVICE_ATTR_WO(reset);

static ssize_t comp_algorithm_show(struct device *device, struct device_attribute *attr,
				   char *buf)
{
	return zmram_backends_show(READ_ONCE(to_zmram(device)->algorithm[0]), buf, 0);
}

/* Chooses the algorithm of a priority; -EINVAL if unknown, -EBUSY once sized. */
int zmram_algorithm_set(struct zmram_dev *dev, unsigned int prio, const char *name)
{
	const struct zmram_comp_ops *ops = zmram_backend_find(name);
	int ret;

	if (!ops)
		return -EINVAL;
	ret = zmram_lock_unsized(dev);
	if (ret)
		return ret;
	WRITE_ONCE(dev->algorithm[prio], ops);
	up_write(&dev->init_lock);
	return 0;
}

static ssize_t comp_algorithm_store(struct device *device, struct device_attribute *attr,
				    const char *buf, size_t len)
{
	char name[ZMRAM_ALGORITHM_MAX];
	ssize_t end;
	int ret;

	end = strscpy(name, buf, sizeof(name));
	if (end < 0)
		return -E2BIG;
	if (end && name[end - 1] == '\n')
		name[end - 1] = '\0';
	ret = zmram_algorithm_set(to_zmram(device), 0, name);
	return ret ? ret : len;
}
static DEVICE_ATTR_RW(comp_algorithm);

/* Kept for zram's tools: there is a stream per CPU, and nothing to set. */
static ssize_t max_comp_streams_show(struct device *device, struct device_attribute *attr,
				     char *buf)
{
	return sysfs_emit(buf, "%d\n", num_online_cpus());
}

static ssize_t max_comp_streams_store(struct device *device, struct device_attribute *attr,
				      const char *buf, size_t len)
{
	return len;
}
static DEVICE_ATTR_RW(max_comp_streams);

static ssize_t mem_limit_store(struct device *device, struct device_attribute *attr,
			       const char *buf, size_t len)
{
	u64 limit;
	char *end;

	limit = memparse(buf, &end);
	if (end == buf)
		return -EINVAL;
	zmram_dev_set_limit(to_zmram(device), PAGE_ALIGN(limit) >> PAGE_SHIFT);
	return len;
}
static DEVICE_ATTR_WO(mem_limit);

static ssize_t mem_used_max_store(struct device *device, struct device_attribute *attr,
				  const char *buf, size_t len)
{
	struct zmram_meta *meta;
	unsigned long value;

	if (kstrtoul(buf, 10, &value) || value)
		return -EINVAL;
	rcu_read_lock();
	meta = rcu_dereference(to_zmram(device)->meta);
	if (meta)
		zm_pool_reset_peak(meta->pool);
	rcu_read_unlock();
	return len;
}
static DEVICE_ATTR_WO(mem_used_max);

static bool zmram_compact_step(void *dev, unsigned long zspages, unsigned long freed)
{
	zmram_post_done(dev, freed);
	return zmram_post_looked(dev, zspages);
}

static ssize_t compact_store(struct device *device, struct device_attribute *attr,
			     const char *buf, size_t len)
{
	struct zmram_dev *dev = to_zmram(device);
	struct zm_pool *pool;
	int ret;

	ret = zmram_post_begin(dev, ZMRAM_POST_COMPACT);
	/* Somebody else is at it. */
	if (ret == -EAGAIN)
		return len;
	if (ret)
		return ret;
	pool = zmram_meta(dev)->pool;
	zmram_post_set_total(dev, zm_compact_total(pool));
	zm_compact_until(pool, zmram_compact_step, dev);
	if (zmram_post_interrupted(dev))
		ret = -EINTR;
	zmram_post_end(dev);
	return ret ? ret : len;
}
static DEVICE_ATTR_WO(compact);

/* What mm_stat needs of the pool; zeroes without one. */
struct zmram_pool_stat {
	u64 used, peak, compacted;
};

static struct zmram_pool_stat zmram_pool_stat(struct zmram_dev *dev)
{
	struct zmram_pool_stat stat = { };
	struct zmram_meta *meta;

	rcu_read_lock();
	meta = rcu_dereference(dev->meta);
	if (meta) {
		stat.used = zm_pool_pages(meta->pool);
		stat.peak = zm_pool_peak(meta->pool);
		stat.compacted = zm_pool_counter(meta->pool, ZM_PAGES_COMPACTED);
	}
	rcu_read_unlock();
	return stat;
}

static ssize_t mm_stat_show(struct device *device, struct device_attribute *attr, char *buf)
{
	struct zmram_dev *dev = to_zmram(device);
	struct zmram_pool_stat pool = zmram_pool_stat(dev);

	return sysfs_emit(buf, "%8llu %8llu %8llu %8lu %8lld %8llu %8lu %8llu %8llu\n",
			  (u64)zmram_stat_read(dev, ZMRAM_PAGES_STORED) << PAGE_SHIFT,
			  (u64)zmram_stat_read(dev, ZMRAM_COMPR_SIZE),
			  pool.used << PAGE_SHIFT,
			  READ_ONCE(dev->limit_pages) << PAGE_SHIFT,
			  (s64)pool.peak << PAGE_SHIFT,
			  (u64)zmram_stat_read(dev, ZMRAM_SAME_PAGES),
			  (unsigned long)pool.compacted,
			  (u64)zmram_stat_read(dev, ZMRAM_HUGE_PAGES),
			  (u64)zmram_stat_read(dev, ZMRAM_HUGE_SINCE));
}
static DEVICE_ATTR_RO(mm_stat);

static ssize_t io_stat_show(struct device *device, struct device_attribute *attr, char *buf)
{
	struct zmram_dev *dev = to_zmram(device);

	return sysfs_emit(buf, "%8llu %8llu %8llu %8llu\n",
			  (u64)zmram_stat_read(dev, ZMRAM_FAILED_READS),
			  (u64)zmram_stat_read(dev, ZMRAM_FAILED_WRITES),
			  (u64)zmram_stat_read(dev, ZMRAM_INVALID_IO),
			  (u64)zmram_stat_read(dev, ZMRAM_NOTIFY_FREE));
}
static DEVICE_ATTR_RO(io_stat);

static ssize_t debug_stat_show(struct device *device, struct device_attribute *attr, char *buf)
{
	struct zmram_dev *dev = to_zmram(device);

	return sysfs_emit(buf, "version: 1\n%8llu %8llu\n",
			  (u64)zmram_stat_read(dev, ZMRAM_WRITESTALL),
			  (u64)zmram_stat_read(dev, ZMRAM_MISS_FREE));
}
static DEVICE_ATTR_RO(debug_stat);

static ssize_t move_stat_show(struct device *device, struct device_attribute *attr, char *buf)
{
	struct zmram_dev *dev = to_zmram(device);
	struct zmram_meta *meta;
	ssize_t len = 0;
	int i;

	rcu_read_lock();
	meta = rcu_dereference(dev->meta);
	for (i = 0; i < ZM_NR_COUNTERS; i++)
		len += sysfs_emit_at(buf, len, "%s %llu\n", zm_counter_name(i),
				     meta ? zm_pool_counter(meta->pool, i) : 0);
	rcu_read_unlock();
	return len;
}
static DEVICE_ATTR_RO(move_stat);

static struct attribute *zmram_disk_attrs[] = {
	&dev_attr_disksize.attr,
	&dev_attr_resize.attr,
	&dev_attr_initstate.attr,
	&dev_attr_reset.attr,
	&dev_attr_comp_algorithm.attr,
	&dev_attr_algorithm_params.attr,
	&dev_attr_max_comp_streams.attr,
	&dev_attr_mem_limit.attr,
	&dev_attr_mem_used_max.attr,
	&dev_attr_compact.attr,
	&dev_attr_mm_stat.attr,
	&dev_attr_io_stat.attr,
	&dev_attr_debug_stat.attr,
	&dev_attr_move_stat.attr,
	NULL,
};

static const struct attribute_group zmram_disk_group = {
	.attrs = zmram_disk_attrs,
};

const struct attribute_group *zmram_disk_groups[] = {
	&zmram_disk_group,
	&zmram_post_group,
	&zmram_idle_group,
	&zmram_recompress_group,
	&zmram_backing_group,
	&zmram_writeback_group,
	&zmram_wb_settings_group,
	NULL,
};
