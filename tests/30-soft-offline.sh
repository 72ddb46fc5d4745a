#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# needs: mem=1G cpus=2 timeout=200
# allows: Soft offlining pfn|Memory failure
# fails-if: a page frame of the device cannot be taken out of service, or its
# fails-if: data is damaged by that.
#
# Soft offline of frames that hold the device's objects.
. "$ZM_TOP/tests/lib.sh"
. "$ZM_TOP/tests/lib-device.sh"

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
is "$(zm_pfns 0 | sort | comm -12 - <(sort "$tap_scratch/pfns") | wc -l)" 0 \
	"the device uses none of them any more"
is "$(zm_checksum 0)" "$sum" "the data is as it was"
zm_check_end 0
tap_done
