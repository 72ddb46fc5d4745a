#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# needs: mem=512M cpus=2 timeout=300
# fails-if: a page of the device cannot be moved for what lies beside it, or what lies
# fails-if: beside it is damaged: a compound page, or another owner's movable page.
#
# Another owner's pages lie between the device's. One by one, and in rows that belong to
# both, the device's pages are moved; then memory is compacted, while either's come and go
# at last. Beside compound pages that nobody can move, only compaction moves anything: other
# callers isolate whole pageblocks, and these are none that can be.
. "$ZM_TOP/tests/lib.sh"
. "$ZM_TOP/tests/lib-device.sh"

mates=/sys/kernel/debug/zm_mates
chunks=64	# of 128 KiB

# Pages that compress to sizes of every class.
make_data()
{
	/usr/bin/python3 - $((chunks * 32)) >"$tap_scratch/data" <<'PYTHON'
import random
import sys

rng = random.Random(5)
for page in range(int(sys.argv[1])):
    noise = rng.randrange(0, 4097)
    sys.stdout.buffer.write(rng.randbytes(noise) + bytes([page % 256]) * (4096 - noise))
PYTHON
}

# take ORDER COUNT
take()
{
	echo "$1" >$mates/order && echo "$2" >$mates/take
}

# Compound pages with holes between them, which are what the kernel gives away next; and a
# few as large as a pageblock, if there are such.
take_compound()
{
	take 9 2 2>/dev/null
	take 1 2500 && take 2 300 && take 3 100 && echo 1 >$mates/thin
}

# Writes the device's data, and before each part of it the other takes single pages.
interleave()
{
	local chunk

	for ((chunk = 0; chunk < chunks; chunk++)); do
		take 0 12 || return
		dd if="$tap_scratch/data" of=/dev/zmram0 bs=128K count=1 status=none \
			skip=$chunk seek=$chunk oflag=direct || return
	done
}

# Nobody has anything any more. What blkdiscard has to say, it could not where /tmp is full.
start_over()
{
	echo 1 >$mates/drop && blkdiscard -f /dev/zmram0 2>/dev/null
}

same_data()
{
	dd if=/dev/zmram0 bs=128K count=$chunks iflag=direct status=none |
		cmp - "$tap_scratch/data"
}

# beside compound|single: the device's frames that have such a neighbour
beside()
{
	awk -v kind="$1" '
	NR == FNR {
		for (i = 0; i < 2 ^ $2; i++)
			other[$1 + i] = $2 ? "compound" : "single"
		next
	}
	other[$1 - 1] == kind || other[$1 + 1] == kind { print $1 }
	' $mates/frames <(zm_pfns 0)
}

# rows compound|single: the first frames of rows of four in which a page of the device and
# such a page lie; of those with single ones, where there is no compound page.
rows()
{
	awk -v kind="$1" '
	NR == FNR {
		for (i = 0; i < 2 ^ $2; i++)
			has[int(($1 + i) / 4), $2 ? "compound" : "single"] = 1
		next
	}
	{ rows[int($1 / 4)] = 1 }
	END {
		for (row in rows)
			if ((row, kind) in has &&
			    (kind == "compound" || !((row, "compound") in has)))
				print row * 4
	}' $mates/frames <(zm_pfns 0)
}

# moved_of FRAMES, of the list of first frames on standard input: "MOVED TRIED"
moved_of()
{
	local pfn moved=0 tried=0

	echo "$1" >$zm_mover/frames
	while read -r pfn; do
		tried=$((tried + 1))
		{ echo "$pfn" >$zm_mover/move || echo "$pfn" >$zm_mover/move; } 2>/dev/null &&
			moved=$((moved + 1))
	done
	echo "$moved $tried"
}

# nobody_lost WHEN
nobody_lost()
{
	ok same_data "$1: the device's data is as it was"
	is "$(<$mates/damaged)" 0 "$1: and the other's"
	is "$(awk '{ for (i = 0; i < 2 ^ $2; i++) print $1 + i }' $mates/frames |
		cat - <(zm_pfns 0) | sort | uniq -d)" "" "$1: no frame is both's"
	is "$(zm_odd_frames 0)" "$(zm_in_use 0 4)" "$1: no frame of the device has another owner's mark"
}

# moved_on FRAMES: how many of the frames in that file are not the device's any more
moved_on()
{
	sort "$1" | comm -23 - <(zm_pfns 0 | sort) | wc -l
}

# Both owners' pages anew. Counts those of the device that move, in a while, from beside
# compound ones, in $away.
come_and_go()
{
	start_over && take_compound && interleave || return
	beside compound >"$tap_scratch/beside"
	sleep 3
	away=$((away + $(moved_on "$tap_scratch/beside")))
}

make_data
zm_load
ok insmod "$ZM_BUILD/tests/modules/zm_mover.ko" "load the page mover"
ok insmod "$ZM_BUILD/tests/modules/zm_mates.ko" "load the other owner"
zm_setup 0 64M

ok interleave "pages of two owners in turn"
num "$(beside single | wc -l)" -gt 20 "pages of the device beside single ones"
read -r moved tried < <(beside single | head -n 40 | moved_of 1)
diag "beside single pages: $moved of $tried moved"
num $((moved * 4)) -ge "$tried" "a quarter of them moved at least"
nobody_lost "moved one by one"
others=$(<$mates/moved)
read -r moved tried < <(rows single | head -n 40 | moved_of 4)
diag "rows with single pages: $moved of $tried moved"
num "$moved" -gt 0 "rows of both owners' pages move"
num $(($(<$mates/moved) - others)) -gt 0 "and the other's were moved by the other"
nobody_lost "moved in rows"

start_over
ok take_compound "compound pages, and holes"
ok interleave "and both owners' pages in these"
read -r moved tried < <(rows compound | head -n 20 | moved_of 4)
diag "rows with compound pages: $moved of $tried moved"
num "$tried" -gt 10 "rows of the device's pages and compound ones"
is "$moved" 0 "none of them is given up"
nobody_lost "refused"

num "$(beside compound | wc -l)" -gt 100 "pages of the device beside compound ones"
before=$(move_stat 0 migrated)
others=$(<$mates/moved)
away=0
churn_start
compact_loop_start 0.1
# Again where compaction finds little to do.
ok repeat_until 20 \
	'((away > 0 && $(move_stat 0 migrated) - before > 500 && $(<$mates/moved) - others > 100))' \
	come_and_go "both come and go under compaction"
compact_loop_stop
churn_stop
diag "$(($(move_stat 0 migrated) - before)) pages of the device moved, $away from beside compound" \
	"ones; $(($(<$mates/moved) - others)) of the other's; it gave back $(<$mates/released)" \
	"while they were isolated"
num "$away" -gt 0 "pages moved from beside compound ones"
num $(($(move_stat 0 migrated) - before)) -gt 500 "pages of the device moved"
num $(($(<$mates/moved) - others)) -gt 100 "and of the other's"
nobody_lost "come and gone"

ok rmmod zm_mates "the other owner leaves"
rmmod zm_mover
zm_check_end 0
tap_done
