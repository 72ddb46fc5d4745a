#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# needs: mem=1G cpus=2 timeout=500 set=long
# fails-if: a page has other content after it was written back, read back, or
# fails-if: changed during that; a block is lost or used twice; a limit does not hold;
# fails-if: an errno or a format differs from zram's; a reset keeps the backing device;
# fails-if: a run that begins meanwhile, or a reader of backing_dev, meets what is gone.
#
# Writeback to a block device. (To a file: 74. To slow and failing devices: 75.)
. "$ZM_TOP/tests/lib.sh"
. "$ZM_TOP/tests/lib-device.sh"
. "$ZM_TOP/tests/lib-writeback.sh"

sys=/sys/block/zmram0

# store ATTRIBUTE VALUE WANTED
store()
{
	is "$(store_errno "$sys/$1" "$2")" "$3" "$1 <- '${2:0:40}' is $3"
}

bad_input_before_init()
{
	local bad

	is "$(cat $sys/backing_dev)" none "no backing device at first"
	is "$(cat $sys/bd_stat)" "       0        0        0" "bd_stat is three numbers, 8 wide"
	is "$(cat $sys/writeback_batch_size $sys/writeback_limit_enable $sys/writeback_limit \
		$sys/compressed_writeback | tr '\n' ' ')" "32 0 0 0 " "the defaults"
	store backing_dev /nonexistent ENOENT
	store backing_dev '' EISDIR
	store backing_dev /dev/null ENOTBLK
	store backing_dev /tmp EISDIR
	store backing_dev /dev/zmram0 EINVAL
	for bad in '' x -1 1x; do
		store writeback_limit "$bad" EINVAL
		store writeback_limit_enable "$bad" EINVAL
	done
	for bad in '' 0 x -1 4294967296; do
		store writeback_batch_size "$bad" EINVAL
	done
	for bad in '' x 2; do
		store compressed_writeback "$bad" EINVAL
	done
	store writeback huge EINVAL
	is "$(cat $sys/backing_dev)" none "none of this set a backing device"
}

replace_backing()
{
	store backing_dev /dev/ram0 ok
	is "$(cat $sys/backing_dev)" /dev/ram0 "backing_dev shows it"
	nok wb_can_claim /dev/ram0 "it is opened exclusively"
	store backing_dev /dev/ram0 ok
	ln -s "$small" "$tap_scratch/link"
	store backing_dev "$tap_scratch/link" ok
	is "$(cat $sys/backing_dev)" "$small" "another one replaces it, links resolved"
	ok wb_can_claim /dev/ram0 "and the first one is free again"
	is "$(store_errno /sys/block/zmram1/backing_dev "$small")" EBUSY \
		"a second device cannot have the same"
	store reset 1 ok
	is "$(cat $sys/backing_dev)" none "a reset before disksize releases it"
	ok wb_can_claim "$small" "indeed"
}

bad_input_after_init()
{
	local bad

	zm_setup 0 64M
	store writeback huge ENODEV
	store backing_dev /dev/ram0 EBUSY
	store compressed_writeback 1 EBUSY
	wb_setup 0 64M /dev/ram0
	store backing_dev "$small" EBUSY
	for bad in '' foo type=foo type= HUGE 'huge huge' 'type=huge type=idle' \
		'huge page_index=1' page_index= page_index=x page_index=-1 page_index=1x \
		page_indexes=5 page_indexes=5- page_indexes=-5 page_indexes=5-3 \
		page_indexes=1-2-3 other=1 'page_index=1 other=1'; do
		store writeback "$bad" EINVAL
	done
	store writeback page_index=16384 ERANGE
	store writeback page_indexes=0-16384 ERANGE
	store writeback 'page_index=0 page_index=16384' ERANGE
	store writeback page_index=18446744073709551616 ERANGE
	store writeback page_index=16383 ok
	is "$(bd_stat 0 count)" 0 "an empty page is not written back"
}

