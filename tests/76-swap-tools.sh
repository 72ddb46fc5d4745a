#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# needs: mem=1G cpus=1 timeout=400
# fails-if: zram-tools, systemd-zram-generator or a udev rule fails, or sets up
# fails-if: something else than it is told to.
#
# What sets up swap on zram in distributions, unmodified, on zram.ko; and with the
# other name, as far as it can be told it, on zmram.ko.
. "$ZM_TOP/tests/lib.sh"
. "$ZM_TOP/tests/lib-device.sh"
. "$ZM_TOP/tests/lib-dropin.sh"

generator=/lib/systemd/system-generators/zram-generator

# swaps DEVICE: its size in KiB and priority
swaps()
{
	awk -v device="$1" '$1 == device { print $3, $5 }' /proc/swaps
}

# check_zramswap PROGRAM
check_zramswap()
{
	printf 'ALGO=zstd\nSIZE=48\nPRIORITY=42\n' >/etc/default/zramswap
	ok "$1" start "zramswap start"
	is "$(swaps "/dev/${zm_name}0")" "49148 42" "swap of that size and priority"
	like "$(cat "$(zm_sys 0)/comp_algorithm")" '\[zstd\]' "and that algorithm"
	like "$("$1" status 2>&1)" "/dev/${zm_name}0 zstd +48M" "zramswap status"
	ok "$1" restart "zramswap restart"
	is "$(swaps "/dev/${zm_name}0")" "49148 42" "the same again"
	ok "$1" stop "zramswap stop"
	is "$(swaps "/dev/${zm_name}0")" "" "no swap is left"
	nok test -e "/sys/module/$zm_name" "and no module"
}

# As systemd would: the generator at boot, and for each device its setup helper.
check_generator()
{
	local units=/tmp/units

	mkdir -p $units
	# The root may have been made for a container; the guest is none.
	rm -f /.dockerenv
	cat >/etc/systemd/zram-generator.conf <<-END
	[zram0]
	zram-size = 64
	compression-algorithm = zstd
	swap-priority = 77
	[zram1]
	zram-size = min(ram / 8, 96)
	mount-point = /run/compressed
	fs-type = ext4
	END
	ok $generator $units $units $units "the generator"
	is "$(ls -d /dev/zram?)" /dev/zram0$'\n'/dev/zram1 "loads zram and adds the devices"
	like "$(cat $units/dev-zram0.swap)" 'Priority=77' "a swap unit with the priority"
	like "$(cat $units/run-compressed.mount)" 'What=/dev/zram1' "a mount unit"
	ok $generator --setup-device zram0 "--setup-device of swap"
	is "$(cat /sys/block/zram0/disksize)" 67108864 "has the size"
	like "$(cat /sys/block/zram0/comp_algorithm)" '\[zstd\]' "and the algorithm"
	ok swapon -p 77 /dev/zram0 "and can be swapped on"
	ok $generator --setup-device zram1 "--setup-device of a file system"
	mkdir -p /run/compressed
	ok mount -t ext4 /dev/zram1 /run/compressed "which can be mounted"
	swapoff /dev/zram0
	umount /run/compressed
	ok $generator --reset-device zram0 "--reset-device"
	ok $generator --reset-device zram1 "--reset-device of the other one"
	is "$(cat /sys/block/zram?/initstate)" 0$'\n'0 "none has a size now"
	modprobe -r zram
}

udev_start()
{
	mkdir -p /run/udev /etc/udev/rules.d
	cat >/etc/udev/rules.d/99-compressed.rules <<-'END'
	KERNEL=="zram[0-9]*|zmram[0-9]*", SUBSYSTEM=="block", ACTION=="add", ATTR{comp_algorithm}="zstd", ATTR{mem_limit}="32M", ATTR{disksize}="40M", RUN+="/sbin/mkswap -L from-udev /dev/%k"
	END
	/lib/systemd/systemd-udevd --daemon
	at_exit udevadm control --exit
	ok wait_until 20 udevadm control --ping "udevd runs"
}

is_swap()
{
	udevadm settle
	[[ $(blkid -p -s LABEL -o value "/dev/$zm_name$1") == from-udev ]]
}

check_udev()
{
	local id

	ok modprobe "$zm_name" "modprobe $zm_name, with a rule for ADD"
	ok wait_until 30 is_swap 0 "the rule's program has run"
	is "$(cat "$(zm_sys 0)/disksize")" 41943040 "the rule has set the size"
	like "$(cat "$(zm_sys 0)/comp_algorithm")" '\[zstd\]' "and the algorithm before"
	is "$(mm_stat 0 mem_limit)" 33554432 "and mem_limit"
	id=$(cat "/sys/class/$zm_name-control/hot_add")
	ok wait_until 30 is_swap "$id" "the same for a device that is added later"
	is "$(cat "$(zm_sys "$id")/disksize")" 41943040 "with its size"
	udevadm settle
	ok modprobe -r "$zm_name" "no device is in use by then"
}

zm_install_tools || skip_all "no tools in the cache: run scripts/guest-tools"
zm_stage_modules
zm_install --drop-in >/dev/null
zm_name=zram
diag zram.ko
check_zramswap zramswap
check_generator
zm_name=zmram
diag zmram.ko
sed 's,/dev/zram0,/dev/zmram0,; s,modprobe\( -r\)\? zram,modprobe\1 zmram,; s,/sys/block/zram0,/sys/block/zmram0,' \
	/usr/sbin/zramswap >/tmp/zmramswap
chmod 755 /tmp/zmramswap
check_zramswap /tmp/zmramswap
udev_start
check_udev
zm_name=zram
check_udev
tap_done
