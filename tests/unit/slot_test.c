// SPDX-License-Identifier: GPL-2.0
/*
 * Suite zmram_slot: drivers/zmram/slot.c, what a slot holds and how that changes. Every
 * operation is tried on every kind of slot, with every set of flags, among others that have
 * to stay as they are; then many at random. After each the slots, their bytes, the counters,
 * the pool and the blocks given back are compared with a plain model.
 *
 * Where to read next: slot_ops.c has the operations and what has to come of them,
 * slot_model.c the stand-ins and the comparison.
 */
#include <linux/sched/mm.h>

#include "slot_model.h"

#define SLOT_ROUNDS	20000
#define SLOT_COMPARE	100

/* Slots of the transitions: what is tried on, and what is beside it. */
#define AT		5
#define AT_NR		8

/* Lengths that matter; some are known at run time only. */
enum {
	LEN_TINY, LEN_SMALL, LEN_ALIKE, LEN_SPLIT, LEN_SPLIT_ALIKE, LEN_LAST, LEN_HUGE,
	LEN_PAGE, LEN_LONG, LEN_NONE, LEN_FAILS, NR_LENS
};

/* The largest class of which objects lie on two pages, or one that does not matter. */
static const struct zm_geometry *split_geometry(void)
{
	const struct zm_geometry *geo = &zm_geometries[zm_nr_classes - 2];

	while (geo > zm_geometries + 8 && geo->pages == 1)
		geo--;
	return geo;
}

static long slot_len(unsigned int which)
{
	const struct zm_geometry *split = split_geometry();
	const struct zm_geometry *small = &zm_geometries[zm_class_id(300) - 1];
	const long len[NR_LENS] = {
		[LEN_TINY] = 16,
		[LEN_SMALL] = zmu_max_size(small),
		[LEN_ALIKE] = zmu_min_size(small),
		[LEN_SPLIT] = zmu_max_size(split),
		[LEN_SPLIT_ALIKE] = zmu_min_size(split),
		[LEN_LAST] = zm_huge_size() - 1,
		[LEN_HUGE] = zm_huge_size(),
		[LEN_PAGE] = PAGE_SIZE,
		[LEN_LONG] = ZMRAM_STREAM_BUFFER,
		[LEN_NONE] = 0,
		[LEN_FAILS] = -EIO,
	};

	return len[which];
}

/* ---- every operation on every kind of slot ----------------------------------- */

typedef void (*slot_op_fn)(struct slots *s, unsigned int i, long arg);

