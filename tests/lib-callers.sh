# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# For test files, after lib-device.sh: whose wish it was that the device's pages
# moved. The kernel keeps a count per stack trace of the moves, so that a test can
# tell the caller it provokes from others that are at work.

zm_migrate_event=/sys/kernel/tracing/events/zmalloc/zmalloc_migrate
zm_migrate_hist='hist:keys=stacktrace:size=4096 if result >= 0'

# From here on. The trigger holds the module: callers_stop before it is unloaded.
callers_start()
{
	callers_stop
	callers_before=$(zm_migrated_total)
	[[ ! -e $zm_migrate_event/hist ]] || echo "$zm_migrate_hist" >$zm_migrate_event/trigger
	at_exit callers_stop
}

callers_stop()
{
	[[ ! -e $zm_migrate_event/hist ]] || echo "!$zm_migrate_hist" >$zm_migrate_event/trigger
} 2>/dev/null

# Pages moved, of all devices.
zm_migrated_total()
{
	cat "/sys/block/$zm_name"*/move_stat |
		awk '$1 == "migrated" { sum += $2 } END { print sum + 0 }'
}

# moved_by REGEX: pages moved since callers_start below a function of that name.
# Kernels that keep no histogram count every move: there, a test has to see to it that
# nobody else is moving pages.
moved_by()
{
	if [[ ! -e $zm_migrate_event/hist ]]; then
		echo $(($(zm_migrated_total) - callers_before))
		return
	fi
	awk -v caller="^($1)[+.]" '
	/^\{/ { found = 0 }
	$1 ~ caller { found = 1 }
	/^\} hitcount:/ && found { sum += $NF }
	END { print sum + 0 }' $zm_migrate_event/hist
}

# The callers seen, for people: a line each with its count and its functions.
callers_list()
{
	[[ -e $zm_migrate_event/hist ]] || return 0
	awk '
	/^\{/ { trace = "" }
	$1 ~ /\+0x/ { sub(/\+0x.*/, "", $1); trace = trace " " $1 }
	/^\} hitcount:/ { print $NF trace }' $zm_migrate_event/hist | sort -rn | head -n "${1:-5}"
}

# zm_scatter N MIB [RESERVE]: spreads so much of the device over all of memory, a
# page here and a page there, from the start.
zm_scatter()
{
	blkdiscard -f "/dev/$zm_name$1" &&
		"$zm_tools/holes" --reserve "${3:-48}" \
			--hold-cmd "'$zm_tools/devfill' --dev /dev/$zm_name$1 --mib $2" &&
		echo 3 >/proc/sys/vm/drop_caches
}

# with_policy POLICY N,... COMMAND...: how the command takes its memory from these memory
# nodes (set_mempolicy(2): 2 from nowhere else, 3 from each in turn).
with_policy()
{
	/usr/bin/python3 -c '
import ctypes
import os
import sys

nodes = ctypes.c_ulong(sum(1 << int(node) for node in sys.argv[2].split(",")))
if ctypes.CDLL(None).syscall(238, int(sys.argv[1]), ctypes.byref(nodes), 64):
    sys.exit("set_mempolicy failed")
os.execvp(sys.argv[3], sys.argv[3:])' "$@"
}

# on_node N COMMAND...: the command takes its memory from that memory node only.
on_node()
{
	with_policy 2 "$@"
}

# across_nodes N,... COMMAND...: the command takes every page from the next of the nodes.
across_nodes()
{
	with_policy 3 "$@"
}

# Pages in zspages, as memory node N counts them.
zspages_on()
{
	echo 1 >/proc/sys/vm/stat_refresh
	stat_get "/sys/devices/system/node/node$1/vmstat" nr_zspages
}

# qemu_say COMMAND: to QEMU's monitor (needs: monitor=1); its words end up in
# $tap_scratch/monitor.
qemu_say()
{
	local port

	if [[ ! ${qemu_fd-} ]]; then
		port=$(grep -lx zm.monitor /sys/class/virtio-ports/*/name) || return
		port=${port%/name}
		exec {qemu_fd}<>"/dev/${port##*/}"
		cat <&"$qemu_fd" >"$tap_scratch/monitor" &
		at_exit kill $!
	fi
	printf '%s\n' "$1" >&"$qemu_fd"
}
