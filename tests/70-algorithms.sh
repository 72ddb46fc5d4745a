#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# needs: mem=1G cpus=1 timeout=500
# fails-if: an algorithm's result differs from the library's own, or does not
# fails-if: verify while pages move; a parameter is ignored, leaks, or is refused
# fails-if: with another errno; data that was written over is taken for a page.
#
# Every algorithm that comp_algorithm lists, with its parameters.
. "$ZM_TOP/tests/lib.sh"
. "$ZM_TOP/tests/lib-device.sh"

sys=/sys/block/zmram0
features=/sys/class/zmram-control/features
codec=/sys/kernel/debug/zm_codec
helper=$ZM_TOP/tests/algorithms.py
data=$tap_scratch/corpus
pages=128

# store ATTRIBUTE VALUE WANTED
store()
{
	is "$(store_errno "$sys/$1" "$2")" "$3" "$1 <- '${2:0:60}' is $3"
}

algorithms()
{
	tr -d '[]' <$sys/comp_algorithm
}

# feature NAME: the words of one line of features
feature()
{
	sed -n "s/^$1 //p" $features
}

# takes ALGORITHM PARAMETER
takes()
{
	[[ " $(feature "algorithm_params.$2") " == *" $1 "* ]]
}

check_lists()
{
	local name library

	is "$(cat $sys/comp_algorithm)" "[$(feature comp_algorithm | sed 's/ /] /') " \
		"features lists what comp_algorithm does, lz4 chosen"
	while read -r name library; do
		modprobe -n "$library" 2>/dev/null || continue
		like " $(algorithms)" " $name " "the kernel has $library, and so have we $name"
	done <<-END
		lz4 lz4_compress
		lz4hc lz4hc_compress
		lzo-rle lzo_compress
		lzo lzo_compress
		zstd zstd_compress
		deflate zlib_deflate
		842 842_compress
	END
	is "$(awk 'NF < 2' $features)" "" "every line of features says something"
	is "$(stat -c %a $features)" 444 "features is read-only"
	for name in level dict deflate.winbits; do
		like " $(feature algorithm_params) " " $name " "algorithm_params takes $name"
	done
}

# fresh ALGORITHM [PARAMETERS]: a device of its own making
fresh()
{
	zm_dev_reset 0
	echo "$1" >$sys/comp_algorithm || return
	[[ ! ${2-} ]] || echo "$2" >$sys/algorithm_params || return
	echo 64M >$sys/disksize
}

write_corpus()
{
	dd if="$data" of="/dev/$1" bs=64K oflag=direct status=none
}

corpus_is_on()
{
	dd if="/dev/$1" bs=64K count=$((pages / 16)) iflag=direct status=none | cmp - "$data"
}

# library ALGORITHM LEVEL WINBITS DICT: bytes that the kernel's library makes
library()
{
	echo "${*:2}" >$codec/params
	cat "$data" >"$codec/$1" || return
	awk -v pages=$pages '$1 == pages { print $2 }' "$codec/$1"
}

# as_library ALGORITHM [LEVEL [WINBITS [DICT]]], - for the default. Leaves the
# size in $made.
as_library()
{
	local level=${2:--} winbits=${3:--} dict=${4:--} params='' desc

	[[ $level == - ]] || params+="level=$level "
	[[ $winbits == - ]] || params+="deflate.winbits=$winbits "
	[[ $dict == - ]] || params+="dict=$dict"
	desc="$1 ${params//$tap_scratch\//}"
	ok fresh "$1" "$params" "$desc: set up"
	write_corpus zmram0
	ok corpus_is_on zmram0 "$desc: reads back"
	made=$(mm_stat 0 compr_data_size)
	is "$made/$(mm_stat 0 huge_pages)" "$(library "$1" "$level" "$winbits" "$dict")/0" \
		"$desc: as large as the library makes it"
}

check_levels()
{
	local best name size

	for name in $(algorithms); do
		as_library "$name"
		diag "$name: $((pages * 4)) KiB become $((made / 1024))"
	done
	as_library lz4 1; size=$made
	as_library lz4 20
	num "$made" -gt "$size" "lz4: more acceleration, larger"
	as_library lz4hc 1; size=$made
	as_library lz4hc 16
	num "$made" -lt "$size" "lz4hc: a higher level, smaller"
	as_library zstd -5; size=$made
	as_library zstd 22; best=$made
	num "$best" -lt "$size" "zstd: a higher level, smaller"
	as_library zstd 1000
	is "$made" "$best" "zstd: a level beyond the last is the last"
	as_library deflate 1; size=$made
	as_library deflate 9
	num "$made" -lt "$size" "deflate: a higher level, smaller"
	as_library deflate - 9; size=$made
	as_library deflate 6 15
	num "$made" -lt "$size" "deflate: a larger window, smaller"
}

