#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# needs: mem=1G cpus=2 timeout=500 set=long
# allows: FAULT_INJECTION|I/O error, dev dm-|Buffer I/O error on dev|I/O error, dev zmram0
# fails-if: a failed write loses data, a block or a part of the limit; a page changed
# fails-if: while it is written comes back; a block is used again while it is read;
# fails-if: statistics, a signal or a reset wait for a slow backing device; reads that get
# fails-if: no memory wait for each other.
#
# Writeback to a device that fails, and to one that takes its time.
. "$ZM_TOP/tests/lib.sh"
. "$ZM_TOP/tests/lib-device.sh"
. "$ZM_TOP/tests/lib-writeback.sh"

sys=/sys/block/zmram0
wb=/dev/mapper/wb

# delay READ_MS WRITE_MS [SECTORS]
delay()
{
	wb_dm wb "0 ${3:-65536} delay /dev/ram0 0 $1 /dev/ram0 0 $2"
}

# Is a read of the slow device under way?
reading()
{
	(($(dmsetup status wb | awk '{ print $4 }')))
}

linear()
{
	wb_dm wb "0 65536 linear /dev/ram0 0"
}

failing_writes()
{
	local sum

	wb_setup 0 64M $wb
	wb_pages 0 0 100 1
	sum=$(zm_checksum 0)
	echo 1 >$sys/writeback_limit_enable
	echo 1000 >$sys/writeback_limit
	ok wb_dm wb "0 65536 error" "the backing device fails from here on"
	is "$(wb_write 0 huge)" EIO "errors are reported"
	is "$(bd_stat 0 count)/$(bd_stat 0 writes)" 0/0 "no block is lost"
	is "$(cat $sys/writeback_limit)" 1000 "nothing is charged"
	is "$(mm_stat 0 huge_pages)" 100 "the pages stay"
	is "$(zm_checksum 0)" "$sum" "with their data"
	# Blocks are looked for from behind the latest one on, here the 100th.
	wb_dm wb $'0 1200 linear /dev/ram0 0\n1200 64336 error'
	is "$(wb_write 0 huge)" EIO "half of them fail"
	num "$(bd_stat 0 count)" -gt 0 "the others go out"
	is $(($(bd_stat 0 count) + $(mm_stat 0 huge_pages))) 100 "each is here or there"
	is $((1000 - $(cat $sys/writeback_limit))) "$(bd_stat 0 writes)" "those that went are charged"
	is "$(zm_checksum 0)" "$sum" "the data is as it was"
	linear
	is "$(wb_write 0 huge)" ok "with the device in order, the rest goes"
	is "$(bd_stat 0 count)" 100 "all are there"
	is "$(zm_checksum 0)" "$sum" "the data is as it was"
}

failing_reads()
{
	local sum failed

	sum=$(wb_page_sum 0 0 99)
	wb_dm wb "0 65536 error"
	failed=$(awk '{ print $1 }' $sys/io_stat)
	nok dd if=/dev/zmram0 of=/dev/null bs=4k count=1 iflag=direct "a failed read is an error"
	nok dd if=/dev/zmram0 of=/dev/null bs=64k count=2 iflag=direct "of a larger request, too"
	num "$(awk '{ print $1 }' $sys/io_stat)" -ge $((failed + 2)) "counted as failed reads"
	is "$(bd_stat 0 count)" 100 "the pages stay where they are"
	ok dd if=/dev/urandom of=/dev/zmram0 bs=4k count=1 seek=99 oflag=direct "overwriting needs no backing device"
	is "$(bd_stat 0 count)" 99 "and frees"
	linear
	is "$(wb_page_sum 0 0 99)" "$sum" "with the device in order, data comes back"
}

