#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# needs: mem=1G cpus=2 timeout=100 set=callers kver=6.1
# fails-if: a page is moved, or touched, in the mode in which the caller copies.
#
# MIGRATE_SYNC_NO_COPY, which 6.1 has for device memory: nothing in the kernel
# asks for it with pages like ours, so a test module does.
. "$ZM_TOP/tests/lib.sh"
. "$ZM_TOP/tests/lib-device.sh"

no_copy=/sys/kernel/debug/zm_nocopy/move

zm_load
ok insmod "$ZM_BUILD/tests/modules/zm_nocopy.ko" "load the lever"
zm_setup 0 64M
zm_fill_sizes 0 300
sum=$(zm_checksum 0)
while read -r pfn; do
	store_errno $no_copy "$pfn"
done < <(zm_pfns 0) | sort | uniq -c | tee "$tap_scratch/answers" | diag "$(cat)"
is "$(awk '{ print $2 }' "$tap_scratch/answers")" ok \
	"every page of the device is refused with EINVAL, and nothing is touched"
num "$(awk '{ print $1 }' "$tap_scratch/answers")" -gt 100 "of more than 100"
is "$(move_stat 0 migrated)" 0 "no page has moved"
num "$(move_stat 0 putback)" -gt 100 "all were put back"
is "$(zm_checksum 0)" "$sum" "the data is as it was"
rmmod zm_nocopy
zm_check_end 0
tap_done
