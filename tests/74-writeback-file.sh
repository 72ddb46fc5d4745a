#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# needs: mem=1G cpus=2 timeout=500 set=long
# allows: has no direct I/O
# fails-if: a page has other content after writeback to a file; a file that is in use,
# fails-if: or cannot be used, is taken; a reset keeps it.
#
# Writeback to a regular file, of a file system on a RAM disk.
. "$ZM_TOP/tests/lib.sh"
. "$ZM_TOP/tests/lib-device.sh"
. "$ZM_TOP/tests/lib-writeback.sh"

sys=/sys/block/zmram0
mnt=$tap_scratch/mnt

store()
{
	is "$(store_errno "$sys/$1" "$2")" "$3" "$1 <- '${2:0:40}' is $3"
}

# mount_overlay DIR: on $tap_scratch/merged, all of its layers in DIR
mount_overlay()
{
	mkdir -p "$1/lower" "$1/upper" "$1/work" "$tap_scratch/merged"
	ok mount -t overlay -o "lowerdir=$1/lower,upperdir=$1/upper,workdir=$1/work" \
		overlay "$tap_scratch/merged" "an overlay"
}

# From 6.12 on such a file can be opened for direct I/O.
file_in_memory()
{
	mkdir "$tap_scratch/memory"
	mount -t tmpfs none "$tap_scratch/memory"
	fallocate -l 2M "$tap_scratch/memory/file"
	store backing_dev "$tap_scratch/memory/file" EINVAL
	is "$(cat $sys/backing_dev)" none "a file in memory is not taken"
	mount_overlay "$tap_scratch/memory"
	fallocate -l 2M "$tap_scratch/merged/file"
	store backing_dev "$tap_scratch/merged/file" EINVAL
	ok umount "$tap_scratch/merged" "nor with an overlay above"
	ok umount "$tap_scratch/memory" "nor kept open"
}

# What a file of an overlay is, its upper layer says.
file_of_overlay()
{
	local sum

	mount_overlay "$mnt"
	fallocate -l 8M "$tap_scratch/merged/file"
	wb_setup 0 8M "$tap_scratch/merged/file"
	wb_pages 0 0 512 5
	sum=$(zm_checksum 0)
	is "$(wb_all 0)" ok "a file of an overlay takes what is written back"
	is "$(zm_checksum 0)" "$sum" "and gives it back"
	is "$(store_errno /sys/block/zmram1/backing_dev "$mnt/upper/file")" EBUSY \
		"a second device cannot have what is beneath"
	store reset 1 ok
	ok umount "$tap_scratch/merged" "the overlay is free after a reset"
	rm -r "$mnt/lower" "$mnt/upper" "$mnt/work"
}

choose()
{
	: >"$mnt/empty"
	mkswap -q "$mnt/swap" 2>/dev/null
	store backing_dev "$mnt/empty" EINVAL
	if swapon "$mnt/swap"; then
		store backing_dev "$mnt/swap" EBUSY
		swapoff "$mnt/swap"
	else
		skip "no swap file"
	fi
	store backing_dev "$mnt/file" ok
	is "$(cat $sys/backing_dev)" "$mnt/file" "backing_dev shows it"
	is "$(store_errno /sys/block/zmram1/backing_dev "$mnt/file")" EBUSY \
		"a second device cannot have the same"
	store backing_dev "$mnt/file" ok
	nok umount "$mnt" "the file system is busy"
	store reset 1 ok
	ok umount "$mnt" "and free after a reset"
	ok mount /dev/ram0 "$mnt" "mount it again"
}

# round COMPRESSED
round()
{
	local sum

	wb_setup 0 64M "$mnt/file" "$1"
	zm_fill_sizes 0 1000
	sum=$(zm_checksum 0)
	is "$(wb_all 0)" ok "all goes to the file (compressed $1)"
	is "$(mm_stat 0 compr_data_size)" 0 "nothing stays in memory"
	is "$(zm_checksum 0)" "$sum" "read back, it is what it was"
	wb_pages 0 0 500 2
	num "$(bd_stat 0 count)" -le 500 "overwriting frees blocks"
	sum=$(zm_checksum 0)
	is "$(wb_all 0)" ok "and again"
	echo 3 >/proc/sys/vm/drop_caches
	is "$(zm_checksum 0)" "$sum" "the data is as it was"
}

writeback_loop()
{
	until [[ -e $tap_scratch/stop ]]; do
		echo page_indexes=0-4095 >$sys/writeback
	done
}

race()
{
	wb_setup 0 16M "$mnt/file"
	writeback_loop 2>/dev/null &
	ok "$zm_tools/diopattern" --dev /dev/zmram0 --seconds 8 --threads 3 \
		"overwrites, discards and reads beside writeback"
	touch "$tap_scratch/stop"
	wait $!
	diag "$(cat $sys/bd_stat)"
	num "$(bd_stat 0 writes)" -gt 500 "much was written back"
	blkdiscard -f /dev/zmram0
	is "$(bd_stat 0 count)" 0 "no block is lost"
}

# The file has holes and its file system is full; then it is cut off.
damaged_file()
{
	local sum

	truncate -s 64M "$mnt/holes"
	wb_setup 0 64M "$mnt/holes"
	wb_pages 0 0 1024 3
	sum=$(zm_checksum 0)
	fallocate -l "$(($(stat -f -c '%a * %S' "$mnt") - 1048576))" "$mnt/ballast"
	is "$(wb_all 0)" ENOSPC "a file system that is full is an error"
	is "$(zm_checksum 0)" "$sum" "and the data is as it was"
	rm "$mnt/ballast"
	is "$(wb_all 0)" ok "with space, all goes"
	is "$(bd_stat 0 count)" 1024 "indeed"
	is "$(zm_checksum 0)" "$sum" "the data is as it was"
	truncate -s 0 "$mnt/holes"
	nok dd if=/dev/zmram0 of=/dev/null bs=4k count=1 iflag=direct "a file that was cut off gives errors"
}

zm_load num_devices=2
wb_ram_disks 1 160
ok mkfs.ext4 -q -m 0 -O ^has_journal /dev/ram0 "mkfs.ext4"
mkdir "$mnt"
ok mount /dev/ram0 "$mnt" "mount"
at_exit umount "$mnt"
fallocate -l 32M "$mnt/file"
dd if=/dev/zero of="$mnt/swap" bs=1M count=2 status=none
chmod 600 "$mnt/swap"
file_in_memory
file_of_overlay
choose
round 0
round 1
race
damaged_file
zm_setup 0 64M
ok umount "$mnt" "a reset gives the file back"
zm_check_end 0
tap_done
