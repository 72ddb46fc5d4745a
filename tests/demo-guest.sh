#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The part of scripts/demo that runs in the guest: swap, a file system, fio,
# the fragmentation experiment, and the statistics of all of these. Stops at the
# first step that goes wrong, names it, and leaves pictures' data in ZM_OUT.
set -euo pipefail

here=$(cd -- "$(dirname -- "$0")" && pwd)
tools=${ZM_TOOLS:-$here/../build/tools}
tree=${1:?usage: demo-guest.sh TREE (a folder to copy to the disk)}
disk=/dev/zmram0
sys=/sys/block/zmram0
step='setting up'
declare -A shown	# "ROW COLUMN" -> value, for the table of step 5
columns=()

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
	dmesg | tail -n 15 | sed 's/^/  kernel: /' >&2
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

take_mm_stat()
{
	local names=(orig compressed used limit peak same compacted huge huge_ever)
	local i values

	read -ra values <$sys/mm_stat
	for i in "${!names[@]}"; do
		shown[${names[i]} $1]=${values[i]}
	done
}

take_other_stats()
{
	local name value values

	read -ra values <$sys/io_stat
	shown[failed_reads $1]=${values[0]} shown[failed_writes $1]=${values[1]}
	shown[invalid_io $1]=${values[2]} shown[notify_free $1]=${values[3]}
	while read -r name value; do
		shown[move_$name $1]=$value
	done <$sys/move_stat
}

# take_stats COLUMN: what the device says now
take_stats()
{
	columns+=("$1")
	take_mm_stat "$1"
	take_other_stats "$1"
}

# ---- 1. swap -----------------------------------------------------------------

# Statistics at the moment when most is swapped out, while process $1 lives.
watch_peak()
{
	local most=-1 now

	while kill -0 "$1" 2>/dev/null; do
		now=$(mm_stat 0 orig_data_size)
		if ((now > most)); then
			most=$now
			take_mm_stat swap
		fi
		sleep 1
	done
}

demo_swap()
{
	local ram size pid status=0

	ram=$(($(meminfo_get MemTotal) / 1024))
	size=$((ram + 64))
	heading "1/5 Swap on zmram" \
		"A program uses more memory than the machine has, while compaction runs over and over."
	echo 0 >/proc/sys/vm/page-cluster
	zm_setup 0 1G
	mkswap "$disk" >/dev/null
	swapon "$disk"
	say "RAM $ram MiB, swap on $disk $(mib "$(<$sys/disksize)"), program $size MiB"
	remember_moves
	compact_loop_start 2
	"$tools/swapcheck" --mib "$size" --threads 2 --seconds 8 >/tmp/swapcheck.out &
	pid=$!
	columns+=(swap)
	watch_peak "$pid"
	wait "$pid" || status=$?
	compact_loop_stop || :
	((status == 0)) || fail "swapcheck ended with status $status: a page came back wrong"
	say "$(</tmp/swapcheck.out)"
	say "at the most $(mib "${shown[orig swap]}") were swapped out, kept in $(mib "${shown[used swap]}") of RAM"
	say_moves
	swapoff "$disk"
	take_other_stats swap
	say "swapoff: every page came back right"
}

# ---- 2. disk -----------------------------------------------------------------

checksums()
{
	(cd "$1" && find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum)
}

unmount_and_check()
{
	umount /tmp/disk
	e2fsck -f -n "$disk" >/tmp/fsck.out 2>&1 || fail "e2fsck: $(tail -n 3 /tmp/fsck.out)"
	say "e2fsck -f: clean"
}

demo_disk()
{
	local files

	heading "2/5 A file system on zmram" \
		"A real tree of files is copied to ext4 on the disk, memory is compacted, and every file compared."
	zm_setup 0 256M
	mkfs.ext4 -q "$disk"
	mkdir -p /tmp/disk
	mount "$disk" /tmp/disk
	remember_moves
	compact_loop_start 0.2
	cp -rL "$tree" /tmp/disk/tree
	sync
	compact_loop_stop || :
	files=$(find /tmp/disk/tree -type f | wc -l)
	say "copied $files files, $(du -sh /tmp/disk/tree | cut -f1), from $tree"
	echo 3 >/proc/sys/vm/drop_caches
	echo 1 >/proc/sys/vm/compact_memory
	echo 1 >$sys/compact
	unmount_and_check
	take_stats disk
	mount "$disk" /tmp/disk
	checksums "$tree" >/tmp/sums.want
	checksums /tmp/disk/tree >/tmp/sums.got
	cmp -s /tmp/sums.want /tmp/sums.got || fail "checksums of copied files differ"
	umount /tmp/disk
	say "remounted: all $(wc -l </tmp/sums.got) checksums equal to the originals'"
	say "$(mib "${shown[orig disk]}") of blocks are kept in $(mib "${shown[used disk]}") of RAM"
	say_moves
}

# ---- 3. fio ------------------------------------------------------------------

