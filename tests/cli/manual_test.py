#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The examples of jit-policy(5) and of the README, run: manual_test.py JITCTL MANPAGE README."""
import os
import re
import subprocess
import sys
import tempfile

JITCTL, PAGE, README = sys.argv[1:4]


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

with open(README, encoding="utf-8") as file:
    blocks = [re.sub(r"^    ", "", block, flags=re.M) for block in re.findall(r"(?:^    .*\n|^\n)+", file.read(), re.M)]
policy = next(block.strip() + "\n" for block in blocks if "schema = 1" in block)
asked, answer = re.search(r"^\$ jitctl policy (why .*)\n((?:.+\n)+)", "".join(blocks), re.M).groups()
with tempfile.TemporaryDirectory() as folder:
    os.mkdir(os.path.join(folder, "policy.d"), 0o755)
    with open(os.path.join(folder, "policy.d", "readme.toml"), "w", encoding="ascii") as file:
        file.write(policy)
    assert re.search(r"^ok: 1 rule$", run("check", folder), re.M), run("check", folder)
    words = asked.split()
    split = words.index("--")
    got = run(*words[:split], folder, *words[split:])
    assert got == answer, got
print(f"{len(policies)} policies and {len(tests)} tests of {os.path.basename(PAGE)}")
