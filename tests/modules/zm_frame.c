// SPDX-License-Identifier: GPL-2.0
/*
 * Test lever: the memory of one page frame, to read and to write, as broken
 * hardware or somebody else's stray pointer would.
 *
 *	echo PFN > /sys/kernel/debug/zm_frame/pfn
 *	dd if=BYTES of=/sys/kernel/debug/zm_frame/data bs=1 seek=OFFSET
 *
 * Nothing is locked, and the frame may have moved: its user sees to it that
 * nobody moves or uses it meanwhile.
 */
#include <linux/debugfs.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/module.h>

static struct dentry *zm_frame_dir;
static u64 zm_frame_pfn;

static void *zm_frame_memory(void)
{
	unsigned long pfn = READ_ONCE(zm_frame_pfn);

	return pfn && pfn_valid(pfn) ? page_address(pfn_to_page(pfn)) : NULL;
}

static ssize_t zm_frame_read(struct file *file, char __user *buf, size_t count, loff_t *pos)
{
	void *memory = zm_frame_memory();

	return memory ? simple_read_from_buffer(buf, count, pos, memory, PAGE_SIZE) : -ENXIO;
}

static ssize_t zm_frame_write(struct file *file, const char __user *buf, size_t count,
			      loff_t *pos)
{
	void *memory = zm_frame_memory();

	return memory ? simple_write_to_buffer(memory, PAGE_SIZE, pos, buf, count) : -ENXIO;
}

static const struct file_operations zm_frame_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.read = zm_frame_read,
	.write = zm_frame_write,
	.llseek = default_llseek,
};

static int __init zm_frame_init(void)
{
	zm_frame_dir = debugfs_create_dir("zm_frame", NULL);
	debugfs_create_u64("pfn", 0600, zm_frame_dir, &zm_frame_pfn);
	debugfs_create_file("data", 0600, zm_frame_dir, NULL, &zm_frame_fops);
	return 0;
}

static void __exit zm_frame_exit(void)
{
	debugfs_remove(zm_frame_dir);
}

module_init(zm_frame_init);
module_exit(zm_frame_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Memory of a page frame, for tests");
