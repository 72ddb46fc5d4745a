/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Kernel-version differences, part 1: the range, and what exists where.
 *
 * Kbuild force-includes this file into every object, so that no source file
 * names a kernel version. Differences that need kernel types live in the
 * small headers beside this one (backing.h, block.h, class.h, fault.h, lz4.h, migrate.h,
 * shrinker.h, zstd.h); a source file includes those it needs.
 */
#ifndef ZM_COMPAT_H
#define ZM_COMPAT_H

#include <linux/version.h>
#include <linux/kconfig.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 1, 0)
#error "zmalloc/zmram: this kernel is older than 6.1; supported are 6.1 LTS and 6.12 LTS"
#elif LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0) && LINUX_VERSION_CODE < KERNEL_VERSION(6, 12, 0)
#error "zmalloc/zmram: kernels 6.2 to 6.11 are not tested; supported are 6.1 LTS and 6.12 LTS"
#elif LINUX_VERSION_CODE >= KERNEL_VERSION(6, 13, 0)
#error "zmalloc/zmram: this kernel is newer than 6.12; supported are 6.1 LTS and 6.12 LTS"
#endif

#ifndef CONFIG_64BIT
#error "zmalloc/zmram: the handle word needs a 64-bit kernel"
#endif

/* 6.3 removed ->rw_page; 6.11 brought BLK_FEAT_SYNCHRONOUS in its place. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
#define ZM_HAVE_RW_PAGE 1
#endif

/* 6.9 to 6.11 replaced the limit setters by struct queue_limits. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 11, 0)
#define ZM_HAVE_QUEUE_LIMITS_ARG 1
#endif

/* 6.5 turned fmode_t into blk_mode_t in ->open and ->release. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 5, 0)
#define ZM_HAVE_BLK_MODE 1
#endif

/* 6.4 made struct class and class attributes const and dropped .owner. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 4, 0)
#define ZM_HAVE_CONST_CLASS 1
#endif

/* 6.7 allocates shrinkers instead of embedding them. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 7, 0)
#define ZM_HAVE_SHRINKER_ALLOC 1
#endif

/* 6.11 removed the migration mode in which the caller copies the page. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 11, 0)
#define ZM_HAVE_SYNC_NO_COPY 1
#endif

/* 6.12 exported what dictionaries take of zstd, and the reset of an lz4hc stream. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0)
#define ZM_HAVE_ZSTD_DICT 1
#define ZM_HAVE_LZ4HC_RESET 1
#endif

/* 6.9 opens block devices as files. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 9, 0)
#define ZM_HAVE_BDEV_FILE 1
#endif

/* 6.8 moved the protection against freezing into vfs_iter_write(). */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 8, 0)
#define ZM_HAVE_FREEZE_SAFE_ITER_WRITE 1
#endif

/* Until then, fault injection keeps the entry of an attribute's folder. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 12, 0)
#define ZM_FAULT_ATTR_HAS_DNAME 1
#endif

/* 6.10 dropped the second argument of __assign_str(). */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 10, 0)
#define zm_assign_str(dst, src)	__assign_str(dst)
#else
#define zm_assign_str(dst, src)	__assign_str(dst, src)
#endif

#endif /* ZM_COMPAT_H */
