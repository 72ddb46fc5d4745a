# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# For 90-soak.sh, after lib-writeback.sh: the actors, each of which does one thing to
# the devices again and again until the time is over. Devices: 0 files of fio, 1 swap,
# 2 post-processing, 3 data that only lies there; those from 4 on come and go.
#
# The seed reproduces each actor's sequence of operations and their data: round N of an
# actor draws from a generator that begins with the actor's name, the seed and N,
# whatever happened in the rounds before. It does not reproduce how many rounds there
# are, how those of different actors interleave, which allocations fail, nor what a
# round takes from the state that it finds: which of the devices that come and go there
# are, and how much memory is available.
#
# Bash seeds RANDOM anew in $( ), ( ), a pipeline or the background, so numbers are drawn
# in the actor's own shell, and none depends on whether something succeeded.

soak_control=/sys/class/zmram-control
soak_cpu=/sys/devices/system/cpu/cpu1/online

soak_over()
{
	((SECONDS >= soak_end)) || [[ -e $tap_scratch/soak.stop ]]
}

# soak_reseed NAME ROUND
soak_reseed()
{
	local sum

	sum=$(cksum <<<"$1 $soak_seed $2")
	RANDOM=${sum%% *}
}

# soak_actor NAME COMMAND: rounds of the command, which is given the round's number,
# counted in NAME.rounds. What a round that failed has said is in NAME.failed; one such
# round ends the soak.
soak_actor()
{
	local name=$1 rounds=0

	(
		until soak_over; do
			soak_reseed "$name" $((rounds + 1))
			if ! "$2" $((rounds + 1)) >"$tap_scratch/$name.out" 2>&1; then
				mv "$tap_scratch/$name.out" "$tap_scratch/$name.failed"
				touch "$tap_scratch/soak.stop"
				break
			fi
			echo $((++rounds)) >"$tap_scratch/$name.rounds"
		done
	) &
	soak_actors+=("$name")
	soak_pids+=($!)
}

# soak_count NAME [TIMES]: it happened. In a file, because actors are shells of their own.
soak_count()
{
	echo "${2-1}" >>"$tap_scratch/$1.count"
}

# soak_counted NAME: how often, all together
soak_counted()
{
	cat "$tap_scratch/$1.count" 2>/dev/null | awk '{ sum += $1 } END { print sum + 0 }'
}

soak_sleep()
{
	sleep "$(($1 / 10)).$(($1 % 10))"
}

# soak_pause MAX: a tenth of a second to MAX tenths
soak_pause()
{
	soak_sleep $((RANDOM % $1 + 1))
}

# soak_noise MAX: some bytes, MAX at most and none of them NUL, in the variable noise
soak_noise()
{
	local length=$((RANDOM % $1 + 1)) byte i

	noise=
	for ((i = 0; i < length; i++)); do
		printf -v byte '\\x%02x' $((RANDOM % 255 + 1))
		noise+=$byte
	done
	printf -v noise %b "$noise"
}

# ---- I/O whose data is compared --------------------------------------------

# One after the other, so that a short soak has them all. Threads that share a megabyte
# are the ones that wait for each other's handles.
soak_files()
{
	local jobs=(shared randmix-verify trim-verify multi-job seq-verify)
	local job=$((($1 - 1) % 5)) size=$((RANDOM % 17 + 8)) seed=$RANDOM

	if ((job == 0)); then
		"$zm_tools/diopattern" --dev /dev/zmram0 --size-mib 1 --threads 4 --shared \
			--seconds 15 --seed $seed
	else
		ZM_DEV=/dev/zmram0 ZM_SIZE=${size}m ZM_RUNTIME=15 \
			fio --max-jobs=16 --randseed=$seed "$ZM_TOP/fio-jobs/${jobs[job]}.fio"
	fi
}

# Most rounds push out what would have room; in every fourth one there is too little
# memory, unless the soak is about to end.
soak_swap()
{
	local mib=$((RANDOM % 65 + 32)) compressible=$((RANDOM % 80 + 10))
	local over=$((RANDOM % 37 + 64)) seed=$RANDOM

	if (($1 % 4 == 2 && soak_end - SECONDS > 40)); then
		soak_pressure $over $seed
		return
	fi
	"$zm_tools/swapcheck" --mib $mib --threads 2 --seconds 10 --seed $seed \
		--compressible $compressible
}

