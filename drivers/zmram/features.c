// SPDX-License-Identifier: GPL-2.0
/*
 * /sys/class/zmram-control/features: what this build can do on this kernel, so
 * that scripts need not try. A line has the name of an attribute of a device,
 * and words that it understands; one that is in every zram, and whose words never
 * differ, has no line. Nothing is locked here, because nothing changes.
 */
#include <linux/sysfs.h>

#include <compat/class.h>

#include "zmram.h"

struct zmram_feature {
	const char *attribute;
	const char *words;
};

/* Those of comp_algorithm come before. */
static const struct zmram_feature zmram_features[] = {
	{ "algorithm_params", "algo priority level dict deflate.winbits" },
	{ "resize", "grow" },
	{ "idle", "all seconds" },
	{ "recomp_algorithm", "algo priority" },
	{ "recompress", "type=idle type=huge type=huge_idle threshold algo priority max_pages" },
	{ "progress", "writeback recompress idle compact reset" },
	{ "backing_dev", "block file" },
	{ "writeback", "idle huge huge_idle incompressible type page_index page_indexes" },
	{ "writeback_batch_size", "1-4294967295" },
	{ "compressed_writeback", "0 1" },
};

static const struct {
	unsigned int param;
	const char *name;
} zmram_feature_params[] = {
	{ ZMRAM_TAKES_LEVEL, "level" },
	{ ZMRAM_TAKES_DICT, "dict" },
	{ ZMRAM_TAKES_WINBITS, "deflate.winbits" },
};

/* Algorithms that take all of @params. */
static ssize_t zmram_features_algorithms(char *buf, ssize_t len, unsigned int params)
{
	const struct zmram_comp_ops *const *ops;
	ssize_t start = len;

	for (ops = zmram_backends; *ops; ops++) {
		if (((*ops)->takes & params) == params)
			len += sysfs_emit_at(buf, len, " %s", (*ops)->name);
	}
	len += sysfs_emit_at(buf, len, "\n");
	return len - start;
}

static ssize_t features_show(ZM_CLASS_SHOW_ARGS)
{
	ssize_t len = sysfs_emit(buf, "comp_algorithm");
	unsigned int i;

	len += zmram_features_algorithms(buf, len, 0);
	for (i = 0; i < ARRAY_SIZE(zmram_feature_params); i++) {
		len += sysfs_emit_at(buf, len, "algorithm_params.%s",
				     zmram_feature_params[i].name);
		len += zmram_features_algorithms(buf, len, zmram_feature_params[i].param);
	}
	for (i = 0; i < ARRAY_SIZE(zmram_features); i++)
		len += sysfs_emit_at(buf, len, "%s %s\n", zmram_features[i].attribute,
				     zmram_features[i].words);
	return len;
}

struct class_attribute class_attr_features = __ATTR_RO(features);
