// SPDX-License-Identifier: GPL-2.0
/*
 * What may happen to a slot: each operation does one thing, compares what it answers, and
 * tells the model what has to be there now. Slots that it does not name stay as they are,
 * and so does this one where the answer is an error.
 */
#include <linux/sched/mm.h>

#include "slot_model.h"

/* What a page is full of that nobody has to write to. */
#define UNTOUCHED	0x5a

static bool slot_same_class(const struct slot_want *w, size_t size)
{
	return w->kind == SLOT_OBJECT && zm_class_id(w->size) == zm_class_id(size);
}

/* What the slot holds from now on. */
static void slot_becomes(struct slots *s, unsigned int i, const struct slot_want *w)
{
	if (s->want[i].kind == SLOT_BLOCK) {
		s->want_freed++;
		s->want_last_freed = s->want[i].stamp;
	}
	s->want[i] = *w;
}

/* A request's way, at a time when there was none before. */
struct zmram_walk zmu_slot_walk(struct slots *s)
{
	struct zmram_walk walk = zmram_walk_begin(&s->meta);

	walk.now = ++s->now;
	return walk;
}

static struct zm_class *slot_class(struct slots *s, size_t size)
{
	return &s->meta.pool->classes[zm_class_id(size) - 1];
}

/* Has the pool room for an object of that size, as it is? */
bool zmu_slot_room(struct slots *s, size_t size)
{
	struct zm_class *class = slot_class(s, size);

	return class->objects < class->zspages * class->geo->objects;
}

static bool slot_limit_allows(struct slots *s, size_t size)
{
	return !s->limit ||
	       zm_pool_pages(s->meta.pool) + slot_class(s, size)->geo->pages <= s->limit;
}

/* ---- writing and freeing ----------------------------------------------------- */

/* Does the driver say why a write was answered like that? */
static bool slot_said_why(const struct slots *s, int answer)
{
	const char *why = answer == -ENOSPC ? "mem_limit reached" :
			  answer == -ENOMEM ? "no memory" : "compressor failed";

	return answer ? s->said && strstr(s->said, why) : !s->said;
}

/* Writes a page that compresses to @len bytes, and is to get @want for an answer. */
static void slot_write(struct slots *s, unsigned int i, s16 len, int want)
{
	struct zmram_walk walk = zmu_slot_walk(s);
	struct slot_want w = { .kind = SLOT_OBJECT, .stamp = walk.now };
	unsigned long old = s->leaf[i].handle.word;

	w.size = len > 0 && len < zm_huge_size() ? len : PAGE_SIZE;
	w.seed = (zmu_random(&s->rng) & ~0xffffULL) | (u16)len;
	zmu_slot_page(w.seed, s->page);
	s->said = NULL;
	zmu_slot_want(s, zmu_slot_write(&s->dev, &walk, i, s->page), want, "answer to a write");
	zmu_slot_want(s, slot_said_why(s, want), true, "said why?");
	if (want) {
		s->seen.refused++;
		return;
	}
	/* What fits is overwritten, or others could have no room for it. */
	zmu_slot_want(s, !((s->leaf[i].handle.word ^ old) & ZM_OBJECT_MASK),
		      slot_same_class(&s->want[i], w.size), "overwritten in place?");
	s->seen.in_place += slot_same_class(&s->want[i], w.size);
	s->stat[ZMRAM_HUGE_SINCE] += w.size == PAGE_SIZE;
	slot_becomes(s, i, &w);
}

static bool slot_needs_zspage(struct slots *s, unsigned int i, long len)
{
	size_t size = len > 0 && len < zm_huge_size() ? len : PAGE_SIZE;

	return len >= 0 && !slot_same_class(&s->want[i], size) && !zmu_slot_room(s, size);
}

/* @len as the algorithm answers: raw from zm_huge_size() on, and for 0; or an error. */
void zmu_slot_op_write(struct slots *s, unsigned int i, long len)
{
	size_t size = len > 0 && len < zm_huge_size() ? len : PAGE_SIZE;
	bool refused = slot_needs_zspage(s, i, len) && !slot_limit_allows(s, size);

	slot_write(s, i, len, len < 0 ? len : refused ? -ENOSPC : 0);
}

