#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# needs: mem=512M cpus=2 timeout=300 set=callers
# fails-if: the kernel's compaction, for an allocation, in the background or by hand,
# fails-if: moves none of the device's pages, or damages them.
#
# Compaction, whoever wants it: direct, for an allocation that cannot wait; by kcompactd,
# because memory has become too fragmented (proactive); and for somebody who writes to
# compact_memory.
. "$ZM_TOP/tests/lib.sh"
. "$ZM_TOP/tests/lib-device.sh"
. "$ZM_TOP/tests/lib-callers.sh"

# Nearly all of the holes that zm_scatter makes, so that no huge page is free in between;
# where the kernel takes much of the memory for itself, these are fewer.
mib=$((($(meminfo_get MemAvailable) / 1024 - 48) * 45 / 100))
((mib < 150)) || mib=150
few=40		# for what goes through all of memory before it ends
by_hand='sysctl_compaction_handler|compact_nodes'

# at_least WANTED CALLER: within a quarter of a minute, on a kernel that is not slow
at_least()
{
	wait_until $((15 * $(param slow 1))) eval "(( \$(moved_by '$2') >= $1 ))"
	num "$(moved_by "$2")" -ge "$1" "$3: pages of the device moved"
	diag "$3: $(moved_by "$2") pages"
}

# The kernel puts compaction off after each time that it was in vain (64 at most).
ask_for_huge_pages()
{
	echo 150 >/proc/sys/vm/nr_hugepages
}

compact_by_hand()
{
	zm_scatter 0 $few && callers_start && echo 1 >/proc/sys/vm/compact_memory
}

[[ -e /proc/sys/vm/nr_hugepages ]] || skip_all "no huge pages in this kernel"
swapoff -a
echo 0 >/proc/sys/vm/compaction_proactiveness
zm_load
zm_setup 0 256M
ok zm_scatter 0 $mib "the device's pages lie scattered"

callers_start
repeat_until 70 '(($(moved_by try_to_compact_pages) >= 500))' ask_for_huge_pages
at_least 500 'try_to_compact_pages' "direct compaction"
diag "$(meminfo_get HugePages_Total) huge pages; $(callers_list 1)"
echo 0 >/proc/sys/vm/nr_hugepages
ok "$zm_tools/devfill" --dev /dev/zmram0 --mib $mib --verify "the data is as it was"

# Woken for an allocation, kcompactd ends with the first huge page: so many moves were
# not for that.
ok zm_scatter 0 $mib "scattered once more"
callers_start
echo 100 >/proc/sys/vm/compaction_proactiveness
at_least 5000 'kcompactd' "proactive compaction"
echo 0 >/proc/sys/vm/compaction_proactiveness
ok "$zm_tools/devfill" --dev /dev/zmram0 --mib $mib --verify "the data is as it was"

ok repeat_until 3 '(($(moved_by "$by_hand") >= 100))' compact_by_hand \
	"scattered once more, and compacted by hand"
num "$(moved_by "$by_hand")" -ge 100 "by hand: pages of the device moved"
diag "by hand: $(moved_by "$by_hand") pages; $(callers_list 1)"
ok "$zm_tools/devfill" --dev /dev/zmram0 --mib $few --verify "the data is as it was"

callers_stop
zm_check_end 0
tap_done
