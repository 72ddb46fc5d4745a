// SPDX-License-Identifier: GPL-2.0
/*
 * Object compaction: empties the emptiest zspages of a class into the fullest,
 * object by object, so that whole zspages can be given back.
 *
 * One source zspage is handled per class->lock section. An object whose handle
 * is busy stays, and its zspage is passed over for the rest of the run; the
 * run goes on with the next. Runs may overlap and may stop at any time.
 *
 * The shrinker counts what such a run could free and runs it as far as reclaim
 * asks.
 */
#include <linux/sched/signal.h>

#include "internal.h"

#include <trace/events/zmalloc.h>

/*
 * Zspages that a perfect run would free. Read without the lock by the
 * shrinker: the two counts may not fit together, hence the test.
 */
static unsigned long zm_class_excess(const struct zm_class *class)
{
	unsigned long room = READ_ONCE(class->zspages) * class->geo->objects;
	unsigned long objects = READ_ONCE(class->objects);

	return room > objects ? (room - objects) / class->geo->objects : 0;
}

/*
 * How many zspages that turn out to belong to another group are passed over in
 * search of one; it is a spinlock that is held meanwhile.
 */
#define ZM_PICK_PATIENCE	8

/* The first zspage of a group that is not @other, or NULL. It may belong elsewhere. */
static struct zm_zspage *zm_group_first(struct zm_class *class, unsigned int group,
					const struct zm_zspage *other)
{
	struct zm_zspage *zspage;

	list_for_each_entry(zspage, &class->group[group], node) {
		if (zspage != other)
			return zspage;
	}
	return NULL;
}

/* The emptiest zspage that this run has not tried, or NULL. */
static struct zm_zspage *zm_pick_source(struct zm_class *class, u16 run)
{
	unsigned int group, patience = ZM_PICK_PATIENCE;
	struct zm_zspage *zspage;

	if (!zm_class_excess(class))
		return NULL;
	for (group = 0; group < ZM_PARTIAL_GROUPS; group++) {
		/* Tried ones go to the tail, so an untried one is found at the head. */
		while ((zspage = zm_group_first(class, group, NULL)) &&
		       zspage->compact_run != run) {
			zm_class_requeue(zspage);
			if (zspage->group <= group || !--patience)
				return zspage;
		}
	}
	return NULL;
}

/*
 * The fullest zspage other than @src that has a free object, or NULL. Also one that
 * is emptier, should @src not have been the emptiest: where zm_class_excess() sees
 * a zspage to free, the others have room for all that is in any one.
 */
static struct zm_zspage *zm_pick_target(struct zm_class *class, struct zm_zspage *src)
{
	unsigned int patience = ZM_PICK_PATIENCE;
	struct zm_zspage *zspage;
	int group;

	for (group = ZM_PARTIAL_GROUPS - 1; group >= 0; group--) {
		while ((zspage = zm_group_first(class, group, src))) {
			zm_class_requeue(zspage);
			if (zspage->group >= group || !--patience)
				return zspage;
		}
	}
	return NULL;
}

static bool zm_move_object(struct zm_zspage *dst, struct zm_zspage *src, unsigned int from)
{
	struct zm_class *class = src->class;
	unsigned int to = zm_object_free(dst);
	struct zm_handle *handle;
	unsigned long word;

	zm_handle_dep_acquire(1);
	if (!zm_object_trylock(src, from, &handle, &word)) {
		zm_handle_dep_release();
		zm_count(class->pool, ZM_COMPACT_BUSY, 1);
		return false;
	}
	zm_object_take(dst, to, handle);
	zm_object_copy(dst, to, src, from);
	zm_delay(ZM_DELAY_COMPACT);
	zm_object_drop(src, from);
	__zm_handle_unlock(handle, zm_object_word(dst, to) | (word & ZM_OWNER_MASK));
	zm_handle_dep_release();
	zm_class_requeue(dst);
	return true;
}

/*
 * Moves what can be moved out of @src; returns the number of objects. Goes on
 * past a busy one: the next run then finds @src emptier, and first in line.
 */
static unsigned int zm_drain_zspage(struct zm_zspage *src)
{
	struct zm_class *class = src->class;
	struct zm_zspage *dst;
	unsigned int idx, moved = 0;

	lockdep_assert_held(&class->lock);
	for_each_set_bit(idx, zm_used(src), class->geo->objects) {
		dst = zm_pick_target(class, src);
		if (!dst)
			break;
		moved += zm_move_object(dst, src, idx);
	}
	return moved;
}

/*
 * Handles one source zspage. Returns the pages freed, 0 if it could not be
 * emptied, or -1 when the class has nothing left to try.
 */
static int zm_compact_step(struct zm_class *class, u16 run)
{
	struct zm_zspage *src;
	unsigned int moved;
	bool empty = false;

	spin_lock(&class->lock);
	src = zm_pick_source(class, run);
	if (!src) {
		spin_unlock(&class->lock);
		return -1;
	}
	moved = zm_drain_zspage(src);
	trace_zmalloc_compact(class->pool->name, class->geo->size, moved, src->inuse);
	if (src->inuse) {
		src->compact_run = run;
		zm_class_requeue(src);
		list_move_tail(&src->node, &class->group[src->group]);
	} else {
		zm_class_unlink(src);
		empty = true;
	}
	spin_unlock(&class->lock);

	zm_count(class->pool, ZM_OBJECTS_COMPACTED, moved);
	if (!empty)
		return 0;
	zm_zspage_release(src);
	return class->geo->pages;
}

