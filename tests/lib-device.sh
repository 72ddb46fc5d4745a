# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# For test files, after lib.sh: what several of them do with a device. Filling
# it with pages of every size, listing and moving its page frames, and the
# checks that every test ends with.

zm_tools=${ZM_TOOLS:-$ZM_TOP/build/tools}
zm_mover=/sys/kernel/debug/zm_mover

# zm_map N: the device's page frames, a line each, without the header
zm_map()
{
	grep -v '^#' "/sys/kernel/debug/zmalloc/$zm_name$1/zspages"
}

zm_pfns()
{
	zm_map "$1" | cut -d' ' -f1
}

# zm_odd_frames N: how many frames the device has, and then those of them that are mapped,
# or that the kernel's page flags show as anything but a page of nobody.
zm_odd_frames()
{
	zm_pfns "$1" | /usr/bin/python3 -c '
import struct
import sys

# lru, active, slab, writeback, buddy, mmap, anon, compound head and tail, huge,
# hwpoison, ksm, offline, pgtable
foreign = sum(1 << bit for bit in (5, 6, 7, 8, 10, 11, 12, 15, 16, 17, 19, 21, 23, 26))
with open("/proc/kpagecount", "rb") as counts, open("/proc/kpageflags", "rb") as flags:
    pfns = [int(line) for line in sys.stdin]
    print(len(pfns))
    for pfn in pfns:
        counts.seek(pfn * 8)
        flags.seek(pfn * 8)
        count, = struct.unpack("Q", counts.read(8))
        word, = struct.unpack("Q", flags.read(8))
        if count or word & foreign:
            print(pfn, count, hex(word))'
}

# zm_in_use N COLUMN: the total of zspages (2), objects (3) or pages (4)
zm_in_use()
{
	awk -v column="$2" '$1 == "total" { print $column }' \
		"/sys/kernel/debug/zmalloc/$zm_name$1/classes"
}

move_stat()
{
	stat_get "$(zm_sys "$1")/move_stat" "$2"
}

# repeat_until TIMES CONDITION COMMAND...: the command, so often at most, until the
# expression CONDITION is true after it: for what a slow machine does too little of in one
# time. Fails when the command does; that it happened is the caller's to check.
repeat_until()
{
	local round

	for ((round = 0; round < $1; round++)); do
		"${@:3}" || return
		! eval "$2" || break
	done
}

# pressure_mib MORE: how many MiB to ask for in a guest of 512 for swap to be under pressure.
# A kernel that checks everything is slow to swap and takes much for itself: MORE than it
# has left, then.
pressure_mib()
{
	local mib=480

	(($(param slow 1) == 1)) || mib=$(($(meminfo_get MemAvailable) / 1024 + $1))
	echo $((mib < 480 ? mib : 480))
}

# zm_fill_sizes N PAGES [SEED]: pages whose compressed sizes spread over all
# classes, from same-filled to incompressible.
zm_fill_sizes()
{
	/usr/bin/python3 - "/dev/$zm_name$1" "$2" "${3:-1}" <<'PYTHON'
import random
import sys

device, pages, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
rng = random.Random(seed)
with open(device, "r+b", buffering=0) as disk:
    for page in range(pages):
        noise = rng.randrange(0, 4097)
        disk.write(rng.randbytes(noise) + bytes([page % 256]) * (4096 - noise))
PYTHON
	zm_flush "$1"
}

# zm_block_state N: debugfs' list of slots in use
zm_block_state()
{
	cat "/sys/kernel/debug/$zm_name/$zm_name$1/block_state"
}

# zm_slots N FLAGS FIRST END: how many slots of that range have flags that match
# the regular expression
zm_slots()
{
	zm_block_state "$1" | awk -v flags="$2" -v first="$3" -v end="$4" \
		'$1 >= first && $1 < end && $3 ~ flags { n++ } END { print n + 0 }'
}

# Writes back and forgets the block device's page cache.
zm_flush()
{
	blockdev --flushbufs "/dev/$zm_name$1"
}

zm_checksum()
{
	dd if="/dev/$zm_name$1" bs=1M iflag=direct status=none ${2:+count="$2"} | md5sum
}

# ---- fault injection -------------------------------------------------------

fault_budget=100000000

# fault_set DIR PERCENT: sets up the fault attribute with that folder in debugfs
fault_set()
{
	echo 0 >"$1/verbose"
	echo 1 >"$1/interval"
	echo $fault_budget >"$1/times"
	echo "$2" >"$1/probability"
}

# fault_set_alloc NAME PERCENT: the same of an allocator's, for allocations of every kind,
# but only of tasks that ask for it; false if the kernel cannot do that
fault_set_alloc()
{
	local dir=/sys/kernel/debug/$1

	[[ -d $dir ]] || return
	echo Y >"$dir/task-filter"
	echo N >"$dir/ignore-gfp-wait"
	[[ ! -e $dir/min-order ]] || echo 0 >"$dir/min-order"
	[[ ! -e $dir/cache-filter ]] || echo N >"$dir/cache-filter"
	fault_set "$dir" "$2"
}

