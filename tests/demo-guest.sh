#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The parts of scripts/demo that run in guests. "use" shows zmram as swap, as a
# disk and under fio; "fragmentation" counts huge pages, which needs a guest
# whose memory nothing else has scattered. Stops at the first thing that goes
# wrong and names the step. Statistics and snapshots of memory go to ZM_OUT.
set -euo pipefail

here=$(cd -- "$(dirname -- "$0")" && pwd)
tools=${ZM_TOOLS:-$here/../build/tools}
disk=/dev/zmram0
sys=/sys/block/zmram0
step='setting up'

# shellcheck source=tests/lib.sh
. "$here/lib.sh"

# ---- telling -----------------------------------------------------------------

heading()
{
	step=$1
	printf '\n=== %s ===\n%s\n' "$1" "$2"
}

say()
{
	printf '  %s\n' "$*"
}

fail()
{
	printf '\ndemo: FAILED in step "%s": %s\n' "$step" "$*" >&2
	dmesg | tail -n 8 | sed 's/^/  kernel: /' >&2
	exit 1
}
trap 'fail "a command failed at line $LINENO: $BASH_COMMAND"' ERR

# A number of bytes for people.
mib()
{
	awk -v bytes="$1" 'BEGIN { printf "%.1f MiB", bytes / 1048576 }'
}

# ---- counters ----------------------------------------------------------------

moved()
{
	stat_get $sys/move_stat migrated
}

remember_moves()
{
	moved_before=$(moved)
	vm_before=$(vmstat_get pgmigrate_success)
}

say_moves()
{
	say "meanwhile the kernel moved $(($(vmstat_get pgmigrate_success) - vm_before)) pages," \
		"$(($(moved) - moved_before)) of them zmram's"
}

# take_stats NAME: keep what the device says now, for the table of step 5
take_stats()
{
	mkdir -p "$ZM_OUT/stats/$1"
	cat $sys/mm_stat >"$ZM_OUT/stats/$1/mm_stat"
	cat $sys/io_stat >"$ZM_OUT/stats/$1/io_stat"
	cat $sys/move_stat >"$ZM_OUT/stats/$1/move_stat"
}

load_modules()
{
	zm_load movable=1 || fail "cannot load the modules of $ZM_BUILD"
	say "guest: kernel $(uname -r), $(($(meminfo_get MemTotal) / 1024)) MiB RAM," \
		"$(nproc) CPUs, accelerator ${ZM_ACCEL-unknown}"
}

unload_modules()
{
	{ zm_dev_reset 0 && zm_unload; } || fail "the modules cannot be unloaded"
}

# ---- 1. swap -----------------------------------------------------------------

# Statistics of the moment when most is swapped out, while process $1 lives.
watch_peak()
{
	local most=-1 now

	while kill -0 "$1" 2>/dev/null; do
		now=$(mm_stat 0 orig_data_size)
		if ((now > most)); then
			most=$now
			most_used=$(mm_stat 0 mem_used_total)
			take_stats swap
		fi
		sleep 1
	done
	say "at the most $(mib "$most") were swapped out, kept in $(mib "$most_used") of RAM"
}

run_swapcheck()
{
	local pid status=0

	"$tools/swapcheck" --mib "$1" --threads 2 --seconds 8 >/tmp/swapcheck.out &
	pid=$!
	watch_peak "$pid"
	wait "$pid" || status=$?
	((status == 0)) || fail "swapcheck ended with status $status: a page came back wrong"
	say "$(</tmp/swapcheck.out)"
}

demo_swap()
{
	local ram

	ram=$(($(meminfo_get MemTotal) / 1024))
	heading "1/5 Swap on zmram" \
		"A program uses more memory than the machine has, while compaction runs over and over."
	zm_setup 0 1G
	mkswap "$disk" >/dev/null
	echo 0 >/proc/sys/vm/page-cluster
	swapon "$disk"
	say "RAM $ram MiB, swap on $disk $(mib "$(<$sys/disksize)"), program $((ram + 64)) MiB"
	remember_moves
	compact_loop_start 2
	run_swapcheck "$((ram + 64))"
	compact_loop_stop || :
	say_moves
	swapoff "$disk"
	say "swapoff: done, every page came back right"
}

# ---- 2. disk -----------------------------------------------------------------

check_file_system()
{
	umount /tmp/disk
	e2fsck -f -n "$disk" >/tmp/fsck.out 2>&1 || fail "e2fsck: $(tail -n 3 /tmp/fsck.out)"
	say "e2fsck -f: clean"
}

