#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# needs: mem=1G cpus=2 timeout=500
# fails-if: fio reads back other data than it wrote while pages move, or pages
# fails-if: do not move, or memory is not returned.
#
# Every job of fio-jobs/ on the device, verified, under continuous compaction.
. "$ZM_TOP/tests/lib.sh"
. "$ZM_TOP/tests/lib-device.sh"

export ZM_DEV=/dev/zmram0 ZM_SIZE=64m ZM_RUNTIME=8 ZM_DIR=/mnt

run_job()
{
	local moved vm_moved

	zm_setup 0 384M
	[[ $1 != buffered-ext4 ]] || { mkfs.ext4 -q /dev/zmram0 && mount /dev/zmram0 /mnt; }
	vm_moved=$(vmstat_get pgmigrate_success)
	churn_start
	compact_loop_start
	ok repeat_until 4 '(($(move_stat 0 migrated) > 200))' zm_fio "$1" "fio $1 verifies under compaction"
	compact_loop_stop
	churn_stop
	moved=$(move_stat 0 migrated)
	diag "$1: $moved pages of the device moved, $(move_stat 0 busy) busy"
	num "$moved" -gt 200 "$1: pages moved meanwhile"
	num "$(vmstat_get pgmigrate_success)" -ge $((vm_moved + moved)) "$1: the VM counts them too"
	if [[ $1 == buffered-ext4 ]]; then
		umount /mnt
		ok fsck.ext4 -fn /dev/zmram0 "the file system is clean"
	fi
	is "$(awk '{print $1+0 "/" $2+0}' /sys/block/zmram0/io_stat)" 0/0 "$1: no I/O failed"
	blkdiscard -f /dev/zmram0
	wait_until 10 eval '[[ $(mm_stat 0 mem_used_total) == 0 ]]'
	is "$(mm_stat 0 mem_used_total)" 0 "$1: all memory comes back"
}

zm_load
for job in seq-verify randmix-verify overwrite-compress trim-verify big-verify multi-job \
	buffered-ext4; do
	run_job $job
done
zm_check_end 0
tap_done
