#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# needs: mem=512M cpus=2 timeout=600 set=long
# fails-if: recompress takes other pages than it was told to, or not the worst
# fails-if: first; damages or loses what is written meanwhile; or cannot be stopped.
#
# recomp_algorithm and recompress: what is picked, what becomes of it, and what
# others may do in the meantime.
. "$ZM_TOP/tests/lib.sh"
. "$ZM_TOP/tests/lib-device.sh"

sys=/sys/block/zmram0
trace=/sys/kernel/tracing

# Slots by content, from the file's start. lz4 and lz4hc make nothing of letters
# without repetition, zstd and deflate a quarter less.
#	0-99	a few bytes, then zeroes
#	100-199	digits and zeroes: lz4 makes half of it, zstd a quarter
#	200-299	letters: huge with lz4
#	300-399	noise: huge with any
#	400-409	same-filled
small="0 100" digits="100 200" letters="200 300" noise="300 400" all="0 410"
fill()
{
	/usr/bin/python3 - <<'PYTHON'
import base64
import random

rng = random.Random(7)
with open("/dev/zmram0", "r+b", buffering=0) as disk:
    for page in range(410):
        if page < 100:
            data = rng.randbytes(40)
        elif page < 200:
            data = bytes(rng.choice(b"0123456789") for _ in range(2500))
        elif page < 300:
            data = base64.b64encode(rng.randbytes(3072))
        elif page < 400:
            data = rng.randbytes(4096)
        else:
            data = bytes([page % 256]) * 4096
        disk.write(data + bytes(4096 - len(data)))
PYTHON
	zm_flush 0
}

# fresh [ALGORITHM BY PRIORITY, FROM 1]: a filled device; sets $sum
fresh()
{
	local prio=0 algo

	zm_dev_reset 0
	echo lz4 >$sys/comp_algorithm
	for algo; do
		echo "algo=$algo priority=$((++prio))" >$sys/recomp_algorithm
	done
	echo 64M >$sys/disksize
	fill
	sum=$(zm_checksum 0)
	echo all >$sys/idle
}

# count FLAGS RANGE: slots of a range from above
count()
{
	# shellcheck disable=SC2086
	zm_slots 0 "$1" $2
}

# flags r|n|i|h: their number in each kind, as "small/digits/letters/noise/same"
flags()
{
	echo "$(count "$1" "$small")/$(count "$1" "$digits")/$(count "$1" "$letters")/$(count "$1" "$noise")"
}

recompress()
{
	ok eval "echo '$1' >$sys/recompress" "recompress $1"
}

unharmed()
{
	is "$(zm_checksum 0)" "$sum" "the data is as it was"
}

# bad ATTRIBUTE WANTED VALUE...
bad()
{
	local attribute=$1 wanted=$2 value

	shift 2
	for value; do
		is "$(store_errno "$sys/$attribute" "$value")" "$wanted" "$attribute <- '$value' is $wanted"
	done
}

check_settings()
{
	is "$(cat $sys/recomp_algorithm)" "" "no second algorithm at first"
	bad recompress EINVAL '' type=idle type=huge
	bad recomp_algorithm EINVAL '' lz4 algo= algo=lz5 priority=1 'algo=lz4 priority=0' \
		'algo=lz4 priority=4' 'algo=lz4 priority=-1' 'algo=lz4 priority=x' \
		'algo=lz4 level' 'algo=lz4 prio=2'
	bad recomp_algorithm ERANGE 'algo=lz4 priority=99999999999'
	is "$(cat $sys/recomp_algorithm)" "" "none of these was taken"
	ok eval "echo 'algo=lz4hc' >$sys/recomp_algorithm" "without a priority it is the first"
	ok eval "echo 'priority=3 algo=zstd' >$sys/recomp_algorithm" "in any order"
	is "$(cat $sys/recomp_algorithm)" "#1: $(sed 's/\[lz4\]/lz4/; s/lz4hc/[lz4hc]/' $sys/comp_algorithm)
#3: $(sed 's/\[lz4\]/lz4/; s/zstd/[zstd]/' $sys/comp_algorithm)" "shown as zram does"
	ok zm_dev_reset 0 "reset"
	is "$(cat $sys/recomp_algorithm)" "" "takes them away"
	is "$(stat -c %a $sys/recomp_algorithm $sys/recompress $sys/progress | tr '\n' ' ')" \
		"644 200 444 " "modes are zram's"
}

check_bad_input()
{
	local before

	fresh zstd
	before=$(zm_block_state 0 | md5sum)
	bad recomp_algorithm EBUSY algo=lz4hc
	bad recompress EINVAL type type= type=bogus type=idle,huge threshold=4096 threshold=x \
		threshold=-1 algo=lz5 algo=lz4 priority=4 priority=-1 max_pages=-1 max_pages=x \
		treshold=100 idle
	bad recompress ERANGE threshold=99999999999 max_pages=99999999999999999999
	is "$(zm_block_state 0 | md5sum)" "$before" "none of this changed anything"
	recompress max_pages=0
	recompress priority=2
	is "$(zm_block_state 0 | md5sum)" "$before" "nor did what has nothing to do"
	fresh
	recompress type=huge
	is "$(flags r)/$(flags n)" 0/0/0/0/0/0/0/0 "without a second algorithm nothing happens"
}

