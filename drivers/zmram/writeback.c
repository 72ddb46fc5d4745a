// SPDX-License-Identifier: GPL-2.0
/*
 * Writeback: moving slots to the backing device, on request of its file.
 *
 * A page is copied out of its slot, under the slot's lock, and written with the
 * slot unlocked, many at a time. When it has arrived, the slot is locked again:
 * if it still has ZMRAM_PP, nobody has changed it meanwhile, nor read it if it was
 * idle, and it becomes a name of the block; else the block is given back. A
 * slot has at most one page in flight, or ZMRAM_PP of a later pick would vouch for
 * the data of an earlier one: so what is in flight is waited for between batches.
 *
 * Everything but the I/O happens in the task that wrote to the file, which holds
 * the claim of writeback (post.c).
 */
#include <linux/blkdev.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/string.h>
#include <linux/sysfs.h>
#include <linux/zmalloc_fault.h>

#include "zmram.h"

/* What a write to the file asks for: slots of a type, or of these numbers. */
struct zmram_wb_range {
	unsigned long lo, hi;
};

struct zmram_wb_request {
	unsigned long type;			/* of ZMRAM_WB_TYPE_*; 0: ranges */
	unsigned int nr_ranges;
	struct zmram_wb_range *range;
};

#define ZMRAM_WB_TYPE_IDLE	BIT(0)
#define ZMRAM_WB_TYPE_HUGE	BIT(1)
#define ZMRAM_WB_TYPE_INCOMP	BIT(2)

/* Whatever the batch size: a slow device must not collect all memory in pages. */
#define ZMRAM_WB_INFLIGHT	4096U

struct zmram_wb_run {
	struct zmram_dev *dev;
	struct zmram_meta *meta;
	struct zmram_ios ios;
	struct list_head idle;			/* struct zmram_io, not in flight */
	int error;				/* of the latest page that failed */
};

/* ---- one page ------------------------------------------------------------- */

/* Nothing was written for @io: as if it had not been tried. */
static void zmram_wb_undo(struct zmram_wb_run *run, struct zmram_io *io)
{
	zmram_block_unalloc(run->dev, io->block);
	zmram_wb_refund(run->dev, &io->charge);
}

/* A page has arrived on the backing device, or failed to. */
static void zmram_wb_arrived(struct zmram_wb_run *run, struct zmram_io *io)
{
	if (io->error) {
		run->error = io->error;
		zmram_unpick_slot(run->meta, io->index, 0, 0);
		zmram_wb_undo(run, io);
	} else {
		zmram_stat_add(run->dev, ZMRAM_BD_WRITES, 1);
		zm_delay(ZM_DELAY_WRITEBACK);
		if (zmram_slot_to_block(run->dev, run->meta, io->index, io->block, io->data))
			zmram_post_done(run->dev, 1);
		else
			zmram_block_unalloc(run->dev, io->block);
	}
	list_add(&io->node, &run->idle);
}

/* Waits until at most @max pages are in flight. */
static void zmram_wb_drain(struct zmram_wb_run *run, unsigned int max)
{
	struct zmram_io *io;

	while ((io = zmram_io_wait(&run->ios, run->ios.inflight > max))) {
		zmram_wb_arrived(run, io);
		cond_resched();
	}
}

/* A page to write with, or NULL without memory for even one. */
static struct zmram_io *zmram_wb_get_io(struct zmram_wb_run *run)
{
	const gfp_t optional = GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN;
	struct zmram_io *io;

	zmram_wb_drain(run, min(READ_ONCE(run->dev->wb.batch), ZMRAM_WB_INFLIGHT) - 1);
	if (list_empty(&run->idle)) {
		io = zmram_io_alloc(run->ios.inflight ? optional : GFP_KERNEL);
		if (io || !run->ios.inflight)
			return io;
		zmram_wb_drain(run, run->ios.inflight - 1);
	}
	io = list_first_entry(&run->idle, struct zmram_io, node);
	list_del(&io->node);
	return io;
}

