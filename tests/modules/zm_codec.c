// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel's compressors called directly, page by page: the floor for any
 * driver built on them, and what its results are compared with. A page written to
 * an algorithm's file is compressed, copied to where objects would be,
 * decompressed, and compared.
 *
 *	echo 'LEVEL WINBITS DICT' > /sys/kernel/debug/zm_codec/params
 *	cat CORPUS > /sys/kernel/debug/zm_codec/lz4
 *	cat /sys/kernel/debug/zm_codec/lz4	# pages bytes compress copy decompress
 *	cat /sys/kernel/debug/zm_codec/page	# clear, zeroed as it is handed out, free
 *
 * The last three, and what a page takes, are ticks of the time stamp counter with
 * interrupts off: in a guest that counts instructions, instructions. Opening for
 * write starts anew, with the parameters written last; "-" is the default. Where the
 * driver under test saves work, for example by taking a dictionary in once, this does
 * not.
 */
#include <linux/debugfs.h>
#include <linux/fs.h>
#include <linux/kernel_read_file.h>
#include <linux/lz4.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/sw842.h>
#include <linux/timex.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>
#include <linux/zlib.h>
#include <linux/zstd.h>
#include <linux/zutil.h>
#include <linux/lzo.h>

#define ZM_CODEC_BUFFER		(2 * PAGE_SIZE)
#define ZM_CODEC_UNSET		S32_MIN
#define ZM_CODEC_PATH		256
#define ZM_CODEC_PAGES		2048U

struct zm_codec {
	const char *name;
	int (*init)(void);
	void (*exit)(void);
	int (*compress)(const void *src, void *dst);
	int (*decompress)(const void *src, int len, void *dst);
	u64 pages, bytes, ticks_compress, ticks_copy, ticks_decompress;
};

static DEFINE_MUTEX(zm_codec_mutex);	/* all that follows, and the codecs */
static struct dentry *zm_codec_dir;
static void *zm_codec_plain, *zm_codec_packed, *zm_codec_stored, *zm_codec_back;
static void *zm_codec_work, *zm_codec_work2;
static s32 zm_codec_level = ZM_CODEC_UNSET, zm_codec_winbits = ZM_CODEC_UNSET;
static void *zm_codec_dict;
static ssize_t zm_codec_dict_size;
static struct zm_codec *zm_codec_now;	/* whose contexts exist */

static s32 zm_codec_param(s32 value, s32 unset)
{
	return value == ZM_CODEC_UNSET ? unset : value;
}

static int zm_codec_work_alloc(size_t size, size_t size2)
{
	zm_codec_work = vzalloc(size);
	zm_codec_work2 = size2 ? vzalloc(size2) : NULL;
	return zm_codec_work && (zm_codec_work2 || !size2) ? 0 : -ENOMEM;
}

#ifdef ZMRAM_HAVE_LZ4
static int zm_lz4_init(void)
{
	return zm_codec_work_alloc(LZ4_MEM_COMPRESS, 0);
}

static int zm_lz4_compress(const void *src, void *dst)
{
	int level = zm_codec_param(zm_codec_level, LZ4_ACCELERATION_DEFAULT);

	if (!zm_codec_dict)
		return LZ4_compress_fast(src, dst, PAGE_SIZE, ZM_CODEC_BUFFER, level,
					 zm_codec_work);
	memset(zm_codec_work, 0, LZ4_MEM_COMPRESS);
	LZ4_loadDict(zm_codec_work, zm_codec_dict, zm_codec_dict_size);
	return LZ4_compress_fast_continue(zm_codec_work, src, dst, PAGE_SIZE, ZM_CODEC_BUFFER,
					  level);
}
#endif

#ifdef ZMRAM_HAVE_LZ4HC
static int zm_lz4hc_init(void)
{
	return zm_codec_work_alloc(LZ4HC_MEM_COMPRESS, 0);
}

static int zm_lz4hc_compress(const void *src, void *dst)
{
	int level = zm_codec_param(zm_codec_level, LZ4HC_DEFAULT_CLEVEL);
	LZ4_streamHC_t *stream = zm_codec_work;

	if (!zm_codec_dict)
		return LZ4_compress_HC(src, dst, PAGE_SIZE, ZM_CODEC_BUFFER, level, stream);
	memset(stream, 0, sizeof(*stream));
	stream->internal_donotuse.compressionLevel = level;
	LZ4_loadDictHC(stream, zm_codec_dict, zm_codec_dict_size);
	return LZ4_compress_HC_continue(stream, src, dst, PAGE_SIZE, ZM_CODEC_BUFFER);
}
#endif

