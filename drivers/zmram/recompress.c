// SPDX-License-Identifier: GPL-2.0
/*
 * Recompression: stored objects once more through a slower algorithm, on demand.
 * recomp_algorithm chooses up to three of them, by priority; recompress runs.
 *
 * A victim is decompressed under its slot's lock, as for any reader, and then
 * compressed in streams of the run's own, which may take a slow algorithm ten
 * milliseconds, and more where the run has little of the CPU: nobody who reads
 * this or another page waits for that. The result goes into the slot only if the
 * slot still has ZMRAM_PP, so it loses against every write and discard.
 */
#include <linux/kstrtox.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/sysfs.h>
#include <linux/zmalloc_fault.h>

#include "zmram.h"

#include <trace/events/zmram.h>

/* At mem_limit: how often room for one object is looked for by compaction. */
#define ZMRAM_RECOMP_COMPACTIONS	3

struct zmram_recomp {
	struct zmram_dev *dev;
	struct zmram_meta *meta;
	/* what was asked for */
	bool idle, huge;
	unsigned int threshold;
	unsigned int first_prio;
	unsigned int last_prio;
	const char *algorithm;
	u64 max_pages;
	/* the run */
	unsigned int use;		/* priorities to try, a bit each */
	unsigned int configured;	/* those that there are */
	struct zmram_stream *stream[ZMRAM_MAX_COMPS];	/* by priority, those in use */
	void *page;			/* a victim's content */
	const void *result;		/* and what it compressed to, in a stream */
};

static bool zmram_recomp_match(unsigned long word, unsigned long data, const void *arg)
{
	const struct zmram_recomp *rc = arg;
	size_t size = zmram_data_size(data);

	if (word & ZMRAM_INCOMP || size < rc->threshold)
		return false;
	if (rc->idle && !(word & ZMRAM_IDLE))
		return false;
	if (rc->huge && size != PAGE_SIZE)
		return false;
	/* Is there an algorithm that it has not come to yet? */
	return rc->use >> (zmram_data_prio(data) + 1);
}

/* Compresses the victim to rc->result if that is smaller by a class at least. */
static int zmram_recomp_try(struct zmram_recomp *rc, unsigned long word, unsigned long data,
			    unsigned int prio)
{
	struct zmram_comp *comp = rc->meta->comp[prio];
	struct zmram_stream *stream = rc->stream[prio];
	int len;

	mutex_lock(&stream->lock);
	len = zmram_compress(comp, stream, rc->page);
	mutex_unlock(&stream->lock);
	if (len >= 0 && (!len || len >= zmram_data_size(data) || zm_fits(word, len)))
		return PAGE_SIZE;
	rc->result = stream->buffer;
	return len;
}

/*
 * Tries one algorithm after the other. Returns the bytes in rc->result, 0 if
 * there is none that will do, or a negative errno.
 */
static int zmram_recomp_compress(struct zmram_recomp *rc, unsigned long word,
				 unsigned long data, unsigned int *prio, bool *hopeless)
{
	unsigned int p, failed = 0;
	int len;

	for (p = zmram_data_prio(data) + 1; p < ZMRAM_MAX_COMPS; p++) {
		if (!(rc->use & BIT(p)))
			continue;
		len = zmram_recomp_try(rc, word, data, p);
		if (len < 0)
			return len;
		if (len == PAGE_SIZE) {
			failed |= BIT(p);
		} else if (!rc->threshold || len < rc->threshold) {
			*prio = p;
			return len;
		}
	}
	*hopeless = failed == rc->configured;
	return 0;
}

static bool zmram_recomp_stop(void *dev, unsigned long zspages, unsigned long freed)
{
	return zmram_post_interrupted(dev);
}

/* Makes sure that an object of @size bytes can be allocated. */
static int zmram_recomp_reserve(struct zmram_recomp *rc, size_t size,
				struct zm_reserve *reserve)
{
	unsigned int tries = ZMRAM_RECOMP_COMPACTIONS;
	struct zm_pool *pool = rc->meta->pool;
	int ret;

	for (;;) {
		ret = zm_reserve(pool, size, GFP_NOIO | __GFP_NORETRY, reserve);
		/* What was recompressed so far has left holes: let them count. */
		if (ret != -ENOSPC || !tries-- || !zm_compact_until(pool, zmram_recomp_stop, rc->dev))
			return ret;
	}
}

static int zmram_recomp_commit(struct zmram_recomp *rc, unsigned long index, size_t size,
			       unsigned int prio)
{
	/* Not the run's: nobody can isolate the pages of a reserve. */
	struct zm_reserve reserve = { };
	int ret;

	do {
		ret = zmram_picked_replace(rc->dev, rc->meta, index, rc->result, size, prio,
					   &reserve);
		if (ret != -ENOMEM)
			break;
		ret = zmram_recomp_reserve(rc, size, &reserve);
	} while (!ret);
	zm_unreserve(&reserve);
	return ret;
}

