// SPDX-License-Identifier: GPL-2.0
/*
 * Suite zm_storm: several tasks work on the same objects, and give the processor away
 * with handles locked, while pages are moved under them and objects packed together.
 *
 * What an object has to contain is protected as the object is, by its handle: whoever
 * locks it finds the content that the last one has left, wherever it is by then.
 */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/pagemap.h>
#include <linux/slab.h>

#include "unit.h"

#define STORM_WORKERS	4
#define STORM_OBJECTS	400
#define STORM_ISOLATED	8
#define STORM_PATIENCE	(60 * HZ)

/* It goes on until so much has happened. */
static const unsigned int storm_least[ZM_NR_COUNTERS] = {
	[ZM_MIGRATED] = 20000,
	[ZM_BUSY] = 500,
	[ZM_PUTBACK] = 500,
	[ZM_RELEASED_ISOLATED] = 100,
	[ZM_FREES_DEFERRED] = 20,
	[ZM_OBJECTS_COMPACTED] = 20,
};

struct storm {
	struct kunit *test;
	struct zm_pool *pool;
	struct zmu_object *object;
	struct completion done;
	unsigned long wrong, ops, failed;
	bool stop;
	u32 stamp;
};

/* What one task of the storm has for itself. */
struct storm_worker {
	struct storm *s;
	struct zm_reserve reserve;
	void *bounce, *data;
	u64 rng;
};

/* Lets others in, where a real owner would sleep or be preempted. */
static void storm_yield(u64 *rng)
{
	if (zmu_below(rng, 16) == 0)
		usleep_range(20, 40);
}

/* With the handle locked: new content, in place or not. Returns the word to publish. */
static unsigned long storm_store(struct storm_worker *w, struct zmu_object *obj,
				 unsigned long old)
{
	size_t size = 1 + zmu_below(&w->rng, zmu_below(&w->rng, 2) ? PAGE_SIZE : 600);
	unsigned long word = old & ZM_OBJECT_MASK;

	if (!zm_fits(old, size))
		word = zm_alloc(w->s->pool, &obj->handle, size, &w->reserve);
	if (!word)
		return old;
	obj->stamp = ++w->s->stamp;
	obj->size = size;
	zmu_byte_fill(w->data, size, obj->stamp);
	storm_yield(&w->rng);
	zm_write(word, w->data, size);
	storm_yield(&w->rng);
	if (zm_word_has_object(old) && (old & ZM_OBJECT_MASK) != word)
		zm_free(w->s->pool, old);
	return word | (zmu_random(&w->rng) & ZM_OWNER_MASK);
}

static void storm_op(struct storm_worker *w)
{
	struct zmu_object *obj = &w->s->object[zmu_below(&w->rng, STORM_OBJECTS)];
	/* Tides, so that zspages become full, and empty. */
	bool falling = w->s->ops / 8000 % 2;
	unsigned int dice = zmu_below(&w->rng, 10);
	unsigned long word = zm_handle_lock(&obj->handle), new = word;

	w->s->wrong += zm_word_has_object(word) != !!obj->size;
	if (obj->size) {
		storm_yield(&w->rng);
		w->s->wrong += !zmu_content_right(obj, word, w->bounce);
	}
	if (dice < (falling ? 1 : 5)) {
		new = storm_store(w, obj, word);
	} else if (dice < 6 && obj->size) {
		zm_free(w->s->pool, word);
		obj->size = 0;
		new = 0;
	}
	zm_handle_unlock(&obj->handle, new);
	if (!w->reserve.zspage && zm_reserve(w->s->pool, 1 + zmu_below(&w->rng, PAGE_SIZE),
					     GFP_KERNEL, &w->reserve))
		w->s->failed++;
	w->s->ops++;
}

static int storm_worker_fn(void *arg)
{
	struct storm_worker *w = arg;

	while (!READ_ONCE(w->s->stop) && !w->s->wrong) {
		storm_op(w);
		cond_resched();
	}
	zm_unreserve(&w->reserve);
	complete(&w->s->done);
	return 0;
}

/* Some page with objects, isolated, or NULL. The handle keeps it until it is. */
static struct page *storm_isolate(struct storm *s, u64 *rng)
{
	struct zmu_object *obj = &s->object[zmu_below(rng, STORM_OBJECTS)];
	struct zm_zspage *zspage;
	struct page *page = NULL;
	unsigned long word;

	if (!zm_handle_trylock(&obj->handle, &word))
		return NULL;
	if (zm_word_has_object(word)) {
		zspage = zmu_zspage_of(word);
		page = zspage->pages[zmu_below(rng, zspage->nr_pages)];
		if (!zmu_isolate(s->test, page))
			page = NULL;
	}
	zm_handle_unlock(&obj->handle, word);
	return page;
}

