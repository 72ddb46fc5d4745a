#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# needs: mem=1G cpus=2 timeout=300 lanes=kasan,lockdep,kcsan,uml,uml-kasan
# allows: no memory, write failed|Buffer I/O error|I/O error, dev zmram0
# fails-if: with the windows of its races held open, the allocator loses, damages or
# fails-if: leaks something.
#
# zmalloc's own failures and delays (include/linux/zmalloc_fault.h), on kernels that have
# fault injection: each of them under I/O, frees, migration and compaction at once.
. "$ZM_TOP/tests/lib.sh"
. "$ZM_TOP/tests/lib-device.sh"

# Pages that are alike in size, so that compaction has something to do.
make_alike()
{
	/usr/bin/python3 -c '
import random
import sys

rng = random.Random(1)
for page in range(512):
    sys.stdout.buffer.write(rng.randbytes(1500) + bytes(2596))' >"$tap_scratch/alike"
}

# Frees of whole and of partly used zspages of the other device.
churn_objects()
{
	local i=0 hole

	until [[ -e $tap_scratch/stop ]]; do
		"$zm_tools/devfill" --dev /dev/zmram1 --mib 12 --seed $i || return
		zm_fill_sizes 1 400 $i || return
		dd if="$tap_scratch/alike" of=/dev/zmram1 bs=1M seek=2 oflag=direct status=none ||
			return
		for hole in 0 1 2 3 4 5 6 7; do
			blkdiscard -f --offset $((2048 + hole * 256))K --length 192K /dev/zmram1 ||
				return
		done
		blkdiscard -f --offset $((4 + i % 6))M --length 3M /dev/zmram1 || return
		echo 1 >/sys/block/zmram1/compact
		echo 1 >/sys/block/zmram0/compact
		i=$((i + 1))
	done
}

# write_page N: one page to that device in the background, process $writer, without memory
write_page()
{
	fault_set $zm_faults/fail_zspage 100
	dd if="$tap_scratch/page" of="/dev/zmram$1" bs=4k count=1 oflag=direct status=none &
	writer=$!
	ok wait_until 10 eval '(($(fault_count $zm_faults/fail_zspage)))' \
		"a writer waits for memory (zmram$1)"
}

all_happened()
{
	local name

	for name in "${delays[@]}" fail_page_lock fail_migrate; do
		(($(fault_count "$zm_faults/$name") > 0)) || return
	done
}

zm_load num_devices=2
[[ -d $zm_faults/delay_wake ]] || { zm_unload; skip_all "this kernel has no fault injection"; }
zm_setup 0 32M
zm_setup 1 32M
make_alike
head -c 4096 /dev/urandom >"$tap_scratch/page"
delays=(delay_release delay_worker delay_migrate delay_compact delay_sleep delay_wake)
for name in "${delays[@]}"; do
	fault_set $zm_faults/$name 10
done
echo 200 >$zm_faults/delay_us
fault_set $zm_faults/fail_page_lock 20
fault_set $zm_faults/fail_migrate 33
compact_loop_start 0.1
churn_start
churn_objects >"$tap_scratch/churn.out" 2>&1 &
objects=$!
# One processor alone hardly ever meets a handle that is locked.
(($(nproc) > 1)) || delays=(delay_release delay_worker delay_migrate delay_compact)
# Threads that share blocks wait for each other's handles. A slow machine takes a while
# until it has come through all windows.
status=0
for round in 1 2 3 4 5; do
	"$zm_tools/diopattern" --dev /dev/zmram0 --size-mib 1 --threads 4 --seconds 30 \
		--shared >"$tap_scratch/pattern.out" 2>&1 || { status=$?; break; }
	all_happened && break
done
is "$status" 0 "four threads on the same megabyte, verified"
((status == 0)) || diag "$(tail -n 3 "$tap_scratch/pattern.out")"
touch "$tap_scratch/stop"
wait $objects
is $? 0 "the other device was filled, discarded and compacted meanwhile"
compact_loop_stop
churn_stop
for name in "${delays[@]}" fail_page_lock fail_migrate; do
	num "$(fault_count $zm_faults/$name)" -gt 0 "$name: it happened"
	diag "$name: $(fault_count $zm_faults/$name) times"
	fault_stop $zm_faults/$name
done
cover delayed "$(fault_count $zm_faults/delay_migrate)"
num "$(move_stat 0 migrated)" -gt 100 "pages moved all the same"
num "$(move_stat 1 frees_deferred)" -gt 10 "zspages whose pages seemed locked went to the worker"

ok blkdiscard -f /dev/zmram1 "discard everything"
zm_check_empty 1
tr '\0' 'Q' </dev/zero | dd of=/dev/zmram0 bs=1M count=2 iflag=fullblock oflag=direct status=none
echo 0 >/sys/block/zmram0/mem_used_max
fault_set $zm_faults/fail_zspage 100
is "$("$zm_tools/failwrite" /dev/zmram0 3)" 3 "without memory for a zspage, writes fail with EIO"
num "$(fault_count $zm_faults/fail_zspage)" -gt 0 "fail_zspage: it happened"
cover injected "$(fault_count $zm_faults/fail_zspage)"
# Where that was in vain just now, the killed do not wait again for each page.
write_page 0
kill -9 $writer
ok wait_until 10 eval '[[ $(ps -o stat= $writer) != [DRS]* ]]' "who is killed then ends"
wait $writer 2>/dev/null
fault_stop $zm_faults/fail_zspage
bad=$(dd if=/dev/zmram0 bs=1M count=2 iflag=direct status=none | tr -d 'Q' | wc -c)
is "$bad" 0 "and leave the old content"
is "$(mm_stat 0 mem_used_max)" "$(mm_stat 0 mem_used_total)" \
	"pages that there were not are no peak"

# A process that is killed may be writing what another one has dirtied.
write_page 1
kill -9 $writer
sleep 1
fault_stop $zm_faults/fail_zspage
wait $writer 2>/dev/null
ok cmp -n 4096 "$tap_scratch/page" /dev/zmram1 "and writes when there is some, though he was killed"
zm_check_end 0
tap_done
