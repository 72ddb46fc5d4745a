#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# needs: mem=1G cpus=2 timeout=200 set=callers
# fails-if: a processor that goes takes a compressor in use with it, or one that
# fails-if: comes has none.
#
# Processors come and go under I/O and compaction; the second one comes for the
# first time after the device got its size.
. "$ZM_TOP/tests/lib.sh"
. "$ZM_TOP/tests/lib-device.sh"

cpu=/sys/devices/system/cpu/cpu1/online
[[ -e $cpu ]] || skip_all "no processor can be taken offline"

come_and_go()
{
	until [[ -e $tap_scratch/stop ]]; do
		echo 1 >$cpu && echo up
		sleep 0.3
		echo 0 >$cpu && echo down
		sleep 0.3
	done >"$tap_scratch/changes"
}

zm_load
at_exit store_errno $cpu 1
echo 0 >$cpu
zm_setup 0 64M
is "$(cat /sys/block/zmram0/max_comp_streams)" 1 "the device gets its size with one processor"
come_and_go &
changes=$!
compact_loop_start 0.1
ok "$zm_tools/diopattern" --dev /dev/zmram0 --size-mib 8 --threads 3 --seconds 12 --shared \
	"three threads of I/O, verified"
compact_loop_stop
touch "$tap_scratch/stop"
wait $changes
echo 1 >$cpu
num "$(grep -c up "$tap_scratch/changes")" -ge 2 "a processor came and went"
diag "$(grep -c up "$tap_scratch/changes") times; $(move_stat 0 migrated) pages moved"
is "$(cat /sys/block/zmram0/max_comp_streams)" 2 "and is back"
num "$(move_stat 0 migrated)" -gt 50 "pages of the device moved meanwhile"
zm_check_end 0
tap_done
