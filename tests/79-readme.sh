#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# needs: mem=1G cpus=1 timeout=400
# fails-if: a command in README.md does not work; a sysfs file is not in its table; or
# fails-if: tests/README.md does not tell truly which tests hold it.
#
# What README.md tells users to type, and tests/README.md those who change it.
. "$ZM_TOP/tests/lib.sh"
. "$ZM_TOP/tests/lib-device.sh"
. "$ZM_TOP/tests/lib-dropin.sh"

readme=$ZM_TOP/README.md

# The lines of code in a section, up to the next one.
code_of()
{
	awk -v section="$1" '/^##/ { found = $0 == section } found && /^    / { print substr($0, 5) }' \
		"$readme"
}

sudo()
{
	"$@"
}

# run_section TITLE: every command in it has to succeed, one after the other.
run_section()
{
	local command

	while read -r command; do
		ok eval "$command" "${1##*# }: $command"
	done < <(code_of "$1")
}

# The table's lines: file and example, the marks of code taken off.
table()
{
	awk -F ' [|] ' '/^## /{ found = $0 == "## The sysfs files" }
		found && /^\| `/ { gsub(/[`| ]/, "", $1); gsub(/`|( *\|$)/, "", $NF); print $1, $NF }' "$readme"
}

# The tests that hold an attribute, as tests/README.md has them.
holders()
{
	awk -F ' [|] ' -v name="\`$1\`" '/^\| `/ && index($1, name) { gsub(/[ |]*$/, "", $2); print $2 }' \
		"$ZM_TOP/tests/README.md"
}

# check_holders ATTRIBUTE: each of them is there and has something to do with it
check_holders()
{
	local test wanted n=0

	wanted=$(holders "$1" | wc -w)
	for test in $(holders "$1"); do
		grep -qw -- "$1" "$ZM_TOP/tests/$test.sh" && n=$((n + 1))
	done
	is "$n" "${wanted/#0/some}" "tests/README.md knows who holds $1"
}

check_table()
{
	local file command

	zm_dev_reset 0
	cd /sys/block/zmram0 || return
	# A guest's own /var may have no direct I/O: tmpfs on 6.1 has none.
	mkfs.ext4 -q -O ^has_journal /dev/ram0
	mount /dev/ram0 /mnt
	head -c 64M /dev/zero >/mnt/zmram.img
	ln -sf /mnt/zmram.img /var/zmram.img
	while read -r file command; do
		ok eval "$command" "$file: $command"
	done < <(table)
	for file in *; do
		[[ -f $file && ! -e /sys/block/ram0/$file ]] || continue
		ok eval "table | grep -q '^$file '" "$file is in the table"
		check_holders "$file"
	done
	for file in hot_add hot_remove features; do
		check_holders $file
	done
	cd /
	zm_dev_reset 0
	umount /mnt
	rm /var/zmram.img
}

# To know what files every block device has, and for a backing file.
modprobe brd rd_nr=1 rd_size=$((128 << 10))
zm_stage_modules
zm_install >/dev/null
modprobe zmram
mkdir -p /mnt
run_section "## Use it as swap"
run_section "## Use it as a disk"
umount /mnt
check_table
zm_setup 0 64M
zm_check_end 0
tap_done
