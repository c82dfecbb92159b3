"""What conf/postfix's set-ups with authentication need: a user of Cyrus SASL and a certificate; and a client that logs in."""

import os
import smtplib
import ssl
import subprocess

from postfix import SAMPLES, owner, replaced

USER, PASSWORD = "alice", "open sesame"


def values(directory):
    """{as in main.cf: here} once user and certificate are made."""
    folder = directory / "sasl"
    folder.mkdir()
    users, key, certificate = folder / "sasldb2", folder / "key.pem", folder / "certificate.pem"
    subprocess.run(["saslpasswd2", "-p", "-c", "-f", users, "-u", "example.com", USER], input=PASSWORD.encode(), check=True)
    os.chown(users, *owner("postfix"))
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=mail.example.com", "-days", "2",
                    "-keyout", key, "-out", certificate], check=True, capture_output=True)
    return {"/etc/ssl/certs/mail.example.com.pem": str(certificate), "/etc/ssl/private/mail.example.com.key": str(key)}


def install(postfix, directory):
    """smtpd.conf where Debian's Postfix looks for it: in sasl/ of its configuration directory."""
    (postfix.etc / "sasl").mkdir()
    text = (SAMPLES / "submission" / "smtpd.conf").read_text()
    (postfix.etc / "sasl" / "smtpd.conf").write_text(replaced(text, {"/etc/sasldb2": str(directory / "sasl" / "sasldb2")}))


def submit(port, raw, to, password=PASSWORD, wrapped=False, sender="alice@example.com"):
    """Send with TLS (from the first octet, or by STARTTLS) and a login."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if wrapped:
        client = smtplib.SMTP_SSL("127.0.0.1", port, timeout=60, context=context)
    else:
        client = smtplib.SMTP("127.0.0.1", port, timeout=60)
        client.starttls(context=context)
    with client:
        client.login(USER, password)
        client.sendmail(sender, [to], raw)
