// SPDX-License-Identifier: GPL-2.0
/*
 * Reading, writing and freeing one slot: a page of the disk.
 *
 * A write compresses first, then locks the slot and, in one lock section, puts
 * the data into the object that is there or into a new one, frees what it
 * replaces, and publishes the new state by unlocking. When no object can be
 * had without sleeping, it unlocks slot and stream, waits for memory, and starts
 * again; so nothing is locked while anybody waits for memory, and until the new
 * state is published the old one stays readable.
 *
 * Lock order: stream, then handle; see zmram_lock_for_read().
 */
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/string.h>

#include "zmram.h"

/*
 * For how long a writer outside of reclaim waits for the memory of a page, and of its
 * part of the table, before it fails: his own tries reclaim without I/O, so what others
 * free he has to meet. The first page that fails ends its bio. While each comes through,
 * however late, it goes on: an error loses data.
 */
#define ZMRAM_WRITE_PATIENCE	(20 * HZ)

/* And for how long after a wait in vain nobody who has been killed begins another. */
#define ZMRAM_KILLED_WRITE_PAUSE	(10 * HZ)

/* After how many slots freeing lets others run. */
#define ZMRAM_FREE_BATCH	32

/* How often freeing without sleeping looks at a locked slot: a mover's copy. */
#define ZMRAM_TRY_FREE_SPINS	256

static bool zmram_same_filled(const unsigned long *page, unsigned long *pattern)
{
	const unsigned int last = PAGE_SIZE / sizeof(*page) - 1;
	unsigned long value = page[0];
	unsigned int i;

	if (value != page[last])
		return false;
	for (i = 1; i < last; i++) {
		if (page[i] != value)
			return false;
	}
	*pattern = value;
	return true;
}

/* Adds (@sign 1) or removes (@sign -1) what a slot's state counts for. */
static __always_inline void zmram_account(struct zmram_dev *dev, unsigned long word,
					  unsigned long data, int sign)
{
	if (!word)
		return;
	zmram_stat_add(dev, ZMRAM_PAGES_STORED, sign);
	if (word & ZMRAM_SAME) {
		zmram_stat_add(dev, ZMRAM_SAME_PAGES, sign);
		return;
	}
	/* Counted by blocks.c, and takes no memory here. */
	if (word & ZMRAM_WB)
		return;
	zmram_stat_add(dev, ZMRAM_COMPR_SIZE, sign * (s64)zmram_data_size(data));
	if (zmram_data_size(data) == PAGE_SIZE)
		zmram_stat_add(dev, ZMRAM_HUGE_PAGES, sign);
}

/*
 * Publishes a new state in place of @old, freeing its object or block. Unlocks. In
 * line, because most callers say what the new state is, or that there is none.
 */
static __always_inline void zmram_slot_set(struct zmram_dev *dev, struct zmram_meta *meta,
			   struct zmram_slot *slot, unsigned long old,
			   unsigned long word, unsigned long data)
{
	zmram_account(dev, old, slot->data, -1);
	zmram_account(dev, word, data, 1);
	/* Overwritten in place, the object stays. */
	if (zm_word_has_object(old) && (old ^ word) & ZM_OBJECT_MASK)
		zm_free(meta->pool, old);
	if (unlikely(old & ZMRAM_WB))
		zmram_block_free(dev, zmram_data_stamp(slot->data));
	/* Some look at it without the lock, for a hint. */
	WRITE_ONCE(slot->data, data);
	zm_handle_unlock(&slot->handle, word);
}

/*
 * A slot that is locked for reading.
 * @src: its object, if that lies in one piece
 * @stream: if reading takes one, locked
 */
struct zmram_reading {
	unsigned long word;
	const void *src;
	struct zmram_stream *stream;
};

/* Looks at a slot just locked; returns whose stream it takes, or NULL. */
static struct zmram_comp *zmram_read_comp(const struct zmram_meta *meta,
					  const struct zmram_slot *slot, struct zmram_reading *r)
{
	size_t size = zmram_data_size(slot->data);
	struct zmram_comp *comp;

	r->src = NULL;
	if (!zm_word_has_object(r->word))
		return NULL;
	r->src = zm_in_place(r->word, size);
	if (size == PAGE_SIZE)
		return NULL;
	comp = meta->comp[zmram_data_prio(slot->data)];
	return !r->src || comp->ops->ctx_for_read ? comp : NULL;
}

