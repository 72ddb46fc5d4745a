// SPDX-License-Identifier: GPL-2.0
/*
 * The idle file: marks objects that nobody has touched for a while, for the
 * writeback and the recompression of what is idle. Same-filled and written back
 * slots are never marked, there is nothing to gain from them.
 *
 * A walk over the whole table that locks one slot at a time. Every access takes
 * the mark away (slot.c); marking by age takes it from younger slots too, so
 * that the result is the same whatever was marked before.
 */
#include <linux/kstrtox.h>
#include <linux/sysfs.h>

#include "zmram.h"

/*
 * Of a locked slot with an object: its age in seconds, as far as stamps know. The
 * clock may have gone back by a fraction of a tick since the slot was stamped.
 */
static u32 zmram_slot_age(const struct zmram_slot *slot)
{
	s32 age = zmram_now() - zmram_data_stamp(slot->data);

	return max(age, 0);
}

/* Marks what is at least @min_age seconds old; returns how many were not before. */
static unsigned long zmram_idle_leaf(struct zmram_slot *slot, u64 min_age)
{
	struct zmram_slot *end = slot + ZMRAM_LEAF_SLOTS;
	unsigned long old, word, marked = 0;

	for (; slot < end; slot++) {
		if (!zm_word_has_object(READ_ONCE(slot->handle.word)))
			continue;
		old = zm_handle_lock(&slot->handle);
		word = old;
		if (zm_word_has_object(old)) {
			word &= ~ZMRAM_IDLE;
			if (!min_age || zmram_slot_age(slot) >= min_age)
				word |= ZMRAM_IDLE;
			/* Picked because it was idle, perhaps: as if it was read. */
			if (old & ~word & ZMRAM_IDLE)
				word &= ~ZMRAM_PP;
			marked += word & ~old & ZMRAM_IDLE ? 1 : 0;
		}
		zm_handle_unlock(&slot->handle, word);
	}
	return marked;
}

static int zmram_idle_mark(struct zmram_dev *dev, u64 min_age)
{
	struct zmram_meta *meta = zmram_meta(dev);
	struct zmram_slot *leaf;
	unsigned long index = 0;

	zmram_post_set_total(dev, zmram_nr_slots(meta));
	while ((leaf = zmram_leaf_from(meta, &index))) {
		zmram_post_done(dev, zmram_idle_leaf(leaf, min_age));
		index += ZMRAM_LEAF_SLOTS;
		if (zmram_post_reached(dev, index))
			return -EINTR;
	}
	return 0;
}

static ssize_t idle_store(struct device *device, struct device_attribute *attr,
			  const char *buf, size_t len)
{
	struct zmram_dev *dev = to_zmram(device);
	u64 min_age = 0;
	int ret;

	if (!sysfs_streq(buf, "all") && kstrtou64(buf, 0, &min_age))
		return -EINVAL;
	ret = zmram_post_begin(dev, ZMRAM_POST_IDLE);
	if (ret)
		return ret;
	ret = zmram_idle_mark(dev, min_age);
	zmram_post_end(dev);
	return ret ? ret : len;
}
static DEVICE_ATTR_WO(idle);

static struct attribute *zmram_idle_attrs[] = {
	&dev_attr_idle.attr,
	NULL,
};

const struct attribute_group zmram_idle_group = {
	.attrs = zmram_idle_attrs,
};