modes()
{
	local size huge sum

	wb_setup 0 64M /dev/ram0
	zm_fill_sizes 0 1000
	wb_pages 0 1000 24 1
	sum=$(zm_checksum 0)
	size=$(mm_stat 0 compr_data_size)
	huge=$(mm_stat 0 huge_pages)
	store writeback page_index=1000 ok
	is "$(bd_stat 0 count)/$(bd_stat 0 writes)" 1/1 "one page"
	is $((size - $(mm_stat 0 compr_data_size))) 4096 "takes its memory from what is stored"
	is $((huge - $(mm_stat 0 huge_pages))) 1 "and is no huge page any more"
	is "$(mm_stat 0 orig_data_size)" 4194304 "but still stored"
	store writeback page_index=1000 ok
	is "$(bd_stat 0 writes)" 1 "a page is not written back twice"
	store writeback 'page_index=1003 page_index=1003 page_indexes=1001-1004 page_index=1009' ok
	is "$(bd_stat 0 count)/$(bd_stat 0 writes)" 6/6 "several, named twice, are written once"
	store writeback huge ok
	is "$(mm_stat 0 huge_pages)" 0 "huge: none is left"
	is "$(bd_stat 0 count)" "$huge" "and all are there"
	store writeback type=huge ok
	store writeback type=incompressible ok
	store writeback incompressible ok
	store writeback idle ok
	store writeback huge_idle ok
	is "$(bd_stat 0 count)" "$huge" "what is neither idle nor incompressible stays"
	is "$(wb_all 0)" ok "all of it"
	is "$(mm_stat 0 compr_data_size)" 0 "nothing but blocks is left"
	wait_until 5 eval '[[ $(mm_stat 0 mem_used_total) == 0 ]]'
	is "$(mm_stat 0 mem_used_total)" 0 "and no memory is used"
	is "$(bd_stat 0 reads)" 0 "nothing was read so far"
	is "$(zm_checksum 0)" "$sum" "read back, it is what it was"
	is "$(bd_stat 0 reads)" $((1024 - $(mm_stat 0 same_pages))) "and was counted"
	is "$(dd if=/dev/zmram0 bs=64k count=64 status=none | md5sum)" \
		"$(dd if=/dev/zmram0 bs=64k count=64 iflag=direct status=none | md5sum)" \
		"through the page cache as well"
	is "$(bd_stat 0 count)" $((1024 - $(mm_stat 0 same_pages))) "reading leaves it there"
}

idle()
{
	local sum

	[[ -e $sys/idle ]] || { skip "no idle"; return; }
	wb_setup 0 64M /dev/ram0
	wb_pages 0 0 20 3
	/usr/bin/python3 -c 'import os; d = open("/dev/zmram0", "r+b", 0); d.seek(20 * 4096)
for i in range(20): d.write(os.urandom(100) * 40 + bytes(96))'
	zm_flush 0
	sum=$(zm_checksum 0)
	store idle all ok
	wb_page_sum 0 3 2 >/dev/null
	wb_page_sum 0 20 5 >/dev/null
	store writeback huge_idle ok
	is "$(bd_stat 0 count)" 18 "huge_idle leaves huge pages that were read since, and small ones"
	store writeback idle ok
	is "$(bd_stat 0 count)" 33 "idle takes small ones as well"
	is "$(zm_checksum 0)" "$sum" "the data is as it was"
}

freeing()
{
	wb_setup 0 64M /dev/ram0
	wb_pages 0 0 200 5
	is "$(wb_all 0)/$(bd_stat 0 count)" ok/200 "200 pages are written back"
	wb_pages 0 0 50 6
	is "$(bd_stat 0 count)" 150 "overwriting 50 frees their blocks"
	dd if=/dev/zero of=/dev/zmram0 bs=4k seek=50 count=50 oflag=direct status=none
	is "$(bd_stat 0 count)" 100 "so does filling with zeroes"
	blkdiscard -f -o $((100 * 4096)) -l $((50 * 4096)) /dev/zmram0
	is "$(bd_stat 0 count)" 50 "and discard"
	is "$(wb_all 0)/$(bd_stat 0 count)" ok/100 "what was overwritten can go again"
	blkdiscard -f /dev/zmram0
	is "$(bd_stat 0 count)/$(mm_stat 0 orig_data_size)" 0/0 "nothing is left of it"
}

# Block 0 is not used, so 255 pages fit into 1 MiB.
full()
{
	local sum round

	wb_setup 0 64M "$small"
	wb_pages 0 0 300 7
	sum=$(zm_checksum 0)
	store writeback huge ENOSPC
	is "$(bd_stat 0 count)" 255 "a full backing device, to the last block"
	is "$(zm_checksum 0)" "$sum" "the data is as it was"
	is "$(mm_stat 0 huge_pages)" 45 "what found no place stays"
	is "$(dd if="$small" bs=4k count=1 status=none | tr -d '\0' | wc -c)" 0 "block 0 is not touched"
	for round in 1 2 3; do
		blkdiscard -f -o $((round * 20 * 4096)) -l $((10 * 4096)) /dev/zmram0
		wb_pages 0 $((round * 20)) 10 $((7 + round))
		sum=$(zm_checksum 0)
		store writeback huge ENOSPC
		is "$(bd_stat 0 count)" 255 "round $round: blocks that were freed are used again"
		is "$(zm_checksum 0)" "$sum" "round $round: the data is as it was"
	done
}

