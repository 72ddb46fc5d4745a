/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tracepoints of zmram: what long operations decide about slots.
 * Enable with: echo 1 > /sys/kernel/tracing/events/zmram/enable
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM zmram

#if !defined(_TRACE_ZMRAM_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_ZMRAM_H

#include <linux/tracepoint.h>

/* A batch of slots picked; sizes are in bytes, rounded down. */
TRACE_EVENT(zmram_pick,
	TP_PROTO(const char *disk, unsigned int nr, unsigned int largest, unsigned int smallest),
	TP_ARGS(disk, nr, largest, smallest),
	TP_STRUCT__entry(
		__string(disk, disk)
		__field(unsigned int, nr)
		__field(unsigned int, largest)
		__field(unsigned int, smallest)
	),
	TP_fast_assign(
		zm_assign_str(disk, disk);
		__entry->nr = nr;
		__entry->largest = largest;
		__entry->smallest = smallest;
	),
	TP_printk("disk=%s nr=%u largest=%u smallest=%u", __get_str(disk), __entry->nr,
		  __entry->largest, __entry->smallest)
);

/*
 * size: 0 if no algorithm made it smaller, or a negative errno;
 * result: 0, -EAGAIN if the slot changed meanwhile, or another negative errno
 */
TRACE_EVENT(zmram_recompress,
	TP_PROTO(const char *disk, unsigned long index, unsigned int old, int size,
		 unsigned int prio, int result),
	TP_ARGS(disk, index, old, size, prio, result),
	TP_STRUCT__entry(
		__string(disk, disk)
		__field(unsigned long, index)
		__field(unsigned int, old)
		__field(int, size)
		__field(unsigned int, prio)
		__field(int, result)
	),
	TP_fast_assign(
		zm_assign_str(disk, disk);
		__entry->index = index;
		__entry->old = old;
		__entry->size = size;
		__entry->prio = prio;
		__entry->result = result;
	),
	TP_printk("disk=%s index=%lu old=%u size=%d prio=%u result=%d", __get_str(disk),
		  __entry->index, __entry->old, __entry->size, __entry->prio, __entry->result)
);

#endif /* _TRACE_ZMRAM_H */

#include <trace/define_trace.h>
