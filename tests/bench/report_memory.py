# SPDX-License-Identifier: GPL-2.0
"""The memory lane's part of the report."""
import os

import report_plot
from report_targets import goal, markdown_row

NAME = 'memory'
BASE = 'zram'
MIB = 1 << 20
PHASES = {'fill': 'fresh', 'churn': 'after churn', 'compact': 'after churn and compaction'}
PAGEBLOCK = 2 * MIB
KINDS = ('slab', 'vmalloc', 'percpu')


def read_snapshot(path):
    """The frames of memsnap's file, by the number of the first one of a pageblock."""
    with open(path, encoding='ascii') as file:
        words = (line.split() for line in file)
        return {int(word[1]): word[2] for word in words if word[0] == 'block'}


def unmovable_blocks(directory, stem, vmalloc):
    """How many pageblocks hold a page that came with the disk and cannot move.

    Such are slabs, pinned pages of the pool, and large pieces, leaves of the table of
    slots among them. What is vmalloc's, as in-tree zram's table, looks like free pages
    in the lists of the processors, and is taken to lie densely.
    """
    start, end = (read_snapshot(os.path.join(directory, f'{stem}-{name}.snap'))
                  for name in ('start', 'end'))
    scattered = sum(any(frame in 'SLP' and was not in 'SLP' for was, frame in
                        zip(start.get(first, ''), now)) for first, now in end.items())
    return scattered + -(-max(0, vmalloc) // PAGEBLOCK)


def summarise(rows, out):
    """{algorithm: {peer: {phase: row}}}, with ratios; what an empty disk takes."""
    by_algorithm, empty = {}, {}
    for row in rows:
        row = dict(row)
        row['used'] = row['pool'] + sum(row[kind] for kind in KINDS)
        if row['phase'] == 'empty':
            empty[row['peer']] = row['used']
            continue
        if row['stored']:
            row['per_byte'] = row['used'] / row['stored']
        peers = by_algorithm.setdefault(row['algorithm'], {})
        peers.setdefault(row['peer'], {})[row['phase']] = row
    blocks = {algorithm: {peer: unmovable_blocks(os.path.join(out, NAME), f'{peer}-{algorithm}',
                                                 phases['compact']['vmalloc'])
                          for peer, phases in peers.items()}
              for algorithm, peers in by_algorithm.items()}
    return {'algorithms': by_algorithm, 'empty': empty, 'unmovable_blocks': blocks}


def targets(summary):
    """What the table of targets wants of this lane: lz4."""
    peers, blocks = summary['algorithms']['lz4'], summary['unmovable_blocks']['lz4']

    def ratio(phase):
        return peers['zmram'][phase]['per_byte'] / peers[BASE][phase]['per_byte']

    return [
        goal('memory: per stored byte, fresh', ratio('fill'), 1),
        goal('memory: per stored byte, after churn and compaction', ratio('compact'), 1),
        goal('memory: empty disk of 1 TiB', summary['empty']['zmram'] / MIB,
             summary['empty'][BASE] / MIB),
        goal('memory: pageblocks with unmovable pages of the driver',
             blocks['zmram'] / max(1, blocks[BASE]), 1),
    ]


def part(peers, phase, what):
    """A line of figures by peer, per byte stored."""
    return [f'{peers[peer][phase][what] / peers[peer][phase]["stored"]:.4f}' for peer in peers]


def markdown(summary):
    """Lines of the report."""
    lines = ['## Bytes of RAM per byte stored', '',
             'The pool, as the driver says, and what there is more of slabs, vmalloc\'s and'
             ' per-processor memory than before the disk had a size: table of slots, handles,'
             ' structs, streams. As a check, what is gone from free memory, which everything'
             ' else in the guest also takes from. Churn is as many random overwrites and'
             ' discards as there are pages, then discards of half as many.', '']
    for algorithm, peers in summary['algorithms'].items():
        rest = [peer for peer in peers if peer != BASE]
        lines += [markdown_row([f'{algorithm}'] + list(peers) + [f'{p} : {BASE}' for p in rest]),
                  markdown_row(['---'] + ['---:'] * (len(peers) + len(rest)))]
        for phase, title in PHASES.items():
            base = peers[BASE][phase]['per_byte']
            lines.append(markdown_row(
                [title] + part(peers, phase, 'used') +
                [f'{peers[p][phase]["per_byte"] / base:.4f}' for p in rest]))
            for kind, name in (('pool', 'of it the pool'), ('compressed', 'objects alone'),
                               ('taken', 'gone from free memory')):
                lines.append(markdown_row([f'– {name}'] + part(peers, phase, kind) +
                                          [''] * len(rest)))
        blocks = summary['unmovable_blocks'][algorithm]
        lines.append(markdown_row(
            ['pageblocks with unmovable pages of the driver'] +
            [str(blocks[peer]) for peer in peers] +
            [f'{blocks[p] / max(1, blocks[BASE]):.2f}' for p in rest]))
        lines.append('')
    lines += ['An empty disk of 1 TiB: ' + ', '.join(
        f'{peer} {taken / MIB:,.2f} MiB' for peer, taken in summary['empty'].items()) + '.', '']
    return lines


def plot(summary, out):
    """Bars: pool and the rest, by algorithm, peer and phase."""
    groups = {}
    for algorithm, peers in summary['algorithms'].items():
        for phase, title in PHASES.items():
            groups[f'{algorithm}, {title}'] = {
                peer: (phases[phase]['pool'] / phases[phase]['stored'],
                       (phases[phase]['used'] - phases[phase]['pool']) / phases[phase]['stored'])
                for peer, phases in peers.items()}
    report_plot.stacked(os.path.join(out, 'memory.svg'), groups,
                        'RAM taken for a byte stored: pool, and all else (hatched)',
                        'bytes of RAM per byte stored')
