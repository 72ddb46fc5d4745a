#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# needs: mem=1G cpus=2 timeout=500 append=zm.own_guest
# fails-if: less than 97 % of the huge pages that free memory would make can be
# fails-if: had, or pinning the pages makes no difference.
#
# The point of it all: huge pages from memory that the device lies scattered in. In a
# guest of its own: what other tests leave behind, in slabs and page tables, is not
# ours, cannot move, and costs a huge page each.
. "$ZM_TOP/tests/lib.sh"
. "$ZM_TOP/tests/lib-device.sh"

field()
{
	tr ' ' '\n' <<<"$1" | sed -n "s/^$2=//p"
}

# What a kernel that checks everything wants in more than single pages, as for each
# request for a file of this guest, has to be left outside of what is scattered.
amount=()
(($(param slow 1) == 1)) || amount=(--reserve 96 --mib 280)

# The experiment loads and unloads the modules itself.
experiment()
{
	"$ZM_TOP/tests/frag.sh" --kind zmram "${amount[@]}" --movable "$1" 2>"$tap_scratch/frag.err" ||
		cat "$tap_scratch/frag.err"
}

movable=$(experiment 1)
diag "$movable"
pinned=$(experiment 0)
diag "$pinned"
got=$(field "$movable" obtained) possible=$(field "$movable" possible)
# A handful of blocks is lost to whoever else allocated in the meantime: once more.
if ((${got:-0} * 100 < ${possible:-999} * 97)); then
	movable=$(experiment 1)
	diag "$movable"
	got=$(field "$movable" obtained) possible=$(field "$movable" possible)
fi
num "${possible:-0}" -gt 150 "there is memory for more than 150 huge pages"
num $((${got:-0} * 100)) -ge $((${possible:-999} * 97)) "movable: 97 % of the possible huge pages"
num $(($(field "$pinned" obtained) * 100)) -lt $(($(field "$pinned" possible) * 80)) \
	"pinned: less than 80 %"
tap_done
