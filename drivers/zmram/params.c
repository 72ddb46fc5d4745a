// SPDX-License-Identifier: GPL-2.0
/*
 * Parameters of algorithms: the objects that hold them, and algorithm_params,
 * which makes one.
 *
 * An object is complete before anybody sees it, is never changed, and counts its
 * users: the device's settings, by priority under init_lock, and each compressor
 * that was made from it (comp.c). Writing again puts another in its place. What
 * an algorithm can do with them is said by its backend, when the device gets its
 * size.
 */
#include <linux/kernel_read_file.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "zmram.h"

/* Ten times what is usual for zstd; lz4 looks at the last 64 KiB alone. */
#define ZMRAM_DICT_MAX	SZ_1M

/* What was written, with strings that lie in the text written. */
struct zmram_params_args {
	s32 prio;
	s32 level;
	s32 winbits;
	const char *algo;
	const char *dict;
};

/* Stands in where none were given; not counted. */
static struct zmram_params zmram_no_params = {
	.level = ZMRAM_PARAM_UNSET,
	.winbits = ZMRAM_PARAM_UNSET,
};

/* Another reference to @params, or what stands for none when NULL. */
struct zmram_params *zmram_params_get(struct zmram_params *params)
{
	if (!params)
		return &zmram_no_params;
	refcount_inc(&params->refs);
	return params;
}

void zmram_params_put(struct zmram_params *params)
{
	if (!params || params == &zmram_no_params || !refcount_dec_and_test(&params->refs))
		return;
	vfree(params->dict);
	kfree(params);
}

static int zmram_params_read_dict(struct zmram_params *params, const char *path,
				  const char *disk)
{
	ssize_t size = kernel_read_file_from_path(path, 0, &params->dict, ZMRAM_DICT_MAX, NULL,
						  READING_POLICY);

	if (size < 0) {
		pr_err("%s: cannot read dictionary %s (%zd)\n", disk, path, size);
		return -EINVAL;
	}
	params->dict_size = size;
	return 0;
}

/* Reads a file, which may be on the device itself: with nothing locked. */
static struct zmram_params *zmram_params_create(const struct zmram_params_args *args,
						const char *disk)
{
	struct zmram_params *params = kzalloc(sizeof(*params), GFP_KERNEL);
	int ret;

	if (!params)
		return ERR_PTR(-ENOMEM);
	refcount_set(&params->refs, 1);
	params->level = args->level;
	params->winbits = args->winbits;
	ret = args->dict ? zmram_params_read_dict(params, args->dict, disk) : 0;
	if (!ret)
		return params;
	zmram_params_put(params);
	return ERR_PTR(ret);
}

static int zmram_params_parse(char *text, struct zmram_params_args *args)
{
	char *name, *value;
	int ret = 0;

	text = skip_spaces(text);
	while (*text && !ret) {
		text = next_arg(text, &name, &value);
		if (!value || !*value)
			ret = -EINVAL;
		else if (!strcmp(name, "priority"))
			ret = kstrtos32(value, 10, &args->prio);
		else if (!strcmp(name, "algo"))
			args->algo = value;
		else if (!strcmp(name, "level"))
			ret = kstrtos32(value, 10, &args->level);
		else if (!strcmp(name, "dict"))
			args->dict = value;
		else if (!strcmp(name, "deflate.winbits"))
			ret = kstrtos32(value, 10, &args->winbits);
		else
			ret = -EINVAL;
	}
	return ret;
}

/* The priority that is meant: that of an algorithm if one is named. */
static int zmram_params_prio(const struct zmram_dev *dev, const struct zmram_params_args *args)
{
	int prio;

	if (!args->algo)
		return args->prio >= 0 && args->prio < ZMRAM_MAX_COMPS ? args->prio : -EINVAL;
	for (prio = 0; prio < ZMRAM_MAX_COMPS; prio++) {
		if (dev->algorithm[prio] && !strcmp(dev->algorithm[prio]->name, args->algo))
			return prio;
	}
	return -EINVAL;
}

static int zmram_params_install(struct zmram_dev *dev, const struct zmram_params_args *args,
				struct zmram_params *params)
{
	int prio;

	lockdep_assert_held_write(&dev->init_lock);
	prio = zmram_params_prio(dev, args);
	if (prio < 0)
		return prio;
	zmram_params_put(dev->params[prio]);
	dev->params[prio] = params;
	return 0;
}

/* For a reset: back to what a device just added has. */
void zmram_params_forget(struct zmram_dev *dev)
{
	unsigned int prio;

	lockdep_assert_held_write(&dev->init_lock);
	for (prio = 0; prio < ZMRAM_MAX_COMPS; prio++) {
		zmram_params_put(dev->params[prio]);
		dev->params[prio] = NULL;
	}
}

static ssize_t algorithm_params_store(struct device *device, struct device_attribute *attr,
				      const char *buf, size_t len)
{
	struct zmram_dev *dev = to_zmram(device);
	struct zmram_params_args args = {
		.level = ZMRAM_PARAM_UNSET,
		.winbits = ZMRAM_PARAM_UNSET,
	};
	struct zmram_params *params;
	int ret;

	/* The buffer is this write's alone. */
	ret = zmram_params_parse((char *)buf, &args);
	if (ret)
		return ret;
	params = zmram_params_create(&args, dev->disk->disk_name);
	if (IS_ERR(params))
		return PTR_ERR(params);
	ret = zmram_lock_unsized(dev);
	if (!ret) {
		ret = zmram_params_install(dev, &args, params);
		up_write(&dev->init_lock);
	}
	if (!ret)
		return len;
	zmram_params_put(params);
	return ret;
}
DEVICE_ATTR_WO(algorithm_params);
