# SPDX-License-Identifier: Apache-2.0
"""D11: whoever carries a request shows the approver another one than the host asked."""
# bed: --no-sshd
import base64
import json

import bedlib
from bedlib import check, jitctl, run
from by_hand import PLAIN, SIGNED, asking, carry_out, cut_off, give, paste, sign


def test_what_the_host_signed_is_what_is_shown_and_signed():
    bedlib.enrol("bob")
    with bedlib.policy_with(PLAIN, SIGNED), asking("sudo id -un") as (alice, request):
        sign(carry_out(request))  # he knows the host now
        envelope = json.loads(run("alice", ["jitctl", "show", request, "--envelope"]).out)
        payload = json.loads(base64.b64decode(envelope["payload"]))
        for change in ("reason", "because"), ("cwd", "/root"), ("door", "su"), ("deadline_ms", payload["deadline_ms"] + 1):
            other = dict(payload, **{change[0]: change[1]})
            text = json.dumps(other, separators=(",", ":"), sort_keys=True)
            envelope["payload"] = base64.b64encode(text.encode()).decode()
            done = cut_off("bob", f"jitctl vote --code --approve -m fine {give('bob', json.dumps(envelope, separators=(',', ':'), sort_keys=True))}")
            check(done.code == 1 and "not to be believed" in done.text and not done.out, done.text)
        # Both screens have the two words of what was signed, and they are others for another request.
        shown = cut_off("bob", f"jitctl vote --code --approve -m fine {carry_out(request)}")
        words = jitctl("root", "show", request)["display_code"]
        check(words in shown.err and words in alice.text, f"{words}: {shown.err}{alice.text}")
        with asking("sudo id -u") as (_, second):
            check(jitctl("root", "show", second)["display_code"] != words, "two requests have the same words")
            vote = sign(carry_out(second))
            run("alice", ["jitctl", "cancel", second])
        said = paste(vote)
        check(said.code != 0 and jitctl("root", "show", request)["state"] != "approved", said.text)
        jitctl("bob", "approve", request)
        check(alice.wait() == 0, alice.text)


bedlib.main(globals())
