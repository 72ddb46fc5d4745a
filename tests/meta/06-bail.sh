#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Bailing out is a failure.
# needs: timeout=60
# expect: ^1 passed, 1 failed: bailed out: cannot go on

. tests/lib.sh

ok true "fine"
bail "cannot go on"
