#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# needs: mem=1G,slots=2,maxmem=3G cpus=2 timeout=1200 set=soak qemu=-object memory-backend-ram,id=hot0,size=512M -device pc-dimm,id=dimm0,memdev=hot0
# allows: migration failure|migrating pfn|unmovable page|isolation failed|page allocation failure|no memory, write failed|mem_limit reached|Buffer I/O error|I/O error, dev zmram|FAULT_INJECTION
# allows: kmemleak: (Cannot allocate a kmemleak_object|Kernel memory leak detector disabled)
# fails-if: with everything at once for minutes, data is wrong, somebody hangs or is killed
# fails-if: for lack of memory, a device in use cannot be read or takes what it has to
# fails-if: refuse, or one of the things that should have happened did not, or too seldom.
#
# Everything at once, on a debug kernel: "make soak". Parameters (tests/run --param):
# minutes (2), seed (the clock; lib-soak.sh says what it reproduces). Of less than 20
# minutes nobody can ask that everything happens: a round takes a slow kernel half a minute.
. "$ZM_TOP/tests/lib.sh"
. "$ZM_TOP/tests/lib-device.sh"
. "$ZM_TOP/tests/lib-writeback.sh"
. "$ZM_TOP/tests/lib-soak.sh"

soak_minutes=$(param minutes 2)
soak_seed=$(param seed $((EPOCHSECONDS % 100000)))
soak_actors=() soak_pids=()
inject_names=(fail_page_alloc failslab)
inject_faults=()

is_long()
{
	((soak_minutes >= 20))
}

# ---- what is set up --------------------------------------------------------

# zmalloc's own windows are open to everybody, as are its failures that must not hurt;
# wide open those that a soak comes to less often. Allocations fail only for who asks
# for it, one in fifty.
inject_setup()
{
	local name dir percent

	for dir in $zm_faults/{delay_*/,fail_page_lock/,fail_migrate/}; do
		[[ -d $dir ]] || return
		dir=${dir%/}
		case ${dir##*/} in
		delay_migrate | delay_release | fail_*) percent=3 ;;
		*) percent=20 ;;
		esac
		fault_set "$dir" $percent
		inject_faults+=("$dir")
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
	local seed=$RANDOM said

	said=$("$ZM_TOP/tests/soak-inject" $seed 10) || { echo "$said"; return 1; }
	[[ $said =~ used=([0-9]+) ]] && soak_count lives_failing "${BASH_REMATCH[1]}"
	soak_pause 50
}

# A reset takes the second algorithm away, so it is chosen between that and the size.
setup_written()
{
	zm_dev_reset 2 && echo /dev/ram1 >/sys/block/zmram2/backing_dev &&
		echo 'algo=zstd priority=1' >/sys/block/zmram2/recomp_algorithm &&
		echo 64M >/sys/block/zmram2/disksize
}

# Swap has room for all of soak_pressure's memory, and for what others have to give.
setup_devices()
{
	zm_setup 0 128M && zm_setup 1 1G && zm_setup 3 64M && setup_written &&
		mkswap /dev/zmram1 && swapon -p 100 /dev/zmram1 &&
		"$zm_tools/devfill" --dev /dev/zmram3 --mib 48 --seed $soak_seed
}

# stolen: pages that were reclaimed because somebody wanted memory, not because he was told
stolen()
{
	echo $(($(vmstat_get pgsteal_kswapd) + $(vmstat_get pgsteal_direct)))
}

