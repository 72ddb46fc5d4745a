#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# needs: mem=896M,slots=4,maxmem=8G cpus=2 timeout=300 set=callers append=memhp_default_state=offline qemu=-object memory-backend-ram,id=ram0,size=768M -numa node,nodeid=0,cpus=0-1,memdev=ram0 -object memory-backend-ram,id=ram1,size=128M -numa node,nodeid=1,memdev=ram1 -numa node,nodeid=2 -numa dist,src=0,dst=1,val=20 -numa dist,src=0,dst=2,val=20 -numa dist,src=1,dst=2,val=11 -object memory-backend-ram,id=hot1,size=1G -device pc-dimm,id=dimm1,memdev=hot1,node=1 -object memory-backend-ram,id=hot2,size=512M -device pc-dimm,id=dimm2,memdev=hot2,node=2
# allows: migration failure|migrating pfn|unmovable page|isolation failed
# fails-if: a zspage cannot leave its node, the nodes' counts of such pages do not
# fails-if: follow, or a process that is moved between nodes finds other data in swap.
#
# Memory nodes: a process moves between two of them and swaps on the device, while the
# memory of one goes offline with the device's pages in it. A third is nearer to that one
# than the first, but small.
. "$ZM_TOP/tests/lib.sh"
. "$ZM_TOP/tests/lib-device.sh"
. "$ZM_TOP/tests/lib-callers.sh"

mem=/sys/devices/system/memory
far=2

# all_blocks STATE: how many of the node's blocks refused
all_blocks()
{
	local block refused=0

	for block in $blocks; do
		timeout 60 bash -c "echo $1 >$mem/$block/state" || refused=$((refused + 1))
	done 2>/dev/null
	echo $refused
}

in_use()
{
	echo $(($(zm_in_use 0 4) + $(zm_in_use 1 4)))
}

[[ -d /sys/devices/system/node/node$far ]] || skip_all "this kernel shows no other memory node"
blocks=$(basename -a /sys/devices/system/node/node$far/memory[0-9]*)
is "$(all_blocks online_movable)" 0 "the far node's memory is online and movable" ||
	bail "no second node"

zm_load num_devices=2
zm_setup 0 512M
zm_setup 1 256M

# Zspages that lie on two nodes. The content is the other device's, of all sizes.
fill_across()
{
	across_nodes 0,$far dd if=/dev/zmram1 of=/dev/zmram0 bs=1M count=32 iflag=direct \
		oflag=direct status=none
}

zm_fill_sizes 1 8192
ok fill_across "fill the device from two nodes in turn"
num "$(zspages_on $far)" -gt 1000 "many of its pages lie on the far node"
is "$(all_blocks offline)" 0 "whose memory goes offline"
is "$(zspages_on $far)" 0 "no page is counted there: each was where it lay"
is "$(zm_checksum 0 32)" "$(zm_checksum 1 32)" "the data came along"
is "$(all_blocks online_movable)" 0 "the memory is online again"
blkdiscard -f /dev/zmram0
ok fill_across "fill the device once more"
zm_dev_reset 1
blkdiscard -f /dev/zmram0
for node in 0 1 $far; do
	is "$(zspages_on $node)" 0 "node $node counts nothing when all are empty"
done

zm_setup 1 256M
mkswap /dev/zmram1 >/dev/null
ok swapon -p 100 /dev/zmram1 "swap on the second device"
callers_start
swapped_in=$(vmstat_get pswpin)
"$zm_tools/numabounce" --mib 48 --to $far --seconds 30 >"$tap_scratch/bounce" 2>&1 &
bounce=$!
failed=0 stayed=0 wrong=0 crossed=0
for round in 1 2 3; do
	blkdiscard -f /dev/zmram0
	ok on_node $far "$zm_tools/devfill" --dev /dev/zmram0 --mib 128 --seed $round \
		"round $round: fill the device from the far node"
	there=$(zspages_on $far)
	failed=$((failed + $(all_blocks offline)))
	left=$(zspages_on $far)
	diag "round $round: $there zspage pages on the far node, then $left"
	crossed=$((crossed + there))
	((left == 0)) || stayed=$((stayed + 1))
	[[ $(all_blocks online_movable) == 0 ]] || failed=$((failed + 1))
	"$zm_tools/devfill" --dev /dev/zmram0 --mib 128 --seed $round --verify >/dev/null ||
		wrong=$((wrong + 1))
done
num "$crossed" -gt 50000 "the device's pages lay on the far node"
is "$failed" 0 "its memory could be taken offline, every time"
is "$stayed" 0 "no page was counted there afterwards"
num "$(moved_by offline_pages)" -gt 50000 "the pages crossed by being moved"
is "$wrong" 0 "the device's data stayed as it was"
wait $bounce
is $? 0 "the process that moved between the nodes found its data"
diag "$(tail -n 1 "$tap_scratch/bounce")"
num "$(sed -n 's/.*moved_single=\([0-9]*\).*/\1/p' "$tap_scratch/bounce")" -gt 500 \
	"move_pages(2) moved it"
num "$(sed -n 's/.*whole_moves=\([0-9]*\).*/\1/p' "$tap_scratch/bounce")" -gt 0 \
	"migrate_pages(2), too"
num "$(sed -n 's/.*pageouts=\([0-9]*\).*/\1/p' "$tap_scratch/bounce")" -gt 0 \
	"it had pages swapped out"
num $(($(vmstat_get pswpin) - swapped_in)) -gt 0 "and read them back"
diag "moved by memory offline: $(moved_by offline_pages); under migrate_pages(2) or move_pages(2):" \
	"$(moved_by '.*sys_migrate_pages|.*sys_move_pages|kernel_migrate_pages|kernel_move_pages')"
is $(($(zspages_on 0) + $(zspages_on 1) + $(zspages_on $far))) "$(in_use)" \
	"the nodes together count what is in use"
callers_stop
ok swapoff /dev/zmram1 "swapoff"
zm_dev_reset 1
zm_check_end 0
tap_done