/* Returns 0, -EAGAIN if somebody else was first, or what ends the run. */
static int zmram_recomp_slot(struct zmram_recomp *rc, unsigned long index)
{
	unsigned long word, data;
	bool hopeless = false;
	unsigned int prio = 0;
	int len, ret;

	ret = zmram_picked_read(rc->dev, rc->meta, index, rc->page, &word, &data);
	if (ret)
		return ret;
	len = zmram_recomp_compress(rc, word, data, &prio, &hopeless);
	zm_delay(ZM_DELAY_RECOMPRESS);
	if (len > 0)
		ret = zmram_recomp_commit(rc, index, len, prio);
	else if (!len)
		zmram_unpick_slot(rc->meta, index, ZMRAM_IDLE,
				  hopeless ? ZMRAM_INCOMP : 0);
	else
		ret = len;
	if (len > 0 && !ret)
		zmram_post_done(rc->dev, 1);
	trace_zmram_recompress(rc->dev->disk->disk_name, index, zmram_data_size(data), len, prio,
			       ret);
	return ret;
}

/* A batch, as far as max_pages goes. */
static int zmram_recomp_batch(struct zmram_recomp *rc, const struct zmram_picks *picks,
			      bool *damaged)
{
	unsigned int i;
	int ret;

	for (i = 0; i < picks->nr && rc->max_pages; i++) {
		if (zmram_post_stop(rc->dev))
			return -EINTR;
		ret = zmram_recomp_slot(rc, picks->index[i]);
		if (ret == -EAGAIN)
			continue;
		rc->max_pages--;
		/* One page that is lost is no reason to give up the others. */
		if (ret == -EBADMSG)
			*damaged = true;
		else if (ret)
			return ret;
	}
	return 0;
}

static int zmram_recomp_victims(struct zmram_recomp *rc)
{
	struct zmram_picks picks = { };
	bool damaged = false;
	int ret = 0;

	while (!ret && rc->max_pages) {
		ret = zmram_post_pick(rc->dev, rc->meta, zmram_recomp_match, rc, &picks);
		if (ret || !picks.nr)
			break;
		ret = zmram_recomp_batch(rc, &picks, &damaged);
	}
	zmram_post_unpick(rc->dev, rc->meta, &picks);
	return ret ?: damaged ? -EIO : 0;
}

/* Which algorithms to use, now that the device's cannot change any more. */
static int zmram_recomp_choose(struct zmram_recomp *rc)
{
	const struct zmram_comp *comp;
	unsigned int p;

	for (p = 1; p < ZMRAM_MAX_COMPS; p++) {
		comp = rc->meta->comp[p];
		if (!comp)
			continue;
		rc->configured |= BIT(p);
		if (p < rc->first_prio || p > rc->last_prio)
			continue;
		if (rc->algorithm && (rc->use || strcmp(rc->algorithm, comp->ops->name)))
			continue;
		rc->use |= BIT(p);
	}
	return rc->algorithm && !rc->use ? -EINVAL : 0;
}

static int zmram_recomp_run(struct zmram_recomp *rc)
{
	unsigned int p;
	int ret = 0;

	for (p = 1; p < ZMRAM_MAX_COMPS; p++) {
		if (!(rc->use & BIT(p)))
			continue;
		rc->stream[p] = zmram_stream_create(rc->meta->comp[p]);
		if (!rc->stream[p])
			ret = -ENOMEM;
	}
	rc->page = kvmalloc(PAGE_SIZE, GFP_KERNEL);
	if (!rc->page)
		ret = -ENOMEM;
	if (!ret)
		ret = zmram_recomp_victims(rc);
	kvfree(rc->page);
	for (p = 1; p < ZMRAM_MAX_COMPS; p++)
		zmram_stream_destroy(rc->stream[p]);
	return ret;
}

static int zmram_recompress(struct zmram_recomp *rc)
{
	int ret;

	ret = zmram_post_begin(rc->dev, ZMRAM_POST_RECOMPRESS);
	if (ret)
		return ret;
	rc->meta = zmram_meta(rc->dev);
	ret = zmram_recomp_choose(rc);
	if (!ret && rc->use)
		ret = zmram_recomp_run(rc);
	zmram_post_end(rc->dev);
	return ret;
}

