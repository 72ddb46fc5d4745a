// SPDX-License-Identifier: GPL-2.0
/*
 * What suite zmram_slot stands on: drivers/zmram/slot.c; stand-ins for its algorithms,
 * streams, table, blocks and for memory that is short; and the comparison with the model.
 *
 * A page is made from a seed, whose low 16 bits say what the first algorithm makes of it: a
 * number of bytes, or an error. Compressed data is the seed, which is all it takes to make the
 * page again, and bytes that follow from it, the algorithm and the size: data that lacks
 * one, or has one of another, does not decompress.
 */
#include <linux/slab.h>

#include "slot_model.h"

/* Streams and pools do not lead to it. */
static struct slots *the_slots;

/* Handles that somebody has locked, beside the test itself. */
static unsigned int slots_locked(const struct slots *s)
{
	unsigned int i, n = 0;

	for (i = 0; i < SLOTS; i++)
		n += &s->leaf[i] != s->held && s->leaf[i].handle.word & BIT(ZM_LOCK_BIT);
	return n;
}

static unsigned int slots_streams_locked(struct slots *s)
{
	unsigned int i, n = 0;

	for (i = 0; i < SLOT_COMPS; i++)
		n += mutex_is_locked(&s->comp[i].stream.lock);
	return n;
}

/* What the test wants to happen now; once. */
static void slots_meanwhile(struct slots *s, void (**meanwhile)(struct slots *s))
{
	void (*fn)(struct slots *s) = *meanwhile;

	*meanwhile = NULL;
	if (fn)
		fn(s);
}

/* zm_reserve(), for callers in slot.c. */
static int slot_reserve(struct zm_pool *pool, size_t size, gfp_t gfp, struct zm_reserve *reserve)
{
	struct slots *s = the_slots;

	KUNIT_EXPECT_EQ_MSG(s->test, slots_locked(s), 0U, "memory is asked for with a lock");
	if (!gfpflags_allow_blocking(gfp))
		return s->fail_nowait ? -ENOMEM : zm_reserve(pool, size, gfp, reserve);
	KUNIT_EXPECT_EQ_MSG(s->test, slots_streams_locked(s), 0U,
			    "memory is waited for with a stream");
	KUNIT_EXPECT_EQ_MSG(s->test, gfp & (__GFP_IO | __GFP_FS), 0U, "waiting starts I/O");
	slots_meanwhile(s, &s->at_memory);
	if (s->fail_waiting) {
		s->fail_waiting--;
		return -ENOMEM;
	}
	return zm_reserve(pool, size, gfp, reserve);
}
#define zm_reserve(...)	slot_reserve(__VA_ARGS__)

/* What is said about a write that failed goes to the test. */
#undef pr_warn_ratelimited
#define pr_warn_ratelimited(fmt, ...)	(the_slots->said = (fmt))

#include "../../drivers/zmram/slot.c"

#undef zm_reserve

/* ---- stand-ins -------------------------------------------------------------- */

struct zmram_stream *zmram_stream_get(struct zmram_comp *comp)
{
	struct slot_comp *sc = comp->shared;

	KUNIT_EXPECT_EQ_MSG(sc->s->test, slots_locked(sc->s), 0U,
			    "a stream is waited for with a slot locked");
	slots_meanwhile(sc->s, &sc->s->at_stream);
	mutex_lock(&sc->stream.lock);
	return &sc->stream;
}

struct zmram_stream *zmram_stream_tryget(struct zmram_comp *comp)
{
	struct slot_comp *sc = comp->shared;

	if (sc->s->busy_streams) {
		sc->s->busy_streams--;
		return NULL;
	}
	return mutex_trylock(&sc->stream.lock) ? &sc->stream : NULL;
}

void zmram_stream_put(struct zmram_stream *stream)
{
	mutex_unlock(&stream->lock);
}

struct zmram_slot *zmram_leaf_make(struct zmram_meta *meta, unsigned long nr)
{
	struct slots *s = container_of(meta, struct slots, meta);
	struct zmram_slot *leaf;