run_fio()
{
	local job=$1

	ZM_DEV=$disk ZM_SIZE=48m ZM_RUNTIME=$2 \
		fio --minimal --terse-version=3 "$here/../fio-jobs/$job.fio" >/tmp/fio.out 2>&1 ||
		fail "fio $job: $(grep -v '^3;' /tmp/fio.out | tail -n 3)"
	say "$(awk -F';' -v job="$job" '/^3;/ { r += $6; w += $47 } END {
		printf "%-18s %6.0f MiB written, %6.0f MiB read back, no mismatch", job, w / 1024, r / 1024 }' \
		/tmp/fio.out)"
}

demo_fio()
{
	heading "3/5 fio with verify under continuous compaction" \
		"Random writes, overwrites and discards with checksums, while pages are moved under them."
	zm_setup 0 128M
	remember_moves
	compact_loop_start
	run_fio randmix-verify 15
	run_fio trim-verify 8
	run_fio big-verify 8
	compact_loop_stop || :
	say_moves
	(($(moved) > moved_before)) || fail "no page of zmram was moved"
	take_stats fio
	zm_dev_reset 0
	zm_unload || fail "the modules cannot be unloaded"
}

# ---- 4. fragmentation --------------------------------------------------------

# One row of the table: NAME, then arguments of frag.sh
frag_row()
{
	local name=$1 line

	shift
	line=$("$here/frag.sh" "$@" 2>/tmp/frag.err) || fail "$name: $(tail -n 3 /tmp/frag.err)"
	[[ $line =~ ' obtained='([0-9]+)' possible='([0-9]+) ]] || fail "$name: no result: $line"
	obtained=${BASH_REMATCH[1]} possible=${BASH_REMATCH[2]}
	say "$(printf '%-24s %10d %10d %8.1f %%' "$name" "$obtained" "$possible" \
		"$(awk "BEGIN { print 100 * $obtained / $possible }")")"
}

demo_fragmentation()
{
	local pinned movable obtained possible

	heading "4/5 Fragmentation" \
		"300 MiB of device data lie in single-page holes all over RAM. How many huge pages can be made?"
	say "$(printf '%-24s %10s %10s %10s' device 'huge pages' possible share)"
	frag_row "in-tree zram" --kind zram
	frag_row "zmram, movable=0" --movable 0 --snap "$ZM_OUT/pinned"
	pinned=$obtained
	frag_row "zmram, movable=1" --movable 1 --snap "$ZM_OUT/movable" --keep
	movable=$obtained
	echo "$movable $possible $pinned" >"$ZM_OUT/huge-pages"
	((movable * 100 >= possible * 97)) || fail "less than 97 % of the possible huge pages"
	((movable > pinned)) || fail "no better than with pinned pages"
	take_stats frag
}

# ---- 5. statistics -----------------------------------------------------------

# row LABEL NAME bytes|pages|count
row()
{
	local column value

	printf '  %-38s' "$1"
	for column in "${columns[@]}"; do
		value=${shown[$2 $column]-}
		[[ $3 != bytes || ! $value ]] || value=$(mib "$value")
		printf '%14s' "${value:--}"
	done
	echo
}

ratio_row()
{
	local column

	printf '  %-38s' "$1"
	for column in "${columns[@]}"; do
		awk -v a="${shown[orig $column]}" -v b="${shown[used $column]}" \
			'BEGIN { printf "%14s", b > 0 ? sprintf("%.2f : 1", a / b) : "-" }'
	done
	echo
}

move_rows()
{
	local name value

	while read -r name value; do
		row "${name//_/ }" "move_$name" count
	done <$sys/move_stat
}

demo_statistics()
{
	heading "5/5 Statistics" \
		"Read through sysfs at the fullest moment of swap and at the end of steps 2, 3 and 4."
	printf '  %-38s' ''
	printf '%14s' "${columns[@]}"
	printf '\n  mm_stat\n'
	row "data kept" orig bytes
	row "  compressed to" compressed bytes
	row "  memory used" used bytes
	ratio_row "  data : memory"
	row "memory used at most" peak bytes
	row "pages of one repeated word" same count
	row "pages kept uncompressed" huge count
	row "pages freed by object compaction" compacted count
	echo "  io_stat"
	row "failed reads" failed_reads count
	row "failed writes" failed_writes count
	row "slots freed by swap" notify_free count
	echo "  move_stat (since the modules were loaded)"
	move_rows
}

clean_up()
{
	zm_dev_reset 0
	zm_unload || fail "the modules cannot be unloaded"
}

zm_load movable=1 || fail "cannot load the modules of $ZM_BUILD"
say "guest: kernel $(uname -r), $(($(meminfo_get MemTotal) / 1024)) MiB RAM, $(nproc) CPUs, ${ZM_ACCEL-?}"
demo_swap
demo_disk
demo_fio
demo_fragmentation
demo_statistics
step='cleaning up'
clean_up
touch "$ZM_OUT/complete"
