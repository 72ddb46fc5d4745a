#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# needs: mem=1G cpus=2 timeout=200
# allows: no memory, write failed|Buffer I/O error|I/O error, dev zmram0|FAULT_INJECTION
# fails-if: a write that gets no memory hangs, loses the old content of its page,
# fails-if: or damages others.
#
# Writes whose allocations fail, on kernels that can inject that.
. "$ZM_TOP/tests/lib.sh"
. "$ZM_TOP/tests/lib-device.sh"

inject=/sys/kernel/debug/fail_page_alloc
[[ -d $inject ]] || skip_all "this kernel cannot inject allocation failures"

zm_load num_devices=2
zm_setup 0 64M
zm_setup 1 64M
tr '\0' 'Q' </dev/zero | dd of=/dev/zmram0 bs=1M count=2 iflag=fullblock oflag=direct status=none
fault_set_alloc fail_page_alloc 100
is "$("$zm_tools/failwrite" /dev/zmram0 3)" 3 "every write that needs memory fails with EIO"
fault_stop $inject
cover injected "$(fault_count $inject)"
bad=$(dd if=/dev/zmram0 bs=1M count=2 iflag=direct status=none | tr -d 'Q' | wc -c)
is "$bad" 0 "their pages, and the others, have their old content"
is "$(mm_stat 0 mem_used_total)" 0 "nothing is left of the attempts"
num "$(awk '{print $2}' /sys/block/zmram0/io_stat)" -ge 3 "failed_writes counts them"
ok "$zm_tools/devfill" --dev /dev/zmram0 --mib 16 "with memory, writes succeed again"
ok "$zm_tools/devfill" --dev /dev/zmram0 --mib 16 --verify "and are read back"

# The table's memory is waited for like that of objects, also by who has been killed, as
# it may be somebody else's page that he writes; and single pages will do.
fault_set_alloc fail_page_alloc 100
"$zm_tools/failwrite" /dev/zmram1 1 &
ok wait_until 20 eval '(($(fault_count $inject) > 20))' "a writer waits for memory for slots"
kill -9 $!
sleep 1
echo 1 >$inject/min-order
wait $! 2>/dev/null
fault_stop $inject
is "$(awk '{print $2}' /sys/block/zmram1/io_stat)" 0 "killed, he writes when there are single pages"
is "$("$zm_tools/failwrite" /dev/zmram0 1)" 0 "the same without faults"
ok cmp -n 16384 /dev/zmram0 /dev/zmram1 "and the same data"
zm_check_end 0
tap_done