# soak_pressure OVER SEED: OVER MiB more than are available. A page that goes through swap
# takes a debug kernel a millisecond, so all but soak_spare MiB are taken away, locked,
# and the rest is what is written and verified.
#
# It must not come to the OOM killer. Nine tenths of the pages that compress (to 30 %)
# make three bytes pushed out give back two, as zmram's own pages come out of the same
# memory; so these 364 to 400 MiB can make up for at least 240, of which OVER is 100 at
# most. The rest is for what other actors get meanwhile: files of fio, blocks written to
# the RAM disk, and the part of the page cache that is called available and is in use.
# A memory block of 128 MiB would be too much; hence the lock that soak_memory takes as
# well. Swap has room for all of it.
#
# Before the others, so that it is over soon; and if it comes to that killer, he shall
# not take an actor that can do nothing for it.
soak_spare=300
soak_pressure()
{
	local available spare=$soak_spare lock status

	exec {lock}>"$tap_scratch/memory.lock"
	flock "$lock"
	available=$(($(meminfo_get MemAvailable) / 1024))
	((spare < available)) || spare=$available
	(
		echo 1000 >/proc/self/oom_score_adj
		exec nice -n -10 "$zm_tools/swapcheck" --mib $((spare + $1)) --hold $((available - spare)) \
			--threads 2 --seconds 3 --seed "$2" --compressible 90
	)
	status=$?
	exec {lock}>&-
	((status)) || soak_count pressure
	return $status
}

# soak_mixed write|verify PAGES SEED: pages of all sizes at the start of device 2, made of
# what lz4 leaves as it is and zstd halves; devfill's are nothing to recompress.
soak_mixed()
{
	/usr/bin/python3 - "$@" <<'PYTHON'
import mmap
import os
import random
import sys

verb, pages, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
rng = random.Random(seed)
disk = os.open("/dev/zmram2", os.O_RDWR | os.O_DIRECT)
buf = mmap.mmap(-1, 4096)
for page in range(pages):
    digits = rng.randbytes(rng.randrange(2049)).hex().encode()
    want = digits + bytes([page % 256]) * (4096 - len(digits))
    if verb == "write":
        buf[:] = want
        os.pwrite(disk, buf, page * 4096)
    else:
        os.preadv(disk, [buf], page * 4096)
        if buf[:] != want:
            sys.exit(f"page {page} of device 2 is not what was written")
PYTHON
}

# What lies on device 2 stays the same, whatever post-processing does to it.
soak_written()
{
	local mib=$((RANDOM % 24 + 8)) seed=$RANDOM pause=$((RANDOM % 50 + 1)) hole=$RANDOM

	if (($1 % 2)); then
		"$zm_tools/devfill" --dev /dev/zmram2 --mib $mib --seed $seed || return
		soak_sleep $pause
		"$zm_tools/devfill" --dev /dev/zmram2 --mib $mib --seed $seed --verify || return
	else
		soak_mixed write $((mib * 64)) $seed || return
		soak_sleep $pause
		soak_mixed verify $((mib * 64)) $seed || return
	fi
	blkdiscard -f --offset $((hole % mib))M --length 1M /dev/zmram2
}

soak_kept()
{
	"$zm_tools/devfill" --dev /dev/zmram3 --mib 48 --seed $soak_seed --verify && sleep 10
}

# ---- what may fail, but must not hurt --------------------------------------

# soak_store FILE VALUE: any error but those of a device in trouble is right. The answer is
# in the variable soak_answer afterwards.
soak_store()
{
	soak_answer=$(store_errno "$1" "$2")
	[[ $soak_answer =~ ^(ok|EINVAL|EBUSY|EAGAIN|ENODEV|ENOENT|ENOMEM|ENOSPC|ERANGE|E2BIG|EINTR|EEXIST)$ ]] ||
		{ echo "$1: $2: $soak_answer"; return 1; }
}

