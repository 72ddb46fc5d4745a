// SPDX-License-Identifier: GPL-2.0
/*
 * Loading the test module, which runs its suites. KUnit would do that by itself, but
 * 6.1's does it before the module has its parameters, and is initialised.
 */
#include <linux/module.h>

#include "unit.h"

static struct kunit_suite *zmu_suites[] = {
	&zm_class_suite,
	&zm_handle_suite,
	&zm_object_suite,
	&zm_move_suite,
	&zm_release_suite,
	&zm_compact_suite,
	&zm_model_suite,
	&zm_storm_suite,
	&zmram_bio_suite,
	&zmram_bio_512_suite,
	&zmram_table_suite,
	&zmram_slot_suite,
	&zmram_parse_suite,
};

static int __init zmu_module_init(void)
{
	int ret = zmu_product_init();

	if (ret)
		return ret;
	return __kunit_test_suites_init(zmu_suites, ARRAY_SIZE(zmu_suites));
}

static void __exit zmu_module_exit(void)
{
	__kunit_test_suites_exit(zmu_suites, ARRAY_SIZE(zmu_suites));
	zmu_product_exit();
}

module_init(zmu_module_init);
module_exit(zmu_module_exit);
