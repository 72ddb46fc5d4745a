# SPDX-License-Identifier: GPL-2.0
"""The plots of the report: one colour for each peer in all of them."""
import matplotlib
matplotlib.use('svg')
from matplotlib import pyplot  # noqa: E402 (the backend has to be chosen first)

COLOURS = {'zram': '#4393c3', 'zmram': '#e8761a', 'zmram-pinned': '#b2182b', 'brd': '#7b3294',
           'codec': '#404040'}
LABELS = {'zram': 'in-tree zram', 'zmram': 'zmram', 'zmram-pinned': 'zmram, movable=0',
          'brd': 'brd', 'codec': 'the codec alone'}
pyplot.rcParams.update({'svg.hashsalt': 'zmram', 'svg.fonttype': 'none', 'font.size': 9,
                        'axes.grid': True, 'axes.grid.axis': 'y', 'grid.alpha': 0.3,
                        'axes.axisbelow': True})


def save(figure, path):
    """Write it, the same bytes for the same data."""
    figure.tight_layout()
    figure.savefig(path, metadata={'Date': None})
    pyplot.close(figure)


def place(axes, groups):
    """Ticks for groups of bars; their width and the offset of the first of a group."""
    count = max(len(bars) for bars in groups.values())
    axes.set_xticks(range(len(groups)), [name.replace(', ', '\n', 1) for name in groups])
    return 0.8 / count, -0.4 + 0.4 / count


def finish(figure, axes, path, title, unit, above=1):
    """Titles and legend, then write it."""
    axes.set_title(title)
    axes.set_ylabel(unit)
    axes.set_ylim(0, axes.get_ylim()[1] * above)
    axes.legend(loc='upper right', ncols=4)
    save(figure, path)


def stacked(path, groups, title, unit):
    """Bars of two parts: {group: {peer: (lower, upper)}}."""
    figure, axes = pyplot.subplots(figsize=(10, 4.5))
    width, first = place(axes, groups)
    for at, bars in enumerate(groups.values()):
        for nr, (peer, (lower, upper)) in enumerate(bars.items()):
            x = at + first + nr * width
            axes.bar(x, lower, width * 0.9, color=COLOURS[peer],
                     label=LABELS[peer] if not at else None)
            axes.bar(x, upper, width * 0.9, bottom=lower, color=COLOURS[peer], alpha=0.5,
                     hatch='///')
            axes.annotate(f'{lower + upper:.3f}', (x, lower + upper), ha='center',
                          va='bottom', fontsize=7)
    finish(figure, axes, path, title, unit, above=1.15)


def bars(path, groups, title, unit):
    """Bars with their spread: {group: {peer: (value, spread)}}."""
    figure, axes = pyplot.subplots(figsize=(10, 4.5))
    width, first = place(axes, groups)
    for at, values in enumerate(groups.values()):
        for nr, (peer, (value, spread)) in enumerate(values.items()):
            x = at + first + nr * width
            axes.bar(x, value, width * 0.9, yerr=spread, capsize=2, color=COLOURS[peer],
                     label=LABELS[peer] if not at else None)
            axes.annotate(f'{value:.2f}', (x, value + spread), ha='center', va='bottom',
                          fontsize=7)
    finish(figure, axes, path, title, unit, above=1.15)


def tails(path, panels, title, unit):
    """One minus the cumulated share, logarithmic: {panel: {peer: histogram}}."""
    figure, grid = pyplot.subplots(2, len(panels) // 2, figsize=(10, 6), sharex=True, sharey=True)
    for axes, (name, peers) in zip(grid.flat, panels.items()):
        for peer, pairs in peers.items():
            total = left = sum(count for _, count in pairs)
            x, y = [], []
            for value, count in pairs:
                x.append(value / 1000)
                y.append(left / total)
                left -= count
            axes.step(x, y, where='post', color=COLOURS[peer], label=LABELS[peer])
        axes.set(xscale='log', yscale='log', title=name)
        axes.set_yticks([1, 0.1, 0.01, 0.001, 1e-4], ['all', '10 %', '1 %', '0.1 %', '0.01 %'])
        axes.set_ylim(5e-5, 1.3)
        axes.grid(True, which='major', axis='both', alpha=0.3)
    for axes in grid[-1]:
        axes.set_xlabel(unit)
    grid[0][0].legend(loc='lower left')
    figure.suptitle(title)
    save(figure, path)


def lines(path, series, title, x_unit, y_unit):
    """{peer: [(x, y)]}"""
    figure, axes = pyplot.subplots(figsize=(8, 4.5))
    for peer, points in series.items():
        axes.plot(*zip(*points), marker='o', color=COLOURS[peer], label=LABELS[peer])
    axes.set_xlabel(x_unit)
    axes.set_title(title)
    axes.set_ylabel(y_unit)
    axes.set_ylim(0, 103)
    axes.legend(loc='center left')
    save(figure, path)