/*
 * Locks a slot for reading, with a stream if its state needs one. The stream
 * comes first in the lock order: with the slot locked it is only tried for, and
 * if that fails waited for without the slot, which may have changed by then.
 */
static void zmram_lock_for_read(struct zmram_meta *meta, struct zmram_slot *slot,
				struct zmram_reading *r)
{
	struct zmram_comp *want;

	r->stream = NULL;
	for (;;) {
		r->word = zm_handle_lock(&slot->handle);
		want = zmram_read_comp(meta, slot, r);
		if (!want || (r->stream && r->stream->comp == want))
			return;
		if (!r->stream) {
			r->stream = zmram_stream_tryget(want);
			if (r->stream)
				return;
		}
		zm_handle_unlock(&slot->handle, r->word);
		if (r->stream)
			zmram_stream_put(r->stream);
		r->stream = zmram_stream_get(want);
	}
}

/* Fills @dst from a slot locked for reading. */
static int zmram_slot_load(struct zmram_meta *meta, const struct zmram_slot *slot,
			   const struct zmram_reading *r, void *dst)
{
	size_t size = zmram_data_size(slot->data);
	const void *src = r->src;

	if (r->word & ZMRAM_SAME) {
		memset_l(dst, slot->data, PAGE_SIZE / sizeof(unsigned long));
		return 0;
	}
	if (!zm_word_has_object(r->word)) {
		memset(dst, 0, PAGE_SIZE);
		return 0;
	}
	if (size == PAGE_SIZE) {
		memcpy(dst, src, PAGE_SIZE);
		return 0;
	}
	if (!src)
		src = zm_read(r->word, size, r->stream->buffer);
	return zmram_decompress(meta->comp[zmram_data_prio(slot->data)], r->stream, src, size,
				dst);
}

/* Publishes @word for a slot locked for reading, and unlocks. */
static void zmram_unlock_read(struct zmram_slot *slot, const struct zmram_reading *r,
			      unsigned long word)
{
	zm_handle_unlock(&slot->handle, word);
	if (r->stream)
		zmram_stream_put(r->stream);
}

/* Notes an access to a locked slot; returns the word to unlock it with. */
static unsigned long zmram_slot_touch(struct zmram_slot *slot, unsigned long word, u32 now)
{
	if (zm_word_has_object(word))
		WRITE_ONCE(slot->data, zmram_data(zmram_data_size(slot->data),
						  zmram_data_prio(slot->data), now));
	/* What was picked for being idle is not any more. */
	return word & ZMRAM_IDLE ? word & ~(ZMRAM_IDLE | ZMRAM_PP) : word;
}

static void zmram_say_lost(struct zmram_dev *dev, unsigned long index)
{
	pr_err_ratelimited("%s: page %lu does not decompress, its data is lost\n",
			   dev->disk->disk_name, index);
}

/**
 * zmram_read_slot() - read a page of the disk
 * @dev: the device
 * @walk: the request's way through it
 * @index: the page, within the size
 * @dst: PAGE_SIZE bytes; any alignment
 *
 * Context: Process context, sleeps.
 * Return: 0; ZMRAM_ON_BACKING if it was written back, which zmram_reads_add()
 *	   reads; -EINVAL when the stored data does not decompress.
 */
int zmram_read_slot(struct zmram_dev *dev, struct zmram_walk *walk, unsigned long index,
		    void *dst)
{
	struct zmram_slot *slot = zmram_walk_find(walk, index);
	struct zmram_reading r;
	int ret;

	/* An empty slot needs no lock: it was empty at this instant. */
	if (!slot || !READ_ONCE(slot->handle.word)) {
		memset(dst, 0, PAGE_SIZE);
		return 0;
	}
	zmram_lock_for_read(walk->meta, slot, &r);
	if (likely(!(r.word & ZMRAM_WB)))
		ret = zmram_slot_load(walk->meta, slot, &r, dst);
	else
		ret = ZMRAM_ON_BACKING;
	zmram_unlock_read(slot, &r, zmram_slot_touch(slot, r.word, walk->now));
	if (unlikely(ret < 0))
		zmram_say_lost(dev, index);
	return ret;
}