# A page is overwritten while it is on its way out: to a device that holds what it
# gets, so that no machine is too slow for it.
overwritten_meanwhile()
{
	local new

	delay 0 0
	wb_setup 0 64M $wb "$1"
	wb_pages 0 0 8 2
	dmsetup suspend --nolockfs wb
	wb_write 0 page_indexes=0-7 page_indexes=2-5 >"$tap_scratch/result" &
	wait_until 5 eval '[[ $(stat_get $sys/progress writeback) == 8 ]]'
	wb_pages 0 0 4 3
	blkdiscard -f -o 16384 -l 8192 /dev/zmram0
	new=$(wb_page_sum 0 0 64)
	is "$(bd_stat 0 writes)" 0 "none has arrived so far"
	dmsetup resume --noudevsync wb
	wait $!
	is "$(<"$tap_scratch/result")" ok "a page that changed on its way is no error"
	is "$(bd_stat 0 writes)/$(bd_stat 0 count)" 8/2 "all were written, two are still wanted"
	is "$(wb_page_sum 0 0 64)" "$new" "what was written meanwhile wins"
}

# The block of a page that is being read goes to no other page.
reused_block()
{
	local sum blocks=3

	delay 0 0 $((blocks * 8))
	wb_setup 0 64M $wb
	wb_pages 0 0 1 21
	wb_pages 0 1 1 22
	wb_pages 0 2 1 23
	sum=$(wb_page_sum 0 0)
	is "$(wb_write 0 page_indexes=0-1)" ok "two pages fill the backing device"
	is "$(wb_write 0 page_index=2)" ENOSPC "a third one does not fit"
	delay $((slow * 1000)) 0 $((blocks * 8))
	wb_page_sum 0 0 >"$tap_scratch/sum" &
	ok wait_until 5 reading "the first page is being read"
	wb_pages 0 0 1 24
	ok reading "still, when it is overwritten"
	is "$(wb_write 0 page_index=2)" ok "the first block is free again, and is taken"
	wait $!
	is "$(<"$tap_scratch/sum")" "$sum" "who was reading it sees his page"
	is "$(wb_page_sum 0 2)" "$(delay 0 0 $((blocks * 8)); wb_page_sum 0 2)" "and so does the new owner"
}

in_flight_together()
{
	local began

	delay 0 300
	wb_setup 0 64M $wb
	wb_pages 0 0 256 31
	began=$SECONDS
	is "$(wb_write 0 page_indexes=0-127)" ok "128 pages, 300 ms each"
	num $((SECONDS - began)) -le 8 "are written many at a time"
	echo 1 >$sys/writeback_batch_size
	began=$SECONDS
	is "$(wb_write 0 page_indexes=128-139)" ok "12 pages, one at a time"
	num $((SECONDS - began)) -ge 3 "take their time"
	echo 32 >$sys/writeback_batch_size
	delay 0 0
	is "$(wb_all 0)" ok "all of them"
	delay 300 0
	began=$SECONDS
	ok dd if=/dev/zmram0 of=/dev/null bs=1M count=1 iflag=direct "a read of 256 such pages"
	num $((SECONDS - began)) -le 6 "reads many at a time"
}

others_do_not_wait()
{
	local began

	delay 0 300
	wb_setup 0 64M $wb
	wb_pages 0 0 256 41
	echo 1 >$sys/writeback_batch_size
	wb_write 0 huge >"$tap_scratch/result" &
	wait_until 5 grep -q writeback $sys/progress
	began=$SECONDS
	cat $sys/{mm_stat,bd_stat,io_stat,debug_stat,progress,backing_dev,writeback_limit} >/dev/null
	wb_page_sum 0 255 >/dev/null
	num $((SECONDS - began)) -le 1 "statistics and readers do not wait for writeback"
	is "$(wb_write 0 huge)" EAGAIN "a second writeback does not either"
	is "$(store_errno $sys/writeback_batch_size 2)" ok "nor do settings"
	began=$SECONDS
	is "$(store_errno $sys/reset 1)" ok "a reset while it runs"
	num $((SECONDS - began)) -le 3 "makes it stop"
	wait $!
	is "$(<"$tap_scratch/result")" EINTR "which it reports"
	ok wb_can_claim $wb "and the backing device is free"

	wb_setup 0 64M $wb
	wb_pages 0 0 256 42
	echo 1 >$sys/writeback_batch_size
	bash -c "echo huge >$sys/writeback" &
	wait_until 5 grep -q writeback $sys/progress
	began=$SECONDS
	kill -9 $!
	wait $! 2>/dev/null
	num $((SECONDS - began)) -le 2 "a signal ends it, too"
	like "$(cat $sys/progress)" '^none' "it has ended"
	is $(($(bd_stat 0 count) + $(mm_stat 0 huge_pages))) 256 "each page is here or there"
}