static const struct slot_op {
	const char *name;
	slot_op_fn fn;
	bool len;			/* @arg is one of LEN_* */
	long arg;
} slot_ops[] = {
	{ "write zeroes", zmu_slot_op_write_same, false, 0 },
	{ "write same", zmu_slot_op_write_same, false, 0x0123456789abcdef },
	{ "write tiny", zmu_slot_op_write, true, LEN_TINY },
	{ "write small", zmu_slot_op_write, true, LEN_SMALL },
	{ "write small, another size", zmu_slot_op_write, true, LEN_ALIKE },
	{ "write split", zmu_slot_op_write, true, LEN_SPLIT },
	{ "write split, another size", zmu_slot_op_write, true, LEN_SPLIT_ALIKE },
	{ "write the largest", zmu_slot_op_write, true, LEN_LAST },
	{ "write one too large", zmu_slot_op_write, true, LEN_HUGE },
	{ "write a page", zmu_slot_op_write, true, LEN_PAGE },
	{ "write two pages", zmu_slot_op_write, true, LEN_LONG },
	{ "write what comes to nothing", zmu_slot_op_write, true, LEN_NONE },
	{ "write, compressor fails", zmu_slot_op_write, true, LEN_FAILS },
	{ "write small at the limit", zmu_slot_op_write_at_limit, true, LEN_SMALL },
	{ "write tiny at the limit", zmu_slot_op_write_at_limit, true, LEN_TINY },
	{ "write a page at the limit", zmu_slot_op_write_at_limit, true, LEN_PAGE },
	{ "write same at the limit", zmu_slot_op_write_same, false, 1 },
	{ "write tiny, wait", zmu_slot_op_write_waiting, true, LEN_TINY },
	{ "write a page, wait", zmu_slot_op_write_waiting, true, LEN_PAGE },
	{ "write tiny in reclaim", zmu_slot_op_write_reclaiming, true, LEN_TINY },
	{ "write a page in reclaim", zmu_slot_op_write_reclaiming, true, LEN_PAGE },
	{ "read", zmu_slot_op_read, false, 0 },
	{ "read, wait for a stream", zmu_slot_op_read, false, 1 },
	{ "free", zmu_slot_op_free, false, 0 },
	{ "free at once", zmu_slot_op_try_free, false, 0 },
	{ "free at once, locked", zmu_slot_op_try_free, false, 1 },
	{ "pick", zmu_slot_op_pick, false, 0 },
	{ "unpick", zmu_slot_op_unpick, false, 0 },
	{ "unpick, not idle", zmu_slot_op_unpick, false, 1 },
	{ "unpick, incompressible", zmu_slot_op_unpick, false, 2 },
	{ "read for recompression", zmu_slot_op_picked_read, false, 0 },
	{ "read for recompression, wait", zmu_slot_op_picked_read, false, 1 },
	{ "replace by tiny", zmu_slot_op_replace, true, LEN_TINY },
	{ "replace by small", zmu_slot_op_replace, true, LEN_ALIKE },
	{ "replace by split", zmu_slot_op_replace, true, LEN_SPLIT },
	{ "copy", zmu_slot_op_copy, false, 0 },
	{ "copy as stored", zmu_slot_op_copy, false, 1 },
	{ "to a block", zmu_slot_op_to_block, false, 0 },
	{ "to a block as stored", zmu_slot_op_to_block, false, 1 },
	{ "where is it", zmu_slot_op_where, false, 0 },
};

static void from_empty(struct slots *s, unsigned int i)
{
}

static void from_same(struct slots *s, unsigned int i)
{
	zmu_slot_op_write_same(s, i, -2);
}

static void from_small(struct slots *s, unsigned int i)
{
	zmu_slot_op_write(s, i, slot_len(LEN_SMALL));
}

/* On two pages that are no neighbours, or the object would be in one piece. */
static void from_split(struct slots *s, unsigned int i)
{
	long len = slot_len(LEN_SPLIT);

	zmu_slot_op_write(s, i, len);
	if (split_geometry()->pages == 1)
		return;
	if (zm_in_place(s->leaf[i].handle.word, len))
		zmu_slot_op_move(s, i, 1);
	zmu_slot_want(s, !zm_in_place(s->leaf[i].handle.word, len), true, "in two pieces?");
}

static void from_raw(struct slots *s, unsigned int i)
{
	zmu_slot_op_write(s, i, slot_len(LEN_HUGE));
}

/* By the algorithm that reads with a context. */
static void from_recompressed(struct slots *s, unsigned int i)
{
	from_raw(s, i);
	zmu_slot_op_pick(s, i, 0);
	zmu_slot_op_replace(s, i, slot_len(LEN_SMALL) & ~1UL);
	zmu_slot_want(s, s->want[i].prio, 1, "priority");
}

static void from_block(struct slots *s, unsigned int i)
{
	from_small(s, i);
	zmu_slot_op_pick(s, i, 0);
	zmu_slot_op_to_block(s, i, 1);
}

static const struct {
	const char *name;
	void (*make)(struct slots *s, unsigned int i);
} slot_from[] = {
	{ "empty", from_empty },
	{ "same-filled", from_same },
	{ "compressed", from_small },
	{ "compressed, on two pages", from_split },
	{ "raw", from_raw },
	{ "recompressed", from_recompressed },
	{ "written back", from_block },
};

#define TRANSITIONS	(ARRAY_SIZE(slot_from) * ARRAY_SIZE(slot_ops))

/* KUnit wants something to point at. */
static const u8 transition[TRANSITIONS];

