#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# needs: mem=1G cpus=1 timeout=300
# fails-if: a load or unload fails or leaks, a module goes while it is in use, or it
# fails-if: does not get along with who writes to its files meanwhile.
#
# Loading, using and unloading the modules, over and over.
. "$ZM_TOP/tests/lib.sh"
. "$ZM_TOP/tests/lib-device.sh"

cycle()
{
	zm_load num_devices=2 && zm_setup 0 64M && zm_setup 1 1T &&
		"$zm_tools/devfill" --dev /dev/zmram0 --mib 1 &&
		mkswap /dev/zmram1 && zm_unload
}

# Writes to files of a device, whether it is there, comes or goes, or is not there.
write_attributes()
{
	local sys=/sys/block/zmram0

	until [[ -e $tap_scratch/stop ]]; do
		echo 16M >$sys/disksize && touch "$tap_scratch/written"
		echo 1 >$sys/compact
		echo 8M >$sys/mem_limit
		echo lz4 >$sys/comp_algorithm
		echo 1 >$sys/reset
		sleep 0.05
	done 2>/dev/null
}

load_under_writer()
{
	local wrote=0

	rm -f "$tap_scratch/written"
	zm_load || return
	wait_until 30 test -e "$tap_scratch/written" || wrote=$?
	zm_unload && return $wrote
}

slab_before=$(meminfo_get SUnreclaim)
failed=0
for _ in {1..20}; do
	cycle >"$tap_scratch/cycle" 2>&1 || failed=$((failed + 1))
done
is "$failed" 0 "20 times: load, use two devices, unload without a reset"
is "$(zm_nr_zspages)" 0 "no page is left behind"
slab_after=$(meminfo_get SUnreclaim)
if [[ -e /sys/kernel/debug/kmemleak ]]; then
	skip "KASAN holds back what was freed; kmemleak looks for what was not"
else
	num $((slab_after - slab_before)) -lt 4096 "unreclaimable slab grew by less than 4 MiB"
fi

write_attributes &
writer=$!
failed=0
for _ in 1 2 3; do
	load_under_writer >"$tap_scratch/cycle" 2>&1 || failed=$((failed + 1))
done
touch "$tap_scratch/stop"
wait $writer
is "$failed" 0 "3 times: load and unload while attributes are written"
((failed == 0)) || diag "$(tail -n 5 "$tap_scratch/cycle")"
is "$(zm_nr_zspages)" 0 "no page is left of that"

zm_load
zm_setup 0 64M
nok rmmod zmalloc "zmalloc cannot be unloaded under zmram"
exec 9<"/dev/zmram0"
nok rmmod zmram "zmram cannot be unloaded while a device is open"
exec 9<&-
ok zm_unload "both can be unloaded afterwards"

for bad in 'num_devices=-1' 'movable=maybe' 'drop_in=2'; do
	nok zm_load "$bad" "parameter $bad is refused"
done
rmmod zmalloc 2>/dev/null
ok zm_load num_devices=0 "num_devices=0 loads no device"
nok test -e /sys/block/zmram0 "and there is none"
is "$(cat /sys/class/zmram-control/hot_add)" 0 "hot_add gives the first"
ok zm_unload "unload with a device that was added later"
tap_done
