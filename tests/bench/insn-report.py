#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Turn the insn lane's raw counts into JSON and tables.

Usage: insn-report.py OUT RUN [RUN...]

Each RUN is a folder with the insn.txt of one guest and info.json of the host.
The figures are those of the first; the others must agree, and by how much they
do is reported. Writes OUT/insn.json and OUT/insn.md. Exit status: 0, or 1 when
a figure differs between runs by more than one instruction per page, or cannot be.
"""
import json
import os
import sys

from insn_targets import targets
from report_targets import markdown_row

BASE = 'zram'
PLAIN = 'brd', 'null'   # peers that do not compress
TITLES = {
    '1024k': 'Requests of 1 MiB; the pages of the buffer are no neighbours in memory',
    '1024k-contiguous': 'Requests of 1 MiB; the buffer is one piece of memory',
    '4k': 'Requests of 4 KiB',
    'swap': 'Swapping (MADV_PAGEOUT, touching, munmap while swapped out)',
    'compact': 'Compaction of the pool, per page that it freed',
    'move': 'Moving a page of the pool (alloc_contig_range, 32 at a time)',
}
WRITES = ('write-first', 'overwrite-same', 'overwrite-changed')
LIMIT = 1.0
NONSENSE = 1e9          # instructions per page


def read_run(directory):
    """{(algorithm, unit, operation): {peer: item}}, memory by peer."""
    rows, memory = {}, {}
    with open(os.path.join(directory, 'insn.txt'), encoding='ascii') as file:
        for line in file:
            peer, algorithm, operation, *rest = line.split()
            if operation == 'memory':
                memory[f'{peer} {algorithm}'] = dict(
                    zip(('original', 'compressed', 'used'), map(int, rest)))
                continue
            pages, insns, spread = map(int, rest[1:])
            if pages <= 0 or not 0 < insns / pages < NONSENSE:
                sys.exit(f'insn-report: {directory}: not a figure: {line.strip()}')
            rows.setdefault((algorithm, rest[0], operation), {})[peer] = {
                'pages': pages, 'instructions': insns, 'spread': spread,
                'per_page': insns / pages}
    return rows, memory


def codec_floor(rows, algorithm, operation):
    """What the codec alone takes for an operation, or None."""
    def part(name):
        return rows[algorithm, 'codec', name]['codec']['per_page']
    if (algorithm, 'codec', 'compress') not in rows:
        return None
    if operation in WRITES:
        return part('compress') + part('copy-out')
    return part('decompress') if operation == 'read' else None


def disagreement(runs):
    """Largest difference between runs, as (per page, row), and how many differ."""
    worst, differing, total = (0.0, ''), 0, 0
    for key, peers in runs[0].items():
        for peer, item in peers.items():
            others = [run[key][peer]['per_page'] for run in runs]
            total += 1
            differing += round(max(others)) != round(min(others))
            worst = max(worst, (max(others) - min(others), f'{peer} {" ".join(key)}'))
    return {'runs': len(runs), 'figures': total, 'differing_when_printed': differing,
            'largest_per_page': worst[0], 'largest_at': worst[1]}


def table(rows, algorithm, unit):
    """Lines of one unit's table."""
    part = {key[2]: {**peers, **rows.get(('none', *key[1:]), {})} for key, peers in rows.items()
            if key[:2] == (algorithm, unit) and BASE in peers}
    if not part:
        return []
    peers = list(next(iter(part.values())))
    others = [peer for peer in peers if peer not in (BASE, *PLAIN)]
    with_floor = any(codec_floor(rows, algorithm, operation) for operation in part)
    compared = [peer for peer in (BASE, 'zmram') if peer in peers and with_floor]
    lines = [f'### {TITLES.get(unit, unit)}, {algorithm}', '',
             markdown_row([''] + peers + [f'{peer} : {BASE}' for peer in others] +
                          [f'{peer} : codec' for peer in compared]),
             markdown_row(['---'] + ['---:'] * (len(peers) + len(others) + len(compared)))]
    for operation, items in part.items():
        floor = codec_floor(rows, algorithm, operation)
        lines.append(markdown_row(
            [operation] + [f'{items[peer]["per_page"]:,.0f}' if peer in items else ''
                           for peer in peers] +
            [f'{items[peer]["per_page"] / items[BASE]["per_page"]:.3f}' for peer in others] +
            [f'{items[peer]["per_page"] / floor:.3f}' if floor else ''
             for peer in compared]))
    return lines + ['']


def codec_lines(rows, memory):
    """What the codec alone takes, and how well it packs."""
    lines = []
    for name, item in memory.items():
        if name.startswith('codec '):
            algorithm = name.split()[1]
            parts = [rows[algorithm, 'codec', part]['codec']['per_page']
                     for part in ('compress', 'copy-out', 'decompress')]
            lines.append(f'Raw {algorithm}: compress {parts[0]:,.0f} + copy out {parts[1]:,.0f}'
                         f' = {parts[0] + parts[1]:,.0f}; decompress {parts[2]:,.0f}. The'
                         f' corpus shrinks {item["original"] / item["compressed"]:.2f} : 1.')
    used = [f'{name.replace(" ", ", ")}: {item["used"] / item["original"]:.4f}'
            for name, item in memory.items() if not name.startswith('codec ')]
    if used:
        lines += ['', 'Bytes of pool per byte stored: ' + '; '.join(used) + '.']
    return lines + ['']


def markdown(info, rows, memory, agreement):
    """The report."""
    lines = ['## Instructions per page of 4 KiB', '',
             f'Guest {info["kernel"]}, one processor, one nanosecond per instruction'
             f' (QEMU {info["qemu"]}); corpus of {info["corpus_mib"]} MiB, SHA-256'
             f' {info["corpus_sha256"][:16]}…: text of an ELF program, source text, heap of'
             ' a Python process, page by page in turn. brd is the kernel\'s RAM disk, which'
             ' does not compress; null is a disk that does nothing: what the kernel takes above'
             ' any driver.', '']
    lines += codec_lines(rows, memory)
    for algorithm in dict.fromkeys(key[0] for key in rows):
        for unit in TITLES:
            lines += table(rows, algorithm, unit)
    if agreement['runs'] > 1:
        lines += ['', f'{agreement["runs"]} runs: {agreement["differing_when_printed"]} of'
                  f' {agreement["figures"]} figures differ as printed; at most by'
                  f' {agreement["largest_per_page"]:.2f} instructions per page'
                  f' ({agreement["largest_at"]}).']
    return '\n'.join(lines) + '\n'


def main(args):
    """Command line."""
    if len(args) < 2 or args[0].startswith('-'):
        print(__doc__)
        return 0 if args in (['-h'], ['--help']) else 2
    loaded = [read_run(run) for run in args[1:]]
    rows, memory = loaded[0]
    agreement = disagreement([run[0] for run in loaded])
    with open(os.path.join(args[1], 'info.json'), encoding='utf-8') as file:
        info = json.load(file)
    goals = targets(rows, memory)
    with open(os.path.join(args[0], 'insn.json'), 'w', encoding='utf-8') as file:
        json.dump({'info': info, 'agreement': agreement, 'targets': goals, 'memory': memory,
                   'rows': [{'algorithm': key[0], 'unit': key[1], 'operation': key[2],
                             'peer': peer, **item}
                            for key, peers in rows.items() for peer, item in peers.items()]},
                  file, indent=1)
    with open(os.path.join(args[0], 'insn.md'), 'w', encoding='utf-8') as file:
        file.write(markdown(info, rows, memory, agreement))
    return agreement['largest_per_page'] > LIMIT


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
