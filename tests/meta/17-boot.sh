#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A guest that stands still before its tests begin is tried twice, and given up.
# needs: boot=10 qemu=-S
# expect: ^0 passed, 1 failed: the guest failed \(121\): the guest did not come up

exit 1
