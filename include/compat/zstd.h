/* SPDX-License-Identifier: GPL-2.0 */
/* Kernel-version differences of the zstd library; see zm_compat.h. */
#ifndef ZM_COMPAT_ZSTD_H
#define ZM_COMPAT_ZSTD_H

#include <linux/errno.h>
#include <linux/slab.h>
#include <linux/zstd.h>

/* A dictionary as both directions want it. It refers to the bytes it is made of. */
struct zm_compat_zstd_dict;

#ifdef ZM_HAVE_ZSTD_DICT

struct zm_compat_zstd_dict {
	zstd_cdict *cdict;
	zstd_ddict *ddict;
};

static inline void *zm_compat_zstd_alloc(void *opaque, size_t size)
{
	return kvzalloc(size, GFP_KERNEL);
}

static inline void zm_compat_zstd_free(void *opaque, void *address)
{
	kvfree(address);
}

static inline zstd_compression_parameters zm_compat_zstd_dict_cparams(int level, size_t size)
{
	return zstd_get_cparams(level, PAGE_SIZE, size);
}

static inline void zm_compat_zstd_dict_free(struct zm_compat_zstd_dict *dict)
{
	zstd_free_cdict(dict->cdict);
	zstd_free_ddict(dict->ddict);
}

/* -EINVAL also stands for no memory: the library does not tell. */
static inline int zm_compat_zstd_dict_init(struct zm_compat_zstd_dict *dict, const void *data,
					   size_t size, zstd_compression_parameters cparams)
{
	zstd_custom_mem mem = {
		.customAlloc = zm_compat_zstd_alloc,
		.customFree = zm_compat_zstd_free,
	};

	dict->cdict = zstd_create_cdict_byreference(data, size, cparams, mem);
	dict->ddict = zstd_create_ddict_byreference(data, size, mem);
	return dict->cdict && dict->ddict ? 0 : -EINVAL;
}

static inline size_t zm_compat_zstd_dict_compress(zstd_cctx *cctx, void *dst, size_t room,
						  const void *src, size_t len,
						  const struct zm_compat_zstd_dict *dict)
{
	return zstd_compress_using_cdict(cctx, dst, room, src, len, dict->cdict);
}

static inline size_t zm_compat_zstd_dict_decompress(zstd_dctx *dctx, void *dst, size_t room,
						    const void *src, size_t len,
						    const struct zm_compat_zstd_dict *dict)
{
	return zstd_decompress_using_ddict(dctx, dst, room, src, len, dict->ddict);
}

#else

/* The library has dictionaries, but does not export them. */
struct zm_compat_zstd_dict { };

static inline zstd_compression_parameters zm_compat_zstd_dict_cparams(int level, size_t size)
{
	return zstd_get_params(level, PAGE_SIZE).cParams;
}

static inline void zm_compat_zstd_dict_free(struct zm_compat_zstd_dict *dict) { }

static inline int zm_compat_zstd_dict_init(struct zm_compat_zstd_dict *dict, const void *data,
					   size_t size, zstd_compression_parameters cparams)
{
	return -EOPNOTSUPP;
}

static inline size_t zm_compat_zstd_dict_compress(zstd_cctx *cctx, void *dst, size_t room,
						  const void *src, size_t len,
						  const struct zm_compat_zstd_dict *dict)
{
	return 0;
}

static inline size_t zm_compat_zstd_dict_decompress(zstd_dctx *dctx, void *dst, size_t room,
						    const void *src, size_t len,
						    const struct zm_compat_zstd_dict *dict)
{
	return 0;
}

#endif

#endif /* ZM_COMPAT_ZSTD_H */
