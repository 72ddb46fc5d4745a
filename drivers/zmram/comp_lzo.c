// SPDX-License-Identifier: GPL-2.0
/*
 * lzo and lzo-rle backends, on the kernel's lzo libraries. They differ in the
 * compressor only: one decompressor reads both, and sees from the data which of
 * them made it.
 */
#include <linux/slab.h>
#include <linux/lzo.h>

#include "comp.h"

static void *lzo_create_ctx(const struct zmram_comp *comp)
{
	return kvmalloc(LZO1X_MEM_COMPRESS, GFP_KERNEL);
}

static void lzo_destroy_ctx(void *ctx)
{
	kvfree(ctx);
}

/* The compressors are told of no bound; so the buffer has to hold the worst. */
static_assert(lzo1x_worst_compress(PAGE_SIZE) <= ZMRAM_STREAM_BUFFER);

static int lzo_compress(const struct zmram_comp *comp, void *ctx, const void *src, void *dst)
{
	size_t len;

	return lzo1x_1_compress(src, PAGE_SIZE, dst, &len, ctx) == LZO_E_OK ? len : -EINVAL;
}

static int lzorle_compress(const struct zmram_comp *comp, void *ctx, const void *src, void *dst)
{
	size_t len;

	return lzorle1x_1_compress(src, PAGE_SIZE, dst, &len, ctx) == LZO_E_OK ? len : -EINVAL;
}

static int lzo_decompress(const struct zmram_comp *comp, void *ctx, const void *src, size_t len,
			  void *dst)
{
	size_t n = PAGE_SIZE;

	if (lzo1x_decompress_safe(src, len, dst, &n) != LZO_E_OK)
		return -EINVAL;
	return n == PAGE_SIZE ? 0 : -EINVAL;
}

const struct zmram_comp_ops zmram_comp_lzo = {
	.name = "lzo",
	.create_ctx = lzo_create_ctx,
	.destroy_ctx = lzo_destroy_ctx,
	.compress = lzo_compress,
	.decompress = lzo_decompress,
};

const struct zmram_comp_ops zmram_comp_lzorle = {
	.name = "lzo-rle",
	.create_ctx = lzo_create_ctx,
	.destroy_ctx = lzo_destroy_ctx,
	.compress = lzorle_compress,
	.decompress = lzo_decompress,
};
