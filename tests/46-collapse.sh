#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# needs: mem=512M cpus=2 timeout=200 set=callers
# fails-if: making huge pages of memory that is partly in swap moves none of the
# fails-if: device's pages, or gives a page wrong content.
#
# Ranges that are partly in swap become huge pages, on request (MADV_COLLAPSE) and
# by khugepaged, with so little free memory that the device's pages have to move.
. "$ZM_TOP/tests/lib.sh"
. "$ZM_TOP/tests/lib-device.sh"
. "$ZM_TOP/tests/lib-callers.sh"

thp=/sys/kernel/mm/transparent_hugepage
# A little more than there is; where the kernel takes much for itself, that is less.
mib=$(($(meminfo_get MemAvailable) / 1024 * 105 / 100))
((mib < 420)) || mib=420

[[ -d $thp/khugepaged ]] || skip_all "no huge pages in this kernel"
echo madvise >$thp/enabled
echo never >$thp/defrag
echo 1 >$thp/khugepaged/defrag
echo 4096 >$thp/khugepaged/pages_to_scan
echo 20 >$thp/khugepaged/scan_sleep_millisecs
echo 20 >$thp/khugepaged/alloc_sleep_millisecs
echo 511 >$thp/khugepaged/max_ptes_none
echo 511 >$thp/khugepaged/max_ptes_swap
echo 0 >/proc/sys/vm/compaction_proactiveness
zm_load
zm_setup 0 1G
mkswap /dev/zmram0 >/dev/null
ok swapon -p 100 /dev/zmram0 "swapon"
callers_start
before=$(vmstat_get thp_collapse_alloc)
ok eval '"$zm_tools/swapcheck" --mib $mib --threads 2 --seconds 15 --collapse >"$tap_scratch/swapcheck"' \
	"$mib MiB of anonymous memory, of which not all fits into RAM, become huge pages, verified"
diag "$(tail -n 1 "$tap_scratch/swapcheck"), in all $(($(vmstat_get thp_collapse_alloc) - before))"
num $(($(vmstat_get thp_collapse_alloc) - before)) -gt 5 "ranges were collapsed"
num "$(moved_by '(hpage_collapse|collapse_huge|madvise_collapse|alloc_charge_|khugepaged).*')" -gt 0 \
	"pages of the device moved for that"
diag "by MADV_COLLAPSE $(moved_by 'madvise_collapse'), by khugepaged $(moved_by khugepaged);" \
	"$(callers_list 3)"
callers_stop
echo never >$thp/enabled
is "$(awk '{print $1+0 "/" $2+0}' /sys/block/zmram0/io_stat)" 0/0 "no I/O failed"
ok swapoff /dev/zmram0 "swapoff"
zm_check_end 0
tap_done
