/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Long operations on a sized device: who may run, how they stop, what they tell
 * about themselves (post.c), and which slots they work on (pick.c).
 *
 * Use:
 *
 *	struct zmram_picks picks = { };
 *
 *	ret = zmram_post_begin(dev, kind);
 *	while (!(ret = zmram_post_pick(dev, meta, match, arg, &picks)) && picks.nr)
 *		for (i = 0; i < picks.nr; i++) {
 *			if (zmram_post_stop(dev)) ...
 *			lock the slot picks.index[i]; without ZMRAM_PP, skip it;
 *			work, if need be with the slot unlocked and locked again;
 *			ZMRAM_PP gone: somebody else was first, drop the result
 *		}
 *	zmram_post_unpick(dev, meta, &picks);
 *	zmram_post_end(dev);
 */
#ifndef ZMRAM_POST_H
#define ZMRAM_POST_H

#include <linux/atomic.h>
#include <linux/mutex.h>
#include <linux/types.h>

struct task_struct;
struct zmram_dev;
struct zmram_meta;

enum zmram_post_kind {
	ZMRAM_POST_NONE,
	ZMRAM_POST_WRITEBACK,
	ZMRAM_POST_RECOMPRESS,
	ZMRAM_POST_IDLE,
	ZMRAM_POST_COMPACT,
	ZMRAM_POST_RESET,
	ZMRAM_NR_POSTS
};

/* Writeback and recompression share ZMRAM_PP and so exclude each other. */
enum zmram_post_claim {
	ZMRAM_CLAIM_PP,
	ZMRAM_CLAIM_IDLE,
	ZMRAM_CLAIM_COMPACT,
	ZMRAM_CLAIM_RESET,
	ZMRAM_NR_CLAIMS
};

/**
 * struct zmram_post - a long operation, or the place for one
 * @lock: held by the task that runs it, from begin to end
 * @task: lock: that task
 * @kind: lock; anybody reads
 * @looked: lock; anybody reads: how many of @total it has dealt with
 * @total: lock; anybody reads: 0 while it is not known
 * @done: atomic: of @looked, how many it has changed
 */
struct zmram_post {
	struct mutex lock;
	struct task_struct *task;
	enum zmram_post_kind kind;
	unsigned long looked;
	unsigned long total;
	atomic_long_t done;
};

/**
 * struct zmram_picks - slots to work on, batch by batch
 * @index: the batch, largest objects first
 * @nr: slots in it
 *
 * All zero before the first zmram_post_pick(); the rest is pick.c's.
 */
struct zmram_picks {
	unsigned long *index;
	unsigned int nr;
	unsigned int capacity;		/* of @index */
	int top;			/* largest bucket that is not finished */
	unsigned long next;		/* slot from which on it is not */
	struct zmram_bucket *bucket;
};

/*
 * Does an object's slot qualify? Called under the slot's lock; and without it
 * before, to spare the lock, when @word and @data may be of different times.
 * So it looks at nothing but its arguments.
 */
typedef bool (*zmram_match_fn)(unsigned long word, unsigned long data, const void *arg);

/* post.c */
extern const struct attribute_group zmram_post_group;
void zmram_post_init(struct zmram_dev *dev);
int zmram_post_begin(struct zmram_dev *dev, enum zmram_post_kind kind);
void zmram_post_expect_reset(struct zmram_dev *dev);
void zmram_post_begin_reset(struct zmram_dev *dev);
void zmram_post_end(struct zmram_dev *dev);
bool zmram_post_interrupted(struct zmram_dev *dev);
bool zmram_post_looked(struct zmram_dev *dev, unsigned long n);
bool zmram_post_reached(struct zmram_dev *dev, unsigned long index);
void zmram_post_set_total(struct zmram_dev *dev, unsigned long total);
void zmram_post_done(struct zmram_dev *dev, unsigned long n);
void zmram_post_drain(struct zmram_dev *dev);

/* The same for one item, once in every turn of a loop. */
static inline bool zmram_post_stop(struct zmram_dev *dev)
{
	return zmram_post_looked(dev, 1);
}

/* pick.c */
int zmram_post_pick(struct zmram_dev *dev, struct zmram_meta *meta, zmram_match_fn match,
		    const void *arg, struct zmram_picks *picks);
void zmram_post_unpick(struct zmram_dev *dev, struct zmram_meta *meta, struct zmram_picks *picks);

#endif /* ZMRAM_POST_H */
