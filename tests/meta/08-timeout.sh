#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A test that takes too long is ended.
# needs: timeout=5
# expect: ^1 passed, 1 failed: time-out after 5 s

. tests/lib.sh

ok true "fine"
sleep 1000
tap_done
