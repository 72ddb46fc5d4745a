// SPDX-License-Identifier: GPL-2.0
/* 842 backend, on the kernel's software implementation of it. */
#include <linux/slab.h>
#include <linux/sw842.h>

#include "comp.h"

static void *sw842_create_ctx(const struct zmram_comp *comp)
{
	return kvmalloc(SW842_MEM_COMPRESS, GFP_KERNEL);
}

static void sw842_destroy_ctx(void *ctx)
{
	kvfree(ctx);
}

static int zmram_842_compress(const struct zmram_comp *comp, void *ctx, const void *src,
			      void *dst)
{
	unsigned int len = ZMRAM_STREAM_BUFFER;
	int ret = sw842_compress(src, PAGE_SIZE, dst, &len, ctx);

	return ret ? -EINVAL : len;
}

/* The data ends with a checksum of the page, which the library verifies. */
static int zmram_842_decompress(const struct zmram_comp *comp, void *ctx, const void *src,
				size_t len, void *dst)
{
	unsigned int n = PAGE_SIZE;

	if (sw842_decompress(src, len, dst, &n))
		return -EINVAL;
	return n == PAGE_SIZE ? 0 : -EINVAL;
}

const struct zmram_comp_ops zmram_comp_842 = {
	.name = "842",
	.create_ctx = sw842_create_ctx,
	.destroy_ctx = sw842_destroy_ctx,
	.compress = zmram_842_compress,
	.decompress = zmram_842_decompress,
};
