#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# needs: mem=1G cpus=2 timeout=450
# fails-if: in 60 seconds of two verifying jobs under compaction an error shows,
# fails-if: or fewer than 20 000 of the device's pages move.
#
# The long one: two jobs, a minute, compaction all the time. Where the processors are
# shared with others, a minute may not do for the moves; it has up to four.
. "$ZM_TOP/tests/lib.sh"
. "$ZM_TOP/tests/lib-device.sh"

export ZM_DEV=/dev/zmram0 ZM_SIZE=100m
zm_load
zm_setup 0 256M
before=$(vmstat_get pgmigrate_success)
churn_start
compact_loop_start
ok repeat_until 4 '(($(move_stat 0 migrated) >= 20000))' zm_fio smoke60 \
	"60 seconds of fio verify, two jobs, under compaction"
compact_loop_stop
churn_stop
diag "$(tr '\n' ' ' </sys/block/zmram0/move_stat)"
num "$(move_stat 0 migrated)" -ge 20000 "at least 20 000 pages of the device moved"
num "$(vmstat_get pgmigrate_success)" -ge $((before + 20000)) "and the VM says so"
zm_check_end 0
tap_done
