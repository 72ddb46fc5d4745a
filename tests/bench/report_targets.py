# SPDX-License-Identifier: GPL-2.0
"""The table of targets: what is aimed at, whether or not it was measured."""
import operator

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


def goal(what, measured, in_tree, floor=None, why=''):
    """What a lane has found about a target; None if it could not.

    The floor is what no driver can be below, or above where more is better, and why says
    what it is made of.
    """
    return {'what': what, 'measured': measured, 'in_tree': in_tree, 'floor': floor, 'why': why}


def argued(what, unit, ours, in_tree, parts, divisor=None, offset=0, note='',
           proven=True):
    """A goal whose floor is the sum of the parts, each (what it is, figure).

    The target's limit, and all that is shown, is (figure - offset) / divisor, the latter
    being in-tree's figure unless it is said. A sum that somebody is below, or that has a
    part of which that is known (not proven), is shown as a sum and not as a floor.
    """
    divisor = divisor or in_tree
    floor = sum(part for _, part in parts)
    limit = next(item[2] for item in TARGETS if item[0] == what) * divisor + offset
    proven = proven and floor <= min(ours, in_tree)
    why = (f'{unit}: ' + ' + '.join(f'{name} {part:,.0f}' for name, part in parts) +
           (f' = {floor:,.0f}' if len(parts) > 1 else '') +
           f'. zmram takes {ours:,.0f}, which is {ours - floor:,.0f} more; in-tree'
           f' {in_tree:,.0f}, which is {in_tree - floor:,.0f} more. ' +
           ('' if proven else 'It is no floor, since not all drivers take that much. ') +
           (f'The target, {limit:,.0f}, is below the floor.' if proven and limit < floor else
            f'The target is {limit:,.0f}, {ours - limit:,.0f} less than zmram takes.'
            if ours > limit else
            f'The target is {limit:,.0f}; the ratio, of requests beside each other, misses it.'))
    measured, base, least = ((value - offset) / divisor for value in (ours, in_tree, floor))
    if not proven:
        return goal(what, measured, base, None, why)
    return goal(what, measured, base, least, f'{why} {note}'.rstrip())


def table(goals):
    """The targets with what was found about each."""
    found = {item['what']: item for item in goals}
    unknown = set(found) - {name for name, *_ in TARGETS}
    if unknown:
        raise ValueError(f'no such target: {unknown}')
    result = []
    for what, comparison, limit, unit in TARGETS:
        item = found.get(what, goal(what, None, None))
        measured, floor = item['measured'], item['floor']
        reaches = operator.le if comparison == '<=' else operator.ge
        result.append({**item, 'comparison': comparison, 'limit': limit, 'unit': unit,
                       'met': None if measured is None else reaches(measured, limit),
                       'possible': floor is None or reaches(floor, limit)})
    return result


def figure(value, unit):
    """A number for people."""
    if value is None:
        return '–'
    digits = 3 if not unit else 0 if value >= 1000 else 2
    return f'{value:,.{digits}f} {unit}'.rstrip()


def verdict(row):
    """What became of a target."""
    if row['met'] is None:
        return 'not measured'
    if row['met']:
        return 'met'
    return '**not met**' if row['possible'] else '**not met**, beyond the floor'


def reasons(rows):
    """Lines under the table: what the floor is, where a target is not met."""
    argued_rows = [row for row in rows if row['met'] is False and row['why']]
    if not argued_rows:
        return []
    return ['The floor (a ceiling, where more is better) is what no driver can be below that'
            ' gets its requests from this kernel and uses this kernel\'s codec; where it writes,'
            ' one that copies each object once, to where there is room for its size, which only'
            ' compression tells. What is above it is the driver\'s own: finding the slot, locking'
            ' it, finding or making room, statistics; in the native lane also system call and'
            ' block layer; in the smp lane the processors\' other work. All from this run:', ''] + [
                f'- {row["what"]}: {row["why"]}' for row in argued_rows] + ['']


def markdown(rows):
    """Lines of the table, and why of what is not met."""
    sign = {'<=': '≤', '>=': '≥'}
    lines = ['## Targets', '', '| | target | zmram | in-tree zram | floor | |',
             '|---|---:|---:|---:|---:|---|']
    lines += [f'| {row["what"]} | {sign[row["comparison"]]} {row["limit"]:g} {row["unit"]}'.rstrip()
              + ''.join(f' | {figure(row[column], row["unit"])}'
                        for column in ('measured', 'in_tree', 'floor'))
              + f' | {verdict(row)} |' for row in rows]
    met = sum(row['met'] is True for row in rows)
    measured = sum(row['met'] is not None for row in rows)
    beyond = sum(row['met'] is False and not row['possible'] for row in rows)
    return lines + ['', f'{met} of {measured} targets that were measured are met, of {beyond} others'
                    ' the target is beyond the floor.', ''] + reasons(rows)


def markdown_row(cells):
    """A line of any table."""
    return '| ' + ' | '.join(cells) + ' |'
