#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The examples of jit-policy(5), run: manual_test.py JITCTL MANPAGE."""
import os
import re
import subprocess
import sys
import tempfile

JITCTL, PAGE = sys.argv[1:3]


def run(*args):
    done = subprocess.run([JITCTL, "policy", *args], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20)
    assert done.returncode == 0, (args, done)
    return done.stdout


with open(PAGE, encoding="ascii") as file:
    blocks = re.findall(r"^\.EX\n(.*?)^\.EE$", file.read(), re.M | re.S)
policies = [block for block in blocks if block.startswith("schema = 1")]
tests = [block for block in blocks if block.startswith("[[test]]")]
assert len(policies) >= 3 and len(tests) >= 2, blocks
with tempfile.TemporaryDirectory() as folder:
    for name in ("policy.d", "tests.d"):
        os.mkdir(os.path.join(folder, name), 0o755)
    rules = os.path.join(folder, "policy.d", "example.toml")
    for policy in policies:
        with open(rules, "w", encoding="ascii") as file:
            file.write(policy)
        assert re.search(r"^ok: \d rules?$", run("check", rules), re.M)
        assert run("show", rules).count("\n") == len(re.findall(r"^\[\[", policy, re.M))
        assert run("fmt", "--check", rules) == "", "the manual's examples are laid out as fmt does"
    with open(rules, "w", encoding="ascii") as file:
        file.write(next(policy for policy in policies if "CHG-" in policy))
    with open(os.path.join(folder, "tests.d", "example.toml"), "w", encoding="ascii") as file:
        file.write("".join(tests))
    assert f"{len(tests)} passed, 0 failed" in run("test", folder), run("test", folder)
print(f"{len(policies)} policies and {len(tests)} tests of {os.path.basename(PAGE)}")
