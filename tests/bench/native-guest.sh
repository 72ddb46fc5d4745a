#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The benchmark's native lane: time per page at the machine's own speed, in User Mode
# Linux. In-tree zram and zmram take turns, round by round, so that whatever slows the
# machine down for a while slows both.
#
# Environment: ALGORITHMS, ROUNDS; KHZ, of this machine's time stamp counter.
. "$ZM_TOP/tests/bench/lib-guest.sh"

codec()
{
	local file=/sys/kernel/debug/zm_codec/$1 pages compress copy decompress

	[[ -e $file ]] || return 0
	dd if="$BENCH_CORPUS" of="$file" bs=1M status=none
	read -r pages _ compress copy decompress <"$file"
	for op in compress copy decompress; do
		echo "result peer=codec algorithm=$1 unit=codec op=$op round=$2" \
			"pages=$pages ticks=${!op} khz=$KHZ"
	done
}

# measure DISK ALGORITHM ROUND UNIT [insn-io's OPTIONS]
measure()
{
	"$BENCH_TOOLS/insn-io" --device "$1" --algorithm "$2" --passes 2 --typical "${@:5}" \
		"$BENCH_CORPUS" >/tmp/lines
	awk -v head="result peer=${1%0} algorithm=$2 unit=$4 round=$3 khz=$KHZ" '$1 != "memory" {
		print head, "op=" $1, "pages=" $3, "ticks=" $4 }' /tmp/lines
}

round()
{
	local disk disks=(zram0 zmram0)

	(($2 % 2)) || disks=(zmram0 zram0)
	for disk in "${disks[@]}"; do
		measure "$disk" "$1" "$2" 1024k
		measure "$disk" "$1" "$2" 4k-random --block 4096 --random --mib 4
	done
	codec "$1" "$2"
}

peer_load zram
peer_load zmram
insmod "$ZM_BUILD/tests/modules/zm_codec.ko"
for algorithm in $ALGORITHMS; do
	peer_disk=zram0
	peer_has "$algorithm" || continue
	for ((i = 1; i <= ROUNDS; i++)); do
		progress "$algorithm, round $i of $ROUNDS"
		round "$algorithm" "$i"
	done
done
