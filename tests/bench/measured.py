"""Figures, the machine they were measured on, and how both are written."""

from __future__ import annotations

import json
import os
import platform
import re
import statistics
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from live import terminal
from live.session import REPOSITORY, TARGET

RESULTS = TARGET / "bench" / "results.json"
MILLISECONDS_PER_NANOSECOND = 1e-6

# By what the benchmark's name matches. A pass may think for 10 ms and follow packets for 20.
EXPECTED_MILLISECONDS = {r"^plan/.*/100$": "< 30", r"^policy/": "< 1", r"^reach/": "< 20"}


@dataclass(frozen=True)
class Figure:
    """One thing that was measured, in each of some runs."""

    group: str
    name: str
    unit: str
    runs: list[float]
    expected: str = ""

    @property
    def median(self) -> float:
        return statistics.median(self.runs)

    def as_json(self) -> dict[str, Any]:
        return {
            "group": self.group,
            "name": self.name,
            "unit": self.unit,
            "median": rounded(self.median),
            "runs": [rounded(run) for run in self.runs],
            "expected": self.expected or None,
        }


def rounded(value: float) -> float:
    """Without digits that say nothing."""
    return float(f"{value:.4g}") if value % 1 else int(value)


def criterion_figures() -> list[Figure]:
    """What `cargo bench` measured last. Criterion gives an estimate over many runs, which counts as one here."""
    found = []
    for estimates in sorted(TARGET.glob("criterion/**/new/estimates.json")):
        name = json.loads((estimates.parent / "benchmark.json").read_text())["full_id"]
        nanoseconds = json.loads(estimates.read_text())["median"]["point_estimate"]
        expected = next((bound for part, bound in EXPECTED_MILLISECONDS.items() if re.search(part, name)), "")
        found.append(Figure("pure part", name, "ms", [nanoseconds * MILLISECONDS_PER_NANOSECOND], expected))
    return found


def machine(binary: Path) -> dict[str, Any]:
    """What the figures depend on besides the code, and which code it was."""

    def asked(*command: str) -> str:
        return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout.strip()

    def field(path: str, name: str) -> str:
        lines = (line.partition(":") for line in Path(path).read_text().splitlines())
        return next((value.strip() for key, _, value in lines if key.strip() == name), "unknown")

    changed = asked("git", "status", "--porcelain", "--untracked-files=no") != ""
    return {
        "cores": os.cpu_count(),
        "cpu": field("/proc/cpuinfo", "model name"),
        "memoryMiB": int(field("/proc/meminfo", "MemTotal").split()[0]) // 1024,
        "kernel": platform.release(),
        "commit": asked("git", "rev-parse", "HEAD") + (" with changes" if changed else ""),
        "rustc": asked("rustc", "--version"),
        "profile": binary.parent.name,
        "loadBefore": round(os.getloadavg()[0], 1),
    }


def write(machine: dict[str, Any], figures: list[Figure]) -> None:
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    results = {"machine": machine, "figures": [figure.as_json() for figure in figures]}
    RESULTS.write_text(json.dumps(results, indent=2) + "\n")


def show(machine: dict[str, Any], figures: list[Figure]) -> None:
    terminal.say()
    terminal.say(", ".join(f"{name}: {value}" for name, value in machine.items()))
    row = f"  {{:<{max(len(figure.name) for figure in figures)}}}  {{:>10}} {{:<6}} {{:>4}}  {{}}"
    group = None
    for figure in figures:
        if figure.group != group:
            group = figure.group
            terminal.say()
            terminal.say(terminal.paint(group, terminal.BOLD))
            terminal.say(terminal.paint(row.format("", "median", "unit", "runs", "expected"), terminal.DIM))
        cells = (figure.name, rounded(figure.median), figure.unit, len(figure.runs), figure.expected)
        terminal.say(row.format(*cells).rstrip())
