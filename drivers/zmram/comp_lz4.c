// SPDX-License-Identifier: GPL-2.0
/*
 * lz4 backend, on the kernel's lz4_compress and lz4_decompress libraries.
 *
 * A level is lz4's acceleration: the higher, the faster and the larger. Taking a
 * dictionary in costs more than compressing a page; so that is done once, and
 * each page begins with a copy of the state that came of it.
 */
#include <linux/lz4.h>
#include <linux/minmax.h>
#include <linux/vmalloc.h>

#include "comp.h"

/* Where LZ4 of its own stops; the step of its search would overflow. */
#define ZMRAM_LZ4_MAX_ACCELERATION	65537

static int lz4_setup(struct zmram_comp *comp, const char **why)
{
	const struct zmram_params *params = comp->params;

	if (!params->dict)
		return 0;
	comp->shared = vzalloc(sizeof(LZ4_stream_t));
	if (!comp->shared)
		return -ENOMEM;
	LZ4_loadDict(comp->shared, params->dict, params->dict_size);
	return 0;
}

static void lz4_release(struct zmram_comp *comp)
{
	vfree(comp->shared);
}

static void *lz4_create_ctx(const struct zmram_comp *comp)
{
	BUILD_BUG_ON(LZ4_MEM_COMPRESS < sizeof(LZ4_stream_t));
	return vmalloc(LZ4_MEM_COMPRESS);
}

static void lz4_destroy_ctx(void *ctx)
{
	vfree(ctx);
}

static int lz4_compress(const struct zmram_comp *comp, void *ctx, const void *src, void *dst)
{
	int level = min(zmram_param(comp->params->level, LZ4_ACCELERATION_DEFAULT),
			ZMRAM_LZ4_MAX_ACCELERATION);
	int len;

	if (comp->shared) {
		memcpy(ctx, comp->shared, sizeof(LZ4_stream_t));
		len = LZ4_compress_fast_continue(ctx, src, dst, PAGE_SIZE, ZMRAM_STREAM_BUFFER,
						 level);
	} else {
		len = LZ4_compress_fast(src, dst, PAGE_SIZE, ZMRAM_STREAM_BUFFER, level, ctx);
	}
	return len > 0 ? len : -EINVAL;
}

static int lz4_decompress(const struct zmram_comp *comp, void *ctx, const void *src, size_t len,
			  void *dst)
{
	int n = LZ4_decompress_safe_usingDict(src, dst, len, PAGE_SIZE, comp->params->dict,
					      comp->params->dict_size);

	return n == PAGE_SIZE ? 0 : -EINVAL;
}

const struct zmram_comp_ops zmram_comp_lz4 = {
	.name = "lz4",
	.takes = ZMRAM_TAKES_LEVEL | ZMRAM_TAKES_DICT,
	.setup = lz4_setup,
	.release = lz4_release,
	.create_ctx = lz4_create_ctx,
	.destroy_ctx = lz4_destroy_ctx,
	.compress = lz4_compress,
	.decompress = lz4_decompress,
};
