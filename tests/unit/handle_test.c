// SPDX-License-Identifier: GPL-2.0
/*
 * Suite zm_handle: the handle word, its lock, and the sleepers on it.
 *
 * The interleavings are made, not hoped for: where a test needs to come between the
 * store that drops a lock and the wake-up that follows, it does both itself.
 */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/kthread.h>

#include "unit.h"

/* The word has room for what it holds, and no bit serves twice. */
static_assert((ZM_LOCK_MASK | ZM_CLASS_MASK | ZM_PLACE_MASK | ZM_OWNER_MASK) == ~0UL);
static_assert(!(ZM_LOCK_MASK & ZM_CLASS_MASK) && !(ZM_CLASS_MASK & ZM_PLACE_MASK));
static_assert(!(ZM_PLACE_MASK & ZM_OWNER_MASK) && !(ZM_LOCK_MASK & ZM_PLACE_MASK));
static_assert(ZM_OBJECT_MASK == (ZM_CLASS_MASK | ZM_PLACE_MASK));
static_assert(ZM_SIZES <= ZM_MAX_CLASSES + 2);
static_assert(ZM_PLACE_BITS + ZM_PLACE_UNIT_SHIFT >= 52);
static_assert(ZM_UNIT % 8 == 0 && sizeof(struct zm_handle) == sizeof(long));

/* How long a task may take that has nothing to wait for. */
#define PATIENCE	(5 * HZ)

/* Every place of every class, there and back. */
static void words_decode(struct kunit *test)
{
	const struct zm_geometry *geo = zmu_geometry(test);
	struct zmu *u = zmu(test);
	unsigned int i;

	zmu_fill_zspages(test, geo, 1);
	for (i = 0; i < geo->objects; i++) {
		unsigned long word = u->object[i].handle.word;
		struct zm_zspage *zspage = zmu_zspage_of(word);

		KUNIT_EXPECT_EQ(test, word & ZM_LOCK_MASK, 0UL);
		KUNIT_EXPECT_EQ(test, word & ZM_OWNER_MASK, u->object[i].flags);
		KUNIT_EXPECT_EQ(test, (word & ZM_CLASS_MASK) >> ZM_CLASS_SHIFT,
				(unsigned long)zmu_geometry_id(geo));
		KUNIT_EXPECT_EQ(test, zmu_index_of(word), i);
		KUNIT_EXPECT_EQ(test, zm_object_word(zspage, i), word & ZM_OBJECT_MASK);
		KUNIT_EXPECT_TRUE(test, zm_word_has_object(word));
		KUNIT_EXPECT_TRUE(test, zm_fits(word, zmu_max_size(geo)));
		KUNIT_EXPECT_TRUE(test, zm_fits(word, zmu_min_size(geo)));
		KUNIT_EXPECT_PTR_EQ(test, zm_pool_class(u->pool, word),
				    &u->pool->classes[geo - zm_geometries]);
	}
	KUNIT_EXPECT_FALSE(test, zm_word_has_object(0));
	KUNIT_EXPECT_FALSE(test, zm_word_has_object(ZM_OWNER_MASK | ZM_LOCK_MASK));
}

static void lock_and_publish(struct kunit *test)
{
	struct zm_handle handle = { };
	unsigned long word, new = ZM_OWNER_MASK | ZM_PLACE_MASK;

	KUNIT_EXPECT_EQ(test, zm_handle_lock(&handle), 0UL);
	KUNIT_EXPECT_EQ(test, handle.word, BIT(ZM_LOCK_BIT));
	KUNIT_EXPECT_FALSE(test, zm_handle_trylock(&handle, &word));
	KUNIT_EXPECT_EQ(test, handle.word, BIT(ZM_LOCK_BIT));
	/* Lock bits of the new word do not count. */
	zm_handle_unlock(&handle, new | ZM_LOCK_MASK);
	KUNIT_EXPECT_EQ(test, handle.word, new);
	KUNIT_EXPECT_TRUE(test, zm_handle_trylock(&handle, &word));
	KUNIT_EXPECT_EQ(test, word, new);
	zm_handle_unlock(&handle, 0);
	KUNIT_EXPECT_EQ(test, handle.word, 0UL);
}

