#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# needs: mem=512M cpus=2 timeout=400 set=long
# allows: mem_limit reached|Write-error on swap-device|Buffer I/O error|I/O error, dev zmram0
# fails-if: swap on a device that has reached its mem_limit hangs, floods the log,
# fails-if: loses a page, or does not go on with the other area.
#
# A full swap device beside one with room.
. "$ZM_TOP/tests/lib.sh"
. "$ZM_TOP/tests/lib-device.sh"

limit=$((16 << 20))
# Swapped memory is scattered, and a UML process has only 65530 mappings.
[[ $ZM_ACCEL != uml ]] || skip_all "not enough mappings"

zm_load num_devices=2
# Pages that were refused stay in memory, with their place in this area: keep it small.
zm_setup 0 64M
zm_setup 1 1G
echo $limit >/sys/block/zmram0/mem_limit
for n in 0 1; do
	mkswap /dev/zmram$n >/dev/null
	swapon -p $((100 - n)) /dev/zmram$n
done
dmesg_mark
ok "$zm_tools/swapcheck" --mib 480 --threads 2 --seconds 15 --compressible 40 \
	"480 MiB of anonymous memory, verified, with the first area full"
num "$(awk '{print $2}' /sys/block/zmram0/io_stat)" -gt 0 "the first area has refused pages"
num "$(mm_stat 0 mem_used_max)" -le $limit "and kept to its limit"
num "$(mm_stat 1 orig_data_size)" -gt $((8 << 20)) "the second one has taken others"
is "$(awk '{print $2}' /sys/block/zmram1/io_stat)" 0 "and refused none"
like "$(dmesg_since_mark)" 'zmram0: mem_limit reached, write failed; raise' "the log says what to do"
num "$(dmesg_since_mark | grep -c 'mem_limit reached')" -le 100 "not without end"
ok timeout 60 swapoff /dev/zmram0 "the full area can be swapped off"
ok timeout 60 swapoff /dev/zmram1 "and so can the other one"
zm_dev_reset 1
zm_check_end 0
tap_done
