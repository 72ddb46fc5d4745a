#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# needs: mem=1G cpus=1 timeout=600
# fails-if: an attribute answers a bad value, or a good one at the wrong time, with
# fails-if: another error than zram, changes something all the same, or is not in the
# fails-if: table.
#
# Bad input to every writable attribute, held against tests/bad-input.table: first
# on in-tree zram, to know that the table tells the truth, then on ours.
. "$ZM_TOP/tests/lib.sh"
. "$ZM_TOP/tests/lib-device.sh"

# bad_input OPTION...: its checks become ours
bad_input()
{
	local out=$tap_scratch/bad-input

	"$ZM_TOP/tests/bad-input" --series "$ZM_KVER" --first $((tap_count + 1)) "$@" \
		"$ZM_TOP/tests/bad-input.table" 2>&1 | tee "$out"
	tap_count=$((tap_count + $(grep -cE '^(not )?ok ' "$out")))
	tap_failed=$((tap_failed + $(grep -c '^not ok ' "$out")))
	is "$(grep -c '^Traceback' "$out")" 0 "all attributes were tried"
}

# A backing device, where one is taken.
modprobe brd rd_nr=1 rd_size=32768
if modprobe zram; then
	nok test -e /sys/block/zram0/resize "zram is the kernel's own"
	bad_input --prefix zram --in-tree
	rmmod zram
else
	skip "this kernel has no in-tree zram to compare with"
fi
zm_load
bad_input
zm_setup 0 64M
zm_check_end 0
tap_done
