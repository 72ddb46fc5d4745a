/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Marks in the instruction stream by which the profiler (insn-plugin.c) sees
 * what is being measured: no-ops with a displacement that no compiler makes.
 * Without the profiler they are three no-ops.
 */
#ifndef ZMRAM_BENCH_WINDOW_H
#define ZMRAM_BENCH_WINDOW_H

#define WINDOW_OPEN	0x7a6d0001	/* count from here */
#define WINDOW_CLOSE	0x7a6d0002	/* to here */
#define WINDOW_NEXT	0x7a6d0003	/* what was counted is one operation */

#define WINDOW_STRING_(x)	#x
#define WINDOW_STRING(x)	WINDOW_STRING_(x)
#define WINDOW_MARK(number)	\
	__asm__ volatile("nopl " WINDOW_STRING(number) "(%%rax,%%rax,1)" ::: "memory")

static inline void window_open(void)
{
	WINDOW_MARK(WINDOW_OPEN);
}

static inline void window_close(void)
{
	WINDOW_MARK(WINDOW_CLOSE);
}

static inline void window_next(void)
{
	WINDOW_MARK(WINDOW_NEXT);
}

#endif
