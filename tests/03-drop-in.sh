#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# needs: mem=1G cpus=1 timeout=200
# fails-if: drop_in=1 gives other names than zram's, or fights with in-tree zram.
#
# Taking zram's names.
. "$ZM_TOP/tests/lib.sh"
. "$ZM_TOP/tests/lib-device.sh"

modprobe zram || skip_all "this kernel has no in-tree zram"
dmesg_mark
nok zm_load drop_in=1 "refused while in-tree zram is loaded"
like "$(dmesg_since_mark)" "rmmod zram" "with a message that says what to do"
ok dmesg_clean_since_mark "and without a warning from sysfs"
is "$(insmod "$ZM_BUILD/zmram.ko" drop_in=1 2>&1 | grep -c 'busy')" 1 "the error is EBUSY"
ok insmod "$ZM_BUILD/zmram.ko" "the own names are free meanwhile"
ok test -b /dev/zmram0 -a -b /dev/zram0 "both drivers have a device"
rmmod zmram
rmmod zram

ok zm_load drop_in=1 num_devices=2 "accepted when they are free"
ok test -b /dev/zram0 -a -b /dev/zram1 "/dev/zram0 and /dev/zram1"
ok test -e /sys/class/zram-control/hot_add "/sys/class/zram-control"
nok test -e /sys/class/zmram-control "and no class of the own name"
is "$(zramctl --find --size 64M --algorithm lz4)" /dev/zram0 "zramctl --find sets up a device"
is "$(zramctl --noheadings --raw --bytes --output NAME,DISKSIZE,ALGORITHM /dev/zram0)" \
	"/dev/zram0 67108864 lz4" "zramctl lists it"
ok mkswap /dev/zram0 "mkswap"
ok swapon /dev/zram0 "swapon"
ok swapoff /dev/zram0 "swapoff"
ok zramctl --reset /dev/zram0 "zramctl --reset"
like "$(cat /sys/class/zram-control/hot_add)" '^[0-9]+$' "hot_add"
ok zm_unload "unload"
ok modprobe zram "in-tree zram can be loaded again"
tap_done