static const void *transition_params(const void *prev, char *desc)
{
	unsigned int n = prev ? (const u8 *)prev - transition + 1 : 0;

	if (n == TRANSITIONS)
		return NULL;
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s: %s", slot_from[n / ARRAY_SIZE(slot_ops)].name,
		 slot_ops[n % ARRAY_SIZE(slot_ops)].name);
	return &transition[n];
}

/* Of each kind one, none of which the operation is about. */
static void slots_beside(struct slots *s)
{
	unsigned int i;

	s->nr = AT_NR;
	/* Takes the first place of its zspage, so that the next lies on two pages. */
	zmu_slot_op_write(s, 0, slot_len(LEN_SPLIT));
	zmu_slot_op_write_same(s, AT - 1, -1);
	for (i = 1; i < 3; i++) {
		from_raw(s, i);
		zmu_slot_op_pick(s, i, 0);
	}
	zmu_slot_op_to_block(s, 2, 0);
	zmu_slot_op_write(s, AT + 1, slot_len(LEN_TINY));
	zmu_slot_op_mark(s, AT + 1, ZMRAM_IDLE | ZMRAM_INCOMP);
}

/* One transition, from a slot with these flags. */
static void transition_try(struct slots *s, unsigned int n, unsigned long flags, bool damaged)
{
	const struct slot_op *op = &slot_ops[n % ARRAY_SIZE(slot_ops)];

	slot_from[n / ARRAY_SIZE(slot_ops)].make(s, AT);
	zmu_slot_op_mark(s, AT, flags);
	if (damaged)
		zmu_slot_op_damage(s, AT, 0);
	zmu_slots_compare(s, 0, AT_NR);
	op->fn(s, AT, op->len ? slot_len(op->arg) : op->arg);
	zmu_slots_compare_all(s);
	zmu_slot_op_free(s, AT, 0);
	zmu_slots_compare_all(s);
	if (s->failed)
		kunit_info(s->test, "with flags %#lx%s", flags >> ZM_OWNER_SHIFT,
			   damaged ? ", damaged" : "");
}

static void transitions(struct kunit *test)
{
	static const unsigned long flag[] = { ZMRAM_IDLE, ZMRAM_INCOMP, ZMRAM_PP };
	unsigned int n = (const u8 *)test->param_value - transition, set, k;
	struct slots *s = test->priv;
	unsigned long flags;

	slots_beside(s);
	/* Only objects have flags, and only compressed ones can be damaged. */
	for (set = 0; set < 1 << ARRAY_SIZE(flag); set++) {
		for (flags = 0, k = 0; k < ARRAY_SIZE(flag); k++)
			flags |= set & BIT(k) ? flag[k] : 0;
		if (!s->failed)
			transition_try(s, n, flags, false);
		if (!s->failed)
			transition_try(s, n, flags, true);
	}
}

/* ---- what takes more than one slot ------------------------------------------- */

/* One word that differs, wherever it is, and the page is not same-filled. */
static void same_filled_is_every_word(struct kunit *test)
{
	const unsigned int words = PAGE_SIZE / sizeof(long);
	struct slots *s = test->priv;
	unsigned long *page = (void *)s->page;
	struct zmram_walk walk = zmu_slot_walk(s);
	unsigned int i;

	for (i = 0; i < words; i++) {
		memset_l(page, -3, words);
		page[i] ^= BIT(i % BITS_PER_LONG);
		KUNIT_ASSERT_EQ(test, zmu_slot_write(&s->dev, &walk, 0, page), 0);
		KUNIT_ASSERT_EQ(test, s->leaf[0].handle.word & ZM_OWNER_MASK, 0UL);
		KUNIT_ASSERT_EQ(test, zmu_slot_read(&s->dev, &walk, 0, s->copy), 0);
		KUNIT_ASSERT_EQ_MSG(test, memcmp(s->copy, page, PAGE_SIZE), 0, "word %u", i);
		s->stat[ZMRAM_HUGE_SINCE]++;
	}
	KUNIT_EXPECT_EQ(test, zmu_slot_free(&s->dev, &s->meta, 0, 1), 1UL);
	zmu_slots_compare_all(s);
}

