#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# needs: mem=512M cpus=2 timeout=200 set=callers
# fails-if: a thread that faults in a page at the same time as another gets an
# fails-if: empty or an old one.
#
# Several threads on the same swapped pages, and a child that shares their slots.
. "$ZM_TOP/tests/lib.sh"
. "$ZM_TOP/tests/lib-device.sh"

zm_load
zm_setup 0 512M
mkswap /dev/zmram0 >/dev/null
ok swapon -p 100 /dev/zmram0 "swapon"
compact_loop_start 0.2
ok "$zm_tools/swapshare" --mib 24 --threads 4 --seconds 12 "four threads, one memory, verified"
nok "$zm_tools/swapshare" --mib 2 --seconds 1 --plant-fault "the verifier sees a wrong word"
compact_loop_stop
num "$(vmstat_get pswpin)" -gt 5000 "pages were read back"
num "$(move_stat 0 migrated)" -gt 100 "pages of the device moved meanwhile"
diag "$(vmstat_get pswpin) pages in, $(vmstat_get pswpout) out, $(move_stat 0 migrated) moved"
is "$(awk '{print $1+0 "/" $2+0}' /sys/block/zmram0/io_stat)" 0/0 "no I/O failed"
ok swapoff /dev/zmram0 "swapoff"
zm_check_end 0
tap_done
