# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# After lib.sh: the block devices in RAM that measurements compare, by one name each.
# All take the same calls, one of them at a time:
#
#	zmram zmram-pinned	ours, and ours with movable=0
#	zram			in-tree zram of the kernel that runs
#	brd			in-tree RAM disk, which does not compress
#	codec			nothing but lz4: each page has a place of its own
#	tmpfs			no disk but a file in memory: pages that the kernel itself
#				knows how to move
#
# peer_disk is the disk's name, without /dev/.

# tmpfs_load MIB: a file that takes that much. Swap is off, so it stays in memory.
tmpfs_load()
{
	mkdir -p /dev/peer && mount -t tmpfs -o "size=$1m,huge=never" peer /dev/peer &&
		touch /dev/peer/tmpfs && peer_disk=peer/tmpfs
}

# codec_load MIB
codec_load()
{
	modprobe -aq lz4_compress lz4_decompress
	insmod "$ZM_BUILD/tests/modules/zm_null.ko" codec=1 "size_mib=$1" && peer_disk=zmnull0
}

# peer_load PEER [MIB]: its modules; brd, tmpfs and codec take their size from here, MIB
peer_load()
{
	case $1 in
	zmram) zm_load movable=1 && peer_disk=zmram0 ;;
	zmram-pinned) zm_load movable=0 && peer_disk=zmram0 ;;
	zram) modprobe zram num_devices=1 && peer_disk=zram0 ;;
	brd) modprobe brd rd_nr=1 "rd_size=$((${2:-16} * 1024))" && peer_disk=ram0 ;;
	tmpfs) tmpfs_load "${2:-16}" ;;
	codec) codec_load "${2:-16}" ;;
	*) false ;;
	esac && wait_until 5 test -e "/dev/$peer_disk"
}

# peer_size SIZE [ALGORITHM]: a fresh disk of that size
peer_size()
{
	local sys=/sys/block/$peer_disk

	[[ -e $sys/disksize ]] || return 0
	echo 1 >"$sys/reset" && echo "${2:-lz4}" >"$sys/comp_algorithm" &&
		echo "$1" >"$sys/disksize"
}

# peer_has ALGORITHM
peer_has()
{
	tr -d '[]' <"/sys/block/$peer_disk/comp_algorithm" | grep -qw -- "$1"
}

peer_unload()
{
	case $peer_disk in
	zmram0) zm_dev_reset 0 && zm_unload ;;
	zram0) echo 1 >/sys/block/zram0/reset && rmmod zram ;;
	ram0) rmmod brd ;;
	zmnull0) rmmod zm_null ;;
	peer/tmpfs) umount /dev/peer ;;
	esac
}

# In KiB, with what waits in the lists of the processors.
free_memory()
{
	awk '$1 == "count:" { pages += $2 } END { print pages * 4 }' /proc/zoneinfo |
		{ read -r listed && echo $(($(meminfo_get MemFree) + listed)); }
}
