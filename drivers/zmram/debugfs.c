// SPDX-License-Identifier: GPL-2.0
/*
 * debugfs: /sys/kernel/debug/zmram/<disk>/block_state, zram's list of slots
 * that are not empty: number, second of the last access, and flags
 *
 *	s same-filled, w written back, h huge, i idle, r recompressed,
 *	n incompressible
 *
 * It locks nothing: a line may mix two states of a slot that changes at this
 * moment. The table is found by RCU, leaf by leaf, so a reset does not wait for
 * a reader, nor anybody for him.
 */
#include <linux/debugfs.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>

#include "zmram.h"

static struct dentry *zmram_debugfs_root;	/* zmram_control_mutex */

/*
 * Finds the first slot in use in a leaf, the first that there is from *@index on.
 * 0 if there is no leaf, and -EAGAIN, *@index then being the next one's, if it
 * is empty; 1 if there is a slot.
 */
static int block_state_in_leaf(struct zmram_dev *dev, unsigned long *index)
{
	struct zmram_meta *meta;
	struct zmram_slot *leaf, *slot;
	int ret = 0;

	rcu_read_lock();
	meta = rcu_dereference(dev->meta);
	leaf = meta ? zmram_leaf_from(meta, index) : NULL;
	if (leaf) {
		do {
			slot = &leaf[*index % ZMRAM_LEAF_SLOTS];
			ret = READ_ONCE(slot->handle.word) & ~ZM_LOCK_MASK ? 1 : -EAGAIN;
		} while (ret < 0 && ++*index % ZMRAM_LEAF_SLOTS);
	}
	rcu_read_unlock();
	return ret;
}

/* An iterator is the slot's number plus one, so that it is not NULL. */
static void *block_state_seek(struct zmram_dev *dev, loff_t *pos)
{
	unsigned long index = *pos;
	int ret;

	do {
		ret = block_state_in_leaf(dev, &index);
		cond_resched();
	} while (ret == -EAGAIN && !fatal_signal_pending(current));
	*pos = index;
	return ret > 0 ? (void *)(index + 1) : NULL;
}

static void *block_state_start(struct seq_file *m, loff_t *index)
{
	struct zmram_dev *dev = m->private;

	return zmram_meta(dev) ? block_state_seek(dev, index) : ERR_PTR(-EINVAL);
}

static void *block_state_next(struct seq_file *m, void *v, loff_t *index)
{
	++*index;
	return block_state_seek(m->private, index);
}

static void block_state_stop(struct seq_file *m, void *v)
{
}

static void block_state_print(struct seq_file *m, unsigned long index, unsigned long word,
			      unsigned long data)
{
	bool object = zm_word_has_object(word);
	bool sized = object || word & ZMRAM_WB;

	/* Only an object has a stamp, and its clock has no fractions. */
	seq_printf(m, "%12zd %12lld.%06lu %c%c%c%c%c%c\n", (ssize_t)index,
		   object ? (s64)zmram_data_stamp(data) : 0, 0UL,
		   word & ZMRAM_SAME ? 's' : '.',
		   word & ZMRAM_WB ? 'w' : '.',
		   object && zmram_data_size(data) == PAGE_SIZE ? 'h' : '.',
		   word & ZMRAM_IDLE ? 'i' : '.',
		   sized && zmram_data_prio(data) ? 'r' : '.',
		   word & ZMRAM_INCOMP ? 'n' : '.');
}

static int block_state_show(struct seq_file *m, void *v)
{
	unsigned long index = (unsigned long)v - 1;
	struct zmram_dev *dev = m->private;
	unsigned long word = 0, data = 0;
	struct zmram_slot *slot = NULL;
	struct zmram_meta *meta;

	rcu_read_lock();
	meta = rcu_dereference(dev->meta);
	if (meta && index < zmram_nr_slots(meta))
		slot = zmram_slot_find(meta, index);
	if (slot) {
		word = READ_ONCE(slot->handle.word) & ~ZM_LOCK_MASK;
		data = READ_ONCE(slot->data);
	}
	rcu_read_unlock();
	if (!word)
		return SEQ_SKIP;
	block_state_print(m, index, word, data);
	return 0;
}

static const struct seq_operations block_state_sops = {
	.start = block_state_start,
	.next = block_state_next,
	.stop = block_state_stop,
	.show = block_state_show,
};
DEFINE_SEQ_ATTRIBUTE(block_state);

/*
 * Before the disk becomes visible. Nothing here can fail; the first device makes
 * the directory of all, when it is sure that nobody else has the name.
 */
void zmram_debugfs_add(struct zmram_dev *dev)
{
	lockdep_assert_held(&zmram_control_mutex);
	if (!zmram_debugfs_root)
		zmram_debugfs_root = debugfs_create_dir(zmram_disk_prefix(), NULL);
	dev->debugfs = debugfs_create_dir(dev->disk->disk_name, zmram_debugfs_root);
	debugfs_create_file("block_state", 0400, dev->debugfs, dev, &block_state_fops);
}

/* Waits for readers. */
void zmram_debugfs_del(struct zmram_dev *dev)
{
	debugfs_remove_recursive(dev->debugfs);
}

/* When no device is left. */
void zmram_debugfs_destroy(void)
{
	debugfs_remove_recursive(zmram_debugfs_root);
}
