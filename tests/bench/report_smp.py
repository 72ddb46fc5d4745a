# SPDX-License-Identifier: GPL-2.0
"""The smp lane's part of the report."""
import os
from statistics import median

import report_plot
from report_targets import goal, markdown_row

NAME = 'smp'
BASE, OURS, CODEC = 'zram', 'zmram', 'codec'
QUANTILES = {'p50': 0.50, 'p99': 0.99, 'p99.9': 0.999}
STATES = {'quiet': 'quiet', 'storm': 'compaction storm'}


def histogram(text):
    """[(nanoseconds, how many)] of a row's hist."""
    return [tuple(map(int, pair.split(':'))) for pair in str(text).split(',')]


def merge(histograms):
    """One histogram of several, in order."""
    total = {}
    for pairs in histograms:
        for value, count in pairs:
            total[value] = total.get(value, 0) + count
    return sorted(total.items())


def quantile(pairs, part):
    """The latency that this part of the requests did not exceed, in microseconds."""
    left = part * sum(count for _, count in pairs)
    for value, count in pairs:
        left -= count
        if left <= 0:
            return value / 1000
    return pairs[-1][0] / 1000


def case(rows):
    """Figures of the rounds of one case."""
    pairs = merge(histogram(row['hist']) for row in rows)
    rates = [row['ios'] / row['us'] * 1e6 for row in rows]
    seconds = sum(row['us'] for row in rows) / 1e6
    return {'iops': median(rates), 'least': min(rates), 'most': max(rates),
            'quantiles': {name: quantile(pairs, part) for name, part in QUANTILES.items()},
            'migrated': sum(row['migrated'] for row in rows) / seconds,
            'own': sum(row['own'] for row in rows) / seconds, 'histogram': pairs}


def compare(peers, peer):
    """The middle of what the rounds give for the peer over in-tree's."""
    rates = {name: {row['round']: row['ios'] / row['us'] for row in rows}
             for name, rows in peers.items()}
    return median(rate / rates[BASE][number] for number, rate in rates[peer].items())


def summarise(rows, out):
    """{state: {mix: {jobs: {peer: figures}}}}"""
    cases = {}
    for row in rows:
        part = cases.setdefault(row['state'], {}).setdefault(row['mix'], {})
        part.setdefault(row['jobs'], {}).setdefault(row['peer'], []).append(row)
    return {state: {mix: {jobs: {peer: {**case(items), 'ratio': compare(peers, peer)}
                                 for peer, items in peers.items()}
                          for jobs, peers in by_jobs.items()}
                    for mix, by_jobs in mixes.items()}
            for state, mixes in cases.items()}


def targets(summary):
    """What the table of targets wants of this lane: two jobs that read and write."""
    peers = summary['storm']['mixed'][2]
    tails = {peer: figures['quantiles']['p99.9'] for peer, figures in peers.items()}
    rates = {peer: figures['iops'] for peer, figures in peers.items()}
    return [goal('smp: IOPS under a compaction storm', peers[OURS]['ratio'], 1,
                 peers[CODEC]['ratio'],
                 f'Requests per second: the codec with nothing around it {rates[CODEC]:,.0f},'
                 f' zmram {rates[OURS]:,.0f}, in-tree {rates[BASE]:,.0f}.'),
            goal('smp: p99.9 under a compaction storm', tails[OURS] / tails[BASE], 1,
                 tails[CODEC] / tails[BASE],
                 f'Microseconds: the codec with nothing around it {tails[CODEC]:,.0f}, zmram'
                 f' {tails[OURS]:,.0f}, in-tree {tails[BASE]:,.0f}.')]


def cells(peers, peer, one):
    """The cells of a line."""
    figures = peers[peer]
    return ([f'{figures["iops"]:,.0f}', '' if peer == BASE else f'{figures["ratio"]:.2f}',
             f'{figures["iops"] / one["iops"]:.2f}'] +
            [f'{figures["quantiles"][name]:,.0f}' for name in QUANTILES] +
            [f'{figures["migrated"]:,.0f}',
             f'{figures["own"]:,.0f}' if peer == OURS else '–'])


def markdown(summary):
    """Lines of the report."""
    lines = ['## Two processors: requests and latencies', '',
             'Random requests of 4 KiB, direct, pages of the corpus, lz4. Latencies in'
             ' microseconds, of all rounds together; requests per second (IOPS): the middle'
             ' round; to zram: the middle of the rounds\' ratios. Scaling: IOPS over those of one job. Moved: pages that the kernel'
             ' migrated in a second, and those of the disk among them, which in-tree zram does'
             ' not count. The storm compacts all memory over and over while files'
             ' come and go. The codec alone is a disk with a fixed place for each page, without'
             ' allocator, table and locks.', '']
    head = ['', 'IOPS', 'to zram', 'scaling'] + list(QUANTILES) + ['moved/s', 'the disk\'s']
    for state, mixes in summary.items():
        lines += [f'### {STATES[state]}', '', markdown_row(head),
                  markdown_row(['---'] + ['---:'] * (len(head) - 1))]
        for mix, by_jobs in mixes.items():
            for jobs, peers in by_jobs.items():
                lines += [markdown_row([f'{mix}, {jobs} job{"s" * (jobs > 1)}: '
                                        f'{report_plot.LABELS[peer]}'] +
                                       cells(peers, peer, by_jobs[1][peer]))
                          for peer in peers]
        lines.append('')
    return lines


def plot(summary, out):
    """Share of requests by latency, two jobs: a panel by state and mix."""
    panels = {f'{mix}, {STATES[state]}': {peer: by_jobs[2][peer]['histogram']
                                          for peer in by_jobs[2]}
              for state, mixes in summary.items() for mix, by_jobs in mixes.items()}
    report_plot.tails(os.path.join(out, 'smp.svg'), panels,
                      'Two jobs, 4 KiB: part of the requests that took longer', 'microseconds')
