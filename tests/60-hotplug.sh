#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# needs: mem=1G cpus=2 timeout=400
# fails-if: adding, removing, sizing, resetting and opening devices at the same
# fails-if: time crashes, hangs, leaks, or lets a device in use go; or a device whose
# fails-if: pages are being moved cannot be reset and removed.
#
# Devices come, go and are reset under the hands of others, and of compaction.
. "$ZM_TOP/tests/lib.sh"
. "$ZM_TOP/tests/lib-device.sh"

control=/sys/class/zmram-control

forever()
{
	until [[ -e $tap_scratch/stop ]]; do
		"$@"
	done >/dev/null 2>&1
}

add_and_remove()
{
	local id

	id=$(cat $control/hot_add) && echo 32M >"/sys/block/zmram$id/disksize"
	"$zm_tools/devfill" --dev "/dev/zmram$id" --mib 2
	echo "$id" >$control/hot_remove
}

# Sizes what others have added and not sized yet, or not any more, because it goes: the
# last look at what there is to free has to come when this cannot happen any more.
size_others()
{
	local file size

	for file in /sys/block/zmram[1-9]*/disksize; do
		read -r size <"$file" && [[ $size == 0 ]] && echo 16M >"$file"
	done
}

# A pool goes as soon as one of its pages has moved, while others are about to. How many
# had is noted before, because the count goes with it.
reset_while_moved()
{
	local id moved

	id=$(cat $control/hot_add) && echo 32M >"/sys/block/zmram$id/disksize"
	"$zm_tools/devfill" --dev "/dev/zmram$id" --mib 4
	wait_until $((3 * $(param slow 1))) eval '[[ $(move_stat $id migrated) != 0 ]]'
	moved=$(move_stat "$id" migrated)
	echo 1 >"/sys/block/zmram$id/reset" && echo "$moved" >>"$tap_scratch/moved"
	echo "$id" >$control/hot_remove
}

# Two of these compete.
size_and_reset()
{
	echo 1 >/sys/block/zmram0/reset
	echo $((RANDOM % 64 + 1))M >/sys/block/zmram0/disksize
}

open_and_close()
{
	dd if=/dev/urandom of=/dev/zmram0 bs=64k count=4 oflag=direct conv=notrunc,nocreat
}

read_all()
{
	cat /sys/block/zmram*/* /sys/kernel/debug/{zmalloc,zmram}/*/*
}

change_settings()
{
	echo $((RANDOM % 8))M >/sys/block/zmram0/mem_limit
	echo lz4 >/sys/block/zmram0/comp_algorithm
	echo 1 >/sys/block/zmram0/compact
	echo 0 >/sys/block/zmram0/mem_used_max
}

ids()
{
	for _ in 1 2 3; do
		cat $control/hot_add
	done | tr '\n' ' '
}

zm_load
zm_setup 0 32M
is "$(ids)" "1 2 3 " "hot_add counts up"
exec 9<>/dev/zmram2
is "$(store_errno $control/hot_remove 2)" EBUSY "an open device cannot be removed"
exec 9<&-
is "$(store_errno $control/hot_remove 2)" ok "but when it is closed"
is "$(store_errno $control/hot_remove 2)" ENODEV "and not twice"
is "$(cat $control/hot_add)" 2 "its number is given out again"
for id in 1 2 3; do
	echo $id >$control/hot_remove
done
exec 9<>/dev/zmram0
is "$(store_errno /sys/block/zmram0/reset 1)" EBUSY "an open device cannot be reset"
exec 9<&-
is "$(store_errno /sys/block/zmram0/reset 1)" ok "but when it is closed"

dmesg_mark
pids=()
: >"$tap_scratch/moved"
for what in add_and_remove size_and_reset open_and_close open_and_close read_all change_settings \
	add_and_remove size_and_reset size_others reset_while_moved; do
	forever $what &
	pids+=($!)
done
churn_start
compact_loop_start 0.2
windows_open 100 delay_remove
sleep 40
# Longer where compaction finds little to do.
wait_until 80 grep -q '[1-9]' "$tap_scratch/moved"
touch "$tap_scratch/stop"
ok wait_until $((60 * $(param slow 1))) eval '! kill -0 '"${pids[*]}"' 2>/dev/null' "everybody stops when told to"
wait "${pids[@]}"
compact_loop_stop
churn_stop
windows_close delay_remove
ok dmesg_clean_since_mark "40 seconds of that and the kernel is content"
diag "$(grep -c '[1-9]' "$tap_scratch/moved") pools went while their pages were being moved"
num "$(awk '{ sum += $1 } END { print sum + 0 }' "$tap_scratch/moved")" -gt 0 \
	"pages of pools that went had moved"
for id in /sys/block/zmram[1-9]*; do
	[[ ! -e $id ]] || echo "${id##*/zmram}" >$control/hot_remove
done
zm_setup 0 32M
ok "$zm_tools/devfill" --dev /dev/zmram0 --mib 16 "the device still works"
ok "$zm_tools/devfill" --dev /dev/zmram0 --mib 16 --verify "and gives back its data"
zm_check_end 0
tap_done