#if defined(ZMRAM_HAVE_LZ4) || defined(ZMRAM_HAVE_LZ4HC)
static int zm_lz4_decompress(const void *src, int len, void *dst)
{
	if (zm_codec_dict)
		return LZ4_decompress_safe_usingDict(src, dst, len, PAGE_SIZE, zm_codec_dict,
						     zm_codec_dict_size);
	return LZ4_decompress_safe(src, dst, len, PAGE_SIZE);
}
#endif

#ifdef ZMRAM_HAVE_LZO
static int zm_lzo_init(void)
{
	return zm_codec_work_alloc(LZO1X_MEM_COMPRESS, 0);
}

static int zm_lzo_compress(const void *src, void *dst)
{
	size_t len;

	return lzo1x_1_compress(src, PAGE_SIZE, dst, &len, zm_codec_work) ? -EINVAL : len;
}

static int zm_lzorle_compress(const void *src, void *dst)
{
	size_t len;

	return lzorle1x_1_compress(src, PAGE_SIZE, dst, &len, zm_codec_work) ? -EINVAL : len;
}

static int zm_lzo_decompress(const void *src, int len, void *dst)
{
	size_t n = PAGE_SIZE;

	return lzo1x_decompress_safe(src, len, dst, &n) ? -EINVAL : n;
}
#endif

#ifdef ZMRAM_HAVE_ZSTD
#define ZM_CODEC_ZSTD_LEVEL	3

static zstd_parameters zm_zstd_params;
static zstd_cctx *zm_zstd_cctx;
static zstd_dctx *zm_zstd_dctx;

static int zm_zstd_init_plain(void)
{
	size_t csize = zstd_cctx_workspace_bound(&zm_zstd_params.cParams);
	size_t dsize = zstd_dctx_workspace_bound();

	if (zm_codec_work_alloc(csize, dsize))
		return -ENOMEM;
	zm_zstd_cctx = zstd_init_cctx(zm_codec_work, csize);
	zm_zstd_dctx = zstd_init_dctx(zm_codec_work2, dsize);
	return zm_zstd_cctx && zm_zstd_dctx ? 0 : -EINVAL;
}

#ifdef ZM_HAVE_ZSTD_DICT
static zstd_cdict *zm_zstd_cdict;
static zstd_ddict *zm_zstd_ddict;

static void *zm_zstd_alloc(void *opaque, size_t size)
{
	return kvzalloc(size, GFP_KERNEL);
}

static void zm_zstd_free(void *opaque, void *address)
{
	kvfree(address);
}

static int zm_zstd_init_dict(s32 level)
{
	const zstd_custom_mem mem = { .customAlloc = zm_zstd_alloc, .customFree = zm_zstd_free };

	zm_zstd_cdict = zstd_create_cdict_byreference(zm_codec_dict, zm_codec_dict_size,
						      zstd_get_cparams(level, PAGE_SIZE,
								       zm_codec_dict_size), mem);
	zm_zstd_ddict = zstd_create_ddict_byreference(zm_codec_dict, zm_codec_dict_size, mem);
	zm_zstd_cctx = zstd_create_cctx_advanced(mem);
	zm_zstd_dctx = zstd_create_dctx_advanced(mem);
	if (!zm_zstd_cdict || !zm_zstd_ddict || !zm_zstd_cctx || !zm_zstd_dctx)
		return -EINVAL;
	/* The first page takes memory, which must not be with interrupts off. */
	return zstd_is_error(zstd_compress_using_cdict(zm_zstd_cctx, zm_codec_packed,
						       ZM_CODEC_BUFFER, zm_codec_plain, PAGE_SIZE,
						       zm_zstd_cdict)) ? -EINVAL : 0;
}

static void zm_zstd_exit(void)
{
	zstd_free_cdict(zm_zstd_cdict);
	zstd_free_ddict(zm_zstd_ddict);
	if (zm_codec_dict) {
		zstd_free_cctx(zm_zstd_cctx);
		zstd_free_dctx(zm_zstd_dctx);
	}
	zm_zstd_cdict = NULL;
	zm_zstd_ddict = NULL;
	zm_zstd_cctx = NULL;
	zm_zstd_dctx = NULL;
}

