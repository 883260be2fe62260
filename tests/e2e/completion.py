# SPDX-License-Identifier: Apache-2.0
"""Completion as people have it: bash, zsh and fish themselves, at a terminal where the tab key is pressed, with a broker that knows ids."""
import bedlib
from bedlib import Terminal, check, run

# What is typed before the tab, and what must stand there after it.
CASES = (("jitctl appr", "jitctl approve "), ("jitctl policy rel", "jitctl policy reload"), ("jitctl deny --bl", "jitctl deny --block"),
         ("jitctl request --urg", "jitctl request --urgency"), ("jitctl policy check /etc/passw", "jitctl policy check /etc/passwd"))
SHELLS = {
    "bash": (["bash", "--norc", "-i"], "bind 'set enable-bracketed-paste off'; PS1='> '; source <(jitctl completion bash); echo ready=$$"),
    "zsh": (["zsh", "-f", "-i"], "unset zle_bracketed_paste; PS1='> '; mkdir -p ~/c; jitctl completion zsh >~/c/_jitctl; fpath=(~/c $fpath); autoload -Uz compinit; "
            "compinit -u -d ~/c/dump; echo ready=$$"),
    "fish": (["fish", "--no-config", "-i"], "function fish_prompt; echo '> '; end; set -g fish_autosuggestion_enabled 0; jitctl completion fish | source; echo ready=$fish_pid"),
}


def at(shell: str) -> Terminal:
    argv, begin = SHELLS[shell]
    terminal = Terminal("alice", argv, env={"TERM": "xterm", "PROMPT_EOL_MARK": ""})
    terminal.line(begin)
    terminal.expect(r"ready=\d+")
    return terminal


def completed(terminal: Terminal, typed: str) -> str:
    """The command as it stands after the tab: run as an argument of echo, after which the shell says what it was."""
    terminal.type(f"{typed}\t")
    terminal.type("\x01echo 'is:' \x05 :end\n")  # to the beginning of the line, to its end
    return terminal.expect(r"is: ([^\n]*?) *:end")[1]


def each(shell: str) -> None:
    asked = run("alice", ["jitctl", "request", "--as", "root", "--", "/usr/bin/id"])
    check(asked.code == 0, asked.text)
    request = asked.out.split()[0]
    with at(shell) as terminal:
        for typed, wanted in (*CASES, (f"jitctl cancel {request[:3]}", f"jitctl cancel {request}"), ("jitctl audit sh", "jitctl audit show")):
            got = completed(terminal, typed)
            check(got == wanted.rstrip(), f"{shell}: {typed!r} and tab: {got!r}, not {wanted!r}\n{terminal.text[-800:]}")
    check(run("alice", ["jitctl", "cancel", request]).code == 0, "not cancelled")


def test_bash() -> None:
    each("bash")


def test_zsh() -> None:
    each("zsh")


def test_fish() -> None:
    each("fish")


bedlib.main(globals())
