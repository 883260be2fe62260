# SPDX-License-Identifier: Apache-2.0
"""Whose word a vote is: that of this host, of a key in a file, of a key in hardware, or of a browser's authenticator.
  keys.py SOFT_TOKEN   a FIDO token made of software, for ssh-keygen"""
import os
import shutil
import sys

import bedlib
from bedlib import check, jitctl, run
from by_hand import PLAIN, SIGNED, asking


HARDWARE = SIGNED.replace('"signed"', '"hardware"')
TOKEN = "/tmp/soft_token.so"
ON_THIS_HOST, IN_DOUBT = "on this host's word", "on the word of a host where the requester was root"


def well(user: str, command: str) -> bedlib.Program:
    done = run(user, command)
    check(done.code == 0, f"{user}: {command}: {done.text}")
    return done


def test_a_vote_by_uid_is_the_hosts_word():
    for word in ON_THIS_HOST, IN_DOUBT:
        with bedlib.Inbox() as inbox, bedlib.waiting("alice") as alice:
            request = inbox.new("alice")["id"]
            jitctl("carol", "approve", request)
            check(alice.wait() == 0, alice.text)
            grant = inbox.grant("active", request=request)
        shown, log, story = (run("root", ["jitctl", *words]) for words in (("show", request), ("audit", "log", "--request", request), ("audit", "show", request)))
        check([line for line in shown.out.splitlines() if line.startswith("vote:") and "carol" in line and word in line], shown.out)
        doubt = word == IN_DOUBT
        check(jitctl("root", "show", request)["votes"][0]["host_in_doubt"] is doubt, "in --json")
        voted = [entry for entry in bedlib.audit(type="vote.cast") if entry["request"] == request][-1]["fields"]
        check(voted["kind"] == "local" and voted.get("attested_by", "") == ("a host where the requester was root" if doubt else ""), f"{voted}")
        check(voted.get("attested_by", voted["kind"]) in log.out and word in story.out, log.out + story.out)
        jitctl("root", "revoke", grant["id"], "-m", "it is over")
    bedlib.clean_slate()


def test_a_key_in_hardware_signs_where_the_rule_wants_one():
    shutil.copy(sys.argv[1], TOKEN)
    os.chmod(TOKEN, 0o755)
    bedlib.enrol("bob")  # the soft one is the first, and in the agent
    well("bob", f"SSH_SK_PROVIDER={TOKEN} ssh-keygen -q -N '' -t ed25519-sk -f /home/bob/.ssh/id_ed25519_sk")
    well("root", "jitctl people add-key bob /home/bob/.ssh/id_ed25519_sk.pub && jitctl policy reload")
    print_of = {name: well("bob", f"ssh-keygen -lf /home/bob/.ssh/{name}.pub").out.split()[1] for name in ("id_ed25519", "id_ed25519_sk")}
    with_agent = "ssh-agent sh -c 'ssh-add -q /home/bob/.ssh/id_ed25519 && jitctl approve {} {}'"
    for rule, key in (SIGNED, "id_ed25519"), (HARDWARE, "id_ed25519_sk"):
        with bedlib.policy_with(PLAIN, rule), asking() as (alice, request):
            if rule == HARDWARE:
                soft = run("bob", with_agent.format(request, "--key /home/bob/.ssh/id_ed25519"))
                check(soft.code != 0 and "needs a hardware key" in soft.text and "--key FILE" in soft.text, soft.text)
            well("bob", f"SSH_SK_PROVIDER={TOKEN} " + with_agent.format(request, ""))
            check(alice.wait() == 0 and "root" in alice.text.split(), alice.text)
            check(jitctl("root", "show", request)["votes"][0]["key"] == print_of[key], f"{rule}: another key signed")
        bedlib.clean_slate()


bedlib.main(globals())
