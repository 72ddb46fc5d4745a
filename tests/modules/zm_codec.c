// SPDX-License-Identifier: GPL-2.0
/*
 * Benchmark: the kernel's LZ4 called directly, page by page, as the floor for
 * any driver built on it. A page written to the file "codec" is compressed into
 * a buffer, copied to where objects would be, decompressed, and compared.
 *
 *	cat CORPUS > /sys/kernel/debug/zm_codec/codec
 *	cat /sys/kernel/debug/zm_codec/codec	# pages bytes compress copy decompress
 *
 * The last three are ticks of the time stamp counter with interrupts off: in a
 * guest that counts instructions, instructions. Opening for write starts anew.
 */
#include <linux/debugfs.h>
#include <linux/fs.h>
#include <linux/lz4.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/timex.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>

static struct zm_codec {
	struct mutex lock;
	void *ctx;
	void *plain, *packed, *stored, *back;
	u64 pages, bytes, compress, copy, decompress;
} zm_codec;

static struct dentry *zm_codec_dir;

static int zm_codec_compress(struct zm_codec *codec)
{
	unsigned long flags;
	cycles_t start;
	int len;

	local_irq_save(flags);
	start = get_cycles();
	len = LZ4_compress_default(codec->plain, codec->packed, PAGE_SIZE, 2 * PAGE_SIZE,
				   codec->ctx);
	codec->compress += get_cycles() - start;
	local_irq_restore(flags);
	return len;
}

static void zm_codec_copy(struct zm_codec *codec, int len)
{
	unsigned long flags;
	cycles_t start;

	local_irq_save(flags);
	start = get_cycles();
	memcpy(codec->stored, codec->packed, len);
	codec->copy += get_cycles() - start;
	local_irq_restore(flags);
}

static int zm_codec_decompress(struct zm_codec *codec, int len)
{
	unsigned long flags;
	cycles_t start;
	int ret;

	local_irq_save(flags);
	start = get_cycles();
	ret = LZ4_decompress_safe(codec->stored, codec->back, len, PAGE_SIZE);
	codec->decompress += get_cycles() - start;
	local_irq_restore(flags);
	return ret;
}

/* As the drivers do it: a page that does not shrink is stored as it is. */
static int zm_codec_page(struct zm_codec *codec)
{
	int len = zm_codec_compress(codec);

	if (len <= 0)
		return -EIO;
	zm_codec_copy(codec, len);
	if (zm_codec_decompress(codec, len) != PAGE_SIZE ||
	    memcmp(codec->plain, codec->back, PAGE_SIZE))
		return -EIO;
	codec->pages++;
	codec->bytes += len;
	return 0;
}

static ssize_t zm_codec_write(struct file *file, const char __user *buf, size_t count,
			      loff_t *pos)
{
	size_t done;
	int ret = 0;

	if (!count || count % PAGE_SIZE)
		return -EINVAL;
	mutex_lock(&zm_codec.lock);
	for (done = 0; done < count && !ret; done += PAGE_SIZE) {
		if (copy_from_user(zm_codec.plain, buf + done, PAGE_SIZE))
			ret = -EFAULT;
		else
			ret = zm_codec_page(&zm_codec);
	}
	mutex_unlock(&zm_codec.lock);
	return ret ? ret : count;
}

static ssize_t zm_codec_read(struct file *file, char __user *buf, size_t count, loff_t *pos)
{
	char text[128];
	int len;

	mutex_lock(&zm_codec.lock);
	len = scnprintf(text, sizeof(text), "%llu %llu %llu %llu %llu\n", zm_codec.pages,
			zm_codec.bytes, zm_codec.compress, zm_codec.copy, zm_codec.decompress);
	mutex_unlock(&zm_codec.lock);
	return simple_read_from_buffer(buf, count, pos, text, len);
}

static int zm_codec_open(struct inode *inode, struct file *file)
{
	if (file->f_mode & FMODE_WRITE) {
		mutex_lock(&zm_codec.lock);
		zm_codec.pages = 0;
		zm_codec.bytes = 0;
		zm_codec.compress = 0;
		zm_codec.copy = 0;
		zm_codec.decompress = 0;
		mutex_unlock(&zm_codec.lock);
	}
	return 0;
}

static const struct file_operations zm_codec_fops = {
	.owner = THIS_MODULE,
	.open = zm_codec_open,
	.read = zm_codec_read,
	.write = zm_codec_write,
	.llseek = default_llseek,
};

static void zm_codec_free(struct zm_codec *codec)
{
	vfree(codec->ctx);
	kfree(codec->plain);
	kfree(codec->packed);
	kfree(codec->stored);
	kfree(codec->back);
}

static int __init zm_codec_init(void)
{
	mutex_init(&zm_codec.lock);
	zm_codec.ctx = vmalloc(LZ4_MEM_COMPRESS);
	zm_codec.plain = kmalloc(PAGE_SIZE, GFP_KERNEL);
	zm_codec.packed = kmalloc(2 * PAGE_SIZE, GFP_KERNEL);
	zm_codec.stored = kmalloc(2 * PAGE_SIZE, GFP_KERNEL);
	zm_codec.back = kmalloc(PAGE_SIZE, GFP_KERNEL);
	if (!zm_codec.ctx || !zm_codec.plain || !zm_codec.packed || !zm_codec.stored ||
	    !zm_codec.back) {
		zm_codec_free(&zm_codec);
		return -ENOMEM;
	}
	zm_codec_dir = debugfs_create_dir("zm_codec", NULL);
	debugfs_create_file("codec", 0600, zm_codec_dir, NULL, &zm_codec_fops);
	return 0;
}

static void __exit zm_codec_exit(void)
{
	debugfs_remove(zm_codec_dir);
	zm_codec_free(&zm_codec);
}

module_init(zm_codec_init);
module_exit(zm_codec_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("The kernel's LZ4 called directly, for the benchmark");
