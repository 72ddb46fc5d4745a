#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# needs: mem=1G,maxmem=3G cpus=2 timeout=300 set=callers monitor=1 qemu=-device virtio-balloon-pci,id=balloon0 -object memory-backend-ram,id=vmem0,size=512M -device virtio-mem-pci,id=vm0,memdev=vmem0,requested-size=0
# allows: migration failure|migrating pfn|unmovable page|alloc_contig_range|isolation failed
# fails-if: memory that the device's pages are in cannot be unplugged, or I/O that
# fails-if: runs meanwhile sees wrong data.
#
# virtio-mem takes back, block by block, memory that the device has filled.
. "$ZM_TOP/tests/lib.sh"
. "$ZM_TOP/tests/lib-device.sh"
. "$ZM_TOP/tests/lib-callers.sh"

# Asks for that many MiB to be plugged, and waits for it; in KiB of the total.
plug()
{
	qemu_say "qom-set vm0 requested-size $1M"
	wait_until "${2:-60}" eval "(( (\$(meminfo_get MemTotal) - base) / 1024 $3 ))"
}

frames_above()
{
	zm_pfns 0 | awk '$1 >= 1048576 { n++ } END { print n + 0 }'
}

echo online_movable >/sys/devices/system/memory/auto_online_blocks
base=$(meminfo_get MemTotal)
modprobe virtio_mem || skip_all "this kernel has no virtio-mem"
ok plug 512 30 ">= 500" "512 MiB are plugged in" || bail "no memory came"
zm_load
zm_setup 0 768M
ok "$zm_tools/devfill" --dev /dev/zmram0 --mib 256 "fill the device"
there=$(frames_above)
num "$there" -gt 10000 "its pages lie in that memory"
(
	export ZM_DEV=/dev/zmram0 ZM_SIZE=32m ZM_RUNTIME=20
	fio --output=/dev/null --offset=512m "$ZM_TOP/fio-jobs/seq-verify.fio" >"$tap_scratch/fio.err" 2>&1
	echo $? >"$tap_scratch/fio.status"
) &
io=$!
callers_start
ok plug 64 60 "<= 72" "unplugged down to 64 MiB"
moved=$(moved_by 'virtio_mem.*')
diag "$there pages there before, $(frames_above) after; virtio-mem moved $moved; $(callers_list 2)"
num "$moved" -gt 10000 "by moving the device's pages"
ok plug 512 60 ">= 500" "plugged in again"
ok plug 0 60 "<= 8" "unplugged altogether"
is "$(frames_above)" 0 "no page of the device is left there"
wait $io
is "$(cat "$tap_scratch/fio.status")" 0 "fio, running meanwhile, read what it wrote"
callers_stop
ok "$zm_tools/devfill" --dev /dev/zmram0 --mib 256 --verify "the data is as it was"
zm_check_end 0
rmmod virtio_mem
tap_done
