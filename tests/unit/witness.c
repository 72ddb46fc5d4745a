// SPDX-License-Identifier: GPL-2.0
/*
 * A witness of the very moment at which a mover publishes an object: a waiter on its
 * handle, called by the wake-up that is a part of unlocking, that reads the object where
 * the new word says. It runs in the mover's context, under class->lock.
 */
#include <linux/wait_bit.h>

#include "unit.h"

static int witness_look(struct wait_queue_entry *entry, unsigned int mode, int sync, void *arg)
{
	struct zmu_witness *w = container_of(entry, struct zmu_witness, wait.wq_entry);
	struct wait_bit_key *key = arg;
	unsigned long word = READ_ONCE(w->obj->handle.word);

	if (key->flags != &w->obj->handle.word)
		return 0;
	w->seen++;
	w->wrong += (word & BIT(ZM_LOCK_BIT)) || word == w->old ||
		    !zmu_content_right(w->obj, word, w->bounce);
	return 0;
}

void zmu_witness_start(struct zmu_witness *w, struct zmu_object *obj, void *bounce)
{
	*w = (struct zmu_witness) { .obj = obj, .old = obj->handle.word, .bounce = bounce };
	init_waitqueue_func_entry(&w->wait.wq_entry, witness_look);
	add_wait_queue(bit_waitqueue(&obj->handle.word, ZM_LOCK_BIT), &w->wait.wq_entry);
	/* Whoever unlocks it next owes a wake-up. */
	set_bit(ZM_WAIT_BIT, &obj->handle.word);
}

void zmu_witness_stop(struct zmu_witness *w)
{
	remove_wait_queue(bit_waitqueue(&w->obj->handle.word, ZM_LOCK_BIT), &w->wait.wq_entry);
	clear_bit(ZM_WAIT_BIT, &w->obj->handle.word);
}