/* While a reader waits for the stream of one algorithm, the slot becomes another's. */
static void recompress_meanwhile(struct slots *s)
{
	zmu_slot_op_pick(s, 1, 0);
	zmu_slot_op_replace(s, 1, slot_len(LEN_SMALL) & ~1UL);
}

static void write_raw_meanwhile(struct slots *s)
{
	zmu_slot_op_write(s, 1, PAGE_SIZE);
}

static void free_meanwhile(struct slots *s)
{
	zmu_slot_op_free(s, 1, 0);
}

static void a_slot_changes_while_its_stream_is_waited_for(struct kunit *test)
{
	static void (*const meanwhile[])(struct slots *s) = {
		recompress_meanwhile, write_raw_meanwhile, free_meanwhile,
	};
	struct slots *s = test->priv;
	unsigned int i;

	if (split_geometry()->pages == 1)
		kunit_skip(test, "no object lies on two pages");
	s->nr = AT_NR;
	zmu_slot_op_write(s, 0, slot_len(LEN_SPLIT));
	for (i = 0; i < ARRAY_SIZE(meanwhile); i++) {
		from_split(s, 1);
		s->at_stream = meanwhile[i];
		zmu_slot_op_read(s, 1, 1);
		KUNIT_EXPECT_TRUE(test, !s->at_stream);
		zmu_slots_compare_all(s);
		zmu_slot_op_free(s, 1, 0);
	}
}

/* What a writer has waited for is given back if it is not needed any more. */
static void leave_room(struct slots *s)
{
	s->fail_nowait = false;
	zmu_slot_op_write(s, 1, slot_len(LEN_SMALL));
}

static void memory_that_is_not_needed_any_more(struct kunit *test)
{
	struct slots *s = test->priv;
	struct zmram_walk walk = zmu_slot_walk(s);
	struct slot_want w = { .kind = SLOT_OBJECT, .seed = slot_len(LEN_SMALL),
			       .size = slot_len(LEN_SMALL), .stamp = walk.now };

	s->nr = AT_NR;
	s->at_memory = leave_room;
	s->fail_nowait = true;
	KUNIT_EXPECT_FALSE(test, zmu_slot_room(s, w.size));
	zmu_slot_page(w.seed, s->copy);
	KUNIT_EXPECT_EQ(test, zmu_slot_write(&s->dev, &walk, 2, s->copy), 0);
	KUNIT_EXPECT_FALSE(test, s->fail_nowait);
	s->stat[ZMRAM_WRITESTALL]++;
	s->want[2] = w;
	zmu_slots_compare_all(s);
}

/* The range is exact, and leaves that nobody has touched are stepped over. */
static void freeing_a_range(struct kunit *test)
{
	struct slots *s = test->priv;
	struct zmram_walk walk = zmu_slot_walk(s);
	const unsigned long far = 2 * ZMRAM_LEAF_SLOTS;
	unsigned int i;

	s->nr = AT_NR;
	for (i = 0; i < AT_NR; i++)
		zmu_slot_op_write_same(s, i, i);
	/* As the model's first slots, behind a leaf that there is not. */
	for (i = 0; i < 2; i++)
		KUNIT_EXPECT_EQ(test, zmu_slot_write(&s->dev, &walk, far + i, s->page), 0);
	KUNIT_EXPECT_EQ(test, zmu_slot_free(&s->dev, &s->meta, 3, 3), 0UL);
	KUNIT_EXPECT_EQ(test, zmu_slot_free(&s->dev, &s->meta, 2, far + 1), AT_NR - 2 + 1UL);
	memset(s->want + 2, 0, (AT_NR - 2) * sizeof(*s->want));
	KUNIT_EXPECT_NULL(test, xa_load(&s->meta.leaves, 1));
	KUNIT_EXPECT_EQ(test, zmram_slot_find(&s->meta, far)->handle.word, 0UL);
	KUNIT_EXPECT_EQ(test, zmram_slot_find(&s->meta, far + 1)->handle.word, ZMRAM_SAME);
	KUNIT_EXPECT_EQ(test, zmu_slot_free(&s->dev, &s->meta, far - 1, far + 2), 1UL);
	zmu_slots_compare_all(s);
}

