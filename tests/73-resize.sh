#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# needs: mem=512M cpus=1 timeout=500
# fails-if: growing a disk in use loses a page, is not seen by its users, or accepts
# fails-if: what is no larger size; or an empty disk costs memory by its size.
#
# The resize attribute, and what a size costs.
. "$ZM_TOP/tests/lib.sh"
. "$ZM_TOP/tests/lib-device.sh"

sys=/sys/block/zmram0

# resize VALUE WANTED
resize()
{
	is "$(store_errno $sys/resize "$1")" "$2" "resize <- '$1' is $2"
}

check_refusals()
{
	resize 64M EINVAL
	is "$(cat $sys/initstate)" 0 "which does not size the device"
	echo 64M >$sys/disksize
	for bad in '' foo -1 0 K 32M '128M junk' 128MB 18446744073709551615; do
		resize "$bad" EINVAL
	done
	resize 15E ENOMEM
	is "$(cat $sys/disksize)" 67108864 "the size is as it was"
	resize 64M ok
	resize 67108000 ok
	is "$(cat $sys/disksize)" 67108864 "the same size, rounded to pages, is no change"
	is "$(store_errno $sys/disksize 128M)" EBUSY "disksize stays EBUSY"
	is "$(stat -c %a $sys/resize)" 200 "resize is write-only"
	is "$(dd if=/dev/zmram0 bs=1M skip=64 count=1 iflag=direct status=none | wc -c)" 0 \
		"there is nothing beyond the end"
}

# Every size holds what it could not before, and what is written before stays.
check_growing_under_io()
{
	local mib stop=$tap_scratch/stop

	until [[ -e $stop ]]; do
		cat $sys/{mm_stat,io_stat,disksize,move_stat}
	done >/dev/null &
	ZM_DEV=/dev/zmram0 ZM_SIZE=24m ZM_RUNTIME=10 zm_fio big-verify &
	local fio=$!
	for mib in 65 80 81 256; do
		resize "${mib}M" ok
		is "$(cat $sys/disksize) $(blockdev --getsize64 /dev/zmram0)" \
			"$((mib << 20)) $((mib << 20))" "sysfs and the block device agree"
		ok dd if=/dev/urandom of=/dev/zmram0 bs=1M seek=$((mib - 1)) count=1 \
			oflag=direct status=none "the last MiB can be written"
	done
	ok wait $fio "what fio writes meanwhile, it reads back"
	touch "$stop"
	wait
	is "$(awk '{print $1+0 "/" $2+0 "/" $3+0}' $sys/io_stat)" 0/0/0 "no request failed"
}

# Two writers touch each new part of the table at the same time.
check_first_touch()
{
	zm_setup 0 16M
	resize 1G ok
	ok /usr/bin/python3 - <<'PYTHON' "two writers share each of 64 new leaves"
import mmap
import multiprocessing
import os
import sys

LEAF, LEAVES, PAGES = 16 << 20, 64, 8


def page(leaf, side, nr):
    return b"%4d %d %2d " % (leaf, side, nr) * 400 + bytes(96)


def offset(leaf, side, nr):
    return leaf * LEAF + (2 * nr + side) * 4096


def writer(side, barrier):
    fd = os.open("/dev/zmram0", os.O_RDWR | os.O_DIRECT)
    buf = mmap.mmap(-1, 4096)
    for leaf in range(LEAVES):
        barrier.wait()
        for nr in range(PAGES):
            buf[:] = page(leaf, side, nr)[:4096]
            os.pwrite(fd, buf, offset(leaf, side, nr))


barrier = multiprocessing.Barrier(2)
writers = [multiprocessing.Process(target=writer, args=(side, barrier)) for side in (0, 1)]
for w in writers:
    w.start()
for w in writers:
    w.join()
fd = os.open("/dev/zmram0", os.O_RDONLY)
bad = sum(os.pread(fd, 4096, offset(leaf, side, nr)) != page(leaf, side, nr)[:4096]
          for leaf in range(LEAVES) for side in (0, 1) for nr in range(PAGES))
print(bad, "pages lost")
sys.exit(bad > 0)
PYTHON
}

check_ext4()
{
	zm_setup 0 64M
	mkfs.ext4 -q /dev/zmram0
	mkdir -p /tmp/mnt
	ok mount /dev/zmram0 /tmp/mnt "mount an ext4 of 64 MiB"
	head -c 32M /dev/urandom >/tmp/mnt/old
	sum=$(md5sum </tmp/mnt/old)
	resize 256M ok
	ok resize2fs /dev/zmram0 "resize2fs while it is mounted"
	num "$(stat -f -c %b /tmp/mnt)" -gt 50000 "the file system is larger"
	ok eval 'head -c 150M /dev/zero | tr "\0" x >/tmp/mnt/new' "and holds a file of 150 MiB"
	sync
	echo 3 >/proc/sys/vm/drop_caches
	is "$(md5sum </tmp/mnt/old)" "$sum" "the old file is as it was"
	ok umount /tmp/mnt "unmount"
	ok e2fsck -fn /dev/zmram0 "e2fsck is content"
}

check_swap()
{
	# Swapped memory is scattered, and a UML process has only 65530 mappings.
	[[ $ZM_ACCEL != uml ]] || { skip "not enough mappings"; return; }
	zm_setup 0 512M
	mkswap /dev/zmram0 >/dev/null
	swapon /dev/zmram0
	"$zm_tools/swapcheck" --mib 440 --seconds 5 --compressible 75 >"$tap_scratch/swap" 2>&1 &
	wait_until 60 eval '(($(vmstat_get pswpout) > 2000))'
	resize 1G ok
	ok wait $! "440 MiB of anonymous memory in 512 MiB of RAM, verified while it grows"
	is "$(awk '/zmram0/ { print $3 }' /proc/swaps)" 524284 "swap keeps the size it began with"
	swapoff /dev/zmram0
}

# Memory that a new device of size $1 takes, in KiB; the most of a few tries.
cost_of()
{
	local before after most=0

	for _ in 1 2 3 4; do
		zm_dev_reset 0
		sync
		echo 3 >/proc/sys/vm/drop_caches
		before=$(meminfo_get MemFree)
		echo "$1" >$sys/disksize
		after=$(meminfo_get MemFree)
		((most >= before - after)) || most=$((before - after))
	done
	echo "$most"
}

check_cost()
{
	local small large

	small=$(cost_of 16M)
	large=$(cost_of 1T)
	diag "an empty disk of 16 MiB takes $small KiB, one of 1 TiB $large KiB"
	num "$large" -le 8192 "an empty disk of 1 TiB takes at most 8 MiB"
	ok dd if=/dev/urandom of=/dev/zmram0 bs=1M seek=$(((1 << 20) - 1)) count=1 oflag=direct \
		status=none "its last MiB can be written"
	ok timeout 5 bash -c "echo 1 >$sys/reset" "a reset takes no time by its size"
	is "$(store_errno $sys/disksize 16T)" ok "16 TiB are possible"
	zm_dev_reset 0
	is "$(store_errno $sys/disksize 16777217M)" ENOMEM "not more"
}

zm_load
check_refusals
check_growing_under_io
check_first_touch
check_ext4
check_swap
check_cost
zm_setup 0 16M
zm_check_end 0
tap_done
