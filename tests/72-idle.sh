#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# needs: mem=512M cpus=1 timeout=300
# fails-if: an access does not clear the idle mark, marking by age marks the
# fails-if: wrong slots, or block_state does not tell the truth.
#
# The idle file, and block_state, which shows what it did.
. "$ZM_TOP/tests/lib.sh"
. "$ZM_TOP/tests/lib-device.sh"

sys=/sys/block/zmram0

# Slots 0-39 text, 40-44 same-filled, 45-49 noise, from the file's start.
fill()
{
	/usr/bin/python3 - <<'PYTHON'
import random

rng = random.Random(5)
with open("/dev/zmram0", "r+b", buffering=0) as disk:
    for page in range(50):
        if page < 40:
            disk.write(rng.randbytes(1000) + bytes([page]) * 3096)
        elif page < 45:
            disk.write(bytes([page]) * 4096)
        else:
            disk.write(rng.randbytes(4096))
PYTHON
	zm_flush 0
}

# touch_page read|write INDEX
touch_page()
{
	if [[ $1 == read ]]; then
		dd if=/dev/zmram0 of=/dev/null bs=4k count=1 skip="$2" iflag=direct status=none
	else
		dd if=$tap_scratch/page of=/dev/zmram0 bs=4k count=1 seek="$2" oflag=direct \
			conv=notrunc status=none
	fi
}

idle_slots()
{
	zm_slots 0 i 0 1000000
}

# wait_seconds N: until the clock of age stamps, in seconds, has advanced by N
wait_seconds()
{
	local end

	read -r end </proc/uptime
	end=$((${end%%.*} + $1 + 1))
	wait_until 30 eval 'read -r now </proc/uptime; ((${now%%.*} >= '$end'))'
}

check_errors()
{
	for bad in '' foo -1 1x 'all 1' 99999999999999999999; do
		is "$(store_errno $sys/idle "$bad")" EINVAL "idle <- '$bad'"
	done
}

check_block_state()
{
	is "$(stat -c %a /sys/kernel/debug/zmram/zmram0/block_state)" 400 "block_state is root's"
	is "$(zm_block_state 0 | wc -l)" 50 "block_state has a line per slot in use"
	is "$(zm_block_state 0 | grep -cvE '^ {1,11}[0-9]+ +[0-9]+\.000000 [s.][w.][h.][i.][r.][n.]$')" \
		0 "in zram's format"
	is "$(zm_block_state 0 | head -n 1 | wc -c)" 40 "and its widths"
	is "$(zm_slots 0 '^s' 0 50)/$(zm_slots 0 '^s' 40 45)" 5/5 "the same-filled ones"
	is "$(zm_slots 0 '^..h' 0 50)/$(zm_slots 0 '^..h' 45 50)" 5/5 "the huge ones"
	is "$(dd if=/sys/kernel/debug/zmram/zmram0/block_state bs=100 status=none | md5sum)" \
		"$(zm_block_state 0 | md5sum)" "read in pieces it is the same"
}

check_accesses()
{
	ok eval "echo all >$sys/idle" "mark all"
	is "$(idle_slots)" 45 "all objects are idle"
	is "$(zm_slots 0 i 40 45)" 0 "and the same-filled are not"
	ok touch_page read 3 "read one"
	ok touch_page read 45 "and a huge one"
	is "$(zm_slots 0 i 3 4)/$(zm_slots 0 i 45 46)/$(idle_slots)" 0/0/43 "these are not idle any more"
	ok touch_page write 4 "write one"
	is "$(zm_slots 0 i 4 5)/$(idle_slots)" 0/42 "it is not idle"
	ok fallocate -p -o $((5 * 4096)) -l 4096 /dev/zmram0 "punch one out"
	is "$(zm_slots 0 . 5 6)/$(idle_slots)" 0/41 "it is not there"
	ok touch_page write 40 "write a same-filled one"
	is "$(zm_slots 0 '^\.' 40 41)/$(idle_slots)" 1/41 "it is an object, and not idle"
	zm_block_state 0 >"$tap_scratch/before"
	ok eval "echo 1 >$sys/compact && echo 1 >/proc/sys/vm/compact_memory" "compact"
	is "$(zm_block_state 0 | md5sum)" "$(md5sum <"$tap_scratch/before")" \
		"moving objects and pages changes nothing"
}

