# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# For test files: TAP output and the handling of our devices inside a guest. A
# test file sources this, makes its checks, and ends with tap_done; without that
# no plan is printed, and a plan that is missing is a failure. The description of
# a check is always its last argument.
#
# Checks: ok nok is isnt like unlike num, skip skip_all bail diag tap_done.
# Devices: zm_load zm_unload zm_setup zm_dev_reset zm_sys mm_stat.
# The run: param cover.
# Machine: stat_get vmstat_get meminfo_get store_errno wait_until drop_caches memory_*
# compact_loop_* dmesg_mark dmesg_clean_since_mark at_exit.

set -u
tap_count=0
tap_failed=0
tap_exit_commands=()
tap_scratch=$(mktemp -d "${TMPDIR:-/tmp}/tap.XXXXXX")

# ---- TAP -------------------------------------------------------------------

diag()
{
	printf '%s\n' "$*" | sed 's/^/# /'
}

# tap_result STATUS DESC: one test line; status 0 is a pass, and returned.
tap_result()
{
	tap_count=$((tap_count + 1))
	if (($1 == 0)); then
		echo "ok $tap_count - $2"
	else
		tap_failed=$((tap_failed + 1))
		echo "not ok $tap_count - $2"
	fi
	return "$1"
}

# ok COMMAND... DESC: passes when the command succeeds. The command runs in this
# shell; its output appears only when the check fails.
ok()
{
	local desc=${!#} status=0

	"${@:1:$#-1}" >"$tap_scratch/out" 2>&1 || status=$?
	tap_result "$((status != 0))" "$desc" && return
	diag "command: ${*:1:$#-1}"$'\n'"exit status: $status"
	diag "$(tail -n 20 "$tap_scratch/out")"
	return 1
}

# nok COMMAND... DESC: passes when the command fails.
nok()
{
	local desc=${!#}

	if "${@:1:$#-1}" >"$tap_scratch/out" 2>&1; then
		tap_result 1 "$desc"
		diag "command succeeded, and should not have: ${*:1:$#-1}"
		diag "$(tail -n 20 "$tap_scratch/out")"
		return 1
	fi
	tap_result 0 "$desc"
}

# tap_compare MATCHED GOT WANTED DESC: the common end of the comparisons below.
tap_compare()
{
	tap_result "$1" "$4" && return
	diag "got:  $2"$'\n'"want: $3"
	return 1
}

is()
{
	[[ $1 == "$2" ]]
	tap_compare $? "$1" "$2" "$3"
}

isnt()
{
	[[ $1 != "$2" ]]
	tap_compare $? "$1" "anything but that" "$3"
}

# like GOT REGEX DESC (extended regular expression, as in [[ =~ ]])
like()
{
	[[ $1 =~ $2 ]]
	tap_compare $? "$1" "a match of $2" "$3"
}

unlike()
{
	[[ ! $1 =~ $2 ]]
	tap_compare $? "$1" "no match of $2" "$3"
}

# num GOT OP WANT DESC: integers, with -eq -ne -lt -le -gt -ge
num()
{
	[[ $1 =~ ^-?[0-9]+$ ]] && test "$1" "$2" "$3"
	tap_compare $? "${1:-nothing}" "$2 $3" "$4"
}

# skip REASON: counts as one check that was not made.
skip()
{
	tap_count=$((tap_count + 1))
	echo "ok $tap_count # SKIP $*"
}

skip_all()
{
	echo "1..0 # SKIP $*"
	exit 0
}

bail()
{
	echo "Bail out! $*"
	exit 99
}

tap_done()
{
	((tap_count)) || bail "no check was made"
	echo "1..$tap_count"
	exit $((tap_failed != 0))
}

# at_exit COMMAND...: run at the end, however the test ends, last one first.
at_exit()
{
	tap_exit_commands=("$(printf '%q ' "$@")" "${tap_exit_commands[@]}")
}

tap_at_exit()
{
	local command

	for command in "${tap_exit_commands[@]}"; do
		eval "$command" >/dev/null 2>&1
	done
	rm -rf "$tap_scratch"
}
trap tap_at_exit EXIT

# ---- the run ---------------------------------------------------------------

# param NAME DEFAULT: what tests/run was given with --param NAME=...
param()
{
	local word value=$2

	for word in $(</proc/cmdline); do
		[[ $word != "zm.$1="* ]] || value=${word#*=}
	done
	echo "$value"
}

# cover NAME COUNT: so often this happened; tests/run adds it up for the lane.
cover()
{
	[[ ! ${ZM_OUT-} ]] || echo "$1 $2" >>"$ZM_OUT/coverage"
}

# cover_lines TEXT: the same of lines "NAME COUNT"
cover_lines()
{
	local name count

	while read -r name count; do
		[[ ! $count ]] || cover "$name" "$count"
	done <<<"$1"
}

# ---- the machine -----------------------------------------------------------

# stat_get FILE NAME: the value in a file of "name value" lines; empty if absent.
stat_get()
{
	awk -v name="$2" '$1 == name || $1 == name ":" { print $2; exit }' "$1"
}

vmstat_get()
{
	stat_get /proc/vmstat "$1"
}

meminfo_get()
{
	stat_get /proc/meminfo "$1"
}

# store_errno FILE VALUE: writes VALUE and a newline in one write, prints "ok" or
# the name of the error.
store_errno()
{
	local message

	message=$({ printf '%s\n' "$2" >"$1"; } 2>&1) && { echo ok; return; }
	case $message in
	*'Invalid argument') echo EINVAL ;;
	*'Device or resource busy') echo EBUSY ;;
	*'No such device') echo ENODEV ;;
	*'Argument list too long') echo E2BIG ;;
	*'Cannot allocate memory') echo ENOMEM ;;
	*'Numerical result out of range') echo ERANGE ;;
	*'Operation not permitted') echo EPERM ;;
	*'Permission denied') echo EACCES ;;
	*'No such file or directory') echo ENOENT ;;
	*'No space left on device') echo ENOSPC ;;
	*'Input/output error') echo EIO ;;
	*'File exists') echo EEXIST ;;
	*'Interrupted system call') echo EINTR ;;
	*'Resource temporarily unavailable') echo EAGAIN ;;
	*'Block device required') echo ENOTBLK ;;
	*'Is a directory') echo EISDIR ;;
	*) echo "$message" ;;
	esac
}

