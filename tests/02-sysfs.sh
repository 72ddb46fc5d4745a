#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# needs: mem=1G cpus=1 timeout=300
# fails-if: an attribute's format or errno differs from zram's, or a refused
# fails-if: write changes something; or a file cannot be read after a reset.
#
# Formats of all attributes, and every bad input.
. "$ZM_TOP/tests/lib.sh"
. "$ZM_TOP/tests/lib-device.sh"

sys=/sys/block/zmram0
control=/sys/class/zmram-control

# store ATTRIBUTE VALUE WANTED
store()
{
	is "$(store_errno "$sys/$1" "$2")" "$3" "$1 <- '${2:0:40}' is $3"
}

# One write(2) of exactly these bytes, no newline added.
store_raw()
{
	is "$({ printf '%b' "$2" >"$sys/$1"; } 2>&1 | sed 's/.*: //')" "$3" "$1 <- raw '$2'"
}

check_formats()
{
	like "$(cat $sys/mm_stat)" '^( *[0-9]+ ){8} *[0-9]+$' "mm_stat has nine columns"
	is "$(awk '{print NF}' $sys/io_stat)" 4 "io_stat has four columns"
	is "$(wc -c <$sys/io_stat)" 36 "io_stat columns are eight wide"
	is "$(cut -c1-8 $sys/mm_stat | wc -c)" 9 "mm_stat columns are eight wide"
	like "$(head -n 1 $sys/debug_stat)" '^version: 1$' "debug_stat has a version"
	is "$(sed -n 2p $sys/debug_stat | awk '{print NF}')" 2 "debug_stat has two values"
	like "$(cat $sys/comp_algorithm)" '^\[lz4\] ([a-z0-9-]+ )*$' "comp_algorithm marks the current one"
	is "$(cat $sys/max_comp_streams)" "$(nproc)" "max_comp_streams counts CPUs"
	is "$(awk 'NF != 2 || $2 !~ /^[0-9]+$/' $sys/move_stat)" "" "move_stat is names and numbers"
	for name in isolated migrated busy putback released_isolated handles_rewritten \
		objects_compacted; do
		like "$(cat $sys/move_stat)" "(^|"$'\n'")$name [0-9]" "move_stat has $name"
	done
}

check_modes()
{
	is "$(stat -c %a $sys/{disksize,initstate,reset,comp_algorithm,mem_limit,mem_used_max,compact,mm_stat,io_stat,debug_stat,move_stat} | tr '\n' ' ')" \
		"644 444 200 644 200 200 200 444 444 444 444 " "modes are zram's"
	is "$(stat -c %a $control/hot_add $control/hot_remove | tr '\n' ' ')" "400 200 " \
		"modes of the control files"
}

bad_input_before_init()
{
	for bad in '' 0 -1 foo ' ' K; do
		store disksize "$bad" EINVAL
	done
	store disksize 18446744073709551615 EINVAL
	store disksize 16E EINVAL
	store disksize 15E ENOMEM
	store compact 1 EINVAL
	for bad in '' lz5 LZ4 'lz4 zstd' ' lz4'; do
		store comp_algorithm "$bad" EINVAL
	done
	store comp_algorithm "$(printf 'x%.0s' {1..200})" E2BIG
	for bad in '' foo -1; do
		store reset "$bad" EINVAL
	done
	store reset 65536 ERANGE
	store reset 0 EINVAL
	for bad in '' foo; do
		store mem_limit "$bad" EINVAL
	done
	for bad in '' 1 foo -1; do
		store mem_used_max "$bad" EINVAL
	done
	for bad in '' foo -1 1x; do
		is "$(store_errno $control/hot_remove "$bad")" EINVAL "hot_remove <- '$bad'"
	done
	is "$(store_errno $control/hot_remove 4711)" ENODEV "hot_remove of no device"
	is "$(store_errno $control/hot_remove 99999999999)" ERANGE "hot_remove out of range"
	is "$(cat $sys/initstate)/$(cat $sys/disksize)" 0/0 "none of this sized the device"
}

