// SPDX-License-Identifier: GPL-2.0
/*
 * debugfs: /sys/kernel/debug/zmalloc/<pool>/. For people and tests, not an
 * interface: names and columns may change.
 *
 *	classes		a line per size class in use, and totals
 *	zspages		a line per page frame
 *	counters	name-value lines
 *
 * The page map is a snapshot made at open, class by class under class->lock: on a
 * large pool, I/O of that class waits for the walk.
 */
#include <linux/debugfs.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include "internal.h"

static struct dentry *zm_debugfs_root;

static int classes_show(struct seq_file *m, void *unused)
{
	struct zm_pool *pool = m->private;
	unsigned long zspages = 0, objects = 0, pages = 0;
	unsigned int i;

	seq_printf(m, "#%5s %5s %7s %10s %10s %10s %10s\n", "size", "pages", "objects",
		   "zspages", "in_use", "capacity", "page_total");
	for (i = 0; i < zm_nr_classes; i++) {
		struct zm_class *class = &pool->classes[i];
		const struct zm_geometry *geo = class->geo;
		unsigned long n = READ_ONCE(class->zspages), used = READ_ONCE(class->objects);

		if (!n)
			continue;
		seq_printf(m, "%6u %5u %7u %10lu %10lu %10lu %10lu\n", geo->size, geo->pages,
			   geo->objects, n, used, n * geo->objects, n * geo->pages);
		zspages += n;
		objects += used;
		pages += n * geo->pages;
	}
	seq_printf(m, "%6s %5s %7s %10lu %10lu %10s %10lu\n", "total", "", "",
		   zspages, objects, "", pages);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(classes);

static int counters_show(struct seq_file *m, void *unused)
{
	struct zm_pool *pool = m->private;
	int i;

	seq_printf(m, "pages %lu\n", zm_pool_pages(pool));
	for (i = 0; i < ZM_NR_COUNTERS; i++)
		seq_printf(m, "%s %llu\n", zm_counter_name(i), zm_pool_counter(pool, i));
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(counters);

struct zm_map_entry {
	unsigned long pfn;
	u16 class;
	u16 inuse;
	u8 pos;
};

struct zm_map {
	bool movable;
	unsigned long nr, max;
	struct zm_map_entry entry[];
};

static void zm_map_add_class(struct zm_map *map, struct zm_class *class)
{
	struct zm_zspage *zspage;
	unsigned int group, pos;

	spin_lock(&class->lock);
	for (group = 0; group < ZM_GROUPS; group++) {
		list_for_each_entry(zspage, &class->group[group], node) {
			for (pos = 0; pos < zspage->nr_pages && map->nr < map->max; pos++)
				map->entry[map->nr++] = (struct zm_map_entry) {
					.pfn = page_to_pfn(zspage->pages[pos]),
					.class = class->id - 1,
					.inuse = zspage->inuse,
					.pos = pos,
				};
		}
	}
	spin_unlock(&class->lock);
}

static void *zm_map_start(struct seq_file *m, loff_t *pos)
{
	struct zm_map *map = m->private;

	if (!*pos)
		return SEQ_START_TOKEN;
	return *pos <= map->nr ? &map->entry[*pos - 1] : NULL;
}

static void *zm_map_next(struct seq_file *m, void *v, loff_t *pos)
{
	++*pos;
	return zm_map_start(m, pos);
}

static void zm_map_stop(struct seq_file *m, void *v)
{
}

static int zm_map_show(struct seq_file *m, void *v)
{
	const struct zm_map *map = m->private;
	const struct zm_map_entry *e = v;

	if (v == SEQ_START_TOKEN) {
		seq_puts(m, "# pfn class_size position in_use/capacity kind\n");
		return 0;
	}
	seq_printf(m, "%lu %u %u %u/%u %s\n", e->pfn, zm_geometries[e->class].size, e->pos,
		   e->inuse, zm_geometries[e->class].objects, map->movable ? "movable" : "pinned");
	return 0;
}

static const struct seq_operations zm_map_seq_ops = {
	.start = zm_map_start,
	.next = zm_map_next,
	.stop = zm_map_stop,
	.show = zm_map_show,
};

static int zspages_open(struct inode *inode, struct file *file)
{
	struct zm_pool *pool = inode->i_private;
	unsigned long max = zm_pool_pages(pool) + 256;
	struct zm_map *map;
	unsigned int i;
	int ret;

	map = kvmalloc(struct_size(map, entry, max), GFP_KERNEL | __GFP_NOWARN);
	if (!map)
		return -ENOMEM;
	map->movable = pool->movable;
	map->nr = 0;
	map->max = max;
	for (i = 0; i < zm_nr_classes; i++) {
		zm_map_add_class(map, &pool->classes[i]);
		cond_resched();
	}
	ret = seq_open(file, &zm_map_seq_ops);
	if (ret) {
		kvfree(map);
		return ret;
	}
	((struct seq_file *)file->private_data)->private = map;
	return 0;
}

static int zspages_release(struct inode *inode, struct file *file)
{
	kvfree(((struct seq_file *)file->private_data)->private);
	return seq_release(inode, file);
}

static const struct file_operations zspages_fops = {
	.owner = THIS_MODULE,
	.open = zspages_open,
	.read = seq_read,
	.llseek = seq_lseek,
	.release = zspages_release,
};

void zm_debugfs_add_pool(struct zm_pool *pool)
{
	pool->debugfs = debugfs_create_dir(pool->name, zm_debugfs_root);
	debugfs_create_file("classes", 0400, pool->debugfs, pool, &classes_fops);
	debugfs_create_file("counters", 0400, pool->debugfs, pool, &counters_fops);
	debugfs_create_file("zspages", 0400, pool->debugfs, pool, &zspages_fops);
}

/* Waits for readers inside the files, so that none uses the pool after this. */
void zm_debugfs_del_pool(struct zm_pool *pool)
{
	debugfs_remove(pool->debugfs);
}

void zm_debugfs_create(void)
{
	zm_debugfs_root = debugfs_create_dir("zmalloc", NULL);
	zm_faults_create();
}

void zm_debugfs_destroy(void)
{
	zm_faults_destroy();
	debugfs_remove(zm_debugfs_root);
}
