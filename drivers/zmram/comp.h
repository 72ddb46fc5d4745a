/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Compression: what a backend is, and how the rest of the driver uses one.
 * comp.c has the table of backends and the streams; a comp_*.c file is one
 * backend, or a family. Letters beside fields as in zmram.h.
 */
#ifndef ZMRAM_COMP_H
#define ZMRAM_COMP_H

#include <linux/mm.h>
#include <linux/mutex.h>

struct zmram_comp;

/**
 * struct zmram_comp_ops - a compression backend
 * @name: as in comp_algorithm
 * @ctx_for_read: @decompress needs the context
 * @setup: optional; makes what all streams share, comp->shared. Returns 0 or a
 *	   negative errno
 * @release: frees that, also after @setup has failed
 * @create_ctx: working memory of one stream; NULL without memory
 * @destroy_ctx: frees it
 * @compress: PAGE_SIZE bytes to at most ZMRAM_STREAM_BUFFER; returns the bytes
 *	      written or a negative errno
 * @decompress: to exactly PAGE_SIZE bytes, and never beyond; returns 0 or a
 *		negative errno. Does not trust its input.
 */
struct zmram_comp_ops {
	const char *name;
	bool ctx_for_read;
	int (*setup)(struct zmram_comp *comp);
	void (*release)(struct zmram_comp *comp);
	void *(*create_ctx)(const struct zmram_comp *comp);
	void (*destroy_ctx)(void *ctx);
	int (*compress)(const struct zmram_comp *comp, void *ctx, const void *src, void *dst);
	int (*decompress)(const struct zmram_comp *comp, void *ctx, const void *src, size_t len,
			  void *dst);
};

#define ZMRAM_STREAM_BUFFER	(2 * PAGE_SIZE)

struct zmram_stream {
	struct mutex lock;
	struct zmram_comp *comp;		/* I: whose it is */
	void *ctx;				/* lock */
	void *buffer;				/* lock: ZMRAM_STREAM_BUFFER bytes */
};

/* An algorithm in use by a device. */
struct zmram_comp {
	const struct zmram_comp_ops *ops;	/* I */
	void *shared;				/* I: the backend's, for all streams */
	struct zmram_stream *fallback;		/* I: one of stream[] */
	struct zmram_stream *stream[];		/* A: by CPU; set once */
};

/* Those that this kernel has the library for; the first is the default. */
extern const struct zmram_comp_ops *const zmram_backends[];

const struct zmram_comp_ops *zmram_backend_find(const char *name);
ssize_t zmram_backends_show(const struct zmram_comp_ops *current_ops, char *buf);
struct zmram_comp *zmram_comp_create(const struct zmram_comp_ops *ops);
void zmram_comp_destroy(struct zmram_comp *comp);
struct zmram_stream *zmram_stream_get(struct zmram_comp *comp);
void zmram_stream_put(struct zmram_stream *stream);
int zmram_compress(struct zmram_comp *comp, struct zmram_stream *stream, const void *src);
int zmram_decompress(struct zmram_comp *comp, struct zmram_stream *stream, const void *src,
		     size_t len, void *dst);

/* comp_*.c; Kbuild says which of them are built */
extern const struct zmram_comp_ops zmram_comp_842;
extern const struct zmram_comp_ops zmram_comp_deflate;
extern const struct zmram_comp_ops zmram_comp_lz4;
extern const struct zmram_comp_ops zmram_comp_lz4hc;
extern const struct zmram_comp_ops zmram_comp_lzo;
extern const struct zmram_comp_ops zmram_comp_lzorle;
extern const struct zmram_comp_ops zmram_comp_zstd;

#endif /* ZMRAM_COMP_H */
