// SPDX-License-Identifier: GPL-2.0
/*
 * Compression: the table of backends, and the streams they work in.
 *
 * A stream is a backend's working memory and a buffer, under a mutex, so that
 * its user may be preempted and may sleep. There is one per CPU to keep users
 * apart, but any CPU may use any stream: correctness never depends on where a
 * task runs, and CPU hotplug needs no callback. CPUs that were online when the
 * device got its size have theirs from the start; one that comes later gets it
 * on its first use, or shares the fallback when there is no memory for it.
 */
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/sysfs.h>

#include "zmram.h"

const struct zmram_comp_ops *const zmram_backends[] = {
#ifdef ZMRAM_HAVE_LZ4
	&zmram_comp_lz4,
#endif
#ifdef ZMRAM_HAVE_LZ4HC
	&zmram_comp_lz4hc,
#endif
#ifdef ZMRAM_HAVE_LZO
	&zmram_comp_lzorle,
	&zmram_comp_lzo,
#endif
#ifdef ZMRAM_HAVE_ZSTD
	&zmram_comp_zstd,
#endif
#ifdef ZMRAM_HAVE_DEFLATE
	&zmram_comp_deflate,
#endif
#ifdef ZMRAM_HAVE_842
	&zmram_comp_842,
#endif
	NULL
};

/* The first one is the default, and has to be there. */
static_assert(ARRAY_SIZE(zmram_backends) > 1);

const struct zmram_comp_ops *zmram_backend_find(const char *name)
{
	const struct zmram_comp_ops *const *ops;

	for (ops = zmram_backends; *ops; ops++) {
		if (!strcmp((*ops)->name, name))
			return *ops;
	}
	return NULL;
}

/*
 * The format of comp_algorithm: names, the chosen one in brackets. Goes to @at
 * in @buf and returns its length.
 */
ssize_t zmram_backends_show(const struct zmram_comp_ops *current_ops, char *buf, ssize_t at)
{
	const struct zmram_comp_ops *const *ops;
	ssize_t len = 0;

	for (ops = zmram_backends; *ops; ops++)
		len += sysfs_emit_at(buf, at + len, *ops == current_ops ? "[%s] " : "%s ",
				     (*ops)->name);
	return len + sysfs_emit_at(buf, at + len, "\n");
}

/**
 * zmram_stream_destroy() - free a stream
 * @stream: that nobody uses any more, or NULL
 */
void zmram_stream_destroy(struct zmram_stream *stream)
{
	if (!stream)
		return;
	if (stream->ctx)
		stream->comp->ops->destroy_ctx(stream->ctx);
	kvfree(stream->buffer);
	kfree(stream);
}

/**
 * zmram_stream_create() - make a stream
 * @comp: for this algorithm
 *
 * For comp.c's own, and for a user who would keep those from others for long.
 *
 * Context: Process context, sleeps.
 * Return: the stream, or NULL without memory.
 */
struct zmram_stream *zmram_stream_create(struct zmram_comp *comp)
{
	struct zmram_stream *stream = kzalloc(sizeof(*stream), GFP_KERNEL);

	if (!stream)
		return NULL;
	mutex_init(&stream->lock);
	stream->comp = comp;
	stream->buffer = kvmalloc(ZMRAM_STREAM_BUFFER, GFP_KERNEL);
	stream->ctx = comp->ops->create_ctx(comp);
	if (stream->buffer && stream->ctx)
		return stream;
	zmram_stream_destroy(stream);
	return NULL;
}

/* Called from the I/O path, hence no I/O for the memory either. */
static struct zmram_stream *zmram_stream_late(struct zmram_comp *comp, unsigned int cpu)
{
	unsigned int noio = memalloc_noio_save();
	struct zmram_stream *stream = zmram_stream_create(comp);
	struct zmram_stream *old = NULL;

	memalloc_noio_restore(noio);
	if (!stream)
		return comp->fallback;
	/* Release: publishes the initialised stream; the loser frees its own. */
	if (!try_cmpxchg_release(&comp->stream[cpu], &old, stream)) {
		zmram_stream_destroy(stream);
		return old;
	}
	return stream;
}

