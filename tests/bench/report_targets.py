# SPDX-License-Identifier: GPL-2.0
"""The table of targets: what is aimed at, whether or not it was measured."""

# (name, comparison, limit, unit)
TARGETS = (
    ('insn: write / raw codec + copy', '<=', 1.03, ''),
    ('insn: overwrite / raw codec + copy', '<=', 1.03, ''),
    ('insn: read, 1 MiB / raw decompress', '<=', 1.04, ''),
    ('insn: discard', '<=', 0.50, ''),
    ('insn: read of an empty slot', '<=', 0.75, ''),
    ('insn: overwrite of equal class beyond the codec', '<=', 0.50, ''),
    ('insn: 4 KiB write', '<=', 0.95, ''),
    ('insn: 4 KiB overwrite', '<=', 0.95, ''),
    ('insn: 4 KiB read', '<=', 0.95, ''),
    ('insn: swap-out + swap-in', '<=', 0.95, ''),
    ('insn: munmap of swapped memory', '<=', 0.60, ''),
    ('native: write', '<=', 0.97, ''),
    ('native: read', '<=', 0.85, ''),
    ('smp: IOPS under a compaction storm', '>=', 1.20, ''),
    ('smp: p99.9 under a compaction storm', '<=', 0.70, ''),
    ('memory: per stored byte, fresh', '<=', 0.98, ''),
    ('memory: per stored byte, after churn and compaction', '<=', 0.95, ''),
    ('memory: empty disk of 1 TiB', '<=', 8, 'MiB'),
    ('memory: pageblocks with unmovable pages of the driver', '<=', 1.00, ''),
    ('move: huge pages recovered, worst fill level', '>=', 98, '%'),
    ('move: huge pages beside in-tree, worst fill level', '>=', 1.00, ''),
    ('move: huge pages beside the kernel\'s own movable memory', '>=', 0.98, ''),
    ('move: chosen pages moved at the first call', '>=', 99.9, '%'),
    ('move: memory block goes offline under load', '>=', 100, '%'),
    ('move: its time under load / when idle', '<=', 1.5, ''),
)


def goal(what, measured, in_tree):
    """What a lane has found about a target; None if it could not."""
    return {'what': what, 'measured': measured, 'in_tree': in_tree}


def table(goals):
    """The targets with what was found about each."""
    found = {item['what']: item for item in goals}
    unknown = set(found) - {name for name, *_ in TARGETS}
    if unknown:
        raise ValueError(f'no such target: {unknown}')
    result = []
    for what, comparison, limit, unit in TARGETS:
        item = found.get(what, goal(what, None, None))
        measured = item['measured']
        met = None
        if measured is not None:
            met = measured <= limit if comparison == '<=' else measured >= limit
        result.append({'what': what, 'comparison': comparison, 'limit': limit, 'unit': unit,
                       'measured': measured, 'in_tree': item['in_tree'], 'met': met})
    return result


def figure(value, unit):
    """A number for people."""
    if value is None:
        return '–'
    digits = 3 if not unit else 0 if value >= 1000 else 2
    return f'{value:,.{digits}f} {unit}'.rstrip()


def markdown(rows):
    """Lines of the table."""
    sign = {'<=': '≤', '>=': '≥'}
    verdict = {True: 'met', False: '**not met**', None: 'not measured'}
    lines = ['## Targets', '', '| | target | zmram | in-tree zram | |',
             '|---|---:|---:|---:|---|']
    lines += [f'| {row["what"]} | {sign[row["comparison"]]} {row["limit"]:g} {row["unit"]}'.rstrip()
              + f' | {figure(row["measured"], row["unit"])}'
              f' | {figure(row["in_tree"], row["unit"])} | {verdict[row["met"]]} |'
              for row in rows]
    met = sum(row['met'] is True for row in rows)
    measured = sum(row['met'] is not None for row in rows)
    return lines + ['', f'{met} of {measured} targets that were measured are met.', '']


def markdown_row(cells):
    """A line of any table."""
    return '| ' + ' | '.join(cells) + ' |'
