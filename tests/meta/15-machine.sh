#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A test gets the machine that it asks for.
# needs: mem=512M,slots=2,maxmem=4G cpus=1 timeout=60 qemu=-object memory-backend-ram,id=m0,size=256M -device pc-dimm,memdev=m0
# expect: ^2 passed, 0 failed$

. tests/lib.sh

is "$(nproc)" 1 "one processor"
num "$(meminfo_get MemTotal)" -lt 800000 "little memory"
tap_done