# wait_until SECONDS COMMAND...: polls until the command succeeds.
wait_until()
{
	local end=$((SECONDS + $1))

	shift
	until "$@"; do
		((SECONDS < end)) || return 1
		sleep 0.1
	done
}

drop_caches()
{
	sync
	echo 3 >/proc/sys/vm/drop_caches
}

# Hot-plugged memory, block by block: the folders in sysfs.
memory_blocks=/sys/devices/system/memory

# memory_plugged: what was plugged in, which lies above 4 GiB
memory_plugged()
{
	local block bytes

	[[ -e $memory_blocks/block_size_bytes ]] || return 0
	bytes=$((16#$(<$memory_blocks/block_size_bytes)))
	for block in "$memory_blocks"/memory[0-9]*; do
		((16#$(<"$block/phys_index") * bytes < 4 << 30)) || echo "$block"
	done
}

# memory_make_movable: that; kernels differ in what they do with it at boot
memory_make_movable()
{
	local block

	for block in $(memory_plugged); do
		[[ $(<"$block/state") == offline ]] || echo offline >"$block/state"
		echo online_movable >"$block/state"
	done 2>/dev/null
}

# memory_movable: which blocks are online and movable
memory_movable()
{
	local block

	for block in "$memory_blocks"/memory[0-9]*; do
		[[ $(<"$block/valid_zones") != *Movable* || $(<"$block/state") != online ]] ||
			echo "$block"
	done
}

# A background loop of full compactions; [PAUSE] in seconds between two of them.
compact_loop_start()
{
	local pause=${1:-0}

	compact_loop_stop
	while :; do
		echo 1 >/proc/sys/vm/compact_memory
		[[ $pause == 0 ]] || sleep "$pause"
	done 2>/dev/null &
	compact_pid=$!
	at_exit compact_loop_stop
}

compact_loop_stop()
{
	[[ ${compact_pid-} ]] || return 0
	kill "$compact_pid" 2>/dev/null
	wait "$compact_pid" 2>/dev/null
	compact_pid=
}

# dmesg_mark: from here on; dmesg_since_mark prints what came after.
dmesg_mark()
{
	tap_mark="zm-test mark $BASHPID.$EPOCHREALTIME"
	echo "<6>$tap_mark" >/dev/kmsg
}

dmesg_since_mark()
{
	dmesg | awk -v mark="$tap_mark" 'seen; index($0, mark) { seen = 1 }'
}

# Succeeds when the kernel has complained of nothing; prints what it said.
dmesg_clean_since_mark()
{
	! dmesg_since_mark | grep -E -- "$ZM_BAD"
}

# ---- our modules and devices -----------------------------------------------

zm_name=zmram	# zram once loaded with drop_in=1
zm_kcsan=/sys/kernel/debug/kcsan

# The libraries that our modules use, which modprobe would load first.
zm_load_libraries()
{
	local lib

	modinfo -F depends "$ZM_BUILD/zmalloc.ko" "$ZM_BUILD/zmram.ko" |
		tr ',' '\n' | sort -u |
		while read -r lib; do
			[[ ! $lib || $lib == zmalloc ]] || modprobe "$lib" || exit 1
		done
}

# Lets KCSAN, on a kernel that has it, look for data races from now on.
zm_watch_races()
{
	zm_watched=0
	[[ -e $zm_kcsan ]] || return 0
	echo on >$zm_kcsan || return
	zm_watched=$(stat_get $zm_kcsan setup_watchpoints)
}

zm_unwatch_races()
{
	[[ -e $zm_kcsan ]] || return 0
	echo off >$zm_kcsan
	cover watchpoints $(($(stat_get $zm_kcsan setup_watchpoints) - zm_watched))
	zm_watched=$(stat_get $zm_kcsan setup_watchpoints)
}

# zm_load [PARAMETERS OF zmram]
zm_load()
{
	zm_load_libraries || return
	zm_watch_races || return
	[[ -d /sys/module/zmalloc ]] || insmod "$ZM_BUILD/zmalloc.ko" || return
	insmod "$ZM_BUILD/zmram.ko" "$@" || return
	zm_name=zmram
	case " $* " in *' drop_in='[1yY]*) zm_name=zram ;; esac
}

zm_unload()
{
	cover_lines "$(cat "/sys/block/$zm_name"[0-9]*/move_stat 2>/dev/null)"
	rmmod zmram && rmmod zmalloc || return
	zm_unwatch_races
}

# zm_sys N: the device's sysfs directory
zm_sys()
{
	echo "/sys/block/$zm_name$1"
}

zm_dev_reset()
{
	local counted

	counted=$(cat "$(zm_sys "$1")/move_stat" 2>/dev/null)
	echo 1 >"$(zm_sys "$1")/reset" && cover_lines "$counted"
}

# zm_setup N SIZE: a fresh device of that size (64M, 1G ...)
zm_setup()
{
	zm_dev_reset "$1" && echo "$2" >"$(zm_sys "$1")/disksize"
}

# mm_stat N FIELD: one column of mm_stat by its name
mm_stat()
{
	local names=(orig_data_size compr_data_size mem_used_total mem_limit
		     mem_used_max same_pages pages_compacted huge_pages
		     huge_pages_since)
	local i values

	read -ra values <"$(zm_sys "$1")/mm_stat"
	for i in "${!names[@]}"; do
		[[ ${names[i]} != "$2" ]] || echo "${values[i]-}"
	done
}
