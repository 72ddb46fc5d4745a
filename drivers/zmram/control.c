// SPDX-License-Identifier: GPL-2.0
/*
 * The set of devices, and the files that change it: hot_add and hot_remove in
 * /sys/class/zmram-control (zram-control for a drop-in).
 *
 * zmram_control_mutex covers the idr and serialises adding. It is not held while
 * a device goes, because that waits for whoever is inside one of its files, and he
 * may wait for anything. The number stays taken until the device is gone.
 */
#include <linux/idr.h>
#include <linux/namei.h>

#include <compat/class.h>

#include "zmram.h"

DEFINE_MUTEX(zmram_control_mutex);
static DEFINE_IDR(zmram_devices);	/* zmram_control_mutex; NULL: comes or goes */
static bool zmram_control_ready;	/* zmram_control_mutex */

/* Adds a device; returns its number or a negative errno. */
int zmram_control_add(void)
{
	struct zmram_dev *dev;
	int id, ret;

	mutex_lock(&zmram_control_mutex);
	/* The number is taken first; nobody finds a device by it until the end. */
	id = idr_alloc(&zmram_devices, NULL, 0, 0, GFP_KERNEL);
	ret = id;
	if (id >= 0) {
		dev = zmram_dev_create(id);
		if (IS_ERR(dev)) {
			idr_remove(&zmram_devices, id);
			ret = PTR_ERR(dev);
		} else {
			idr_replace(&zmram_devices, dev, id);
		}
	}
	mutex_unlock(&zmram_control_mutex);
	return ret;
}

static int zmram_control_remove(int id)
{
	struct zmram_dev *dev;
	int ret = -ENODEV;

	mutex_lock(&zmram_control_mutex);
	dev = idr_find(&zmram_devices, id);
	if (dev)
		idr_replace(&zmram_devices, NULL, id);
	mutex_unlock(&zmram_control_mutex);
	if (!dev)
		return ret;

	ret = zmram_dev_remove(dev);

	mutex_lock(&zmram_control_mutex);
	if (ret)
		idr_replace(&zmram_devices, dev, id);
	else
		idr_remove(&zmram_devices, id);
	mutex_unlock(&zmram_control_mutex);
	return ret;
}

/*
 * The module has its devices and will stay: hot_add may work from now on. Had it
 * before, a module that fails to load could leave a device behind.
 */
void zmram_control_open(void)
{
	mutex_lock(&zmram_control_mutex);
	zmram_control_ready = true;
	mutex_unlock(&zmram_control_mutex);
}

/* For module exit, when no device can be open and none be added. */
void zmram_control_remove_all(void)
{
	struct zmram_dev *dev;
	int id;

	mutex_lock(&zmram_control_mutex);
	idr_for_each_entry(&zmram_devices, dev, id)
		WARN_ON_ONCE(zmram_dev_remove(dev));
	idr_destroy(&zmram_devices);
	mutex_unlock(&zmram_control_mutex);
}

static ssize_t hot_add_show(ZM_CLASS_SHOW_ARGS)
{
	bool ready;
	int id;

	mutex_lock(&zmram_control_mutex);
	ready = zmram_control_ready;
	mutex_unlock(&zmram_control_mutex);
	if (!ready)
		return -EBUSY;
	id = zmram_control_add();
	return id < 0 ? id : sysfs_emit(buf, "%d\n", id);
}

static struct class_attribute class_attr_hot_add = __ATTR(hot_add, 0400, hot_add_show, NULL);

static ssize_t hot_remove_store(ZM_CLASS_STORE_ARGS)
{
	int id, ret;

	ret = kstrtoint(buf, 10, &id);
	if (ret)
		return ret;
	if (id < 0)
		return -EINVAL;
	ret = zmram_control_remove(id);
	return ret ? ret : len;
}

static CLASS_ATTR_WO(hot_remove);

static struct attribute *zmram_control_attrs[] = {
	&class_attr_hot_add.attr,
	&class_attr_hot_remove.attr,
	&class_attr_features.attr,
	NULL,
};
ATTRIBUTE_GROUPS(zmram_control);

static struct class zmram_control_class = {
	.name = "zmram-control",
	ZM_CLASS_OWNER
	.class_groups = zmram_control_groups,
};

bool zmram_path_exists(const char *path)
{
	struct path found;

	if (kern_path(path, 0, &found))
		return false;
	path_put(&found);
	return true;
}

int zmram_control_register(void)
{
	int ret;

	if (zmram_drop_in) {
		zmram_control_class.name = "zram-control";
		/* Registering it would fail too, but with a warning and a stack trace. */
		if (zmram_path_exists("/sys/class/zram-control")) {
			pr_err("another driver has zram's names; run 'rmmod zram' first\n");
			return -EBUSY;
		}
	}
	ret = class_register(&zmram_control_class);
	if (ret)
		pr_err("cannot register class %s (%d)\n", zmram_control_class.name, ret);
	return ret == -EEXIST ? -EBUSY : ret;
}

void zmram_control_unregister(void)
{
	class_unregister(&zmram_control_class);
}