/* The pool may not grow. */
void zmu_slot_op_write_at_limit(struct slots *s, unsigned int i, long len)
{
	/* A limit of 0 is none. */
	s->limit = zm_pool_pages(s->meta.pool) ?: 1;
	zm_pool_set_limit(s->meta.pool, s->limit);
	zmu_slot_op_write(s, i, len);
	s->limit = 0;
	zm_pool_set_limit(s->meta.pool, 0);
}

/* There is memory, but only after waiting for it a second time. */
void zmu_slot_op_write_waiting(struct slots *s, unsigned int i, long len)
{
	s->fail_nowait = true;
	s->fail_waiting = 1;
	s->stat[ZMRAM_WRITESTALL] += slot_needs_zspage(s, i, len);
	slot_write(s, i, len, len < 0 ? len : 0);
	s->fail_nowait = false;
	s->fail_waiting = 0;
}

/* There is none, for a writer that is to make some. */
void zmu_slot_op_write_reclaiming(struct slots *s, unsigned int i, long len)
{
	bool needs = slot_needs_zspage(s, i, len);
	unsigned int flags = memalloc_noreclaim_save();

	s->fail_nowait = true;
	s->fail_waiting = 2;
	s->stat[ZMRAM_WRITESTALL] += needs;
	slot_write(s, i, len, len < 0 ? len : needs ? -ENOMEM : 0);
	zmu_slot_want(s, s->fail_waiting, 2 - needs, "times that memory was refused");
	s->fail_nowait = false;
	s->fail_waiting = 0;
	memalloc_noreclaim_restore(flags);
}

void zmu_slot_op_write_same(struct slots *s, unsigned int i, long pattern)
{
	struct zmram_walk walk = zmu_slot_walk(s);
	struct slot_want w = { .kind = SLOT_SAME, .seed = pattern };

	memset_l((unsigned long *)s->page, pattern, PAGE_SIZE / sizeof(long));
	zmu_slot_want(s, zmu_slot_write(&s->dev, &walk, i, s->page), 0, "answer to a write");
	slot_becomes(s, i, &w);
}

void zmu_slot_op_free(struct slots *s, unsigned int i, long unused)
{
	unsigned long freed = zmu_slot_free(&s->dev, &s->meta, i, i + 1);

	zmu_slot_want(s, freed, s->want[i].kind != SLOT_EMPTY, "slots freed");
	slot_becomes(s, i, &(struct slot_want) { });
}

/* Frees without sleeping, unless somebody holds the slot. */
void zmu_slot_op_try_free(struct slots *s, unsigned int i, long held)
{
	struct zm_handle *handle = &s->leaf[i].handle;
	unsigned long word;

	if (held) {
		zmu_slot_want(s, __zm_handle_trylock(handle, &word), true, "locked?");
		s->held = &s->leaf[i];
	}
	zmu_slot_want(s, zmu_slot_try_free(&s->dev, &s->meta, i), !held, "freed?");
	if (!held) {
		slot_becomes(s, i, &(struct slot_want) { });
		return;
	}
	zmu_slot_want(s, handle->word == (word | BIT(ZM_LOCK_BIT)), true, "left alone?");
	__zm_handle_unlock(handle, word);
	s->held = NULL;
}

/* ---- reading ----------------------------------------------------------------- */

/* Is in s->page what a read of the slot has to give? */
static void slot_expect_page(struct slots *s, const struct slot_want *w)
{
	if (w->kind == SLOT_OBJECT)
		zmu_slot_page(w->seed, s->copy);
	else
		memset_l((unsigned long *)s->copy, w->kind == SLOT_SAME ? w->seed : 0,
			 PAGE_SIZE / sizeof(long));
	zmu_slot_want(s, memcmp(s->page, s->copy, PAGE_SIZE), 0, "the page read");
}

static void slot_expect_untouched(struct slots *s)
{
	zmu_slot_want(s, !memchr_inv(s->page, UNTOUCHED, PAGE_SIZE), true, "untouched?");
}

void zmu_slot_op_read(struct slots *s, unsigned int i, long busy_streams)
{
	struct zmram_walk walk = zmu_slot_walk(s);
	struct slot_want *w = &s->want[i];
	int ret;

	memset(s->page, UNTOUCHED, PAGE_SIZE);
	s->busy_streams = busy_streams;
	ret = zmu_slot_read(&s->dev, &walk, i, s->page);
	s->busy_streams = 0;
	zmu_slot_want(s, ret, w->kind == SLOT_BLOCK ? ZMRAM_ON_BACKING :
			      w->damaged ? -EINVAL : 0, "answer to a read");
	if (!ret)
		slot_expect_page(s, w);
	else if (w->kind == SLOT_BLOCK)
		slot_expect_untouched(s);
	s->seen.damaged += w->damaged;
	if (w->kind != SLOT_OBJECT)
		return;
	w->stamp = walk.now;
	if (w->flags & ZMRAM_IDLE)
		w->flags &= ~(ZMRAM_IDLE | ZMRAM_PP);
}

