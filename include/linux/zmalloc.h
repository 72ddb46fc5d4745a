/* SPDX-License-Identifier: GPL-2.0 */
/*
 * zmalloc: packed objects on movable pages. The public API.
 *
 * The owner of an object embeds a struct zm_handle. The word in it says where
 * the object is, and its bit 0 is the object's lock: whoever holds it may
 * read, write or free the object, and nothing moves it meanwhile. Page
 * migration and compaction only ever try that lock.
 *
 * Use: lock the handle, which returns its word; work on the object the word
 * names; unlock with the word that shall stand from now on. That last store
 * publishes the new place and drops the lock at once.
 *
 *	word = zm_handle_lock(&h);
 *	new = zm_alloc(pool, &h, size, &reserve);	(0: zm_reserve(), again)
 *	zm_write(new, data, size);
 *	zm_free(pool, word);				(the object it replaces, if any)
 *	zm_handle_unlock(&h, new);
 *
 * Lock order and internals: drivers/zmalloc/internal.h.
 */
#ifndef _LINUX_ZMALLOC_H
#define _LINUX_ZMALLOC_H

#include <linux/atomic.h>
#include <linux/io.h>
#include <linux/kernel.h>
#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/prefetch.h>
#include <linux/types.h>

struct zm_pool;
struct zm_zspage;

/*
 * The handle word, low bits first:
 *	 1 locked
 *	 1 somebody waits for the lock
 *	 8 size class, 1 and up; 0 means that there is no object
 *	48 place: physical address of the object in units of 16 bytes
 *	 6 flags of the owner, which zmalloc keeps as they are when it moves
 *	   the object
 */
#define ZM_LOCK_BIT		0
#define ZM_WAIT_BIT		1
#define ZM_CLASS_SHIFT		2
#define ZM_CLASS_BITS		8
#define ZM_PLACE_SHIFT		(ZM_CLASS_SHIFT + ZM_CLASS_BITS)
#define ZM_PLACE_BITS		48
#define ZM_PLACE_UNIT_SHIFT	4
#define ZM_OWNER_SHIFT		(ZM_PLACE_SHIFT + ZM_PLACE_BITS)
#define ZM_OWNER_BITS		(BITS_PER_LONG - ZM_OWNER_SHIFT)

#define ZM_LOCK_MASK		(BIT(ZM_LOCK_BIT) | BIT(ZM_WAIT_BIT))
#define ZM_CLASS_MASK		GENMASK(ZM_PLACE_SHIFT - 1, ZM_CLASS_SHIFT)
#define ZM_PLACE_MASK		GENMASK(ZM_OWNER_SHIFT - 1, ZM_PLACE_SHIFT)
#define ZM_OWNER_MASK		GENMASK(BITS_PER_LONG - 1, ZM_OWNER_SHIFT)
#define ZM_OBJECT_MASK		(ZM_CLASS_MASK | ZM_PLACE_MASK)

/**
 * struct zm_handle - place and lock of one object, embedded in its owner
 * @word: see above. Written by the lock holder only, except for the lock and
 *	  wait bits, which anybody sets with an atomic operation.
 *
 * All zero is a valid, unlocked handle without an object. Its address must
 * not change while it has an object, and is a multiple of 8.
 */
struct zm_handle {
	unsigned long word;
} __aligned(8);

#ifdef CONFIG_LOCKDEP
extern struct lockdep_map zm_handle_dep_map;
#define zm_handle_dep_acquire(try) \
	mutex_acquire(&zm_handle_dep_map, 0, try, _RET_IP_)
#define zm_handle_dep_release() \
	mutex_release(&zm_handle_dep_map, _RET_IP_)
#else
#define zm_handle_dep_acquire(try)	do { } while (0)
#define zm_handle_dep_release()		do { } while (0)
#endif

unsigned long __zm_handle_lock_slow(struct zm_handle *handle);
void __zm_handle_wake(struct zm_handle *handle);

/* Annotation-free parts, for movers that hold many handles at a time. */
static inline bool __zm_handle_trylock(struct zm_handle *handle, unsigned long *word)
{
	unsigned long old = READ_ONCE(handle->word);

	if (old & BIT(ZM_LOCK_BIT))
		return false;
	*word = old;
	/* Acquire: pairs with the release in __zm_handle_unlock(). */
	return try_cmpxchg_acquire(&handle->word, &old, old | BIT(ZM_LOCK_BIT));
}

static inline void __zm_handle_unlock(struct zm_handle *handle, unsigned long word)
{
	/*
	 * One store publishes the place and drops the lock; it is an exchange
	 * because a sleeper's wait bit must not be lost.
	 */
	word = xchg_release(&handle->word, word & ~ZM_LOCK_MASK);
	if (unlikely(word & BIT(ZM_WAIT_BIT)))
		__zm_handle_wake(handle);
}

/**
 * zm_handle_lock() - lock a handle, and with it its object
 * @handle: the handle
 *
 * Context: Process context; sleeps while another holder works, which may take
 *	    as long as a slow decompressor needs. A task holds one at a time.
 *	    A loop over handles needs a cond_resched() of its own.
 * Return: the handle's word without lock bits.
 */
