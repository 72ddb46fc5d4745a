#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The fragmentation experiment: how many huge pages can the kernel still make
# when a block device's memory lies scattered, one page here and one there, over
# all of RAM? Runs as root in a guest of about 1 GiB, for zmram (movable=1 or 0),
# in-tree zram, or brd. Prints one line of name=value pairs:
#   frag kind=zmram movable=1 kernel=... obtained=... possible=... percent=...
# Steps: fill RAM with single pages, free every second one, write incompressible
# data into the holes, free the rest, compact, ask for huge pages three times.
set -euo pipefail

prog=${0##*/}
here=$(cd -- "$(dirname -- "$0")" && pwd)
tools=${ZM_TOOLS:-$here/../build/tools}
: "${ZM_BUILD:=$here/../build/$(uname -r)}"
kind=zmram movable=1 mib=300 reserve=48 fill='' snap='' keep='' device=''

# shellcheck source=tests/lib.sh
. "$here/lib.sh"
# shellcheck source=tests/lib-peers.sh
. "$here/lib-peers.sh"

usage()
{
	cat <<END
Usage: tests/$prog [OPTIONS]        (as root, in a guest)

  --kind zmram|zram|brd  which block device (default zmram); tmpfs: a file in memory
  --movable 0|1          module parameter of zmram (default 1)
  --mib N                data to write to it, in MiB (default 300)
  --fill PERCENT         data to write, as a part of the RAM that is free, and to make
                         that part of it holes, instead of half of it
  --reserve N            MiB of RAM to leave unfilled (default 48)
  --snap DIR             write snapshots before.snap and after.snap there
  --keep                 leave the device loaded and filled
  --help                 this text

possible = obtained + the huge pages that the free memory left would still make,
counted zone by zone as the page allocator counts: free pages less the min
watermark less what lower zones hold back from such a request. possible_all
counts all free memory left, also what the kernel gives to nobody.

Environment: ZM_BUILD, the modules; ZM_TOOLS, the programs of tests/tools.
Exit status: 0 measured and the data intact, 1 data damaged, 2 set-up failed.
END
}

die()
{
	echo "$prog: $*" >&2
	exit 2
}

say()
{
	echo "$prog: $*" >&2
}

parse_args()
{
	while (($#)); do
		case $1 in
		--kind | --movable | --mib | --fill | --reserve | --snap)
			[[ ${2-} ]] || die "$1 needs a value; see --help"
			;;&
		--kind) kind=$2; shift 2 ;;
		--movable) movable=$2; shift 2 ;;
		--mib) mib=$2; shift 2 ;;
		--fill) fill=$2; shift 2 ;;
		--reserve) reserve=$2; shift 2 ;;
		--snap) snap=$2; shift 2 ;;
		--keep) keep=1; shift ;;
		--help) usage; exit 0 ;;
		*) die "unknown option $1; see --help" ;;
		esac
	done
	[[ $kind =~ ^(zmram|zram|brd|tmpfs)$ ]] || die "no such kind: $kind; see --help"
	[[ $kind == zmram ]] || movable=-
	[[ -x $tools/holes && -x $tools/devfill && -x $tools/memsnap ]] ||
		die "no programs in $tools; run 'make tools' or set ZM_TOOLS"
}

# setting FILE VALUE: until this script ends
setting()
{
	local old

	old=$(<"$1")
	[[ $old == *'['*']'* ]] && old=${old#*'['} && old=${old%']'*}
	at_exit store "$1" "$old"
	store "$1" "$2"
}

store()
{
	echo "$2" >"$1"
}

# Nothing but this experiment may make or break huge pages. Per-CPU lists are
# kept short, because the free pages in them look taken and do not merge.
quiet_kernel()
{
	swapoff -a
	setting /sys/kernel/mm/transparent_hugepage/enabled never
	setting /proc/sys/vm/compaction_proactiveness 0
	setting /proc/sys/vm/nr_hugepages 0
	setting /proc/sys/vm/percpu_pagelist_high_fraction 100000
	mountpoint -q /sys/kernel/debug || mount -t debugfs debugfs /sys/kernel/debug
}

# A little of the holes stays, for what the driver needs beside the data.
choose_mib()
{
	[[ ! $fill ]] ||
		mib=$((($(meminfo_get MemAvailable) / 1024 - reserve) * fill / 100 - 12))
}

load_device()
{
	local peer=$kind

	[[ $movable != 0 ]] || peer=zmram-pinned
	peer_load "$peer" $((mib + 8)) && peer_size $((mib + 8))M ||
		die "cannot set up $kind with the modules of $ZM_BUILD; run 'make'"
	device=/dev/$peer_disk
}

# Scatter the device's pages over all of memory.
scatter()
{
	"$tools/holes" --reserve "$reserve" --percent "${fill:-50}" \
		--hold-cmd "'$tools/devfill' --dev $device --mib $mib >&2" ||
		die "filling the holes failed; a smaller guest needs a smaller --mib"
	drop_caches
}

# snapshot NAME LABEL
snapshot()
{
	[[ $snap ]] || return 0
	mkdir -p "$snap"
	say "$("$tools/memsnap" --out "$snap/$1.snap" --label "$2")"
}

# One request can fall short of what a second one gets.
request_huge_pages()
{
	local all

	all=$(($(meminfo_get MemTotal) / 2048))
	for _ in 1 2 3; do
		echo "$all" >/proc/sys/vm/nr_hugepages
	done
}

# Huge pages that the free memory left would make, were it in one piece.
blocks_left()
{
	awk '
	function add_zone(n) {
		n = int((free - min - held_back) / 512)
		if (n > 0)
			sum += n
		free = min = held_back = 0
	}
	/^Node/ { add_zone() }
	$1 == "pages" && $2 == "free" { free = $3 }
	$1 == "min" { min = $2 }
	$1 == "protection:" { gsub(/[(),]/, " "); held_back = $NF }
	END { add_zone(); print sum + 0 }' /proc/zoneinfo
}

measure()
{
	local obtained possible possible_all

	request_huge_pages
	obtained=$(meminfo_get HugePages_Total)
	possible=$((obtained + $(blocks_left)))
	possible_all=$((obtained + $(meminfo_get MemFree) / 2048))
	snapshot huge "huge pages"
	echo 0 >/proc/sys/vm/nr_hugepages
	printf 'frag kind=%s movable=%s kernel=%s mib=%d obtained=%d possible=%d percent=%s possible_all=%d migrated=%d\n' \
		"$kind" "$movable" "$(uname -r)" "$mib" "$obtained" "$possible" \
		"$(awk "BEGIN { printf \"%.1f\", 100 * $obtained / $possible }")" \
		"$possible_all" "$(($(vmstat_get pgmigrate_success) - migrated_before))"
}

parse_args "$@"
quiet_kernel
drop_caches
choose_mib
load_device
scatter
migrated_before=$(vmstat_get pgmigrate_success)
snapshot before "before compaction"
echo 1 >/proc/sys/vm/compact_memory
snapshot after "after compaction"
measure
"$tools/devfill" --dev "$device" --mib "$mib" --verify >&2 || exit 1
[[ $keep ]] || peer_unload || die "the device could not be removed"
