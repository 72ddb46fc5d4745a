#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# needs: mem=512M cpus=2 timeout=400
# fails-if: a page comes back from swap with other content, swap slots are not
# fails-if: freed, or swap errors show in the log.
#
# Swap: more anonymous memory than RAM, pushed out and read back under
# compaction, every page verified.
. "$ZM_TOP/tests/lib.sh"
. "$ZM_TOP/tests/lib-device.sh"

# Half as much again as there is RAM. A kernel that checks everything takes a millisecond
# for each page, and much of the RAM for itself: so that it does not take an hour, some of
# that is set aside there.
slow=$(param slow 1)
mib=600
if ((slow > 1)); then
	mib=240
	spare=$(($(meminfo_get MemAvailable) / 1024 - mib * 2 / 3))
	echo $((spare > 0 ? spare / 2 : 0)) >/proc/sys/vm/nr_hugepages
	at_exit eval 'echo 0 >/proc/sys/vm/nr_hugepages'
fi
zm_load
zm_setup 0 1G
ok mkswap /dev/zmram0 "mkswap"
ok swapon -p 100 /dev/zmram0 "swapon"
nok zm_dev_reset 0 "a reset is refused while it is swapped on"
compact_loop_start $((slow / 2)).5
ok "$zm_tools/swapcheck" --mib $mib --threads 2 --seconds 20 --compressible 75 \
	"$mib MiB of anonymous memory in less RAM, verified"
nok "$zm_tools/swapcheck" --mib 64 --threads 2 --seconds 2 --plant-fault "the verifier sees a wrong bit"
compact_loop_stop
diag "$(tr '\n' ' ' </sys/block/zmram0/move_stat)"
num "$(move_stat 0 migrated)" -gt 1000 "pages moved meanwhile"
num "$(vmstat_get pswpout)" -gt $((mib * 256 / 3)) "pages were swapped out"
used=$(awk '/zmram0/ { print $4 }' /proc/swaps)
stored=$(($(mm_stat 0 orig_data_size) / 1024))
missed=$(($(sed -n 2p /sys/block/zmram0/debug_stat | awk '{print $2}') * 4))
diag "$used KiB of swap in use, $stored KiB stored, $missed KiB missed"
num $((stored - used - missed)) -lt 4096 "freed swap slots keep no data"
is "$(awk '{print $1+0 "/" $2+0}' /sys/block/zmram0/io_stat)" 0/0 "no I/O failed"
ok swapoff /dev/zmram0 "swapoff"
zm_check_end 0
tap_done
