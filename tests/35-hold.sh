#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# needs: mem=1G cpus=1 timeout=200
# fails-if: an object, or any page that it touches, is moved while its handle is
# fails-if: held, or a move that was refused changes anything; or a zspage that is
# fails-if: freed while one of its pages is locked goes too early, or never.
#
# A module holds objects of many sizes, one after the other, and has their pages
# moved meanwhile; then it frees them while it holds a page. There is no race in
# it: the outcome is the same each time.
. "$ZM_TOP/tests/lib.sh"
. "$ZM_TOP/tests/lib-device.sh"

hold=/sys/kernel/debug/zm_hold

zm_load
ok insmod "$ZM_BUILD/tests/modules/zm_hold.ko" "load the holder"
for size in 20 90 250 700 1100 1500 2100 2900 3300 4096; do
	is "$(store_errno $hold/object $size)" ok "objects of $size bytes: held, they stay"
	is "$(store_errno $hold/page $size)" ok "freed while a page is locked, they go when it is not"
done
num "$(cat $hold/refused)" -ge 240 "each object was held once at least"
num "$(cat $hold/moved)" -ge 200 "and nearly all were moved when they were let go"
is "$(store_errno $hold/object 4095)" EINVAL "a size that nobody stores is refused"
ok rmmod zm_hold "unload the holder"
ok zm_unload "the modules unload"
is "$(zm_nr_zspages)" 0 "no page is left"
tap_done
