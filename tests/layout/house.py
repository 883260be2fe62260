#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The house rules that a machine can see."""
import fnmatch
import pathlib
import re
import sys
import tomllib

SKIP = {"build", ".git"}
CODE = {".h", ".cpp", ".py", ".sh", ".cmake", ".xml", ".service", ".socket"}
LIMIT = 450
FOREIGN = {"evidence/words.cpp": "MIT"}  # with its licence in the file, and in debian/copyright
# Headers that differ between the releases of Debian, and the only file that includes them.
ONE_PLACE = {"catch2/catch.hpp": "tests/catch.h", "sudo_plugin.h": "sudo_jit/sudo.h"}


def main(root):
    bad = []
    files = [p for p in sorted(root.rglob("*")) if p.is_file() and not SKIP & set(p.relative_to(root).parts)]
    with open(root / "REUSE.toml", "rb") as file:
        elsewhere = [re.compile(fnmatch.translate(p)) for note in tomllib.load(file)["annotations"] for p in note["path"]]
    for path in files:
        rel = path.relative_to(root).as_posix()
        if "__pycache__" in rel or any(e.fullmatch(rel) for e in elsewhere):
            continue
        licence = FOREIGN.get(rel, "Apache-2.0")
        if f"SPDX-License-Identifier: {licence}" not in path.read_text(encoding="utf-8", errors="replace")[:400]:
            bad.append(f"{rel}: no SPDX line")
        if path.suffix not in CODE and path.name != "CMakeLists.txt" and not rel.startswith("scripts/"):
            continue
        text = path.read_text(encoding="utf-8")
        lines = text.count("\n")
        if path.suffix in {".h", ".cpp", ".py"} and lines > LIMIT:
            bad.append(f"{rel}: {lines} lines; over {LIMIT} the design wants something")
        if rel.startswith("pam_jit/") and re.search(r"PAM_IGNORE|std::string\b|\bnew\b \w|\bfork\(|\bsystem\(", text):
            bad.append(f"{rel}: not for a guest in sshd and sudo")
        for header, ours in ONE_PLACE.items():
            if path.suffix in {".h", ".cpp"} and rel != ours and f"#include <{header}>" in text:
                bad.append(f"{rel}: include {ours}, which knows the versions of <{header}>")
        if path.suffix in {".h", ".cpp"} and not rel.startswith("tests/"):
            for number, line in enumerate(text.splitlines(), 1):
                if re.search(r"\bgetenv\(|catch \(\.\.\.\)", line) and not rel.startswith(("pam_jit/", "cli/")):
                    bad.append(f"{rel}:{number}: {line.strip()}")
    print("\n".join(bad))
    print(f"{len(files)} files, {len(bad)} findings")
    return 1 if bad else 0


sys.exit(main(pathlib.Path(sys.argv[1])))
