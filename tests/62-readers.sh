#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# needs: mem=1G cpus=2 timeout=300 lanes=kasan,lockdep,kcsan,uml,uml-kasan
# fails-if: reading a statistic fails or waits, disturbs the data, or tells what cannot
# fails-if: be; with KCSAN, if what is read without a lock is not written as such.
#
# Every file that can be read is read all the time, while pages are written, verified,
# discarded, moved, compacted and marked idle.
. "$ZM_TOP/tests/lib.sh"
. "$ZM_TOP/tests/lib-device.sh"

pools=/sys/kernel/debug/zmalloc
shrinkers=/sys/kernel/debug/shrinker
# KCSAN looks at one access of a thousand.
seconds=40
[[ ! -e $zm_kcsan ]] || seconds=150
export ZM_DEV=/dev/zmram0 ZM_SIZE=32m ZM_RUNTIME=5

# What the device's shrinker says that it could free, in pages, if the kernel tells.
shrinker_files()
{
	[[ ! -d $shrinkers ]] || find $shrinkers -path '*/zmalloc-zmram0-*/count'
}

readable_files()
{
	find /sys/block/zmram0/ $pools/zmram0 /sys/kernel/debug/zmram/zmram0 -maxdepth 1 -type f \
		-perm -u+r
	shrinker_files
}

# Reads them all, and in between the one that looks at most, until told to stop. Prints
# how often, how many numbers a device of 64 MiB cannot have, and what failed. No more can
# be freed than mem_limit allows to be had.
read_loop()
{
	readable_files | /usr/bin/python3 -c '
import os
import re
import sys

classes, stop = sys.argv[1:]
names = sys.stdin.read().split()
reads = odd = 0
errors = set()
while not os.path.exists(stop):
    for name in names:
        for path in (name, classes):
            try:
                text = open(path, errors="replace").read()
            except OSError as error:
                errors.add(f"{path}: {error.strerror}")
                continue
            if path.endswith("/count"):
                odd += sum(not 0 <= int(n) <= 512 << 8 for n in text.split()[1:])
            elif path == classes or name.endswith("_stat"):
                odd += sum(not 0 <= int(n) < 1 << 40 for n in re.findall(r"-?\b\d+\b", text))
    reads += 1
print(reads, odd, *errors)' $pools/zmram0/classes "$tap_scratch/stop"
}

settings_loop()
{
	until [[ -e $tap_scratch/stop ]]; do
		echo all >/sys/block/zmram0/idle || return
		echo 1 >/sys/block/zmram0/compact || return
		echo 512M >/sys/block/zmram0/mem_limit || return
		echo 0 >/sys/block/zmram0/mem_used_max || return
		sleep 0.2
	done
}

work()
{
	local end=$((SECONDS + seconds)) seed=0

	while ((SECONDS < end)); do
		"$zm_tools/devfill" --dev /dev/zmram0 --mib 48 --seed $((++seed)) || return
		zm_fill_sizes 0 300 $seed || return
		blkdiscard -f /dev/zmram0 || return
	done 2>/dev/null
	zm_fio randmix-verify
}

zm_load
zm_setup 0 64M
num "$(readable_files | wc -l)" -ge 20 "files to read"
[[ ! -d $shrinkers ]] || is "$(shrinker_files | wc -l)" 1 "and what its shrinker could free"
read_loop >"$tap_scratch/read" &
reader=$!
settings_loop &
settings=$!
compact_loop_start 0.1
ok repeat_until 4 '(($(move_stat 0 migrated) >= 500))' work \
	"fill, discard, write and verify while everything is read"
compact_loop_stop
touch "$tap_scratch/stop"
wait $reader
read -r reads odd errors <"$tap_scratch/read"
is "$errors" '' "no read failed"
is "$odd" 0 "no count was out of all bounds"
wait $settings
is $? 0 "nor a setting"
num "$reads" -ge 10 "everything was read"
diag "$reads times; $(move_stat 0 migrated) pages moved"
num "$(move_stat 0 migrated)" -ge 500 "pages moved meanwhile"
zm_check_end 0
tap_done
