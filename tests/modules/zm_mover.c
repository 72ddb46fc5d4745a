// SPDX-License-Identifier: GPL-2.0
/*
 * Test lever: moves one chosen page frame, or as many in a row as "frames" says.
 * alloc_contig_range() isolates them, migrates what is on them and takes them;
 * here they are freed again at once.
 *
 *	echo PFN > /sys/kernel/debug/zm_mover/move
 *
 * The write fails with what alloc_contig_range() returned; -EBUSY means that a
 * page could not be moved. tries and moved count writes since load.
 */
#include <linux/debugfs.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/module.h>

static struct dentry *zm_mover_dir;
static atomic_t zm_mover_tries, zm_mover_moved;
static u32 zm_mover_frames = 1;

static int zm_mover_move(void *data, u64 pfn)
{
	u32 frames = READ_ONCE(zm_mover_frames), i;
	int ret;

	for (i = 0; i < frames; i++)
		if (!pfn_valid(pfn + i) || !pfn_to_online_page(pfn + i))
			return -ENXIO;
	atomic_inc(&zm_mover_tries);
	ret = alloc_contig_range(pfn, pfn + frames, MIGRATE_MOVABLE, GFP_KERNEL);
	if (ret)
		return ret;
	free_contig_range(pfn, frames);
	atomic_inc(&zm_mover_moved);
	return 0;
}

DEFINE_DEBUGFS_ATTRIBUTE(zm_mover_move_fops, NULL, zm_mover_move, "%llu\n");

static int __init zm_mover_init(void)
{
	zm_mover_dir = debugfs_create_dir("zm_mover", NULL);
	debugfs_create_file("move", 0200, zm_mover_dir, NULL, &zm_mover_move_fops);
	debugfs_create_u32("frames", 0600, zm_mover_dir, &zm_mover_frames);
	debugfs_create_atomic_t("tries", 0400, zm_mover_dir, &zm_mover_tries);
	debugfs_create_atomic_t("moved", 0400, zm_mover_dir, &zm_mover_moved);
	return 0;
}

static void __exit zm_mover_exit(void)
{
	debugfs_remove(zm_mover_dir);
}

module_init(zm_mover_init);
module_exit(zm_mover_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Moves chosen page frames, for tests");
