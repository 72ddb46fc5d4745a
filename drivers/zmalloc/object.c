// SPDX-License-Identifier: GPL-2.0
/*
 * Objects: allocating, freeing, reading and writing them.
 *
 * An object starts with a header word, the address of its handle, by which
 * movers find who to tell; a huge object has none, its handle's address is in
 * the zspage. Which objects exist is a bitmap in the zspage, not a list in the
 * pages: a page may be copied, or hold nothing but free objects, without any
 * link in it to keep intact, and movers visit allocated objects only.
 *
 * Payload belongs to whoever holds the handle lock. Bitmap, counts and headers
 * change under class->lock. Next: movable.c and compact.c, which move objects.
 */
#include <linux/kasan.h>
#include <linux/pgtable.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "internal.h"

/* Handles are 8-aligned, so a header has three bits to be recognised by. */
#define ZM_HEADER_TAG		5UL
#define ZM_HEADER_TAG_MASK	7UL

static unsigned int zm_object_offset(const struct zm_zspage *zspage, unsigned int idx)
{
	return idx * zspage->class->geo->size;
}

static void *zm_zspage_addr(const struct zm_zspage *zspage, unsigned int offset)
{
	return page_address(zspage->pages[offset >> PAGE_SHIFT]) + offset_in_page(offset);
}

/* The word, without owner flags, of a handle whose object is @idx. */
inline unsigned long zm_object_word(struct zm_zspage *zspage, unsigned int idx)
{
	unsigned int offset = zm_object_offset(zspage, idx);
	phys_addr_t phys = page_to_phys(zspage->pages[offset >> PAGE_SHIFT]);

	phys += offset_in_page(offset);
	return (unsigned long)(phys >> ZM_PLACE_UNIT_SHIFT) << ZM_PLACE_SHIFT |
	       (unsigned long)zspage->class->id << ZM_CLASS_SHIFT;
}

/* Where the memory begins that a handle may be in: slabs, pages, vmalloc. */
static inline unsigned long zm_kernel_start(void)
{
	/* riscv64 has vmalloc below the pages, others above. */
	return min_t(unsigned long, PAGE_OFFSET, VMALLOC_START);
}

/* Handle of an allocated object, or NULL if its header makes no sense. */
struct zm_handle *zm_object_handle(struct zm_zspage *zspage, unsigned int idx)
{
	unsigned long header;

	lockdep_assert_held(&zspage->class->lock);
	if (zspage->class->geo->huge)
		return (struct zm_handle *)(*zm_used(zspage) & ~ZM_HEADER_TAG_MASK);
	header = *(unsigned long *)zm_zspage_addr(zspage, zm_object_offset(zspage, idx));
	if ((header & ZM_HEADER_TAG_MASK) != ZM_HEADER_TAG ||
	    (unsigned long)kasan_reset_tag((void *)header) < zm_kernel_start())
		return NULL;
	return (struct zm_handle *)(header - ZM_HEADER_TAG);
}

/* Marks object @idx as allocated for @handle. */
inline void zm_object_take(struct zm_zspage *zspage, unsigned int idx, struct zm_handle *handle)
{
	struct zm_class *class = zspage->class;

	lockdep_assert_held(&class->lock);
	if (class->geo->huge)
		*zm_used(zspage) = (unsigned long)handle;
	else
		*(unsigned long *)zm_zspage_addr(zspage, zm_object_offset(zspage, idx)) =
			(unsigned long)handle + ZM_HEADER_TAG;
	__set_bit(idx, zm_used(zspage));
	WRITE_ONCE(zspage->inuse, zspage->inuse + 1);
	WRITE_ONCE(class->objects, class->objects + 1);
}

/* Marks object @idx as free; the caller requeues or unlinks the zspage. */
inline void zm_object_drop(struct zm_zspage *zspage, unsigned int idx)
{
	struct zm_class *class = zspage->class;

	lockdep_assert_held(&class->lock);
	__clear_bit(idx, zm_used(zspage));
	WRITE_ONCE(zspage->inuse, zspage->inuse - 1);
	WRITE_ONCE(class->objects, class->objects - 1);
}

/* Copies an object, header included, between zspages of one class. */
void zm_object_copy(struct zm_zspage *dst, unsigned int to,
		    struct zm_zspage *src, unsigned int from)
{
	unsigned int s = zm_object_offset(src, from), d = zm_object_offset(dst, to);
	unsigned int left = src->class->geo->size;

	lockdep_assert_held(&src->class->lock);
	while (left) {
		unsigned int n = min3(left, (unsigned int)PAGE_SIZE - offset_in_page(s),
				      (unsigned int)PAGE_SIZE - offset_in_page(d));

		memcpy(zm_zspage_addr(dst, d), zm_zspage_addr(src, s), n);
		s += n;
		d += n;
		left -= n;
	}
}

