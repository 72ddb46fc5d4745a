#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# needs: mem=1G,slots=2,maxmem=3G cpus=2 timeout=500 qemu=-object memory-backend-ram,id=hot0,size=512M -device pc-dimm,id=dimm0,memdev=hot0
# allows: migration failure|migrating pfn|unmovable page|isolation failed
# fails-if: a memory block that holds the device's pages cannot be offlined while
# fails-if: I/O runs, or the I/O sees wrong data.
#
# Offlining hot-plugged, movable memory under I/O, block by block.
. "$ZM_TOP/tests/lib.sh"
. "$ZM_TOP/tests/lib-device.sh"

# Frames of the device inside memory block $1.
frames_in()
{
	local per=$((16#$(<"$memory_blocks/block_size_bytes") / 4096)) nr=${1##*/memory}

	zm_pfns 0 | awk -v lo=$((nr * per)) -v hi=$(((nr + 1) * per)) \
		'$1 >= lo && $1 < hi { n++ } END { print n + 0 }'
}

offline()
{
	timeout 100 bash -c "echo offline >$1/state"
}

# Requests that the device has served.
requests()
{
	awk '{ print $1 + $5 }' /sys/block/zmram0/stat
}

# io_until_stopped MIB: verified I/O from there on
io_until_stopped()
{
	until [[ -e $tap_scratch/stop ]]; do
		fio --max-jobs=16 --output=/dev/null --offset="$1m" "$ZM_TOP/fio-jobs/seq-verify.fio" \
			>"$tap_scratch/fio.$1" 2>&1 || return
	done
}

memory_make_movable
movable=$(memory_movable)
isnt "$movable" "" "hot-plugged memory is online and movable" || bail "no movable memory"

zm_load
zm_setup 0 768M
ok "$zm_tools/devfill" --dev /dev/zmram0 --mib 256 "fill the device"
total=0
for b in $movable; do
	total=$((total + $(frames_in "$b")))
done
num "$total" -gt 1000 "pages of the device lie in movable memory"
# Time for a pass or more: what is cut short has read nothing back.
export ZM_DEV=/dev/zmram0 ZM_SIZE=24m ZM_RUNTIME=$((15 * $(param slow 1)))
before=$(requests)
declare -A io
for mib in 512 640; do
	io_until_stopped $mib &
	io[$mib]=$!
done
ok wait_until $((60 * $(param slow 1))) eval '(($(requests) > before))' "I/O is going on"
rounds=0
failed=0
under_io=0
end=$((SECONDS + 45))
# On a busy machine a block takes 15 s.
while ((SECONDS < end || rounds < 4)); do
	for b in $movable; do
		frames=$(frames_in "$b")
		before=$(requests)
		offline "$b" || failed=$((failed + 1))
		((frames == 0 || $(requests) == before)) || under_io=$((under_io + 1))
		left=$(frames_in "$b")
		((left == 0)) || failed=$((failed + 1))
		diag "${b##*/}: $frames frames of the device before, $left after"
		echo online_movable >"$b/state"
		rounds=$((rounds + 1))
	done
done
is "$failed" 0 "every block could be offlined, again and again"
diag "$under_io of $rounds with frames in them, and requests served meanwhile"
num "$under_io" -gt 0 "blocks with the device's pages went while it served requests"
touch "$tap_scratch/stop"
for mib in "${!io[@]}"; do
	wait "${io[$mib]}"
	is $? 0 "fio at $mib MiB, running all the time, read what it wrote" ||
		diag "$(tail -n 5 "$tap_scratch/fio.$mib")"
done
ok "$zm_tools/devfill" --dev /dev/zmram0 --mib 256 --verify "the data written before is intact"
num "$(move_stat 0 migrated)" -gt 1000 "pages of the device moved"
zm_check_end 0
tap_done
