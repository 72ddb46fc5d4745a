#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""
For 70-algorithms.sh: data, dictionaries, and objects that somebody has written to.

    algorithms.py corpus FILE PAGES       pages that every algorithm makes smaller
    algorithms.py dictionary FILE BYTES   what their words are made of
    algorithms.py corrupt NAME ALGORITHM CORPUS

corrupt stores one page on /dev/NAME, which has to be empty and pinned, and writes
over its compressed data in the page frame (zm_frame): first a stream that is in
order but makes less than a page, then noise. A line tells of each:

    short ERRNO           what a read of the short one gave
    noise TRIES ERRORS    how many reads of noise failed; more is as good
    back yes              the page reads right when its data is back
"""
import errno
import mmap
import os
import pathlib
import random
import struct
import sys

PAGE = mmap.PAGESIZE
HEADER = 8	# of an object: the address of its handle
TRIES = 200
FRAME = pathlib.Path("/sys/kernel/debug/zm_frame")


def vocabulary():
    rng = random.Random("words")
    letters = b"etaoinshrdlucmfwypvbgkjqxz"
    return [bytes(rng.choice(letters) for _ in range(rng.randrange(7, 24))) + b" "
            for _ in range(2000)]


def page_of(rng, words):
    """Noise, text and zeroes: not as small as text, but small with any algorithm."""
    text = b"".join(words[int(len(words) * rng.random() ** 4)] for _ in range(PAGE // 8))
    parts = rng.randbytes(rng.randrange(PAGE // 8)) + text
    return parts[:PAGE * 5 // 8 + rng.randrange(PAGE // 8)].ljust(PAGE, b"\0")


def corpus(path, pages):
    rng, words = random.Random("corpus"), vocabulary()
    pathlib.Path(path).write_bytes(b"".join(page_of(rng, words) for _ in range(int(pages))))


def dictionary(path, size):
    """The commonest words last, where lz4 looks first."""
    text = b"".join(reversed(vocabulary()))
    text *= int(size) // len(text) + 1
    pathlib.Path(path).write_bytes(text[-int(size):])


def crc32_be(data):
    crc = 0
    for byte in data:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ 0x04c11db7 if crc & 1 << 31 else crc << 1) & 0xffffffff
    return crc


def short_lz4(length):
    """A run of literals; its length is told in steps of 255 and a rest below."""
    steps, rest = divmod(length - 17, 256)
    if rest > 254:
        return None
    return b"\xf0" + b"\xff" * steps + bytes([rest]) + b"z" * (15 + 255 * steps + rest)


def short_lzo(length):
    """Likewise, and the mark of the end."""
    steps, rest = divmod(length - 23, 256)
    if not rest:
        return None
    return bytes(1 + steps) + bytes([rest]) + b"z" * (18 + 255 * steps + rest) + b"\x11\0\0"


def short_zstd(length):
    """A frame of one raw block, its size in two bytes."""
    size = length - 10
    return (b"\x28\xb5\x2f\xfd\x60" + struct.pack("<H", size - 256) +
            struct.pack("<I", size << 3 | 1)[:3] + b"z" * size)


def short_deflate(length):
    """One stored block."""
    size = length - 5
    return b"\x01" + struct.pack("<HH", size, size ^ 0xffff) + b"z" * size


def short_842(length):
    """Eight bytes, the end, and their checksum; what comes behind is not read."""
    plain = b"zzzzzzzz"
    bits = "00000" + "".join(f"{byte:08b}" for byte in plain)
    bits += f"{0x1e:05b}{crc32_be(plain):032b}"
    bits += "0" * (-len(bits) % 64)
    stream = b"".join(bytes([int(bits[i:i + 8], 2)]) for i in range(0, len(bits), 8))
    return stream + bytes(length - len(stream))


SHORT = {"lz4": short_lz4, "lz4hc": short_lz4, "lzo": short_lzo, "lzo-rle": short_lzo,
         "zstd": short_zstd, "deflate": short_deflate, "842": short_842}


class Disk:
    """The first page of a device, read and written past the page cache."""

    def __init__(self, name):
        self.stat = pathlib.Path(f"/sys/block/{name}/mm_stat")
        self.map = pathlib.Path(f"/sys/kernel/debug/zmalloc/{name}/zspages")
        self.file = os.open(f"/dev/{name}", os.O_RDWR | os.O_DIRECT)
        self.buffer = mmap.mmap(-1, PAGE)

    def write(self, data):
        self.buffer[:] = data
        os.pwrite(self.file, self.buffer, 0)

    def read(self):
        """The page, or the name of an error."""
        try:
            os.preadv(self.file, [self.buffer], 0)
        except OSError as error:
            return errno.errorcode[error.errno]
        return bytes(self.buffer)

    def compressed(self):
        return int(self.stat.read_text().split()[1])

    def frame(self):
        """Where the only object lies: at the start of the only zspage in use."""
        lines = [line.split() for line in self.map.read_text().splitlines()]
        pfns = [line[0] for line in lines if line[2] == "0" and line[3].startswith("1/")]
        if len(pfns) != 1:
            sys.exit(f"not one object in one zspage: {lines}")
        return pfns[0]


def poke(payload):
    with open(FRAME / "data", "r+b", buffering=0) as data:
        data.seek(HEADER)
        data.write(payload)


def peek(length):
    with open(FRAME / "data", "rb", buffering=0) as data:
        data.seek(HEADER)
        return data.read(length)


def store_one(disk, algorithm, path):
    """Writes the first page for whose size a short stream can be made."""
    data = pathlib.Path(path).read_bytes()
    for start in range(0, len(data), PAGE):
        page = data[start:start + PAGE]
        disk.write(page)
        short = SHORT[algorithm](disk.compressed())
        if short:
            return page, short
    sys.exit("no page fits")


def noise(rng, good):
    bad = bytearray(good)
    for _ in range(rng.choice((1, 2, 8, len(bad)))):
        bad[rng.randrange(len(bad))] = rng.randrange(256)
    return bytes(bad)


def corrupt(name, algorithm, path):
    disk = Disk(name)
    page, short = store_one(disk, algorithm, path)
    (FRAME / "pfn").write_text(disk.frame())
    good = peek(disk.compressed())
    if len(short) != len(good):
        sys.exit(f"{len(short)} bytes of short stream for {len(good)}")

    poke(short)
    result = disk.read()
    print("short", result if isinstance(result, str) else "ok")

    rng, errors = random.Random(algorithm), 0
    for _ in range(TRIES):
        poke(noise(rng, good))
        result = disk.read()
        if isinstance(result, str):
            errors += 1
            if result != "EIO":
                sys.exit(f"a read of noise gave {result}")
    print("noise", TRIES, errors)

    poke(good)
    print("back", "yes" if disk.read() == page else "no")


if __name__ == "__main__":
    {"corpus": corpus, "dictionary": dictionary, "corrupt": corrupt}[sys.argv[1]](*sys.argv[2:])