# All at once, each with its own algorithm.
check_side_by_side()
{
	local devices=() i name names

	read -ra names <<<"$(algorithms)"
	for name in "${names[@]}"; do
		i=$(cat /sys/class/zmram-control/hot_add)
		devices+=("$i")
		echo "$name" >"/sys/block/zmram$i/comp_algorithm"
		echo 64M >"/sys/block/zmram$i/disksize"
	done
	for i in "${devices[@]}"; do
		write_corpus "zmram$i" &
	done
	wait
	for i in "${!devices[@]}"; do
		ok corpus_is_on "zmram${devices[i]}" "${names[i]}, beside the others, reads back"
		is "$(mm_stat "${devices[i]}" compr_data_size)" "$(library "${names[i]}" - - -)" \
			"${names[i]}, beside the others, is as large as alone"
		echo "${devices[i]}" >/sys/class/zmram-control/hot_remove
	done
}

check_dictionaries()
{
	local bytes dict name plain

	for bytes in 5 3000 65536 200000; do
		"$helper" dictionary "$tap_scratch/dict$bytes" $bytes
	done
	for name in $(feature algorithm_params.dict); do
		plain=$(library "$name" - - -)
		for bytes in 5 3000 65536 200000; do
			as_library "$name" - - "$tap_scratch/dict$bytes"
			((bytes < 1000)) || num "$made" -lt "$plain" "$name: a dictionary of $bytes bytes helps"
		done
	done
	if takes zstd dict; then
		for level in -5 1 12 16 19 22; do
			as_library zstd $level - "$tap_scratch/dict65536"
		done
		as_library zstd 22 - "$tap_scratch/dict5"
		as_library zstd 22 - "$tap_scratch/dict200000"
	fi
	as_library lz4hc 4 - "$tap_scratch/dict65536"
	as_library lz4 10 - "$tap_scratch/dict65536"
}

# Parameters that no write of algorithm_params takes.
refused_params()
{
	local bad

	zm_dev_reset 0
	head -c 1048577 /dev/urandom >"$tap_scratch/large"
	: >"$tap_scratch/empty"
	for bad in level level= =5 nonsense=1 level=x level=1x level=0x5 'level= 5' \
		priority= priority=-1 priority=4 priority=x algo=nonsense algo=zstd \
		dict= dict=/nonexistent dict=/tmp dict=/dev/null "dict=$tap_scratch/empty" \
		"dict=$tap_scratch/large" winbits=9 deflate.winbits=x deflate.winbits=; do
		store algorithm_params "$bad" EINVAL
	done
	for bad in level=2147483648 level=-2147483649 priority=99999999999 \
		deflate.winbits=99999999999; do
		store algorithm_params "$bad" ERANGE
	done
	for good in '' ' ' level=1 'level=1 level=2' 'algo=lz4 level=3' 'priority=3 level=1' \
		'priority=9 algo=lz4' "priority=0 dict=$tap_scratch/dict5" 'level=-2147483648'; do
		store algorithm_params "$good" ok
	done
}

# size_with ALGORITHM PARAMETERS WANTED [LOG]: what disksize says of them
size_with()
{
	local log

	zm_dev_reset 0
	echo "$1" >$sys/comp_algorithm
	store algorithm_params "$2" ok
	dmesg_mark
	store disksize 16M "$3"
	log=$(dmesg_since_mark | grep -c "zmram0: $1")
	is "$log" "${4-0}" "$1, $2: so many lines about it"
	is "$(cat $sys/initstate)" "$([[ $3 == ok ]]; echo $((!$?)))" "$1, $2: and so initstate"
}

# Parameters that the algorithm cannot do: the device stays without a size.
check_refusals()
{
	local bad

	for bad in level=10 level=-2 deflate.winbits=8 deflate.winbits=-8 deflate.winbits=0 \
		deflate.winbits=16 deflate.winbits=-16 'level=9 deflate.winbits=-2147483647'; do
		size_with deflate "$bad" EINVAL 1
	done
	store algorithm_params level=9 ok
	store disksize 16M ok
	printf '\x37\xa4\x30\xecnonsense' >"$tap_scratch/broken"
	size_with zstd "dict=$tap_scratch/broken" EINVAL 1
	takes zstd dict || size_with zstd "dict=$tap_scratch/dict3000" EINVAL 1
	# Those of a second algorithm count as much.
	zm_dev_reset 0
	store recomp_algorithm 'algo=zstd priority=2' ok
	store algorithm_params "algo=zstd dict=$tap_scratch/broken" ok
	store disksize 16M EINVAL
	store algorithm_params 'priority=2 level=5' ok
	store disksize 16M ok
	# What it has no use for is ignored, as by zram, but not silently.
	size_with lzo "level=3 dict=$tap_scratch/dict3000 deflate.winbits=99" ok 1
	size_with lz4 deflate.winbits=99 ok 1
	size_with lz4 level=-3 ok
	size_with lz4 level=2147483647 ok
}

