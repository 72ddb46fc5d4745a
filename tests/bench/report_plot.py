# SPDX-License-Identifier: GPL-2.0
"""The plots of the report: one colour for each peer in all of them."""
import matplotlib
matplotlib.use('svg')
from matplotlib import pyplot  # noqa: E402 (the backend has to be chosen first)

COLOURS = {'zram': '#4393c3', 'zmram': '#e8761a', 'zmram-pinned': '#b2182b', 'brd': '#7b3294',
           'codec': '#404040', 'tmpfs': '#1b7837'}
LABELS = {'zram': 'in-tree zram', 'zmram': 'zmram', 'zmram-pinned': 'zmram, movable=0',
          'brd': 'brd', 'codec': 'the codec alone', 'tmpfs': "the kernel's own movable pages"}
pyplot.rcParams.update({'svg.hashsalt': 'zmram', 'svg.fonttype': 'none', 'font.size': 9,
                        'axes.grid': True, 'axes.grid.axis': 'y', 'grid.alpha': 0.3,
                        'axes.axisbelow': True})


def save(figure, path):
    """Write it, the same bytes for the same data."""
    figure.tight_layout()
    figure.savefig(path, metadata={'Date': None})
    pyplot.close(figure)


def grouped(path, groups, title, unit, draw):
    """Groups of bars, {group: {peer: values}}: draw(axes, x, values, style) makes one
    bar, and returns its top and the text above it."""
    figure, axes = pyplot.subplots(figsize=(10, 4.5))
    count = max(len(peers) for peers in groups.values())
    width, first = 0.8 / count, -0.4 + 0.4 / count
    for at, peers in enumerate(groups.values()):
        for nr, (peer, values) in enumerate(peers.items()):
            x = at + first + nr * width
            top, text = draw(axes, x, values, {'width': width * 0.9, 'color': COLOURS[peer],
                                               'label': None if at else LABELS[peer]})
            axes.annotate(text, (x, top), ha='center', va='bottom', fontsize=7)
    axes.set_xticks(range(len(groups)), [name.replace(', ', '\n', 1) for name in groups])
    axes.set_title(title)
    axes.set_ylabel(unit)
    axes.set_ylim(0, axes.get_ylim()[1] * 1.15)
    axes.legend(loc='upper right', ncols=4)
    save(figure, path)


def stacked(path, groups, title, unit):
    """Bars of two parts: {group: {peer: (lower, upper)}}."""
    def draw(axes, x, values, style):
        lower, upper = values
        axes.bar(x, lower, **style)
        axes.bar(x, upper, bottom=lower, alpha=0.5, hatch='///', **style | {'label': None})
        return lower + upper, f'{lower + upper:.3f}'
    grouped(path, groups, title, unit, draw)


def bars(path, groups, title, unit):
    """Bars with their spread: {group: {peer: (value, spread)}}."""
    def draw(axes, x, values, style):
        value, spread = values
        axes.bar(x, value, yerr=spread, capsize=2, **style)
        return value + spread, f'{value:.2f}'
    grouped(path, groups, title, unit, draw)


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
    max(grid.flat, key=lambda axes: len(axes.lines)).legend(loc='upper right')
    figure.suptitle(title)
    save(figure, path)


def lines(path, series, title, x_unit, y_unit):
    """{peer: [(x, y, lowest, highest)]}"""
    figure, axes = pyplot.subplots(figsize=(8, 4.5))
    for peer, points in series.items():
        x, y, low, high = zip(*points)
        axes.errorbar(x, y, [[a - b for a, b in zip(y, low)], [b - a for a, b in zip(y, high)]],
                      marker='o', capsize=3, color=COLOURS[peer], label=LABELS[peer])
    axes.set_xlabel(x_unit)
    axes.set_title(title)
    axes.set_ylabel(y_unit)
    axes.set_ylim(0, 103)
    axes.legend(loc='center left')
    save(figure, path)
