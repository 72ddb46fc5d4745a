/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Places where a debug kernel can be told to fail, or to dawdle while a race is
 * possible; nothing at all where the kernel has no fault injection. The allocator's and
 * those of the block device, behind one set of knobs: see drivers/zmalloc/fault.c.
 */
#ifndef ZMALLOC_FAULT_H
#define ZMALLOC_FAULT_H

#include <linux/types.h>

enum zm_fault {
	ZM_FAIL_PAGE_LOCK,	/* a page of an empty zspage seems locked */
	ZM_FAIL_MIGRATE,	/* the page seems to hold an object in use */
	ZM_FAIL_ZSPAGE,		/* no memory for a zspage */
	ZM_DELAY_RELEASE,	/* unlinked because empty, nothing given back yet */
	ZM_DELAY_WORKER,	/* taken over by the worker, no page locked yet */
	ZM_DELAY_MIGRATE,	/* page copied, handles not rewritten yet */
	ZM_DELAY_COMPACT,	/* object copied, handle not rewritten yet */
	ZM_DELAY_SLEEP,		/* wait bit set, not asleep yet */
	ZM_DELAY_WAKE,		/* handle unlocked, sleeper not woken yet */
	ZM_DELAY_RECOMPRESS,	/* recompressed with the slot unlocked, not committed yet */
	ZM_DELAY_WRITEBACK,	/* written with the slot unlocked, not committed yet */
	ZM_DELAY_READBACK,	/* slot unlocked, the read of its block not started yet */
	ZM_DELAY_REMOVE,	/* no opener any more, the device's files still there */
	ZM_NR_FAULTS
};

#ifdef CONFIG_FAULT_INJECTION_DEBUG_FS

bool zm_fault(enum zm_fault site);
void zm_delay(enum zm_fault site);
void zm_faults_create(void);
void zm_faults_destroy(void);

#else

#define zm_fault(site)		false
#define zm_delay(site)		do { } while (0)
#define zm_faults_create()	do { } while (0)
#define zm_faults_destroy()	do { } while (0)

#endif
#endif /* ZMALLOC_FAULT_H */
