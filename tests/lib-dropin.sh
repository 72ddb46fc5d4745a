# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# For test files, after lib.sh: what "make install" would do, inside the guest, so
# that modprobe and everything that calls it finds our modules or in-tree zram.

zm_release=$(uname -r)
zm_modules=/lib/modules/$zm_release
zm_in_tree=(zram lz4 lz4hc zstd deflate lzo lzo-rle 842 brd loop ext4 crc32c)

# Files of in-tree modules that our tests load, with what these need.
zm_module_files()
{
	local name

	# What is built in has no file, and not every kernel has every module.
	for name in "${zm_in_tree[@]}" $(modinfo -F depends "$ZM_BUILD"/{zmalloc,zram}.ko | tr ',' ' '); do
		modprobe --show-depends "$name" 2>/dev/null
	done | awk '$1 == "insmod" { print $2 }' | sort -u
}

# Over the guest's modules directory, one that holds a few of them only, because
# depmod takes minutes for all of them on an emulated processor.
zm_stage_modules()
{
	local tree=/run/modules.$$ file

	mkdir -p "$tree"
	cp "$zm_modules"/modules.{order,builtin,builtin.modinfo} "$tree"
	while read -r file; do
		mkdir -p "$tree/$(dirname "${file#"$zm_modules"/}")"
		cp "$file" "$tree/${file#"$zm_modules"/}"
	done < <(zm_module_files)
	mount --bind "$tree" "$zm_modules"
	# udevd may have it open still; the next test wants what is below all the same.
	at_exit umount -l "$zm_modules"
	depmod -a
}

# zm_install [--drop-in | --remove]
zm_install()
{
	"$ZM_TOP/scripts/ko-install" --from "$ZM_BUILD" "$@" '' "$zm_release"
}

# The programs of scripts/guest-tools, in their places.
zm_install_tools()
{
	[[ -d $ZM_CACHE/tools ]] || return
	tar -C "$ZM_CACHE/tools" -cf - . | tar -C / -xf - --keep-directory-symlink
}