check_age()
{
	ok eval "echo 0 >$sys/idle" "mark by age 0"
	is "$(idle_slots)/$(zm_slots 0 '^s' 0 50)" 45/4 "all objects are idle"
	ok eval "echo 1000 >$sys/idle" "mark by age 1000"
	is "$(idle_slots)" 0 "none is idle, the younger ones were cleared"
	ok eval "echo 18446744073709551615 >$sys/idle" "the greatest age"
	is "$(idle_slots)" 0 "none is that old"
	# An age that the checks below do not take themselves, on a slow kernel.
	age=$((3 * $(param slow 1)))
	wait_seconds $((age + 1))
	ok touch_page read 7 "read one"
	ok touch_page write 8 "write one"
	ok eval "echo $age >$sys/idle" "mark by age"
	is "$(idle_slots)/$(zm_slots 0 i 7 9)" 43/0 "all but these two are idle"
	ok eval "printf '0x%x\n' $age >$sys/idle" "an age in hex"
	is "$(idle_slots)/$(zm_slots 0 i 7 9)" 43/0 "does the same"
}

# Everything swapped out, marked, and swapped in again by reading it.
check_swap_in()
{
	zm_setup 0 64M
	mkswap /dev/zmram0 >/dev/null
	ok swapon -p 100 /dev/zmram0 "swapon"
	ok /usr/bin/python3 - <<PYTHON "swap out, mark, swap in"
import mmap
import os

MADV_PAGEOUT = 21
pages = mmap.mmap(-1, 8 << 20)
pages[:] = (os.urandom(1000) + bytes(3096)) * 2048
for _ in range(5):
    pages.madvise(MADV_PAGEOUT)
with open("$sys/idle", "w") as idle:
    idle.write("all\n")

def idle_slots():
    with open("/sys/kernel/debug/zmram/zmram0/block_state") as state:
        return sum("i" in line.split()[2] for line in state)

before = idle_slots()
assert sum(pages[page * 4096 + 7] for page in range(2048)) >= 0
after = idle_slots()
print(before, after)
assert before > 1500 and after < before - 1500
PYTHON
	ok swapoff /dev/zmram0 "swapoff"
}

loop_idle()
{
	while [[ ! -e $tap_scratch/stop ]]; do
		echo all >$sys/idle || touch "$tap_scratch/failed"
		zm_block_state 0 >/dev/null || touch "$tap_scratch/failed"
	done
}

check_under_load()
{
	zm_setup 0 64M
	loop_idle &
	loop_idle &
	compact_loop_start
	ok "$zm_tools/diopattern" --dev /dev/zmram0 --size-mib 16 --threads 2 --seconds 10 \
		"I/O, verified, under two loops that mark, and compaction"
	touch "$tap_scratch/stop"
	compact_loop_stop
	wait
	nok test -e "$tap_scratch/failed" "marking never failed"
}

zm_load
head -c 1500 /dev/urandom >"$tap_scratch/page"
truncate -s 4096 "$tap_scratch/page"
is "$(store_errno $sys/idle all)" EINVAL "idle of a device without a size"
like "$(zm_block_state 0 2>&1)" 'Invalid argument' "block_state of a device without a size"
is "$(cat $sys/progress)" "none 0 0 0" "nothing is in progress"
zm_setup 0 64M
is "$(zm_block_state 0)" "" "block_state of an empty device"
fill
sum=$(zm_checksum 0)
check_errors
is "$(idle_slots)" 0 "after all that nothing is marked"
check_block_state
is "$(zm_checksum 0)" "$sum" "the data is as it was"
check_accesses
check_age
zm_setup 0 16T
echo x | dd of=/dev/zmram0 bs=4096 seek=4294967200 conv=sync oflag=direct status=none
start=${EPOCHREALTIME/./}
ok eval "echo all >$sys/idle" "mark a disk of 16 TiB with one page"
is "$(zm_block_state 0 | awk '{print $1, $3}')" "4294967200 ...i.." "it is found"
num $((${EPOCHREALTIME/./} - start)) -lt 10000000 "within ten seconds"
check_swap_in
check_under_load
zm_check_end 0
tap_done
