// SPDX-License-Identifier: GPL-2.0
/*
 * zstd backend, on the kernel's zstd_compress and zstd_decompress libraries.
 *
 * The contexts live in memory of the size that zstd asks for in advance, so that
 * nothing is allocated while a page is compressed.
 */
#include <linux/slab.h>
#include <linux/zstd.h>

#include "comp.h"

/* What zstd itself takes for its default. */
#define ZMRAM_ZSTD_LEVEL	3

/* Of one stream. */
struct zmram_zstd_ctx {
	zstd_cctx *cctx;		/* in cmem */
	zstd_dctx *dctx;		/* in dmem */
	void *cmem;
	void *dmem;
};

static int zmram_zstd_setup(struct zmram_comp *comp)
{
	zstd_parameters *params = kmalloc(sizeof(*params), GFP_KERNEL);

	if (!params)
		return -ENOMEM;
	*params = zstd_get_params(ZMRAM_ZSTD_LEVEL, PAGE_SIZE);
	comp->shared = params;
	return 0;
}

static void zmram_zstd_release(struct zmram_comp *comp)
{
	kfree(comp->shared);
}

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
	const zstd_parameters *params = comp->shared;
	size_t csize = zstd_cctx_workspace_bound(&params->cParams);
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
	struct zmram_zstd_ctx *zctx = ctx;
	size_t len = zstd_compress_cctx(zctx->cctx, dst, ZMRAM_STREAM_BUFFER, src, PAGE_SIZE,
					comp->shared);

	return zstd_is_error(len) ? -EINVAL : len;
}

static int zmram_zstd_decompress(const struct zmram_comp *comp, void *ctx, const void *src,
				 size_t len, void *dst)
{
	struct zmram_zstd_ctx *zctx = ctx;
	size_t n = zstd_decompress_dctx(zctx->dctx, dst, PAGE_SIZE, src, len);

	/* An error is a number larger than any size. */
	return n == PAGE_SIZE ? 0 : -EINVAL;
}

const struct zmram_comp_ops zmram_comp_zstd = {
	.name = "zstd",
	.ctx_for_read = true,
	.setup = zmram_zstd_setup,
	.release = zmram_zstd_release,
	.create_ctx = zmram_zstd_create_ctx,
	.destroy_ctx = zmram_zstd_destroy_ctx,
	.compress = zmram_zstd_compress,
	.decompress = zmram_zstd_decompress,
};
