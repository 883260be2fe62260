# SPDX-License-Identifier: Apache-2.0
"""Messages to people: real commands, a real web server over TLS and a real program that sends mail, with everything failing half-way."""
import email
import email.policy
import json
import os
import re
import time

import bedlib
import notifylib
import relaylib
from bedlib import broker, check, run
from notifylib import CA, FOLDER, PORT, TAKE, ask, channel, withdraw

COMMANDS = notifylib.Commands()
HOOKS = notifylib.Hooks()
MAIL = notifylib.Mail()
NOTIFIER = notifylib.Notifier()

GIVE = 'give     = "10m"'
EXEC = f'kind = "exec"\ncommand = ["{TAKE}", "a word", "$HOME"]\n'
MAILER = 'kind = "exec"\ntemplate = "mail"\ncommand = ["/usr/bin/msmtp", "-t", "--host=127.0.0.1", "--port=2525", "--read-envelope-from"]\n' \
    'from = "jit@example.org"\nto = ["on-call@example.org", "root@example.org"]\n'
HOOK = f'kind = "webhook"\nurl = "https://localhost:{PORT}/hook"\nca = "{CA}"\nallow = ["127.0.0.1", "::1"]\ntimeout = "2s"\n'


def telling(*channels: str):
    """The policy requires a message to these."""
    return bedlib.policy_with(GIVE, GIVE + "\nrequire  = [" + ", ".join(f'"notify:{each}"' for each in channels) + "]")


def files(**channels: str) -> None:
    """These channels, and no other."""
    for name in os.listdir(FOLDER):
        if name.endswith(".toml") and name[:-5] not in channels:
            os.unlink(f"{FOLDER}/{name}")
    for name, text in channels.items():
        channel(name, text)
    if NOTIFIER.process:
        NOTIFIER.reload()


def status_says(*what: str) -> None:
    """The notifier tells the broker right after its log."""
    end = time.monotonic() + bedlib.WAIT_S
    status = run("root", ["jitctl", "notify", "status"])
    while any(each not in status.text for each in what):
        check(time.monotonic() < end, status.text)
        status = run("root", ["jitctl", "notify", "status"])


def said(request: str, what: str) -> str:
    """The log of a request, once it tells this."""
    end = time.monotonic() + bedlib.WAIT_S
    log = run("root", ["jitctl", "audit", "log", "--request", request])
    while what not in log.out:
        check(time.monotonic() < end, log.text)
        log = run("root", ["jitctl", "audit", "log", "--request", request])
    return log.out


def test_where_nobody_sends_messages_what_requires_one_is_closed():
    with telling("pager"):
        alice = run("alice", "sudo -n id -un")
        check(alice.code != 0, alice.text)
        check("no message can be queued here" in alice.text, alice.text)


