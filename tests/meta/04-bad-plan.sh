#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A plan must agree with what was made.
# needs: timeout=60
# expect: ^2 passed, 1 failed: 3 checks planned, 2 made

. tests/lib.sh

ok true "one"
ok true "two"
echo 1..3
