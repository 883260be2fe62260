# SPDX-License-Identifier: Apache-2.0
"""ssh -A: the agent that comes along is refused where it arrives, and the same agent is taken where it runs."""
import os
import shutil

import bedlib
from bedlib import check

SSH = "ssh -A -p 2222 -o StrictHostKeyChecking=no -o BatchMode=yes bob@127.0.0.1"


def test_an_agent_here_and_there():
    program = "/tmp/test_signer"
    shutil.copy(os.environ["JIT_TEST_SIGNER"], program)
    os.chmod(program, 0o755)
    for where, tag in (("", "[.local]"), (SSH, "[.forwarded]")):
        done = bedlib.run("bob", ["ssh-agent", "sh", "-c", f"ssh-add -q ~/.ssh/id_ed25519 && {where} {program} -w NoTests '{tag}'"])
        check(done.code == 0, f"{tag}: {done.text}")
        # And one that daemonised by itself, whose first process is gone.
        done = bedlib.run("bob", ["sh", "-c", f'eval "$(ssh-agent)" && {{ ssh-add -q ~/.ssh/id_ed25519 && {where} {program} -w NoTests "{tag}"; code=$?; '
                                              'ssh-agent -k; exit $code; }'])
        check(done.code == 0, f"{tag}: {done.text}")


bedlib.main(globals())
