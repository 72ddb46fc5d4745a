#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# needs: mem=1G cpus=2 timeout=300
# fails-if: a page is moved under a reader or writer, or a busy object makes a
# fails-if: move fail for good.
#
# A few pages, always being read and written, are moved all the time, by one who wants
# them and then by two: what one of these has isolated, the other must not get.
. "$ZM_TOP/tests/lib.sh"
. "$ZM_TOP/tests/lib-device.sh"
. "$ZM_TOP/tests/lib-callers.sh"

# Moves the device's frames, whichever they are just now, until told to stop.
mover_loop()
{
	local pfn

	until [[ -e $tap_scratch/stop ]]; do
		# Through a file, as in 32-move: the buffers of a pipe are in the way.
		zm_pfns 0 >"$tap_scratch/pfns"
		while read -r pfn; do
			echo "$pfn" >$zm_mover/move
		done <"$tap_scratch/pfns"
	done 2>/dev/null
}

run_case()
{
	rm -f "$tap_scratch/stop"
	mover_loop &
	ok "${@:1:$#-1}" "${!#}"
	touch "$tap_scratch/stop"
	wait $!
}

zm_load
ok insmod "$ZM_BUILD/tests/modules/zm_mover.ko" "load the page mover"
zm_dev_reset 0
# Slow to decompress: who reads has the object for long.
echo zstd >/sys/block/zmram0/comp_algorithm
echo 64M >/sys/block/zmram0/disksize
run_case "$zm_tools/diopattern" --dev /dev/zmram0 --size-mib 1 --threads 2 --seconds 25 \
	--buf-align 4096 --no-discard --seed 7 "two threads on 1 MiB while its pages are moved"
run_case "$zm_tools/diopattern" --dev /dev/zmram0 --size-mib 1 --threads 3 --seconds 15 --shared \
	--seed 8 "three threads on the same 1 MiB, discards among them"
blkdiscard -f /dev/zmram0
export ZM_DEV=/dev/zmram0 ZM_SIZE=64k ZM_RUNTIME=20
# Where two processors of the guest share one of the machine, they meet seldom.
met='(($(move_stat 0 migrated) > 500 && ($(nproc) == 1 || $(move_stat 0 busy) > 0)))'
run_case repeat_until 5 "$met" zm_fio randmix-verify \
	"fio on 2 x 64 KiB while its pages are moved"
diag "$(tr '\n' ' ' </sys/block/zmram0/move_stat)"
num "$(move_stat 0 migrated)" -gt 500 "pages moved"
if (($(nproc) > 1)); then
	num "$(move_stat 0 busy)" -gt 0 "and some were found busy"
else
	skip "with one processor nobody is in the middle of it when a page is moved"
fi

blkdiscard -f /dev/zmram0
callers_start
compact_loop_start 0.1
churn_start
both='(($(moved_by compact_zone) > 10 && $(moved_by "alloc_contig_.*") > 10))'
run_case repeat_until 6 "$both" "$zm_tools/diopattern" --dev /dev/zmram0 --size-mib 2 --threads 2 \
	--seconds 10 --seed 9 "and while memory is compacted, too"
compact_loop_stop
churn_stop
if [[ -e $zm_migrate_event/hist ]]; then
	num "$(moved_by compact_zone)" -gt 10 "compaction moved some of the pages"
	num "$(moved_by "alloc_contig_.*")" -gt 10 "and the mover others"
else
	skip "this kernel does not count who moved how many"
fi
diag "$(moved_by compact_zone), $(moved_by "alloc_contig_.*")"
callers_stop
rmmod zm_mover
zm_check_end 0
tap_done
