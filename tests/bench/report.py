#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Make results.json, results.md and the plots of what the benchmark's lanes left.

Usage: report.py OUT

OUT/insn.json is what insn-report.py makes of the insn lane; of the other lanes there
is OUT/LANE/results.txt, a line of name=value pairs for each measurement, and
OUT/LANE/info.json. Lanes that were not run are left out, but the table of targets is
always whole.
"""
import json
import os
import sys

import report_memory
import report_move
import report_native
import report_smp
import report_targets

LANES = (report_native, report_smp, report_memory, report_move)


def number(text):
    """An integer or a float if it looks like one."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return text


def read_lane(out, name):
    """A lane's measurements, as a list of dictionaries."""
    path = os.path.join(out, name, 'results.txt')
    if not os.path.exists(path):
        return []
    with open(path, encoding='utf-8') as file:
        return [{key: number(value) for key, value in
                 (word.split('=', 1) for word in line.split())} for line in file]


def read_json(*path):
    """A file of JSON, or None without it."""
    path = os.path.join(*path)
    if not os.path.exists(path):
        return None
    with open(path, encoding='utf-8') as file:
        return json.load(file)


def header(infos):
    """What all the figures are of."""
    info = next(iter(infos.values()))
    return [f'# zmram beside in-tree zram, kernel {info["kernel"]}', '',
            f'{info["machine"]}; sources at {info["commit"]}. Lanes: {", ".join(infos)}.'
            ' Unless said otherwise a ratio is zmram : in-tree zram, below 1 is less.', '']


def main(args):
    """Command line."""
    if len(args) != 1 or args[0].startswith('-'):
        print(__doc__)
        return 0 if args in (['-h'], ['--help']) else 2
    out = args[0]
    insn = read_json(out, 'insn.json')
    infos = {'insn': insn['info']} if insn else {}
    goals = list(insn['targets']) if insn else []
    lines, results = [], {'insn': insn} if insn else {}
    for lane in LANES:
        rows = read_lane(out, lane.NAME)
        if not rows:
            continue
        infos[lane.NAME] = read_json(out, lane.NAME, 'info.json')
        summary = lane.summarise(rows, out)
        goals += lane.targets(summary)
        results[lane.NAME] = {'info': infos[lane.NAME], 'summary': summary, 'rows': rows}
        lines += lane.markdown(summary)
        lane.plot(summary, out)
    if not infos:
        print('report: no lane has left anything', file=sys.stderr)
        return 1
    table = report_targets.table(goals)
    results['targets'] = table
    with open(os.path.join(out, 'results.json'), 'w', encoding='utf-8') as file:
        json.dump(results, file, indent=1)
    with open(os.path.join(out, 'results.md'), 'w', encoding='utf-8') as file:
        file.write('\n'.join(header(infos) + report_targets.markdown(table) + lines) + '\n')
        if insn:
            with open(os.path.join(out, 'insn.md'), encoding='utf-8') as part:
                file.write(part.read())
    print('\n'.join(report_targets.markdown(table)), file=sys.stderr)
    return 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
