#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A module that a test leaves in use is a failure.
# needs: timeout=60
# expect: ^1 passed, 1 failed: a module cannot be unloaded

. tests/lib.sh

modprobe zram
echo 16M >/sys/block/zram0/disksize
mkswap /dev/zram0 >/dev/null
ok swapon /dev/zram0 "the device is in use"
tap_done
