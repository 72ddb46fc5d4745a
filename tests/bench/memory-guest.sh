#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The benchmark's memory lane, in two guests. "bytes": how much RAM is gone, whoever has
# taken it, for what a disk holds. The same is read for every peer: free memory before
# the disk has a size and later, and what the kernel's totals and the driver say that it
# is. "blocks": how many pageblocks hold what cannot move of the driver (unmovable.py).
#
# Environment: PART; PEERS, ALGORITHMS; DISK_MIB, of data; EMPTY_MIB of an empty disk.
. "$ZM_TOP/tests/bench/lib-guest.sh"

disk_mib=$DISK_MIB
empty_mib=${EMPTY_MIB:-1048576}

# What was freed may be with a worker or waiting for RCU.
settle()
{
	local before=-1 now=0 tries

	for ((tries = 0; tries < 10 && now != before; tries++)); do
		before=$now
		drop_caches
		sleep 1
		now=$(free_memory)
	done
	[[ ! -e /proc/sys/vm/stat_refresh ]] || echo 1 >/proc/sys/vm/stat_refresh
}

# In KiB: free memory, and what there is of each kind of memory in use.
read_memory()
{
	echo "$(free_memory)" "$(meminfo_get Slab)" "$(meminfo_get VmallocUsed)" \
		"$(meminfo_get Percpu)" "$(meminfo_get PageTables)"
}

memory_start()
{
	settle
	read -ra start < <(read_memory)
}

# memory_result PHASE: what there is more of than at the start, in bytes
memory_result()
{
	local now stat=/sys/block/$peer_disk/mm_stat

	settle
	read -ra now < <(read_memory)
	read -r stored compressed pool _ <"$stat"
	echo "result peer=$peer algorithm=$algorithm phase=$1 taken=$(((start[0] - now[0]) * 1024))" \
		"stored=$stored compressed=$compressed pool=$pool" \
		"slab=$(((now[1] - start[1]) * 1024)) vmalloc=$(((now[2] - start[2]) * 1024))" \
		"percpu=$(((now[3] - start[3]) * 1024)) pagetables=$(((now[4] - start[4]) * 1024))"
}

# Whoever comes first makes what stays: slabs, page tables of vmalloc's addresses.
warm_up()
{
	head -c $((disk_mib * 1024)) /dev/zero >"/tmp/state-$peer_disk"
	peer_size "${disk_mib}M" "$algorithm"
	disk_mib=16 corpus_load fill
	echo 1 >"/sys/block/$peer_disk/reset"
}

content()
{
	progress "$peer, $algorithm"
	warm_up
	memory_start
	peer_size "${disk_mib}M" "$algorithm"
	memory_result sized
	corpus_load fill
	memory_result fill
	corpus_load churn
	memory_result churn
	echo 1 >"/sys/block/$peer_disk/compact"
	memory_result compact
	corpus_load verify
	echo 1 >"/sys/block/$peer_disk/reset"
}

empty()
{
	algorithm=lz4
	progress "$peer, empty disk of 1 TiB"
	memory_start
	peer_size "${empty_mib}M" "$algorithm"
	memory_result empty
	echo 1 >"/sys/block/$peer_disk/reset"
}

bytes_part()
{
	for peer in $PEERS; do
		peer_load "$peer"
		for algorithm in $ALGORITHMS; do
			! peer_has "$algorithm" || content
		done
		empty
		peer_unload
	done
}

# Whoever asks for pages that cannot move.
trace_prepare()
{
	local event=$tracing/events/kmem/mm_page_alloc

	mountpoint -q $tracing || mount -t tracefs tracefs $tracing
	echo 0 >$tracing/tracing_on
	echo 4096 >$tracing/buffer_size_kb
	echo 'migratetype != 1' >"$event/filter"
	echo 'stacktrace if migratetype != 1' >"$event/trigger"
	echo 1 >"$event/enable"
	echo 1 >/proc/sys/kernel/kptr_restrict
}

# blocks_round WORD: what its result begins with
blocks_round()
{
	local modules=zram,zsmalloc found

	[[ $peer == zram ]] || modules=zmram,zmalloc
	progress "$peer, pageblocks"
	peer_load "$peer"
	warm_up
	settle
	echo >$tracing/trace
	echo 1 >$tracing/tracing_on
	peer_size "${disk_mib}M" "$algorithm"
	corpus_load fill
	corpus_load churn
	echo 1 >"/sys/block/$peer_disk/compact"
	settle
	echo 0 >$tracing/tracing_on
	"$ZM_TOP/build/tools/memsnap" --out /tmp/end.snap >/dev/null
	found=$(/usr/bin/python3 "$ZM_TOP/tests/bench/unmovable.py" $modules /tmp/end.snap)
	echo "$1 what=blocks peer=$peer $found"
	echo 1 >"/sys/block/$peer_disk/reset"
	peer_unload
}

blocks_part()
{
	trace_prepare
	algorithm=lz4
	# Whoever comes first takes the holes that boot has left; the others find their
	# predecessor's. So the first one does not count.
	peer=${PEERS%% *}
	blocks_round "#"
	for peer in $PEERS; do
		blocks_round result
	done
}

tracing=/sys/kernel/tracing
echo 0 >/proc/sys/vm/compaction_proactiveness
mountpoint -q /sys/kernel/debug || mount -t debugfs debugfs /sys/kernel/debug
"${PART}_part"