def test_a_command_is_told_of_a_request_and_of_how_it_was_decided():
    files(pager=EXEC)
    NOTIFIER.start()
    with telling("pager"):
        alice, request = ask("sudo id -un")
        raw = COMMANDS.next()
        data, rest = raw.split(b"\0")
        told = json.loads(data)
        check(told["event"] == "request" and told["request"] == request and told["who"]["name"] == "alice", f"{told}")
        check(told["command"]["text"] == "id -un" and told["target"]["name"] == "root" and told["host"]["name"] == "bed", f"{told}")
        check(f"jitctl show {request[:8]}" in told["text"] and "No message and no link ever approves anything" in told["text"], told["text"])
        code = bedlib.jitctl("root", "show", request)["display_code"]
        check(told["code"] == code, f"{told}")
        # No shell, an environment of its own, and the notifier's user.
        check(eval(rest) == (["a word", "$HOME"], [("HOME", "/"), ("LANG", "C.UTF-8"), ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")], 982), f"{rest}")
        run("bob", ["jitctl", "approve", request, "-m", "fine"])
        check(alice.wait() == 0, alice.text)
        alice.close()
        decided = COMMANDS.message()
        check((decided["event"], decided["state"], decided["request"]) == ("decided", "approved", request), f"{decided}")
        check(decided["id"] != told["id"], "two messages have one key")
    bedlib.clean_slate()


def test_text_from_elsewhere_is_inert_in_every_channel():
    files(pager=EXEC, hook=HOOK, slack=HOOK + 'template = "slack"\n', teams=HOOK + 'template = "teams"\n', mattermost=HOOK + 'template = "mattermost"\n')
    with telling("pager", "hook", "slack", "teams", "mattermost"):
        nasty = ["@channel", "<!here>", "[x](http://evil.example)", "www.evil.example", "`x`", "\x1b]8;;http://evil\x07", "\u202e", '"}'.replace("}", "},{")]
        alice, _ = ask(["sudo", "echo", *nasty])
        told = [COMMANDS.next().split(b"\0")[0].decode()] + [HOOKS.message()[2].decode() for _ in range(4)]
        for body in told:
            texts = []

            def look(value):
                texts.extend([value] if isinstance(value, str) else [])
                for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
                    look(each)
            look(json.loads(body))
            for text in texts:
                text = text.removeprefix("```text\n").removesuffix("```") if text.startswith("```text\n") else text
                if text == "http://adaptivecards.io/schemas/adaptive-card.json":
                    continue
                check(text.isascii() and text.replace("\n", " ").isprintable(), repr(text))
                check(not any(each in text for each in ("@", "<", ">", "[", "`", "://", "www.")), text)
        check("\\\\x40channel" in told[0] and "\\\\x3c!here\\\\x3e" in told[0], told[0])
        withdraw(alice)
    for _ in range(5):
        COMMANDS.message() if _ == 0 else HOOKS.message()
    bedlib.clean_slate()


def test_a_webhook_is_signed_and_has_a_key():
    notifylib.channel_secret("hook")
    files(hook=HOOK + f'secret = "{FOLDER}/hook.secret"\n')
    with telling("hook"):
        alice, request = ask()
        path, headers, body = HOOKS.message()
        check(path == "/hook" and headers["Content-Type"] == "application/json" and "Expect" not in headers, f"{headers}")
        check(notifylib.signed_well(headers, body), f"{headers}")
        check(abs(int(headers["webhook-timestamp"]) - time.time()) < 60, f"{headers}")
        told = json.loads(body)
        check(told["request"] == request and told["id"] == headers["webhook-id"], f"{told}")
        withdraw(alice)
        check(json.loads(HOOKS.message()[2])["state"] == "cancelled", "no end was told")
    bedlib.clean_slate()


def test_mail_goes_out_by_a_program_like_sendmail():
    files(mail=MAILER)
    with telling("mail"):
        alice, request = ask(["sudo", "echo", "x\r\nBcc: evil@evil.example\r\n\r\n.\r\nMAIL FROM:<x@evil.example>"])
        to, data = MAIL.next("mail")
        check(to == ["on-call@example.org", "root@example.org"], f"{to}")
        mail = email.message_from_bytes(data, policy=email.policy.default)
        check(not mail.defects and mail["Bcc"] is None and mail["Cc"] is None, f"{mail.defects} {data}")
        check(mail["From"] == "jit@example.org" and mail["Subject"] == f"[jit] bed: alice asks for sudo as root ({request[:8]})", data.decode())
        check(mail["Auto-Submitted"] == "auto-generated" and mail.get_content_type() == "text/plain", data.decode())
        body = mail.get_content()
        check("Bcc: evil" in body and "\\r\\nBcc" in body and f"jitctl show {request[:8]}" in body, body)
        check(all(len(line) <= 998 for line in data.split(b"\r\n")), "a line is too long")
        withdraw(alice)
        again = email.message_from_bytes(MAIL.next("mail")[1], policy=email.policy.default)
        check(again["References"] == mail["References"] and again["Message-ID"] != mail["Message-ID"], f"{again}")
        # The mail server is full just then.
        MAIL.refuse.put("451 4.3.0 come back later")
        alice, request = ask()
        NOTIFIER.expect("channel mail was not told: it ended with [0-9]+: msmtp: .*451")
        mail = email.message_from_bytes(MAIL.next("mail")[1], policy=email.policy.default)
        check(request[:8] in mail["Subject"], f"{mail}")
        withdraw(alice)
        MAIL.next("mail")
    bedlib.clean_slate()


def test_the_network_fails_half_way_and_nobody_else_waits():
    files(hook=HOOK, pager=EXEC)
    with telling("hook", "pager"):
        HOOKS.then("cut", 500, "hang", "redirect", (429, 1), 200)
        alice, request = ask()
        check(COMMANDS.message()["request"] == request, "the other channel waited")
        for why in ("", "the server answers 500", "Timeout was reached", "the server answers 307, a redirect, which is not followed", "the server answers 429"):
            NOTIFIER.expect(f"channel hook was not told: .*{why}")
        path, headers, body = HOOKS.message()
        check(path == "/hook" and json.loads(body)["request"] == request, f"{path} {headers}")
        NOTIFIER.expect("channel hook takes messages again")
        HOOKS.hangs.set()
        withdraw(alice)
        check(json.loads(HOOKS.message()[2])["state"] == "cancelled" and COMMANDS.message()["state"] == "cancelled", "no end was told")
        check(HOOKS.nothing() and COMMANDS.nothing(), "something was told twice")
    bedlib.clean_slate()


def test_an_answer_without_end_is_no_trouble():
    files(hook=HOOK)
    with telling("hook"):
        HOOKS.then("endless")
        alice, request = ask()
        check(json.loads(HOOKS.message()[2])["request"] == request, "not told")
        withdraw(alice)
        check(json.loads(HOOKS.message()[2])["state"] == "cancelled", "no end was told")
    bedlib.clean_slate()


def test_a_name_that_leads_to_this_machine_is_not_followed():
    with open("/etc/hosts", "a", encoding="ascii") as f:
        f.write("127.0.0.1 hooks.example\n")
    files(hook=f'kind = "webhook"\nurl = "https://hooks.example:{PORT}/hook"\nca = "{CA}"\n')
    with telling("hook"):
        alice, request = ask()
        NOTIFIER.expect("channel hook was not told: 127.0.0.1 is a loopback address, and not among those that the channel allows")
        status_says("127.0.0.1 is a loopback address")
        check(HOOKS.nothing(), "it was reached")
        # Allowed, but the certificate is of another name; then all is well.
        files(hook=f'kind = "webhook"\nurl = "https://hooks.example:{PORT}/hook"\nca = "{CA}"\nallow = ["127.0.0.1"]\n')
        NOTIFIER.expect("channel hook was not told: .*(certificate|peer)")
        files(hook=HOOK.replace(f'ca = "{CA}"\n', ""))
        NOTIFIER.expect("channel hook was not told: .*(certificate|peer)")
        check(HOOKS.nothing(), "it was trusted")
        files(hook=HOOK)
        check(json.loads(HOOKS.message()[2])["request"] == request, "not told")
        withdraw(alice)
        HOOKS.message()
    bedlib.clean_slate()


def test_a_command_that_fails_or_hangs_is_tried_again():
    files(pager=EXEC, slow='kind = "exec"\ncommand = ["/bin/sh", "-c", "sleep 1000 & sleep 1000"]\ntimeout = "1s"\n', gone='kind = "exec"\ncommand = ["/nonexistent"]\n')
    with telling("pager", "slow", "gone"):
        COMMANDS.fail(75, "try later \x1b[31m" + "x" * 100_000)
        alice, request = ask()
        said = NOTIFIER.expect("channel pager was not told: it ended with 75: try later .*\n")
        check("\x1b" not in said and len(said) < 1000, said)
        check(COMMANDS.message()["request"] == request, "not told")
        withdraw(alice)
        check(COMMANDS.message()["state"] == "cancelled", "no end was told")
        status_says("channel slow: it did not end within 1 s", "channel gone: /nonexistent: No such file")
    # What waits goes out once they can; of a request that is decided, the decision alone.
    files(slow=EXEC, gone=EXEC)
    check({(each["event"], each["request"]) for each in (COMMANDS.message(), COMMANDS.message())} == {("decided", request)}, "something else was told")
    left = run("root", ["pgrep", "-f", "sleep 1000"])
    check(left.code == 1, f"what the command started still runs: {left.text}")
    bedlib.clean_slate()


def test_a_notifier_that_is_killed_loses_nothing_and_repeats_nothing():
    files(pager=EXEC, hook=HOOK)
    with telling("pager", "hook"):
        HOOKS.otherwise = 500
        alice, request = ask()
        check(COMMANDS.message()["request"] == request, "not told")
        NOTIFIER.expect_all("channel pager was told: request", "channel hook was not told")
        NOTIFIER.stop(kill=True)
        HOOKS.otherwise = 200
        # Something happens while it is away, and the broker starts anew, too.
        bob = run("bob", ["jitctl", "deny", request, "-m", "not now"])
        check(bob.code == 0, bob.text)
        check(alice.wait() != 0, alice.text)
        alice.close()
        broker.restart()
        NOTIFIER.start()
        for came in COMMANDS.message(), json.loads(HOOKS.message()[2]):
            check((came["event"], came["state"], came["request"]) == ("decided", "denied", request), f"{came}")
        alice, second = ask()
        check(COMMANDS.message()["request"] == second and json.loads(HOOKS.message()[2])["request"] == second, "something was told twice")
        NOTIFIER.expect_all("channel pager was told: request " + second, "channel hook was told: request " + second)
        NOTIFIER.stop(kill=True)
        NOTIFIER.start()
        broker.kill()
        NOTIFIER.expect("the broker has left")
        broker.start()
        NOTIFIER.expect("the broker is there")
        withdraw(alice)
        for came in COMMANDS.message(), json.loads(HOOKS.message()[2]):
            check((came["event"], came["request"]) == ("decided", second), f"{came}")
        check(HOOKS.nothing() and COMMANDS.nothing(), "something was told twice")
    bedlib.clean_slate()


def test_a_broken_file_stops_no_other_channel_and_what_it_missed_waits():
    files(pager=EXEC, hook="kind = \"webhook\"\nurl = 'http://localhost/'\n")
    with telling("pager", "hook", "nobody"):
        alice, request = ask()
        check(COMMANDS.message()["request"] == request, "not told")
        NOTIFIER.expect("the policy names channel nobody, and no file /etc/jit/notify.d/nobody.toml defines it")
        status_says("/etc/jit/notify.d/hook.toml:2:7: url: https://", "channel nobody: no file")
        files(pager=EXEC, hook=HOOK, nobody=HOOK)
        check({json.loads(HOOKS.message()[2])["request"] for _ in range(2)} == {request}, "what waited was lost")
        withdraw(alice)
        for _ in range(2):
            HOOKS.message()
        COMMANDS.message()
        status_says("notify: all channels take messages")
    bedlib.clean_slate()


def test_what_a_file_wants_comes_besides_what_the_policy_names():
    files(all=EXEC + 'events = ["request", "decided", "grant", "ended"]\n', hook=HOOK)
    alice, request = ask()
    check(COMMANDS.message()["request"] == request, "not told")
    run("bob", ["jitctl", "approve", request, "-m", "fine"])
    check(alice.wait() == 0, alice.text)
    alice.close()
    check([COMMANDS.message()["event"] for _ in range(2)] == ["decided", "grant"], "not all was told")
    run("root", ["jitctl", "revoke", "--all", "-m", "done"])
    ended = COMMANDS.message()
    check(ended["event"] == "ended" and ended["state"] == "revoked" and ended["why"] == "done", f"{ended}")
    check(HOOKS.nothing(), "what nobody asked for was told")
    bedlib.clean_slate()


def test_an_emergency_goes_on_with_the_network_cut_and_is_told_later():
    glass = '\n[[guard]]\nid = "frozen"\nwho = ["set:admins"]\ndoor = ["sudo"]\ndeny = "changes are frozen"\nyields-to = ["glass"]\n' \
        '[[permit]]\nid = "glass"\nwho = ["set:admins"]\ndoor = ["sudo"]\nas = ["user:root"]\nrequire = ["reason:10", "review:1d", "notify:hook"]\nbreak-glass = true\nmax = "10m"\n'
    files(hook=HOOK.replace(str(PORT), "8444"))
    with bedlib.policy_with(GIVE, GIVE), open("/etc/jit/policy.d/bed.toml", encoding="utf-8") as f:
        bedlib.set_policy(f.read() + glass)
        asked = ["jitctl", "request", "--via", "glass", "-m", "the pager rings and nobody answers", "--", "id"]
        done = run("alice", asked)
        check(done.code == 0 and "unsent: no message to hook has got through yet" in done.err, done.text)
        NOTIFIER.expect("channel hook was not told: .*connect")
        files(hook=HOOK)
        told = json.loads(HOOKS.message()[2])
        check(told["event"] == "break-glass" and told["reason"] == "the pager rings and nobody answers", f"{told}")
        log = said(told["request"], "notify.acknowledged")
        check(log.index("notify.unsent") < log.index("notify.acknowledged"), log)
        # The channel works: who asks waits for its word, and no longer.
        bedlib.jitctl("alice", "end", bedlib.jitctl("alice", "grants")[0]["id"])
        with bedlib.Terminal("alice", "sudo id -un") as alice:
            alice.expect("Enter to stop: ")
            alice.line("glass")
            alice.expect("characters\\): ")
            alice.line("the pager rings and nobody answers")
            alice.expect("telling hook of this emergency access; it goes on within 10 s")
            alice.expect("hook has been told")
            check(alice.wait() == 0 and "unsent" not in alice.text and "\nroot" in alice.text.replace("\r", ""), alice.text)
        check(json.loads(HOOKS.message()[2])["event"] == "break-glass", "not told")
    bedlib.clean_slate()


def test_a_step_of_an_approval_tells_its_channel():
    step = 'by-sre   = { need = [{ from = "group:sre", count = 1 }], wait = "5m" }'
    files(pager=EXEC)
    with bedlib.policy_with(step, step.replace("wait =", 'escalate = [{ after = "1s", notify = "pager" }], wait =')):
        alice, request = ask()
        told = COMMANDS.message()
        check(told["event"] == "escalated" and told["request"] == request and "still waits" in told["title"], f"{told}")
        withdraw(alice)
    bedlib.clean_slate()


def test_what_is_private_is_in_no_message():
    files(pager=EXEC, mail=MAILER)
    with telling("pager", "mail"), relaylib.private("argv", "reason", "cwd"), bedlib.Inbox() as inbox:
        alice = bedlib.waiting("alice", "sudo id -un bilges", env={"JIT_REASON": "the bilge"})
        request = inbox.new("alice")["id"]
        told, mail = COMMANDS.next().decode(), MAIL.next("mail")[1].decode()
        check(json.loads(told.split("\0")[0])["private"] == ["command", "cwd", "reason"], told)
        check("bilge" not in told + mail and "Private: command, cwd, reason: that host alone shows it" in mail, told + mail)
        check("the bilge" in run("bob", ["jitctl", "show", request]).out, "bob does not see it either")
        withdraw(alice)
        check("bilge" not in (COMMANDS.next() + MAIL.next("mail")[1]).decode(), "its end tells it")
    bedlib.clean_slate()


def test_a_channel_that_was_away_for_long_gets_all_of_it_once():
    # More than its queue holds: what it had no room for is read from the log again.
    rounds, free = 150, '\n[[permit]]\nid = "free"\nwho = ["set:admins"]\ndoor = ["sudo"]\nas = ["user:root"]\nmax = "10m"\nscope = "command"\n'
    both = 'events = ["grant", "ended"]\n'
    files(pager=EXEC + both)

    def use_and_end(times: int) -> None:
        first = "$(jitctl grants --json | grep -o '\"id\":\"[0-9a-f]*\"' | head -n1 | cut -d'\"' -f4)"
        done = run("alice", f"for i in $(seq {times}); do sudo -n true && jitctl end {first} >/dev/null || exit 1; done")
        check(done.code == 0, done.text)

    with bedlib.policy_with(GIVE, GIVE), open("/etc/jit/policy.d/bed.toml", encoding="utf-8") as f:
        policy = f.read()
        bedlib.set_policy(policy[:policy.index("[[permit]]")] + free)
        use_and_end(1)
        while COMMANDS.message().get("state") != "returned":  # what the tests before have left behind ended in another way
            pass
        files(pager=EXEC + both, hook=HOOK + both)
        HOOKS.otherwise = 500
        use_and_end(rounds)
        first = [COMMANDS.message() for _ in range(2 * rounds)]
        came = [each["event"] for each in first]
        check(came == ["grant", "ended"] * rounds, f"the channel that works did not get all of it in order: {came}")
        HOOKS.otherwise = 200
        files(pager=EXEC + both, hook=HOOK + both)  # and its pause is over
        late = [json.loads(HOOKS.message()[2])["id"] for _ in range(2 * rounds)]
        check(sorted(late) == sorted(each["id"] for each in first), "the channel that was away did not get each of them once")
        for _ in late:  # the answer has come to the notifier, too
            NOTIFIER.expect("channel hook was told: (grant|ended)")
        NOTIFIER.stop()
        NOTIFIER.start()
        run("alice", "sudo -n true")
        check(COMMANDS.message()["event"] == "grant" and json.loads(HOOKS.message()[2])["event"] == "grant", "no more came")
        check(COMMANDS.nothing() and HOOKS.nothing(), "something was told twice")
        run("root", ["jitctl", "revoke", "--all", "-m", "done"])
        check(COMMANDS.message()["event"] == "ended" and json.loads(HOOKS.message()[2])["event"] == "ended", "no end was told")
    bedlib.clean_slate()


def test_jitctl_sends_a_test_or_says_what_is_wrong():
    files(pager=EXEC, hook=HOOK, mail=MAILER, bad="kind = 7\n", away=HOOK.replace(str(PORT), "8444"))
    test = ["jitctl", "notify", "test"]
    for name in "pager", "hook", "mail":
        done = run("root", [*test, name])
        check(done.code == 0 and f"channel {name} was told" in done.out, done.text)
    told = COMMANDS.message()
    check(told["event"] == "test" and told["title"] == "bed: this is a test of channel pager", f"{told}")
    check(json.loads(HOOKS.message()[2])["event"] == "test" and b"Subject: [jit] bed: this is a test" in MAIL.next("mail")[1], "not told")
    for name, what in ("bad", "/etc/jit/notify.d/bad.toml:1:8: kind:"), ("away", "channel away was not told: .*connect"), ("nobody", "there is no channel nobody"), ("../x", "there is no channel ../x"):
        done = run("root", [*test, name])
        check(done.code == 1 and re.search(what, done.err) and done.err.count("\n") == 1, done.text)
    check(run("alice", [*test, "pager"]).code == 3, "not for alice")


def test_a_channel_that_no_file_defines_is_warned_of():
    files(pager=EXEC)
    with telling("pager", "paegr"):
        done = run("root", ["jitctl", "policy", "check"])
        check("W21" in done.text and "no file defines the channel `paegr`" in done.text and "`pager`" not in done.text and "W20" not in done.text, done.text)
        check("W21" not in run("alice", ["jitctl", "policy", "check", "/etc/jit/policy.d"]).text, "alice cannot know")


try:
    bedlib.main(globals())
finally:
    NOTIFIER.stop()
