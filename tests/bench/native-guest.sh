#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The benchmark's native lane: time per page at the machine's own speed, in User Mode
# Linux. In-tree zram and zmram take turns, request by request, so that whatever slows the
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

# measure ALGORITHM ROUND UNIT [insn-io's OPTIONS]
measure()
{
	"$BENCH_TOOLS/insn-io" --device zram0 --beside zmram0 --algorithm "$1" --passes 2 \
		--typical "${@:4}" "$BENCH_CORPUS" >/tmp/lines
	awk -v tail="algorithm=$1 round=$2 unit=$3 khz=$KHZ" '
		$1 == "beside" {
			print "result peer=zmram op=" $2, "pages=" $4, "ticks=" $5, "ratio=" $6, tail
			next
		}
		{ print "result peer=zram op=" $1, "pages=" $3, "ticks=" $4, tail }' /tmp/lines
}

# null ALGORITHM ROUND: the same requests to a disk that does nothing
null()
{
	"$BENCH_TOOLS/insn-io" --device zmnull0 --reset true --blind --passes 2 --typical \
		"$BENCH_CORPUS" >/tmp/lines
	awk -v tail="algorithm=$1 round=$2 unit=1024k khz=$KHZ" '
		{ print "result peer=null op=" $1, "pages=" $3, "ticks=" $4, tail }' /tmp/lines
}

round()
{
	measure "$1" "$2" 1024k
	null "$1" "$2"
	measure "$1" "$2" 4k-random --block 4096 --random --mib 4
	codec "$1" "$2"
}

peer_load zram
peer_load zmram
insmod "$ZM_BUILD/tests/modules/zm_codec.ko"
insmod "$ZM_BUILD/tests/modules/zm_null.ko"
for algorithm in $ALGORITHMS; do
	peer_disk=zram0
	peer_has "$algorithm" || continue
	for ((i = 1; i <= ROUNDS; i++)); do
		progress "$algorithm, round $i of $ROUNDS"
		round "$algorithm" "$i"
	done
done
