#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""In a guest: the page frames that a driver has taken since a trace began, for good.

Usage: unmovable.py MODULE[,MODULE...] SNAPSHOT

Those are pages that it has asked for as unmovable, or a slab allocator on its behalf,
and that SNAPSHOT (of memsnap) shows as a slab, as pinned or as a large piece; and all
that is mapped into vmalloc's addresses for it. Pages of anybody else do not count, in
the same slab cache or not. Prints "frames=N vmalloc=N blocks=N": the last one is the
number of pageblocks which hold one of them.

Wants tracing's events kmem:mm_page_alloc with stacks, and kptr_restrict=1. Who the frames
behind vmalloc's addresses are is read from the page tables, as x86-64 has them.
"""
import re
import struct
import sys

TRACE = '/sys/kernel/tracing/trace'
ALLOC = re.compile(r' mm_page_alloc: page=\S+ pfn=(0x[0-9a-f]+) order=(\d+)')
AREA = re.compile(r'0x([0-9a-f]+)-0x([0-9a-f]+) +\d+ (.*)')
KEPT = 'SLP'
PRESENT, LARGE, FRAME = 1, 1 << 7, 0x000ffffffffff000


def symbols(modules):
    """{name: address} of the page tables, and the names of the modules' functions."""
    tables, functions = {}, set()
    with open('/proc/kallsyms', encoding='ascii') as file:
        for line in file:
            address, _, name, *module = line.split()
            if module and module[0].strip('[]') in modules:
                functions.add(name)
            elif name in ('init_top_pgt', 'page_offset_base'):
                tables[name] = int(address, 16)
    return tables, functions


def traced(functions):
    """{frame: did the modules ask for it?}, as of the last time that it was given out."""
    result, frames = {}, ()
    with open(TRACE, encoding='ascii', errors='replace') as file:
        for line in file:
            if line.startswith('# entries-in-buffer/'):
                inside, written = line.split()[2].split('/')
                if inside != written:
                    raise ValueError(f'only {inside} of {written} events are left')
                continue
            if line.startswith(' => '):
                if line.split()[1] in functions:
                    result.update(dict.fromkeys(frames, True))
                continue
            match = ALLOC.search(line)
            if match:
                first = int(match[1], 16)
                frames = range(first, first + (1 << int(match[2])))
                result.update(dict.fromkeys(frames, False))
    return result


def kept(frames, snapshot):
    """Those of the frames that the snapshot shows as kept."""
    with open(snapshot, encoding='ascii') as file:
        blocks = {int(words[1]): words[2] for words in map(str.split, file)
                  if words[0] == 'block'}
    size = max(map(len, blocks.values()))
    return {frame for frame in frames
            if blocks.get(frame - frame % size, '_' * size)[frame % size] in KEPT}


class Kernel:
    """The kernel's memory, from /proc/kcore."""

    def __init__(self, tables):
        self.core = open('/proc/kcore', 'rb', 0)
        header = self.core.read(64)
        self.core.seek(struct.unpack_from('<Q', header, 32)[0])
        count = struct.unpack_from('<H', header, 56)[0]
        self.parts = [struct.unpack_from('<8xQQ16xQ8x', self.core.read(56)) for _ in range(count)]
        self.offset = struct.unpack('<Q', self.read(tables['page_offset_base'], 8))[0]
        self.top = struct.unpack('<512Q', self.read(tables['init_top_pgt'], 4096))
        with open('/proc/cpuinfo', encoding='ascii') as file:
            self.shift = 48 if ' la57' in file.read() else 39
        self.tables = {}

    def read(self, address, size):
        """Bytes at an address."""
        for offset, start, length in self.parts:
            if start <= address < start + length:
                self.core.seek(offset + address - start)
                return self.core.read(size)
        raise ValueError(f'{address:#x} is not in /proc/kcore')

    def frame(self, address):
        """The frame that is mapped there, or None."""
        table = self.top
        for shift in range(self.shift, 11, -9):
            entry = table[address >> shift & 511]
            if not entry & PRESENT:
                return None
            if shift == 12 or entry & LARGE and shift <= 30:
                inside = (1 << shift) - 4096
                return ((entry & FRAME & ~inside) + (address & inside)) >> 12
            if entry not in self.tables:
                self.tables[entry] = struct.unpack(
                    '<512Q', self.read(self.offset + (entry & FRAME), 4096))
            table = self.tables[entry]
        return None


def mapped(modules, tables):
    """Frames in vmalloc's areas that the modules have made."""
    kernel, result = Kernel(tables), set()
    with open('/proc/vmallocinfo', encoding='ascii') as file:
        for line in file:
            match = AREA.match(line)
            if match and any(f'[{module}]' in match[3] for module in modules):
                result.update(map(kernel.frame,
                                  range(int(match[1], 16), int(match[2], 16), 4096)))
    return result - {None}


def main(args):
    """Command line."""
    if len(args) != 2:
        print(__doc__)
        return 2
    modules = args[0].split(',')
    tables, functions = symbols(modules)
    frames = kept({frame for frame, ours in traced(functions).items() if ours}, args[1])
    areas = mapped(modules, tables)
    print(f'frames={len(frames)} vmalloc={len(areas)}'
          f' blocks={len({frame // 512 for frame in frames | areas})}')
    return 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
