# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# The benchmark's lanes that run a script in a guest of scripts/guest or scripts/uml,
# host part; sourced by scripts/bench. Each leaves the lines that its guest part,
# NAME-guest.sh, has marked as results in OUT/NAME/results.txt.
#
# Uses top bench tools out kver modules, note and die of scripts/bench.
# shellcheck disable=SC2154

# before_others COMMAND...: where time is measured, whatever else this machine does
# should wait, if root says so. Niceness counts inside of a session only; the session has
# its own, beside other sessions.
before_others()
{
	local group=/proc/$$/autogroup old='' status=0

	if [[ -w $group && $(id -u) == 0 ]]; then
		old=$(sed 's/.* //' "$group")
		echo -15 >"$group"
	fi
	nice -n -15 "$@" 2> >(grep -v '^nice: ' >&2) || status=$?
	[[ ! $old ]] || echo "$old" >"$group"
	return "$status"
}

guest_tools()
{
	local name

	mkdir -p "$tools"
	make -s -C "$top" tools >&2 || die 1 "the test programs do not build"
	for name in corpus-load insn-io; do
		"${CC:-gcc}" -O2 -g -Wall -Wextra -pthread -static -o "$tools/$name" \
			"$bench/$name.c" || die 1 "$name does not build"
	done
}

# lane_start NAME: the lane has no results
lane_start()
{
	guest_tools
	build_corpus ''
	rm -rf "${out:?}/$1"
	mkdir -p "$out/$1"
	bench_info >"$out/$1/info.json"
}

# lane_guest NAME RUNNER [RUNNER'S OPTIONS] -- [NAME=VALUE...]: one more guest for it,
# and what the guest part gets in its environment
lane_guest()
{
	local name=$1 dir=$out/$1 runner=("$top/scripts/$2") status=0

	shift 2
	while [[ $1 != -- ]]; do
		runner+=("$1")
		shift
	done
	before_others "${runner[@]}" --kver "$kver" --share "$dir" --timeout 3000 env "${@:2}" \
		BENCH_TOOLS="$tools" BENCH_CORPUS="$corpus" bash "$bench/$name-guest.sh" |
		tee "$dir/output.txt" | sed -nu "s/^# /$prog: $name: /p" >&2 || status=$?
	((status == 0)) || die 1 "$name: the guest failed ($status), see $dir"
	sed -n 's/^result //p' "$dir/output.txt" >>"$dir/results.txt"
}

memory_lane()
{
	lane_start memory
	lane_guest memory guest --modules-dir "$modules" --icount --mem 10G \
		--append slab_nomerge -- PART=bytes DISK_MIB=128 ALGORITHMS="lz4 zstd" \
		PEERS="zram zmram"
	lane_guest memory guest --modules-dir "$modules" --mem 4G --append slab_nomerge -- \
		PART=blocks DISK_MIB=256 PEERS="zram zmram zmram zram zram zmram"
}

native_lane()
{
	lane_start native
	lane_guest native uml -- ROUNDS=7 ALGORITHMS="lz4 zstd lzo-rle" \
		KHZ="$("$top/scripts/tsc-khz")"
}

move_lane()
{
	local peers="zram zmram zmram-pinned brd"

	lane_start move
	lane_guest move guest --modules-dir "$modules" --mem 1G --append zm.own_guest -- \
		PART=frag PEERS="zram zmram tmpfs" ROUNDS=3 ONCE="zmram-pinned brd" \
		LEVELS="30 60 90" DISK_MIB=256
	lane_guest move guest --modules-dir "$modules" --mem 1G,slots=2,maxmem=3G \
		--append memhp_default_state=online_movable \
		--allow 'migration failure|migrating pfn|unmovable page|isolation failed' \
		--qemu '-object memory-backend-ram,id=hot0,size=512M -device pc-dimm,id=dimm0,memdev=hot0' \
		-- PART=load PEERS="$peers" PAGES=300 DISK_MIB=256
}

smp_lane()
{
	lane_start smp
	lane_guest smp guest --modules-dir "$modules" --mem 1G -- \
		ROUNDS=8 DISK_MIB=64
}
