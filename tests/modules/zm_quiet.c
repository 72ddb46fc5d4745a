// SPDX-License-Identifier: GPL-2.0
/*
 * Benchmark: holds back the timer interrupt, so that a count of instructions is
 * the same in every run. For guests with one processor and nothing to lose: no
 * time passes for the scheduler meanwhile.
 *
 *	echo 1 > /sys/kernel/debug/zm_quiet/quiet	# no ticks from here
 *	echo 0 > /sys/kernel/debug/zm_quiet/quiet	# one at once, then as usual
 */
#include <linux/cpumask.h>
#include <linux/debugfs.h>
#include <linux/irqflags.h>
#include <linux/module.h>

#include <asm/apic.h>

/* Bus cycles until the tick that makes up for those that were lost. */
#define ZM_QUIET_RESUME		1000

static struct dentry *zm_quiet_dir;

static int zm_quiet_set(void *data, u64 quiet)
{
	unsigned long flags;
	u32 timer;

	local_irq_save(flags);
	timer = native_apic_mem_read(APIC_LVTT);
	if (quiet) {
		native_apic_mem_write(APIC_LVTT, timer | APIC_LVT_MASKED);
	} else if (timer & APIC_LVT_MASKED) {
		native_apic_mem_write(APIC_LVTT, timer & ~APIC_LVT_MASKED);
		native_apic_mem_write(APIC_TMICT, ZM_QUIET_RESUME);
	}
	local_irq_restore(flags);
	return 0;
}

DEFINE_DEBUGFS_ATTRIBUTE(zm_quiet_fops, NULL, zm_quiet_set, "%llu\n");

static int __init zm_quiet_init(void)
{
	const u32 modes = APIC_LVT_TIMER_PERIODIC | APIC_LVT_TIMER_TSCDEADLINE | APIC_LVT_MASKED;

	if (num_online_cpus() > 1 || x2apic_enabled())
		return -ENODEV;
	/* One-shot is what can be resumed by starting the counter. */
	if (native_apic_mem_read(APIC_LVTT) & modes)
		return -ENODEV;
	zm_quiet_dir = debugfs_create_dir("zm_quiet", NULL);
	debugfs_create_file("quiet", 0200, zm_quiet_dir, NULL, &zm_quiet_fops);
	return 0;
}

static void __exit zm_quiet_exit(void)
{
	debugfs_remove(zm_quiet_dir);
	zm_quiet_set(NULL, 0);
}

module_init(zm_quiet_init);
module_exit(zm_quiet_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Holds back the timer interrupt, for the benchmark");