/* Another writer has had more luck. */
static void leaf_of_another(struct slots *s)
{
	s->no_leaf = 0;
	KUNIT_EXPECT_NOT_NULL(s->test, zmram_leaf_make(&s->meta, 2));
	s->no_leaf = UINT_MAX;
}

/* Pages of a leaf that there is not are empty, and stay so if there is no memory for it. */
static void no_leaf(struct kunit *test)
{
	struct slots *s = test->priv;
	struct zmram_walk walk = zmu_slot_walk(s);
	const unsigned long far = ZMRAM_LEAF_SLOTS;
	unsigned int reclaim;

	memset(s->page, 1, PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, zmu_slot_read(&s->dev, &walk, far, s->page), 0);
	KUNIT_EXPECT_NULL(test, memchr_inv(s->page, 0, PAGE_SIZE));
	KUNIT_EXPECT_TRUE(test, zmu_slot_try_free(&s->dev, &s->meta, far));
	KUNIT_EXPECT_FALSE(test, zmu_slot_pick(&s->meta, far));
	/* A writer in reclaim hears at once, any other waits. */
	s->no_leaf = 1;
	reclaim = memalloc_noreclaim_save();
	KUNIT_EXPECT_EQ(test, zmu_slot_write(&s->dev, &walk, far, s->page), -ENOMEM);
	memalloc_noreclaim_restore(reclaim);
	KUNIT_EXPECT_NULL(test, zmram_slot_find(&s->meta, far));
	s->no_leaf = 3;
	KUNIT_EXPECT_EQ(test, zmu_slot_write(&s->dev, &walk, far, s->page), 0);
	KUNIT_EXPECT_EQ(test, s->no_leaf, 0U);
	/* One that comes needs no memory for another. */
	walk = zmu_slot_walk(s);
	s->at_leaf = leaf_of_another;
	s->no_leaf = 1;
	KUNIT_EXPECT_EQ(test, zmu_slot_write(&s->dev, &walk, 2 * far, s->page), 0);
	KUNIT_EXPECT_EQ(test, s->no_leaf, UINT_MAX);
	KUNIT_EXPECT_EQ(test, zmu_slot_free(&s->dev, &s->meta, 2 * far, 2 * far + 1), 1UL);
	s->no_leaf = 0;
	s->stat[ZMRAM_WRITESTALL] += 3;
	KUNIT_EXPECT_EQ(test, zmu_slot_free(&s->dev, &s->meta, far, far + 1), 1UL);
	zmu_slots_compare_all(s);
}

/* ---- at random --------------------------------------------------------------- */

/* Of all sizes, some often enough that they meet; some as large as the object there is. */
static long random_len(struct slots *s, unsigned int i)
{
	const struct zm_geometry *geo;

	switch (zmu_below(&s->rng, 8)) {
	case 0:
		return slot_len(zmu_below(&s->rng, NR_LENS));
	case 1 ... 2:
		if (s->want[i].kind != SLOT_OBJECT || s->want[i].size == PAGE_SIZE)
			break;
		geo = &zm_geometries[zm_class_id(s->want[i].size) - 1];
		return max_t(long, 16, zmu_min_size(geo) +
			     zmu_below(&s->rng, zmu_max_size(geo) - zmu_min_size(geo) + 1));
	case 3 ... 4:
		return 700 * (1 + zmu_below(&s->rng, 4));
	}
	return 16 + zmu_below(&s->rng, PAGE_SIZE);
}

static long random_size(struct slots *s)
{
	return 16 + zmu_below(&s->rng, zm_huge_size() - 16);
}

static void random_write(struct slots *s, unsigned int i, long chance)
{
	zmu_slot_op_write(s, i, random_len(s, i));
}

static void random_write_at_limit(struct slots *s, unsigned int i, long chance)
{
	zmu_slot_op_write_at_limit(s, i, random_len(s, i));
}