/* A task that wants the lock once, and says when it had it. */
struct sleeper {
	struct zm_handle *handle;
	struct completion done;
	struct task_struct *task;
	unsigned long saw;
};

static int sleeper_fn(void *arg)
{
	struct sleeper *s = arg;

	s->saw = zm_handle_lock(s->handle);
	zm_handle_unlock(s->handle, s->saw);
	complete_all(&s->done);
	return 0;
}

/* Returns when it sleeps on the lock that the caller holds. */
static void sleeper_start(struct kunit *test, struct sleeper *s, struct zm_handle *handle)
{
	unsigned long end = jiffies + PATIENCE;

	s->handle = handle;
	s->saw = ~0UL;
	init_completion(&s->done);
	s->task = kthread_run(sleeper_fn, s, "zmu_sleeper");
	KUNIT_ASSERT_FALSE(test, IS_ERR(s->task));
	while (!(READ_ONCE(handle->word) & BIT(ZM_WAIT_BIT)) && time_before(jiffies, end))
		schedule_timeout_uninterruptible(1);
	KUNIT_EXPECT_TRUE_MSG(test, READ_ONCE(handle->word) & BIT(ZM_WAIT_BIT),
			      "the sleeper did not announce itself");
}

static bool sleeper_wakes(struct sleeper *s)
{
	return wait_for_completion_timeout(&s->done, PATIENCE);
}

/* So that a lost wake-up costs a failure and not the kernel. */
static void sleeper_rescue(struct sleeper *s)
{
	while (!wait_for_completion_timeout(&s->done, 1)) {
		unsigned long word;

		if (__zm_handle_trylock(s->handle, &word)) {
			__zm_handle_unlock(s->handle, word);
			__zm_handle_wake(s->handle);
		}
	}
}

static void unlock_wakes_a_sleeper(struct kunit *test)
{
	struct zm_handle handle = { };
	struct sleeper s;

	zm_handle_lock(&handle);
	sleeper_start(test, &s, &handle);
	zm_handle_unlock(&handle, ZM_PLACE_MASK);
	KUNIT_EXPECT_TRUE(test, sleeper_wakes(&s));
	sleeper_rescue(&s);
	KUNIT_EXPECT_EQ_MSG(test, s.saw, ZM_PLACE_MASK, "the sleeper has an old word");
	KUNIT_EXPECT_EQ(test, handle.word & BIT(ZM_LOCK_BIT), 0UL);
}

/*
 * The lock is dropped, somebody else takes it before the wake-up is delivered, and
 * drops it again: @late after the sleeper has run, else before.
 */
static void barge(struct kunit *test, bool late)
{
	struct zm_handle handle = { };
	unsigned long word, old;
	struct sleeper s;

	KUNIT_ASSERT_TRUE(test, __zm_handle_trylock(&handle, &word));
	sleeper_start(test, &s, &handle);
	/* The first half of __zm_handle_unlock(). */
	old = xchg_release(&handle.word, word & ~ZM_LOCK_MASK);
	KUNIT_EXPECT_TRUE(test, old & BIT(ZM_WAIT_BIT));
	KUNIT_EXPECT_TRUE(test, __zm_handle_trylock(&handle, &word));
	/* The second half. */
	__zm_handle_wake(&handle);
	if (late) {
		schedule_timeout_uninterruptible(2);
		KUNIT_EXPECT_FALSE(test, completion_done(&s.done));
		KUNIT_EXPECT_TRUE_MSG(test, READ_ONCE(handle.word) & BIT(ZM_WAIT_BIT),
				      "woken for nothing, it did not announce itself again");
	}
	__zm_handle_unlock(&handle, word);
	KUNIT_EXPECT_TRUE_MSG(test, sleeper_wakes(&s), "a wake-up was lost");
	sleeper_rescue(&s);
}

