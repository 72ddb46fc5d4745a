/* SPDX-License-Identifier: GPL-2.0 */
/* Kernel-version differences of the LZ4 library; see zm_compat.h. */
#ifndef ZM_COMPAT_LZ4_H
#define ZM_COMPAT_LZ4_H

#include <linux/lz4.h>

/*
 * LZ4_resetStreamHC() is in every library, but 6.1 does not export it. It sets
 * the level, and marks as not begun what LZ4_loadDictHC() begins anyway.
 */
static inline void zm_compat_lz4hc_reset(LZ4_streamHC_t *stream, int level)
{
#ifdef ZM_HAVE_LZ4HC_RESET
	LZ4_resetStreamHC(stream, level);
#else
	stream->internal_donotuse.base = NULL;
	stream->internal_donotuse.compressionLevel = level;
#endif
}

#endif /* ZM_COMPAT_LZ4_H */
