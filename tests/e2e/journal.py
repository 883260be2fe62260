# SPDX-License-Identifier: Apache-2.0
"""What the bed's collector writes down, waited for by the kernel's own news of the file."""
import ctypes
import json
import os
import select
import time

import bedlib
from bedlib import WAIT_S

LIBC = ctypes.CDLL(None, use_errno=True)
IN_MODIFY = 2


class Lines:
    """The lines that come from now on into a log of the bed."""

    def __init__(self, name: str) -> None:
        self.file = open(f"{bedlib.BED}/log/{name}", encoding="utf-8", errors="backslashreplace")
        self.file.seek(0, os.SEEK_END)
        self.entries, self.half = [], ""
        self.news = LIBC.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)
        if LIBC.inotify_add_watch(self.news, self.file.name.encode(), IN_MODIFY) < 0:
            raise OSError(ctypes.get_errno(), "inotify")

    @staticmethod
    def read(line: str):
        return line

    def now(self) -> list:
        """All so far."""
        *lines, self.half = (self.half + self.file.read()).split("\n")
        self.entries += [self.read(line) for line in lines]
        return self.entries

    def until(self, found, timeout: float = WAIT_S, what: str = "entry"):
        end = time.monotonic() + timeout
        while True:
            for entry in self.now():
                if found(entry):
                    return entry
            if not select.select([self.news], [], [], max(0, end - time.monotonic()))[0]:
                raise bedlib.Failed(f"no {what} in the log within {timeout} s, but {self.entries}")
            os.read(self.news, 65536)

    def close(self) -> None:
        self.file.close()
        os.close(self.news)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Journal(Lines):
    def __init__(self) -> None:
        super().__init__("journal")

    @staticmethod
    def read(line: str) -> dict:
        return json.loads(line)

    def event(self, kind: str, timeout: float = WAIT_S) -> dict:
        """The audit entry of this type."""
        return self.until(lambda e: e.get("JIT_TYPE") == kind, timeout, kind)

    def errors(self, word: str) -> list:
        """The lines for admins that hold this word: no audit entries, and at least an error."""
        return [e["MESSAGE"] for e in self.now()
                if "JIT_TYPE" not in e and int(e.get("PRIORITY", 7)) <= 3 and word in e.get("MESSAGE", "")]
