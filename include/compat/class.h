/* SPDX-License-Identifier: GPL-2.0 */
/* Kernel-version differences of struct class; see zm_compat.h. */
#ifndef ZM_COMPAT_CLASS_H
#define ZM_COMPAT_CLASS_H

#include <linux/device.h>
#include <linux/module.h>

#ifdef ZM_HAVE_CONST_CLASS
#define ZM_CLASS_SHOW_ARGS \
	const struct class *class, const struct class_attribute *attr, char *buf
#define ZM_CLASS_STORE_ARGS \
	const struct class *class, const struct class_attribute *attr, \
	const char *buf, size_t len
#define ZM_CLASS_OWNER
#else
#define ZM_CLASS_SHOW_ARGS \
	struct class *class, struct class_attribute *attr, char *buf
#define ZM_CLASS_STORE_ARGS \
	struct class *class, struct class_attribute *attr, \
	const char *buf, size_t len
#define ZM_CLASS_OWNER		.owner = THIS_MODULE,
#endif

#endif /* ZM_COMPAT_CLASS_H */
