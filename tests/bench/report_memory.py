# SPDX-License-Identifier: GPL-2.0
"""The memory lane's part of the report."""
import os

import report_plot
from report_targets import argued, goal, markdown_row

NAME = 'memory'
BASE = 'zram'
MIB = 1 << 20
PAGE = 4096
PHASES = {'fill': 'fresh', 'churn': 'after churn', 'compact': 'after churn and compaction'}
KINDS = ('slab', 'vmalloc', 'percpu')


def unmovable(rows):
    """{peer: figures} of the pageblocks, of all rounds together."""
    peers = {}
    for row in rows:
        item = peers.setdefault(row['peer'], {'frames': 0, 'vmalloc': 0, 'rounds': []})
        item['frames'] += row['frames']
        item['vmalloc'] += row['vmalloc']
        item['rounds'].append(row['blocks'])
    return peers


def summarise(rows, out):
    """{algorithm: {peer: {phase: row}}}, with ratios; what an empty disk takes."""
    by_algorithm, empty = {}, {}
    for row in rows:
        if 'phase' not in row:
            continue
        row = dict(row)
        row['used'] = row['pool'] + sum(row[kind] for kind in KINDS)
        if row['phase'] == 'empty':
            empty[row['peer']] = row['used']
            continue
        if row['stored']:
            row['per_byte'] = row['used'] / row['stored']
        peers = by_algorithm.setdefault(row['algorithm'], {})
        peers.setdefault(row['peer'], {})[row['phase']] = row
    return {'algorithms': by_algorithm, 'empty': empty,
            'unmovable': unmovable(row for row in rows if row.get('what') == 'blocks')}


def targets(summary):
    """What the table of targets wants of this lane: lz4."""
    peers = summary['algorithms']['lz4']
    blocks = {peer: sum(item['rounds']) for peer, item in summary['unmovable'].items()}

    def per_page(what, phase):
        ours, in_tree = (peers[peer][phase] for peer in ('zmram', BASE))
        objects = min(row['compressed'] / row['stored'] for row in (ours, in_tree))
        return argued(what, 'Bytes of RAM per page stored', ours['per_byte'] * PAGE,
                      in_tree['per_byte'] * PAGE, [('the objects alone', objects * PAGE)])

    return [
        per_page('memory: per stored byte, fresh', 'fill'),
        per_page('memory: per stored byte, after churn and compaction', 'compact'),
        goal('memory: empty disk of 1 TiB', summary['empty']['zmram'] / MIB,
             summary['empty'][BASE] / MIB),
        goal('memory: pageblocks with unmovable pages of the driver',
             blocks['zmram'] / blocks[BASE], 1),
    ]


def part(peers, phase, what):
    """A line of figures by peer, per byte stored."""
    return [f'{peers[peer][phase][what] / peers[peer][phase]["stored"]:.4f}' for peer in peers]


def blocks_table(peers):
    """Lines about pageblocks."""
    lines = ['### Pageblocks with pages of the driver that cannot move', '',
             'After churn and compaction, on a disk of 256 MiB: pages that the driver has asked'
             ' for as unmovable, slabs for it among them, and what is mapped for it by vmalloc.'
             ' The peers take turns in one guest.', '',
             '| | unmovable pages, mean | of them vmalloc\'s | pageblocks, by round | sum |',
             '|---|---:|---:|---:|---:|']
    for peer, item in peers.items():
        rounds = len(item['rounds'])
        lines.append(markdown_row([
            peer, f'{(item["frames"] + item["vmalloc"]) / rounds:.0f}',
            f'{item["vmalloc"] / rounds:.0f}', ', '.join(map(str, item['rounds'])),
            str(sum(item['rounds']))]))
    return lines + ['']


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
        lines.append('')
    lines += ['An empty disk of 1 TiB: ' + ', '.join(
        f'{peer} {taken / MIB:,.2f} MiB' for peer, taken in summary['empty'].items()) + '.', '']
    return lines + blocks_table(summary['unmovable'])


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