static void barging_before_the_sleeper_runs(struct kunit *test)
{
	barge(test, false);
}

static void barging_until_it_sleeps_again(struct kunit *test)
{
	barge(test, true);
}

static void every_sleeper_gets_its_turn(struct kunit *test)
{
	struct zm_handle handle = { };
	struct sleeper s[6];
	int i;

	zm_handle_lock(&handle);
	for (i = 0; i < ARRAY_SIZE(s); i++)
		sleeper_start(test, &s[i], &handle);
	schedule_timeout_uninterruptible(2);
	zm_handle_unlock(&handle, 0);
	for (i = 0; i < ARRAY_SIZE(s); i++) {
		KUNIT_EXPECT_TRUE_MSG(test, sleeper_wakes(&s[i]), "sleeper %d", i);
		sleeper_rescue(&s[i]);
	}
}

/* Sleepers on other words of the same wait queue are none of its business. */
static void no_wake_up_for_others(struct kunit *test)
{
	struct zm_handle *handle = kunit_kcalloc(test, 64, sizeof(*handle), GFP_KERNEL);
	struct sleeper s;
	int i;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, handle);
	zm_handle_lock(&handle[0]);
	sleeper_start(test, &s, &handle[0]);
	for (i = 1; i < 64; i++)
		__zm_handle_wake(&handle[i]);
	schedule_timeout_uninterruptible(2);
	KUNIT_EXPECT_FALSE(test, completion_done(&s.done));
	zm_handle_unlock(&handle[0], 0);
	KUNIT_EXPECT_TRUE(test, sleeper_wakes(&s));
	sleeper_rescue(&s);
}

/* Many tasks, one handle, and the processor given away with the lock held. */
#define RACERS	6
#define LAPS	2000

struct race {
	struct zm_handle handle;
	unsigned long inside, laps, clashes;
	struct completion done;
};

static int racer_fn(void *arg)
{
	struct race *race = arg;
	unsigned long word;
	int i;

	for (i = 0; i < LAPS; i++) {
		word = zm_handle_lock(&race->handle);
		race->clashes += race->inside++ != 0;
		if (i % 3 == 0)
			schedule();
		race->laps++;
		race->inside--;
		zm_handle_unlock(&race->handle, word);
		if (i % 7 == 0)
			schedule();
	}
	complete(&race->done);
	return 0;
}

static void one_at_a_time(struct kunit *test)
{
	struct race *race = kunit_kzalloc(test, sizeof(*race), GFP_KERNEL);
	int i;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, race);
	init_completion(&race->done);
	for (i = 0; i < RACERS; i++)
		KUNIT_ASSERT_FALSE(test, IS_ERR(kthread_run(racer_fn, race, "zmu_racer/%d", i)));
	for (i = 0; i < RACERS; i++)
		KUNIT_ASSERT_TRUE_MSG(test, wait_for_completion_timeout(&race->done, 20 * HZ),
				      "a task sleeps for ever");
	KUNIT_EXPECT_EQ(test, race->laps, (unsigned long)RACERS * LAPS);
	KUNIT_EXPECT_EQ(test, race->clashes, 0UL);
}

static struct kunit_case zm_handle_cases[] = {
	KUNIT_CASE_PARAM(words_decode, zmu_class_params),
	KUNIT_CASE(lock_and_publish),
	KUNIT_CASE(unlock_wakes_a_sleeper),
	KUNIT_CASE(barging_before_the_sleeper_runs),
	KUNIT_CASE(barging_until_it_sleeps_again),
	KUNIT_CASE(every_sleeper_gets_its_turn),
	KUNIT_CASE(no_wake_up_for_others),
	KUNIT_CASE(one_at_a_time),
	{ }
};

struct kunit_suite zm_handle_suite = {
	.name = "zm_handle",
	.init = zmu_init,
	.exit = zmu_exit,
	.test_cases = zm_handle_cases,
};
