# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# For test files, after lib-device.sh: devices with a backing device. Disks for
# that are RAM disks, and device-mapper devices on them that fail or are slow.

# bd_stat N FIELD: count, reads or writes
bd_stat()
{
	local names=(count reads writes) i values

	read -ra values <"$(zm_sys "$1")/bd_stat"
	for i in "${!names[@]}"; do
		[[ ${names[i]} != "$2" ]] || echo "${values[i]-}"
	done
}

# wb_ram_disks N MIB: /dev/ram0 and so on; their memory is taken as they are written.
wb_ram_disks()
{
	modprobe brd rd_nr="$1" rd_size=$(($2 * 1024))
}

# wb_setup N SIZE BACKING [COMPRESSED]: a fresh device with a backing device
wb_setup()
{
	zm_dev_reset "$1" && echo "$3" >"$(zm_sys "$1")/backing_dev" &&
		echo "${4:-0}" >"$(zm_sys "$1")/compressed_writeback" &&
		echo "$2" >"$(zm_sys "$1")/disksize"
}

# wb_write N WORDS...: writes to writeback, prints "ok" or the error's name
wb_write()
{
	store_errno "$(zm_sys "$1")/writeback" "${*:2}"
}

wb_all()
{
	wb_write "$1" page_indexes=0-$(($(<"$(zm_sys "$1")/disksize") / 4096 - 1))
}

# wb_pages N FIRST COUNT SEED: incompressible pages that the seed tells apart
wb_pages()
{
	/usr/bin/python3 - "/dev/$zm_name$1" "${@:2}" <<'PYTHON'
import mmap, os, random, sys

device, first, count, seed = sys.argv[1], *map(int, sys.argv[2:])
rng = random.Random(seed)
fd = os.open(device, os.O_RDWR | os.O_DIRECT)
buf = mmap.mmap(-1, 4096)
for page in range(first, first + count):
    buf[:] = rng.randbytes(4096)
    os.pwrite(fd, buf, page * 4096)
PYTHON
}

# wb_page_sum N FIRST [COUNT]
wb_page_sum()
{
	dd if="/dev/$zm_name$1" bs=4k skip="$2" count="${3:-1}" iflag=direct status=none | md5sum
}

# Opens a device exclusively, as mkfs does.
wb_can_claim()
{
	/usr/bin/python3 -c 'import os, sys; os.open(sys.argv[1], os.O_RDWR | os.O_EXCL)' "$1"
}

# wb_dm NAME TABLE: a device-mapper device, or a new table for it, of several lines
wb_dm()
{
	if [[ -e /dev/mapper/$1 ]]; then
		dmsetup reload "$1" <<<"$2" && dmsetup resume --noudevsync "$1"
	else
		dmsetup create --noudevsync "$1" <<<"$2" && dmsetup mknodes "$1"
	fi
}
