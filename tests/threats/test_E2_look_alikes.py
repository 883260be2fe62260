# SPDX-License-Identifier: Apache-2.0
"""E2: letters that look like others, directions, joiners, marks on letters. All are shown escaped, with the uid beside the name,
and a word that may be taken for another is marked."""
# bed: --no-sshd
import bedlib
from bedlib import Inbox, check
from escapes import unescaped

MARKED = {
    "cyrillic": "\u0430dmin", "greek": "r\u03bfot", "full width": "\uff41dmin", "mathematical": "\U0001d41admin", "cherokee": "\u13aaB",
    "from right to left": "\u202egnp.exe", "isolates": "\u2066root\u2069", "joiner": "ad\u200dmin", "no width": "ad\u200bmin",
    "mark on a letter": "adm\u0301in", "in a sentence": "please ask r\u043eot", "in a path": "/usr/bin/\u0455udo",
}
PLAIN = {"russian": "\u0434\u0438\u0441\u043a \u043f\u043e\u043b\u043e\u043d", "german": "Pl\u00e4tze f\u00fcr M\u00fcller", "two words": "nginx \u0434\u0438\u0441\u043a",
         "ascii": "admin"}
TWIN = "\u0430lice"  # Cyrillic, beside alice
MARK = "looks alike:"


def ascii_only(where: str, text: str) -> None:
    bad = [c for c in text if not (" " <= c <= "~" or c in "\n\t")]
    check(not bad, f"{where} holds {bad[:5]!r}: {text!r}"[:600])


def surfaces(request: str) -> str:
    """Every surface of ours where it may stand, as an approver sees it; the last one is `jitctl show`."""
    shown = ""
    for command in (["requests"], ["requests", "--json"], ["requests", "--all"], ["audit", "log"], ["audit", "log", "--json"],
                    ["show", request, "--json"], ["show", request]):
        for user in ("root",) if command[0] == "audit" else ("bob", "root"):
            shown = bedlib.run(user, ["jitctl", *command]).text
            ascii_only(f"{user}: {command}", shown)
    return shown


def ask(text: str) -> dict:
    """Asked ahead of time, looked at everywhere, and taken back."""
    asked = bedlib.jitctl("alice", "request", "--reason", text, "--", "/bin/echo", text)
    shown = surfaces(asked["id"])
    document = bedlib.jitctl("bob", "show", asked["id"])
    check(unescaped(document["reason"]).decode() == text, f"the reason {text!r} is shown as {document['reason']!r}")
    check([unescaped(word).decode() for word in document["command"]["argv"]] == ["/bin/echo", text], f"{document['command']}")
    check("alice(2001)" in shown and "root(0)" in shown, f"no uid beside the names: {shown}")
    check((MARK in shown) == bool(document["looks_alike"]), f"{text!r}: {document['looks_alike']} {shown}")
    bedlib.jitctl("alice", "cancel", asked["id"])
    return document


def test_what_may_be_taken_for_another_is_escaped_and_marked():
    for name, text in MARKED.items():
        check(ask(text)["looks_alike"] == ["command", "reason"], f"{name}: not marked")


def test_a_language_of_its_own_is_escaped_and_not_marked():
    for name, text in PLAIN.items():
        check(ask(text)["looks_alike"] == [], f"{name}: marked")


def test_a_name_beside_its_twin():
    bedlib.add_user(TWIN, 2600, ["sudo"])
    with Inbox() as inbox, bedlib.Pipe("bob", ["jitctl", "watch"]) as watch:
        asked = bedlib.run(TWIN, ["jitctl", "request", "--reason", "x", "--json"])
        check(asked.code == 0, asked.text)
        request = inbox.new("\\u{430}lice")["id"]
        shown = surfaces(request)
        check("\\u{430}lice(2600)" in shown and MARK in shown, shown)
        document = bedlib.jitctl("bob", "show", request)
        check(document["looks_alike"] == ["subject"] and unescaped(document["subject"]["name"]).decode() == TWIN, f"{document}")
        watch.expect(r"\\u\{430\}lice\(2600\)")
        ascii_only("watch", watch.text)
        bedlib.jitctl("bob", "approve", request)
        for command in ["grants"], ["grants", "--json"]:
            text = bedlib.run("root", ["jitctl", *command]).text
            ascii_only(f"{command}", text)
            check("alice(2001)" not in text, f"the twin is alice: {text}")
    check(bedlib.run("alice", ["sudo", "-n", "id", "-u"]).code != 0, "alice uses the grant of her twin")
    ascii_only("journal", bedlib.log("journal"))
    ascii_only("the module's log", "\n".join(line for line in bedlib.log("syslog").splitlines() if "pam_jit[" in line))


def test_at_the_door():
    with Inbox() as inbox, bedlib.Terminal("alice", ["sudo", "/bin/echo", MARKED["cyrillic"]], env={"JIT_REASON": MARKED["joiner"]}) as alice:
        alice.expect("waiting")
        request = inbox.new("alice")["id"]
        check(bedlib.jitctl("bob", "show", request)["looks_alike"] == ["command", "reason"], "at the door")
        bedlib.run("bob", ["jitctl", "deny", request, "-m", "who is " + MARKED["cyrillic"]])
        check(alice.wait() != 0 and "who is \\u{430}dmin" in alice.text, alice.text)
        ascii_only("what alice sees", alice.text)


bedlib.main(globals())