static size_t zm_zstd_compress_dict(const void *src, void *dst)
{
	return zstd_compress_using_cdict(zm_zstd_cctx, dst, ZM_CODEC_BUFFER, src, PAGE_SIZE,
					 zm_zstd_cdict);
}

static size_t zm_zstd_decompress_dict(const void *src, int len, void *dst)
{
	return zstd_decompress_using_ddict(zm_zstd_dctx, dst, PAGE_SIZE, src, len, zm_zstd_ddict);
}
#else
static int zm_zstd_init_dict(s32 level)
{
	return -EOPNOTSUPP;
}

static void zm_zstd_exit(void) { }

static size_t zm_zstd_compress_dict(const void *src, void *dst)
{
	return 0;
}

static size_t zm_zstd_decompress_dict(const void *src, int len, void *dst)
{
	return 0;
}
#endif

static int zm_zstd_init(void)
{
	s32 level = zm_codec_param(zm_codec_level, ZM_CODEC_ZSTD_LEVEL);

	zm_zstd_params = zstd_get_params(level, PAGE_SIZE);
	return zm_codec_dict ? zm_zstd_init_dict(level) : zm_zstd_init_plain();
}

static int zm_zstd_compress(const void *src, void *dst)
{
	size_t len = zm_codec_dict ? zm_zstd_compress_dict(src, dst) :
		zstd_compress_cctx(zm_zstd_cctx, dst, ZM_CODEC_BUFFER, src, PAGE_SIZE,
				   &zm_zstd_params);

	return zstd_is_error(len) ? -EINVAL : len;
}

static int zm_zstd_decompress(const void *src, int len, void *dst)
{
	size_t n = zm_codec_dict ? zm_zstd_decompress_dict(src, len, dst) :
		zstd_decompress_dctx(zm_zstd_dctx, dst, PAGE_SIZE, src, len);

	return zstd_is_error(n) ? -EINVAL : n;
}
#endif

#ifdef ZMRAM_HAVE_DEFLATE
#define ZM_CODEC_WINBITS	(-11)

static struct z_stream_s zm_deflate, zm_inflate;

static int zm_deflate_init(void)
{
	s32 winbits = zm_codec_param(zm_codec_winbits, ZM_CODEC_WINBITS);
	s32 level = zm_codec_param(zm_codec_level, Z_DEFAULT_COMPRESSION);

	if (zm_codec_work_alloc(zlib_deflate_workspacesize(winbits, MAX_MEM_LEVEL),
				zlib_inflate_workspacesize()))
		return -ENOMEM;
	zm_deflate.workspace = zm_codec_work;
	zm_inflate.workspace = zm_codec_work2;
	if (zlib_deflateInit2(&zm_deflate, level, Z_DEFLATED, winbits, MAX_MEM_LEVEL,
			      Z_DEFAULT_STRATEGY) != Z_OK)
		return -EINVAL;
	return zlib_inflateInit2(&zm_inflate, winbits) == Z_OK ? 0 : -EINVAL;
}

static int zm_deflate_compress(const void *src, void *dst)
{
	zlib_deflateReset(&zm_deflate);
	zm_deflate.next_in = src;
	zm_deflate.avail_in = PAGE_SIZE;
	zm_deflate.next_out = dst;
	zm_deflate.avail_out = ZM_CODEC_BUFFER;
	return zlib_deflate(&zm_deflate, Z_FINISH) == Z_STREAM_END ? zm_deflate.total_out : -EINVAL;
}

static int zm_deflate_decompress(const void *src, int len, void *dst)
{
	zlib_inflateReset(&zm_inflate);
	zm_inflate.next_in = src;
	zm_inflate.avail_in = len;
	zm_inflate.next_out = dst;
	zm_inflate.avail_out = PAGE_SIZE;
	return zlib_inflate(&zm_inflate, Z_FINISH) == Z_STREAM_END ? zm_inflate.total_out : -EINVAL;
}
#endif

#ifdef ZMRAM_HAVE_842
static int zm_842_init(void)
{
	return zm_codec_work_alloc(SW842_MEM_COMPRESS, 0);
}

static int zm_842_compress(const void *src, void *dst)
{
	unsigned int len = ZM_CODEC_BUFFER;

	return sw842_compress(src, PAGE_SIZE, dst, &len, zm_codec_work) ? -EINVAL : len;
}

