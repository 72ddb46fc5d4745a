// SPDX-License-Identifier: GPL-2.0
/*
 * The handle lock's slow path: sleeping and waking. The fast paths are inline
 * in include/linux/zmalloc.h, with the layout of the word.
 *
 * A sleeper announces itself with the wait bit, so that an unlock without
 * sleepers costs one exchange and looks at nothing else. The unlock that sees
 * the bit has cleared it and so owes a wake-up to one sleeper, even if somebody
 * else has taken the lock meanwhile, for whom the bit is no longer set: hence a
 * wake function of our own, where wake_bit_function() would look at the lock
 * bit and wake nobody. The sleeper either gets the lock, and then sets the wait
 * bit because others may sleep; or it sees the lock taken and sets the bit for
 * the new holder before it sleeps again. So the debt is never lost.
 */
#include <linux/sched.h>
#include <linux/wait_bit.h>

#include "internal.h"

#ifdef CONFIG_LOCKDEP
static struct lock_class_key zm_handle_key;
/* All handle locks are one class to lockdep, which cannot see bits. */
struct lockdep_map zm_handle_dep_map = {
	.name = "zm_handle",
	.key = &zm_handle_key,
	.wait_type_inner = LD_WAIT_SLEEP,
};
EXPORT_SYMBOL_GPL(zm_handle_dep_map);
#endif

/* Called queued and not running; sleeps only if the holder will see the bit. */
static int zm_handle_sleep(struct wait_bit_key *key, int mode)
{
	unsigned long *word = key->flags;
	unsigned long old = READ_ONCE(*word);

	do {
		if (!(old & BIT(ZM_LOCK_BIT)))
			return 0;
	} while (!try_cmpxchg(word, &old, old | BIT(ZM_WAIT_BIT)));
	zm_delay(ZM_DELAY_SLEEP);
	schedule();
	return 0;
}

static int zm_handle_wake_sleeper(struct wait_queue_entry *entry, unsigned int mode,
				  int sync, void *arg)
{
	struct wait_bit_queue_entry *sleeper =
		container_of(entry, struct wait_bit_queue_entry, wq_entry);
	struct wait_bit_key *key = arg;

	/* The queue is shared with other words. */
	if (sleeper->key.flags != key->flags || sleeper->key.bit_nr != key->bit_nr)
		return 0;
	return autoremove_wake_function(entry, mode, sync, key);
}

unsigned long __zm_handle_lock_slow(struct zm_handle *handle)
{
	DEFINE_WAIT_BIT(wait, &handle->word, ZM_LOCK_BIT);

	wait.wq_entry.func = zm_handle_wake_sleeper;
	__wait_on_bit_lock(bit_waitqueue(&handle->word, ZM_LOCK_BIT), &wait,
			   zm_handle_sleep, TASK_UNINTERRUPTIBLE);
	set_bit(ZM_WAIT_BIT, &handle->word);
	return READ_ONCE(handle->word) & ~ZM_LOCK_MASK;
}
EXPORT_SYMBOL_GPL(__zm_handle_lock_slow);

void __zm_handle_wake(struct zm_handle *handle)
{
	zm_delay(ZM_DELAY_WAKE);
	/*
	 * The exchange that dropped the lock is only a release. The sleeper is
	 * queued before it sets the wait bit; seeing the bit must imply seeing
	 * it queued. Pairs with the full barrier of try_cmpxchg() above.
	 */
	smp_mb();
	wake_up_bit(&handle->word, ZM_LOCK_BIT);
}
EXPORT_SYMBOL_GPL(__zm_handle_wake);
