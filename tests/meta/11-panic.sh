#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A panic costs this test and no other.
# needs: timeout=60
# expect: ^1 passed, 1 failed: the guest failed .*panic

. tests/lib.sh

ok true "fine"
echo c >/proc/sysrq-trigger
tap_done
