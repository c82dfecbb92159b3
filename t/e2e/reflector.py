"""A mailbox with `postern reflect` behind it, as seen by those who write to it. `reflector` of each function has mta, sink and author (a Key)."""

import email
import email.policy

import mail
from postern import command

ADDRESS = "dkim-test@example.com"
AUTHOR_DOMAIN = "example.net"


def signed(reflector, raw, selector="author", options=()):
    run = command("sign", "--key", f"{AUTHOR_DOMAIN}:{selector}:{reflector.author.file}", *options, input=raw)
    assert run.returncode == 0, run.stderr
    return run.stdout


def message_of(author, **options):
    return mail.message(sender=author, **options)


def text_of(raw):
    return email.message_from_bytes(raw, policy=email.policy.default).get_payload(0).get_content().replace("\r\n", "\n")


def answer_to(reflector, raw, author, to=ADDRESS):
    assert mail.send(reflector.mta.inbound, raw, to, sender=author).code == 250
    try:
        delivery = reflector.sink.wait(author)
    except AssertionError as error:
        raise AssertionError(reflector.mta.log()[-3000:]) from error
    assert delivery.sender == ""
    return delivery.data
