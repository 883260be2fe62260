# SPDX-License-Identifier: Apache-2.0
"""The screen of bob's jitctl watch while two requests wait and one was denied, as an SVG on standard output. Inside the bed; tmux is the terminal."""
import os
import re
import select
import subprocess
import sys
import time
from xml.sax.saxutils import escape

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE + "/../tests/e2e")
import bedlib  # noqa: E402
from bedlib import Inbox, check, run  # noqa: E402

WIDTH, HEIGHT = 112, 10
CELL_W, CELL_H, EDGE = 8.43, 18, 14
COLOURS = ("#3b4252", "#e06c75", "#98c379", "#e5c07b", "#61afef", "#c678dd", "#56b6c2", "#dcdfe4")
BACK, FRONT, DIM = "#1e222a", "#dcdfe4", "#7f848e"


def tmux(*words: str) -> str:
    return subprocess.run(["tmux", "-f", "/dev/null", *words], capture_output=True, text=True, check=True).stdout


def runs(line: str) -> list:
    """Pieces of a line of `capture-pane -e`: (style, text)."""
    style, out = {"fill": FRONT, "bold": False, "reverse": False}, []
    for codes, text in re.findall(r"(?:\x1b\[([0-9;]*)m)|([^\x1b]+)", line):
        if text:
            out.append((dict(style), text))
            continue
        for code in (int(word or 0) for word in codes.split(";")):
            if code == 0:
                style = {"fill": FRONT, "bold": False, "reverse": False}
            elif code in (1, 7):
                style["bold" if code == 1 else "reverse"] = True
            elif code == 2:
                style["fill"] = DIM
            elif code in (27, 22):
                style["reverse" if code == 27 else "bold"] = False
            elif 30 <= code <= 37 or 90 <= code <= 97:
                style["fill"] = COLOURS[code % 10]
            elif code == 39:
                style["fill"] = FRONT
    return out


def svg(screen: str) -> str:
    lines = screen.rstrip("\n").split("\n")
    width, height = WIDTH * CELL_W + 2 * EDGE, len(lines) * CELL_H + 2 * EDGE
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" font-family="monospace" font-size="14">',
           "  <!-- SPDX-License-Identifier: Apache-2.0 -->", "  <title>jitctl watch: two requests wait, one was denied</title>",
           f'  <rect width="{width:.0f}" height="{height}" rx="8" fill="{BACK}"/>']
    for row, line in enumerate(lines):
        column = 0
        for style, text in runs(line):
            x, y, length = EDGE + column * CELL_W, EDGE + row * CELL_H, len(text) * CELL_W
            if style["reverse"]:
                out.append(f'  <rect x="{x:.1f}" y="{y}" width="{length:.1f}" height="{CELL_H}" fill="{style["fill"]}"/>')
            if text.strip():
                fill, bold = BACK if style["reverse"] else style["fill"], ' font-weight="bold"' if style["bold"] else ""
                out.append(f'  <text x="{x:.1f}" y="{y + 13}" fill="{fill}"{bold} xml:space="preserve" textLength="{length:.1f}">{escape(text)}</text>')
            column += len(text)
    return "\n".join([*out, "</svg>"])


def shows(*words: str) -> str:
    """The screen, once all of these are on it; tmux has no event for that."""
    end = time.monotonic() + bedlib.WAIT_S
    while True:
        screen = tmux("capture-pane", "-e", "-p", "-t", "bob")
        if all(word in screen for word in words):
            return screen
        check(time.monotonic() < end, f"the screen is\n{screen}")
        select.select([], [], [], 0.05)


with Inbox():
    asked = [run("alice", ["jitctl", "request", "--as", "root", "-m", reason, "--", *command.split()])
             for reason, command in (("look at the log", "/usr/bin/less /var/log/syslog"), ("disk full on web1", "/usr/bin/apt-get clean"),
                                     ("CHG-104233: new pool size", "/usr/bin/systemctl restart postgresql.service"))]
    check(all(one.code == 0 for one in asked), "".join(one.text for one in asked))
    tmux("new-session", "-d", "-s", "bob", "-x", str(WIDTH), "-y", str(HEIGHT), f"{HERE}/../tests/bed/as bob jitctl watch")
    tmux("set-option", "-g", "status", "off")
    try:
        shows("3 requests wait", "leave")
        denied = run("bob", ["jitctl", "deny", asked[0].out.split()[0], "-m", "read it without root: group adm"])
        check(denied.code == 0, denied.text)
        screen = shows("2 requests wait", "decided: 1", "leave")
    finally:
        tmux("kill-server")
print(svg(screen))
