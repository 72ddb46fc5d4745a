// SPDX-License-Identifier: GPL-2.0
/*
 * Benchmark: the kernel's compressors called directly, page by page, as the floor
 * for any driver built on them. A page written to an algorithm's file is
 * compressed, copied to where objects would be, decompressed, and compared.
 *
 *	cat CORPUS > /sys/kernel/debug/zm_codec/lz4
 *	cat /sys/kernel/debug/zm_codec/lz4	# pages bytes compress copy decompress
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
#include <linux/zstd.h>

#define ZM_CODEC_BUFFER		(2 * PAGE_SIZE)
#define ZM_CODEC_ZSTD_LEVEL	3

struct zm_codec {
	const char *name;
	int (*init)(void);
	int (*compress)(const void *src, void *dst);
	int (*decompress)(const void *src, int len, void *dst);
	u64 pages, bytes, ticks_compress, ticks_copy, ticks_decompress;
};

static DEFINE_MUTEX(zm_codec_mutex);
static struct dentry *zm_codec_dir;
static void *zm_codec_plain, *zm_codec_packed, *zm_codec_stored, *zm_codec_back;
static void *zm_lz4_work, *zm_zstd_cwork, *zm_zstd_dwork;
static zstd_parameters zm_zstd_params;
static zstd_cctx *zm_zstd_cctx;
static zstd_dctx *zm_zstd_dctx;

static int zm_lz4_init(void)
{
	zm_lz4_work = vmalloc(LZ4_MEM_COMPRESS);
	return zm_lz4_work ? 0 : -ENOMEM;
}

static int zm_lz4_compress(const void *src, void *dst)
{
	return LZ4_compress_default(src, dst, PAGE_SIZE, ZM_CODEC_BUFFER, zm_lz4_work);
}

static int zm_lz4_decompress(const void *src, int len, void *dst)
{
	return LZ4_decompress_safe(src, dst, len, PAGE_SIZE);
}

static int zm_zstd_init(void)
{
	size_t csize, dsize = zstd_dctx_workspace_bound();

	zm_zstd_params = zstd_get_params(ZM_CODEC_ZSTD_LEVEL, PAGE_SIZE);
	csize = zstd_cctx_workspace_bound(&zm_zstd_params.cParams);
	zm_zstd_cwork = vzalloc(csize);
	zm_zstd_dwork = vzalloc(dsize);
	if (!zm_zstd_cwork || !zm_zstd_dwork)
		return -ENOMEM;
	zm_zstd_cctx = zstd_init_cctx(zm_zstd_cwork, csize);
	zm_zstd_dctx = zstd_init_dctx(zm_zstd_dwork, dsize);
	return zm_zstd_cctx && zm_zstd_dctx ? 0 : -EINVAL;
}

static int zm_zstd_compress(const void *src, void *dst)
{
	size_t len = zstd_compress_cctx(zm_zstd_cctx, dst, ZM_CODEC_BUFFER, src, PAGE_SIZE,
					&zm_zstd_params);

	return zstd_is_error(len) ? -EINVAL : len;
}

static int zm_zstd_decompress(const void *src, int len, void *dst)
{
	size_t n = zstd_decompress_dctx(zm_zstd_dctx, dst, PAGE_SIZE, src, len);

	return zstd_is_error(n) ? -EINVAL : n;
}

static struct zm_codec zm_codecs[] = {
	{
		.name = "lz4",
		.init = zm_lz4_init,
		.compress = zm_lz4_compress,
		.decompress = zm_lz4_decompress,
	}, {
		.name = "zstd",
		.init = zm_zstd_init,
		.compress = zm_zstd_compress,
		.decompress = zm_zstd_decompress,
	},
};

static int zm_codec_page(struct zm_codec *codec)
{
	cycles_t start, packed, copied, done;
	unsigned long flags;
	int len, n = 0;

	local_irq_save(flags);
	start = get_cycles();
	len = codec->compress(zm_codec_plain, zm_codec_packed);
	packed = get_cycles();
	if (len > 0)
		memcpy(zm_codec_stored, zm_codec_packed, len);
	copied = get_cycles();
	if (len > 0)
		n = codec->decompress(zm_codec_stored, len, zm_codec_back);
	done = get_cycles();
	local_irq_restore(flags);
	if (n != PAGE_SIZE || memcmp(zm_codec_plain, zm_codec_back, PAGE_SIZE))
		return -EIO;
	codec->pages++;
	codec->bytes += len;
	codec->ticks_compress += packed - start;
	codec->ticks_copy += copied - packed;
	codec->ticks_decompress += done - copied;
	return 0;
}

static ssize_t zm_codec_write(struct file *file, const char __user *buf, size_t count,
			      loff_t *pos)
{
	size_t done;
	int ret = 0;

	if (!count || count % PAGE_SIZE)
		return -EINVAL;
	mutex_lock(&zm_codec_mutex);
	for (done = 0; done < count && !ret; done += PAGE_SIZE) {
		if (copy_from_user(zm_codec_plain, buf + done, PAGE_SIZE))
			ret = -EFAULT;
		else
			ret = zm_codec_page(file->private_data);
	}
	mutex_unlock(&zm_codec_mutex);
	return ret ? ret : count;
}

static ssize_t zm_codec_read(struct file *file, char __user *buf, size_t count, loff_t *pos)
{
	struct zm_codec *codec = file->private_data;
	char text[128];
	int len;

	mutex_lock(&zm_codec_mutex);
	len = scnprintf(text, sizeof(text), "%llu %llu %llu %llu %llu\n", codec->pages,
			codec->bytes, codec->ticks_compress, codec->ticks_copy,
			codec->ticks_decompress);
	mutex_unlock(&zm_codec_mutex);
	return simple_read_from_buffer(buf, count, pos, text, len);
}

static int zm_codec_open(struct inode *inode, struct file *file)
{
	struct zm_codec *codec = inode->i_private;

	file->private_data = codec;
	if (!(file->f_mode & FMODE_WRITE))
		return 0;
	mutex_lock(&zm_codec_mutex);
	codec->pages = 0;
	codec->bytes = 0;
	codec->ticks_compress = 0;
	codec->ticks_copy = 0;
	codec->ticks_decompress = 0;
	mutex_unlock(&zm_codec_mutex);
	return 0;
}

static const struct file_operations zm_codec_fops = {
	.owner = THIS_MODULE,
	.open = zm_codec_open,
	.read = zm_codec_read,
	.write = zm_codec_write,
	.llseek = default_llseek,
};

static void zm_codec_free(void)
{
	vfree(zm_lz4_work);
	vfree(zm_zstd_cwork);
	vfree(zm_zstd_dwork);
	kfree(zm_codec_plain);
	kfree(zm_codec_packed);
	kfree(zm_codec_stored);
	kfree(zm_codec_back);
}

static int zm_codec_alloc(void)
{
	int i, ret;

	zm_codec_plain = kmalloc(PAGE_SIZE, GFP_KERNEL);
	zm_codec_packed = kmalloc(ZM_CODEC_BUFFER, GFP_KERNEL);
	zm_codec_stored = kmalloc(ZM_CODEC_BUFFER, GFP_KERNEL);
	zm_codec_back = kmalloc(PAGE_SIZE, GFP_KERNEL);
	if (!zm_codec_plain || !zm_codec_packed || !zm_codec_stored || !zm_codec_back)
		return -ENOMEM;
	for (i = 0; i < ARRAY_SIZE(zm_codecs); i++) {
		ret = zm_codecs[i].init();
		if (ret)
			return ret;
	}
	return 0;
}

static int __init zm_codec_init(void)
{
	int i, ret = zm_codec_alloc();

	if (ret) {
		zm_codec_free();
		return ret;
	}
	zm_codec_dir = debugfs_create_dir("zm_codec", NULL);
	for (i = 0; i < ARRAY_SIZE(zm_codecs); i++)
		debugfs_create_file(zm_codecs[i].name, 0600, zm_codec_dir, &zm_codecs[i],
				    &zm_codec_fops);
	return 0;
}

static void __exit zm_codec_exit(void)
{
	debugfs_remove(zm_codec_dir);
	zm_codec_free();
}

module_init(zm_codec_init);
module_exit(zm_codec_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("The kernel's compressors called directly, for the benchmark");