check_types()
{
	local size

	fresh zstd
	size=$(mm_stat 0 compr_data_size)
	is "$(mm_stat 0 huge_pages)" 200 "letters and noise are huge"
	recompress type=huge
	is "$(flags r)" 0/0/100/0 "letters were recompressed"
	is "$(flags n)" 0/0/0/100 "noise is incompressible"
	is "$(mm_stat 0 huge_pages)/$(mm_stat 0 huge_pages_since)" 100/200 "noise is huge as before"
	num "$(mm_stat 0 compr_data_size)" -lt $((size - 90000)) "bytes were saved"
	is "$(flags i)" 100/100/0/0 "what was looked at is not idle any more"
	is "$(mm_stat 0 orig_data_size)" $((410 * 4096)) "no page came or went"
	unharmed

	fresh zstd
	dd if=/dev/zmram0 of=/dev/null bs=4k skip=100 count=50 iflag=direct status=none
	dd if=/dev/zmram0 of=/dev/null bs=4k skip=200 count=50 iflag=direct status=none
	recompress type=huge_idle
	is "$(flags r)" 0/0/50/0 "of the huge ones those that are idle"
	recompress type=idle
	is "$(count r '150 200')/$(count r '100 150')" 50/0 "then all that are idle"
	is "$(count r '200 250')" 0 "and no other"
	unharmed
	recompress ''
	is "$(count r "$digits")/$(count r "$letters")" 100/100 "all there are"
	is "$(count r '400 410')" 0 "but not the same-filled ones"
	unharmed
}

check_threshold()
{
	fresh zstd
	recompress threshold=3000
	is "$(flags r)/$(flags n)" 0/0/0/0/0/0/0/100 "a result above the threshold is not taken"
	recompress threshold=3300
	is "$(flags r)" 0/0/100/0 "one below it is"
	recompress threshold=1500
	is "$(count r "$digits")/$(count r "$small")" 100/0 "smaller objects are left alone"
	unharmed
}

check_algorithms()
{
	fresh lz4hc zstd
	recompress 'type=huge priority=1'
	is "$(flags r)/$(flags n)" 0/0/0/0/0/0/0/0 "one failed, but the other was not tried"
	recompress 'type=huge algo=lz4hc'
	is "$(flags r)/$(flags n)" 0/0/0/0/0/0/0/0 "the same by name"
	recompress type=huge
	is "$(flags r)/$(flags n)" 0/0/100/0/0/0/0/100 "where one failed the other did it"
	recompress 'algo=zstd priority=1'
	is "$(count r "$digits")" 100 "an algorithm is found by name"
	unharmed
	fresh zstd lz4hc
	recompress 'algo=zstd'
	size=$(mm_stat 0 compr_data_size)
	recompress 'algo=lz4hc'
	is "$(flags r)" "$(count r "$small")/100/100/0" "what is smaller already stays"
	is "$(mm_stat 0 compr_data_size)" "$size" "byte by byte"
	unharmed
}

# The sizes of the victims, as the tracepoint tells, in units of classes.
traced_sizes()
{
	sed -n 's/.*zmram_recompress:.* old=\([0-9]*\) .*/\1/p' $trace/trace |
		awk '{ print int($1 / 16) }'
}

check_order()
{
	zm_dev_reset 0
	echo 'algo=zstd' >$sys/recomp_algorithm
	echo 64M >$sys/disksize
	zm_fill_sizes 0 1000
	sum=$(zm_checksum 0)
	echo >$trace/trace
	echo 1 >$trace/events/zmram/enable
	recompress max_pages=500
	echo 0 >$trace/events/zmram/enable
	is "$(traced_sizes | wc -l)" 500 "max_pages is how many were tried"
	ok eval 'traced_sizes | sort -nrC' "the largest objects came first"
	num "$(traced_sizes | tail -n 1)" -gt 100 "the small ones were not reached"
	echo >$trace/trace
	unharmed
	fresh zstd
	recompress max_pages=50
	is "$(flags r)" 0/0/50/0 "max_pages ends it"
	is "$(count r '200 250')" 50 "huge ones in the order of the disk"
	unharmed
}

loop()
{
	while [[ ! -e $tap_scratch/stop ]]; do
		eval "$1" || echo "$1" >>"$tap_scratch/failed"
	done
}

