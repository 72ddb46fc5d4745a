#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Every kind of check passes when it should.
# needs: timeout=60
# expect: ^13 passed, 0 failed, 1 skipped$

. tests/lib.sh

dmesg_mark
ok true "ok takes success"
nok false "nok takes failure"
is "a b" "a b" "is takes equal strings"
isnt a b "isnt takes different strings"
like abc '^a.c$' "like takes a match"
unlike abc '^b' "unlike takes the lack of one"
num 3 -lt 4 "num compares numbers"
num "$(vmstat_get nr_free_pages)" -gt 100 "vmstat_get reads a counter"
num "$(meminfo_get MemTotal)" -gt 500000 "meminfo_get reads a size"
is "$(store_errno /proc/sys/vm/swappiness 1000)" EINVAL "store_errno names the error"
is "$(store_errno /proc/sys/vm/swappiness 10)" ok "store_errno says ok"
skip "skip counts as skipped"
compact_loop_start
ok wait_until 20 eval '(($(vmstat_get compact_daemon_wake) >= 0))' "wait_until polls"
compact_loop_stop
ok dmesg_clean_since_mark "the log is clean"
tap_done
