#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A test that asks for a debug kernel and then finds that it lacks what it needs has
# failed.
# needs: timeout=60 lanes=stock
# expect: ^0 passed, 1 failed, 1 skipped: skipped, on a kernel

. tests/lib.sh

skip_all "nothing to test here"
