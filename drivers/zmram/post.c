// SPDX-License-Identifier: GPL-2.0
/*
 * Long operations: writeback, recompression, idle marking, compaction. They run
 * in the task that wrote to their file, for seconds or minutes. A reset, which ends
 * them, is one of its own kind: it runs in a worker (device.c), and nothing stops it.
 *
 * Each holds the lock of its claim, and nothing else, from begin to end. It is
 * begun under init_lock, and a reset, which has init_lock for writing, waits for
 * the locks before it destroys anything; so meta, backing device and algorithms
 * stay, and yet other files of the device can be written meanwhile. The running
 * operation must not take init_lock.
 *
 * Nobody waits for it to finish by itself: it looks once per slot whether a reset,
 * a removal or a fatal signal wants it to stop. The progress file reads without
 * a lock.
 *
 * Next: pick.c, which finds the slots to work on.
 */
#include <linux/sched/signal.h>
#include <linux/sysfs.h>

#include "zmram.h"

static const char *const zmram_post_names[ZMRAM_NR_POSTS] = {
	[ZMRAM_POST_NONE]	= "none",
	[ZMRAM_POST_WRITEBACK]	= "writeback",
	[ZMRAM_POST_RECOMPRESS]	= "recompress",
	[ZMRAM_POST_IDLE]	= "idle",
	[ZMRAM_POST_COMPACT]	= "compact",
	[ZMRAM_POST_RESET]	= "reset",
};

static const enum zmram_post_claim zmram_post_claims[ZMRAM_NR_POSTS] = {
	[ZMRAM_POST_WRITEBACK]	= ZMRAM_CLAIM_PP,
	[ZMRAM_POST_RECOMPRESS]	= ZMRAM_CLAIM_PP,
	[ZMRAM_POST_IDLE]	= ZMRAM_CLAIM_IDLE,
	[ZMRAM_POST_COMPACT]	= ZMRAM_CLAIM_COMPACT,
	[ZMRAM_POST_RESET]	= ZMRAM_CLAIM_RESET,
};

void zmram_post_init(struct zmram_dev *dev)
{
	unsigned int i;

	for (i = 0; i < ZMRAM_NR_CLAIMS; i++)
		mutex_init(&dev->post[i].lock);
}

/* The operation that this task runs: it has begun one, and one only. */
static struct zmram_post *zmram_post_mine(struct zmram_dev *dev)
{
	unsigned int i = ZMRAM_NR_CLAIMS - 1;

	while (i && READ_ONCE(dev->post[i].task) != current)
		i--;
	lockdep_assert_held(&dev->post[i].lock);
	return &dev->post[i];
}

/*
 * A second writeback or recompression fails, as with zram. Marking idle must not,
 * so it waits for the other one, without init_lock, which others want meanwhile;
 * what a second compaction does, its caller says.
 */
static int zmram_post_lock(struct zmram_dev *dev, enum zmram_post_kind kind)
{
	struct zmram_post *post = &dev->post[zmram_post_claims[kind]];
	int ret;

	for (;;) {
		if (down_read_killable(&dev->init_lock))
			return -EINTR;
		ret = -EINVAL;
		if (zmram_meta(dev))
			ret = mutex_trylock(&post->lock) ? 0 : -EAGAIN;
		up_read(&dev->init_lock);
		if (ret != -EAGAIN || kind != ZMRAM_POST_IDLE)
			return ret;
		ret = mutex_lock_killable(&post->lock);
		if (ret)
			return ret;
		mutex_unlock(&post->lock);
	}
}

static void zmram_post_zero(struct zmram_post *post)
{
	WRITE_ONCE(post->looked, 0);
	WRITE_ONCE(post->total, 0);
	atomic_long_set(&post->done, 0);
}

/* With the lock of the claim: says what begins, and by whom. */
static void zmram_post_start(struct zmram_post *post, enum zmram_post_kind kind)
{
	lockdep_assert_held(&post->lock);
	WRITE_ONCE(post->task, current);
	zmram_post_zero(post);
	WRITE_ONCE(post->kind, kind);
}

/**
 * zmram_post_begin() - begin a long operation
 * @dev: the device
 * @kind: which
 *
 * On success dev->meta and all that a reset destroys stay until
 * zmram_post_end(), which the same task calls; init_lock is not held.
 *
 * Context: Process context, sleeps.
 * Return: 0, -EINVAL if the device has no size, -EAGAIN if an operation runs
 *	   that excludes this one, -EINTR.
 */
int zmram_post_begin(struct zmram_dev *dev, enum zmram_post_kind kind)
{
	struct zmram_post *post = &dev->post[zmram_post_claims[kind]];
	int ret = zmram_post_lock(dev, kind);

	if (ret)
		return ret;
	zmram_post_start(post, kind);
	return 0;
}

/**
 * zmram_post_expect_reset() - a reset will begin
 * @dev: the device, which nobody else is resetting or removing
 *
 * progress shows it as long as the device is claimed, from before it has to wait for
 * others until after it has closed the backing device.
 *
 * Context: Process context, disk->open_mutex held.
 */
