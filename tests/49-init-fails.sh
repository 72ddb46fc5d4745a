#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# needs: mem=1G cpus=2 timeout=200 lanes=kasan,lockdep,uml,uml-kasan
# allows: FAULT_INJECTION|no memory|devices added
# fails-if: a device of which any one part could not be made is left in a state that
# fails-if: a reset, a second try or unloading trips over.
#
# Each allocation on the way to a sized device, to an added one, and to one with a backing
# device, fails once.
. "$ZM_TOP/tests/lib.sh"
. "$ZM_TOP/tests/lib-device.sh"
. "$ZM_TOP/tests/lib-writeback.sh"

inject=/sys/kernel/debug
[[ -e /proc/self/fail-nth && -d $inject/failslab ]] ||
	skip_all "this kernel cannot inject allocation failures"

# nth FILE VALUE: writes VALUE with the 1st, 2nd ... allocation failing, a reset of
# device 0 after each, until one gets by without; prints failed and succeeded.
nth()
{
	/usr/bin/python3 - "$@" <<'PYTHON'
import errno
import os
import sys

path, value = sys.argv[1], sys.argv[2].encode()
nth = os.open("/proc/thread-self/fail-nth", os.O_RDWR)
reset = "/sys/block/zmram0/reset"
failed = passed = 0
for n in range(1, 2000):
    fd = os.open(path, os.O_WRONLY if value else os.O_RDONLY)
    os.pwrite(nth, b"%d" % n, 0)
    try:
        if value:
            os.write(fd, value)
        else:
            added = os.read(fd, 16)
        failing = False
    except OSError as error:
        failing = error.errno
    left = int(os.pread(nth, 16, 0).split(b"\0")[0])
    os.pwrite(nth, b"0", 0)
    os.close(fd)
    # On the way to a disk, the kernel's own code turns some into EINVAL.
    if failing and failing not in (errno.ENOMEM, errno.EINVAL):
        sys.exit("allocation %d: %s" % (n, os.strerror(failing)))
    failed += bool(failing)
    passed += not failing
    if value:
        with open(reset, "w") as file:
            file.write("1")
    elif not failing:
        with open("/sys/class/zmram-control/hot_remove", "w") as file:
            file.write(added.decode())
    if left:
        break
print(failed, passed)
PYTHON
}

for what in failslab fail_page_alloc; do
	echo N >$inject/$what/ignore-gfp-wait
	echo 0 >$inject/$what/verbose
done
echo 0 >$inject/fail_page_alloc/min-order
zm_load
read -r failed passed < <(nth /sys/block/zmram0/disksize 64M)
diag "disksize: $failed failures, $passed successes in spite of one"
num "${failed:-0}" -ge 10 "disksize: each allocation that matters was made to fail"
num "${passed:-0}" -ge 1 "disksize: and the last try succeeded"
read -r failed passed < <(nth /sys/class/zmram-control/hot_add "")
diag "hot_add: $failed failures, $passed successes in spite of one"
num "${failed:-0}" -ge 5 "hot_add: each allocation that matters was made to fail"
num "${passed:-0}" -ge 1 "hot_add: and the last try succeeded"
wb_ram_disks 1 32
read -r failed passed < <(nth /sys/block/zmram0/backing_dev /dev/ram0)
diag "backing_dev: $failed failures, $passed successes in spite of one"
num "${failed:-0}" -ge 4 "backing_dev: each allocation that matters was made to fail"
num "${passed:-0}" -ge 1 "backing_dev: and the last try succeeded"
ok wb_can_claim /dev/ram0 "whatever failed, the disk was given back"
is "$(echo /sys/block/zmram*)" /sys/block/zmram0 "no half-made device is left"
zm_setup 0 64M
ok "$zm_tools/devfill" --dev /dev/zmram0 --mib 8 "the device works"
ok "$zm_tools/devfill" --dev /dev/zmram0 --mib 8 --verify "and gives back its data"
zm_check_end 0
tap_done