/* A run over a pool, or the part of one that is still to do. */
struct zm_compact_run {
	unsigned long target;		/* pages to free */
	unsigned long freed;
	bool (*step)(void *arg, unsigned long zspages, unsigned long freed);
	void *arg;
	bool stopped;			/* @step has had enough */
};

/* A zspage of one object has nothing to give. */
static bool zm_class_compactable(const struct zm_class *class)
{
	return class->geo->objects > 1;
}

static void zm_compact_report(struct zm_compact_run *run, unsigned long zspages,
			      unsigned long freed)
{
	run->freed += freed;
	run->stopped = run->stopped || run->step(run->arg, zspages, freed);
}

static void zm_compact_class(struct zm_class *class, struct zm_compact_run *run)
{
	unsigned long left = READ_ONCE(class->zspages);
	u16 nr;
	int n = 0;

	if (!left || !zm_class_compactable(class))
		return;
	spin_lock(&class->lock);
	nr = ++class->compact_run ?: ++class->compact_run;
	spin_unlock(&class->lock);

	/* Bounded: other tasks may keep making work. */
	while (left && run->freed < run->target && !run->stopped) {
		n = zm_compact_step(class, nr);
		if (n < 0)
			break;
		zm_compact_report(run, 1, n);
		left--;
		cond_resched();
	}
	/* The others have no object that would fit elsewhere. */
	if (n < 0)
		zm_compact_report(run, left, 0);
}

/* Stops at the target, or when it is told to; tells of each zspage. */
static unsigned long zm_compact_pages(struct zm_pool *pool, struct zm_compact_run *run)
{
	unsigned int i;

	for (i = zm_nr_classes; i-- && run->freed < run->target && !run->stopped; )
		zm_compact_class(&pool->classes[i], run);
	zm_count(pool, ZM_PAGES_COMPACTED, run->freed);
	return run->freed;
}

static bool zm_compact_killed(void *unused, unsigned long zspages, unsigned long freed)
{
	return fatal_signal_pending(current);
}

/**
 * zm_compact() - pack objects together and give back emptied zspages
 * @pool: the pool
 *
 * Objects in use are left where they are. Ends early on a fatal signal.
 *
 * Context: Process context, no handle lock held; reschedules, but waits for
 *	    nothing and allocates nothing.
 * Return: pages freed by this call.
 */
unsigned long zm_compact(struct zm_pool *pool)
{
	return zm_compact_until(pool, zm_compact_killed, NULL);
}
EXPORT_SYMBOL_GPL(zm_compact);

/**
 * zm_compact_until() - the same, until its caller has had enough
 * @pool: the pool
 * @step: called with no lock held when @zspages more are dealt with, which gave
 *	  @freed pages: is this the end? It goes through about as many of them as
 *	  zm_compact_total() says.
 * @arg: for @step
 *
 * Context: As zm_compact(), apart from what @step does.
 * Return: pages freed by this call.
 */
unsigned long zm_compact_until(struct zm_pool *pool,
			       bool (*step)(void *arg, unsigned long zspages,
					    unsigned long freed),
			       void *arg)
{
	struct zm_compact_run run = { .target = ULONG_MAX, .step = step, .arg = arg };

	return zm_compact_pages(pool, &run);
}
EXPORT_SYMBOL_GPL(zm_compact_until);

/**
 * zm_compact_total() - how many zspages a compaction would look at
 * @pool: the pool
 *
 * Context: Any; takes no lock, so it is of the recent past.
 * Return: that number.
 */
unsigned long zm_compact_total(const struct zm_pool *pool)
{
	unsigned long total = 0;
	unsigned int i;

	for (i = 0; i < zm_nr_classes; i++) {
		if (zm_class_compactable(&pool->classes[i]))
			total += READ_ONCE(pool->classes[i].zspages);
	}
	return total;
}
EXPORT_SYMBOL_GPL(zm_compact_total);

static unsigned long zm_shrink_count(struct shrinker *shrinker, struct shrink_control *sc)
{
	struct zm_pool *pool = zm_compat_shrinker_data(shrinker);
	unsigned long pages = 0;
	unsigned int i;

	for (i = 0; i < zm_nr_classes; i++)
		pages += zm_class_excess(&pool->classes[i]) * zm_geometries[i].pages;
	return pages ?: SHRINK_EMPTY;
}

static unsigned long zm_shrink_scan(struct shrinker *shrinker, struct shrink_control *sc)
{
	struct zm_pool *pool = zm_compat_shrinker_data(shrinker);
	struct zm_compact_run run = { .target = sc->nr_to_scan, .step = zm_compact_killed };

	return zm_compact_pages(pool, &run) ?: SHRINK_STOP;
}

int zm_shrinker_register(struct zm_pool *pool)
{
	return zm_compat_shrinker_register(&pool->shrinker, zm_shrink_count,
					   zm_shrink_scan, pool, pool->name);
}
