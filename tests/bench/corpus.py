#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Build the benchmark's corpus: real memory pages of several kinds.

Usage: corpus.py [--kinds A,B,...] OUTPUT [MIB]

Page i of OUTPUT is of the kind that is i-th in the list, which starts over at its
end; by default each of the first three kinds makes a quarter and the others an
eighth:
  text    text segment of an ELF program (GCC's cc1)
  source  source text (C headers, Python library)
  heap    heap of a Python process that has parsed part of its own standard library
  packed  the first two once more, compressed by zlib: nothing is left to gain
  sparse  those pages of heap and of all of cc1 of which two thirds are zeroes
All of it comes from packages that the project needs anyway, so a machine builds the
same bytes every time; machines with other package versions build other bytes, hence
the SHA-256 that is printed. Same-filled pages are left out: drivers store those in a
word.
"""
import argparse
import ctypes
import hashlib
import os
import struct
import subprocess
import sys
import zlib

PAGE = 4096
PAGES_PER_MIB = 256
ARENA = 1 << 18
KINDS = 'text,source,heap,packed,text,source,heap,sparse'
CC1 = '/usr/lib/gcc/x86_64-linux-gnu/12/cc1'
SOURCES = ('libc6-dev', 'linux-libc-dev', 'libssl-dev', 'libpython3.11-stdlib')
NO_RANDOM_LAYOUT = 0x0040000
# No random hashes, and none of the random tags that malloc writes.
HEAP_ENV = {'PYTHONHASHSEED': '0', 'LC_ALL': 'C.UTF-8',
            'GLIBC_TUNABLES': 'glibc.malloc.tcache_count=0'}
STDLIB = '/usr/lib/python3.11'


def useful(page):
    """A whole page that is not one word repeated."""
    return len(page) == PAGE and page != page[:8] * (PAGE // 8)


def pages_of(data):
    """Whole, useful pages of a bytes object."""
    cut = (data[at:at + PAGE] for at in range(0, len(data), PAGE))
    return [page for page in cut if useful(page)]


def whole_file(path):
    """Its bytes."""
    with open(path, 'rb') as file:
        return file.read()


def elf_text(path):
    """Bytes of the executable segment of a 64-bit ELF file."""
    data = whole_file(path)
    table, = struct.unpack_from('<Q', data, 32)
    size, count = struct.unpack_from('<HH', data, 54)
    for at in range(table, table + size * count, size):
        kind, flags, offset, _, _, length = struct.unpack_from('<IIQQQQ', data, at)
        if kind == 1 and flags & 1:
            return data[offset:offset + length]
    raise ValueError(f'{path}: no executable segment')


def source_text():
    """The source files of some packages, one after the other."""
    listing = subprocess.run(['dpkg', '-L', *SOURCES], check=True, text=True,
                             capture_output=True).stdout.split('\n')
    text = bytearray()
    for path in sorted(set(listing)):
        if path.endswith(('.h', '.py')) and os.path.isfile(path) and not os.path.islink(path):
            text += whole_file(path)
    return bytes(text)


def private_memory():
    """Heap and arenas of this process: private memory without a file behind it.

    Small pieces are left out, some hold the secrets of the C library.
    """
    with open('/proc/self/maps', encoding='ascii') as maps, \
            open('/proc/self/mem', 'rb', buffering=0) as memory:
        for line in maps.readlines():
            words = line.split()
            if words[1] != 'rw-p' or (len(words) > 5 and words[5] != '[heap]'):
                continue
            start, end = (int(word, 16) for word in words[0].split('-'))
            if end - start >= ARENA:
                memory.seek(start)
                yield memory.read(end - start)


def heap_child():
    """What the heap process does: parse, keep the result, write its memory."""
    import ast
    keep = []
    size = 0
    for name in sorted(os.listdir(STDLIB)):
        if name.endswith('.py') and size < 800_000:
            with open(os.path.join(STDLIB, name), encoding='utf-8') as file:
                text = file.read()
            size += len(text)
            keep.append((name, text.split(), ast.parse(text)))
    for chunk in list(private_memory()):
        sys.stdout.buffer.write(chunk)


def heap_memory():
    """Memory of a Python process with a fixed layout and fixed hashes.

    It gets this file through its standard input, so that no path is in it.
    """
    libc = ctypes.CDLL(None)
    text = whole_file(__file__)
    return subprocess.run(['/usr/bin/python3', '-s', '-S', '-B', '-', '--heap'], cwd='/',
                          input=text, check=True, env=HEAP_ENV, stdout=subprocess.PIPE,
                          preexec_fn=lambda: libc.personality(NO_RANDOM_LAYOUT)).stdout


def spread(pages, count, what):
    """count pages taken evenly from the list."""
    if len(pages) < count:
        raise ValueError(f'{what}: {len(pages)} pages, {count} wanted')
    return [pages[i * len(pages) // count] for i in range(count)]


def sparse_pages(data):
    """Pages that are mostly zeroes."""
    return [page for page in pages_of(data) if page.count(0) * 3 >= PAGE * 2]


def pages_by_kind(kinds):
    """{kind: its pages} for the kinds asked for."""
    text, source, heap = elf_text(CC1), source_text(), heap_memory()
    make = {
        'text': lambda: pages_of(text),
        'source': lambda: pages_of(source),
        'heap': lambda: pages_of(heap),
        'packed': lambda: pages_of(zlib.compress(text + source)),
        'sparse': lambda: sparse_pages(heap + whole_file(CC1)),
    }
    return {kind: make[kind]() for kind in set(kinds)}


def build(output, mib, kinds):
    """Write the corpus; returns a line that describes it."""
    count = mib * PAGES_PER_MIB
    wanted = [kinds[i % len(kinds)] for i in range(count)]
    supply = {kind: iter(spread(pages, wanted.count(kind), kind))
              for kind, pages in pages_by_kind(kinds).items()}
    data = b''.join(next(supply[kind]) for kind in wanted)
    with open(output + '.new', 'wb') as file:
        file.write(data)
    os.rename(output + '.new', output)
    return hashlib.sha256(data).hexdigest()


def main(args):
    """Command line."""
    if args == ['--heap']:
        heap_child()
        return 0
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--kinds', default=KINDS)
    parser.add_argument('output')
    parser.add_argument('mib', nargs='?', type=int, default=32)
    args = parser.parse_args(args)
    print(build(args.output, args.mib, args.kinds.split(',')))
    return 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
