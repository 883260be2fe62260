# SPDX-License-Identifier: Apache-2.0
"""scripts/record still makes what docs/ shows of a session: the same steps and the same screen, but for ids, words and times. Runs outside the bed."""
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree

TOP = pathlib.Path(__file__).resolve().parents[2]


def cast(path: pathlib.Path) -> list:
    """The lines that asciinema would show, once it is sure that it can."""
    header, *events = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert header["version"] == 2 and header["width"] > 0 and header["height"] > 0, header
    times = [when for when, _kind, _text in events]
    assert times == sorted(times) and times[-1] < 120 and {kind for _when, kind, _text in events} == {"o"}, events
    return masked("".join(text for _when, _kind, text in events).replace("\r", "")).split("\n")


def masked(text: str) -> str:
    text = re.sub(r"\x1b\[[0-9;]*m", "", text)
    text = re.sub(r"\b[0-9a-f]{32}\b|\b[0-9a-f]{8}\b", "ID", text)
    text = re.sub(r"\d{4}-\d\d-\d\dT[0-9:.]+Z", "TIME", text)
    text = re.sub(r'"[a-z]+ [a-z]+"|\bcode: +[a-z]+ [a-z]+', "WORDS", text)
    text = re.sub(r"\(after \d+ ms\)|\b(\d+m)?\d+[ms]\b|/dev/pts/\d+", "N", text)
    return re.sub(r" +", " ", text)


def picture(path: pathlib.Path) -> list:
    """Its texts, line by line."""
    root = ElementTree.parse(path).getroot()
    assert root.tag.endswith("svg"), root.tag
    return [masked(each.text) for each in root.iter("{http://www.w3.org/2000/svg}text")]


with tempfile.TemporaryDirectory() as folder:
    done = subprocess.run([TOP / "scripts/record", "--build", sys.argv[1], folder], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    made = pathlib.Path(folder)
    for name, read in ("demo.cast", cast), ("inbox.svg", picture):
        now, shown = read(made / name), read(TOP / "docs" / name)
        differs = [pair for pair in zip(now, shown) if pair[0] != pair[1]]
        assert not differs and len(now) == len(shown), f"{name} is not what is made now: scripts/record docs makes it anew\n{differs}\n{len(now)} {len(shown)}"
    text = "\n".join(cast(made / "demo.cast"))
    assert "approved by bob" in text and "denied by bob" in text and "uid=0(root)" in text, text
print("ok   the recording and the picture are what is made now")
