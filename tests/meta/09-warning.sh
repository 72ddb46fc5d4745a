#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A kernel warning fails a test whose checks pass.
# needs: timeout=60
# expect: ^1 passed, 1 failed: the kernel complained: .*WARNING

. tests/lib.sh

ok true "fine"
echo "<4>WARNING: CPU: 0 PID: 1 at nowhere" >/dev/kmsg
tap_done
