#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# needs: mem=1G cpus=2 timeout=200 append=zm.retires_frames
# allows: Soft offlining pfn|Memory failure|soft offline
# fails-if: a page frame of the device cannot be taken out of service, or its
# fails-if: data is damaged by that.
#
# Soft offline of frames that hold the device's objects: of a disk that nobody uses,
# and of one that is being read and written.
# In a guest of its own: a pageblock with a retired frame cannot be isolated any more.
. "$ZM_TOP/tests/lib.sh"
. "$ZM_TOP/tests/lib-device.sh"

# frames_of FILE: those listed there that are the device's still
frames_of()
{
	zm_pfns 0 | sort | comm -12 - <(sort "$1")
}

# Takes frames out of service, a few at a time because a disk in use has other ones
# soon, until told to stop. One that is refused, its objects being in use, is asked for
# until it goes; one that is somebody else's by now may be nobody's to move.
retire_loop()
{
	local round list=$tap_scratch/busy

	for ((round = 0; round < 60; round++)); do
		zm_pfns 0 | shuf -n 5 >"$list"
		while [[ -s $list ]]; do
			[[ ! -e $tap_scratch/stop ]] || return
			"$zm_tools/softoff" <"$list"
			frames_of "$list" >"$list.left"
			mv "$list.left" "$list"
		done
		echo "$round" >"$tap_scratch/rounds"
	done
}

[[ -e /sys/devices/system/memory/soft_offline_page ]] || skip_all "no soft offline in this kernel"
zm_load
zm_setup 0 64M
zm_fill_sizes 0 2048
sum=$(zm_checksum 0)
zm_pfns 0 | shuf -n 100 >"$tap_scratch/pfns"
is "$(wc -l <"$tap_scratch/pfns")" 100 "100 frames of the device are chosen"
ok "$zm_tools/softoff" --verbose <"$tap_scratch/pfns" "all of them are taken out of service"
num "$(meminfo_get HardwareCorrupted)" -ge 400 "the kernel has retired them"
num "$(move_stat 0 migrated)" -ge 100 "by moving the pages"
is "$(frames_of "$tap_scratch/pfns")" "" "the device uses none of them any more"
is "$(zm_checksum 0)" "$sum" "the data is as it was"

retired=$(meminfo_get HardwareCorrupted)
before=$(move_stat 0 migrated)
retire_loop >"$tap_scratch/retire.out" 2>&1 &
ok "$zm_tools/diopattern" --dev /dev/zmram0 --size-mib 4 --threads 2 --seconds 30 --seed 3 \
	"two threads use the disk while its frames are taken out of service"
touch "$tap_scratch/stop"
wait $!
num "$(cat "$tap_scratch/rounds")" -ge 4 "five at a time" || diag "$(cat "$tap_scratch/retire.out")"
num "$(meminfo_get HardwareCorrupted)" -ge $((retired + 60)) "the kernel has retired them"
num "$(move_stat 0 migrated)" -gt "$before" "by moving pages"
zm_check_end 0
tap_done
