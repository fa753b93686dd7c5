"""How the demo and the benchmarks speak: numbered steps, commands with their output, and results.

Coloured on a terminal; plain where output goes elsewhere or NO_COLOR is set
(https://no-color.org).
"""

from __future__ import annotations

import os
import sys
import time

COLOURED = sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"

BOLD, DIM, RED, GREEN, YELLOW, CYAN = "1", "2", "31", "32", "33", "36"

started = time.monotonic()
step_number = 0


def paint(text: str, *styles: str) -> str:
    return f"\033[{';'.join(styles)}m{text}\033[0m" if COLOURED else text


def say(text: str = "") -> None:
    # At once, for the commands that are run in between write to the same place.
    print(text, flush=True)


def step(title: str) -> None:
    """Begins a part of the story."""
    global step_number
    step_number += 1
    say()
    say(paint(f"{step_number}. {title}", BOLD, CYAN) + paint(f"  [{time.monotonic() - started:.0f} s]", DIM))


def explain(text: str) -> None:
    say(paint(f"   {text}", DIM))


def command(line: str) -> None:
    """Shows a command that is run, or that would do the same by hand."""
    say(paint(f"   $ {line}", BOLD))


def output(text: str) -> None:
    for line in text.rstrip().splitlines():
        say(f"   {line}")


def item(text: str, style: str = YELLOW, mark: str = "·") -> None:
    say(f"   {paint(mark, style)} {text}")


def good(text: str) -> None:
    item(text, GREEN, "✓")


def bad(text: str) -> None:
    item(text, RED, "✗")