/* ---- picked slots ------------------------------------------------------------ */

void zmu_slot_op_pick(struct slots *s, unsigned int i, long unused)
{
	bool object = s->want[i].kind == SLOT_OBJECT;

	zmu_slot_want(s, zmu_slot_pick(&s->meta, i), object, "picked?");
	if (object)
		s->want[i].flags |= ZMRAM_PP;
}

void zmu_slot_op_unpick(struct slots *s, unsigned int i, long how)
{
	static const unsigned long clear[] = { 0, ZMRAM_IDLE, ZMRAM_IDLE };
	static const unsigned long set[] = { 0, 0, ZMRAM_INCOMP };
	struct slot_want *w = &s->want[i];

	zmu_slot_unpick(&s->meta, i, clear[how], set[how]);
	if (w->flags & ZMRAM_PP)
		w->flags = (w->flags & ~(ZMRAM_PP | clear[how])) | set[how];
}

/* Not an access: nothing changes, whatever the answer. */
void zmu_slot_op_picked_read(struct slots *s, unsigned int i, long busy_streams)
{
	struct slot_want *w = &s->want[i];
	unsigned long word = 0, data = 0;
	int ret;

	memset(s->page, UNTOUCHED, PAGE_SIZE);
	s->busy_streams = busy_streams;
	ret = zmu_slot_picked_read(&s->dev, &s->meta, i, s->page, &word, &data);
	s->busy_streams = 0;
	zmu_slot_want(s, ret, !(w->flags & ZMRAM_PP) ? -EAGAIN : w->damaged ? -EBADMSG : 0,
		      "answer to a read of a picked slot");
	zmu_slot_want(s, word == s->leaf[i].handle.word, true, "the word read?");
	zmu_slot_want(s, data, zmu_slot_data(w), "the data read");
	if (!ret)
		slot_expect_page(s, w);
	else if (ret == -EAGAIN)
		slot_expect_untouched(s);
	s->seen.lost += ret == -EAGAIN;
}

static int slot_replace(struct slots *s, unsigned int i, size_t size, unsigned int prio,
			struct zm_reserve *reserve)
{
	return zmu_slot_picked_replace(&s->dev, &s->meta, i, s->page, size, prio, reserve);
}

/* Puts what another algorithm has made of it in its place. */
void zmu_slot_op_replace(struct slots *s, unsigned int i, long size)
{
	struct slot_want w = s->want[i];
	struct zm_reserve reserve = { };
	bool room = zmu_slot_room(s, size);

	/* The caller is not to ask for that. */
	if (slot_same_class(&w, size))
		return;
	w.prio = 1 + size % 2;
	zmu_slot_encode(w.seed, w.prio, size, s->page);
	if (!(w.flags & ZMRAM_PP)) {
		zmu_slot_want(s, slot_replace(s, i, size, w.prio, &reserve), -EAGAIN,
			      "answer to a replacement without a pick");
		s->seen.lost++;
		return;
	}
	if (!room) {
		zmu_slot_want(s, slot_replace(s, i, size, w.prio, &reserve), -ENOMEM,
			      "answer to a replacement without room");
		zmu_slots_compare(s, i, 1);
		zmu_slot_encode(w.seed, w.prio, size, s->page);
		if (zm_reserve(s->meta.pool, size, GFP_KERNEL, &reserve))
			return;
	}
	zmu_slot_want(s, slot_replace(s, i, size, w.prio, &reserve), 0,
		      "answer to a replacement");
	zmu_slot_want(s, !reserve.zspage, true, "reserve used up?");
	w.size = size;
	w.flags = 0;
	w.damaged = false;
	slot_becomes(s, i, &w);
}

