// SPDX-License-Identifier: GPL-2.0
/*
 * Module parameters, loading and unloading. A map of the driver is in zmram.h.
 */
#include <linux/module.h>

#include "zmram.h"

static unsigned int num_devices = 1;
module_param(num_devices, uint, 0444);
MODULE_PARM_DESC(num_devices, "Devices to add at load (default 1)");

bool zmram_movable = true;
module_param_named(movable, zmram_movable, bool, 0444);
MODULE_PARM_DESC(movable, "Let the VM move the pages (default 1); 0 pins them, for comparison");

/* Kbuild makes two modules of this driver: zmram, and zram with zram's names. */
#ifdef ZMRAM_DROP_IN
bool zmram_drop_in = true;
#define ZMRAM_TWIN	"zmram"
#define ZMRAM_TWIN_FILE	"/sys/module/zmram"
#else
bool zmram_drop_in;
module_param_named(drop_in, zmram_drop_in, bool, 0444);
MODULE_PARM_DESC(drop_in, "Take zram's names: /dev/zramN, /sys/class/zram-control (default 0)");
#define ZMRAM_TWIN	"zram"
/* In-tree zram has no such parameter; beside that one we can live. */
#define ZMRAM_TWIN_FILE	"/sys/module/zram/parameters/movable"
#endif

int zmram_major;

/* For resets: they give memory back, so they must make progress when there is none. */
struct workqueue_struct *zmram_workqueue;

const char *zmram_disk_prefix(void)
{
	return zmram_drop_in ? "zram" : "zmram";
}

static void zmram_exit_devices(void)
{
	/* First, so that no device can be added any more. */
	zmram_control_unregister();
	zmram_control_remove_all();
	zmram_debugfs_destroy();
	unregister_blkdev(zmram_major, zmram_disk_prefix());
	destroy_workqueue(zmram_workqueue);
}

static int __init zmram_init(void)
{
	unsigned int i;
	int ret;

	if (zmram_path_exists(ZMRAM_TWIN_FILE)) {
		pr_err("this driver is loaded as %s already; run 'rmmod %s' first\n",
		       ZMRAM_TWIN, ZMRAM_TWIN);
		return -EBUSY;
	}
	zmram_workqueue = alloc_workqueue("zmram", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	if (!zmram_workqueue)
		return -ENOMEM;
	zmram_major = register_blkdev(0, zmram_disk_prefix());
	if (zmram_major < 0) {
		ret = zmram_major;
		goto destroy_workqueue;
	}
	ret = zmram_control_register();
	if (ret)
		goto unregister_blkdev;
	for (i = 0; i < num_devices; i++) {
		ret = zmram_control_add();
		if (ret < 0)
			break;
	}
	/* Devices that are there may be open already: the module has to stay. */
	if (i || ret >= 0) {
		if (ret < 0)
			pr_warn("only %u of %u devices added (%d); hot_add gives more\n",
				i, num_devices, ret);
		zmram_control_open();
		return 0;
	}
	zmram_control_unregister();
	zmram_debugfs_destroy();

unregister_blkdev:
	unregister_blkdev(zmram_major, zmram_disk_prefix());
destroy_workqueue:
	destroy_workqueue(zmram_workqueue);
	return ret;
}

static void __exit zmram_exit(void)
{
	zmram_exit_devices();
}

module_init(zmram_init);
module_exit(zmram_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Compressed RAM block device on movable pages");