# ---- what goes on ----------------------------------------------------------

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
	# All debug kernels and this guest have the rest; it is checked before.
	[[ ! -e $soak_cpu ]] || soak_actor processors soak_processors
	[[ ! $(memory_plugged) ]] || soak_actor memory soak_memory
	((${#inject_faults[@]} == 0)) || soak_actor inject soak_inject
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

# ---- what is asked afterwards ----------------------------------------------

check_actors()
{
	local actor rounds

	for actor in "${soak_actors[@]}"; do
		rounds=$(cat "$tap_scratch/$actor.rounds" 2>/dev/null)
		num "$rounds" -gt 0 "$actor: rounds were made"
		ok eval '! tail -n 30 "$tap_scratch/$actor.failed" 2>/dev/null' "$actor: and no one failed"
		diag "$actor: $rounds rounds"
	done
}

# The data that lay there all the time, and that a device still works after all that was
# done to it.
check_data()
{
	local n

	ok "$zm_tools/devfill" --dev /dev/zmram3 --mib 48 --seed $soak_seed --verify \
		"what was to be kept is there"
	ok blkdiscard -f /dev/zmram2 "device 2 is emptied"
	ok soak_mixed write 1000 $soak_seed "and written a last time"
	is "$(store_errno /sys/block/zmram2/idle all)" ok "all of it is idle"
	is "$(store_errno /sys/block/zmram2/recompress type=idle)" ok "and is recompressed"
	num "$(zm_slots 2 r 0 1000)" -gt 100 "where that makes it smaller"
	is "$(wb_write 2 page_indexes=0-499)" ok "half of it is written back"
	ok soak_mixed verify 1000 $soak_seed "and all of it is what was written"
	for n in 0 1 2 3; do
		is "$(move_stat $n corrupt)" 0 "device $n: no object header was overwritten"
	done
}

# Half an hour on two lanes has to come to 200 000 pages moved, and to 100 zspages freed
# with a page isolated: these are counted by pages, of which a zspage has up to eight.
check_moves()
{
	local name
	local -A wanted=([migrated]=$((soak_minutes * 3333)) [busy]=1 [objects_compacted]=1
			 [released_isolated]=$(((soak_minutes * 40 + 2) / 3)))

	diag "$(totals | paste -sd' ')"
	for name in "${!wanted[@]}"; do
		is_long || wanted[$name]=1
		num "$(totals | stat_get - $name)" -ge "${wanted[$name]}" "$name: often enough"
	done
	num "$(bd_stat 2 writes)" -gt 0 "pages were written back"
}

# What actors have counted: name, what it is, and "long" if a short soak need not have it.
soak_wanted=(
	'used_accepted writes that a device in use takes'
	'used_refused writes that it refuses'
	'long others_accepted writes that devices which come and go took'
	'others_refused writes that they refused'
	'lives devices that came and took data'
	'lives_ended devices that went'
	'processors_gone times that a processor went'
	'processors_back times that it came back'
	'blocks_gone memory blocks that went offline'
	'blocks_back memory blocks that came back'
	'long lives_reset devices that were reset in between'
	'long lives_failing devices that were used while allocations failed'
	'long post_idle times that pages were marked idle'
	'long post_recompress recompressions'
	'long recompressed slots found recompressed'
	'long post_writeback writebacks'
	'long post_compact compactions'
	'long pressure times that memory was short'
)

check_counts()
{
	local entry name count

	for entry in "${soak_wanted[@]}"; do
		name=${entry#long }
		name=${name%% *}
		count=$(soak_counted "$name")
		diag "$count ${entry#*"$name" }"
		if [[ $entry != 'long '* ]] || is_long; then
			num "$count" -gt 0 "$name: it happened"
		fi
	done
	cover blocks_offline "$(soak_counted blocks_gone)"
	cover processors_offline "$(soak_counted processors_gone)"
}

# check_swap PSWPOUT STOLEN ANON OOM_KILL: what these counts were before
check_swap()
{
	local out=$(($(vmstat_get pswpout) - $1)) stolen=$(($(stolen) - $2))
	local anon=$(($(vmstat_get pgsteal_anon) - $3))

	diag "$out pages were swapped out; $stolen reclaimed, $anon of them anonymous"
	num "$out" -gt 0 "pages were swapped out"
	is $(($(vmstat_get oom_kill) - $4)) 0 "nobody was killed for lack of memory"
	is_long || return 0
	num "$stolen" -gt 0 "memory was reclaimed because it was short"
	num "$anon" -gt 0 "and some of it went to swap for that"
}

check_faults()
{
	local dir count

	for dir in "${inject_faults[@]}"; do
		count=$(fault_count "$dir")
		diag "${dir##*/}: $count times"
		! is_long || num "$count" -gt 0 "${dir##*/}: it happened"
		[[ $dir != */delay_* ]] || cover delayed "$count"
	done
	num "$(injected)" -gt 0 "allocations failed"
	cover injected "$(injected)"
}

# ---- the soak --------------------------------------------------------------

ok modprobe brd rd_nr=2 rd_size=65536 "disks for writeback"
ok zm_load num_devices=4 "the modules load"
memory_make_movable
ok test -e $soak_cpu "there is a processor that can go"
isnt "$(memory_plugged)" '' "there is memory that can go"
ok inject_setup "this kernel has failures and windows"
ok setup_devices "the devices are set up, with swap on one"
# Open devices are not reset by chance.
exec 6<>/dev/zmram0 7<>/dev/zmram2 8<>/dev/zmram3
diag "seed=$soak_seed minutes=$soak_minutes"
echo "<6>soak: seed=$soak_seed minutes=$soak_minutes" >/dev/kmsg
before=("$(vmstat_get pswpout)" "$(stolen)" "$(vmstat_get pgsteal_anon)" "$(vmstat_get oom_kill)")
start
watch
ok wait_until 420 eval '! kill -0 '"${soak_pids[*]}"' 2>/dev/null' "everybody ends when the time is over"
wait "${soak_pids[@]}"
[[ ! -e $soak_cpu ]] || store_errno $soak_cpu 1 >/dev/null
check_actors
check_moves
check_counts
check_swap "${before[@]}"
check_faults
check_data
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
