# SPDX-License-Identifier: GPL-2.0
"""The insn lane's targets, each with what no driver can be below.

A request costs what the codec takes, what the kernel takes above any driver (the peer
null, whose driver does nothing), and what the driver adds. The first two are the floor.
"""
from report_targets import argued

BASE, OURS = 'zram', 'zmram'
ALGORITHM = 'lz4'
UNIT = 'Instructions per page'


class Figures:
    """Instructions per page of one algorithm, and what the peers without one take."""

    def __init__(self, rows, memory):
        self.rows, self.memory = rows, memory

    def of(self, peer, unit, *operations):
        """One peer's, of several operations together; KeyError if that was not measured."""
        algorithm = 'none' if peer in ('brd', 'null', 'kernel') else ALGORITHM
        return sum(self.rows[algorithm, unit, operation][peer]['per_page']
                   for operation in operations)

    def codec(self, operation):
        """The codec's."""
        return self.of('codec', 'codec', operation)

    def request(self, unit, *operations):
        """(What it is, figure) of the kernel above the driver."""
        what = 'memory manager and block layer' if unit == 'swap' else 'system call and block layer'
        return (f'{what} with no driver behind them', self.of('null', unit, *operations))

    def compression(self):
        """Parts of the floor of any write."""
        return [('compression', self.codec('compress')),
                ('one copy of the object to its place', self.codec('copy-out'))]

    def without_copy(self, parts):
        """The floor of who could compress to where the object stays."""
        floor = sum(part for _, part in parts) - self.codec('copy-out')
        return f'Without the copy the floor is {floor:,.0f}.'

    def decompression(self):
        """Part of the floor of any read."""
        return [('decompression', self.codec('decompress'))]

    def decompression_is_least(self):
        """Whether nobody was seen to decompress in less than what was counted by itself."""
        least = self.codec('decompress') + self.of('null', '1024k', 'read')
        return least <= min(self.pair('1024k', 'read'))

    def by_kernel(self, what, operation):
        """A part of a floor: what the kernel does to the pages that the objects fill."""
        sizes = self.memory[f'codec {ALGORITHM}']
        try:
            each = self.of('kernel', 'codec', operation)
        except KeyError:
            return []
        return [(f'{what} that the objects fill, by the kernel',
                 each * sizes['compressed'] / sizes['original'])]

    def new_pages(self):
        """Part of the floor of a first write: the kernel hands out no page as it is."""
        return self.by_kernel('zeroing of the new pages', 'clear-new')

    def freed_pages(self):
        """Part of the floor of discarding."""
        return self.by_kernel('freeing of the pages', 'free')

    def pair(self, unit, *operations):
        """Ours and in-tree's."""
        return [self.of(peer, unit, *operations) for peer in (OURS, BASE)]

    def write(self, what, unit, operation, **options):
        """A goal about writing."""
        parts = self.compression() + [self.request(unit, operation)]
        if operation == 'write-first':
            parts += self.new_pages()
        return argued(what, UNIT, *self.pair(unit, operation), parts,
                      note=self.without_copy(parts), **options)

    def over_codec(self, what, operation):
        """A goal about writing, beside the codec."""
        return self.write(what, '1024k', operation,
                          divisor=sum(part for _, part in self.compression()))

    def beyond_codec(self, what):
        """A goal about what is left of an overwrite without the codec."""
        codec = sum(part for _, part in self.compression())
        in_tree = self.of(BASE, '1024k', 'overwrite-same')
        return self.write(what, '1024k', 'overwrite-same', offset=codec, divisor=in_tree - codec)

    def read(self, what, unit, **options):
        """A goal about reading."""
        return argued(what, UNIT, *self.pair(unit, 'read'),
                      self.decompression() + [self.request(unit, 'read')],
                      proven=self.decompression_is_least(), **options)

    def read_empty(self, what):
        """A goal about reading what was never written: somebody has to clear the page."""
        return argued(what, UNIT, *self.pair('1024k', 'read-empty'),
                      [('clearing the page', self.of('kernel', 'codec', 'clear')),
                       self.request('1024k', 'read-empty')])

    def discard(self, what):
        """A goal about discarding."""
        note = ''
        try:
            note = (f'brd, which has a page of its own to free for each, takes'
                    f' {self.of("brd", "1024k", "discard"):,.0f}.')
        except KeyError:
            pass
        return argued(what, UNIT, *self.pair('1024k', 'discard'),
                      [self.request('1024k', 'discard')] + self.freed_pages(), note=note)

    def swap(self, what):
        """A goal about swapping out and in."""
        both = 'swap-out', 'swap-in'
        parts = self.compression() + self.decompression() + [self.request('swap', *both)]
        return argued(what, UNIT, *self.pair('swap', *both), parts,
                      note=self.without_copy(parts), proven=self.decompression_is_least())

    def munmap(self, what):
        """A goal about freeing what is swapped out."""
        return argued(what, UNIT, *self.pair('swap', 'munmap-swapped'),
                      [self.request('swap', 'munmap-swapped')] + self.freed_pages())


def targets(rows, memory):
    """What report_targets.py wants of this lane, where the rows are there."""
    figures = Figures(rows, memory)
    wanted = {
        'write / raw codec + copy': lambda what: figures.over_codec(what, 'write-first'),
        'overwrite / raw codec + copy':
            lambda what: figures.over_codec(what, 'overwrite-changed'),
        'read, 1 MiB / raw decompress':
            lambda what: figures.read(what, '1024k', divisor=figures.codec('decompress')),
        'discard': figures.discard,
        'read of an empty slot': figures.read_empty,
        'overwrite of equal class beyond the codec': figures.beyond_codec,
        '4 KiB write': lambda what: figures.write(what, '4k', 'write-first'),
        '4 KiB overwrite': lambda what: figures.write(what, '4k', 'overwrite-changed'),
        '4 KiB read': lambda what: figures.read(what, '4k'),
        'swap-out + swap-in': figures.swap,
        'munmap of swapped memory': figures.munmap,
    }
    result = []
    for what, measure in wanted.items():
        try:
            result.append(measure(f'insn: {what}'))
        except KeyError:
            continue
    return result