# ZM_OUT/tree.tar and ZM_OUT/tree.sums were made on the host.
demo_disk()
{
	heading "2/5 A file system on zmram" \
		"A real tree of files goes to ext4 on the disk, memory is compacted, every file is compared."
	zm_setup 0 256M
	mkfs.ext4 -q "$disk"
	mkdir -p /tmp/disk
	mount "$disk" /tmp/disk
	remember_moves
	compact_loop_start 1
	tar -xf "$ZM_OUT/tree.tar" -C /tmp/disk
	sync
	compact_loop_stop || :
	say "unpacked $(find /tmp/disk -type f | wc -l) files, $(du -sh /tmp/disk | cut -f1)"
	echo 3 >/proc/sys/vm/drop_caches
	echo 1 >/proc/sys/vm/compact_memory
	echo 1 >$sys/compact
	take_stats disk
	check_file_system
	mount "$disk" /tmp/disk
	(cd /tmp/disk && sha256sum --check --quiet "$ZM_OUT/tree.sums") ||
		fail "a file is not what it was"
	umount /tmp/disk
	say "remounted: all $(wc -l <"$ZM_OUT/tree.sums") checksums equal to the originals'"
	say "$(mib "$(mm_stat 0 orig_data_size)") of blocks are kept in $(mib "$(mm_stat 0 mem_used_total)") of RAM"
	say_moves
}

# ---- 3. fio ------------------------------------------------------------------

# run_fio JOB SECONDS
run_fio()
{
	ZM_DEV=$disk ZM_SIZE=48m ZM_RUNTIME=$2 \
		fio --minimal --terse-version=3 "$here/../fio-jobs/$1.fio" >/tmp/fio.out 2>&1 ||
		fail "fio $1: $(grep -v '^3;' /tmp/fio.out | tail -n 3)"
	awk -F';' -v job="$1" '/^3;/ { read += $6; written += $47 } END {
		printf "  %-16s %5d MiB written, %5d MiB read, no mismatch\n",
			job, written / 1024, read / 1024 }' /tmp/fio.out
}

# Another program fills memory, frees every second page, then the rest, again
# and again: new pages of the device land in its holes and have to move later.
churn_start()
{
	while :; do
		"$tools/holes" --mib 400 --hold-cmd 'sleep 0.3' || sleep 1
	done >/dev/null 2>&1 &
	churn_pid=$!
}

churn_stop()
{
	kill "$churn_pid"
	wait "$churn_pid" 2>/dev/null || :
}

demo_fio()
{
	heading "3/5 fio with verify under continuous compaction" \
		"Random writes, overwrites and discards with checksums, while pages are moved under them."
	zm_setup 0 128M
	remember_moves
	compact_loop_start
	churn_start
	run_fio randmix-verify 15
	run_fio trim-verify 8
	run_fio big-verify 8
	churn_stop
	compact_loop_stop || :
	say_moves
	(($(moved) > moved_before)) || fail "no page of zmram was moved"
	take_stats fio
}

# ---- 4. fragmentation --------------------------------------------------------

# One row of the table: NAME, then arguments of frag.sh
frag_row()
{
	local name=$1 line

	shift
	line=$("$here/frag.sh" "$@" 2>/tmp/frag.err) || fail "$name: $(tail -n 3 /tmp/frag.err)"
	[[ $line =~ ' obtained='([0-9]+)' possible='([0-9]+)' percent='([0-9.]+) ]] ||
		fail "$name: no result: $line"
	obtained=${BASH_REMATCH[1]} possible=${BASH_REMATCH[2]}
	say "$(printf '%-20s %10d %10d %8.1f %%' "$name" "$obtained" "$possible" "${BASH_REMATCH[3]}")"
}

demo_fragmentation()
{
	local obtained possible movable most pinned

	heading "4/5 Fragmentation (in a fresh guest)" \
		"300 MiB of device data lie in single-page holes all over RAM: how many huge pages can be made?"
	say "$(printf '%-20s %10s %10s %10s' device 'huge pages' possible share)"
	frag_row "zmram, movable=1" --movable 1 --snap "$ZM_OUT/movable" --keep
	movable=$obtained most=$possible
	take_stats fragmentation
	unload_modules
	frag_row "zmram, movable=0" --movable 0 --snap "$ZM_OUT/pinned"
	pinned=$obtained
	frag_row "in-tree zram" --kind zram
	echo "$movable $most $pinned $possible" >"$ZM_OUT/huge-pages"
	((movable * 100 >= most * 97)) || fail "less than 97 % of the possible huge pages"
	((movable > pinned)) || fail "no better than with pinned pages"
}

# An emulated processor on a busy machine can take long over one compaction.
[[ ${ZM_ACCEL-} != tcg ]] || echo 60 >/proc/sys/kernel/watchdog_thresh

case ${1-} in
use)
	load_modules
	demo_swap
	demo_disk
	demo_fio
	unload_modules
	;;
fragmentation)
	demo_fragmentation
	;;
*)
	echo "usage: demo-guest.sh use|fragmentation (by scripts/demo, in a guest)" >&2
	exit 2
	;;
esac
touch "$ZM_OUT/complete"
