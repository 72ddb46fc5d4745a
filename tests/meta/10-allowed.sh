#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A message that the test says it provokes is no failure.
# needs: timeout=60
# expect: ^1 passed, 0 failed$
# allows: CPU: 0 PID: 77

. tests/lib.sh

ok true "fine"
echo "<4>WARNING: CPU: 0 PID: 77 at nowhere" >/dev/kmsg
tap_done