/* Whether just now a writer has waited all his time in vain, and none with success. */
static bool zmram_gave_up(struct zmram_dev *dev)
{
	unsigned long when = READ_ONCE(dev->gave_up);

	return when && time_before(jiffies, when + ZMRAM_KILLED_WRITE_PAUSE);
}

/*
 * A moment's wait before the next try, with nothing locked; false when it is better to
 * fail. That is for a writer in reclaim at once, and for any other at @deadline, rather
 * than to hang. Each try reclaims once; how often that is worth it is decided here, by
 * time. A kill does not end it, as what is written may be a page that somebody else has
 * dirtied; but when one wait was in vain the next may be, too, and what the killed has
 * may be the very memory.
 */
static bool zmram_wait_for_memory(struct zmram_dev *dev, unsigned long deadline)
{
	if (current->flags & PF_MEMALLOC)
		return false;
	if (time_after(jiffies, deadline)) {
		WRITE_ONCE(dev->gave_up, jiffies ?: 1);
		return false;
	}
	if (fatal_signal_pending(current) && zmram_gave_up(dev))
		return false;
	memalloc_retry_wait(GFP_NOIO | __GFP_NORETRY);
	return true;
}

static int zmram_reserve(struct zmram_dev *dev, struct zm_pool *pool, size_t size,
			 struct zm_reserve *reserve)
{
	unsigned long deadline = jiffies + ZMRAM_WRITE_PATIENCE;
	int ret;

	zmram_stat_add(dev, ZMRAM_WRITESTALL, 1);
	do {
		ret = zm_reserve(pool, size, GFP_NOIO | __GFP_NORETRY, reserve);
	} while (ret == -ENOMEM && zmram_wait_for_memory(dev, deadline));
	if (!ret)
		WRITE_ONCE(dev->gave_up, 0);
	return ret;
}

/* The slot of a page for whose leaf there was no memory; NULL if there still is none. */
static struct zmram_slot *zmram_slot_wait(struct zmram_dev *dev, struct zmram_walk *walk,
					  unsigned long index)
{
	unsigned long deadline = jiffies + ZMRAM_WRITE_PATIENCE;
	struct zmram_slot *slot = NULL;

	zmram_stat_add(dev, ZMRAM_WRITESTALL, 1);
	while (!slot && zmram_wait_for_memory(dev, deadline)) {
		/* Another writer may have made it. */
		zmram_walk_forget(walk);
		slot = zmram_walk_get(walk, index);
	}
	return slot;
}

static void zmram_say_why(struct zmram_dev *dev, int error)
{
	if (error == -ENOSPC)
		pr_warn_ratelimited("%s: mem_limit reached, write failed; raise mem_limit or free data\n",
				    dev->disk->disk_name);
	else if (error == -ENOMEM)
		pr_warn_ratelimited("%s: no memory, write failed; set mem_limit below what the system can spare\n",
				    dev->disk->disk_name);
	else
		pr_warn_ratelimited("%s: compressor failed, write failed (%d)\n",
				    dev->disk->disk_name, error);
}

/*
 * Puts @size bytes into a slot in place of what it holds. Does not wait for
 * memory; -ENOMEM asks the caller to, see zmram_reserve().
 */
static int zmram_slot_store(struct zmram_dev *dev, const struct zmram_walk *walk,
			    struct zmram_slot *slot, const void *data, size_t size,
			    struct zm_reserve *reserve)
{
	struct zmram_meta *meta = walk->meta;
	unsigned long old, word;
	int ret;

	for (;;) {
		old = zm_handle_lock(&slot->handle);
		if (zm_word_has_object(old) && zm_fits(old, size)) {
			word = old & ZM_OBJECT_MASK;
			break;
		}
		word = zm_alloc(meta->pool, &slot->handle, size, reserve);
		if (word)
			break;
		zm_handle_unlock(&slot->handle, old);
		ret = zm_reserve(meta->pool, size, GFP_NOWAIT, reserve);
		if (ret)
			return ret;
	}
	zm_write(word, data, size);
	zmram_slot_set(dev, meta, slot, old, word, zmram_data(size, 0, walk->now));
	return 0;
}

