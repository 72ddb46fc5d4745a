/* SPDX-License-Identifier: GPL-2.0 */
/* Kernel-version differences of fault injection; see zm_compat.h. */
#ifndef ZM_COMPAT_FAULT_H
#define ZM_COMPAT_FAULT_H

#include <linux/dcache.h>
#include <linux/fault-inject.h>

/* What fault_create_debugfs_attr() keeps of the folder's name. */
static inline void zm_compat_fault_attr_release(struct fault_attr *attr)
{
#ifdef ZM_FAULT_ATTR_HAS_DNAME
	dput(attr->dname);
#endif
}

#endif /* ZM_COMPAT_FAULT_H */
