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

# A writer all of whose page allocations fail from some point on; prints errors.
writer()
{
	/usr/bin/python3 - <<'PYTHON'
import mmap
import os
import random

rng = random.Random(9)
fd = os.open("/dev/zmram0", os.O_RDWR | os.O_DIRECT)
buf = mmap.mmap(-1, 65536)
buf[:] = rng.randbytes(65536)
failed = 0
fail = os.open("/proc/self/make-it-fail", os.O_WRONLY)
os.write(fail, b"1")
for at in range(0, 1 << 20, 65536):
    try:
        os.pwrite(fd, buf, at)
    except OSError as error:
        failed += error.errno == 5
os.write(fail, b"0")
print(failed)
PYTHON
}

zm_load
zm_setup 0 64M
tr '\0' 'Q' </dev/zero | dd of=/dev/zmram0 bs=1M count=2 iflag=fullblock oflag=direct status=none
echo Y >$inject/task-filter
echo N >$inject/ignore-gfp-wait
echo 0 >$inject/min-order
echo 100 >$inject/probability
echo -1 >$inject/times
echo 0 >$inject/verbose
is "$(writer)" 16 "every write that needs memory fails with EIO"
echo 0 >$inject/probability
bad=$(dd if=/dev/zmram0 bs=1M count=2 iflag=direct status=none | tr -d 'Q' | wc -c)
is "$bad" 0 "their pages, and the others, have their old content"
is "$(mm_stat 0 mem_used_total)" 0 "nothing is left of the attempts"
num "$(awk '{print $2}' /sys/block/zmram0/io_stat)" -ge 16 "failed_writes counts them"
ok "$zm_tools/devfill" --dev /dev/zmram0 --mib 16 "with memory, writes succeed again"
ok "$zm_tools/devfill" --dev /dev/zmram0 --mib 16 --verify "and are read back"
zm_check_end 0
tap_done
