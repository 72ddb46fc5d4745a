# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# For 90-soak.sh, after lib-writeback.sh: the actors, each of which does one thing to
# the devices again and again until the time is over. Devices: 0 files of fio, 1 swap,
# 2 post-processing, 3 data that only lies there; those from 4 on come and go. What
# an actor does at random follows from the seed and the actor's name.

soak_control=/sys/class/zmram-control
soak_cpu=/sys/devices/system/cpu/cpu1/online

soak_over()
{
	((SECONDS >= soak_end)) || [[ -e $tap_scratch/soak.stop ]]
}

# soak_actor NAME COMMAND: rounds of the command, counted in NAME.rounds. What a round
# that failed has said is in NAME.failed; one such round ends the soak.
soak_actor()
{
	local name=$1 sum rounds=0

	sum=$(cksum <<<"$name $soak_seed")
	(
		RANDOM=$((${sum%% *} % 32768))
		until soak_over; do
			if ! "$2" >"$tap_scratch/$name.out" 2>&1; then
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

# soak_pause MAX: a tenth of a second to MAX tenths
soak_pause()
{
	local tenths=$((RANDOM % $1 + 1))

	sleep "$((tenths / 10)).$((tenths % 10))"
}

# ---- I/O whose data is compared --------------------------------------------

soak_files()
{
	local jobs=(randmix-verify trim-verify multi-job seq-verify)

	ZM_DEV=/dev/zmram0 ZM_SIZE=$((RANDOM % 17 + 8))m ZM_RUNTIME=15 \
		fio --max-jobs=16 --randseed=$RANDOM "$ZM_TOP/fio-jobs/${jobs[RANDOM % 4]}.fio"
}

soak_swap()
{
	"$zm_tools/swapcheck" --mib $((RANDOM % 65 + 32)) --threads 2 --seconds 10 --seed $RANDOM \
		--compressible $((RANDOM % 80 + 10))
}

# What lies on device 2 stays the same, whatever post-processing does to it.
soak_written()
{
	local mib=$((RANDOM % 24 + 8)) seed=$RANDOM

	"$zm_tools/devfill" --dev /dev/zmram2 --mib $mib --seed $seed || return
	soak_pause 50
	"$zm_tools/devfill" --dev /dev/zmram2 --mib $mib --seed $seed --verify || return
	blkdiscard -f --offset $((RANDOM % mib))M --length 1M /dev/zmram2
}

soak_kept()
{
	"$zm_tools/devfill" --dev /dev/zmram3 --mib 48 --seed $soak_seed --verify && sleep 10
}

# ---- what may fail, but must not hurt --------------------------------------

# soak_store FILE VALUE: any error but those of a device in trouble is right.
soak_store()
{
	local result

	result=$(store_errno "$1" "$2")
	[[ $result =~ ^(ok|EINVAL|EBUSY|EAGAIN|ENODEV|ENOENT|ENOMEM|ENOSPC|ERANGE|E2BIG|EINTR|EEXIST)$ ]] ||
		{ echo "$1: $2: $result"; return 1; }
}

soak_postprocess()
{
	local modes=(idle huge huge_idle incompressible page_indexes=0-4095)
	local dir=/sys/block/zmram2

	case $((RANDOM % 5)) in
	0) soak_store $dir/idle all ;;
	1) soak_store $dir/recompress "type=idle threshold=$((RANDOM % 4000))" ;;
	2) soak_store $dir/recompress "type=huge_idle max_pages=$((RANDOM % 500))" ;;
	3) soak_store $dir/writeback "${modes[RANDOM % 5]}" ;;
	4) soak_store "/sys/block/zmram$((RANDOM % 4))/compact" 1 ;;
	esac && soak_pause 10
}

# A device's life, from hot_add to hot_remove. Others may remove it meanwhile.
soak_lives()
{
	local id algorithms=(lz4 lzo lzo-rle zstd lz4hc deflate) dir

	id=$(cat $soak_control/hot_add) || return
	dir=/sys/block/zmram$id
	soak_store "$dir/comp_algorithm" "${algorithms[RANDOM % 6]}" || return
	soak_store "$dir/disksize" $((RANDOM % 64 + 1))M || return
	"$zm_tools/devfill" --dev "/dev/zmram$id" --mib 2 --seed $RANDOM
	if ((RANDOM % 2)); then
		soak_store "$dir/reset" 1 || return
		soak_store "$dir/disksize" $((RANDOM % 64 + 1))M || return
		"$zm_tools/devfill" --dev "/dev/zmram$id" --mib 1 --seed $RANDOM
	fi
	soak_store $soak_control/hot_remove "$id"
}

soak_readers()
{
	cat /sys/block/zmram*/{*stat,comp_algorithm,recomp_algorithm,disksize,initstate,backing_dev} \
		/sys/block/zmram*/{max_comp_streams,writeback_*,progress,features} \
		/sys/kernel/debug/zmalloc/*/{classes,zspages,counters} \
		/sys/kernel/debug/zmram/*/block_state >/dev/null 2>&1
	soak_pause 10
}

# Values that are right, nearly right and not at all, to attributes of the devices
# that come and go.
soak_writers()
{
	local ids=(/sys/block/zmram[4-9]*) values file
	local names=(disksize resize reset comp_algorithm recomp_algorithm algorithm_params mem_limit
		     mem_used_max compact idle recompress writeback writeback_limit backing_dev
		     writeback_limit_enable writeback_batch_size compressed_writeback)

	[[ -e ${ids[0]} ]] || { soak_pause 3; return 0; }
	values=(1 0 -1 "$((RANDOM % 64))M" lz4 zstd all huge 99999999999999999999 "algo=zstd priority=$((RANDOM % 5))"
		"level=$((RANDOM % 20))" "type=idle" "page_index=$RANDOM" "$(head -c $((RANDOM % 200 + 1)) \
		/dev/urandom | tr -d '\0')" "priority=1 level=" "" /dev/ram0 "$(printf '%0*d' $((RANDOM % 4000)) 1)")
	file=${ids[RANDOM % ${#ids[@]}]}/${names[RANDOM % ${#names[@]}]}
	# Random bytes can be any error's name; only that we come back counts.
	store_errno "$file" "${values[RANDOM % ${#values[@]}]}" >/dev/null
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

soak_processors()
{
	soak_store $soak_cpu 0
	soak_pause 20
	soak_store $soak_cpu 1
	soak_pause 40
}

# A block that stays online for lack of room elsewhere is no failure: those that
# went are counted.
soak_memory()
{
	local blocks b

	mapfile -t blocks < <(memory_plugged)
	b=${blocks[RANDOM % ${#blocks[@]}]}
	if timeout 60 bash -c "echo offline >$b/state" 2>/dev/null; then
		echo gone >>"$tap_scratch/memory.gone"
		soak_pause 10
	fi
	[[ $(<"$b/state") == online ]] || echo online_movable >"$b/state"
	soak_pause 30
}
