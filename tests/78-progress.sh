#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# needs: mem=768M cpus=1 timeout=300
# fails-if: a reset or a compaction does not say how far it is, or how much there is;
# fails-if: a kill waits for it; or a reset that nobody waits for does not come to its
# fails-if: end, lets others in before, or leaves something behind.
#
# What the progress file tells of a reset and a compaction, and what a signal does to
# them. (Of recompression: 71. Of writeback: 75.)
. "$ZM_TOP/tests/lib.sh"
. "$ZM_TOP/tests/lib-device.sh"

sys=/sys/block/zmram0

# watch KIND ACTION...: writes 1 to the file KIND in a process that has to leave the
# processor to who reads progress meanwhile, and prints what was seen: the lines of
# that kind, and how writing ended. With "kill", the process is killed when it is
# underway; with "try ATTRIBUTE", something else is tried then.
watch()
{
	/usr/bin/python3 - "$sys" "$@" <<'PYTHON'
import errno, os, signal, sys, time

sysfs, kind, *action = sys.argv[1:]
# Two processes write to the same place.
sys.stdout.reconfigure(line_buffering=True)

def store(name):
    try:
        fd = os.open(f"{sysfs}/{name}", os.O_WRONLY)
        os.write(fd, b"1\n")
        return "ok"
    except OSError as error:
        return errno.errorcode[error.errno]

def progress():
    with open(f"{sysfs}/progress") as file:
        lines = [line.split() for line in file]
    return next((line for line in lines if line[0] == kind), None)

child = os.fork()
if not child:
    # A reset's worker has its own priority, and a kill wants this one to run.
    if kind == "compact":
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    os.kill(os.getpid(), signal.SIGSTOP)
    print("writer", store(kind), flush=True)
    os._exit(0)
os.nice(-20)
os.waitpid(child, os.WUNTRACED)
# Once in vain, for what the first time takes.
progress()
time.sleep(0.001)
os.kill(child, signal.SIGCONT)
seen, ended = [], False
while not ended:
    now = progress()
    if now and now not in seen and len(seen) < 1000:
        seen.append(now)
        print(*now)
    if now and int(now[1]) and action:
        if action[0] == "kill":
            began = time.monotonic()
            os.kill(child, signal.SIGKILL)
            print("died of", os.waitpid(child, 0)[1], "soon", time.monotonic() - began < 5)
            print("then", *(progress() or ["none"]))
        for name in action[1:]:
            print(f"{name}:", store(name))
        try:
            os.close(os.open("/dev/" + os.path.basename(sysfs), os.O_RDONLY))
            print("opening: ok")
        except OSError as error:
            print("opening:", errno.errorcode[error.errno])
        if action[0] == "kill":
            break
        action = []
    ended = os.waitpid(child, os.WNOHANG)[0] == child
    time.sleep(0.0001)
PYTHON
}

# Lines of a kind, in a file, that are as they have to be: never backwards.
check_lines()
{
	local kind=$1 file=$2 total=$3

	diag "$(grep -c "^$kind " "$file") lines, the last: $(grep "^$kind " "$file" | tail -n 1)"
	num "$(grep -c "^$kind [1-9]" "$file")" -ge 2 "$kind: seen at work"
	is "$(awk -v kind="$kind" '$1 == kind && $2 > 0 && ($2 < looked || $4 < done || $2 > $3) { bad++ }
		$1 == kind { looked = $2; done = $4 } END { print bad + 0 }' "$file")" 0 \
		"never backwards, never more than there is"
	num "$(awk -v kind="$kind" '$1 == kind { n = $4 } END { print n + 0 }' "$file")" -gt 0 \
		"it counts what it has changed"
	is "$(awk -v kind="$kind" -v total="$total" '$1 == kind && $2 && $3 != total { bad++ }
		END { print bad + 0 }' "$file")" 0 "of $total"
}

# Same-filled pages: they fill the table, which is what takes time, and no memory.
fill_table()
{
	zm_setup 0 "$table"
	/usr/bin/python3 - "$table_mib" <<'PYTHON'
import mmap, os, sys

mib = int(sys.argv[1])
fd = os.open("/dev/zmram0", os.O_WRONLY | os.O_DIRECT)
buf = mmap.mmap(-1, 1 << 20)
buf[:] = b"z" * (1 << 20)
for n in range(mib):
    os.pwrite(fd, buf, n << 20)
PYTHON
}

