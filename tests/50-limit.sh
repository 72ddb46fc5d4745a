#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# needs: mem=1G cpus=1 timeout=200
# allows: mem_limit reached|Buffer I/O error|I/O error, dev zmram0
# fails-if: a full device hangs, overshoots, loses old data or damages neighbours.
#
# mem_limit. (Running out of memory itself: 51-no-memory.)
. "$ZM_TOP/tests/lib.sh"
. "$ZM_TOP/tests/lib-device.sh"

limit=$((8 << 20))

# Writes until the first error; prints how many pages were accepted.
fill_until_error()
{
	/usr/bin/python3 - "$1" <<'PYTHON'
import mmap
import os
import random
import sys

bs = int(sys.argv[1])
rng = random.Random(5)
fd = os.open("/dev/zmram0", os.O_RDWR | os.O_DIRECT)
buf = mmap.mmap(-1, bs)
done = 0
try:
    for at in range(0, 32 << 20, bs):
        buf[:] = rng.randbytes(bs)
        os.pwrite(fd, buf, at)
        done += bs // 4096
except OSError as error:
    print(done, error.errno)
else:
    print(done, 0)
PYTHON
}

# Sets a limit while a reset, which changes it too, frees a large disk: prints whether
# the reset still had pages to free afterwards, "ok" or "late"; "missed" if it had none
# left before.
limit_during_reset()
{
	/usr/bin/python3 - <<'PYTHON'
import pathlib
import threading

disk = pathlib.Path("/sys/block/zmram0")


def frees():
    name, looked, total, _ = (disk / "progress").read_text().split()[:4]
    return name == "reset" and int(looked) < int(total)


reset = threading.Thread(target=lambda: (disk / "reset").write_text("1"))
reset.start()
while reset.is_alive() and not frees():
    pass
seen = frees()
(disk / "mem_limit").write_text("1G")
print("missed" if not seen else "ok" if frees() else "late")
reset.join()
PYTHON
}

# The disk is full, so that at its end the reset has looked at every page. One try may
# come between two looks of a slow machine.
limit_is_at_once()
{
	local try verdict

	for ((try = 0; try < 5; try++)); do
		zm_setup 0 384M
		"$zm_tools/devfill" --dev /dev/zmram0 --mib 384 || return
		verdict=$(limit_during_reset)
		echo "$verdict"
		[[ $verdict != ok ]] || return 0
	done
	return 1
}

zm_load
ok limit_is_at_once "mem_limit does not wait for what takes long"

zm_setup 0 64M
echo $limit >/sys/block/zmram0/mem_limit
start=$SECONDS
read -r pages errno < <(fill_until_error 4096)
num $((SECONDS - start)) -lt 10 "a writer at the limit hears of it at once"
is "$errno" 5 "a write beyond the limit fails with EIO"
num "$pages" -ge $((limit / 4096 - 64)) "but not much before it"
num "$(mm_stat 0 mem_used_max)" -le "$limit" "the limit was never exceeded"
num "$(awk '{print $2}' /sys/block/zmram0/io_stat)" -gt 0 "failed_writes counts it"
like "$(dmesg | tail -n 20)" "zmram0: mem_limit reached" "the log says what to do"
sum=$(zm_checksum 0 7)
nok dd if=/dev/urandom of=/dev/zmram0 bs=1M seek=16 count=4 oflag=direct "a large write fails, too"
is "$(zm_checksum 0 7)" "$sum" "the data written before is intact"

# A page that does not fit keeps its old content: overwrite same-filled pages.
blkdiscard -f /dev/zmram0
tr '\0' 'Q' </dev/zero | dd of=/dev/zmram0 bs=1M count=16 iflag=fullblock oflag=direct status=none
is "$(mm_stat 0 mem_used_total)" 0 "16 MiB of same-filled pages take no memory"
read -r pages errno < <(fill_until_error 65536)
is "$errno" 5 "overwriting them with noise runs into the limit"
bad=$(dd if=/dev/zmram0 bs=64k skip=$((pages / 16 + 1)) count=$((256 - pages / 16 - 1)) \
	iflag=direct status=none | tr -d 'Q' | wc -c)
is "$bad" 0 "pages after the failed write are as they were"

# So does one that has an object to lose.
old_text()
{
	yes 'what was there before' | head -c 16M
}

echo 0 >/sys/block/zmram0/mem_limit
old_text | dd of=/dev/zmram0 bs=1M iflag=fullblock oflag=direct status=none
echo $(($(mm_stat 0 mem_used_total) + (1 << 20))) >/sys/block/zmram0/mem_limit
read -r pages errno < <(fill_until_error 4096)
is "$errno" 5 "overwriting small objects with noise runs into the limit"
num "$pages" -gt 100 "after a while"
is "$(dd if=/dev/zmram0 bs=4k skip="$pages" iflag=direct status=none | head -c 8M | md5sum)" \
	"$(old_text | tail -c +$((pages * 4096 + 1)) | head -c 8M | md5sum)" \
	"the page whose write failed has its old content, and so have those behind it"

ok eval 'echo 0 >/sys/block/zmram0/mem_limit' "lift the limit"
ok dd if=/dev/urandom of=/dev/zmram0 bs=1M count=16 oflag=direct "and writes succeed again"
echo 1M >/sys/block/zmram0/mem_limit
ok dd if=/dev/zmram0 of=/dev/null bs=1M count=16 iflag=direct "a limit below use does not hinder reading"
nok dd if=/dev/urandom of=/dev/zmram0 bs=4k seek=5000 count=1 oflag=direct "only growing"
echo 0 >/sys/block/zmram0/mem_limit

zm_check_end 0
tap_done
