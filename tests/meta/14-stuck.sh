#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A task stuck in the kernel does not hold up the run.
# needs: timeout=20
# expect: ^1 passed, 1 failed: time-out .* SIGKILL did not help

. tests/lib.sh

modprobe brd rd_nr=1 rd_size=32768
mkfs.ext4 -q /dev/ram0
mkdir /tmp/frozen
mount /dev/ram0 /tmp/frozen
ok fsfreeze -f /tmp/frozen "the file system is frozen"
echo x >/tmp/frozen/file
tap_done