# fault_stop DIR...
fault_stop()
{
	local dir

	for dir; do
		echo 0 >"$dir/probability"
	done
}

# fault_count DIR: how often it happened
fault_count()
{
	echo $((fault_budget - $(<"$1/times")))
}

zm_faults=/sys/kernel/debug/zmalloc-faults

# windows_open PERCENT SITE...: the driver's own delays (include/linux/zmalloc_fault.h), so
# often, on a kernel that has fault injection
windows_open()
{
	local site

	[[ -d $zm_faults ]] || return 0
	echo 1000 >$zm_faults/delay_us
	for site in "${@:2}"; do
		fault_set "$zm_faults/$site" "$1"
	done
}

# windows_close SITE...: and a check for each that it was made use of
windows_close()
{
	local site

	[[ -d $zm_faults ]] || return 0
	for site; do
		num "$(fault_count "$zm_faults/$site")" -gt 0 "$site: it happened"
		cover delayed "$(fault_count "$zm_faults/$site")"
		fault_stop "$zm_faults/$site"
	done
	echo 100 >$zm_faults/delay_us
}

# ---- load ------------------------------------------------------------------

# Files come and go, because memory that is compacted once stays so until somebody
# punches holes into it. Beside compact_loop_start, which moves their pages too: smaller
# files where that takes long, and never so large that /tmp has no room for what others say.
churn_start()
{
	local room=$(($(df --output=avail --block-size=M /tmp | tr -cd 0-9) * 3 / 4))
	local size=$((250 / $(param slow 1)))

	size=$((size < room ? size : room))M
	rm -f "$tap_scratch/churn.stop"
	(
		until [[ -e $tap_scratch/churn.stop ]]; do
			head -c "$size" /dev/zero >/tmp/churn
			sleep 0.5
			rm /tmp/churn
		done
	) &
	churn_pid=$!
}

churn_stop()
{
	touch "$tap_scratch/churn.stop"
	wait "$churn_pid"
}

zm_fio()
{
	fio --max-jobs=16 --output="$tap_scratch/fio.out" "$ZM_TOP/fio-jobs/$1.fio" \
		>"$tap_scratch/fio.err" 2>&1 && return
	tail -n 5 "$tap_scratch/fio.err" "$tap_scratch/fio.out"
	return 1
}

zm_nr_zspages()
{
	# With one processor there is nothing to fold.
	[[ ! -e /proc/sys/vm/stat_refresh ]] || echo 1 >/proc/sys/vm/stat_refresh
	vmstat_get nr_zspages
}

# What is true of an empty device, whatever happened to it before.
zm_check_empty()
{
	local n=$1

	wait_until 10 eval "[[ \$(zm_in_use $n 2)/\$(zm_in_use $n 4) == 0/0 ]]"
	is "$(zm_in_use "$n" 2)/$(zm_in_use "$n" 3)/$(zm_in_use "$n" 4)" 0/0/0 \
		"no zspage, no object and no page of any class is left"
	wait_until 10 eval "[[ \$(mm_stat $n mem_used_total) == 0 ]]"
	is "$(mm_stat "$n" mem_used_total)" 0 "no page is left"
	is "$(mm_stat "$n" orig_data_size)/$(mm_stat "$n" compr_data_size)" 0/0 \
		"sizes are back to 0"
	is "$(mm_stat "$n" same_pages)/$(mm_stat "$n" huge_pages)" 0/0 \
		"page counts are back to 0"
	is "$(move_stat "$n" corrupt)" 0 "no object header was overwritten"
}

# The kernel shows a count below zero as 0; but it names it in its log when it is asked to
# add the processors' shares.
zm_negative_counts()
{
	[[ -e /proc/sys/vm/stat_refresh ]] || return 0
	dmesg_mark
	echo 1 >/proc/sys/vm/stat_refresh
	dmesg_since_mark | grep -oE 'vmstat_refresh: nr_(isolated|zspages).*'
}

# Discards all of a device, then checks it and the system, then unloads.
zm_check_end()
{
	local n=$1

	compact_loop_stop
	ok blkdiscard -f "/dev/$zm_name$n" "discard everything"
	zm_check_empty "$n"
	ok zm_unload "the modules unload"
	wait_until 5 eval '[[ $(zm_nr_zspages) == 0 ]]'
	is "$(zm_nr_zspages)" 0 "the zones' page counts are back to 0"
	wait_until 5 eval '[[ ! $(zm_negative_counts) ]]'
	is "$(zm_negative_counts)" "" "and none of them, nor of isolated pages, is below 0"
	num "$(vmstat_get nr_isolated_anon)" -lt 512 "NR_ISOLATED_ANON is near 0"
	num "$(vmstat_get nr_isolated_file)" -lt 512 "NR_ISOLATED_FILE is near 0"
}