/* Copies a picked slot out and submits it. 0: also if it is not picked any more. */
static int zmram_wb_send(struct zmram_wb_run *run, struct zmram_io *io, unsigned long index)
{
	struct zmram_dev *dev = run->dev;
	int ret;

	if (!zmram_wb_charge(dev, &io->charge))
		return -EIO;
	io->block = zmram_block_alloc(dev);
	if (!io->block) {
		zmram_wb_refund(dev, &io->charge);
		return -ENOSPC;
	}
	ret = zmram_copy_picked(run->meta, index, dev->wb.compressed, page_address(io->page),
				&io->data);
	if (ret) {
		if (ret != -ENOENT)
			run->error = ret;
		zmram_wb_undo(run, io);
		list_add(&io->node, &run->idle);
		return 0;
	}
	io->index = index;
	io->write = true;
	zmram_io_submit(dev->wb.backing, &run->ios, io);
	return 0;
}

/* Returns an error that ends the run. */
static int zmram_wb_slot(struct zmram_wb_run *run, unsigned long index)
{
	struct zmram_io *io = zmram_wb_get_io(run);
	int ret;

	if (!io)
		return -ENOMEM;
	ret = zmram_wb_send(run, io, index);
	if (ret)
		list_add(&io->node, &run->idle);
	return ret;
}

/* ---- all that was asked for ------------------------------------------------ */

static bool zmram_wb_match(unsigned long word, unsigned long data, const void *arg)
{
	unsigned long type = *(const unsigned long *)arg;

	return (!(type & ZMRAM_WB_TYPE_IDLE) || word & ZMRAM_IDLE) &&
	       (!(type & ZMRAM_WB_TYPE_INCOMP) || word & ZMRAM_INCOMP) &&
	       (!(type & ZMRAM_WB_TYPE_HUGE) || zmram_data_size(data) == PAGE_SIZE);
}

static int zmram_wb_run_type(struct zmram_wb_run *run, unsigned long type)
{
	struct zmram_picks picks = { };
	unsigned int i;
	int ret;

	for (;;) {
		ret = zmram_post_pick(run->dev, run->meta, zmram_wb_match, &type, &picks);
		for (i = 0; i < picks.nr && !ret; i++)
			ret = zmram_post_stop(run->dev) ? -EINTR :
			      zmram_wb_slot(run, picks.index[i]);
		zmram_wb_drain(run, 0);
		if (ret || !picks.nr)
			break;
	}
	zmram_post_unpick(run->dev, run->meta, &picks);
	return ret;
}

static int zmram_wb_run_range(struct zmram_wb_run *run, unsigned long lo, unsigned long hi)
{
	unsigned long index, start;
	int ret = 0;

	for (index = lo; index <= hi && !ret; index++) {
		/* To the next that was ever written, if that is far. */
		start = index;
		if (!zmram_leaf_from(run->meta, &index) || index > hi)
			break;
		if (zmram_post_looked(run->dev, index - start + 1))
			return -EINTR;
		if (!zmram_pick_slot(run->meta, index))
			continue;
		ret = zmram_wb_slot(run, index);
		if (ret)
			zmram_unpick_slot(run->meta, index, 0, 0);
	}
	return ret;
}

/* Ranges are sorted; where they overlap, the slot is taken once. */
static int zmram_wb_run_ranges(struct zmram_wb_run *run, const struct zmram_wb_request *request)
{
	unsigned long next = 0, total = 0;
	unsigned int i;
	int ret = 0;

	for (i = 0; i < request->nr_ranges; i++)
		total += request->range[i].hi - request->range[i].lo + 1;
	zmram_post_set_total(run->dev, total);
	for (i = 0; i < request->nr_ranges && !ret; i++) {
		const struct zmram_wb_range *range = &request->range[i];

		ret = zmram_wb_run_range(run, max(range->lo, next), range->hi);
		next = max(next, range->hi + 1);
	}
	zmram_wb_drain(run, 0);
	return ret;
}

static int zmram_wb_run(struct zmram_dev *dev, const struct zmram_wb_request *request)
{
	struct zmram_wb_run run = { .dev = dev, .meta = zmram_meta(dev) };
	struct zmram_io *io, *next;
	struct blk_plug plug;
	int ret;

	zmram_ios_init(&run.ios);
	INIT_LIST_HEAD(&run.idle);
	blk_start_plug(&plug);
	ret = request->type ? zmram_wb_run_type(&run, request->type) :
			      zmram_wb_run_ranges(&run, request);
	blk_finish_plug(&plug);
	list_for_each_entry_safe(io, next, &run.idle, node)
		zmram_io_free(io);
	return ret ? ret : run.error;
}