reset_while_reading()
{
	delay 0 0
	wb_setup 0 64M $wb
	wb_pages 0 0 64 51
	wb_all 0 >/dev/null
	delay $((slow * 250)) 0
	dd if=/dev/zmram0 of=/dev/null bs=256k count=1 iflag=direct status=none &
	ok wait_until 5 reading "pages are being read"
	kill -9 $!
	wait_until 10 eval '[[ $(store_errno $sys/reset 1) == ok ]]'
	is "$(cat $sys/initstate)" 0 "a reset when a reader has gone"
	ok wb_can_claim $wb "gives the backing device back"
}

# Reads pages 0 to 63 in memory that lies in pieces, 16 of 32 readers with a page before it
# that does not; true when all of it is what a plain read returns.
read_pieces()
{
	/usr/bin/python3 - /dev/zmram0 <<'PYTHON'
import mmap, os, sys, threading

PAGE, PAGES, ROUNDS = 4096, 64, 3
fd = os.open(sys.argv[1], os.O_RDONLY | os.O_DIRECT)
disk = mmap.mmap(-1, PAGES * PAGE)
wrong = []

def read(whole, page):
    first, pieces = mmap.mmap(-1, PAGE), mmap.mmap(-1, 4 * PAGE)
    for i in (0, 2, 3, 1):        # so that 0 and 1 are no neighbours
        pieces[i * PAGE] = 0
    second = memoryview(pieces)[512:512 + PAGE]
    want = disk[page * PAGE:(page + 1 + whole) * PAGE]
    for _ in range(ROUNDS):
        n = os.preadv(fd, ([first] if whole else []) + [second], page * PAGE)
        if n != len(want) or (first[:] if whole else b"") + bytes(second) != want:
            wrong.append(page)

os.preadv(fd, [disk], 0)
threads = [threading.Thread(target=read, args=(n < 16, 2 * n)) for n in range(32)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
sys.exit(bool(wrong) or not any(disk))
PYTHON
}

# workers_fail 0|1: allocations of the workers that there are may be made to fail
workers_fail()
{
	local dir

	for dir in /proc/[0-9]*; do
		case $(cat "$dir/comm" 2>/dev/null) in
		kworker/* | zmram0-*) echo "$1" >"$dir/make-it-fail" ;;
		esac
	done 2>/dev/null
}

# Nobody may wait for one kind of page that is there without memory, for reading into and
# for pieces, with the last of the other kind in hand.
pieces_without_memory()
{
	local inject=/sys/kernel/debug/fail_page_alloc

	[[ -d $inject ]] || { skip "this kernel cannot inject allocation failures"; return; }
	delay 0 0
	wb_setup 0 64M $wb
	wb_pages 0 0 64 61
	is "$(wb_all 0)/$(bd_stat 0 count)" ok/64 "64 pages go out"
	delay 100 0
	# And a worker for each reader, which without memory would not come.
	ok read_pieces "they are read in pieces"
	workers_fail 1
	fault_set_alloc fail_page_alloc 100
	rm -f "$tap_scratch/result"
	{ read_pieces; echo $? >"$tap_scratch/result"; } &
	ok wait_until $((30 * slow)) test -s "$tap_scratch/result" "without memory, too"
	fault_stop $inject
	workers_fail 0
	wait $!
	is "$(<"$tap_scratch/result")" 0 "and are right"
	num "$(fault_count $inject)" -gt 100 "allocations failed meanwhile"
	cover injected "$(fault_count $inject)"
}

zm_load
wb_ram_disks 1 64
modprobe dm-delay 2>/dev/null || skip_all "no dm-delay"
# Seconds in which a program can be started twice.
slow=2
[[ $ZM_ACCEL != tcg && $(param slow 1) == 1 ]] || slow=8
linear
at_exit dmsetup remove wb
failing_writes
failing_reads
overwritten_meanwhile 0
overwritten_meanwhile 1
reused_block
in_flight_together
others_do_not_wait
reset_while_reading
pieces_without_memory
delay 0 0
zm_setup 0 64M
zm_check_end 0
tap_done
