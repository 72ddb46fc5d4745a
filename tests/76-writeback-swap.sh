#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# needs: mem=512M cpus=2 timeout=400 set=long
# fails-if: a page comes back from swap with other content, or blocks of the backing
# fails-if: device stay in use after their swap slots were freed.
#
# Swap on a device whose pages are written back all the time.
. "$ZM_TOP/tests/lib.sh"
. "$ZM_TOP/tests/lib-device.sh"
. "$ZM_TOP/tests/lib-writeback.sh"

sys=/sys/block/zmram0

writeback_loop()
{
	until [[ -e $tap_scratch/stop ]]; do
		echo huge >$sys/writeback
		echo page_indexes=0-20000 >$sys/writeback
		sleep 0.2
	done
}

# What is swapped has to find room in the rest.
mib=$(pressure_mib 32)
zm_load
wb_ram_disks 1 96
wb_setup 0 512M /dev/ram0
ok mkswap /dev/zmram0 "mkswap"
ok swapon -p 100 /dev/zmram0 "swapon"
writeback_loop 2>/dev/null &
ok "$zm_tools/swapcheck" --mib $mib --threads 2 --seconds 15 --compressible 60 \
	"$mib MiB of anonymous memory in 512 MiB of RAM, verified"
touch "$tap_scratch/stop"
wait $!
diag "$(cat $sys/bd_stat) $(cat $sys/mm_stat)"
num "$(bd_stat 0 writes)" -gt 1000 "pages were written back"
num "$(bd_stat 0 reads)" -gt 100 "and swapped in from there"
is "$(awk '{print $1+0 "/" $2+0}' $sys/io_stat)" 0/0 "no I/O failed"
used=$(($(awk '/zmram0/ { print $4 }' /proc/swaps) / 4))
missed=$(sed -n 2p $sys/debug_stat | awk '{print $2}')
diag "$used pages of swap in use, $missed missed"
num "$(bd_stat 0 count)" -le $((used + missed)) "freed swap slots keep no block"
ok swapoff /dev/zmram0 "swapoff"
blkdiscard -f /dev/zmram0
is "$(bd_stat 0 count)" 0 "no block is left"
zm_setup 0 64M
zm_check_end 0
tap_done
