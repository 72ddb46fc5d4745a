#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A test that cannot run here is skipped, not passed.
# needs: timeout=60
# expect: ^0 passed, 0 failed, 1 skipped$

. tests/lib.sh

skip_all "nothing to test here"
