#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The benchmark's move lane, in two guests. "frag": huge pages that can be had while a
# disk's pages lie scattered, by how full of it memory is (tests/frag.sh). "load": one
# chosen page after the other is moved, and blocks of hot-plugged movable memory go
# offline, idle and while two jobs read and write.
#
# Environment: PART, PEERS; LEVELS, in per cent; ROUNDS of the peers, and who takes part
# in the first one only, ONCE; PAGES, to move; DISK_MIB.
. "$ZM_TOP/tests/bench/lib-guest.sh"

tools=$ZM_TOP/build/tools
mover=/sys/kernel/debug/zm_mover/move
disk_mib=$DISK_MIB

# ---- frag --------------------------------------------------------------------------

# frag PEER LEVEL ROUND
frag()
{
	local kind=${1%-pinned} movable=1 snap=()

	[[ $1 != *-pinned ]] || movable=0
	(($3 > 1)) || snap=(--snap "$ZM_OUT/$1-$2")
	progress "$1, $2 % of memory, round $3"
	"$ZM_TOP/tests/frag.sh" --kind "$kind" --movable "$movable" --fill "$2" \
		"${snap[@]}" 2>/tmp/frag.err |
		sed "s/^frag /result what=frag peer=$1 level=$2 round=$3 /" ||
		{ sed 's/^/# /' /tmp/frag.err; return 1; }
}

frag_part()
{
	local level round peer

	for level in $LEVELS; do
		for ((round = 1; round <= ROUNDS; round++)); do
			for peer in $PEERS; do
				frag "$peer" "$level" "$round"
			done
		done
		for peer in $ONCE; do
			frag "$peer" "$level" 1
		done
	done
}

# ---- load --------------------------------------------------------------------------

microseconds()
{
	echo "${EPOCHREALTIME/./}"
}

snapshot()
{
	"$tools/memsnap" --out "/tmp/$1.snap" --label "$1" >/dev/null
}

# Frames that were free and are the disk's now: neither a program's nor a slab. Those
# in movable memory, if there are any.
choose_frames()
{
	/usr/bin/python3 - "$PAGES" /tmp/before.snap /tmp/after.snap <<'PYTHON'
import sys

def frames(path):
    with open(path, encoding="ascii") as file:
        for line in file:
            words = line.split()
            if words[0] == "block":
                yield from enumerate(words[2], int(words[1]))

wanted, before = int(sys.argv[1]), dict(frames(sys.argv[2]))
taken = [pfn for pfn, kind in frames(sys.argv[3]) if kind in "KZP" and before.get(pfn) == "."]
movable = [pfn for pfn in taken if pfn >= 1 << 20]
chosen = movable if len(movable) > len(taken) // 8 else taken
print(*(chosen[i * len(chosen) // wanted] for i in range(wanted)), sep="\n")
PYTHON
}

load_start()
{
	touch /tmp/load
	while [[ -e /tmp/load ]]; do
		corpus_load load --jobs 2 --seconds 2
	done >>/tmp/load.out &
	load=$!
}

load_stop()
{
	rm /tmp/load
	wait "$load"
}

# move_frames LOAD
move_frames()
{
	local pfn start ok=0 tries=0 times=()

	while read -r pfn; do
		tries=$((tries + 1))
		start=$(microseconds)
		if echo "$pfn" >$mover; then
			ok=$((ok + 1))
		fi 2>/dev/null
		times+=($(($(microseconds) - start)))
	done </tmp/frames
	echo "result what=move peer=$peer load=$1 tries=$tries moved=$ok us=$(IFS=,; echo "${times[*]}")"
}

# offline_blocks LOAD
offline_blocks()
{
	local block start ok

	for block in "${blocks[@]}"; do
		start=$(microseconds)
		ok=0
		timeout 100 bash -c "echo offline >$block/state" 2>/dev/null && ok=1
		echo "result what=offline peer=$peer load=$1 block=${block##*/memory} done=$ok" \
			"us=$(($(microseconds) - start))"
		((!ok)) || echo online_movable >"$block/state"
	done
}

# What is on the processors' lists would pass for the disk's in a snapshot. They give it
# back when a frame is isolated: any free one, and whether it can be had or not.
drain_lists()
{
	awk '$1 == "block" && (at = index($3, ".")) { print $2 + at - 1; exit }' \
		/tmp/before.snap >$mover || true
}

load_part()
{
	progress "$peer, chosen pages"
	drop_caches
	snapshot before
	peer_load "$peer" "$disk_mib"
	peer_size "${disk_mib}M"
	corpus_load fill
	drain_lists 2>/dev/null
	snapshot after
	choose_frames >/tmp/frames
	move_frames idle
	load_start
	move_frames busy
	load_stop
	progress "$peer, blocks of memory"
	offline_blocks idle
	load_start
	offline_blocks busy
	load_stop
	corpus_load verify
	peer_unload
}

case $PART in
frag)
	frag_part
	;;
load)
	mapfile -t blocks < <(memory_movable)
	((${#blocks[@]}))
	echo 0 >/proc/sys/vm/compaction_proactiveness
	mountpoint -q /sys/kernel/debug || mount -t debugfs debugfs /sys/kernel/debug
	insmod "$ZM_BUILD/tests/modules/zm_mover.ko"
	for peer in $PEERS; do
		load_part
	done
	;;
esac
