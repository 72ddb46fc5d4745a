#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# needs: mem=1G cpus=1 timeout=300
# fails-if: an option of zramctl does something else than with in-tree zram.
#
# Every option of util-linux's zramctl: on in-tree zram, which tells what is right;
# on zram.ko; and, without --find, which only knows zram's names, on zmram.ko.
. "$ZM_TOP/tests/lib.sh"
. "$ZM_TOP/tests/lib-device.sh"
. "$ZM_TOP/tests/lib-dropin.sh"

# zramctl's columns of a device, in bytes
columns()
{
	zramctl --noheadings --raw --bytes --output "$2" "/dev/$zm_name$1"
}

# Two same-filled pages, and 64 that do not compress: about the same everywhere.
put_data()
{
	{ head -c 8192 /dev/zero; head -c 256K /dev/urandom; } |
		dd of="/dev/$zm_name$1" bs=264K iflag=fullblock oflag=direct status=none
}

check_find()
{
	is "$(zramctl --find --size 64M --algorithm lz4 --streams 3)" /dev/zram0 "--find: the first"
	is "$(zramctl -f -s 33554433 -a zstd -t 1)" /dev/zram1 "-f: the next one, with short options"
	is "$(zramctl --find --size 16M)" /dev/zram2 "--find adds a device when all are taken"
	is "$(columns 1 DISKSIZE,ALGORITHM)" "33558528 zstd" "its size is rounded to pages"
	is "$(zramctl --noheadings --raw --output NAME | sort | tr '\n' ' ')" \
		"/dev/zram0 /dev/zram1 /dev/zram2 " "without a device it lists all that have a size"
	ok zramctl --reset /dev/zram1 /dev/zram2 "--reset takes several"
}

# The same, for names that --find does not look for.
check_named()
{
	ok zramctl --size 64M --algorithm lz4 --streams 3 /dev/zmram0 "--size, --algorithm, --streams"
	ok zramctl -s 33554433 -a zstd -t 1 /dev/zmram1 "short options"
	is "$(columns 1 DISKSIZE,ALGORITHM)" "33558528 zstd" "the size is rounded to pages"
	ok zramctl --reset /dev/zmram1 "--reset"
}

check_output()
{
	put_data 0
	is "$(columns 0 NAME,DISKSIZE,DATA,ALGORITHM,STREAMS,ZERO-PAGES)" \
		"/dev/${zm_name}0 67108864 270336 lz4 $(nproc) 2" "--output, --raw, --bytes, --noheadings"
	read -r compr total used migrated limit < <(columns 0 COMPR,TOTAL,MEM-USED,MIGRATED,MEM-LIMIT)
	num "$compr" -ge 262144 "COMPR has the data that does not compress"
	num "$total" -ge "$compr" "TOTAL is no less"
	is "$used" "$total" "MEM-USED is the peak"
	is "$migrated $limit" "0 0" "MIGRATED and MEM-LIMIT"
	echo 1M >"$(zm_sys 0)/mem_limit"
	is "$(columns 0 MEM-LIMIT)" 1048576 "MEM-LIMIT of 1M"
	is "$(zramctl --output-all --noheadings --raw "/dev/${zm_name}0" | wc -w)" 11 \
		"--output-all has a value in each column but MOUNTPOINT"
	is "$(zramctl --output DISKSIZE --noheadings --raw "/dev/${zm_name}0")" 64M "sizes for people"
	like "$(zramctl "/dev/${zm_name}0" | head -n 1)" '^NAME +ALGORITHM +DISKSIZE +DATA' "headings"
	mkswap "/dev/${zm_name}0" >/dev/null
	swapon "/dev/${zm_name}0"
	is "$(columns 0 MOUNTPOINT)" '[SWAP]' "MOUNTPOINT of swap"
	swapoff "/dev/${zm_name}0"
}

check_errors()
{
	exec 9<>"/dev/${zm_name}0"
	nok zramctl --size 1G "/dev/${zm_name}0" "--size is refused while it is open"
	nok zramctl --reset "/dev/${zm_name}0" "--reset is refused while it is open"
	exec 9<&-
	is "$(columns 0 DISKSIZE)" 67108864 "and changes nothing"
	nok zramctl --size 16M --algorithm nonsense "/dev/${zm_name}1" "an unknown algorithm is refused"
	ok zramctl --size 16M "/dev/${zm_name}0" "--size resets and sizes an idle device again"
	is "$(columns 0 DISKSIZE,DATA)" "16777216 0" "to be empty"
	ok zramctl --reset "/dev/${zm_name}0" "--reset"
	if [[ $zm_name == zram ]]; then
		nok test -e /dev/zram0 "which removes a device whose name it knows"
	else
		is "$(cat "$(zm_sys 0)/initstate")" 0 "which takes away the size"
	fi
}

# zm_check NAME COMMAND...: all of it, on the driver that COMMAND loads
check_driver()
{
	zm_name=$1
	diag "$2"
	ok modprobe "$zm_name" num_devices=2 "$2 loads"
	if [[ $zm_name == zram ]]; then
		check_find
	else
		check_named
	fi
	check_output
	check_errors
	ok modprobe -r "$zm_name" "it unloads"
}

zm_stage_modules
check_driver zram "in-tree zram"
zm_install --drop-in >/dev/null
check_driver zram zram.ko
check_driver zmram zmram.ko
tap_done