	if (s->no_leaf) {
		s->no_leaf--;
		slots_meanwhile(s, &s->at_leaf);
		return NULL;
	}
	leaf = kvcalloc(ZMRAM_LEAF_SLOTS, sizeof(*leaf), GFP_KERNEL);
	if (leaf && xa_err(xa_store(&meta->leaves, nr, leaf, GFP_KERNEL))) {
		kvfree(leaf);
		return NULL;
	}
	return leaf;
}

void zmram_block_free(struct zmram_dev *dev, unsigned long block)
{
	struct slots *s = container_of(dev, struct slots, dev);

	KUNIT_EXPECT_EQ_MSG(s->test, slots_locked(s), 1U, "a block is freed without its slot");
	s->freed++;
	s->last_freed = block;
}

void zmu_slot_page(u64 seed, void *page)
{
	u64 *word = page, state = seed;
	unsigned int i;

	word[0] = seed;
	for (i = 1; i < PAGE_SIZE / sizeof(*word); i++)
		word[i] = zmu_random(&state);
}

/* What an algorithm makes of that page, when it makes @size bytes of it, 8 at least. */
void zmu_slot_encode(u64 seed, unsigned int prio, size_t size, void *dst)
{
	memcpy(dst, &seed, sizeof(seed));
	zmu_byte_fill(dst + sizeof(seed), size - sizeof(seed), (u32)(seed >> 16) + prio);
}

/* Pages that are not made from a seed do not get smaller. */
static int slot_compress(const struct zmram_comp *comp, void *ctx, const void *src, void *dst)
{
	struct slot_comp *sc = comp->shared;
	u64 seed = *(const u64 *)src;
	s16 len = seed;

	KUNIT_EXPECT_PTR_EQ(sc->s->test, ctx, (void *)sc);
	KUNIT_EXPECT_EQ_MSG(sc->s->test, slots_locked(sc->s), 0U, "compresses with a lock");
	zmu_slot_page(seed, sc->s->scratch);
	if (memcmp(sc->s->scratch, src, PAGE_SIZE))
		return PAGE_SIZE;
	if (len > 0)
		zmu_slot_encode(seed, sc->prio, len, dst);
	return len;
}

static int slot_decompress(const struct zmram_comp *comp, void *ctx, const void *src, size_t len,
			   void *dst)
{
	struct slot_comp *sc = comp->shared;
	u64 seed;

	if (ctx || comp->ops->ctx_for_read)
		KUNIT_EXPECT_PTR_EQ(sc->s->test, ctx, (void *)sc);
	KUNIT_EXPECT_EQ_MSG(sc->s->test, slots_locked(sc->s), 1U, "reads without the lock");
	if (len < sizeof(seed) || len > PAGE_SIZE)
		return -EINVAL;
	memcpy(&seed, src, sizeof(seed));
	zmu_slot_encode(seed, sc->prio, len, sc->s->scratch);
	if (memcmp(sc->s->scratch, src, len))
		return -EINVAL;
	zmu_slot_page(seed, dst);
	return 0;
}

static const struct zmram_comp_ops slot_comp_ops[SLOT_COMPS] = {
	{ .name = "first", .compress = slot_compress, .decompress = slot_decompress },
	{ .name = "reads with a context", .ctx_for_read = true, .decompress = slot_decompress },
	{ .name = "third", .decompress = slot_decompress },
};

/* ---- making and destroying --------------------------------------------------- */

static int slots_init_comp(struct slots *s, unsigned int prio)
{
	struct slot_comp *sc = &s->comp[prio];

	sc->s = s;
	sc->prio = prio;
	sc->comp = kunit_kzalloc(s->test, sizeof(*sc->comp), GFP_KERNEL);
	sc->stream.buffer = kunit_kmalloc(s->test, ZMRAM_STREAM_BUFFER, GFP_KERNEL);
	if (!sc->comp || !sc->stream.buffer)
		return -ENOMEM;
	sc->comp->ops = &slot_comp_ops[prio];
	sc->comp->shared = sc;
	mutex_init(&sc->stream.lock);
	sc->stream.comp = sc->comp;
	sc->stream.ctx = sc;
	s->meta.comp[prio] = sc->comp;
	return 0;
}