void zmram_post_expect_reset(struct zmram_dev *dev)
{
	lockdep_assert_held(&dev->disk->open_mutex);
	zmram_post_zero(&dev->post[ZMRAM_CLAIM_RESET]);
}

/**
 * zmram_post_begin_reset() - begin a reset, after the others have ended
 * @dev: the device, after zmram_post_drain()
 *
 * Context: Process context, init_lock held for writing from then on.
 */
void zmram_post_begin_reset(struct zmram_dev *dev)
{
	struct zmram_post *post = &dev->post[ZMRAM_CLAIM_RESET];

	lockdep_assert_held_write(&dev->init_lock);
	mutex_lock(&post->lock);
	zmram_post_start(post, ZMRAM_POST_RESET);
}

/**
 * zmram_post_end() - end the long operation that this task has begun
 * @dev: the device, which may be gone when this returns
 *
 * Context: Process context, no slot or stream locked.
 */
void zmram_post_end(struct zmram_dev *dev)
{
	struct zmram_post *post = zmram_post_mine(dev);

	WRITE_ONCE(post->kind, ZMRAM_POST_NONE);
	WRITE_ONCE(post->task, NULL);
	mutex_unlock(&post->lock);
}

/**
 * zmram_post_interrupted() - has a long operation to stop?
 * @dev: the device
 *
 * For loops that are not over what zmram_post_set_total() counts.
 *
 * Context: Process context, no slot or stream locked: reschedules.
 * Return: true on a fatal signal, and when the device is to be reset or removed.
 *	   The operation then ends with -EINTR.
 */
bool zmram_post_interrupted(struct zmram_dev *dev)
{
	cond_resched();
	return fatal_signal_pending(current) || READ_ONCE(dev->stopping) ||
	       READ_ONCE(dev->removing);
}

/**
 * zmram_post_looked() - the same, and counts items as looked at
 * @dev: the device
 * @n: how many more
 *
 * Context: Process context, no slot or stream locked: reschedules.
 * Return: true when the operation has to stop, with -EINTR.
 */
bool zmram_post_looked(struct zmram_dev *dev, unsigned long n)
{
	struct zmram_post *post = zmram_post_mine(dev);

	/* Others may have made more of them since it began. */
	if (post->total && post->looked + n > post->total)
		WRITE_ONCE(post->total, post->looked + n);
	WRITE_ONCE(post->looked, post->looked + n);
	return zmram_post_interrupted(dev);
}

/**
 * zmram_post_reached() - the same for a walk over the slots of the table
 * @dev: the device
 * @index: up to here, exclusive, all are dealt with; may be beyond the total
 *
 * Context: Process context, no slot or stream locked: reschedules.
 * Return: true when the operation has to stop, with -EINTR.
 */
bool zmram_post_reached(struct zmram_dev *dev, unsigned long index)
{
	struct zmram_post *post = zmram_post_mine(dev);

	WRITE_ONCE(post->looked, min(index, post->total));
	return zmram_post_interrupted(dev);
}

/* How many items will be looked at if nothing stops the operation. */
void zmram_post_set_total(struct zmram_dev *dev, unsigned long total)
{
	WRITE_ONCE(zmram_post_mine(dev)->total, total);
}

/* Counts items that the operation of this task has changed. */
void zmram_post_done(struct zmram_dev *dev, unsigned long n)
{
	atomic_long_add(n, &zmram_post_mine(dev)->done);
}

/**
 * zmram_post_drain() - wait until no long operation runs
 * @dev: the device, which is claimed or being removed: they stop soon
 *
 * Context: Process context, init_lock held for writing, so that none begins.
 */
void zmram_post_drain(struct zmram_dev *dev)
{
	unsigned int i;

	lockdep_assert_held_write(&dev->init_lock);
	for (i = 0; i < ZMRAM_NR_CLAIMS; i++) {
		mutex_lock(&dev->post[i].lock);
		mutex_unlock(&dev->post[i].lock);
	}
}

/* A line per operation that runs, or one that says that none does. */
static ssize_t progress_show(struct device *device, struct device_attribute *attr, char *buf)
{
	struct zmram_dev *dev = to_zmram(device);
	enum zmram_post_kind kind;
	ssize_t len = 0;
	unsigned int i;

	for (i = 0; i < ZMRAM_NR_CLAIMS; i++) {
		struct zmram_post *post = &dev->post[i];

		kind = READ_ONCE(post->kind);
		if (i == ZMRAM_CLAIM_RESET && READ_ONCE(dev->claim))
			kind = ZMRAM_POST_RESET;
		if (kind != ZMRAM_POST_NONE)
			len += sysfs_emit_at(buf, len, "%s %lu %lu %lu\n", zmram_post_names[kind],
					     READ_ONCE(post->looked), READ_ONCE(post->total),
					     atomic_long_read(&post->done));
	}
	return len ?: sysfs_emit(buf, "%s 0 0 0\n", zmram_post_names[ZMRAM_POST_NONE]);
}
static DEVICE_ATTR_RO(progress);

static struct attribute *zmram_post_attrs[] = {
	&dev_attr_progress.attr,
	NULL,
};

const struct attribute_group zmram_post_group = {
	.attrs = zmram_post_attrs,
};
