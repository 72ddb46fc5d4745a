#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# needs: mem=5G cpus=2 timeout=250 lanes=kasan append=hugetlb_cma=1G
# fails-if: a huge page of 1 GiB cannot be made because pages of the device are in
# fails-if: the way, or they are damaged by moving.
#
# Gigantic pages: a whole gigabyte is cleared of the device's pages at a time. It is set
# aside for that at boot and lent to what can move, for elsewhere the kernel has
# something of its own in every gigabyte, and gives up before it moves a page.
. "$ZM_TOP/tests/lib.sh"
. "$ZM_TOP/tests/lib-device.sh"
. "$ZM_TOP/tests/lib-callers.sh"

pool=/sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages

[[ -e $pool ]] || skip_all "no huge pages of 1 GiB on this machine"

# How many pages of the device lie in each GiB, for people and to see that some do.
by_gigabyte()
{
	zm_pfns 0 | awk '{ n[int($1 / 262144)]++ } END { for (g in n) printf "%d:%d ", g, n[g] }'
}

echo 0 >/proc/sys/vm/compaction_proactiveness
zm_load
zm_setup 0 2G
ok "$zm_tools/devfill" --dev /dev/zmram0 --mib 600 "fill memory with the device"
diag "pages of the device by gigabyte: $(by_gigabyte)"
before=$(move_stat 0 migrated)
callers_start
for _ in 1 2 3 4 5; do
	echo 1 >$pool
	[[ $(<$pool) == 0 ]] || break
	sleep 1
done
diag "$(($(move_stat 0 migrated) - before)) pages of the device moved; by gigabyte: $(by_gigabyte)"
is "$(<$pool)" 1 "a page of 1 GiB is there"
num "$(moved_by 'alloc_contig_.*')" -gt 500 "pages of the device moved for it"
callers_stop
ok "$zm_tools/devfill" --dev /dev/zmram0 --mib 600 --verify "the data is as it was"
echo 0 >$pool
is "$(<$pool)" 0 "and is given back"
zm_check_end 0
tap_done