static bool slots_init_pages(struct slots *s)
{
	u8 **page[] = { &s->page, &s->copy, &s->object, &s->scratch };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(page); i++) {
		*page[i] = kunit_kmalloc(s->test, PAGE_SIZE, GFP_KERNEL);
		if (!*page[i])
			return false;
	}
	return true;
}

int zmu_slots_init(struct kunit *test)
{
	struct slots *s = kunit_kzalloc(test, sizeof(*s), GFP_KERNEL);
	unsigned int i;

	if (!s)
		return -ENOMEM;
	s->test = test;
	s->rng = 1;
	s->now = 1;
	s->dev.disk = &s->disk;
	strscpy(s->disk.disk_name, "slots", sizeof(s->disk.disk_name));
	s->zone_pages = zmu_zone_pages();
	s->meta.nr_slots = 3 * ZMRAM_LEAF_SLOTS;
	xa_init(&s->meta.leaves);
	for (i = 0; i < SLOT_COMPS; i++) {
		if (slots_init_comp(s, i))
			return -ENOMEM;
	}
	if (!slots_init_pages(s))
		return -ENOMEM;
	test->priv = s;
	the_slots = s;
	s->leaf = zmram_leaf_make(&s->meta, 0);
	s->dev.stats = alloc_percpu(struct zmram_stats);
	s->meta.pool = zm_pool_create("slots", ZM_POOL_MOVABLE);
	return s->leaf && s->dev.stats && s->meta.pool ? 0 : -ENOMEM;
}

/* Empties all, also after a test that failed half-way: nothing is left, or counted. */
static void slots_empty(struct slots *s)
{
	unsigned int i;

	s->busy_streams = 0;
	s->held = NULL;
	for (i = 0; i < SLOTS; i++) {
		if (s->leaf[i].handle.word & BIT(ZM_LOCK_BIT))
			__zm_handle_unlock(&s->leaf[i].handle, s->leaf[i].handle.word);
	}
	zmram_free_slots(&s->dev, &s->meta, 0, s->meta.nr_slots);
	memset(s->want, 0, sizeof(s->want));
	s->nr = SLOTS;
	if (!s->failed) {
		s->want_freed = s->freed;
		s->want_last_freed = s->last_freed;
		zmu_slots_compare_all(s);
	}
	flush_work(&s->meta.pool->free_work);
	KUNIT_EXPECT_EQ(s->test, zm_pool_pages(s->meta.pool), 0UL);
	KUNIT_EXPECT_EQ(s->test, zm_pool_counter(s->meta.pool, ZM_CORRUPT), 0ULL);
}

void zmu_slots_exit(struct kunit *test)
{
	struct slots *s = test->priv;
	struct zmram_slot *leaf;
	unsigned long nr;

	if (!s)
		return;
	if (s->leaf && s->dev.stats && s->meta.pool)
		slots_empty(s);
	zmu_putback_all(test);
	if (s->meta.pool)
		KUNIT_EXPECT_EQ(test, zm_pool_destroy(s->meta.pool), 0);
	KUNIT_EXPECT_EQ(test, zmu_zone_pages(), s->zone_pages);
	free_percpu(s->dev.stats);
	xa_for_each(&s->meta.leaves, nr, leaf)
		kvfree(leaf);
	xa_destroy(&s->meta.leaves);
	the_slots = NULL;
}

/* ---- comparing --------------------------------------------------------------- */

/* Compares a number; the first that differs ends the run. */
void zmu_slot_want(struct slots *s, s64 got, s64 want, const char *what)
{
	if (likely(got == want) || s->failed)
		return;
	s->failed = true;
	KUNIT_FAIL(s->test, "%s: %lld, should be %lld", what, got, want);
}

/* The bytes of the object that a slot has to have. */
void zmu_slot_object(const struct slot_want *w, void *dst)
{
	if (w->size == PAGE_SIZE)
		zmu_slot_page(w->seed, dst);
	else
		zmu_slot_encode(w->seed, w->prio, w->size, dst);
	if (w->damaged)
		((u8 *)dst)[w->size - 1] ^= 1;
}

