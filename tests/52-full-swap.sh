#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# needs: mem=512M cpus=2 timeout=400 set=long
# allows: mem_limit reached|Write-error on swap-device|Buffer I/O error|I/O error, dev zmram0
# fails-if: swap on a device that has reached its mem_limit hangs, floods the log,
# fails-if: loses a page, or does not go on with the other area.
#
# A swap device at its mem_limit beside one with room. First page by page: with pages
# that do not compress, what fits and what is refused can be counted. Then under
# pressure, with more memory in use than there is RAM.
. "$ZM_TOP/tests/lib.sh"
. "$ZM_TOP/tests/lib-device.sh"

area_mib=32 limit_mib=8 mib=112
# Swap slots that processors keep for themselves, and pages that just cannot go.
slack=1024

# refused N: pages that the device did not take; 6.1 offers each twice
refused()
{
	awk '{print $2}' "/sys/block/zmram$1/io_stat"
}

stored()
{
	echo $(($(mm_stat "$1" orig_data_size) / 4096))
}

# Pages of a process that does what it is told, one line an order: "out" pushes all of
# them out, "change" gives them other content, "verify" says how many are wrong.
start_owner()
{
	coproc owner {
		exec /usr/bin/python3 -u -c '
import mmap, os, struct, sys

MADV_PAGEOUT = 21
CHUNK = 1 << 20
size = int(sys.argv[1]) << 20
memory = mmap.mmap(-1, size)
noise = os.urandom(4088)
turn = 0

def page(nr):
    return struct.pack("II", nr, turn) + noise

def pages(start):
    return b"".join(page(nr) for nr in range(start >> 12, start + CHUNK >> 12))

def change():
    global turn, noise
    turn += 1
    noise = os.urandom(4088)
    for start in range(0, size, CHUNK):
        memory[start:start + CHUNK] = pages(start)

def out():
    # A page in a batch that the LRU has not seen yet stays the first time.
    for turn in range(3):
        for start in range(0, size, CHUNK):
            memory.madvise(MADV_PAGEOUT, start, CHUNK)

def verify():
    return sum(memory[start:start + CHUNK] != pages(start) for start in range(0, size, CHUNK))

for order in sys.stdin:
    print(order.strip(), {"change": change, "out": out, "verify": verify}[order.strip()]())
' $mib
	}
}

# order WORD WANTED DESC
order()
{
	local answer began=$SECONDS

	echo "$1" >&"${owner[1]}"
	read -r -t $((120 * slow)) answer <&"${owner[0]}"
	is "$answer" "$1 $2" "$3"
	diag "$1: $((SECONDS - began)) s; stored: $(stored 0) and $(stored 1); refused: $(refused 0) and $(refused 1)"
}

check_counts()
{
	local fits=$((limit_mib << 8)) area=$((area_mib << 8)) before

	start_owner
	order change None "$mib MiB that do not compress"
	order out None "are pushed out; the first area holds $area pages, its limit $fits"
	num "$(stored 0)" -le "$fits" "it takes what it may"
	num "$(stored 0)" -ge $((fits * 9 / 10)) "and that is nearly as much"
	num "$(mm_stat 0 mem_used_max)" -le $((limit_mib << 20)) "never more"
	num "$(refused 0)" -ge $((area - fits - slack)) "others get an error"
	num "$(stored 1)" -ge $(((mib << 8) - area - slack)) "all the rest goes to the second area"
	is "$(refused 1)" 0 "which refuses none"
	order verify 0 "each page is what it was"
	order change None "all of them changed"
	before=$(refused 0)
	order out None "and pushed out again"
	num "$(refused 0)" -gt "$before" "the first area is still full"
	num "$(stored 1)" -ge $(((mib << 8) - area - slack)) "the second one has them"
	order verify 0 "each page is what it was"
	echo $(((area_mib + 8) << 20)) >/sys/block/zmram0/mem_limit
	before=$(refused 0)
	order out None "with the limit raised, as the log says,"
	num "$(stored 0)" -ge $((area - slack)) "the first area takes what it had refused"
	is "$(refused 0)" "$before" "and refuses none"
	order verify 0 "each page is what it was"
	eval "exec ${owner[1]}>&-"
	wait "$owner_PID"
}

check_pressure()
{
	local before pressure

	pressure=$(pressure_mib 64)
	# Swapped memory is scattered, and a UML process has only 65530 mappings.
	[[ $ZM_ACCEL != uml ]] || { skip "not enough mappings"; return; }
	echo $((limit_mib << 20)) >/sys/block/zmram0/mem_limit
	before=$(refused 0)
	echo 0 >/sys/block/zmram1/mem_used_max
	ok timeout $((120 * slow)) "$zm_tools/swapcheck" --mib $pressure --threads 2 --seconds 10 \
		--compressible 40 "$pressure MiB of anonymous memory, verified, with the first area full"
	num "$(refused 0)" -gt "$before" "it has refused pages again"
	# What it holds is gone by now, with the memory that it was of.
	num "$(mm_stat 1 mem_used_max)" -gt $((4 << 20)) "the second one has taken others"
}

slow=$(param slow 1)
zm_load num_devices=2
# Pages that were refused stay in memory, with their place in this area: keep it small.
zm_setup 0 ${area_mib}M
zm_setup 1 1G
echo $((limit_mib << 20)) >/sys/block/zmram0/mem_limit
for n in 0 1; do
	mkswap /dev/zmram$n >/dev/null
	ok swapon -p $((100 - n)) /dev/zmram$n "swap on the device $n"
done
dmesg_mark
began=$SECONDS
check_counts
check_pressure
is "$(refused 1)" 0 "the second area has refused none"
like "$(dmesg_since_mark)" 'zmram0: mem_limit reached, write failed; raise' "the log says what to do"
# Ten in five seconds is what the kernel lets through.
num "$(dmesg_since_mark | grep -c 'mem_limit reached')" -le $((20 + (SECONDS - began) * 2)) "not without end"
ok timeout $((60 * slow)) swapoff /dev/zmram0 "the full area can be swapped off"
ok timeout $((60 * slow)) swapoff /dev/zmram1 "and so can the other one"
zm_dev_reset 1
zm_check_end 0
tap_done