/* Compresses and stores; @size tells for how much memory to wait on -ENOMEM. */
static int zmram_write_once(struct zmram_dev *dev, const struct zmram_walk *walk,
			    struct zmram_slot *slot, const void *src,
			    struct zm_reserve *reserve, size_t *size)
{
	struct zmram_comp *comp = walk->meta->comp[0];
	struct zmram_stream *stream = zmram_stream_get(comp);
	int len = zmram_compress(comp, stream, src);
	int ret;

	if (len > 0 && len < zm_huge_size()) {
		*size = len;
		ret = zmram_slot_store(dev, walk, slot, stream->buffer, len, reserve);
		zmram_stream_put(stream);
		return ret;
	}
	zmram_stream_put(stream);
	if (len < 0)
		return len;
	*size = PAGE_SIZE;
	ret = zmram_slot_store(dev, walk, slot, src, PAGE_SIZE, reserve);
	if (!ret)
		zmram_stat_add(dev, ZMRAM_HUGE_SINCE, 1);
	return ret;
}

/*
 * Nobody may hold a stream while he waits for memory, because the writer that
 * makes some may need it. So a write that has to wait compresses again.
 */
static int zmram_write_data(struct zmram_dev *dev, const struct zmram_walk *walk,
			    struct zmram_slot *slot, const void *src)
{
	struct zm_reserve reserve = { };
	size_t size;
	int ret;

	for (;;) {
		ret = zmram_write_once(dev, walk, slot, src, &reserve, &size);
		if (ret != -ENOMEM)
			break;
		ret = zmram_reserve(dev, walk->meta->pool, size, &reserve);
		if (ret)
			break;
	}
	if (unlikely(reserve.zspage))
		zm_unreserve(&reserve);
	if (unlikely(ret))
		zmram_say_why(dev, ret);
	return ret;
}

/**
 * zmram_write_slot() - write a page of the disk
 * @dev: the device
 * @walk: the request's way through it
 * @index: the page, within the size
 * @src: PAGE_SIZE bytes, 8-byte aligned
 *
 * Context: Process context, sleeps; starts no I/O.
 * Return: 0, -ENOMEM, -ENOSPC at mem_limit, or what the compressor failed with. After
 *	   an error the page has its old content.
 */
int zmram_write_slot(struct zmram_dev *dev, struct zmram_walk *walk, unsigned long index,
		     const void *src)
{
	struct zmram_slot *slot = zmram_walk_get(walk, index);
	unsigned long pattern, old;

	if (unlikely(!slot))
		slot = zmram_slot_wait(dev, walk, index);
	if (unlikely(!slot)) {
		zmram_say_why(dev, -ENOMEM);
		return -ENOMEM;
	}
	if (zmram_same_filled(src, &pattern)) {
		old = zm_handle_lock(&slot->handle);
		zmram_slot_set(dev, walk->meta, slot, old, ZMRAM_SAME, pattern);
		return 0;
	}
	return zmram_write_data(dev, walk, slot, src);
}

/**
 * zmram_free_slots() - make pages of the disk empty
 * @dev: the device
 * @meta: its meta, which a reset may have taken from the device already
 * @index: the first page
 * @end: the page behind the last one, of the disk or its last leaf
 *
 * Context: Process context, sleeps.
 * Return: how many of them were not empty.
 */
unsigned long zmram_free_slots(struct zmram_dev *dev, struct zmram_meta *meta,
			       unsigned long index, unsigned long end)
{
	unsigned long freed = 0;

	while (index < end) {
		unsigned long stop = min(end, round_up(index + 1, ZMRAM_LEAF_SLOTS));
		struct zmram_slot *slot = zmram_slot_find(meta, index);

		for (; slot && index < stop; index++, slot++) {
			if (READ_ONCE(slot->handle.word)) {
				zmram_slot_set(dev, meta, slot, zm_handle_lock(&slot->handle), 0, 0);
				freed++;
			}
			if (!(index % ZMRAM_FREE_BATCH))
				cond_resched();
		}
		index = stop;
	}
	return freed;
}

/**
 * zmram_try_free_slot() - the same, for callers that must not sleep
 * @dev: the device
 * @meta: its meta
 * @index: the page, within the size
 *
 * Context: Process context, spinlocks may be held.
 * Return: false if somebody holds the slot; nothing has changed then.
 */
