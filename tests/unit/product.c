// SPDX-License-Identifier: GPL-2.0
/*
 * zmalloc once more, as a part of the test module: all of its files, without their
 * exports, which belong to zmalloc.ko. So the tests reach what is internal, and run
 * what ships. zmalloc.ko must not be loaded beside it: names in debugfs and of slab
 * caches are the same.
 */
#define __DISABLE_EXPORTS

#include "../../drivers/zmalloc/class.c"
#include "../../drivers/zmalloc/handle.c"
#include "../../drivers/zmalloc/object.c"
#include "../../drivers/zmalloc/zspage.c"
#include "../../drivers/zmalloc/movable.c"
#include "../../drivers/zmalloc/compact.c"
#include "../../drivers/zmalloc/debugfs.c"
#ifdef CONFIG_FAULT_INJECTION_DEBUG_FS
#include "../../drivers/zmalloc/fault.c"
#endif

/* suites.c is what calls these. */
#undef module_init
#undef module_exit
#define module_init(fn)
#define module_exit(fn)
#include "../../drivers/zmalloc/pool.c"
#include "../../drivers/zmalloc/trace.c"

#include "unit.h"

int __init zmu_product_init(void)
{
	return zm_init();
}

void __exit zmu_product_exit(void)
{
	zm_exit();
}
