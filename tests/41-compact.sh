#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# needs: mem=1G cpus=2 timeout=300
# fails-if: compaction frees no pages, damages objects, or stops at a busy one.
#
# Object compaction: by hand, by the shrinker, and under I/O.
. "$ZM_TOP/tests/lib.sh"
. "$ZM_TOP/tests/lib-device.sh"

punch_holes()
{
	/usr/bin/python3 - <<'PYTHON'
import fcntl
import random
import struct

rng = random.Random(3)
with open("/dev/zmram0", "r+b", buffering=0) as disk:
    for page in range(4000):
        if rng.random() < 0.7:
            fcntl.ioctl(disk, 0x1277, struct.pack("QQ", page * 4096, 4096))
PYTHON
}

zm_load
zm_setup 0 64M
zm_fill_sizes 0 4000
punch_holes
sum=$(zm_checksum 0)
before=$(mm_stat 0 mem_used_total)
# Reclaim may have compacted some of it already; the rest is by hand.
ok eval 'echo 1 >/sys/block/zmram0/compact' "compact"
num "$(move_stat 0 objects_compacted)" -gt 100 "objects were moved together"
num "$(mm_stat 0 pages_compacted)" -gt 100 "pages were freed"
num "$(mm_stat 0 mem_used_total)" -le "$before" "less memory is in use"
is "$(zm_checksum 0)" "$sum" "the data is as it was"
slack=$(awk '$1 ~ /^[0-9]+$/ && $3 > 1 && $6 - $5 >= $3' /sys/kernel/debug/zmalloc/zmram0/classes)
is "$slack" "" "no class has a whole zspage to spare"

zm_fill_sizes 0 4000 4
punch_holes
sum=$(zm_checksum 0)
compacted=$(move_stat 0 pages_compacted)
echo 2 >/proc/sys/vm/drop_caches
num "$(move_stat 0 pages_compacted)" -gt "$compacted" "the shrinker compacts, too"
is "$(zm_checksum 0)" "$sum" "and leaves the data as it was"

(while [[ ! -e $tap_scratch/stop ]]; do echo 1 >/sys/block/zmram0/compact; done) &
by_hand=$!
compact_loop_start
ok "$zm_tools/diopattern" --dev /dev/zmram0 --size-mib 16 --threads 2 --seconds 30 \
	"I/O, verified, under both kinds of compaction"
touch "$tap_scratch/stop"
wait $by_hand
compact_loop_stop
diag "$(tr '\n' ' ' </sys/block/zmram0/move_stat)"
zm_check_end 0
tap_done
