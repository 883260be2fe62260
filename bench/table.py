# SPDX-License-Identifier: Apache-2.0
"""Samples to figures, figures to one table."""
import os
import statistics


def median(samples: list) -> float:
    return statistics.median(samples)


def p99(samples: list) -> float:
    ordered = sorted(samples)
    return ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)]


def us(ns: float) -> str:
    return f"{ns / 1e3:.0f} us" if ns < 1e6 else f"{ns / 1e6:.2f} ms"


def spread(samples: list) -> str:
    return f"median {us(median(samples))}, p99 {us(p99(samples))}, n {len(samples)}"


class Table:
    """Figure, asked, reached, ok or miss, and what it was made of. `asked` None: for information."""

    def __init__(self) -> None:
        self.rows, self.missed = [], 0

    def add(self, figure: str, asked, reached: float, unit: str, of: str = "") -> None:
        digits = 2 if unit == "x" or reached < 100 else 0
        verdict = ""
        if asked is not None:
            verdict = "ok" if reached <= asked else "MISS"
            self.missed += verdict == "MISS"
        self.rows.append((figure, "" if asked is None else f"<= {asked:g} {unit}", f"{reached:.{digits}f} {unit}", verdict, of))
        print("  " + " | ".join(part for part in self.rows[-1] if part), flush=True)

    def ratio(self, figure: str, asked, over: list, under: list) -> None:
        self.add(figure, asked, median(over) / median(under), "x",
                 f"{us(median(over))} / {us(median(under))}, p99 {us(p99(over))} / {us(p99(under))}, n {len(over)}")

    def print(self) -> None:
        with open("/proc/meminfo", encoding="ascii") as f:
            memory = int(f.readline().split()[1]) / 1048576
        print(f"\n{os.cpu_count()} processors, {memory:.0f} GiB of memory, Linux {os.uname().release.split('-')[0]}\n")
        head = ("figure", "asked", "reached", "", "from")
        widths = [max(len(row[i]) for row in [head, *self.rows]) for i in range(4)]
        for row in [head, *self.rows]:
            print("  ".join(row[i].ljust(widths[i]) for i in range(4)) + "  " + row[4])
        asked = sum(1 for row in self.rows if row[1])
        print(f"\n{asked - self.missed} of {asked} figures reached")