# Everything at once; what is written must be what is read.
check_under_load()
{
	local i

	zm_dev_reset 0
	echo 'algo=lz4hc priority=1' >$sys/recomp_algorithm
	echo 'algo=zstd priority=2' >$sys/recomp_algorithm
	echo 64M >$sys/disksize
	echo >$trace/trace
	echo 1 >$trace/events/zmram/zmram_recompress/enable
	rm -f "$tap_scratch/stop" "$tap_scratch/failed"
	loop "echo >$sys/recompress" &
	loop "echo all >$sys/idle; echo 1 >$sys/compact; sleep 0.2" &
	loop "cat $sys/mm_stat $sys/progress >/dev/null; zm_block_state 0 >/dev/null; sleep 0.1" &
	compact_loop_start
	windows_open 20 delay_recompress
	ok "$zm_tools/diopattern" --dev /dev/zmram0 --size-mib 16 --threads 2 --seconds 20 \
		"I/O, verified, with overwrites and discards under recompression"
	windows_close delay_recompress
	echo 0 >$trace/events/zmram/zmram_recompress/enable
	compact_loop_stop
	touch "$tap_scratch/stop"
	wait
	is "$(cat "$tap_scratch/failed" 2>&1)" \
		"cat: $tap_scratch/failed: No such file or directory" "no operation failed"
	num "$(grep -c 'zmram_recompress:.* size=[1-9].* result=0' $trace/trace)" -gt 100 \
		"objects were recompressed meanwhile"
	diag "lost against a writer: $(grep -c 'zmram_recompress:.* result=-11' $trace/trace)"
	echo >$trace/trace
	is "$(awk '{print $1+0 "/" $2+0}' $sys/io_stat)" 0/0 "no I/O failed"
}

# A disk that takes a slow algorithm many seconds. The same 4 MiB of letters.
fresh_long()
{
	zm_dev_reset 0
	echo "algo=deflate" >$sys/recomp_algorithm
	echo 512M >$sys/disksize
	[[ -e $tap_scratch/letters ]] ||
		head -c 3M /dev/urandom | base64 -w 0 | head -c 4M >"$tap_scratch/letters"
	for ((i = 0; i < long_mib / 4; i++)); do
		dd if="$tap_scratch/letters" of=/dev/zmram0 bs=4M seek=$i oflag=direct status=none
	done
}

# Starts a long run in the background and waits until it is at work.
start_long()
{
	fresh_long
	(store_errno $sys/recompress type=huge >"$tap_scratch/long") &
	ok wait_until 20 eval '[[ $(cat $sys/progress) =~ ^recompress\ [1-9] ]]' \
		"a long recompression is under way"
}

# end_long COMMAND... DESC: a command that makes the run end, and that soon
end_long()
{
	local start=${EPOCHREALTIME/./}

	ok "$@"
	wait
	is "$(cat "$tap_scratch/long")" EINTR "ends the long run"
	num $(((${EPOCHREALTIME/./} - start) / 1000)) -lt "$soon" "within $soon ms"
}

# Others do not wait for it; and it goes away when it has to.
check_long()
{
	local looked pid

	start_long
	is "$(store_errno $sys/recompress type=idle)" EAGAIN "a second one is refused"
	looked=$(awk '{print $2}' $sys/progress)
	is "$(awk '{print NF, $3}' $sys/progress)" "4 $((long_mib * 256))" "progress knows the total"
	ok cat $sys/mm_stat $sys/io_stat $sys/debug_stat $sys/move_stat "statistics can be read"
	num "$(zm_block_state 0 | wc -l)" -eq $((long_mib * 256)) "and block_state"
	is "$(store_errno $sys/disksize 1G)" EBUSY "disksize answers"
	is "$(store_errno $sys/mem_limit 0)" ok "mem_limit is taken"
	is "$(store_errno $sys/idle all)" ok "idle runs beside it"
	is "$(store_errno $sys/compact 1)" ok "compact runs beside it"
	num "$(awk '{print $2}' $sys/progress)" -gt "$looked" "and it goes on"
	like "$(cat $sys/progress)" '^recompress ' "it still runs"
	end_long zm_dev_reset 0 "reset"
	is "$(cat $sys/initstate) $(cat $sys/progress)" "0 none 0 0 0" "the device was reset"

	start_long
	end_long eval "echo 0 >/sys/class/zmram-control/hot_remove" "hot_remove"
	is "$(cat /sys/class/zmram-control/hot_add)" 0 "the device comes again"

	fresh_long
	/usr/bin/python3 -c "open('$sys/recompress', 'w').write('type=huge')" &
	pid=$!
	ok wait_until 20 eval '[[ $(cat $sys/progress) =~ ^recompress\ [1-9] ]]' "another one"
	kill -9 $pid
	{ wait $pid; } 2>/dev/null
	is "$?" 137 "a kill ends it"
	is "$(cat $sys/progress)" "none 0 0 0" "nothing is in progress any more"
	ok dd if=/dev/zmram0 bs=1M count=4 iflag=direct of="$tap_scratch/back" status=none "read some"
	ok cmp "$tap_scratch/back" "$tap_scratch/letters" "it is as it was written"
	is "$(store_errno $sys/recompress 'type=huge max_pages=10')" ok "it can be run again"
}

zm_load
# An emulated processor needs a second for a MiB, others a minute.
long_mib=192 soon=1000
[[ ${ZM_ACCEL-} != tcg ]] || long_mib=48 soon=5000
# Every slot is still to be unmarked then, and freed.
[[ $(uname -r) != *kasan* ]] || soon=5000
check_settings
check_bad_input
check_types
check_threshold
check_algorithms
check_order
check_under_load
check_long
zm_check_end 0
tap_done
