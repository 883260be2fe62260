# SPDX-License-Identifier: Apache-2.0
"""Golden transcripts: what each person typed, what they saw, in order, and how each program ended.

A story is compared with golden/NAME.txt, ids, times and terminal names masked. `record` as the first argument of a test file
writes what was seen to $BED_OUT instead: tests/bed/light --build DIR --out tests/e2e/golden -- python3 tests/e2e/sudo.py record"""
import difflib
import functools
import math
import os
import re
import select
import sys
import traceback

import bedlib
from bedlib import Failed, Inbox, Pipe, Terminal, within

HERE = os.path.dirname(os.path.abspath(__file__))
MASKS = (
    (r"\b[0-9a-f]{32}\b", "<id>"),
    (r"\b[0-9a-f]{8}\b", "<id>"),
    (r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(\.\d+)?(Z|[+-]\d\d:?\d\d)?", "<time>"),
    (r"\b\d\d:\d\d(:\d\d)?\b", "<time>"),
    (r"\b(\d+h)?(\d+m)?(\d+s)?(?<=[hms]) left\b", "<time> left"),
    (r"(?<=  )(\d+h)?(\d+m)?(\d+s)?(?<=[hms]) +", "<time>  "),
    (r"\bpts/\d+", "<tty>"),
    (r"(\^C)+", "^C"),
    (r"\(max \d+ s\)", "(max <time>)"),
    (r'(?m)"[a-z]+ [a-z]+"(?=[, )]|$)', '"<two words>"'),
    (r"(?m)(\bcode:) +[a-z]+ [a-z]+$", r"\1 <two words>"),
    (r"(?m)(\brisk:) +\d+ of 100(: .*)?$", r"\1 <card>"),  # tells of what the stories before did
)


def masked(text: str) -> str:
    for pattern, stands_for in MASKS:
        text = re.sub(pattern, stands_for, text)
    return text


class Story:
    def __init__(self, name: str, watch) -> None:
        self.watch = watch  # `with s.watch:` around what a requirement gives a time for
        self.name, self.lines, self.programs, self.written = name, [], [], {}
        self.inbox = Inbox()

    def _start(self, program, shown: str):
        self.programs.append(program)
        self.written[program] = 0
        self.lines.append(f"{program.user}$ {shown}" if program.user != "root" else f"root# {shown}")
        return program

    def terminal(self, user: str, command: str, argv: list | None = None, **keys) -> Terminal:
        """argv: what runs, where no shell may be around it."""
        return self._start(Terminal(user, argv or command, **keys), command)

    def pipe(self, user: str, command: str, **keys) -> Pipe:
        return self._start(Pipe(user, command, **keys), command + "   (no terminal)")

    def note(self, text: str) -> None:
        self.lines.append(f"-- {text}")

    def _write(self, program, upto: int) -> None:
        new = program.text[self.written[program]:upto]
        self.written[program] = upto
        for line in new.split("\n")[: -1 if new.endswith("\n") else None]:
            self.lines.append(f"{program.user}| {line}".rstrip())

    def see(self, program, what: str):
        """Waits for a whole line that holds this."""
        found = program.expect(what + r".*\n")
        self._write(program, program.seen)
        return found

    def prompt(self, program, what: str, answer: str) -> None:
        """Waits for a prompt and types the answer; what the terminal echoes of it stands in the transcript."""
        program.expect(what)
        program.line(answer)
        program.expect(r"\n")
        self._write(program, program.seen)

    def ctrl_c(self, program) -> int:
        program.ctrl_c()
        return self.end(program)

    def interrupt(self, program) -> int:
        """Ctrl-C, again where the program was just changing its terminal and swallowed it."""
        while program.running() and program.master in program.fds:  # its terminal may be closed a moment before its end
            program.ctrl_c()
            select.select([program.master], [], [], 0.3)
            program.drain()
        return self.end(program)

    def end(self, program) -> int:
        code = program.wait()
        if isinstance(program, Pipe):
            for name, text in ("out", program.out), ("err", program.err):
                self.lines += [f"{program.user} {name}| {line}".rstrip() for line in text.splitlines()]
        else:
            self._write(program, len(program.text))
        self.lines.append(f"{program.user}| [exit {code}]" if code >= 0 else f"{program.user}| [signal {-code}]")
        return code

    def did(self, user: str, command: str, shown: str = "") -> Terminal:
        """Somebody runs a command on a terminal, to its end."""
        program = self._start(Terminal(user, command), shown or command)
        self.end(program)
        return program

    def request(self, user: str) -> str:
        """Waits for a new request of this person; its short id."""
        return self.inbox.new(user)["id"][:8]

    def vote(self, approver: str, word: str, requester: str, text: str = "") -> str:
        request = self.request(requester)
        self.did(approver, f"jitctl {word} {request}{text}")
        return request

    def withdraws(self, program, request: str, stop) -> None:
        """stop(program) ends it, and with it its request; that is measured."""
        with self.watch:
            stop(program)
            self.inbox.state(request, "cancelled")

    def close(self) -> None:
        self.inbox.close()
        for program in self.programs:
            program.close()

    def transcript(self) -> str:
        return masked("\n".join(self.lines)) + "\n"

    def compare(self) -> None:
        path = f"{HERE}/golden/{self.name}.txt"
        seen = self.transcript()
        if sys.argv[1:2] == ["record"]:
            with open(f"{os.environ['BED_OUT']}/{self.name}.txt", "w", encoding="utf-8") as f:
                f.write(seen)
            return
        golden = ""
        if os.path.exists(path):
            with open(path, encoding="utf-8") as f:
                golden = f.read()
        if golden != seen:
            diff = difflib.unified_diff(golden.splitlines(), seen.splitlines(), f"golden/{self.name}.txt", "seen", lineterm="")
            raise Failed("\n".join(diff))


def play(name: str, case, watch) -> None:
    story = Story(name, watch)
    try:
        case(story)
        story.compare()
    except Exception:
        print(f"--- the story so far\n{story.transcript()}---", flush=True)
        raise
    finally:
        story.close()
        bedlib.clean_slate()


def main(door: str, cases: dict, limits=None) -> None:
    """Runs all cases (or those named after `record` or alone) and exits 1 where one differs; limits: the seconds that a case has
    for what it measures."""
    chosen = [a for a in sys.argv[1:] if a != "record"] or list(cases)
    failed = 0
    for name in chosen:
        try:
            within((limits or {}).get(name, math.inf), functools.partial(play, f"{door}-{name}", cases[name]))
            print(f"ok   {door} {name}", flush=True)
        except Exception as error:  # the next case must run too
            failed += 1
            if not isinstance(error, Failed):
                traceback.print_exc()
            print(f"FAIL {door} {name}: {error}", flush=True)
    sys.exit(1 if failed else 0)