limit()
{
	local writes

	wb_setup 0 64M /dev/ram0
	wb_pages 0 0 100 11
	store writeback_limit_enable 1 ok
	store writeback huge EIO
	store writeback page_index=0 EIO
	is "$(bd_stat 0 writes)" 0 "a limit of 0 lets nothing out"
	store writeback_limit 10 ok
	store writeback huge EIO
	is "$(bd_stat 0 writes)/$(cat $sys/writeback_limit)" 10/0 "one of 10 lets 10 out, and is used up"
	store writeback_limit 18446744073709551615 ok
	store writeback_limit_enable 0 ok
	store writeback page_indexes=0-49 ok
	is "$(cat $sys/writeback_limit)" 18446744073709551615 "while off, it is not used up"
	store writeback_limit_enable 1 ok
	store writeback_limit 1000 ok
	writes=$(bd_stat 0 writes)
	store writeback huge ok
	num "$(bd_stat 0 writes)" -gt "$writes" "while on, pages go out"
	is "$(cat $sys/writeback_limit)" $((1000 - $(bd_stat 0 writes) + writes)) "and are counted"
	store reset 1 ok
	is "$(cat $sys/writeback_limit $sys/writeback_limit_enable | tr '\n' ' ')" "0 0 " \
		"a reset clears it"
}

writeback_loop()
{
	until [[ -e $tap_scratch/stop ]]; do
		echo huge
		echo page_indexes=0-8191
		echo page_indexes=0-511
	done | while read -r mode; do
		echo "$mode" >$sys/writeback
		[[ ! -e $sys/idle ]] || { echo all >$sys/idle; echo idle >$sys/writeback; }
	done
}

# race COMPRESSED ALIGN: verified I/O while pages go out all the time
race()
{
	local loop

	wb_setup 0 32M /dev/ram0 "$1"
	rm -f "$tap_scratch/stop"
	writeback_loop 2>/dev/null &
	loop=$!
	compact_loop_start 1
	windows_open 5 delay_writeback delay_readback
	ok "$zm_tools/diopattern" --dev /dev/zmram0 --seconds 8 --threads 3 --buf-align "$2" \
		"overwrites, discards and reads beside writeback (compressed $1)"
	windows_close delay_writeback delay_readback
	compact_loop_stop
	touch "$tap_scratch/stop"
	wait "$loop"
	diag "$(cat $sys/bd_stat)"
	num "$(bd_stat 0 writes)" -gt 1000 "much was written back"
	num "$(bd_stat 0 reads)" -gt 300 "and read"
	is "$(awk '{print $1+0 "/" $2+0}' $sys/io_stat)" 0/0 "no I/O failed"
	blkdiscard -f /dev/zmram0
	is "$(bd_stat 0 count)" 0 "no block is lost"
}

compressed()
{
	local sum

	wb_setup 0 64M /dev/ram0 1
	is "$(cat $sys/compressed_writeback)" 1 "compressed_writeback is on"
	/usr/bin/python3 -c 'import os; d = open("/dev/zmram0", "r+b", 0)
for i in range(200): n = 500 if i % 2 else 3400; d.write(os.urandom(n) + b"a" * (4096 - n))'
	zm_flush 0
	sum=$(zm_checksum 0)
	is "$(wb_all 0)/$(bd_stat 0 count)" ok/200 "a block for each page"
	is "$(dd if=/dev/ram0 bs=4k skip=1 count=200 iflag=direct status=none | /usr/bin/python3 -c '
import sys
print(sum(sys.stdin.buffer.read(4096)[1000:] == bytes(3096) for i in range(200)))')" 100 \
		"compressed, zeroes behind"
	is "$(zm_checksum 0)" "$sum" "read back, it is what it was"
}

# The backing device is one of ours, which has one, too.
stacked()
{
	local sum

	zm_dev_reset 0
	wb_setup 1 64M /dev/ram0
	wb_setup 0 64M /dev/zmram1
	wb_pages 0 0 500 13
	sum=$(zm_checksum 0)
	is "$(wb_all 0)/$(wb_all 1)" ok/ok "written back twice"
	is "$(bd_stat 0 count)/$(bd_stat 1 count)" 500/500 "through both"
	is "$(zm_checksum 0)" "$sum" "and read back"
	is "$(store_errno /sys/block/zmram1/reset 1)" EBUSY "the lower one is busy"
	zm_dev_reset 0
	is "$(store_errno /sys/block/zmram1/reset 1)" ok "until the upper one is reset"
}