/* What can be known before the first page. */
static int zmram_wb_check(struct zmram_dev *dev, const struct zmram_wb_request *request)
{
	unsigned long nr_slots = zmram_nr_slots(zmram_meta(dev));
	unsigned int i;

	for (i = 0; i < request->nr_ranges; i++) {
		if (request->range[i].hi >= nr_slots)
			return -ERANGE;
	}
	if (!dev->wb.backing)
		return -ENODEV;
	return zmram_wb_limit_reached(dev) ? -EIO : 0;
}

/* ---- what was written to the file ------------------------------------------ */

static int zmram_wb_parse_type(const char *name, unsigned long *type)
{
	static const struct {
		const char *name;
		unsigned long type;
	} types[] = {
		{ "idle", ZMRAM_WB_TYPE_IDLE },
		{ "huge", ZMRAM_WB_TYPE_HUGE },
		{ "huge_idle", ZMRAM_WB_TYPE_HUGE | ZMRAM_WB_TYPE_IDLE },
		{ "incompressible", ZMRAM_WB_TYPE_INCOMP },
	};
	unsigned int i;

	/* It was named before. */
	if (*type)
		return -EINVAL;
	for (i = 0; i < ARRAY_SIZE(types); i++) {
		if (!strcmp(name, types[i].name))
			*type = types[i].type;
	}
	return *type ? 0 : -EINVAL;
}

/* N, or with @pair LO-HI. */
static int zmram_wb_parse_range(char *text, bool pair, struct zmram_wb_range *range)
{
	char *hi = text;
	int ret;

	if (pair) {
		strsep(&hi, "-");
		if (!hi)
			return -EINVAL;
	}
	ret = kstrtoul(text, 10, &range->lo);
	if (!ret)
		ret = kstrtoul(hi, 10, &range->hi);
	if (!ret && range->lo > range->hi)
		ret = -EINVAL;
	return ret;
}

static int zmram_wb_parse_one(char *key, char *value, struct zmram_wb_request *request)
{
	bool pair = !strcmp(key, "page_indexes");
	int ret;

	/* The old form: a type without a key. */
	if (!value)
		return zmram_wb_parse_type(key, &request->type);
	if (!strcmp(key, "type"))
		return zmram_wb_parse_type(value, &request->type);
	if (!pair && strcmp(key, "page_index"))
		return -EINVAL;
	ret = zmram_wb_parse_range(value, pair, &request->range[request->nr_ranges]);
	request->nr_ranges += !ret;
	return ret;
}

static int zmram_wb_compare(const void *a, const void *b)
{
	const struct zmram_wb_range *x = a, *y = b;

	return x->lo < y->lo ? -1 : x->lo > y->lo;
}

static int zmram_wb_parse(char *args, struct zmram_wb_request *request)
{
	char *key, *value;
	int ret = 0;

	for (args = skip_spaces(args); *args && !ret; ) {
		args = next_arg(args, &key, &value);
		ret = zmram_wb_parse_one(key, value, request);
	}
	if (ret)
		return ret;
	/* Either a type or numbers: both could mean "and" as well as "or". */
	if (!request->type == !request->nr_ranges)
		return -EINVAL;
	sort(request->range, request->nr_ranges, sizeof(*request->range), zmram_wb_compare, NULL);
	return 0;
}

static int zmram_writeback(struct zmram_dev *dev, char *args, struct zmram_wb_request *request)
{
	int ret = zmram_wb_parse(args, request);

	if (!ret)
		ret = zmram_post_begin(dev, ZMRAM_POST_WRITEBACK);
	if (ret)
		return ret;
	ret = zmram_wb_check(dev, request);
	if (!ret)
		ret = zmram_wb_run(dev, request);
	zmram_post_end(dev);
	return ret;
}

static ssize_t writeback_store(struct device *device, struct device_attribute *attr,
			       const char *buf, size_t len)
{
	struct zmram_wb_request request = { };
	char *args = kstrdup(buf, GFP_KERNEL);
	int ret = -ENOMEM;

	/* No more ranges than blanks and one. */
	request.range = kvcalloc(len / 2 + 1, sizeof(*request.range), GFP_KERNEL);
	if (args && request.range)
		ret = zmram_writeback(to_zmram(device), args, &request);
	kvfree(request.range);
	kfree(args);
	return ret ? ret : len;
}
static DEVICE_ATTR_WO(writeback);

static struct attribute *zmram_writeback_attrs[] = {
	&dev_attr_writeback.attr,
	NULL,
};

const struct attribute_group zmram_writeback_group = {
	.attrs = zmram_writeback_attrs,
};
