// SPDX-License-Identifier: GPL-2.0
/*
 * Counters of a device. Writers touch their CPU's copy only; readers take no
 * lock and may miss what is under way.
 */
#include <linux/percpu.h>

#include "zmram.h"

s64 zmram_stat_read(struct zmram_dev *dev, enum zmram_stat item)
{
	s64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(per_cpu_ptr(dev->stats, cpu)->value[item]);
	/* A slot written on one CPU and freed on another, seen in between. */
	return max_t(s64, sum, 0);
}

/* While nothing counts: the device has no meta, or no longer. */
void zmram_stats_clear(struct zmram_dev *dev)
{
	int cpu;

	for_each_possible_cpu(cpu)
		memset(per_cpu_ptr(dev->stats, cpu), 0, sizeof(struct zmram_stats));
}
