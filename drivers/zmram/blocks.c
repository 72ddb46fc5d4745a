// SPDX-License-Identifier: GPL-2.0
/*
 * Which blocks of the backing device are in use; a block is as long as a page.
 *
 * Only the running writeback allocates, so @used is its own and needs no lock.
 * Anybody frees, also where he must not sleep: that sets a bit in @freed and no more. When the
 * search has come to the end of the device, writeback takes what was freed, waits
 * for an SRCU grace period, and only then clears these bits in @used. A reader
 * copies the block's number from a slot, under its lock and as an SRCU reader; the
 * block is freed under the same lock, so later, and taken later still: the grace
 * period covers that reader. Hence no read ever sees data of another slot.
 *
 * Block 0 is never used: what is swapped out must not look like the label or the
 * superblock of a file system to those who scan disks for these.
 */
#include <linux/bitmap.h>
#include <linux/limits.h>
#include <linux/mm.h>

#include "zmram.h"

#define ZMRAM_FIRST_BLOCK	1UL

/* Returns 0, -EINVAL for a device without a block, -ENOMEM. */
int zmram_blocks_init(struct zmram_backing *backing, loff_t bytes)
{
	/* Slots have 32 bits for the number. */
	unsigned long nr = min_t(u64, bytes >> PAGE_SHIFT, U32_MAX);

	if (!nr)
		return -EINVAL;
	backing->nr_blocks = nr;
	backing->next = ZMRAM_FIRST_BLOCK;
	backing->used = kvcalloc(BITS_TO_LONGS(nr), sizeof(long), GFP_KERNEL);
	backing->freed = kvcalloc(BITS_TO_LONGS(nr), sizeof(long), GFP_KERNEL);
	backing->waiting = kvcalloc(BITS_TO_LONGS(nr), sizeof(long), GFP_KERNEL);
	return backing->used && backing->freed && backing->waiting ? 0 : -ENOMEM;
}

void zmram_blocks_exit(struct zmram_backing *backing)
{
	kvfree(backing->used);
	kvfree(backing->freed);
	kvfree(backing->waiting);
}

/* Makes blocks available that were freed before the call. */
static void zmram_blocks_recycle(struct zmram_backing *backing)
{
	unsigned long nr;

	spin_lock(&backing->lock);
	swap(backing->freed, backing->waiting);
	nr = backing->nr_freed;
	backing->nr_freed = 0;
	spin_unlock(&backing->lock);
	if (!nr)
		return;
	/* Readers that may have seen these blocks in a slot are done after this. */
	synchronize_srcu(&backing->readers);
	bitmap_andnot(backing->used, backing->used, backing->waiting, backing->nr_blocks);
	bitmap_zero(backing->waiting, backing->nr_blocks);
}

/**
 * zmram_block_alloc() - a free block
 * @dev: the device, on which this task runs writeback
 *
 * Context: Process context, no slot locked: waits for reads in flight.
 * Return: the block, 0 if there is none.
 */
unsigned long zmram_block_alloc(struct zmram_dev *dev)
{
	struct zmram_backing *backing = dev->wb.backing;
	unsigned long nr = backing->nr_blocks;
	unsigned long block;

	lockdep_assert_held(&dev->post[ZMRAM_CLAIM_PP].lock);
	block = find_next_zero_bit(backing->used, nr, backing->next);
	if (block >= nr) {
		zmram_blocks_recycle(backing);
		block = find_next_zero_bit(backing->used, nr, ZMRAM_FIRST_BLOCK);
		if (block >= nr)
			return 0;
	}
	__set_bit(block, backing->used);
	backing->next = block + 1;
	zmram_stat_add(dev, ZMRAM_BD_COUNT, 1);
	return block;
}

/**
 * zmram_block_unalloc() - give back a block that no slot has ever named
 * @dev: the device, on which this task runs writeback
 * @block: from zmram_block_alloc(); nobody can be reading it
 *
 * Context: Process context.
 */
void zmram_block_unalloc(struct zmram_dev *dev, unsigned long block)
{
	lockdep_assert_held(&dev->post[ZMRAM_CLAIM_PP].lock);
	__clear_bit(block, dev->wb.backing->used);
	zmram_stat_add(dev, ZMRAM_BD_COUNT, -1);
}

/**
 * zmram_block_free() - free the block of a slot
 * @dev: the device
 * @block: what the slot names
 *
 * Context: The slot is locked. Does not sleep; spinlocks may be held.
 */
void zmram_block_free(struct zmram_dev *dev, unsigned long block)
{
	struct zmram_backing *backing = dev->wb.backing;

	if (WARN_ON_ONCE(!backing || block >= backing->nr_blocks))
		return;
	spin_lock(&backing->lock);
	if (!WARN_ON_ONCE(__test_and_set_bit(block, backing->freed)))
		backing->nr_freed++;
	spin_unlock(&backing->lock);
	zmram_stat_add(dev, ZMRAM_BD_COUNT, -1);
}
