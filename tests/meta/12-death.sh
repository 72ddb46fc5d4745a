#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A guest that ends without a word is a failure.
# needs: timeout=60
# expect: ^1 passed, 1 failed: the guest failed .*died

. tests/lib.sh

ok true "fine"
busybox reboot -f
tap_done
