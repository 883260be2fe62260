# SPDX-License-Identifier: Apache-2.0
"""`scripts/demo --shell` as a new user meets it: two panes, a request in one, the approval in the other. Runs outside the bed."""
import os
import sys

from bedlib import Terminal, check

DEMO = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "scripts", "demo")

with Terminal("root", [DEMO, "--shell", "--build", sys.argv[1]], env={"TERM": "xterm"}, login=False) as tmux:
    tmux.expect_all("You are alice", "You are bob")
    tmux.line("sudo id")
    request = tmux.expect_all("waiting for approval", "([0-9a-f]{8}) pending alice")[1][1]
    tmux.type("\x02o")  # to the other pane
    tmux.line(f"jitctl approve {request}")
    tmux.expect_all("approved: alice may sudo as root", r"uid=0\(root\)")
    tmux.line("exit")
    check(tmux.wait() == 0, f"exit {tmux.code}")
print("ok   two panes, one request, one approval")
