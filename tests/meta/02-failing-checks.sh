#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Every kind of check fails when it should.
# needs: timeout=60
# expect: ^1 passed, 7 failed$

. tests/lib.sh

ok ls /nonexistent "ok sees failure"
nok true "nok sees success"
is a b "is sees a difference"
isnt a a "isnt sees equality"
like abc x "like sees no match"
unlike abc a "unlike sees a match"
num "" -gt 0 "num sees that there is no number"
ok true "and one passes"
tap_done