static void random_write_reclaiming(struct slots *s, unsigned int i, long chance)
{
	zmu_slot_op_write_reclaiming(s, i, random_len(s, i));
}

static void random_replace(struct slots *s, unsigned int i, long chance)
{
	zmu_slot_op_replace(s, i, random_size(s));
}

static void random_mark(struct slots *s, unsigned int i, long chance)
{
	zmu_slot_op_mark(s, i, chance % 3 ? ZMRAM_IDLE : ZMRAM_INCOMP);
}

/* Chances per 1000; the rest are reads. */
static const struct {
	const char *name;
	slot_op_fn fn;
	unsigned int chance;
	unsigned int args;		/* so many, from 0 on, are tried */
} slot_random[] = {
	{ "write", random_write, 240, 1 },
	{ "write at the limit", random_write_at_limit, 30, 1 },
	{ "write in reclaim", random_write_reclaiming, 20, 1 },
	{ "write same", zmu_slot_op_write_same, 40, 1000 },
	{ "free", zmu_slot_op_free, 40, 1 },
	{ "free at once", zmu_slot_op_try_free, 40, 2 },
	{ "mark", random_mark, 80, 3 },
	{ "pick", zmu_slot_op_pick, 120, 1 },
	{ "unpick", zmu_slot_op_unpick, 30, 3 },
	{ "read for recompression", zmu_slot_op_picked_read, 50, 2 },
	{ "replace", random_replace, 60, 1 },
	{ "copy", zmu_slot_op_copy, 50, 2 },
	{ "to a block", zmu_slot_op_to_block, 40, 2 },
	{ "where is it", zmu_slot_op_where, 20, 1 },
	{ "damage", zmu_slot_op_damage, 20, 1 },
	{ "move", zmu_slot_op_move, 40, 8 },
	{ "read", zmu_slot_op_read, 1000, 3 },
};

static unsigned int random_choose(struct slots *s)
{
	unsigned int dice = zmu_below(&s->rng, 1000), n;

	for (n = 0; dice >= slot_random[n].chance; n++)
		dice -= slot_random[n].chance;
	return n;
}

static void random_slots(struct kunit *test)
{
	struct slots *s = test->priv;
	unsigned long round;
	unsigned int n, i;

	s->nr = SLOTS;
	for (round = 0; round < SLOT_ROUNDS && !s->failed; round++) {
		n = random_choose(s);
		i = zmu_below(&s->rng, SLOTS);
		slot_random[n].fn(s, i, zmu_below(&s->rng, slot_random[n].args));
		zmu_slots_compare(s, i, 1);
		if (round % SLOT_COMPARE == 0)
			zmu_slots_compare_all(s);
		if (s->failed)
			kunit_info(test, "round %lu: %s", round, slot_random[n].name);
		cond_resched();
	}
	zmu_slots_compare_all(s);
	if (s->failed)
		return;
	/* A run that did not come to these has proved nothing about them. */
	KUNIT_EXPECT_GT(test, s->seen.in_place, 100UL);
	KUNIT_EXPECT_GT(test, s->seen.refused, 100UL);
	KUNIT_EXPECT_GT(test, s->seen.damaged, 20UL);
	KUNIT_EXPECT_GT(test, s->seen.moved, 100UL);
	KUNIT_EXPECT_GT(test, s->seen.lost, 100UL);
	KUNIT_EXPECT_GT(test, s->freed, 50UL);
}

static struct kunit_case slot_cases[] = {
	KUNIT_CASE_PARAM(transitions, transition_params),
	KUNIT_CASE(same_filled_is_every_word),
	KUNIT_CASE(a_slot_changes_while_its_stream_is_waited_for),
	KUNIT_CASE(memory_that_is_not_needed_any_more),
	KUNIT_CASE(freeing_a_range),
	KUNIT_CASE(no_leaf),
	KUNIT_CASE(random_slots),
	{ }
};

struct kunit_suite zmram_slot_suite = {
	.name = "zmram_slot",
	.init = zmu_slots_init,
	.exit = zmu_slots_exit,
	.test_cases = slot_cases,
};
