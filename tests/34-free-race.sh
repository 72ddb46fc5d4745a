#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# needs: mem=1G cpus=2 timeout=300
# fails-if: a zspage that becomes empty while one of its pages is isolated is
# fails-if: lost or freed twice.
#
# Zspages come and go while their pages are isolated and moved. What becomes of one
# that goes while a page of it is locked, 35-hold knows for certain.
. "$ZM_TOP/tests/lib.sh"
. "$ZM_TOP/tests/lib-device.sh"

fill_and_discard()
{
	local end=$((SECONDS + 40)) i=0

	while ((SECONDS < end)); do
		"$zm_tools/devfill" --dev /dev/zmram0 --mib 48 --seed $((i++)) || return
		zm_fill_sizes 0 300 $i || return
		blkdiscard -f /dev/zmram0 || return
	done
}

zm_load
zm_setup 0 64M
churn_start
compact_loop_start
# Again where compaction finds little room, or two processors seldom meet.
ok repeat_until 6 \
	'(($(move_stat 0 migrated) > 1000 && $(move_stat 0 released_isolated) > 0))' \
	fill_and_discard "fill and discard under compaction"
compact_loop_stop
churn_stop
diag "$(tr '\n' ' ' </sys/block/zmram0/move_stat)"
num "$(move_stat 0 migrated)" -gt 1000 "pages moved"
num "$(move_stat 0 released_isolated)" -gt 0 "pages were freed while isolated"
zm_check_end 0
tap_done