check_reset()
{
	local seen=$tap_scratch/seen

	fill_table
	is "$(mm_stat 0 same_pages)" $((table_mib * 256)) "$table of same-filled pages"
	watch reset try reset >"$seen"
	check_lines reset "$seen" $((table_mib * 256))
	is "$(grep '^writer' "$seen")" "writer ok" "it ends"
	is "$(grep -c 'reset: EBUSY' "$seen")/$(grep 'opening' "$seen")" "1/opening: EBUSY" \
		"who comes meanwhile is sent away"
	is "$(cat $sys/initstate $sys/progress)" $'0\nnone 0 0 0' "and then it is over"
}

check_killed_reset()
{
	local seen=$tap_scratch/seen

	fill_table
	watch reset kill reset >"$seen"
	is "$(grep '^died' "$seen")" "died of 9 soon True" "a kill ends the wait for a reset"
	like "$(grep '^then' "$seen")" '^then reset [1-9]' "the reset goes on"
	is "$(grep 'reset: EBUSY' "$seen")/$(grep opening "$seen")" "reset: EBUSY/opening: EBUSY" \
		"nobody is let in"
	ok wait_until 60 eval '[[ $(cat $sys/progress) == none* ]]' "to its end"
	is "$(cat $sys/initstate $sys/disksize | tr '\n' ' ')$(mm_stat 0 same_pages)" "0 0 0" "nothing is left"
	ok wait_until 5 eval '[[ $(store_errno $sys/disksize 64M) == ok ]]' "the device can be used again"
	ok dd if=/dev/zmram0 of=/dev/null bs=1M count=1 status=none "indeed"

	fill_table
	watch reset kill >"$seen"
	is "$(store_errno /sys/class/zmram-control/hot_remove 0)" ok "removing a device waits for its reset"
	is "$(cat /sys/class/zmram-control/hot_add)" 0 "it comes again"
}

# Each has to hear of the end of its own, also if the next one begins at once.
check_rivals()
{
	ok timeout 60 /usr/bin/python3 - $sys/reset <<'PYTHON' "rivals who reset all the time all get their answers"
import errno, os, sys, time

end = time.monotonic() + 4
children = []
for rival in range(4):
    child = os.fork()
    children.append(child)
    if child:
        continue
    while time.monotonic() < end:
        fd = os.open(sys.argv[1], os.O_WRONLY)
        try:
            os.write(fd, b"1\n")
        except OSError as error:
            if error.errno != errno.EBUSY:
                raise
        os.close(fd)
    os._exit(0)
sys.exit(max(os.waitpid(child, 0)[1] != 0 for child in children))
PYTHON
}

# Six pages of seven are taken out.
fill_holey()
{
	zm_setup 0 512M
	zm_fill_sizes 0 "$objects"
	/usr/bin/python3 - "$objects" <<'PYTHON'
import fcntl, struct, sys

with open("/dev/zmram0", "r+b", buffering=0) as disk:
    for page in range(int(sys.argv[1])):
        if page % 7:
            fcntl.ioctl(disk, 0x1277, struct.pack("QQ", page * 4096, 4096))
PYTHON
}

check_compact()
{
	local seen=$tap_scratch/seen total round

	# On a fast machine it can be over between two looks.
	for round in {1..8}; do
		fill_holey
		total=$(awk '$1 ~ /^[0-9]+$/ && $3 > 1 { n += $4 } END { print n }' \
			/sys/kernel/debug/zmalloc/zmram0/classes)
		watch compact try >"$seen"
		(($(grep -c '^compact [1-9]' "$seen") < 2)) || break
	done
	check_lines compact "$seen" "$total"
	is "$(grep '^writer' "$seen")/$(grep opening "$seen")" "writer ok/opening: ok" "it keeps nobody out"
	num "$(mm_stat 0 pages_compacted)" -ge "$(awk '$1 == "compact" { n = $4 } END { print n }' "$seen")" \
		"pages is what it counts"
}

zm_load
# A workqueue's rescuer, by its name on 6.1 and on later kernels.
ok grep -qx -e zmram -e kworker/R-zmram /proc/[0-9]*/comm \
	"resets have a thread for when there is no memory to make one"
table=12G table_mib=12288 objects=40000
[[ ${ZM_ACCEL-} != tcg ]] || { table=4G table_mib=4096 objects=8000; }
check_reset
check_killed_reset
check_rivals
check_compact
zm_check_end 0
tap_done
