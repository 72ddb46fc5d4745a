// SPDX-License-Identifier: GPL-2.0
/*
 * Failures and delays on request, for tests: the kernel's fault injection
 * (Documentation/fault-injection) at the places listed in
 * include/linux/zmalloc_fault.h, those of the block device too. Built only for kernels
 * that have it. Knobs are in /sys/kernel/debug/zmalloc-faults/NAME/, all off at first;
 * a delay lasts delay_us microseconds.
 *
 * No locks: the attributes are the kernel's, which tolerates races between counting
 * and setting them.
 */
#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/export.h>
#include <linux/fault-inject.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/zmalloc_fault.h>

#include <compat/fault.h>

#define ZM_DELAY_MAX_US	2000U

static const char *const zm_fault_names[ZM_NR_FAULTS] = {
	[ZM_FAIL_PAGE_LOCK]	= "fail_page_lock",
	[ZM_FAIL_MIGRATE]	= "fail_migrate",
	[ZM_FAIL_ZSPAGE]	= "fail_zspage",
	[ZM_DELAY_RELEASE]	= "delay_release",
	[ZM_DELAY_WORKER]	= "delay_worker",
	[ZM_DELAY_MIGRATE]	= "delay_migrate",
	[ZM_DELAY_COMPACT]	= "delay_compact",
	[ZM_DELAY_SLEEP]	= "delay_sleep",
	[ZM_DELAY_WAKE]		= "delay_wake",
	[ZM_DELAY_RECOMPRESS]	= "delay_recompress",
	[ZM_DELAY_WRITEBACK]	= "delay_writeback",
	[ZM_DELAY_READBACK]	= "delay_readback",
	[ZM_DELAY_REMOVE]	= "delay_remove",
};

static struct fault_attr zm_fault_attrs[ZM_NR_FAULTS];
static u32 zm_delay_us = 100;
static struct dentry *zm_faults_root;

/**
 * zm_fault() - is this the time to fail?
 * @site: the place
 *
 * Context: Any. Return: whether the knobs of @site say so.
 */
bool zm_fault(enum zm_fault site)
{
	struct fault_attr *attr = &zm_fault_attrs[site];

	/* A task's own fail-nth is about what can fail for everybody. */
	if (!READ_ONCE(attr->probability) || (in_task() && current->fail_nth))
		return false;
	return should_fail(attr, 1);
}

/**
 * zm_delay() - dawdle, if this is the time
 * @site: the place
 *
 * Context: Any; spins.
 */
void zm_delay(enum zm_fault site)
{
	if (zm_fault(site))
		udelay(min(READ_ONCE(zm_delay_us), ZM_DELAY_MAX_US));
}
EXPORT_SYMBOL_GPL(zm_delay);

/* Before there is a pool. */
void zm_faults_create(void)
{
	unsigned int i;

	zm_faults_root = debugfs_create_dir("zmalloc-faults", NULL);
	for (i = 0; i < ZM_NR_FAULTS; i++) {
		zm_fault_attrs[i] = (struct fault_attr)FAULT_ATTR_INITIALIZER;
		zm_fault_attrs[i].verbose = 0;
		fault_create_debugfs_attr(zm_fault_names[i], zm_faults_root, &zm_fault_attrs[i]);
	}
	debugfs_create_u32("delay_us", 0600, zm_faults_root, &zm_delay_us);
}

/* After the last pool. */
void zm_faults_destroy(void)
{
	unsigned int i;

	debugfs_remove(zm_faults_root);
	for (i = 0; i < ZM_NR_FAULTS; i++)
		zm_compat_fault_attr_release(&zm_fault_attrs[i]);
}