good_input()
{
	store comp_algorithm lz4 ok
	store_raw comp_algorithm lz4 ""
	store mem_used_max 0 ok
	store mem_limit 1G ok
	is "$(mm_stat 0 mem_limit)" 1073741824 "a limit set before the size is shown"
	store mem_limit 5000 ok
	is "$(mm_stat 0 mem_limit)" 8192 "a limit is rounded up to pages"
	store mem_limit 0 ok
	store disksize 64M ok
	is "$(cat $sys/disksize)" 67108864 "disksize is shown in bytes"
	is "$(cat $sys/initstate)" 1 "initstate says so"
	is "$(blockdev --getsize64 /dev/zmram0)" 67108864 "the disk has that size"
	is "$(cat /sys/block/zmram0/queue/logical_block_size)" 4096 "logical block"
	is "$(cat /sys/block/zmram0/queue/rotational)" 0 "not rotational"
	is "$(cat /sys/block/zmram0/queue/stable_writes)" 1 "stable writes"
	num "$(cat /sys/block/zmram0/queue/discard_max_bytes)" -gt 0 "discard is offered"
	num "$(cat /sys/block/zmram0/queue/write_zeroes_max_bytes)" -gt 0 "write-zeroes is offered"
}

bad_input_after_init()
{
	zm_fill_sizes 0 256
	sum=$(zm_checksum 0)
	store disksize 128M EBUSY
	store comp_algorithm lz4 EBUSY
	store comp_algorithm nonsense EINVAL
	exec 9<"/dev/zmram0"
	store reset 1 EBUSY
	is "$(store_errno $control/hot_remove 0)" EBUSY "hot_remove while open"
	exec 9<&-
	store reset 0 EINVAL
	store compact whatever ok
	store max_comp_streams 3 ok
	for attribute in mm_stat io_stat debug_stat move_stat initstate; do
		isnt "$(store_errno $sys/$attribute 1)" ok "$attribute is read-only"
	done
	is "$(zm_checksum 0)" "$sum" "the data is as it was"
	is "$(cat $sys/disksize)" 67108864 "and so is the size"
}

stat_values()
{
	zm_setup 0 64M
	/usr/bin/python3 -c 'import os; d=open("/dev/zmram0","r+b",0)
d.write(bytes(4096)); d.write(b"AB"*2048); d.write(os.urandom(4096)); d.write(os.urandom(64)+bytes(4032))'
	zm_flush 0
	is "$(mm_stat 0 orig_data_size)" 16384 "four pages are stored"
	is "$(mm_stat 0 same_pages)" 2 "two of them same-filled"
	is "$(mm_stat 0 huge_pages)/$(mm_stat 0 huge_pages_since)" 1/1 "one raw"
	num "$(mm_stat 0 compr_data_size)" -gt 4096 "compressed size has raw and small"
	num "$(mm_stat 0 compr_data_size)" -lt 4300 "compressed size has no more"
	num "$(mm_stat 0 mem_used_total)" -ge 8192 "pages are in use"
	is "$(mm_stat 0 mem_used_total)" "$(mm_stat 0 mem_used_max)" "the peak is what is used"
	blkdiscard -f /dev/zmram0
	is "$(mm_stat 0 orig_data_size)" 0 "discard empties it"
	num "$(mm_stat 0 mem_used_max)" -gt 0 "the peak stays"
	store mem_used_max 0 ok
	is "$(mm_stat 0 mem_used_max)" 0 "and starts again on request"
	is "$(awk '{print $1+0 "/" $2+0 "/" $3+0}' $sys/io_stat)" 0/0/0 "no failed I/O was counted"
	num "$(awk '{print $4}' $sys/io_stat)" -eq 16384 "each discarded page was counted"
	store reset 1 ok
	is "$(cat $sys/mm_stat | tr -s ' ')" " 0 0 0 0 0 0 0 0 0" "reset clears statistics"
	is "$(cat $sys/initstate)" 0 "and the size"
}

# What a file shows may be gone with the reset, twice at most.
read_after_reset()
{
	local files

	zm_dev_reset 0
	echo "algo=zstd priority=1" >$sys/recomp_algorithm
	echo 64M >$sys/disksize
	zm_fill_sizes 0 16
	store reset 1 ok
	store reset 1 ok
	mapfile -t files < <(find $sys/ -maxdepth 1 -type f -perm -u+r)
	num "${#files[@]}" -gt 15 "files to read after two resets"
	ok cat "${files[@]}" "each of them can be read"
	like "$(cat $sys/comp_algorithm)" '\[lz4\]' "the algorithm is the default"
	is "$(cat $sys/recomp_algorithm)" "" "and no other is left"
}

zm_load
check_formats
check_modes
bad_input_before_init
good_input
bad_input_after_init
stat_values
read_after_reset
zm_setup 0 64M
zm_check_end 0
tap_done
