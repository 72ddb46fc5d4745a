// SPDX-License-Identifier: GPL-2.0
/*
 * lz4hc backend, on the kernel's lz4hc_compress library. It packs tighter than
 * lz4 and takes longer; what it makes is lz4, and unpacks as fast.
 */
#include <linux/lz4.h>
#include <linux/vmalloc.h>

#include "comp.h"

static void *lz4hc_create_ctx(const struct zmram_comp *comp)
{
	return vmalloc(LZ4HC_MEM_COMPRESS);
}

static void lz4hc_destroy_ctx(void *ctx)
{
	vfree(ctx);
}

static int lz4hc_compress(const struct zmram_comp *comp, void *ctx, const void *src, void *dst)
{
	int len = LZ4_compress_HC(src, dst, PAGE_SIZE, ZMRAM_STREAM_BUFFER,
				  LZ4HC_DEFAULT_CLEVEL, ctx);

	return len > 0 ? len : -EINVAL;
}

static int lz4hc_decompress(const struct zmram_comp *comp, void *ctx, const void *src, size_t len,
			    void *dst)
{
	int n = LZ4_decompress_safe(src, dst, len, PAGE_SIZE);

	return n == PAGE_SIZE ? 0 : -EINVAL;
}

const struct zmram_comp_ops zmram_comp_lz4hc = {
	.name = "lz4hc",
	.create_ctx = lz4hc_create_ctx,
	.destroy_ctx = lz4hc_destroy_ctx,
	.compress = lz4hc_compress,
	.decompress = lz4hc_decompress,
};