/*
 * For movers: locks the handle of an allocated object if nobody holds it, and
 * checks that handle and object agree. Without lockdep annotation, because a
 * mover holds many; it annotates the batch.
 */
bool zm_object_trylock(struct zm_zspage *zspage, unsigned int idx,
		       struct zm_handle **handle, unsigned long *word)
{
	*handle = zm_object_handle(zspage, idx);
	if (!*handle)
		goto corrupt;
	if (!__zm_handle_trylock(*handle, word))
		return false;
	if (likely((*word & ZM_OBJECT_MASK) == zm_object_word(zspage, idx)))
		return true;
	__zm_handle_unlock(*handle, *word);
corrupt:
	/* Stays where it is; its owner finds out when it reads the payload. */
	zm_count(zspage->class->pool, ZM_CORRUPT, 1);
	pr_err_ratelimited("%s: object header overwritten, page %#lx stays in place\n",
			   zspage->class->pool->name,
			   page_to_pfn(zspage->pages[zm_object_offset(zspage, idx) >> PAGE_SHIFT]));
	return false;
}

/* A free object of a zspage that is not full. */
inline unsigned int zm_object_free(struct zm_zspage *zspage)
{
	unsigned int objects = zspage->class->geo->objects;

	lockdep_assert_held(&zspage->class->lock);
	/* All but the smallest sizes have one word. */
	if (likely(objects <= BITS_PER_LONG))
		return ffz(*zm_used(zspage));
	return find_first_zero_bit(zm_used(zspage), objects);
}

/* The fullest zspage with a free object, or NULL. */
static struct zm_zspage *zm_class_fullest(struct zm_class *class)
{
	unsigned long partial = class->nonempty & (BIT(ZM_GROUP_FULL) - 1);

	lockdep_assert_held(&class->lock);
	if (!partial)
		return NULL;
	return list_first_entry(&class->group[__fls(partial)], struct zm_zspage, node);
}

/**
 * zm_alloc() - allocate an object
 * @pool: the pool
 * @handle: the handle the object shall belong to, locked by the caller. Its
 *	    word stays as it is; the caller publishes the new one by unlocking.
 * @size: bytes of payload, 1 to PAGE_SIZE
 * @reserve: used up if the class has no free object, otherwise left alone
 *
 * Context: Process context, handle lock held; does not sleep.
 * Return: the object's word, without owner flags, or 0 when neither the class
 *	   nor the reserve has a free object: unlock, zm_reserve(), try again.
 */
unsigned long zm_alloc(struct zm_pool *pool, struct zm_handle *handle, size_t size,
		       struct zm_reserve *reserve)
{
	struct zm_class *class = &pool->classes[zm_class_id(size) - 1];
	struct zm_zspage *zspage;
	unsigned long word = 0;
	unsigned int idx;

	spin_lock(&class->lock);
	zspage = zm_class_fullest(class);
	if (!zspage && reserve->zspage && reserve->zspage->class == class) {
		zspage = reserve->zspage;
		reserve->zspage = NULL;
	}
	if (zspage) {
		idx = zm_object_free(zspage);
		zm_object_take(zspage, idx, handle);
		if (zspage->group == ZM_GROUP_NONE)
			zm_class_link(zspage);
		else
			zm_class_filled(zspage);
		word = zm_object_word(zspage, idx);
	}
	spin_unlock(&class->lock);
	return word;
}
EXPORT_SYMBOL_GPL(zm_alloc);

/**
 * zm_free() - free an object
 * @pool: the pool
 * @word: word of a handle that the caller has locked, with an object. The
 *	  caller then publishes a word that no longer names the object.
 *
 * Context: Process context, handle lock held; does not sleep.
 */
void zm_free(struct zm_pool *pool, unsigned long word)
{
	struct zm_class *class = zm_pool_class(pool, word);
	unsigned long phys = zm_word_phys(word);
	struct page *page = pfn_to_page(PHYS_PFN(phys));
	struct zm_zspage *zspage;
	bool empty = false;
	unsigned int idx;

	spin_lock(&class->lock);
	zspage = zm_page_zspage(page);
	idx = (zm_page_pos(page) * PAGE_SIZE + offset_in_page(phys)) / class->geo->size;
	if (!WARN_ON_ONCE(!test_bit(idx, zm_used(zspage)))) {
		zm_object_drop(zspage, idx);
		empty = !zspage->inuse;
		if (empty)
			zm_class_unlink(zspage);
		else
			zm_class_freed(zspage);
	}
	spin_unlock(&class->lock);
	if (empty)
		zm_zspage_release(zspage);
}
EXPORT_SYMBOL_GPL(zm_free);

/*
 * The page that an object spills into. Stable while the handle is locked:
 * moving that page takes the lock of every object in it.
 */
static void *zm_next_page(const void *addr)
{
	struct page *page = virt_to_page(addr);
	struct zm_zspage *zspage = zm_page_zspage(page);

	return page_address(zspage->pages[zm_page_pos(page) + 1]);
}

