# SPDX-License-Identifier: GPL-2.0
"""The smp lane's part of the report."""
import os
from statistics import median

import report_plot
from report_targets import goal, markdown_row

NAME = 'smp'
BASE, OURS = 'zram', 'zmram'
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


def compare(peers):
    """The middle of what the rounds give for ours over in-tree's."""
    rates = {peer: {row['round']: row['ios'] / row['us'] for row in rows}
             for peer, rows in peers.items()}
    return median(rate / rates[BASE][number] for number, rate in rates[OURS].items())


def summarise(rows, out):
    """{state: {mix: {jobs: {peer: figures, 'ratio': of IOPS}}}}"""
    cases = {}
    for row in rows:
        part = cases.setdefault(row['state'], {}).setdefault(row['mix'], {})
        part.setdefault(row['jobs'], {}).setdefault(row['peer'], []).append(row)
    return {state: {mix: {jobs: {**{peer: case(items) for peer, items in peers.items()},
                                 'ratio': compare(peers)}
                          for jobs, peers in by_jobs.items()}
                    for mix, by_jobs in mixes.items()}
            for state, mixes in cases.items()}


def targets(summary):
    """What the table of targets wants of this lane: two jobs that read and write."""
    peers = summary['storm']['mixed'][2]
    ours, in_tree = (peers[peer]['quantiles']['p99.9'] for peer in (OURS, BASE))
    return [goal('smp: IOPS under a compaction storm', peers['ratio'], 1),
            goal('smp: p99.9 under a compaction storm', ours / in_tree, 1)]


def cells(peers, peer, one):
    """The cells of a line."""
    figures = peers[peer]
    return ([f'{figures["iops"]:,.0f}', f'{peers["ratio"]:.2f}' if peer == OURS else '',
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
             ' come and go.', '']
    head = ['', 'IOPS', 'to zram', 'scaling'] + list(QUANTILES) + ['moved/s', 'the disk\'s']
    for state, mixes in summary.items():
        lines += [f'### {STATES[state]}', '', markdown_row(head),
                  markdown_row(['---'] + ['---:'] * (len(head) - 1))]
        for mix, by_jobs in mixes.items():
            for jobs, peers in by_jobs.items():
                lines += [markdown_row([f'{mix}, {jobs} job{"s" * (jobs > 1)}: {peer}'] +
                                       cells(peers, peer, by_jobs[1][peer]))
                          for peer in (BASE, OURS)]
        lines.append('')
    return lines


def plot(summary, out):
    """Share of requests by latency, two jobs: a panel by state and mix."""
    panels = {f'{mix}, {STATES[state]}': {peer: by_jobs[2][peer]['histogram']
                                          for peer in (BASE, OURS)}
              for state, mixes in summary.items() for mix, by_jobs in mixes.items()}
    report_plot.tails(os.path.join(out, 'smp.svg'), panels,
                      'Two jobs, 4 KiB: part of the requests that took longer', 'microseconds')
