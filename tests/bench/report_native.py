# SPDX-License-Identifier: GPL-2.0
"""The native lane's part of the report."""
import os
from statistics import median

import report_plot
from report_targets import argued, goal, markdown_row

NAME = 'native'
BASE, OURS, NULL = 'zram', 'zmram', 'null'
TITLES = {
    '1024k': 'Requests of 1 MiB',
    '4k-random': 'Requests of 4 KiB in random order, the cost of a system call included',
}
SHOWN = {'write-first': 'write', 'overwrite-changed': 'overwrite', 'read': 'read',
         'read-empty': 'read of an empty slot', 'discard': 'discard'}


def summarise(rows, out):
    """{algorithm: {unit: {operation: {peer: figures, 'ratio': figures}}}}; codec: ns a page.

    Figures are of all rounds: the middle one and half of the distance between the
    quartiles. A round's ratio is the middle one of its requests'.
    """
    rounds = {}
    for row in rows:
        peers = rounds.setdefault((row['algorithm'], row['unit'], row['op']), {})
        peers.setdefault(row['peer'], []).append(
            row['ticks'] / row['pages'] / row['khz'] * 1e6)
        if 'ratio' in row:
            peers.setdefault('ratio', []).append(row['ratio'])
    result = {'codec': {}, 'operations': {}}
    for (algorithm, unit, operation), peers in rounds.items():
        if unit == 'codec':
            result['codec'].setdefault(algorithm, {})[operation] = figures(peers['codec'])
            continue
        units = result['operations'].setdefault(algorithm, {})
        units.setdefault(unit, {})[operation] = {
            name: figures(values) for name, values in peers.items()}
    return result


def figures(values):
    """Middle and spread of what the rounds gave."""
    ordered = sorted(values)
    count = len(ordered)
    return {'median': median(ordered), 'least': ordered[0], 'most': ordered[-1],
            'spread': (ordered[-1 - count // 4] - ordered[count // 4]) / 2, 'rounds': count}


def beside_codec(summary, what, operation, parts):
    """A goal of lz4 and requests of 1 MiB; its floor: the codec, and a disk that does nothing."""
    item = summary['operations']['lz4']['1024k'][operation]
    codec = summary['codec'].get('lz4')
    if not codec:
        return goal(what, item['ratio']['median'], 1)
    floor = argued(what, 'Nanoseconds per page', item[OURS]['median'], item[BASE]['median'],
                   [(name, codec[part]['median']) for part, name in parts.items()] +
                   [('system call and block layer with no driver behind them',
                     item[NULL]['median'])])
    return {**floor, 'measured': item['ratio']['median']}


def targets(summary):
    """What the table of targets wants of this lane."""
    return [beside_codec(summary, 'native: write', 'write-first',
                         {'compress': 'compression', 'copy': 'one copy of the object'}),
            beside_codec(summary, 'native: read', 'read', {'decompress': 'decompression'})]


def cell(item, digits=0):
    """A figure and its spread."""
    return f'{item["median"]:,.{digits}f} ± {item["spread"]:,.{digits}f}'


def markdown(summary):
    """Lines of the report."""
    some = next(iter(summary['operations'].values()))['1024k']['read'][BASE]
    lines = ['## Nanoseconds per page of 4 KiB, at this machine\'s speed', '',
             f'User Mode Linux; the middle of {some["rounds"]} rounds in which the drivers take'
             ' turns request by request, ± half the distance of the quartiles. A round\'s ratio'
             ' is the middle of those of its requests, each beside the other driver\'s.', '']
    for algorithm, units in summary['operations'].items():
        codec = summary['codec'].get(algorithm)
        for unit, operations in units.items():
            lines += [f'### {TITLES[unit]}, {algorithm}', '',
                      markdown_row(['', 'in-tree zram', 'zmram', 'zmram : zram']),
                      '|---|---:|---:|---:|']
            lines += [markdown_row([SHOWN[op], cell(item[BASE]), cell(item[OURS]),
                                    cell(item['ratio'], 3)])
                      for op, item in operations.items() if op in SHOWN]
            lines.append('')
        if codec:
            lines += [f'The {algorithm} codec alone: '
                      + ', '.join(f'{op} {cell(item)}' for op, item in codec.items()) + '.', '']
    return lines


def plot(summary, out):
    """Bars with spread: write and read of 1 MiB, by algorithm."""
    groups = {}
    for algorithm, units in summary['operations'].items():
        codec = summary['codec'].get(algorithm)
        for op, part in (('write-first', 'compress'), ('read', 'decompress')):
            bars = {peer: units['1024k'][op][peer] for peer in (BASE, OURS)}
            if codec:
                bars['codec'] = codec[part]
            groups[f'{algorithm}, {SHOWN[op]}'] = {
                peer: (item['median'] / 1000, item['spread'] / 1000)
                for peer, item in bars.items()}
    report_plot.bars(os.path.join(out, 'native.svg'), groups,
                     'Time for a page of 4 KiB, requests of 1 MiB, User Mode Linux',
                     'microseconds')