# A slow algorithm on a kernel that checks everything: not too many pages at a time.
soak_postprocess()
{
	local whats=(idle recompress recompress writeback compact)
	local modes=(idle huge huge_idle incompressible page_indexes=0-4095) types=(idle huge_idle)
	local dir=/sys/block/zmram2 what=${whats[RANDOM % 5]} n=$RANDOM pages=$((RANDOM % 500 + 1))
	local threshold=$((RANDOM % 4000)) pause=$((RANDOM % 10 + 1))

	case $what in
	idle) soak_store $dir/idle all ;;
	recompress)
		soak_store $dir/idle all && soak_store $dir/recompress \
			"type=${types[n % 2]} threshold=$threshold max_pages=$pages" ;;
	writeback) soak_store $dir/writeback "${modes[n % 5]}" ;;
	compact) soak_store "/sys/block/zmram$((n % 4))/compact" 1 ;;
	esac || return
	[[ $soak_answer != ok ]] || soak_count "post_$what"
	[[ $what != recompress ]] || soak_count recompressed "$(zm_slots 2 r 0 16384)"
	soak_sleep $pause
}

# A device's life, from hot_add to hot_remove. Others may change it meanwhile, so that it
# takes no data.
soak_lives()
{
	local id algorithms=(lz4 lzo lzo-rle zstd lz4hc deflate) dir
	local algorithm=$((RANDOM % 6)) first=$((RANDOM % 64 + 1)) second=$((RANDOM % 64 + 1))
	local seed=$RANDOM again=$((RANDOM % 2))

	id=$(cat $soak_control/hot_add) || return
	dir=/sys/block/zmram$id
	soak_store "$dir/comp_algorithm" "${algorithms[algorithm]}" || return
	soak_store "$dir/disksize" ${first}M || return
	"$zm_tools/devfill" --dev "/dev/zmram$id" --mib 2 --seed $seed && soak_count lives
	if ((again)); then
		soak_store "$dir/reset" 1 || return
		[[ $soak_answer != ok ]] || soak_count lives_reset
		soak_store "$dir/disksize" ${second}M || return
		"$zm_tools/devfill" --dev "/dev/zmram$id" --mib 1 --seed $((seed + 1))
	fi
	soak_store $soak_control/hot_remove "$id" || return
	[[ $soak_answer != ok ]] || soak_count lives_ended
}

# Files of a device N that is always there, and what each of their lines looks like.
soak_shapes=(
	'/sys/block/zmramN/mm_stat ^ *[0-9]+( +[0-9]+){8}$'
	'/sys/block/zmramN/io_stat ^ *[0-9]+( +[0-9]+){3}$'
	'/sys/block/zmramN/bd_stat ^ *[0-9]+( +[0-9]+){2}$'
	'/sys/block/zmramN/debug_stat ^(version: 1| *[0-9]+ +[0-9]+)$'
	'/sys/block/zmramN/move_stat ^[a-z_]+ [0-9]+$'
	'/sys/block/zmramN/disksize ^[1-9][0-9]*$'
	'/sys/block/zmramN/initstate ^1$'
	'/sys/block/zmramN/comp_algorithm \[[a-z0-9-]+\]'
	'/sys/block/zmramN/recomp_algorithm ^#[1-3]: .*\[[a-z0-9-]+\]'
	'/sys/block/zmramN/max_comp_streams ^[1-9][0-9]*$'
	'/sys/block/zmramN/backing_dev ^(none|/dev/ram1)$'
	'/sys/block/zmramN/writeback_limit ^0$'
	'/sys/block/zmramN/writeback_limit_enable ^0$'
	'/sys/block/zmramN/writeback_batch_size ^[1-9][0-9]*$'
	'/sys/block/zmramN/compressed_writeback ^0$'
	'/sys/block/zmramN/progress ^[a-z]+( [0-9]+){3}$'
	'/sys/kernel/debug/zmalloc/zmramN/classes ^(#.*| *([0-9]+|total)( +[0-9]+)+) *$'
	'/sys/kernel/debug/zmalloc/zmramN/counters ^[a-z_]+ [0-9]+$'
	'/sys/kernel/debug/zmalloc/zmramN/zspages ^(#.*|[0-9]+ [0-9]+ [0-9]+ [0-9]+/[0-9]+ movable)$'
	'/sys/kernel/debug/zmram/zmramN/block_state ^ *[0-9]+ +[0-9]+\.000000 [s.][w.][h.][i.][r.][n.]$'
)

