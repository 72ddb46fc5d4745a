/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Compression: what a backend is, and how the rest of the driver uses one.
 * comp.c has the table of backends and the streams; a comp_*.c file is one
 * backend, or a family. Letters beside fields as in zmram.h.
 */
#ifndef ZMRAM_COMP_H
#define ZMRAM_COMP_H

#include <linux/bits.h>
#include <linux/limits.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/refcount.h>

struct zmram_comp;

/* Parameters of an algorithm, as written to algorithm_params; see params.c. */
struct zmram_params {
	refcount_t refs;			/* A */
	s32 level;				/* I: or ZMRAM_PARAM_UNSET */
	s32 winbits;				/* I: or ZMRAM_PARAM_UNSET */
	void *dict;				/* I: or NULL */
	size_t dict_size;			/* I */
};

#define ZMRAM_PARAM_UNSET	S32_MIN

/* Which of them a backend has a use for. */
#define ZMRAM_TAKES_LEVEL	BIT(0)
#define ZMRAM_TAKES_DICT	BIT(1)
#define ZMRAM_TAKES_WINBITS	BIT(2)

static inline s32 zmram_param(s32 value, s32 unset)
{
	return value == ZMRAM_PARAM_UNSET ? unset : value;
}

/**
 * struct zmram_comp_ops - a compression backend
 * @name: as in comp_algorithm
 * @ctx_for_read: @decompress needs the context
 * @takes: ZMRAM_TAKES_…; what it does not take is ignored
 * @setup: optional; looks at comp->params and makes what all streams share,
 *	   comp->shared. Returns 0 or a negative errno, and says why not
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
	unsigned int takes;
	int (*setup)(struct zmram_comp *comp, const char **why);
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
	struct zmram_params *params;		/* I: never NULL */
	void *shared;				/* I: the backend's, for all streams */
	struct zmram_stream *fallback;		/* I: one of stream[] */
	struct zmram_stream *stream[];		/* A: by CPU; set once */
};

/* Those that this kernel has the library for; the first is the default. */
extern const struct zmram_comp_ops *const zmram_backends[];

const struct zmram_comp_ops *zmram_backend_find(const char *name);
ssize_t zmram_backends_show(const struct zmram_comp_ops *current_ops, char *buf, ssize_t at);
struct zmram_comp *zmram_comp_create(const struct zmram_comp_ops *ops,
				     struct zmram_params *params, const char *disk);
void zmram_comp_destroy(struct zmram_comp *comp);
struct zmram_stream *zmram_stream_create(struct zmram_comp *comp);
void zmram_stream_destroy(struct zmram_stream *stream);
struct zmram_stream *zmram_stream_get(struct zmram_comp *comp);
struct zmram_stream *zmram_stream_tryget(struct zmram_comp *comp);
void zmram_stream_put(struct zmram_stream *stream);

/* A page at @src into the stream's buffer; bytes written or a negative errno. */
static inline int zmram_compress(struct zmram_comp *comp, struct zmram_stream *stream,
				 const void *src)
{
	lockdep_assert_held(&stream->lock);
	return comp->ops->compress(comp, stream->ctx, src, stream->buffer);
}

/* @stream may be NULL unless ctx_for_read. Exactly a page, or a negative errno. */
static inline int zmram_decompress(struct zmram_comp *comp, struct zmram_stream *stream,
				   const void *src, size_t len, void *dst)
{
	return comp->ops->decompress(comp, stream ? stream->ctx : NULL, src, len, dst);
}

/* params.c */
struct zmram_params *zmram_params_get(struct zmram_params *params);
void zmram_params_put(struct zmram_params *params);

/* comp_*.c; Kbuild says which of them are built */
extern const struct zmram_comp_ops zmram_comp_842;
extern const struct zmram_comp_ops zmram_comp_deflate;
extern const struct zmram_comp_ops zmram_comp_lz4;
extern const struct zmram_comp_ops zmram_comp_lz4hc;
extern const struct zmram_comp_ops zmram_comp_lzo;
extern const struct zmram_comp_ops zmram_comp_lzorle;
extern const struct zmram_comp_ops zmram_comp_zstd;

#endif /* ZMRAM_COMP_H */
