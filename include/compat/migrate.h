/* SPDX-License-Identifier: GPL-2.0 */
/* Kernel-version differences of page migration; see zm_compat.h. */
#ifndef ZM_COMPAT_MIGRATE_H
#define ZM_COMPAT_MIGRATE_H

#include <linux/migrate.h>

/*
 * MIGRATE_SYNC_NO_COPY leaves the copy to the caller. Handles cannot be
 * rewritten before their objects have arrived, so the mode is refused.
 */
static inline bool zm_compat_caller_copies(enum migrate_mode mode)
{
#ifdef ZM_HAVE_SYNC_NO_COPY
	return mode == MIGRATE_SYNC_NO_COPY;
#else
	return false;
#endif
}

#endif /* ZM_COMPAT_MIGRATE_H */