# soak_shape FILE PATTERN: it can be read, and all its lines match.
soak_shape()
{
	local text=$tap_scratch/readers.text

	cat "$1" >"$text" || return
	grep -m 3 -vE -- "$2" "$text"
	(($? == 1)) || { echo "$1 has such lines"; return 1; }
	case $1 in
	# Nothing stored, no second algorithm.
	*/block_state | */recomp_algorithm) ;;
	*) [[ -s $text ]] || { echo "$1 is empty"; return 1; } ;;
	esac
}

soak_readers()
{
	local n=$((RANDOM % 4)) entry file

	for entry in "${soak_shapes[@]}"; do
		file=${entry%% *}
		soak_shape "${file/N/$n}" "${entry#* }" || return
	done
	soak_shape $soak_control/features . || return
	# These may go while they are read.
	cat /sys/block/zmram[4-9]*/{*stat,comp_algorithm,recomp_algorithm,disksize,initstate,backing_dev} \
		/sys/block/zmram[4-9]*/{max_comp_streams,writeback_*,compressed_writeback,progress} \
		/sys/kernel/debug/zmalloc/zmram[4-9]*/{classes,zspages,counters} \
		/sys/kernel/debug/zmram/zmram[4-9]*/block_state >/dev/null 2>&1
	soak_pause 10
}

# What devices 0 to 3 answer, whatever goes on with them, being sized and open: attribute,
# answers, value; "@" is noise. None of it changes what they store or how. All this by the
# rules of bad-input.table.
soak_rules=(
	'disksize EBUSY 16M' 'disksize EINVAL 0' 'disksize EINVAL @'
	'resize EINVAL 1' 'resize EINVAL -1' 'resize EINVAL 2048Mx' 'resize EINVAL @'
	'resize EINVAL 18446744073709551616' 'resize EINVAL '
	'reset EBUSY 1' 'reset EINVAL 0' 'reset EINVAL 1x' 'reset EINVAL @'
	'reset ERANGE 18446744073709551616'
	'comp_algorithm EBUSY lz4' 'comp_algorithm EINVAL lz4x' 'comp_algorithm EINVAL|E2BIG @'
	'algorithm_params EBUSY algo=lz4 level=3' 'algorithm_params EINVAL nonsense=1'
	'algorithm_params EINVAL priority=1 level=' 'algorithm_params EINVAL @'
	'recomp_algorithm EBUSY algo=zstd priority=1' 'recomp_algorithm EINVAL algo=zstd priority=9'
	'recomp_algorithm EINVAL algo=zstdx' 'recomp_algorithm EINVAL @'
	'max_comp_streams ok nonsense' 'max_comp_streams ok @'
	'mem_limit ok 1T' 'mem_limit EINVAL -1' 'mem_limit EINVAL x8M' 'mem_limit EINVAL @'
	'mem_used_max ok 0' 'mem_used_max EINVAL 1' 'mem_used_max EINVAL @'
	'compact ok nonsense' 'compact ok @'
	'idle EINVAL allx' 'idle EINVAL -1' 'idle EINVAL 18446744073709551616' 'idle EINVAL @'
	'recompress EINVAL type=hugex' 'recompress EINVAL type=' 'recompress EINVAL nonsense=1'
	'recompress EINVAL threshold=99999' 'recompress EINVAL @'
	'writeback EINVAL idlex' 'writeback EINVAL type=idle page_index=1' 'writeback EINVAL @'
	'writeback EINVAL page_indexes=9-5' 'writeback ERANGE|EAGAIN page_index=99999999'
	'writeback_limit EINVAL -1' 'writeback_limit EINVAL @'
	'writeback_limit_enable EINVAL yes' 'writeback_limit_enable EINVAL @'
	'writeback_batch_size EINVAL 0' 'writeback_batch_size EINVAL 4294967296'
	'writeback_batch_size EINVAL @'
	'compressed_writeback EBUSY 1' 'compressed_writeback EINVAL -1' 'compressed_writeback EINVAL @'
	'backing_dev EBUSY /dev/ram0' 'backing_dev EBUSY nonsense' 'backing_dev EBUSY @'
	'hot_remove EBUSY 0' 'hot_remove EBUSY 1' 'hot_remove EBUSY 2' 'hot_remove EBUSY 3'
	'hot_remove EINVAL 4x' 'hot_remove EINVAL -1' 'hot_remove EINVAL 4 5' 'hot_remove EINVAL @'
	'hot_remove ERANGE 18446744073709551616' 'hot_remove ENODEV 2147483647' 'hot_remove EINVAL '
)