static int zmram_recomp_parse_type(struct zmram_recomp *rc, const char *type)
{
	rc->idle = !strcmp(type, "idle") || !strcmp(type, "huge_idle");
	rc->huge = !strcmp(type, "huge") || !strcmp(type, "huge_idle");
	return rc->idle || rc->huge ? 0 : -EINVAL;
}

static int zmram_recomp_parse_prio(struct zmram_recomp *rc, const char *value)
{
	unsigned int prio;
	int ret = kstrtouint(value, 10, &prio);

	if (ret)
		return ret;
	if (prio >= ZMRAM_MAX_COMPS)
		return -EINVAL;
	/* What 0 made is what there is to begin with. */
	rc->first_prio = max(prio, 1u);
	rc->last_prio = rc->first_prio;
	return 0;
}

static int zmram_recomp_parse_one(struct zmram_recomp *rc, const char *key, const char *value)
{
	if (!value || !*value)
		return -EINVAL;
	if (!strcmp(key, "type"))
		return zmram_recomp_parse_type(rc, value);
	if (!strcmp(key, "threshold"))
		return kstrtouint(value, 10, &rc->threshold);
	if (!strcmp(key, "max_pages"))
		return kstrtou64(value, 10, &rc->max_pages);
	if (!strcmp(key, "priority"))
		return zmram_recomp_parse_prio(rc, value);
	if (strcmp(key, "algo"))
		return -EINVAL;
	rc->algorithm = value;
	return 0;
}

static int zmram_recomp_parse(struct zmram_recomp *rc, char *args)
{
	char *key, *value;
	int ret = 0;

	for (args = skip_spaces(args); *args && !ret; ) {
		args = next_arg(args, &key, &value);
		ret = zmram_recomp_parse_one(rc, key, value);
	}
	if (ret)
		return ret;
	/* An algorithm is looked for from that priority on, as with zram. */
	if (rc->algorithm)
		rc->last_prio = ZMRAM_MAX_COMPS - 1;
	return rc->threshold >= zm_huge_size() ? -EINVAL : 0;
}

static ssize_t recompress_store(struct device *device, struct device_attribute *attr,
				const char *buf, size_t len)
{
	struct zmram_recomp rc = {
		.dev = to_zmram(device),
		.first_prio = 1,
		.last_prio = ZMRAM_MAX_COMPS - 1,
		.max_pages = U64_MAX,
	};
	char *args = kstrdup(buf, GFP_KERNEL);
	int ret;

	if (!args)
		return -ENOMEM;
	ret = zmram_recomp_parse(&rc, args);
	if (!ret)
		ret = zmram_recompress(&rc);
	kfree(args);
	return ret ? ret : len;
}
static DEVICE_ATTR_WO(recompress);

static ssize_t recomp_algorithm_show(struct device *device, struct device_attribute *attr,
				     char *buf)
{
	struct zmram_dev *dev = to_zmram(device);
	const struct zmram_comp_ops *ops;
	unsigned int prio;
	ssize_t len = 0;

	for (prio = 1; prio < ZMRAM_MAX_COMPS; prio++) {
		ops = READ_ONCE(dev->algorithm[prio]);
		if (!ops)
			continue;
		len += sysfs_emit_at(buf, len, "#%u: ", prio);
		len += zmram_backends_show(ops, buf, len);
	}
	return len;
}

static int zmram_recomp_algorithm(struct zmram_dev *dev, char *args)
{
	char *key, *value, *algorithm = NULL;
	int prio = 1, ret = 0;

	for (args = skip_spaces(args); *args && !ret; ) {
		args = next_arg(args, &key, &value);
		if (!value || !*value)
			ret = -EINVAL;
		else if (!strcmp(key, "priority"))
			ret = kstrtoint(value, 10, &prio);
		else if (!strcmp(key, "algo"))
			algorithm = value;
		else
			ret = -EINVAL;
	}
	if (ret)
		return ret;
	if (!algorithm || prio < 1 || prio >= ZMRAM_MAX_COMPS)
		return -EINVAL;
	return zmram_algorithm_set(dev, prio, algorithm);
}

static ssize_t recomp_algorithm_store(struct device *device, struct device_attribute *attr,
				      const char *buf, size_t len)
{
	char *args = kstrdup(buf, GFP_KERNEL);
	int ret;

	if (!args)
		return -ENOMEM;
	ret = zmram_recomp_algorithm(to_zmram(device), args);
	kfree(args);
	return ret ? ret : len;
}
static DEVICE_ATTR_RW(recomp_algorithm);

static struct attribute *zmram_recompress_attrs[] = {
	&dev_attr_recomp_algorithm.attr,
	&dev_attr_recompress.attr,
	NULL,
};

const struct attribute_group zmram_recompress_group = {
	.attrs = zmram_recompress_attrs,
};