static int zm_842_decompress(const void *src, int len, void *dst)
{
	unsigned int n = PAGE_SIZE;

	return sw842_decompress(src, len, dst, &n) ? -EINVAL : n;
}
#endif

static struct zm_codec zm_codecs[] = {
#ifdef ZMRAM_HAVE_LZ4
	{ "lz4", zm_lz4_init, NULL, zm_lz4_compress, zm_lz4_decompress },
#endif
#ifdef ZMRAM_HAVE_LZ4HC
	{ "lz4hc", zm_lz4hc_init, NULL, zm_lz4hc_compress, zm_lz4_decompress },
#endif
#ifdef ZMRAM_HAVE_LZO
	{ "lzo", zm_lzo_init, NULL, zm_lzo_compress, zm_lzo_decompress },
	{ "lzo-rle", zm_lzo_init, NULL, zm_lzorle_compress, zm_lzo_decompress },
#endif
#ifdef ZMRAM_HAVE_ZSTD
	{ "zstd", zm_zstd_init, zm_zstd_exit, zm_zstd_compress, zm_zstd_decompress },
#endif
#ifdef ZMRAM_HAVE_DEFLATE
	{ "deflate", zm_deflate_init, NULL, zm_deflate_compress, zm_deflate_decompress },
#endif
#ifdef ZMRAM_HAVE_842
	{ "842", zm_842_init, NULL, zm_842_compress, zm_842_decompress },
#endif
};

static void zm_codec_stop(void)
{
	if (zm_codec_now && zm_codec_now->exit)
		zm_codec_now->exit();
	vfree(zm_codec_work);
	vfree(zm_codec_work2);
	zm_codec_work = NULL;
	zm_codec_work2 = NULL;
	zm_codec_now = NULL;
}

static int zm_codec_start(struct zm_codec *codec)
{
	int ret;

	zm_codec_stop();
	zm_codec_now = codec;
	ret = codec->init();
	if (ret)
		zm_codec_stop();
	codec->pages = 0;
	codec->bytes = 0;
	codec->ticks_compress = 0;
	codec->ticks_copy = 0;
	codec->ticks_decompress = 0;
	return ret;
}

static u64 zm_codec_ticks(void)
{
#ifdef CONFIG_UML
	/* get_cycles() is 0 there. */
	return __builtin_ia32_rdtsc();
#else
	return get_cycles();
#endif
}

static int zm_codec_page(struct zm_codec *codec)
{
	u64 start, packed, copied, done;
	unsigned long flags;
	int len, n = 0;

	local_irq_save(flags);
	start = zm_codec_ticks();
	len = codec->compress(zm_codec_plain, zm_codec_packed);
	packed = zm_codec_ticks();
	if (len > 0)
		memcpy(zm_codec_stored, zm_codec_packed, len);
	copied = zm_codec_ticks();
	if (len > 0)
		n = codec->decompress(zm_codec_stored, len, zm_codec_back);
	done = zm_codec_ticks();
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
	if (file->private_data != zm_codec_now)
		ret = -EBUSY;
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
	int ret;

	file->private_data = codec;
	if (!(file->f_mode & FMODE_WRITE))
		return 0;
	mutex_lock(&zm_codec_mutex);
	ret = zm_codec_start(codec);
	mutex_unlock(&zm_codec_mutex);
	return ret;
}

static const struct file_operations zm_codec_fops = {
	.owner = THIS_MODULE,
	.open = zm_codec_open,
	.read = zm_codec_read,
	.write = zm_codec_write,
	.llseek = default_llseek,
};

static u64 zm_codec_clear(bool as_page)
{
	unsigned long flags;
	u64 start, end;

	local_irq_save(flags);
	start = zm_codec_ticks();
	if (as_page)
		clear_page(zm_codec_back);
	else
		memset(zm_codec_back, 0, PAGE_SIZE);
	end = zm_codec_ticks();
	local_irq_restore(flags);
	return end - start;
}

/* Giving back one of many pages; 0 without the memory for that. */
static u64 zm_codec_free_page(void)
{
	struct page **pages = kvmalloc_array(ZM_CODEC_PAGES, sizeof(*pages), GFP_KERNEL);
	unsigned int i, n = 0;
	unsigned long flags;
	u64 start, end;

	if (!pages)
		return 0;
	while (n < ZM_CODEC_PAGES && (pages[n] = alloc_page(GFP_HIGHUSER_MOVABLE)))
		n++;
	local_irq_save(flags);
	start = zm_codec_ticks();
	for (i = 0; i < n; i++)
		__free_page(pages[i]);
	end = zm_codec_ticks();
	local_irq_restore(flags);
	kvfree(pages);
	return n == ZM_CODEC_PAGES ? (end - start) / n : 0;
}

