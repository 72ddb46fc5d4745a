#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# needs: mem=1G cpus=2 timeout=300
# fails-if: a page of some class and position cannot be moved, or moving it damages an
# fails-if: object, loses a reference, or leaves a counter behind.
#
# Moves every page of a device that holds objects of all sizes, one by one.
. "$ZM_TOP/tests/lib.sh"
. "$ZM_TOP/tests/lib-device.sh"
. "$ZM_TOP/tests/lib-peers.sh"

# move_all [FILE]: only of the sizes and positions there; adds those of what has moved to
# the file "moved", and prints how many have, and how many not.
move_all()
{
	local pfn size pos moved=0 stuck=0

	# From a file: the buffers of a pipe make the pageblocks that they lie in unmovable.
	zm_map 0 | awk 'NR == FNR && FILENAME != "-" { only[$0]; some = 1; next }
		!some || $2 " " $3 in only' ${1+"$1"} - >"$tap_scratch/map"
	while read -r pfn size pos _; do
		# Some pageblocks cannot be isolated at all, whatever lies on the frame
		# in question: the driver is not even asked. Others are busy: ask again.
		if echo "$pfn" >$zm_mover/move || echo "$pfn" >$zm_mover/move ||
			echo "$pfn" >$zm_mover/move; then
			moved=$((moved + 1))
			echo "$size $pos" >&3
		else
			stuck=$((stuck + 1))
		fi
	done <"$tap_scratch/map" 2>/dev/null 3>>"$tap_scratch/moved"
	echo "$moved $stuck"
}

# Prints the sizes and positions of which no page has moved.
unmoved()
{
	comm -23 <(zm_map 0 | cut -d' ' -f2,3 | sort -u) <(sort -u "$tap_scratch/moved")
}

# The same sizes on other frames: some frames cannot be moved, whatever lies there.
move_the_rest()
{
	local sum

	unmoved >"$tap_scratch/rest"
	blkdiscard -f /dev/zmram0 && zm_fill_sizes 0 1200 || return
	sum=$(zm_checksum 0)
	move_all "$tap_scratch/rest" >/dev/null
	[[ $(zm_checksum 0) == "$sum" ]]
}

# Memory that nobody has for good, in KiB. Slabs keep what KASAN holds back; and loading a
# module makes the kernel give up address ranges kept for later, which have a shadow.
idle_memory()
{
	insmod "$ZM_BUILD/tests/modules/zm_frame.ko" && rmmod zm_frame
	echo 3 >/proc/sys/vm/drop_caches
	echo $(($(free_memory) + $(meminfo_get Slab)))
}

zm_load
ok insmod "$ZM_BUILD/tests/modules/zm_mover.ko" "load the page mover"
zm_setup 0 64M
zm_fill_sizes 0 1200
num "$(awk '$1 ~ /^[0-9]+$/' /sys/kernel/debug/zmalloc/zmram0/classes | wc -l)" -gt 60 \
	"objects of more than 60 classes"
idle_before=$(idle_memory)
sum=$(zm_checksum 0)
pages=$(zm_in_use 0 4)
objects=$(zm_in_use 0 3)
total=0
for round in 1 2 3; do
	read -r moved stuck < <(move_all)
	diag "round $round: $moved of $pages moved, $stuck not"
	num $((moved * 100)) -ge $((pages * 25)) "round $round: a quarter of the pages moved at least"
	total=$((total + moved))
	is "$(zm_checksum 0)" "$sum" "round $round: the data is as it was"
done
num "$(move_stat 0 migrated)" -ge "$total" "move_stat counts them"
num "$(move_stat 0 handles_rewritten)" -ge "$total" "and the handles"
is "$(zm_in_use 0 3)/$(zm_in_use 0 4)" "$objects/$pages" "objects and pages are as many as before"
is "$(zm_nr_zspages)" "$pages" "and so says the zone"
num "$(idle_memory)" -gt $((idle_before - 6144)) "no page of memory was lost"
is "$(zm_odd_frames 0)" "$pages" "no frame has a map count or another owner's mark"
diag "$(sort -u "$tap_scratch/moved" | wc -l) sizes and positions moved, not yet: $(unmoved | paste -sd,)"
ok repeat_until 10 '[[ ! $(unmoved) ]]' move_the_rest "the rest on other frames, the data as it was"
is "$(unmoved)" "" "pages of every class and position have moved"
num "$(sort -u "$tap_scratch/moved" | wc -l)" -gt 200 "which are many"
rmmod zm_mover
zm_fill_sizes 0 1200 2
zm_check_end 0
tap_done
