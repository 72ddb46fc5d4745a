#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# needs: mem=1G cpus=2 timeout=150 lanes=kasan append=cma=160M
# fails-if: a CMA area cannot be allocated as a whole although movable pages of the
# fails-if: device lie in it, or they are damaged.
#
# The contiguous memory allocator gets back all of an area that the device uses.
. "$ZM_TOP/tests/lib.sh"
. "$ZM_TOP/tests/lib-device.sh"
. "$ZM_TOP/tests/lib-callers.sh"

area=$(echo /sys/kernel/debug/cma/*reserved*)
[[ -e $area/alloc ]] || skip_all "this kernel has no CMA area to allocate from"

frames_there()
{
	zm_pfns 0 | awk -v lo="$base" -v hi="$((base + count))" \
		'$1 >= lo && $1 < hi { n++ } END { print n + 0 }'
}

base=$(<"$area/base_pfn") count=$(<"$area/count")
is "$(<"$area/used")" 0 "nobody uses the area"
echo 0 >/proc/sys/vm/compaction_proactiveness
zm_load
zm_setup 0 768M
# Movable pages go to CMA areas when those hold more than half of what is free.
# A kernel that checks everything takes more meanwhile, and nothing of that from the area.
spare=80
(($(param slow 1) == 1)) || spare=200
mib=$(($(meminfo_get MemFree) / 1024 - spare))
((mib < 600)) || mib=600
ok "$zm_tools/devfill" --dev /dev/zmram0 --mib $mib "fill memory with the device"
there=$(frames_there)
num "$there" -gt 2000 "pages of the device lie in the area"
# Room to move to.
blkdiscard -f --offset $((mib / 2))M --length $((mib / 4))M /dev/zmram0
there=$(frames_there)
callers_start
for _ in 1 2 3; do
	[[ $(store_errno "$area/alloc" $((count / 2))) != ok ]] || break
done
half=$(<"$area/used")
for _ in 1 2 3; do
	[[ $(store_errno "$area/alloc" $((count / 4))) != ok ]] || break
done
diag "of $there pages there, $(moved_by 'alloc_contig_.*') moved; $(<"$area/used") of $count allocated"
num "$half" -ge $((count / 2)) "half of the area is allocated in one piece"
num "$(<"$area/used")" -ge $((count * 3 / 4)) "and a quarter more"
num "$(moved_by 'alloc_contig_.*')" -gt 500 "by moving the device's pages"
num "$(vmstat_get cma_alloc_success)" -ge 2 "the VM counts it"
callers_stop
ok "$zm_tools/devfill" --dev /dev/zmram0 --mib $((mib / 2)) --verify "the data is as it was"
echo $((count / 2)) >"$area/free"
echo $((count / 4)) >"$area/free"
is "$(<"$area/used")" 0 "the area is given back"
zm_check_end 0
tap_done
