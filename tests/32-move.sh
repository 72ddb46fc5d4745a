#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# needs: mem=1G cpus=2 timeout=300
# fails-if: moving a page of any class and position damages an object, loses a
# fails-if: reference, or leaves a counter behind.
#
# Moves every page of a device that holds objects of all sizes, one by one.
. "$ZM_TOP/tests/lib.sh"
. "$ZM_TOP/tests/lib-device.sh"
. "$ZM_TOP/tests/lib-peers.sh"

move_all()
{
	local pfn moved=0 stuck=0

	while read -r pfn; do
		# Some pageblocks cannot be isolated at all, whatever lies on the frame
		# in question: the driver is not even asked. Others are busy: ask again.
		if echo "$pfn" >$zm_mover/move || echo "$pfn" >$zm_mover/move ||
			echo "$pfn" >$zm_mover/move; then
			moved=$((moved + 1))
		else
			stuck=$((stuck + 1))
		fi
	done < <(zm_pfns 0) 2>/dev/null
	echo "$moved $stuck"
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
is "$(zm_odd_frames 0)" "" "no frame has a map count or another owner's mark"
rmmod zm_mover
zm_fill_sizes 0 1200 2
zm_check_end 0
tap_done
