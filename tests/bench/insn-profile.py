#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Say by function where the instructions of a profiled run went.

Usage: insn-profile.py [--diff PEER:PEER] DIR [OPERATION...]

First a table of who spends them: the codec; copying and filling of data; the
driver with its allocator and with what they call (locks, lists); the kernel's
page and slab allocators; the rest of the kernel (system call, block layer, getting
at user pages, swap). Then every function.

DIR holds what the guest left: insn.txt, "counts" of insn-plugin.c, and symbols,
lines "PEER ADDRESS NAME [MODULE]", PEER being kernel for the kernel's own. For each
unit, peer and operation, instructions and entries per page by function, and for
functions that are called from several places also by caller. With --diff, only in
which functions two peers differ.
"""
import bisect
import collections
import os
import re
import sys

FLOOR = 0.5             # instructions per page; less goes into "the rest"
GROUPS = ('codec', 'copy', 'driver', 'allocators', 'kernel')
PATTERNS = tuple((group, re.compile(pattern)) for group, pattern in (
    ('codec', r'^LZ4_|^HUF_|^FSE_|^ZSTD_|\[(lz4|zstd)_'),
    ('copy', r'^(__)?(memcpy|memmove|memset|copy_page)'),
    ('driver', r'\[(zram|zmram|zmalloc|zsmalloc)\]|^zs_|^zcomp_|^obj_(malloc|free|to_)'
               r'|^fix_fullness|^create_page_chain|free_zspage|^zs_zpool|SetPageMovable'),
    ('allocators', r'alloc_pages|rmqueue|free_unref|get_page_from_freelist|clear_page'
                   r'|^policy_nodemask|^cond_accept|_zone_page_state|get_pfnblock|free_pages'
                   r'|^_find_first_bit|__folio_put|free_pcppages|kmem_cache|kmalloc|^kfree'
                   r'|slab|^setup_object|mem_cgroup_uncharge'),
    ('kernel', r'^user space|_user_pages|^gup_|^bio_|^blk|^vfs_|^submit_bio|^swap|^shrink'
               r'|handle_mm_fault|^do_swap|^asm_')))


class Symbols:
    """Function names by address."""

    def __init__(self, path, peer):
        table = []
        with open(path, encoding='ascii') as file:
            for line in file:
                words = line.split()
                if words[0] in ('kernel', peer):
                    module = words[3] if len(words) > 3 else ''
                    table.append((int(words[1], 16), words[2], module))
        table.sort(key=lambda item: (item[0], len(item[1])))
        self.starts, self.names = [], []
        for start, name, module in table:
            if not self.starts or self.starts[-1] != start:
                self.starts.append(start)
                self.names.append(name + ('' if not module else ' ' + module))

    def name(self, address):
        """Function that an address lies in."""
        if address < 1 << 47:
            return 'user space'
        return self.names[bisect.bisect_right(self.starts, address) - 1]


def read_results(directory):
    """List of [peer, algorithm and unit, [operations], pages], in run order."""
    runs = []
    with open(os.path.join(directory, 'insn.txt'), encoding='ascii') as file:
        for line in file:
            peer, algorithm, operation, unit, pages, *_ = line.split()
            if peer in ('codec', 'kernel') or operation == 'memory':
                continue
            name = f'{algorithm}, {unit}'
            if not runs or runs[-1][:2] != [peer, name]:
                runs.append([peer, name, [], int(pages)])
            runs[-1][2].append(operation)
    return runs


def read_counts(directory):
    """Per window of the run: list of (code, caller, entries, instructions)."""
    windows = collections.defaultdict(list)
    with open(os.path.join(directory, 'counts'), encoding='ascii') as file:
        for line in file:
            words = line.split()
            windows[int(words[0])].append((int(words[1], 16), int(words[2], 16),
                                           int(words[3]), int(words[4])))
    return windows


def by_function(window, symbols):
    """{function: [instructions, entries, {caller: [instructions, entries]}]}"""
    functions = {}
    for code, caller, entries, insns in window:
        item = functions.setdefault(symbols.name(code), [0, 0, {}])
        site = item[2].setdefault(symbols.name(caller), [0, 0])
        for total in (item, site):
            total[0] += insns
            total[1] += entries
    return functions


def group_of(name, caller):
    """Who a function works for, by its name or else by who called it."""
    found = next((group for group, pattern in PATTERNS if pattern.search(name)), None)
    if found == 'copy':
        above = group_of(caller, '') if caller else 'kernel'
        return 'copy' if above == 'driver' else above
    if found or not caller:
        return found or 'kernel'
    return group_of(caller, '')


def by_group(functions):
    """{group: instructions}"""
    groups = dict.fromkeys(GROUPS, 0)
    for name, (_, _, sites) in functions.items():
        for caller, (insns, _) in sites.items():
            groups[group_of(name, caller)] += insns
    return groups


def show_groups(tables):
    """Table of tables: who spends what, by operation and peer."""
    print(f'{"instructions per page":44}' + ''.join(f'{group:>11}' for group in GROUPS) +
          f'{"all":>11}')
    for title, functions, pages in tables:
        part = [insns / pages for insns in by_group(functions).values()]
        print(f'{title:44}' + ''.join(f'{insns:11.1f}' for insns in part + [sum(part)]))
    print()


def show(title, functions, pages):
    """One table."""
    total = sum(item[0] for item in functions.values()) / pages
    print(f'## {title}\n\n{total:.1f} instructions per page\n')
    print('    insns   entries  function')
    rest = 0
    for name, (insns, entries, sites) in sorted(functions.items(), key=lambda kv: -kv[1][0]):
        if insns / pages < FLOOR:
            rest += insns / pages
            continue
        print(f'{insns / pages:9.1f} {entries / pages:9.3f}  {name}')
        callers = sorted(sites.items(), key=lambda kv: -kv[1][0])
        if len(callers) > 1:
            for caller, (part, times) in callers:
                if part / pages >= FLOOR:
                    print(f'{"":19}    {part / pages:.1f} ({times / pages:.3f} entries)'
                          f' from {caller}')
    print(f'{rest:9.1f}            the rest\n')


def show_differences(tables, peers):
    """Functions of both, where they differ, largest difference first."""
    by_title = {title: {name: item[0] / pages for name, item in functions.items()}
                for title, functions, pages in tables}
    for title, mine in by_title.items():
        operation, peer, rest = title.split(', ', 2)
        if peer != peers[0]:
            continue
        other = by_title[f'{operation}, {peers[1]}, {rest}']
        print(f'## {operation}, {rest}\n\n{peers[0]:>12}{peers[1]:>12}  difference')
        for name in sorted({*mine, *other},
                           key=lambda name: -abs(mine.get(name, 0) - other.get(name, 0))):
            pair = mine.get(name, 0), other.get(name, 0)
            if abs(pair[1] - pair[0]) >= FLOOR:
                print(f'{pair[0]:12.1f}{pair[1]:12.1f}{pair[1] - pair[0]:+12.1f}  {name}')
        print(f'{sum(mine.values()):12.1f}{sum(other.values()):12.1f}'
              f'{sum(other.values()) - sum(mine.values()):+12.1f}  all\n')


def main(args):
    """Command line."""
    diff = None
    if args[:1] == ['--diff'] and len(args) > 1:
        diff = args[1].split(':')
        args = args[2:]
    if not args or args[0].startswith('-') or (diff and len(diff) != 2):
        print(__doc__)
        return 0 if args in (['-h'], ['--help']) else 2
    tables = load_tables(args[0], args[1:])
    if diff:
        show_differences(tables, diff)
        return 0
    show_groups(sorted(tables, key=lambda table: table[0].split(', ')[2:]))
    for table in tables:
        show(*table)
    return 0


def load_tables(directory, wanted):
    """List of (title, functions, pages) of the wanted operations."""
    windows = read_counts(directory)
    first = 0
    runs = read_results(directory)
    tables = []
    passes = len(windows) // sum(len(run[2]) for run in runs)
    for peer, unit, operations, pages in runs:
        symbols = Symbols(os.path.join(directory, 'symbols'), peer)
        for i, operation in enumerate(operations):
            if not wanted or operation in wanted:
                window = windows[first + (passes - 1) * len(operations) + i]
                tables.append((f'{operation}, {peer}, {unit}',
                               by_function(window, symbols), pages))
        first += passes * len(operations)
    return tables


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
