// SPDX-License-Identifier: GPL-2.0
/* lz4 backend, on the kernel's lz4_compress and lz4_decompress libraries. */
#include <linux/lz4.h>
#include <linux/vmalloc.h>

#include "comp.h"

static void *lz4_create_ctx(const struct zmram_comp *comp)
{
	return vmalloc(LZ4_MEM_COMPRESS);
}

static void lz4_destroy_ctx(void *ctx)
{
	vfree(ctx);
}

static int lz4_compress(const struct zmram_comp *comp, void *ctx, const void *src, void *dst)
{
	int len = LZ4_compress_default(src, dst, PAGE_SIZE, ZMRAM_STREAM_BUFFER, ctx);

	return len > 0 ? len : -EINVAL;
}

static int lz4_decompress(const struct zmram_comp *comp, void *ctx, const void *src, size_t len,
			  void *dst)
{
	int n = LZ4_decompress_safe(src, dst, len, PAGE_SIZE);

	return n == PAGE_SIZE ? 0 : -EINVAL;
}

const struct zmram_comp_ops zmram_comp_lz4 = {
	.name = "lz4",
	.create_ctx = lz4_create_ctx,
	.destroy_ctx = lz4_destroy_ctx,
	.compress = lz4_compress,
	.decompress = lz4_decompress,
};