static unsigned long slot_word_flags(const struct slot_want *w)
{
	if (w->kind == SLOT_SAME)
		return ZMRAM_SAME;
	return w->kind == SLOT_BLOCK ? ZMRAM_WB : w->flags;
}

unsigned long zmu_slot_data(const struct slot_want *w)
{
	if (w->kind == SLOT_EMPTY)
		return 0;
	return w->kind == SLOT_SAME ? w->seed : zmram_data(w->size, w->prio, w->stamp);
}

static void slot_compare(struct slots *s, unsigned int i)
{
	const struct slot_want *w = &s->want[i];
	unsigned long word = READ_ONCE(s->leaf[i].handle.word);

	zmu_slot_want(s, word & ZM_LOCK_MASK, 0, "lock bits of a slot");
	zmu_slot_want(s, word >> ZM_OWNER_SHIFT, slot_word_flags(w) >> ZM_OWNER_SHIFT,
		      "flags of a slot");
	zmu_slot_want(s, (word & ZM_CLASS_MASK) >> ZM_CLASS_SHIFT,
		      w->kind == SLOT_OBJECT ? zm_class_id(w->size) : 0, "class of a slot");
	zmu_slot_want(s, s->leaf[i].data, zmu_slot_data(w), "data of a slot");
	if (w->kind != SLOT_OBJECT || s->failed)
		return;
	zmu_slot_object(w, s->object);
	zmu_slot_want(s, memcmp(zm_read(word, w->size, s->copy), s->object, w->size), 0,
		      "bytes of an object");
}

static s64 slots_stat(const struct slots *s, enum zmram_stat item)
{
	s64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += per_cpu_ptr(s->dev.stats, cpu)->value[item];
	return sum;
}

/* Those of what there is now are counted anew, from the model. */
static void slots_compare_counters(struct slots *s)
{
	const struct slot_want *w;
	s64 want[ZMRAM_NR_STATS];
	char what[32];
	unsigned int i;

	memcpy(want, s->stat, sizeof(want));
	for (w = s->want; w < s->want + SLOTS; w++) {
		want[ZMRAM_PAGES_STORED] += w->kind != SLOT_EMPTY;
		want[ZMRAM_SAME_PAGES] += w->kind == SLOT_SAME;
		if (w->kind != SLOT_OBJECT)
			continue;
		want[ZMRAM_COMPR_SIZE] += w->size;
		want[ZMRAM_HUGE_PAGES] += w->size == PAGE_SIZE;
	}
	for (i = 0; i < ZMRAM_NR_STATS; i++) {
		snprintf(what, sizeof(what), "counter %u", i);
		zmu_slot_want(s, slots_stat(s, i), want[i], what);
	}
}

static void slots_compare_pool(struct slots *s)
{
	unsigned int i;

	memset(s->per_class, 0, sizeof(s->per_class));
	for (i = 0; i < SLOTS; i++) {
		if (s->want[i].kind == SLOT_OBJECT)
			s->per_class[zm_class_id(s->want[i].size)]++;
	}
	for (i = 1; i <= zm_nr_classes; i++)
		zmu_slot_want(s, s->meta.pool->classes[i - 1].objects, s->per_class[i],
			      "objects of a class");
}

/* Compares some slots, and the counters. */
void zmu_slots_compare(struct slots *s, unsigned int first, unsigned int nr)
{
	unsigned int i;

	for (i = first; i < first + nr; i++)
		slot_compare(s, i);
	zmu_slot_want(s, slots_streams_locked(s), 0, "locked streams");
	zmu_slot_want(s, s->freed, s->want_freed, "blocks freed");
	zmu_slot_want(s, s->last_freed, s->want_last_freed, "the latest block freed");
	slots_compare_counters(s);
}

void zmu_slots_compare_all(struct slots *s)
{
	struct zmu_audit sum;

	zmu_slots_compare(s, 0, s->nr);
	slots_compare_pool(s);
	flush_work(&s->meta.pool->free_work);
	if (!s->failed && !zmu_audit(s->test, s->meta.pool, &sum))
		s->failed = true;
}
