#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A test that stops before its end fails.
# needs: timeout=60
# expect: ^1 passed, 1 failed: no plan

. tests/lib.sh

ok true "fine so far"
exit 0
