#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# needs: mem=1G cpus=2 timeout=300
# fails-if: a request of a legal but odd shape returns or leaves wrong data.
#
# Segments that start and end anywhere, many in a request, requests of up to
# 2 MiB, discard and write-zeroes between them, misaligned ones refused.
. "$ZM_TOP/tests/lib.sh"
. "$ZM_TOP/tests/lib-device.sh"

zm_load
zm_setup 0 64M
compact_loop_start
for align in 512 4096; do
	ok "$zm_tools/diopattern" --dev /dev/zmram0 --seconds 10 --threads 2 \
		--buf-align $align --seed "$align" "own ranges, buffers aligned to $align"
	ok "$zm_tools/diopattern" --dev /dev/zmram0 --size-mib 4 --seconds 10 --threads 4 --shared \
		--buf-align $align --seed "$align" "a shared range, buffers aligned to $align"
done
compact_loop_stop
num "$(move_stat 0 migrated)" -gt 100 "pages moved meanwhile"
nok "$zm_tools/diopattern" --dev /dev/zmram0 --ops 200 --plant-fault "the verifier sees a wrong bit"
nok dd if=/dev/zero of=/dev/zmram0 bs=512 count=1 oflag=direct "half a block is refused"
is "$(dd if=/dev/zmram0 bs=4k skip=16384 count=1 iflag=direct 2>/dev/null | wc -c)" 0 "nothing is read past the end"

# More than 4 GiB in one go, which a bio can count only in sectors.
zm_setup 0 6G
tr '\0' 'z' </dev/zero | dd of=/dev/zmram0 bs=4k seek=1500000 count=8 iflag=fullblock oflag=direct status=none
head -c 8192 /dev/urandom | dd of=/dev/zmram0 bs=4k seek=3 iflag=fullblock oflag=direct status=none
ok blkdiscard -z /dev/zmram0 "write zeroes over 6 GiB"
is "$(mm_stat 0 orig_data_size)" 0 "no page is left stored"
is "$(dd if=/dev/zmram0 bs=4k skip=1499990 count=32 iflag=direct status=none | tr -d '\0' | wc -c)" 0 \
	"and it reads as zeroes, near the end, too"
zm_check_end 0
tap_done