# To the devices in use.
soak_write_used()
{
	local dir=/sys/block/zmram$((RANDOM % 4)) entry=${soak_rules[RANDOM % ${#soak_rules[@]}]}
	local name wanted value answer noise

	soak_noise 200
	name=${entry%% *}
	entry=${entry#* }
	wanted=${entry%% *}
	value=${entry#* }
	# It must not be a number, or a word that is known, by chance.
	[[ $value != @ ]] || value=x$noise
	[[ $name != hot_remove ]] || dir=$soak_control
	answer=$(store_errno "$dir/$name" "$value")
	[[ $answer =~ ^($wanted)$ ]] ||
		{ printf '%s: %q: %s, not %s\n' "$dir/$name" "$value" "$answer" "$wanted"; return 1; }
	[[ $answer != ok ]] || { soak_count used_accepted; return; }
	soak_count used_refused
}

# Values that are right, nearly right and not at all, to those that come and go.
soak_write_others()
{
	local names=(disksize resize reset comp_algorithm recomp_algorithm algorithm_params mem_limit
		     mem_used_max compact idle recompress writeback writeback_limit backing_dev
		     writeback_limit_enable writeback_batch_size compressed_writeback)
	local which=$RANDOM name=${names[RANDOM % ${#names[@]}]} value=$RANDOM values ids long noise

	printf -v long '%0*d' $((RANDOM % 4000)) 1
	soak_noise 200
	values=(1 0 -1 "$((RANDOM % 64))M" lz4 zstd all huge 99999999999999999999
		"algo=zstd priority=$((RANDOM % 5))" "level=$((RANDOM % 20))" "type=idle"
		"page_index=$RANDOM" "$noise" "priority=1 level=" "" /dev/ram0 "$long")
	value=${values[value % ${#values[@]}]}
	ids=(/sys/block/zmram[4-9]*)
	[[ -e ${ids[0]} ]] || { sleep 0.2; return 0; }
	# Noise can get any error; only that we come back counts.
	if [[ $(store_errno "${ids[which % ${#ids[@]}]}/$name" "$value") == ok ]]; then
		soak_count others_accepted
	else
		soak_count others_refused
	fi
}

soak_writers()
{
	if (($1 % 2)); then
		soak_write_used
	else
		soak_write_others
	fi
}

# ---- the machine -----------------------------------------------------------

soak_compaction()
{
	echo 1 >/proc/sys/vm/compact_memory
	soak_pause 5
	soak_store "/sys/block/zmram$((RANDOM % 4))/compact" 1
}

# Without holes there is nothing to compact.
soak_holes()
{
	head -c $((RANDOM % 100 + 20))M /dev/zero >/tmp/soak.holes
	soak_pause 5
	rm -f /tmp/soak.holes
}

# A refusal is no failure: those times that it went were counted.
soak_processors()
{
	local down=$((RANDOM % 20 + 1)) up=$((RANDOM % 40 + 1)) was

	was=$(<$soak_cpu)
	soak_store $soak_cpu 0 || return
	[[ $was$(<$soak_cpu) != 10 ]] || soak_count processors_gone
	soak_sleep $down
	was=$(<$soak_cpu)
	soak_store $soak_cpu 1 || return
	[[ $was$(<$soak_cpu) != 01 ]] || soak_count processors_back
	soak_sleep $up
}

# A block that stays online for lack of room elsewhere is no failure: those that
# went are counted. Not while memory is short: see soak_pressure.
soak_memory()
{
	local pick=$RANDOM gone=$((RANDOM % 10 + 1)) pause=$((RANDOM % 30 + 1)) blocks b lock

	mapfile -t blocks < <(memory_plugged)
	b=${blocks[pick % ${#blocks[@]}]}
	exec {lock}>"$tap_scratch/memory.lock"
	flock "$lock"
	if timeout 60 bash -c "echo offline >$b/state" 2>/dev/null; then
		[[ $(<"$b/state") != offline ]] || soak_count blocks_gone
		soak_sleep $gone
	fi
	[[ $(<"$b/state") == online ]] || { echo online_movable >"$b/state" && soak_count blocks_back; }
	exec {lock}>&-
	soak_sleep $pause
}
