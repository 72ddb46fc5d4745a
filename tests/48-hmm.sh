#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# needs: mem=1G cpus=2 timeout=150 lanes=kasan,lockdep
# fails-if: memory that moves between RAM, a device and swap comes back wrong, or
# fails-if: the device's pages do not move meanwhile.
#
# Device-private memory (the kernel's test_hmm) and swap on the same processes.
. "$ZM_TOP/tests/lib.sh"
. "$ZM_TOP/tests/lib-device.sh"
. "$ZM_TOP/tests/lib-callers.sh"

modprobe test_hmm || skip_all "this kernel has no test_hmm"
major=$(awk '$2 == "HMM_DMIRROR" { print $1 }' /proc/devices)
mknod "$tap_scratch/hmm" c "$major" 0

zm_load
zm_setup 0 512M
mkswap /dev/zmram0 >/dev/null
ok swapon -p 100 /dev/zmram0 "swapon"
callers_start
compact_loop_start 0.2
ok eval '"$zm_tools/hmmswap" --dev "$tap_scratch/hmm" --mib 32 --seconds 20 >"$tap_scratch/out"' \
	"pages between RAM, swap and device memory, verified"
compact_loop_stop
diag "$(tail -n 1 "$tap_scratch/out"); $(move_stat 0 migrated) pages of the disk moved"
num "$(sed -n 's/.*to_device=\([0-9]*\).*/\1/p' "$tap_scratch/out")" -gt 500 "pages went to the device"
num "$(vmstat_get pswpin)" -gt 500 "and came in from swap"
num "$(move_stat 0 migrated)" -gt 50 "pages of the disk moved meanwhile"
callers_stop
ok swapoff /dev/zmram0 "swapoff"
zm_check_end 0
# test_hmm stays: when it goes, it leaks its devices, which kmemleak reports.
tap_done
