#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# needs: mem=1G cpus=2 timeout=300
# fails-if: compaction frees no pages, damages objects, stops at a busy one, or counts
# fails-if: what it frees wrongly.
#
# Object compaction: by hand, by the shrinker, and by both at once under I/O.
. "$ZM_TOP/tests/lib.sh"
. "$ZM_TOP/tests/lib-device.sh"

events=/sys/kernel/tracing/events/zmalloc

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

# trace_start, trace_stop: on kernels that can, zspages are counted by class, as they are
# made and as compaction empties them. Meanwhile the module cannot go.
made='hist:keys=size,pages'
emptied='hist:keys=size if left == 0'
trace_start()
{
	[[ -e $events/zmalloc_compact/hist ]] || return 0
	echo "$made" >$events/zmalloc_zspage_alloc/trigger
	echo "$emptied" >$events/zmalloc_compact/trigger
	at_exit trace_stop
}

trace_stop()
{
	[[ -e $events/zmalloc_compact/hist ]] || return 0
	echo "!$made" >$events/zmalloc_zspage_alloc/trigger
	echo "!$emptied" >$events/zmalloc_compact/trigger
} 2>/dev/null

# Pages of the zspages that were emptied.
pages_emptied()
{
	awk '
	/^\{/ { gsub(/[{}:,]/, " ") }
	$1 == "size" && $3 == "pages" { pages[$2] = $4 }
	$1 == "size" && $3 == "hitcount" { sum += pages[$2] * $4 }
	END { print sum + 0 }' $events/zmalloc_zspage_alloc/hist $events/zmalloc_compact/hist
}

# until_stopped PAUSE COMMAND...
until_stopped()
{
	until [[ -e $tap_scratch/stop ]]; do
		"${@:2}"
		sleep "$1"
	done
}

# Says so if the count of pages has gone back.
watch_count()
{
	local now

	now=$(move_stat 0 pages_compacted)
	((now >= last)) || echo "$last, then $now"
	last=$now
}

zm_load
zm_setup 0 64M
trace_start
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
loops=($!)
until_stopped 0.5 eval 'echo 2 >/proc/sys/vm/drop_caches' &
loops+=($!)
last=0
until_stopped 0.2 watch_count >"$tap_scratch/backwards" &
loops+=($!)
compact_loop_start
ok "$zm_tools/diopattern" --dev /dev/zmram0 --size-mib 16 --threads 2 --seconds 30 \
	"I/O, verified, under both kinds of compaction"
touch "$tap_scratch/stop"
wait "${loops[@]}"
compact_loop_stop
is "$(<"$tap_scratch/backwards")" "" "the count of pages freed never went back"
if [[ -e $events/zmalloc_compact/hist ]]; then
	wait_until 10 eval '[[ $(move_stat 0 pages_compacted) == "$(pages_emptied)" ]]'
	is "$(move_stat 0 pages_compacted)" "$(pages_emptied)" "each was counted once, whoever freed it"
fi
trace_stop
diag "$(tr '\n' ' ' </sys/block/zmram0/move_stat)"
zm_check_end 0
tap_done
