# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# The benchmark's insn lane, host part; sourced by scripts/bench. It boots guests
# whose clock advances by one nanosecond per instruction and that hold everything
# in their initramfs (insn-init says why), so it does not use scripts/guest.
#
# Uses top bench tools out kver modules algorithms units peers passes repeat profile
# corpus_mib, note and die of scripts/bench.
# shellcheck disable=SC2154

insn_bad='Kernel panic|Oops|BUG: |WARNING: |Call Trace|general protection'

insn_tools()
{
	local name flags=(-O2 -g -Wall -Wextra)

	mkdir -p "$tools"
	for name in insn-io insn-swap insn-compact insn-move; do
		"${CC:-gcc}" "${flags[@]}" -static -o "$tools/$name" "$bench/$name.c" ||
			die 1 "$name does not build"
	done
	[[ ! $profile ]] ||
		"${CC:-gcc}" "${flags[@]}" -shared -fPIC -fvisibility=hidden \
			-o "$tools/insn-plugin.so" "$bench/insn-plugin.c" ||
		die 1 "the profiler does not build"
}

# insn_modules LIST NAME...: kernel modules and what they need, into $initrd.
insn_modules()
{
	local list=$initrd/mod/$1 root release ko name

	root=$("$top/scripts/kernels" --print root "$kver")
	release=$("$top/scripts/kernels" --print release "$kver")
	for name in "${@:2}"; do
		modprobe -C /dev/null -d "$root" -S "$release" -D "$name" 2>/dev/null || :
	done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' |
		while read -r ko; do
			name=${ko##*/}
			name=${name%%.ko*}.ko
			case $ko in
			*.xz) xz -dc "$ko" ;;
			*.zst) zstd -qdc "$ko" ;;
			*) cat "$ko" ;;
			esac >"$initrd/mod/$name"
			echo "$name" >>"$list"
		done
}

insn_initrd()
{
	local initrd=$1/initrd

	mkdir -p "$initrd"/{bin,mod,dev}
	cp "$(PATH=$PATH:/bin:/usr/sbin command -v busybox)" "$initrd/bin/busybox"
	cp "$bench/insn-init" "$initrd/init"
	chmod 755 "$initrd/init"
	cp "$tools"/insn-{io,swap,compact,move} "$initrd/"
	cp "$corpus" "$initrd/corpus"
	cp "$modules"/{zmalloc,zmram}.ko "$modules"/tests/modules/zm_{codec,quiet,mover,null}.ko \
		"$initrd/mod/" || die 1 "modules are missing in $modules"
	insn_modules common lz4 lz4hc zstd
	printf '%s\n' zm_codec.ko zm_quiet.ko zm_mover.ko >>"$initrd/mod/common"
	insn_modules zram zram
	insn_modules brd brd
	find "$initrd" -exec touch -h -d @0 {} +
	(cd "$initrd" && find . | LC_ALL=C sort | cpio -o -H newc --quiet --reproducible) \
		>"$1/initrd.cpio"
	rm -r "$initrd"
}

# insn_boot DIR INITRD PARAMETERS [QEMU ARGS]: one guest, progress on stderr.
# Nothing random, no host time: two guests execute the same instructions.
insn_boot()
{
	local dir=$1 initrd=$2 status=0 qemu tail
	local params="console=ttyS0 panic=-1 oops=panic random.trust_cpu=on nokaslr norandmaps"

	params+=" randomize_kstack_offset=off $3"
	: >"$dir/raw"
	timeout -k 5 3600 qemu-system-x86_64 -accel tcg -icount shift=0,sleep=off \
		-cpu max,-erms,-fsrm -smp 1 -m 1G -nodefaults -display none -no-reboot \
		-rtc base=2024-01-01,clock=vm -seed 1 -serial "file:$dir/console.log" \
		-serial "file:$dir/raw" \
		-kernel "$("$top/scripts/kernels" --print bzimage "$kver")" \
		-initrd "$initrd" -append "$params" "${@:4}" </dev/null &
	qemu=$!
	tail -f --pid="$qemu" "$dir/raw" 2>/dev/null | sed -nu 's/^#/ /p' >&2 &
	tail=$!
	trap 'kill "$qemu" 2>/dev/null' EXIT
	wait "$qemu" || status=$?
	wait "$tail" || :
	trap - EXIT
	if [[ $(tail -n 1 "$dir/raw" | tr -d '\r') != 'end 0' ]] || ((status)) ||
		grep -aqE "$insn_bad" "$dir/console.log"; then
		tail -n 30 "$dir/console.log" >&2
		tail -n 5 "$dir/raw" >&2
		die 1 "insn: the guest failed, see $dir/console.log"
	fi
}

# insn_run DIR INITRD PASSES [PARAMETERS [QEMU ARGS]]
insn_run()
{
	local dir=$1

	mkdir -p "$dir"
	bench_info >"$dir/info.json"
	insn_boot "$dir" "$2" \
		"ZM_PASSES=$3 ZM_UNITS=$units ZM_ALGORITHMS=$algorithms ZM_PEERS=$peers ${4-}" \
		"${@:5}"
	tr -d '\r' <"$dir/raw" | sed -n 's/^result //p' >"$dir/insn.txt"
	tr -d '\r' <"$dir/raw" | sed -n 's/^symbol //p' >"$dir/symbols"
	rm "$dir/raw"
}

insn_profile()
{
	local dir=$out/insn/profile

	note "insn, profile"
	insn_run "$dir" "$1" 2 ZM_SYMBOLS=1 \
		-plugin "$tools/insn-plugin.so,out=$dir/counts"
	/usr/bin/python3 "$bench/insn-profile.py" "$dir" >"$out/profile.txt"
}

insn_lane()
{
	local i initrd=$out/insn/initrd.cpio runs=()

	insn_tools
	# Only of what compresses is there a floor, the codec's own instructions.
	build_corpus text,source,heap
	rm -rf "$out/insn"
	mkdir -p "$out/insn"
	insn_initrd "$out/insn"
	for ((i = 1; i <= repeat; i++)); do
		note "insn, run $i of $repeat"
		insn_run "$out/insn/run$i" "$initrd" $((passes + 1))
		runs+=("$out/insn/run$i")
	done
	[[ ! $profile ]] || insn_profile "$initrd"
	rm "$initrd"
	/usr/bin/python3 -B "$bench/insn-report.py" "$out" "${runs[@]}" ||
		die 1 "insn: runs disagree or have no figures, see $out/insn.md"
}