/* What writeback would write, as it is stored or as it was. */
void zmu_slot_op_copy(struct slots *s, unsigned int i, long raw)
{
	struct slot_want *w = &s->want[i];
	unsigned long data = ~0UL;
	int ret;

	memset(s->page, UNTOUCHED, PAGE_SIZE);
	/* Every other time. */
	s->busy_streams = raw ? 0 : s->now % 2;
	ret = zmu_slot_copy_picked(&s->meta, i, raw, s->page, &data);
	s->busy_streams = 0;
	if (!(w->flags & ZMRAM_PP)) {
		zmu_slot_want(s, ret, -ENOENT, "answer to a copy without a pick");
		zmu_slot_want(s, data, -1, "data of no copy");
		slot_expect_untouched(s);
		s->seen.lost++;
	} else if (raw) {
		zmu_slot_want(s, ret, 0, "answer to a raw copy");
		zmu_slot_want(s, data, zmram_data(w->size, w->prio, 0), "data of a raw copy");
		memset(s->copy, 0, PAGE_SIZE);
		zmu_slot_object(w, s->copy);
		zmu_slot_want(s, memcmp(s->page, s->copy, PAGE_SIZE), 0, "the raw copy");
	} else if (w->damaged) {
		zmu_slot_want(s, ret, -EINVAL, "answer to a copy of damaged data");
		w->flags &= ~ZMRAM_PP;
	} else {
		zmu_slot_want(s, ret, 0, "answer to a copy");
		zmu_slot_want(s, data, zmram_data(PAGE_SIZE, 0, 0), "data of a copy");
		slot_expect_page(s, w);
	}
}

/* Its data has arrived on the backing device, @raw as it was stored. */
void zmu_slot_op_to_block(struct slots *s, unsigned int i, long raw)
{
	struct slot_want w = s->want[i];
	bool picked = w.flags & ZMRAM_PP;
	unsigned long data;

	/* No number comes twice, and all bits of them are used. */
	u32 block = ++s->blocks * 0x9e3779b1;

	w.kind = SLOT_BLOCK;
	w.size = raw ? w.size : PAGE_SIZE;
	w.prio = raw ? w.prio : 0;
	w.stamp = block;
	w.flags = 0;
	w.damaged = false;
	data = zmram_data(w.size, w.prio, 0);
	zmu_slot_want(s, zmu_slot_to_block(&s->dev, &s->meta, i, block, data), picked,
		      "written back?");
	if (picked)
		slot_becomes(s, i, &w);
	s->seen.lost += !picked;
}

void zmu_slot_op_where(struct slots *s, unsigned int i, long unused)
{
	struct slot_want *w = &s->want[i];
	unsigned long data = ~0UL;

	zmu_slot_want(s, zmu_slot_block(&s->meta, i, &data), w->kind == SLOT_BLOCK,
		      "on the backing device?");
	zmu_slot_want(s, data, zmu_slot_data(w), "data of where it is");
}

/* ---- what others do ---------------------------------------------------------- */

/* The idle file marks it, or recompression. */
void zmu_slot_op_mark(struct slots *s, unsigned int i, long flags)
{
	struct zm_handle *handle = &s->leaf[i].handle;

	if (s->want[i].kind != SLOT_OBJECT)
		return;
	zm_handle_unlock(handle, zm_handle_lock(handle) | flags);
	s->want[i].flags |= flags;
}

/* Memory goes bad: a byte of an object is another. Of raw data, nobody could tell. */
void zmu_slot_op_damage(struct slots *s, unsigned int i, long unused)
{
	struct slot_want *w = &s->want[i];
	struct zm_handle *handle = &s->leaf[i].handle;
	unsigned long word;

	if (w->kind != SLOT_OBJECT || w->size == PAGE_SIZE)
		return;
	w->damaged = !w->damaged;
	zmu_slot_object(w, s->page);
	word = zm_handle_lock(handle);
	zm_write(word, s->page, w->size);
	zm_handle_unlock(handle, word);
}

/* The VM moves a page of its zspage. */
void zmu_slot_op_move(struct slots *s, unsigned int i, long pos)
{
	struct zm_zspage *zspage;
	struct page *page;

	if (s->want[i].kind != SLOT_OBJECT)
		return;
	zspage = zmu_zspage_of(s->leaf[i].handle.word);
	page = zspage->pages[pos % zspage->nr_pages];
	zmu_slot_want(s, zmu_isolate(s->test, page), true, "isolated?");
	if (!s->failed)
		zmu_slot_want(s, zmu_migrate(s->test, page, MIGRATE_SYNC), 1, "moved");
	s->seen.moved++;
}
