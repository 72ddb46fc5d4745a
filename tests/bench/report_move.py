# SPDX-License-Identifier: GPL-2.0
"""The move lane's part of the report."""
import glob
import os
import subprocess
from statistics import median

import report_plot
from report_targets import goal, markdown_row

NAME = 'move'
BASE, OURS, CEILING = 'zram', 'zmram', 'tmpfs'
PICTURE_LEVEL = 30
PICTURE = os.path.join(os.path.dirname(__file__), '..', '..', 'scripts', 'memmap-picture')


def chosen_pages(row):
    """Figures of moving chosen pages."""
    times = sorted(map(int, str(row['us']).split(',')))
    return {'tries': row['tries'], 'moved': row['moved'],
            'percent': 100 * row['moved'] / row['tries'],
            'us': median(times), 'p99': times[len(times) * 99 // 100]}


def offlined(rows):
    """Figures of one peer's blocks that were to go offline."""
    return {'blocks': len(rows), 'done': sum(row['done'] for row in rows),
            'seconds': sum(row['us'] for row in rows) / len(rows) / 1e6}


def huge_pages(rows):
    """Figures of all rounds of one peer at one fill level."""
    parts = [100 * row['obtained'] / row['possible'] for row in rows]
    obtained, possible = (sum(row[key] for row in rows) for key in ('obtained', 'possible'))
    return {'obtained': obtained, 'possible': possible, 'rounds': len(rows),
            'percent': 100 * obtained / possible, 'low': min(parts), 'high': max(parts)}


def summarise(rows, out):
    """{'frag': {level: {peer: figures}}, 'pages' and 'offline': {peer: {load: figures}}}"""
    result = {'frag': {}, 'pages': {}, 'offline': {}}
    blocks = {}
    for row in rows:
        if row['what'] == 'frag':
            result['frag'].setdefault(row['level'], {}).setdefault(row['peer'], []).append(row)
        elif row['what'] == 'move':
            result['pages'].setdefault(row['peer'], {})[row['load']] = chosen_pages(row)
        else:
            blocks.setdefault(row['peer'], {}).setdefault(row['load'], []).append(row)
    result['frag'] = {level: {peer: huge_pages(items) for peer, items in peers.items()}
                      for level, peers in result['frag'].items()}
    result['offline'] = {peer: {load: offlined(items) for load, items in loads.items()}
                         for peer, loads in blocks.items()}
    return result


def targets(summary):
    """What the table of targets wants of this lane."""
    levels = summary['frag'].values()

    def worst(peer, other):
        return min(peers[peer]['percent'] / peers[other]['percent'] for peers in levels)

    def slower(peer):
        loads = summary['offline'][peer]
        return loads['busy']['seconds'] / loads['idle']['seconds']

    def done(peer):
        loads = summary['offline'][peer].values()
        return 100 * sum(item['done'] for item in loads) / sum(item['blocks'] for item in loads)

    return [
        goal('move: huge pages recovered, worst fill level',
             min(peers[OURS]['percent'] for peers in levels),
             min(peers[BASE]['percent'] for peers in levels)),
        goal('move: huge pages beside in-tree, worst fill level', worst(OURS, BASE), 1),
        goal('move: huge pages beside the kernel\'s own movable memory', worst(OURS, CEILING),
             worst(BASE, CEILING)),
        goal('move: chosen pages moved at the first call',
             summary['pages'][OURS]['busy']['percent'],
             summary['pages'][BASE]['busy']['percent']),
        goal('move: memory block goes offline under load', done(OURS), done(BASE)),
        goal('move: its time under load / when idle', slower(OURS), slower(BASE)),
    ]


def spread(row):
    """A cell about huge pages."""
    cell = f'{row["obtained"]} of {row["possible"]}, {row["percent"]:.1f} %'
    if row['rounds'] > 1:
        cell += f' ({row["low"]:.1f}–{row["high"]:.1f})'
    return cell


def frag_table(levels):
    """Lines about huge pages."""
    peers = list(next(iter(levels.values())))
    lines = ['### Huge pages got, of those possible', '',
             'Memory is filled with single pages, then a part of them (fill level) is freed,'
             ' evenly; the disk\'s pages take their place, the rest is freed and memory'
             ' compacted. Possible is what was got and what the free memory left would'
             ' still make, in one piece. tmpfs is no disk but a file in memory, whose pages'
             ' the kernel itself knows how to move: the measure of what moving can give. Sums'
             ' over rounds, and in brackets the per cent of the worst and the best one.', '',
             markdown_row(['fill level'] + peers), markdown_row(['---:'] * (len(peers) + 1))]
    lines += [markdown_row([f'{level} %'] + [spread(row) for row in by_peer.values()])
              for level, by_peer in levels.items()]
    return lines + ['']


def load_tables(summary):
    """Lines about chosen pages and memory blocks."""
    lines = ['### Moving chosen pages', '',
             'One page frame of the disk after the other, each asked for once; "busy" while two'
             ' jobs read and write. Those of zram and zmram lie in hot-plugged movable memory;'
             ' the others\' never do, whose frames are taken from where they lie.', '',
             '| | moved at the first call | median | p99 |', '|---|---:|---:|---:|']
    lines += [markdown_row([f'{peer}, {load}', f'{item["moved"]} of {item["tries"]}'
                            f' ({item["percent"]:.1f} %)', f'{item["us"] / 1000:.2f} ms',
                            f'{item["p99"] / 1000:.2f} ms'])
              for peer, loads in summary['pages'].items() for load, item in loads.items()]
    lines += ['', '### Offlining memory', '', '| | offline | time per block |', '|---|---:|---:|']
    lines += [markdown_row([f'{peer}, {load}', f'{item["done"]} of {item["blocks"]}',
                            f'{item["seconds"]:.2f} s'])
              for peer, loads in summary['offline'].items() for load, item in loads.items()]
    return lines + ['']


def markdown(summary):
    """Lines of the report."""
    return ['## Memory that can be moved', ''] + frag_table(summary['frag']) + load_tables(summary)


def plot(summary, out):
    """Huge pages by fill level; and pictures of memory at one level."""
    series = {}
    for level, peers in summary['frag'].items():
        for peer, row in peers.items():
            series.setdefault(peer, []).append(
                (level, row['percent'], row['low'], row['high']))
    report_plot.lines(os.path.join(out, 'move.svg'), series,
                      'Huge pages got, of those that the free memory would make',
                      'part of memory that the disk takes, in per cent', 'per cent')
    for before in glob.glob(os.path.join(out, NAME, f'*-{PICTURE_LEVEL}', 'before.snap')):
        directory = os.path.dirname(before)
        peer = os.path.basename(directory).rsplit('-', 1)[0]
        row = summary['frag'][PICTURE_LEVEL][peer]
        subprocess.run(
            [PICTURE, before, os.path.join(directory, 'after.snap'), '--quiet', '--title',
             f'{peer}: {row["obtained"]} of {row["possible"]} possible huge pages',
             '--svg', os.path.join(out, f'memory-{peer}.svg')], check=True)
