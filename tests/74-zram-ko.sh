#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# needs: mem=1G cpus=1 timeout=300
# fails-if: modprobe zram loads in-tree zram after make install DROP_IN=1, or ours
# fails-if: without it; uninstalling leaves something; or the module differs from
# fails-if: zram in what scripts look at.
#
# zram.ko, in the place of the in-tree module.
. "$ZM_TOP/tests/lib.sh"
. "$ZM_TOP/tests/lib-device.sh"
. "$ZM_TOP/tests/lib-dropin.sh"

which_zram()
{
	modinfo -F filename zram | sed "s,^$zm_modules/,,"
}

# The loaded module zram is ours: it has a file that in-tree zram has not.
is_ours()
{
	[[ -e /sys/block/zram0/move_stat ]]
}

check_install()
{
	local in_tree

	in_tree=$(which_zram)
	like "$in_tree" '^kernel/' "there is an in-tree zram"
	ok zm_install "install without DROP_IN"
	is "$(which_zram)" "$in_tree" "leaves zram as it is"
	ok modprobe zram "modprobe zram"
	nok is_ours "loads in-tree zram"
	ok insmod "$ZM_BUILD/zmalloc.ko" "zmalloc can be loaded beside it"
	like "$(insmod "$ZM_BUILD/zram.ko" 2>&1)" 'File exists' "but no second module zram"
	rmmod zram zmalloc

	ok zm_install --drop-in "install with DROP_IN"
	is "$(which_zram)" updates/zram.ko "zram is ours now"
	ok modprobe zram "modprobe zram"
	ok is_ours "loads it"
	ok modprobe -r zram "modprobe -r zram"
	nok test -e /sys/module/zmalloc "takes zmalloc with it"
	ok zm_install "install without DROP_IN again"
	is "$(which_zram)" "$in_tree" "zram is in-tree zram again"
	zm_install --drop-in >/dev/null
	ok zm_install --remove "uninstall"
	is "$(which_zram)" "$in_tree" "gives the in-tree one back"
	nok test -e "$zm_modules/updates" "and leaves nothing"
}

# Somebody else's module in that place is not ours to replace or to remove.
check_foreign()
{
	mkdir "$zm_modules/updates"
	cp "$ZM_BUILD/tests/modules/zm_mover.ko" "$zm_modules/updates/zram.ko"
	nok zm_install --drop-in "a foreign updates/zram.ko is not replaced"
	zm_install --remove >/dev/null
	ok test -e "$zm_modules/updates/zram.ko" "nor removed"
	rm -r "$zm_modules/updates"
}

check_surface()
{
	zm_install --drop-in >/dev/null
	ok modprobe zram num_devices=4 "modprobe zram num_devices=4"
	is "$(cat /sys/module/zram/parameters/num_devices)" 4 "/sys/module/zram has the parameter"
	is "$(echo /dev/zram?)" "/dev/zram0 /dev/zram1 /dev/zram2 /dev/zram3" "four devices"
	ok test -e /sys/class/zram-control/hot_remove "there is zram-control"
	nok test -e /sys/class/zmram-control "and there is no class of the own name"
	like "$(grep zram /proc/devices)" ' zram$' "the major number has zram's name"
	is "$(cat /sys/class/zram-control/hot_add)" 4 "hot_add"
	is "$(store_errno /sys/class/zram-control/hot_remove 4)" ok "hot_remove"
	zm_name=zram
	zm_setup 0 64M
	ok "$zm_tools/devfill" --dev /dev/zram0 --mib 16 "it stores data"
	ok "$zm_tools/devfill" --dev /dev/zram0 --mib 16 --verify "and gives it back"
	mkswap /dev/zram1 >/dev/null 2>&1
	exec 9<>/dev/zram0
	nok rmmod zram "rmmod is refused while a device is open"
	exec 9<&-
}

# refused FILE PARAMETER... DESC: with EBUSY, a hint and no stack trace
refused()
{
	dmesg_mark
	like "$(insmod "${@:1:$#-1}" 2>&1)" 'busy' "${!#}"
	like "$(dmesg_since_mark)" "rmmod $twin" "the log says what to do"
	ok dmesg_clean_since_mark "and has no warning"
}

check_twins()
{
	local twin=zram

	refused "$ZM_BUILD/zmram.ko" "zmram.ko is refused beside it"
	refused "$ZM_BUILD/zmram.ko" drop_in=1 "and with drop_in=1, too"
	ok rmmod zram "rmmod zram"
	twin=zmram
	for param in drop_in=0 drop_in=1; do
		insmod "$ZM_BUILD/zmram.ko" $param
		refused "$ZM_BUILD/zram.ko" "zram.ko is refused beside zmram.ko $param"
		rmmod zmram
	done
	ok insmod "$ZM_BUILD/zram.ko" "and accepted alone"
	rmmod zram zmalloc
}

zm_stage_modules
check_install
check_foreign
check_surface
check_twins
ok modprobe zram "and again, by name"
zm_name=zram
zm_setup 0 16M
ok "$zm_tools/devfill" --dev /dev/zram0 --mib 8 "fill a device"
rmmod zram
is "$(zm_nr_zspages)" 0 "rmmod zram frees all pages"
rmmod zmalloc
tap_done
