"""Figures, each beside its limit or rival and its goal, and how they are shown."""

import dataclasses
import math


@dataclasses.dataclass
class Goal:
    """What a figure, or its ratio to what stands beside it, is to reach."""

    relation: str  # "at most" or "at least"
    bound: float
    of: str = "value"  # or "ratio"
    unit: str = ""

    def is_met(self, value):
        return value <= self.bound if self.relation == "at most" else value >= self.bound

    def __str__(self):
        of = "ratio " if self.of == "ratio" else ""
        return f"{of}{self.relation} {shown(self.bound)} {self.unit}".rstrip()


@dataclasses.dataclass
class Figure:
    """A measured value, with what it is compared to: a limit or a rival, measured in the same run."""

    name: str
    value: float
    unit: str = ""
    beside: float | None = None
    beside_name: str = ""
    goal: Goal | None = None

    @property
    def ratio(self):
        return self.value / self.beside if self.beside else None

    @property
    def is_met(self):
        if self.goal is None:
            return None
        value = self.ratio if self.goal.of == "ratio" else self.value
        return value is not None and self.goal.is_met(value)

    def as_json(self):
        fields = dataclasses.asdict(self)
        return {**fields, "goal": str(self.goal) if self.goal else None, "ratio": self.ratio, "met": self.is_met}


def shown(value):
    """A number for reading, with three significant digits or all that stand before the point."""
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.3g}"


def percentile(values, part):
    """The smallest value that so large a part of all values does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(part * len(ordered)) - 1)]


def latencies(name, milliseconds, beside=None, beside_name="", **goals):
    """Figures for the median, the 99th percentile and the worst.

    What stands beside is for the median; the goals are named by `p50`, `p99` and `max`.
    """
    values = {"p50": percentile(milliseconds, 0.5), "p99": percentile(milliseconds, 0.99), "max": max(milliseconds)}
    figures = [Figure(f"{name}, {part}", value, "ms", goal=goals.get(part)) for part, value in values.items()]
    figures[0].beside, figures[0].beside_name = beside, beside_name
    return figures


class Table:
    """What a benchmark has measured."""

    def __init__(self, title, figures):
        self._title = title
        self._figures = figures

    @property
    def text(self):
        rows = [("figure", "measured", "limit or rival", "ratio", "goal", "met")]
        for figure in self._figures:
            beside = f"{shown(figure.beside)} {figure.unit} {figure.beside_name}" if figure.beside_name else ""
            met = {None: "", True: "yes", False: "NO"}[figure.is_met]
            value = f"{shown(figure.value)} {figure.unit}".rstrip()
            beside = " ".join(beside.split())
            rows.append((figure.name, value, beside, shown(figure.ratio), str(figure.goal or ""), met))
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        rows.insert(1, tuple("-" * width for width in widths))
        lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |" for row in rows]
        return "\n".join([f"## {self._title}", "", *lines, ""])

    @property
    def json(self):
        return [figure.as_json() for figure in self._figures]