begin_runs()
{
	until [[ -e $tap_scratch/stop ]]; do
		echo page_indexes=0-16383 >$sys/writeback && echo writeback
		echo page_indexes=0-4095 >$sys/writeback && echo writeback
		echo type=huge >$sys/recompress && echo recompress
		echo all >$sys/idle && echo idle
		echo idle >$sys/writeback && echo writeback
	done 2>/dev/null
}

# refill SIZE: a fresh device of that size, for runs of every kind
refill()
{
	zm_dev_reset 0 && echo /dev/ram0 >$sys/backing_dev &&
		echo "algo=zstd priority=1" >$sys/recomp_algorithm && echo "$1" >$sys/disksize &&
		dd if="$tap_scratch/noise" of=/dev/zmram0 bs=64k oflag=direct conv=notrunc status=none
}

run_kinds=(writeback recompress idle)

all_kinds()
{
	local kind

	for kind in "${run_kinds[@]}"; do
		grep -qs "$kind" "$tap_scratch/runs" || return
	done
}

# Runs begin all the time, on a device that is large and small in turn: their bounds are
# those of the size that it has.
resize_under_runs()
{
	local end=$((SECONDS + 5)) late=$((SECONDS + 60)) round=0 failed=0 sizes=(64M 16M) runs kind

	head -c 2M /dev/urandom >"$tap_scratch/noise"
	rm -f "$tap_scratch/stop"
	begin_runs >"$tap_scratch/runs" &
	runs=$!
	while ((SECONDS < end || round < 6)) || { ((SECONDS < late)) && ! all_kinds; }; do
		refill "${sizes[round++ % 2]}" || failed=$((failed + 1))
	done
	touch "$tap_scratch/stop"
	wait $runs
	is "$failed" 0 "reset and sized $round times while runs begin"
	for kind in "${run_kinds[@]}"; do
		num "$(grep -c "$kind" "$tap_scratch/runs")" -gt 0 "$kind came to its end meanwhile"
	done
	diag "$(sort "$tap_scratch/runs" | uniq -c | tr -s ' \n' ' ')"
	ok refill 64M "once more"
	is "$(wb_all 0)" ok "and written back"
	is "$(dd if=/dev/zmram0 bs=64k count=32 iflag=direct status=none | md5sum)" \
		"$(md5sum <"$tap_scratch/noise")" "read back, it is what it was"
}

# Says what else backing_dev shows but what it can be.
watch_backing()
{
	local shown

	until [[ -e $tap_scratch/stop ]]; do
		read -r shown <$sys/backing_dev
		case $shown in
		none | /dev/ram0 | "$small") ;;
		*) echo "$shown" ;;
		esac
	done
}

change_under_readers()
{
	local end=$((SECONDS + 3)) round=0 answers='' reader

	zm_dev_reset 0
	rm -f "$tap_scratch/stop"
	watch_backing >"$tap_scratch/shown" 2>&1 &
	reader=$!
	while ((SECONDS < end || round < 5)); do
		round=$((round + 1))
		answers+="$(store_errno $sys/backing_dev /dev/ram0) "
		answers+="$(store_errno $sys/backing_dev "$small") "
		answers+="$(store_errno $sys/reset 1) "
	done
	touch "$tap_scratch/stop"
	wait $reader
	is "${answers//ok /}" "" "set, replaced and reset while it is read"
	is "$(sort -u "$tap_scratch/shown")" "" "a reader sees one of them, or none"
}

zm_load num_devices=2
wb_ram_disks 1 64
# A second one, of 1 MiB.
modprobe loop
truncate -s 1M "$tap_scratch/disk"
small=$(losetup -f --show "$tap_scratch/disk")
at_exit losetup -d "$small"
bad_input_before_init
replace_backing
bad_input_after_init
modes
idle
freeing
full
limit
compressed
resize_under_runs
change_under_readers
race 0 512
race 1 4096
stacked
wb_setup 0 32M /dev/ram0
wb_pages 0 0 500 17
wb_all 0 >/dev/null
ok eval 'echo 1 >$sys/reset' "a reset of a device with pages on the backing device"
ok wb_can_claim /dev/ram0 "gives it back"
wb_setup 0 32M /dev/ram0
wb_pages 0 0 500 18
wb_all 0 >/dev/null
is "$(store_errno /sys/class/zmram-control/hot_remove 0)" ok "so does removing the device"
ok wb_can_claim /dev/ram0 "indeed"
cat /sys/class/zmram-control/hot_add >/dev/null
zm_setup 0 64M
zm_check_end 0
tap_done
