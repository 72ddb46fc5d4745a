#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The benchmark's smp lane: two processors, one and two jobs that read, write or do
# both in random requests of 4 KiB, quiet and while memory is compacted all the time.
# In-tree zram and zmram are there both, and take turns second by second, so that
# whatever goes on in the guest and beside it is the same for both. Where the targets
# are, so does the codec with nothing around it.
#
# Environment: ROUNDS; DISK_MIB.
. "$ZM_TOP/tests/bench/lib-guest.sh"
# shellcheck source=tests/lib-device.sh
. "$ZM_TOP/tests/lib-device.sh"

disk_mib=$DISK_MIB
declare -A names=([zram0]=zram [zmram0]=zmram [zmnull0]=codec)

# Pages of the disk that were moved; only ours says so.
own_moves()
{
	local file=/sys/block/$peer_disk/move_stat

	[[ -e $file ]] && stat_get "$file" migrated || echo 0
}

# turn STATE JOBS MIX ROUND, for the disk that peer_disk names
turn()
{
	local moved own line

	moved=$(vmstat_get pgmigrate_success)
	own=$(own_moves)
	line=$(corpus_load load --jobs "$2" --mix "$3" --seed "$4" --seconds 1)
	echo "result peer=${names[$peer_disk]} state=$1 jobs=$2 mix=$3 round=$4 $line" \
		"migrated=$(($(vmstat_get pgmigrate_success) - moved)) own=$(($(own_moves) - own))"
}

# measure STATE
measure()
{
	local round jobs mix disks codec

	for ((round = 1; round <= ROUNDS; round++)); do
		progress "$1, round $round of $ROUNDS"
		disks=(zram0 zmram0)
		((round % 2)) || disks=(zmram0 zram0)
		for jobs in 1 2; do
			for mix in read write mixed; do
				[[ $mix == mixed ]] && codec=zmnull0 || codec=
				for peer_disk in "${disks[@]}" $codec; do
					turn "$1" "$jobs" "$mix" "$round"
				done
			done
		done
	done
}

echo 0 >/proc/sys/vm/compaction_proactiveness
[[ ! -e /sys/kernel/mm/transparent_hugepage ]] ||
	echo never >/sys/kernel/mm/transparent_hugepage/enabled
for peer in zram zmram codec; do
	peer_load "$peer" "$disk_mib"
	peer_size "${disk_mib}M"
	corpus_load fill
done
measure quiet
churn_start
compact_loop_start
measure storm
compact_loop_stop || :
churn_stop || :
for peer_disk in zram0 zmram0 zmnull0; do
	corpus_load verify
	peer_unload
done