/* Looks at a page under its lock for longer than a move takes. */
static void storm_lock(struct page *page)
{
	if (!trylock_page(page))
		return;
	usleep_range(20, 40);
	unlock_page(page);
}

/* Keeps some pages isolated for a while, then moves them or puts them back. */
static int storm_mover_fn(void *arg)
{
	struct page *page[STORM_ISOLATED] = { };
	struct storm *s = arg;
	u64 rng = 99;
	unsigned int i;

	while (!READ_ONCE(s->stop)) {
		i = zmu_below(&rng, STORM_ISOLATED);
		if (!page[i])
			page[i] = storm_isolate(s, &rng);
		else if (zmu_below(&rng, 8) == 0)
			storm_lock(page[i]);
		else if (zmu_below(&rng, 8) == 0)
			zmu_putback(s->test, xchg(&page[i], NULL));
		else if (zmu_migrate(s->test, page[i], MIGRATE_SYNC) >= 0)
			page[i] = NULL;
		if (zmu_below(&rng, 300) == 0)
			zm_compact(s->pool);
		storm_yield(&rng);
		cond_resched();
	}
	zmu_putback_all(s->test);
	complete(&s->done);
	return 0;
}

static bool storm_start(struct storm *s, struct storm_worker *w, unsigned int nr)
{
	w->s = s;
	w->rng = nr;
	w->bounce = kunit_kmalloc(s->test, PAGE_SIZE, GFP_KERNEL);
	w->data = kunit_kmalloc(s->test, PAGE_SIZE, GFP_KERNEL);
	return w->bounce && w->data &&
	       !IS_ERR(kthread_run(storm_worker_fn, w, "zmu_worker/%u", nr));
}

static bool storm_enough(struct storm *s)
{
	unsigned int i;

	for (i = 0; i < ZM_NR_COUNTERS; i++) {
		if (zmu_counter(s->test, i) < storm_least[i])
			return false;
	}
	return true;
}

/* Returns when all tasks are gone. */
static void storm_wait(struct storm *s, unsigned int tasks)
{
	unsigned long end = jiffies + STORM_PATIENCE;

	while (!storm_enough(s) && !s->wrong && time_before(jiffies, end))
		schedule_timeout_uninterruptible(2);
	KUNIT_EXPECT_TRUE_MSG(s->test, storm_enough(s), "too little happened");
	WRITE_ONCE(s->stop, true);
	while (tasks--)
		KUNIT_ASSERT_TRUE_MSG(s->test, wait_for_completion_timeout(&s->done,
									   STORM_PATIENCE),
				      "a task sleeps for ever");
	flush_work(&s->pool->free_work);
}

static void storm_report(struct storm *s)
{
	int i;

	kunit_info(s->test, "%lu operations", s->ops);
	for (i = 0; i < ZM_NR_COUNTERS; i++)
		kunit_info(s->test, "%s %llu", zm_counter_name(i), zmu_counter(s->test, i));
}

static void everybody_at_once(struct kunit *test)
{
	struct storm_worker *worker = kunit_kcalloc(test, STORM_WORKERS, sizeof(*worker),
						    GFP_KERNEL);
	struct storm *s = kunit_kzalloc(test, sizeof(*s), GFP_KERNEL);
	unsigned int i, tasks = 0;
	struct zmu_audit sum;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, worker);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, s);
	s->test = test;
	s->pool = zmu(test)->pool;
	s->object = zmu(test)->object;
	init_completion(&s->done);
	for (i = 0; i < STORM_WORKERS; i++)
		tasks += storm_start(s, &worker[i], i + 1);
	tasks += !IS_ERR(kthread_run(storm_mover_fn, s, "zmu_mover"));
	KUNIT_EXPECT_EQ(test, tasks, STORM_WORKERS + 1U);
	storm_wait(s, tasks);
	storm_report(s);
	KUNIT_EXPECT_EQ_MSG(test, s->wrong, 0UL, "an object was not what it was left as");
	KUNIT_EXPECT_EQ(test, s->failed, 0UL);
	KUNIT_EXPECT_TRUE(test, zmu_audit(test, s->pool, &sum));
	KUNIT_EXPECT_EQ(test, sum.isolated, 0UL);
	KUNIT_EXPECT_EQ(test, zmu_zone_pages() - zmu(test)->zone_pages, sum.pages);
	for (i = 0; i < STORM_OBJECTS; i++)
		s->object[i].flags = s->object[i].handle.word & ZM_OWNER_MASK;
	zmu_expect_content(test);
}

static struct kunit_case zm_storm_cases[] = {
	KUNIT_CASE(everybody_at_once),
	{ }
};

struct kunit_suite zm_storm_suite = {
	.name = "zm_storm",
	.init = zmu_init,
	.exit = zmu_exit,
	.test_cases = zm_storm_cases,
};