/*
 * The cheaper one of the kernel's two ways to clear; that again where every new page
 * pays it; and freeing, at its cheapest.
 */
static ssize_t zm_codec_page_read(struct file *file, char __user *buf, size_t count, loff_t *pos)
{
	char text[64];
	u64 clear, free;
	int len;

	mutex_lock(&zm_codec_mutex);
	clear = min(zm_codec_clear(true), zm_codec_clear(false));
	free = zm_codec_free_page();
	free = min(free, zm_codec_free_page());
	mutex_unlock(&zm_codec_mutex);
	len = scnprintf(text, sizeof(text), "%llu %llu %llu\n", clear,
			want_init_on_alloc(GFP_KERNEL) ? clear : 0, free);
	return simple_read_from_buffer(buf, count, pos, text, len);
}

static const struct file_operations zm_codec_page_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.read = zm_codec_page_read,
	.llseek = default_llseek,
};

static int zm_codec_number(const char *text, s32 *value)
{
	if (strcmp(text, "-"))
		return kstrtos32(text, 10, value);
	*value = ZM_CODEC_UNSET;
	return 0;
}

static int zm_codec_set(const char *level, const char *winbits, const char *dict)
{
	int ret;

	zm_codec_stop();
	vfree(zm_codec_dict);
	zm_codec_dict = NULL;
	zm_codec_dict_size = 0;
	ret = zm_codec_number(level, &zm_codec_level);
	if (!ret)
		ret = zm_codec_number(winbits, &zm_codec_winbits);
	if (ret || !strcmp(dict, "-"))
		return ret;
	zm_codec_dict_size = kernel_read_file_from_path(dict, 0, &zm_codec_dict, INT_MAX, NULL,
							READING_POLICY);
	return min_t(ssize_t, zm_codec_dict_size, 0);
}

static ssize_t zm_codec_params_write(struct file *file, const char __user *buf, size_t count,
				     loff_t *pos)
{
	char text[ZM_CODEC_PATH], level[12], winbits[12], dict[ZM_CODEC_PATH];
	ssize_t len = simple_write_to_buffer(text, sizeof(text) - 1, pos, buf, count);
	int ret;

	if (len < 0)
		return len;
	text[len] = '\0';
	if (sscanf(text, "%11s %11s %255s", level, winbits, dict) != 3)
		return -EINVAL;
	mutex_lock(&zm_codec_mutex);
	ret = zm_codec_set(level, winbits, dict);
	mutex_unlock(&zm_codec_mutex);
	return ret ? ret : count;
}

static const struct file_operations zm_codec_params_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = zm_codec_params_write,
	.llseek = noop_llseek,
};

static void zm_codec_free(void)
{
	zm_codec_stop();
	vfree(zm_codec_dict);
	kfree(zm_codec_plain);
	kfree(zm_codec_packed);
	kfree(zm_codec_stored);
	kfree(zm_codec_back);
}

static int zm_codec_alloc(void)
{
	zm_codec_plain = kzalloc(PAGE_SIZE, GFP_KERNEL);
	zm_codec_packed = kmalloc(ZM_CODEC_BUFFER, GFP_KERNEL);
	zm_codec_stored = kmalloc(ZM_CODEC_BUFFER, GFP_KERNEL);
	zm_codec_back = kmalloc(PAGE_SIZE, GFP_KERNEL);
	return zm_codec_plain && zm_codec_packed && zm_codec_stored && zm_codec_back ? 0 : -ENOMEM;
}

static int __init zm_codec_init(void)
{
	int i, ret = zm_codec_alloc();

	if (ret) {
		zm_codec_free();
		return ret;
	}
	zm_codec_dir = debugfs_create_dir("zm_codec", NULL);
	debugfs_create_file("params", 0200, zm_codec_dir, NULL, &zm_codec_params_fops);
	debugfs_create_file("page", 0400, zm_codec_dir, NULL, &zm_codec_page_fops);
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
MODULE_DESCRIPTION("The kernel's compressors called directly, to compare with");
