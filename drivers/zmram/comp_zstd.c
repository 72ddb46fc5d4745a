// SPDX-License-Identifier: GPL-2.0
/*
 * zstd backend, on the kernel's zstd_compress and zstd_decompress libraries.
 *
 * The contexts live in memory of a size known in advance, with a dictionary as
 * without, so that nothing is allocated while a page is compressed: a writer in
 * reclaim could not wait for it. The library refuses a page for which that
 * memory does not suffice; which it does depends on the dictionary and on the
 * level, but not on the page, so one page is tried at setup.
 */
#include <linux/slab.h>

#include <compat/zstd.h>

#include "comp.h"

/* What zstd itself takes for its default. */
#define ZMRAM_ZSTD_LEVEL	3

struct zmram_zstd {
	zstd_parameters params;			/* without a dictionary */
	zstd_compression_parameters cparams;	/* what a context is sized for */
	struct zm_compat_zstd_dict dict;
};

/* Of one stream. */
struct zmram_zstd_ctx {
	zstd_cctx *cctx;			/* in cmem */
	zstd_dctx *dctx;			/* in dmem */
	void *cmem;
	void *dmem;
};

static void zmram_zstd_destroy_ctx(void *ctx)
{
	struct zmram_zstd_ctx *zctx = ctx;

	kvfree(zctx->cmem);
	kvfree(zctx->dmem);
	kfree(zctx);
}

static void *zmram_zstd_create_ctx(const struct zmram_comp *comp)
{
	struct zmram_zstd_ctx *zctx = kzalloc(sizeof(*zctx), GFP_KERNEL);
	const struct zmram_zstd *zstd = comp->shared;
	size_t csize = zstd_cctx_workspace_bound(&zstd->cparams);
	size_t dsize = zstd_dctx_workspace_bound();

	if (!zctx)
		return NULL;
	zctx->cmem = kvzalloc(csize, GFP_KERNEL);
	zctx->dmem = kvzalloc(dsize, GFP_KERNEL);
	if (zctx->cmem && zctx->dmem) {
		zctx->cctx = zstd_init_cctx(zctx->cmem, csize);
		zctx->dctx = zstd_init_dctx(zctx->dmem, dsize);
	}
	if (zctx->cctx && zctx->dctx)
		return zctx;
	zmram_zstd_destroy_ctx(zctx);
	return NULL;
}

static int zmram_zstd_compress(const struct zmram_comp *comp, void *ctx, const void *src,
			       void *dst)
{
	const struct zmram_zstd *zstd = comp->shared;
	struct zmram_zstd_ctx *zctx = ctx;
	size_t len;

	if (comp->params->dict)
		len = zm_compat_zstd_dict_compress(zctx->cctx, dst, ZMRAM_STREAM_BUFFER, src,
						   PAGE_SIZE, &zstd->dict);
	else
		len = zstd_compress_cctx(zctx->cctx, dst, ZMRAM_STREAM_BUFFER, src, PAGE_SIZE,
					 &zstd->params);
	return zstd_is_error(len) ? -EINVAL : len;
}

static int zmram_zstd_decompress(const struct zmram_comp *comp, void *ctx, const void *src,
				 size_t len, void *dst)
{
	const struct zmram_zstd *zstd = comp->shared;
	struct zmram_zstd_ctx *zctx = ctx;
	size_t n;

	if (comp->params->dict)
		n = zm_compat_zstd_dict_decompress(zctx->dctx, dst, PAGE_SIZE, src, len,
						   &zstd->dict);
	else
		n = zstd_decompress_dctx(zctx->dctx, dst, PAGE_SIZE, src, len);
	/* An error is a number larger than any size. */
	return n == PAGE_SIZE ? 0 : -EINVAL;
}

static int zmram_zstd_try(const struct zmram_comp *comp)
{
	void *ctx = zmram_zstd_create_ctx(comp);
	void *buffer = kvmalloc(ZMRAM_STREAM_BUFFER, GFP_KERNEL);
	int ret = -ENOMEM;

	if (ctx && buffer)
		ret = zmram_zstd_compress(comp, ctx, page_address(ZERO_PAGE(0)), buffer);
	kvfree(buffer);
	if (ctx)
		zmram_zstd_destroy_ctx(ctx);
	return min(ret, 0);
}

/*
 * The dictionary has tables of its own, made for its size. Those of a context are
 * for a page, whatever the dictionary: except that matches of three bytes are
 * looked up in a table of the window's size, which the dictionary is part of.
 */
static void zmram_zstd_size_for_page(zstd_compression_parameters *cparams)
{
	cparams->chainLog = min_t(unsigned int, cparams->chainLog, PAGE_SHIFT + 1);
	cparams->hashLog = min_t(unsigned int, cparams->hashLog, PAGE_SHIFT + 1);
	if (cparams->minMatch > 3)
		cparams->windowLog = min_t(unsigned int, cparams->windowLog, PAGE_SHIFT);
}

static int zmram_zstd_setup_dict(struct zmram_comp *comp, s32 level, const char **why)
{
	const struct zmram_params *params = comp->params;
	struct zmram_zstd *zstd = comp->shared;
	zstd_compression_parameters *cparams = &zstd->cparams;
	int ret;

	*cparams = zm_compat_zstd_dict_cparams(level, params->dict_size);
	ret = zm_compat_zstd_dict_init(&zstd->dict, params->dict, params->dict_size, *cparams);
	if (ret == -EOPNOTSUPP) {
		*why = "this kernel's library does not offer dictionaries";
		return -EINVAL;
	}
	if (ret) {
		*why = "not a dictionary, or no memory for it";
		return ret;
	}
	zmram_zstd_size_for_page(cparams);
	ret = zmram_zstd_try(comp);
	if (ret == -EINVAL)
		*why = "the library cannot use this dictionary at this level";
	return ret;
}

static int zmram_zstd_setup(struct zmram_comp *comp, const char **why)
{
	s32 level = zmram_param(comp->params->level, ZMRAM_ZSTD_LEVEL);
	struct zmram_zstd *zstd = kzalloc(sizeof(*zstd), GFP_KERNEL);

	if (!zstd)
		return -ENOMEM;
	comp->shared = zstd;
	zstd->params = zstd_get_params(level, PAGE_SIZE);
	zstd->cparams = zstd->params.cParams;
	return comp->params->dict ? zmram_zstd_setup_dict(comp, level, why) : 0;
}

static void zmram_zstd_release(struct zmram_comp *comp)
{
	struct zmram_zstd *zstd = comp->shared;

	if (!zstd)
		return;
	zm_compat_zstd_dict_free(&zstd->dict);
	kfree(zstd);
}

const struct zmram_comp_ops zmram_comp_zstd = {
	.name = "zstd",
	.ctx_for_read = true,
	.takes = ZMRAM_TAKES_LEVEL | (IS_ENABLED(ZM_HAVE_ZSTD_DICT) ? ZMRAM_TAKES_DICT : 0),
	.setup = zmram_zstd_setup,
	.release = zmram_zstd_release,
	.create_ctx = zmram_zstd_create_ctx,
	.destroy_ctx = zmram_zstd_destroy_ctx,
	.compress = zmram_zstd_compress,
	.decompress = zmram_zstd_decompress,
};
