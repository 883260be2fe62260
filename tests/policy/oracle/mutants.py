#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""mutants.py SOURCE BUILD [NAME...]: does the comparison with the oracle find every fault of the evaluator?

The test program is built once, file by file, in BUILD/mutants. Each mutant is one small wrong change of one file. The changed
copy is compiled as that build does it and linked before the library, and the program must fail with a fixed seed. Nothing of
SOURCE is written. Prints a line for each mutant and their count; exits 1 when a mutant lives, does not
compile, or no longer applies. NAME: only these files or numbers.
"""
import concurrent.futures
import json
import os
import pathlib
import shlex
import shutil
import subprocess
import sys

from mutant_list import MUTANTS

LEAST = 40
SEED = "1"
POLICIES = ("12", "120", "700")  # most are found soon; the last is as many as the test itself runs
SLOWEST_S = 300           # one compiler call, or one run


def build_whole(source, build):
    """No batches of files: one of them could not be changed alone."""
    for words in (["cmake", "-S", source, "-B", build, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=RelWithDebInfo", "-DCMAKE_UNITY_BUILD=OFF",
                   "--log-level=WARNING"], ["cmake", "--build", build, "--target", "test_policy_oracle"]):
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL)


def compile_command(build, file):
    """The words of the build's own compiler call for one file of the library, and the file as they name it."""
    for entry in json.loads((build / "compile_commands.json").read_text(encoding="utf-8")):
        if entry["file"].endswith("/" + file) and "jit_policy.dir" in entry["command"]:
            return shlex.split(entry["command"]), entry["file"]
    raise SystemExit(f"mutants: {file} is not compiled into jit_policy")


def link_command(build):
    """How ninja links the test program: `: && c++ ... -o NAME ... && :`."""
    lines = subprocess.run(["ninja", "-C", build, "-t", "commands", "test_policy_oracle"], check=True, capture_output=True,
                           text=True).stdout.splitlines()
    words = shlex.split(lines[-1])
    return words[words.index("&&") + 1:len(words) - 1 - words[::-1].index("&&")]


def words_after(words, option):
    return words[words.index(option) + 1]


def replaced(words, after, value):
    out = list(words)
    out[out.index(after) + 1] = value
    return out


def without_dependencies(words):
    """Leaves the depfiles of the build alone."""
    out = []
    skip = False
    for word in words:
        if skip:
            skip = False
        elif word in ("-MF", "-MT"):
            skip = True
        elif word != "-MD":
            out.append(word)
    return out


def passes(program, policies):
    try:
        return subprocess.run([program, "--abort"], env=dict(os.environ, JIT_SEED=SEED, JIT_POLICIES=policies), timeout=SLOWEST_S,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0
    except subprocess.TimeoutExpired:
        return False  # a mutant may well never end


def fails(words, build):
    """What the compiler says where it does not do it."""
    try:
        done = subprocess.run(words, cwd=build, capture_output=True, text=True, timeout=SLOWEST_S)
    except subprocess.TimeoutExpired:
        return "takes too long"
    return done.stderr[-2000:] or "fails" if done.returncode != 0 else None


def judge(source, build, link, number, file, old, new):
    text = (source / file).read_text(encoding="utf-8")
    if text.count(old) != 1:
        return f"stands {text.count(old)} times in the file; it must stand once"
    scratch = build / "scratch" / str(number)
    scratch.mkdir(parents=True)
    changed, made, program = scratch / pathlib.Path(file).name, scratch / "mutant.o", scratch / "mutant"
    changed.write_text(text.replace(old, new), encoding="utf-8")
    words, original = compile_command(build, file)
    words = replaced(without_dependencies(words), "-o", str(made))
    # What it is optimised for, and what a wrong change leaves unused, does not matter.
    words = [str(changed) if word == original else word for word in words] + ["-O1", "-g0", "-w"]
    if why := fails(words, build):
        return "does not compile:\n" + why
    words = replaced(link, "-o", str(program))
    words.insert(next(i for i, word in enumerate(words) if word.endswith(".o")), str(made))
    if why := fails(words, build):
        return "does not link:\n" + why
    lives = all(passes(program, policies) for policies in POLICIES)
    shutil.rmtree(scratch)
    return "lives" if lives else None


def main(source, build, wanted):
    build_whole(source, build)
    shutil.rmtree(build / "scratch", ignore_errors=True)  # of a run that was killed
    link = link_command(build)
    if not passes(build / words_after(link, "-o"), POLICIES[-1]):
        print("test_policy_oracle fails without any mutant")
        return 1
    chosen = [(n, *m) for n, m in enumerate(MUTANTS) if not wanted or str(n) in wanted or m[0] in wanted]
    bad = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for (number, file, old, new), why in zip(chosen, pool.map(lambda m: judge(source, build, link, *m), chosen)):
            bad += why is not None
            print(f"{number}: {file}: {'found' if why is None else f'{old!r} -> {new!r}: {why}'}", flush=True)
    print(f"{len(chosen)} mutants, {len(chosen) - bad} found")
    return 1 if bad or (not wanted and len(chosen) < LEAST) else 0


sys.exit(main(pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve() / "mutants", set(sys.argv[3:])))