bool zmram_try_free_slot(struct zmram_dev *dev, struct zmram_meta *meta, unsigned long index)
{
	struct zmram_slot *slot = zmram_slot_find(meta, index);
	unsigned int spins = ZMRAM_TRY_FREE_SPINS;
	unsigned long word;

	if (!slot || !READ_ONCE(slot->handle.word))
		return true;
	/* A page move holds the locks of all objects around it, but only briefly. */
	while (!zm_handle_trylock(&slot->handle, &word)) {
		if (!--spins)
			return false;
		cpu_relax();
	}
	zmram_slot_set(dev, meta, slot, word, 0, 0);
	return true;
}

/**
 * zmram_picked_read() - read a picked slot, without that being an access
 * @dev: the device
 * @meta: its meta
 * @index: the page, with an object when it was picked
 * @dst: PAGE_SIZE bytes, 8-byte aligned
 * @word: receives the handle's word
 * @data: receives the slot's data
 *
 * Context: Process context, sleeps.
 * Return: 0, -EAGAIN if the slot does not have ZMRAM_PP any more, -EBADMSG when
 *	   the stored data does not decompress.
 */
int zmram_picked_read(struct zmram_dev *dev, struct zmram_meta *meta, unsigned long index,
		      void *dst, unsigned long *word, unsigned long *data)
{
	struct zmram_slot *slot = zmram_slot_find(meta, index);
	struct zmram_reading r;
	int ret = -EAGAIN;

	zmram_lock_for_read(meta, slot, &r);
	*word = r.word;
	*data = slot->data;
	if (r.word & ZMRAM_PP)
		ret = zmram_slot_load(meta, slot, &r, dst) ? -EBADMSG : 0;
	zmram_unlock_read(slot, &r, r.word);
	if (unlikely(ret == -EBADMSG))
		zmram_say_lost(dev, index);
	return ret;
}

/**
 * zmram_picked_replace() - put other bytes of the same content into a picked slot
 * @dev: the device
 * @meta: its meta
 * @index: the page
 * @src: the bytes
 * @size: how many; not of the class that the slot has
 * @prio: priority of the algorithm that made them
 * @reserve: see zm_alloc()
 *
 * Its age stays. It is neither idle nor picked afterwards.
 *
 * Context: Process context, sleeps, but not for memory.
 * Return: 0, -EAGAIN if the slot does not have ZMRAM_PP any more, -ENOMEM if an
 *	   object has to be reserved.
 */
int zmram_picked_replace(struct zmram_dev *dev, struct zmram_meta *meta, unsigned long index,
			 const void *src, size_t size, unsigned int prio,
			 struct zm_reserve *reserve)
{
	struct zmram_slot *slot = zmram_slot_find(meta, index);
	unsigned long old = zm_handle_lock(&slot->handle);
	unsigned long word;

	if (!(old & ZMRAM_PP)) {
		zm_handle_unlock(&slot->handle, old);
		return -EAGAIN;
	}
	word = zm_alloc(meta->pool, &slot->handle, size, reserve);
	if (!word) {
		zm_handle_unlock(&slot->handle, old);
		return -ENOMEM;
	}
	zm_write(word, src, size);
	zmram_slot_set(dev, meta, slot, old, word,
		       zmram_data(size, prio, zmram_data_stamp(slot->data)));
	return 0;
}

/**
 * zmram_unpick_slot() - leave a picked slot as it is
 * @meta: its meta
 * @index: the page
 * @clear: flags to clear if it still is picked
 * @set: flags to set if it still is picked
 *
 * Context: Process context, sleeps.
 */
void zmram_unpick_slot(struct zmram_meta *meta, unsigned long index, unsigned long clear,
		       unsigned long set)
{
	struct zmram_slot *slot = zmram_slot_find(meta, index);
	unsigned long word = zm_handle_lock(&slot->handle);

	if (word & ZMRAM_PP)
		word = (word & ~(ZMRAM_PP | clear)) | set;
	zm_handle_unlock(&slot->handle, word);
}

/* ---- for writeback ---------------------------------------------------------- */