/*
 * Where the payload begins, how much of it lies there in one piece, and if that
 * is not all, where the rest is. Pages that are neighbours make one piece. It is
 * never more than a page: users say so to memcpy(), which is inline then.
 */
static __always_inline void *zm_payload(unsigned long word, size_t size, size_t *first, void **rest)
{
	unsigned long phys = zm_word_phys(word);
	void *addr;

	if ((word & ZM_CLASS_MASK) >> ZM_CLASS_SHIFT != zm_nr_classes)
		phys += ZM_HEADER;
	addr = phys_to_virt(phys);
	*first = PAGE_SIZE - offset_in_page(phys);
	if (*first < size) {
		*rest = zm_next_page(addr);
		if (*rest != addr + *first)
			return addr;
	}
	*first = size;
	return addr;
}

/**
 * zm_in_place() - where is the payload of an object?
 * @word: word of a handle that the caller has locked, with an object
 * @size: bytes of payload
 *
 * Context: Process context, handle lock held; does not sleep.
 * Return: the payload, valid until the handle is unlocked; NULL if it lies in two
 *	   pieces.
 */
const void *zm_in_place(unsigned long word, size_t size)
{
	size_t first;
	void *rest, *addr = zm_payload(word, size, &first, &rest);

	return first == size ? addr : NULL;
}
EXPORT_SYMBOL_GPL(zm_in_place);

/**
 * zm_read() - get at the payload of an object
 * @word: word of a handle that the caller has locked, with an object
 * @size: bytes of payload
 * @bounce: buffer of @size bytes for an object that lies in two pieces; may be
 *	    NULL where zm_in_place() says that it does not
 *
 * Context: Process context, handle lock held; does not sleep. Nothing else is
 *	    held on return, the caller may sleep before it unlocks.
 * Return: the payload, valid until the handle is unlocked: where it is stored,
 *	   or in @bounce.
 */
const void *zm_read(unsigned long word, size_t size, void *bounce)
{
	size_t first;
	void *rest, *addr = zm_payload(word, size, &first, &rest);

	if (likely(first == size))
		return addr;
	memcpy(bounce, addr, min(first, PAGE_SIZE));
	memcpy(bounce + first, rest, size - first);
	return bounce;
}
EXPORT_SYMBOL_GPL(zm_read);

/**
 * zm_write() - write the payload of an object
 * @word: word of an object that the caller has just allocated, or of a handle
 *	  that it has locked
 * @data: the payload
 * @size: its bytes, at most what the object was allocated for
 *
 * Context: Process context, handle lock held; does not sleep.
 */
void zm_write(unsigned long word, const void *data, size_t size)
{
	size_t first;
	void *rest, *addr = zm_payload(word, size, &first, &rest);

	memcpy(addr, data, min(first, PAGE_SIZE));
	if (first < size)
		memcpy(rest, data + first, size - first);
}
EXPORT_SYMBOL_GPL(zm_write);

/**
 * zm_reserve() - set memory aside so that zm_alloc() succeeds
 * @pool: the pool
 * @size: bytes of payload
 * @gfp: how to allocate; GFP_NOIO for a block driver. No zone modifiers.
 * @reserve: receives a zspage; what it held of another class is given back
 *
 * Charges the pool's limit before it takes memory. Reserves that nobody has used
 * yet, and zspages on their way out, count; so at the limit an allocation may be
 * refused that would fit a moment later.
 *
 * Context: Process context, no handle lock held; may sleep, whatever @gfp says of
 * memory: publishing a page takes its lock.
 * Return: 0, -ENOSPC when the pool's limit forbids it, -ENOMEM.
 */
int zm_reserve(struct zm_pool *pool, size_t size, gfp_t gfp, struct zm_reserve *reserve)
{
	struct zm_class *class = &pool->classes[zm_class_id(size) - 1];

	if (reserve->zspage && reserve->zspage->class == class)
		return 0;
	zm_unreserve(reserve);
	if (!zm_pool_charge(pool, class->geo->pages))
		return -ENOSPC;
	reserve->zspage = zm_zspage_alloc(class, gfp);
	if (!reserve->zspage) {
		zm_pool_uncharge(pool, class->geo->pages);
		return -ENOMEM;
	}
	zm_pool_add_pages(pool, class->geo->pages);
	return 0;
}
EXPORT_SYMBOL_GPL(zm_reserve);

/**
 * zm_unreserve() - give back what zm_reserve() set aside and nobody used
 * @reserve: the reserve; empty afterwards
 *
 * Context: Process context, no handle lock held; does not sleep.
 */
void zm_unreserve(struct zm_reserve *reserve)
{
	struct zm_zspage *zspage = reserve->zspage;

	reserve->zspage = NULL;
	if (zspage)
		zm_zspage_release(zspage);
}
EXPORT_SYMBOL_GPL(zm_unreserve);
