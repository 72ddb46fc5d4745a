// SPDX-License-Identifier: GPL-2.0
/*
 * lz4hc backend, on the kernel's lz4hc_compress library. It packs tighter than
 * lz4 and takes longer; what it makes is lz4, and unpacks as fast. A dictionary
 * is taken in once, as in comp_lz4.c.
 */
#include <linux/vmalloc.h>

#include <compat/lz4.h>

#include "comp.h"

static s32 lz4hc_level(const struct zmram_comp *comp)
{
	return zmram_param(comp->params->level, LZ4HC_DEFAULT_CLEVEL);
}

static int lz4hc_setup(struct zmram_comp *comp, const char **why)
{
	const struct zmram_params *params = comp->params;

	if (!params->dict)
		return 0;
	comp->shared = vzalloc(sizeof(LZ4_streamHC_t));
	if (!comp->shared)
		return -ENOMEM;
	zm_compat_lz4hc_reset(comp->shared, lz4hc_level(comp));
	LZ4_loadDictHC(comp->shared, params->dict, params->dict_size);
	return 0;
}

static void lz4hc_release(struct zmram_comp *comp)
{
	vfree(comp->shared);
}

static void *lz4hc_create_ctx(const struct zmram_comp *comp)
{
	BUILD_BUG_ON(LZ4HC_MEM_COMPRESS < sizeof(LZ4_streamHC_t));
	return vmalloc(LZ4HC_MEM_COMPRESS);
}

static void lz4hc_destroy_ctx(void *ctx)
{
	vfree(ctx);
}

static int lz4hc_compress(const struct zmram_comp *comp, void *ctx, const void *src, void *dst)
{
	int len;

	if (comp->shared) {
		memcpy(ctx, comp->shared, sizeof(LZ4_streamHC_t));
		len = LZ4_compress_HC_continue(ctx, src, dst, PAGE_SIZE, ZMRAM_STREAM_BUFFER);
	} else {
		len = LZ4_compress_HC(src, dst, PAGE_SIZE, ZMRAM_STREAM_BUFFER,
				      lz4hc_level(comp), ctx);
	}
	return len > 0 ? len : -EINVAL;
}

static int lz4hc_decompress(const struct zmram_comp *comp, void *ctx, const void *src, size_t len,
			    void *dst)
{
	int n = LZ4_decompress_safe_usingDict(src, dst, len, PAGE_SIZE, comp->params->dict,
					      comp->params->dict_size);

	return n == PAGE_SIZE ? 0 : -EINVAL;
}

const struct zmram_comp_ops zmram_comp_lz4hc = {
	.name = "lz4hc",
	.takes = ZMRAM_TAKES_LEVEL | ZMRAM_TAKES_DICT,
	.setup = lz4hc_setup,
	.release = lz4hc_release,
	.create_ctx = lz4hc_create_ctx,
	.destroy_ctx = lz4hc_destroy_ctx,
	.compress = lz4hc_compress,
	.decompress = lz4hc_decompress,
};