/* The stream to use, locked. Sleeps. */
struct zmram_stream *zmram_stream_get(struct zmram_comp *comp)
{
	unsigned int cpu = raw_smp_processor_id();
	struct zmram_stream *stream = smp_load_acquire(&comp->stream[cpu]);

	if (unlikely(!stream))
		stream = zmram_stream_late(comp, cpu);
	mutex_lock(&stream->lock);
	return stream;
}

/* The same if nobody has it, or NULL. Does not sleep. */
struct zmram_stream *zmram_stream_tryget(struct zmram_comp *comp)
{
	struct zmram_stream *stream = smp_load_acquire(&comp->stream[raw_smp_processor_id()]);

	return stream && mutex_trylock(&stream->lock) ? stream : NULL;
}

void zmram_stream_put(struct zmram_stream *stream)
{
	mutex_unlock(&stream->lock);
}

void zmram_comp_destroy(struct zmram_comp *comp)
{
	unsigned int cpu;

	if (!comp)
		return;
	for (cpu = 0; cpu < nr_cpu_ids; cpu++)
		zmram_stream_destroy(comp->stream[cpu]);
	if (comp->ops->release)
		comp->ops->release(comp);
	zmram_params_put(comp->params);
	kfree(comp);
}

static int zmram_comp_setup(struct zmram_comp *comp, const char *disk)
{
	const char *why = "no memory";
	int ret = comp->ops->setup ? comp->ops->setup(comp, &why) : 0;

	if (ret)
		pr_err("%s: %s: %s\n", disk, comp->ops->name, why);
	return ret;
}

/* zram ignores what an algorithm has no use for, and users rely on it. */
static void zmram_comp_say_ignored(const struct zmram_comp *comp, const char *disk)
{
	const struct zmram_params *params = comp->params;
	unsigned int takes = comp->ops->takes;
	bool level = params->level != ZMRAM_PARAM_UNSET && !(takes & ZMRAM_TAKES_LEVEL);
	bool winbits = params->winbits != ZMRAM_PARAM_UNSET && !(takes & ZMRAM_TAKES_WINBITS);
	bool dict = params->dict && !(takes & ZMRAM_TAKES_DICT);

	if (level || winbits || dict)
		pr_info("%s: %s has no use for%s%s%s, ignored\n", disk, comp->ops->name,
			level ? " level" : "", dict ? " dict" : "",
			winbits ? " deflate.winbits" : "");
}

static int zmram_comp_init(struct zmram_comp *comp, const char *disk)
{
	unsigned int cpu;
	int ret;

	ret = zmram_comp_setup(comp, disk);
	if (ret)
		return ret;
	zmram_comp_say_ignored(comp, disk);
	for_each_online_cpu(cpu) {
		comp->stream[cpu] = zmram_stream_create(comp);
		if (!comp->stream[cpu])
			return -ENOMEM;
		comp->fallback = comp->stream[cpu];
	}
	return 0;
}

/**
 * zmram_comp_create() - make a backend ready for use by a device
 * @ops: the backend
 * @params: its parameters, or NULL; referenced
 * @disk: whose name is told where these do not fit
 *
 * The CPUs that are online get their streams.
 *
 * Context: Process context, sleeps.
 * Return: what zmram_comp_destroy() frees, or an ERR_PTR(): -EINVAL for parameters
 *	   that the backend or the kernel's library cannot do, -ENOMEM.
 */
struct zmram_comp *zmram_comp_create(const struct zmram_comp_ops *ops,
				     struct zmram_params *params, const char *disk)
{
	struct zmram_comp *comp = kzalloc(struct_size(comp, stream, nr_cpu_ids), GFP_KERNEL);
	int ret;

	if (!comp)
		return ERR_PTR(-ENOMEM);
	comp->ops = ops;
	comp->params = zmram_params_get(params);
	ret = zmram_comp_init(comp, disk);
	if (!ret)
		return comp;
	zmram_comp_destroy(comp);
	return ERR_PTR(ret);
}