static inline unsigned long zm_handle_lock(struct zm_handle *handle)
{
	unsigned long word;

	/* might_sleep() without its point of rescheduling, once for each page. */
	__might_sleep(__FILE__, __LINE__);
	zm_handle_dep_acquire(0);
	if (likely(__zm_handle_trylock(handle, &word)))
		return word;
	return __zm_handle_lock_slow(handle);
}

/**
 * zm_handle_trylock() - lock a handle if nobody holds it
 * @handle: the handle
 * @word: where to store the handle's word without lock bits, on success
 *
 * Context: Any but interrupt context; does not sleep.
 * Return: true if the lock was taken.
 */
static inline bool zm_handle_trylock(struct zm_handle *handle, unsigned long *word)
{
	if (!__zm_handle_trylock(handle, word))
		return false;
	zm_handle_dep_acquire(1);
	return true;
}

/**
 * zm_handle_unlock() - publish a word and drop the lock in one store
 * @handle: a handle that this task has locked
 * @word: what the handle says from now on; lock bits are ignored
 *
 * Context: As for the lock; does not sleep.
 */
static inline void zm_handle_unlock(struct zm_handle *handle, unsigned long word)
{
	zm_handle_dep_release();
	__zm_handle_unlock(handle, word);
}

/**
 * zm_word_has_object() - does this word name an object?
 * @word: a handle's word
 */
static inline bool zm_word_has_object(unsigned long word)
{
	return word & ZM_CLASS_MASK;
}

/* Physical address of the object that a word names. */
static inline phys_addr_t zm_word_phys(unsigned long word)
{
	return (phys_addr_t)((word & ZM_PLACE_MASK) >> ZM_PLACE_SHIFT) << ZM_PLACE_UNIT_SHIFT;
}

/* Bytes of an object to have near: the processor finds out about the rest by itself. */
#define ZM_PREFETCH_BYTES	512

/**
 * zm_prefetch() - bring the object of a handle near, which is read soon
 * @word: word of a handle with an object. It need not be locked: nothing is read
 *	  now, so an object that has moved meanwhile costs no more than time.
 *
 * Inlined always: to the compiler a function that only prefetches has no effect, and
 * it drops the call.
 *
 * Context: Any.
 */
static __always_inline void zm_prefetch(unsigned long word)
{
	const char *addr = phys_to_virt(zm_word_phys(word));
	unsigned int at;

	for (at = 0; at < ZM_PREFETCH_BYTES; at += L1_CACHE_BYTES)
		prefetch(addr + at);
	/* It leads to the second piece of an object that lies on two pages. */
	prefetch(virt_to_page(addr));
}

/**
 * struct zm_reserve - memory set aside for an allocation
 * @zspage: an empty zspage of the wanted class, or NULL
 *
 * All zero is an empty reserve.
 */
struct zm_reserve {
	struct zm_zspage *zspage;
};

/* Counters of a pool; each only grows. */
enum zm_counter {
	ZM_ISOLATED,		/* pages handed to the VM for a move */
	ZM_MIGRATED,		/* pages moved */
	ZM_BUSY,		/* moves answered with -EAGAIN */
	ZM_PUTBACK,		/* pages the VM gave back unmoved */
	ZM_RELEASED_ISOLATED,	/* pages freed while the VM held them */
	ZM_HANDLES_REWRITTEN,	/* handles that a page move rewrote */
	ZM_OBJECTS_COMPACTED,	/* objects moved by compaction */
	ZM_COMPACT_BUSY,	/* objects compaction found locked */
	ZM_PAGES_COMPACTED,	/* pages freed by compaction */
	ZM_FREES_DEFERRED,	/* zspages whose pages the worker had to lock */
	ZM_CORRUPT,		/* object headers that made no sense */
	ZM_NR_COUNTERS
};

/* zm_pool_create() flags */
#define ZM_POOL_MOVABLE		BIT(0)	/* register the pages with the VM */

struct zm_pool *zm_pool_create(const char *name, unsigned int flags);
int zm_pool_destroy(struct zm_pool *pool);

size_t zm_huge_size(void);
bool zm_fits(unsigned long word, size_t size);

int zm_reserve(struct zm_pool *pool, size_t size, gfp_t gfp, struct zm_reserve *reserve);
void zm_unreserve(struct zm_reserve *reserve);
unsigned long zm_alloc(struct zm_pool *pool, struct zm_handle *handle, size_t size,
		       struct zm_reserve *reserve);
void zm_free(struct zm_pool *pool, unsigned long word);

const void *zm_in_place(unsigned long word, size_t size);
const void *zm_read(unsigned long word, size_t size, void *bounce);
void zm_write(unsigned long word, const void *data, size_t size);

unsigned long zm_compact(struct zm_pool *pool);
unsigned long zm_compact_until(struct zm_pool *pool,
			       bool (*step)(void *arg, unsigned long zspages,
					    unsigned long freed),
			       void *arg);
unsigned long zm_compact_total(const struct zm_pool *pool);

void zm_pool_set_limit(struct zm_pool *pool, unsigned long pages);
unsigned long zm_pool_pages(const struct zm_pool *pool);
unsigned long zm_pool_peak(const struct zm_pool *pool);
void zm_pool_reset_peak(struct zm_pool *pool);
u64 zm_pool_counter(const struct zm_pool *pool, enum zm_counter item);
const char *zm_counter_name(enum zm_counter item);

#endif /* _LINUX_ZMALLOC_H */
