/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tracepoints of zmalloc: one for every decision about a page or a zspage.
 * Enable with: echo 1 > /sys/kernel/tracing/events/zmalloc/enable
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM zmalloc

#if !defined(_TRACE_ZMALLOC_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_ZMALLOC_H

#include <linux/tracepoint.h>

TRACE_EVENT(zmalloc_zspage_alloc,
	TP_PROTO(const char *pool, unsigned int size, unsigned int pages),
	TP_ARGS(pool, size, pages),
	TP_STRUCT__entry(
		__string(pool, pool)
		__field(unsigned int, size)
		__field(unsigned int, pages)
	),
	TP_fast_assign(
		zm_assign_str(pool, pool);
		__entry->size = size;
		__entry->pages = pages;
	),
	TP_printk("pool=%s size=%u pages=%u", __get_str(pool), __entry->size, __entry->pages)
);

DECLARE_EVENT_CLASS(zmalloc_page,
	TP_PROTO(const char *pool, unsigned long pfn),
	TP_ARGS(pool, pfn),
	TP_STRUCT__entry(
		__string(pool, pool)
		__field(unsigned long, pfn)
	),
	TP_fast_assign(
		zm_assign_str(pool, pool);
		__entry->pfn = pfn;
	),
	TP_printk("pool=%s pfn=%#lx", __get_str(pool), __entry->pfn)
);

DEFINE_EVENT(zmalloc_page, zmalloc_isolate,
	TP_PROTO(const char *pool, unsigned long pfn),
	TP_ARGS(pool, pfn)
);

DEFINE_EVENT(zmalloc_page, zmalloc_putback,
	TP_PROTO(const char *pool, unsigned long pfn),
	TP_ARGS(pool, pfn)
);

/* result: handles rewritten, or the negative errno that the VM got */
TRACE_EVENT(zmalloc_migrate,
	TP_PROTO(const char *pool, unsigned long src, unsigned long dst, int result),
	TP_ARGS(pool, src, dst, result),
	TP_STRUCT__entry(
		__string(pool, pool)
		__field(unsigned long, src)
		__field(unsigned long, dst)
		__field(int, result)
	),
	TP_fast_assign(
		zm_assign_str(pool, pool);
		__entry->src = src;
		__entry->dst = dst;
		__entry->result = result;
	),
	TP_printk("pool=%s src=%#lx dst=%#lx result=%d", __get_str(pool),
		  __entry->src, __entry->dst, __entry->result)
);

TRACE_EVENT(zmalloc_compact,
	TP_PROTO(const char *pool, unsigned int size, unsigned int moved, unsigned int left),
	TP_ARGS(pool, size, moved, left),
	TP_STRUCT__entry(
		__string(pool, pool)
		__field(unsigned int, size)
		__field(unsigned int, moved)
		__field(unsigned int, left)
	),
	TP_fast_assign(
		zm_assign_str(pool, pool);
		__entry->size = size;
		__entry->moved = moved;
		__entry->left = left;
	),
	TP_printk("pool=%s size=%u moved=%u left=%u", __get_str(pool),
		  __entry->size, __entry->moved, __entry->left)
);

#endif /* _TRACE_ZMALLOC_H */

#include <trace/define_trace.h>