/**
 * zmram_pick_slot() - pick one slot, as zmram_post_pick() picks many
 * @meta: the meta of a device that this task runs writeback on
 * @index: the page, within the size
 *
 * Context: Process context, sleeps.
 * Return: false if it holds no object.
 */
bool zmram_pick_slot(struct zmram_meta *meta, unsigned long index)
{
	struct zmram_slot *slot = zmram_slot_find(meta, index);
	unsigned long word;

	if (!slot || !zm_word_has_object(READ_ONCE(slot->handle.word)))
		return false;
	word = zm_handle_lock(&slot->handle);
	if (zm_word_has_object(word))
		word |= ZMRAM_PP;
	zm_handle_unlock(&slot->handle, word);
	return word & ZMRAM_PP;
}

/* The bytes of a locked slot's object, zeroes after them. */
static void zmram_slot_copy_raw(const struct zmram_slot *slot, unsigned long word, void *dst)
{
	size_t size = zmram_data_size(slot->data);
	const void *src = zm_read(word, size, dst);

	if (src != dst)
		memcpy(dst, src, size);
	memset(dst + size, 0, PAGE_SIZE - size);
}

/**
 * zmram_copy_picked() - copy the data of a picked slot
 * @meta: the meta
 * @index: the page, within the size; its slot was picked
 * @raw: as it is stored, instead of decompressed
 * @dst: PAGE_SIZE bytes
 * @data: set to size and priority of what is in @dst, as in a slot's data
 *
 * Context: Process context, sleeps.
 * Return: 0, -ENOENT if it is not picked any more. -EINVAL if the stored data does
 *	   not decompress; it is not picked any more then.
 */
int zmram_copy_picked(struct zmram_meta *meta, unsigned long index, bool raw, void *dst,
		      unsigned long *data)
{
	struct zmram_slot *slot = zmram_slot_find(meta, index);
	struct zmram_reading r = { };
	int ret = 0;

	if (raw)
		r.word = zm_handle_lock(&slot->handle);
	else
		zmram_lock_for_read(meta, slot, &r);
	if (!(r.word & ZMRAM_PP)) {
		ret = -ENOENT;
	} else if (raw) {
		zmram_slot_copy_raw(slot, r.word, dst);
		*data = zmram_data(zmram_data_size(slot->data), zmram_data_prio(slot->data), 0);
	} else {
		ret = zmram_slot_load(meta, slot, &r, dst);
		*data = zmram_data(PAGE_SIZE, 0, 0);
	}
	zmram_unlock_read(slot, &r, ret ? r.word & ~ZMRAM_PP : r.word);
	return ret;
}

/**
 * zmram_slot_to_block() - replace a picked slot's object by a block
 * @dev: the device
 * @meta: its meta
 * @index: the page, within the size
 * @block: where its data is now
 * @data: size and priority of it, from zmram_copy_picked()
 *
 * Context: Process context, sleeps.
 * Return: false if the slot is not picked any more; the block is not in use then.
 */
bool zmram_slot_to_block(struct zmram_dev *dev, struct zmram_meta *meta, unsigned long index,
			 u32 block, unsigned long data)
{
	struct zmram_slot *slot = zmram_slot_find(meta, index);
	unsigned long word = zm_handle_lock(&slot->handle);

	if (!(word & ZMRAM_PP)) {
		zm_handle_unlock(&slot->handle, word);
		return false;
	}
	zmram_slot_set(dev, meta, slot, word, ZMRAM_WB,
		       zmram_data(zmram_data_size(data), zmram_data_prio(data), block));
	return true;
}

/**
 * zmram_slot_block() - where is a page that was written back?
 * @meta: the meta
 * @index: the page, within the size
 * @data: set to the slot's data: block, size and priority
 *
 * Context: Process context, sleeps; an SRCU reader of the backing device, or the
 *	    block may have other data by the time it is read.
 * Return: false if it is not on the backing device any more.
 */
bool zmram_slot_block(struct zmram_meta *meta, unsigned long index, unsigned long *data)
{
	struct zmram_slot *slot = zmram_slot_find(meta, index);
	unsigned long word = zm_handle_lock(&slot->handle);

	*data = slot->data;
	zm_handle_unlock(&slot->handle, word);
	return word & ZMRAM_WB;
}
