#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# needs: mem=1G,slots=2,maxmem=3G cpus=2 timeout=1200 set=soak qemu=-object memory-backend-ram,id=hot0,size=512M -device pc-dimm,id=dimm0,memdev=hot0
# allows: migration failure|migrating pfn|unmovable page|isolation failed|page allocation failure|no memory, write failed|mem_limit reached|Buffer I/O error|I/O error, dev zmram|FAULT_INJECTION
# fails-if: with everything at once for minutes, data is wrong, somebody hangs, or
# fails-if: one of the things that should have happened did not.
#
# Everything at once, on a debug kernel: "make soak". Parameters (tests/run --param):
# minutes (2), seed (the clock).
. "$ZM_TOP/tests/lib.sh"
. "$ZM_TOP/tests/lib-device.sh"
. "$ZM_TOP/tests/lib-writeback.sh"
. "$ZM_TOP/tests/lib-soak.sh"

soak_minutes=$(param minutes 2)
soak_seed=$(param seed $((EPOCHSECONDS % 100000)))
soak_actors=() soak_pids=()
inject_names=(fail_page_alloc failslab)

# Allocations fail only for who asks for it, one in fifty; zmalloc's own windows are
# open to everybody, as are its failures that must not hurt.
inject_setup()
{
	local name dir

	for dir in /sys/kernel/debug/zmalloc-faults/{delay_*/,fail_page_lock,fail_migrate}; do
		[[ -d $dir ]] || return
		fault_set "$dir" 3
	done
	for name in "${inject_names[@]}"; do
		fault_set_alloc "$name" 2 || return
	done
}

injected()
{
	local name sum=0

	for name in "${inject_names[@]}"; do
		sum=$((sum + $(fault_count "/sys/kernel/debug/$name")))
	done
	echo $sum
}

soak_inject()
{
	"$ZM_TOP/tests/soak-inject" $RANDOM 10 && soak_pause 50
}

start()
{
	soak_end=$((SECONDS + soak_minutes * 60))
	soak_actor files soak_files
	soak_actor swap soak_swap
	soak_actor written soak_written
	soak_actor kept soak_kept
	soak_actor postprocess soak_postprocess
	soak_actor lives soak_lives
	soak_actor readers soak_readers
	soak_actor writers soak_writers
	soak_actor compaction soak_compaction
	soak_actor holes soak_holes
	[[ ! -e $soak_cpu ]] || soak_actor processors soak_processors
	[[ ! $(memory_plugged) ]] || soak_actor memory soak_memory
	! inject_setup || soak_actor inject soak_inject
}

# A line a minute, on the console.
watch()
{
	local next=$((SECONDS + 60))

	until soak_over; do
		sleep 1
		((SECONDS >= next)) || continue
		next=$((next + 60))
		echo "<6>soak: $(((soak_end - SECONDS) / 60)) minutes left, $(totals | paste -sd' ')" \
			>/dev/kmsg
	done
}

# What became of the devices' pages, all together: lines "name sum".
totals()
{
	cat /sys/block/zmram[0-3]/move_stat |
		awk '{ sum[$1] += $2 } END { for (name in sum) print name, sum[name] }'
}

modprobe brd rd_nr=2 rd_size=65536
zm_load num_devices=4
memory_make_movable
zm_setup 0 128M
zm_setup 1 192M
mkswap /dev/zmram1 >/dev/null && swapon -p 100 /dev/zmram1
echo 'algo=zstd priority=1' >/sys/block/zmram2/recomp_algorithm
wb_setup 2 64M /dev/ram1
zm_setup 3 64M
ok "$zm_tools/devfill" --dev /dev/zmram3 --mib 48 --seed $soak_seed "fill what is to be kept"
# Open devices are not reset by chance.
exec 6<>/dev/zmram0 7<>/dev/zmram2 8<>/dev/zmram3
diag "seed=$soak_seed minutes=$soak_minutes"
echo "<6>soak: seed=$soak_seed minutes=$soak_minutes" >/dev/kmsg
start
watch
ok wait_until 240 eval '! kill -0 '"${soak_pids[*]}"' 2>/dev/null' "everybody ends when the time is over"
wait "${soak_pids[@]}"
for actor in "${soak_actors[@]}"; do
	num "$(cat "$tap_scratch/$actor.rounds" 2>/dev/null)" -gt 0 "$actor: rounds were made"
	ok eval '! tail -n 30 "$tap_scratch/$actor.failed" 2>/dev/null' "$actor: and no one failed"
	diag "$actor: $(cat "$tap_scratch/$actor.rounds") rounds"
done
[[ ! -e $soak_cpu ]] || store_errno $soak_cpu 1 >/dev/null
ok "$zm_tools/devfill" --dev /dev/zmram3 --mib 48 --seed $soak_seed --verify "what was to be kept is there"
diag "$(totals | paste -sd' ')"
for n in 0 1 2 3; do
	is "$(move_stat $n corrupt)" 0 "device $n: no object header was overwritten"
done
if [[ " ${soak_actors[*]} " == *' memory '* ]]; then
	gone=$(wc -l <"$tap_scratch/memory.gone")
	num "$gone" -gt 0 "memory blocks went offline" && cover blocks_offline "$gone"
fi
if [[ " ${soak_actors[*]} " == *' inject '* ]]; then
	num "$(injected)" -gt 0 "allocations failed" && cover injected "$(injected)"
fi
happened=(migrated released_isolated objects_compacted)
(($(nproc) == 1)) || happened+=(busy)
for name in "${happened[@]}"; do
	num "$(totals | stat_get - $name)" -gt 0 "$name happened"
done
num "$(bd_stat 2 writes)" -gt 0 "pages were written back"
ok swapoff /dev/zmram1 "swapoff"
exec 6<&- 7<&- 8<&-
for id in /sys/block/zmram[4-9]*; do
	[[ ! -e $id ]] || echo "${id##*/zmram}" >$soak_control/hot_remove
done
for n in 0 1 2 3; do
	blkdiscard -f /dev/zmram$n
	zm_check_empty $n
done
zm_check_end 0
tap_done
