#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# needs: mem=1G,maxmem=3G cpus=2 timeout=300 set=callers monitor=1 qemu=-device virtio-balloon-pci,id=balloon0 -object memory-backend-ram,id=vmem0,size=512M -device virtio-mem-pci,id=vm0,memdev=vmem0,requested-size=0
# fails-if: the balloon's pages and the device's cannot be moved side by side, or
# fails-if: the device's data is damaged by that.
#
# A virtio balloon is blown up and let off while memory is compacted: two drivers
# have movable pages then, mixed.
. "$ZM_TOP/tests/lib.sh"
. "$ZM_TOP/tests/lib-device.sh"
. "$ZM_TOP/tests/lib-callers.sh"

mib=200

# Sets the guest's size in MiB and waits until the balloon has followed.
balloon()
{
	local want=$((size - ($1 << 8))) end=$((SECONDS + 30))

	qemu_say "balloon $1"
	until ((SECONDS >= end)); do
		(($(balloon_pages) < want - 2048 || $(balloon_pages) > want + 2048)) || return 0
		sleep 0.2
	done
	return 1
}

balloon_pages()
{
	echo $(($(vmstat_get balloon_inflate) - $(vmstat_get balloon_deflate)))
}

modprobe virtio_balloon || skip_all "this kernel has no balloon"
size=$((1 << 18))
zm_load
zm_setup 0 512M
callers_start
balloon_moved=$(vmstat_get balloon_migrate)
for round in 1 2; do
	ok zm_scatter 0 $mib "round $round: the device's pages lie scattered"
	compact_loop_start 0.1
	ok balloon $((620 + 20 * round)) "round $round: the balloon takes memory"
	ok "$zm_tools/devfill" --dev /dev/zmram0 --mib $mib --verify "round $round: the data is as it was"
	ok balloon 1000 "round $round: and gives it back"
	compact_loop_stop
done
num "$(moved_by compact_zone)" -gt 1000 "the device's pages were moved"
num $(($(vmstat_get balloon_migrate) - balloon_moved)) -gt 100 "and the balloon's"
diag "$(moved_by compact_zone) of the device, $(($(vmstat_get balloon_migrate) - balloon_moved)) of the balloon"
callers_stop
ok "$zm_tools/devfill" --dev /dev/zmram0 --mib $mib --verify "the data is as it was"
balloon 1024
zm_check_end 0
rmmod virtio_balloon
tap_done
