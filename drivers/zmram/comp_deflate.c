// SPDX-License-Identifier: GPL-2.0
/*
 * deflate backend, on the kernel's zlib_deflate and zlib_inflate libraries.
 *
 * Both directions work in memory that is handed to them: 142 KiB and 42 KiB for
 * each stream with the default window, 262 KiB and 42 KiB with the largest.
 */
#include <linux/slab.h>
#include <linux/zlib.h>
#include <linux/zutil.h>

#include "comp.h"

/* As the crypto API has it. Negative: no header and no checksum. */
#define ZMRAM_DEFLATE_WINBITS	(-11)
#define ZMRAM_DEFLATE_MEMLEVEL	MAX_MEM_LEVEL

struct deflate_ctx {
	struct z_stream_s deflate;
	struct z_stream_s inflate;
};

static s32 deflate_level(const struct zmram_comp *comp)
{
	return zmram_param(comp->params->level, Z_DEFAULT_COMPRESSION);
}

static s32 deflate_winbits(const struct zmram_comp *comp)
{
	return zmram_param(comp->params->winbits, ZMRAM_DEFLATE_WINBITS);
}

/* The library would answer to a window out of range with BUG(). */
static int deflate_setup(struct zmram_comp *comp, const char **why)
{
	s32 level = deflate_level(comp), winbits = deflate_winbits(comp);

	if (level != Z_DEFAULT_COMPRESSION &&
	    (level < Z_NO_COMPRESSION || level > Z_BEST_COMPRESSION)) {
		*why = "level is not from -1 to 9";
		return -EINVAL;
	}
	if (abs(winbits) < 9 || abs(winbits) > MAX_WBITS) {
		*why = "deflate.winbits is not from 9 to 15 or from -9 to -15";
		return -EINVAL;
	}
	return 0;
}

static void deflate_destroy_ctx(void *ctx)
{
	struct deflate_ctx *zctx = ctx;

	kvfree(zctx->deflate.workspace);
	kvfree(zctx->inflate.workspace);
	kfree(zctx);
}

static void *deflate_create_ctx(const struct zmram_comp *comp)
{
	struct deflate_ctx *zctx = kzalloc(sizeof(*zctx), GFP_KERNEL);
	s32 winbits = deflate_winbits(comp);

	if (!zctx)
		return NULL;
	zctx->deflate.workspace = kvzalloc(zlib_deflate_workspacesize(winbits,
								      ZMRAM_DEFLATE_MEMLEVEL),
					   GFP_KERNEL);
	zctx->inflate.workspace = kvzalloc(zlib_inflate_workspacesize(), GFP_KERNEL);
	if (zctx->deflate.workspace && zctx->inflate.workspace &&
	    zlib_deflateInit2(&zctx->deflate, deflate_level(comp), Z_DEFLATED, winbits,
			      ZMRAM_DEFLATE_MEMLEVEL, Z_DEFAULT_STRATEGY) == Z_OK &&
	    zlib_inflateInit2(&zctx->inflate, winbits) == Z_OK)
		return zctx;
	deflate_destroy_ctx(zctx);
	return NULL;
}

static int deflate_compress(const struct zmram_comp *comp, void *ctx, const void *src, void *dst)
{
	struct z_stream_s *z = &((struct deflate_ctx *)ctx)->deflate;

	if (zlib_deflateReset(z) != Z_OK)
		return -EINVAL;
	z->next_in = src;
	z->avail_in = PAGE_SIZE;
	z->next_out = dst;
	z->avail_out = ZMRAM_STREAM_BUFFER;
	return zlib_deflate(z, Z_FINISH) == Z_STREAM_END ? z->total_out : -EINVAL;
}

static int deflate_decompress(const struct zmram_comp *comp, void *ctx, const void *src,
			      size_t len, void *dst)
{
	struct z_stream_s *z = &((struct deflate_ctx *)ctx)->inflate;

	if (zlib_inflateReset(z) != Z_OK)
		return -EINVAL;
	z->next_in = src;
	z->avail_in = len;
	z->next_out = dst;
	z->avail_out = PAGE_SIZE;
	if (zlib_inflate(z, Z_SYNC_FLUSH) != Z_STREAM_END)
		return -EINVAL;
	return z->total_out == PAGE_SIZE ? 0 : -EINVAL;
}

const struct zmram_comp_ops zmram_comp_deflate = {
	.name = "deflate",
	.ctx_for_read = true,
	.takes = ZMRAM_TAKES_LEVEL | ZMRAM_TAKES_WINBITS,
	.setup = deflate_setup,
	.create_ctx = deflate_create_ctx,
	.destroy_ctx = deflate_destroy_ctx,
	.compress = deflate_compress,
	.decompress = deflate_decompress,
};