# The last write counts, a refused one changes nothing, a reset forgets.
check_replacing()
{
	local level9 plain

	level9=$(library deflate 1 - -)
	plain=$(library deflate - - -)
	fresh deflate level=1
	store algorithm_params level=2 EBUSY
	store algorithm_params "dict=$tap_scratch/dict5" EBUSY
	store algorithm_params level=x EINVAL
	write_corpus zmram0
	is "$(mm_stat 0 compr_data_size)" "$level9" "refused when sized, it keeps what it had"
	zm_dev_reset 0
	echo deflate >$sys/comp_algorithm
	echo 64M >$sys/disksize
	write_corpus zmram0
	is "$(mm_stat 0 compr_data_size)" "$plain" "a reset forgets the parameters"

	zm_dev_reset 0
	echo deflate >$sys/comp_algorithm
	store algorithm_params 'level=9 deflate.winbits=15' ok
	store algorithm_params 'algo=deflate level=1' ok
	store algorithm_params 'level=4 nonsense=1' EINVAL
	store algorithm_params "level=4 dict=/nonexistent" EINVAL
	store algorithm_params 'priority=1 level=4' ok
	echo 64M >$sys/disksize
	write_corpus zmram0
	is "$(mm_stat 0 compr_data_size)" "$level9" "the last good write of this priority counts"
}

vmalloc_kib()
{
	meminfo_get VmallocUsed
}

check_dictionary_memory()
{
	local before i

	"$helper" dictionary "$tap_scratch/dict1M" 1048576
	zm_dev_reset 0
	before=$(vmalloc_kib)
	for i in {1..8}; do
		echo "dict=$tap_scratch/dict1M" >$sys/algorithm_params
		echo "priority=2 dict=$tap_scratch/dict1M" >$sys/algorithm_params
		((i % 4)) || { echo 16M >$sys/disksize; write_corpus zmram0; zm_dev_reset 0; }
	done
	echo "dict=$tap_scratch/dict1M" >$sys/algorithm_params
	# Or a little less: stacks of processes that ended before are among it, and go late.
	num $(($(vmalloc_kib) - before)) -ge 960 "a dictionary of 1 MiB takes 1 MiB"
	num $(($(vmalloc_kib) - before)) -lt 2048 "and those before it take nothing"
	zm_dev_reset 0
	num $(($(vmalloc_kib) - before)) -lt 512 "nor does it after a reset"
}

# Moves every page frame of the device, again and again: what the VM compacts
# once stays so.
mover_start()
{
	(
		while :; do
			for pfn in $(zm_pfns 0); do
				echo "$pfn" >$zm_mover/move
			done
		done 2>/dev/null
	) &
	mover_pid=$!
}

mover_stop()
{
	kill "$mover_pid"
	wait "$mover_pid" 2>/dev/null
}

check_while_moving()
{
	local name

	insmod "$ZM_BUILD/tests/modules/zm_mover.ko"
	export ZM_DEV=/dev/zmram0 ZM_SIZE=8m ZM_RUNTIME=3
	for name in $(algorithms); do
		fresh "$name"
		mover_start
		ok zm_fio randmix-verify "$name: fio verifies while pages move"
		mover_stop
		num "$(move_stat 0 migrated)" -gt 20 "$name: pages moved meanwhile"
		is "$(awk '{print $1+0 "/" $2+0}' $sys/io_stat)" 0/0 "$name: no I/O failed"
	done
	rmmod zm_mover
}

# survives_damage ALGORITHM [PARAMETERS]
survives_damage()
{
	local desc="$1${2+ with a dictionary}" failed

	ok fresh "$@" "$desc: set up"
	ok "$helper" corrupt zmram0 "$1" "$data" "$desc: writes over compressed data"
	cat "$tap_scratch/out" >"$tap_scratch/corrupt"
	diag "$desc: $(tr '\n' ' ' <"$tap_scratch/corrupt")"
	is "$(stat_get "$tap_scratch/corrupt" short)" EIO "$desc: less than a page is an error"
	is "$(stat_get "$tap_scratch/corrupt" back)" yes "$desc: and that of this page alone"
	failed=$(awk '/^noise/ { print $3 + 1 }' "$tap_scratch/corrupt")
	is "$(awk '{print $1+0}' $sys/io_stat)" "$failed" "$desc: each error was counted"
}

# Compressed data that somebody wrote over, page frame by hand.
check_corruption()
{
	local name

	zm_unload && zm_load movable=0
	insmod "$ZM_BUILD/tests/modules/zm_frame.ko"
	for name in $(algorithms); do
		survives_damage "$name"
	done
	for name in $(feature algorithm_params.dict); do
		survives_damage "$name" "dict=$tap_scratch/dict3000"
	done
	rmmod zm_frame
}

"$helper" corpus "$data" $pages
zm_load
ok insmod "$ZM_BUILD/tests/modules/zm_codec.ko" "load the library's caller"
check_lists
check_levels
check_side_by_side
check_dictionaries
refused_params
check_refusals
check_replacing
check_dictionary_memory
rmmod zm_codec
check_while_moving
check_corruption
zm_check_end 0
tap_done
