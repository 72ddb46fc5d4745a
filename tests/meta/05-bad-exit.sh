#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A bad exit status counts, whatever the TAP says.
# needs: timeout=60
# expect: ^1 passed, 1 failed: exit status 7

. tests/lib.sh

ok true "fine"
echo 1..1
exit 7
