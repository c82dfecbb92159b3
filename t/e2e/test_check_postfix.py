"""postern check --postfix: what a real postconf(1) says of a Postfix, and each fault planted in it.

The ground is conf/postfix as an administrator gets it; Postfix need not run.
"""

import json
import subprocess
import tempfile
from pathlib import Path

import pytest
from postern import command
from postfix import MASTER, SAMPLES, without

CONFIGURATION = """
user = "nobody"
listener inbound { socket = "inet:4443@127.0.0.1" role = verify workers = 1 }
listener originating { socket = "inet:4445@127.0.0.1" role = sign workers = 1 }
sign { key rsa { domain = "example.com" file = "/nowhere/rsa.pem" } }
"""


class Place:
    def __init__(self, path):
        self.path = path
        self.master(SAMPLES / "master.cf")
        (path / "main.cf").write_text(f"compatibility_level = 3.6\nqueue_directory = {path}\n" + (SAMPLES / "main.cf").read_text())
        (path / "postern.conf").write_text(CONFIGURATION)

    def master(self, sample):
        (self.path / "master.cf").write_text(without(MASTER, sample.read_text()) + sample.read_text())

    def set(self, *settings):
        """main.cf: NAME=VALUE; master.cf: SERVICE/TYPE/NAME=VALUE."""
        for setting in settings:
            flag = "-P" if "/" in setting.split("=")[0] else "-e"
            subprocess.run(["postconf", "-c", self.path, flag, setting], check=True)

    def checks(self, name, rules):
        (self.path / name).write_text(rules)
        return f"regexp:{self.path}/{name}"

    def find(self):
        """{(id, where)} of all that is not right, and the whole report."""
        run = command("check", "-c", self.path / "postern.conf", "--postfix-directory", self.path, "--json")
        report = json.loads(run.stdout)
        rows = [row for row in report["findings"] if row["what"] == "postfix"]
        return {(row["name"], row["text"].split(": ")[0]) for row in rows if row["state"] != "ok"}, rows, run.returncode


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


def test_samples_are_right(place):
    wrong, rows, _ = place.find()
    assert wrong == set()
    uses = {row["text"] for row in rows if row["name"] == "use"}
    assert uses == {
        "smtp/inet: inet:127.0.0.1:4443, listener inbound, role verify",
        "submission/inet: inet:127.0.0.1:4445, listener originating, role sign",
        "non_smtpd_milters: inet:127.0.0.1:4445, listener originating, role sign",
    }


IN, OUT, LOCAL = "smtp/inet", "submission/inet", "non_smtpd_milters"
FAULTS = {
    "no_milters on the port that should filter": ([f"{IN}/receive_override_options=no_milters"], {("no-milters", IN), ("listener-unused", "inbound")}),
    "a port that no listener serves": ([f"{IN}/smtpd_milters=inet:127.0.0.1:4442"],
                                       {("milter-unknown", IN), ("listener-unused", "inbound"), ("unfiltered", IN)}),
    "the ports exchanged": ([f"{IN}/smtpd_milters=inet:127.0.0.1:4445", f"{OUT}/smtpd_milters=inet:127.0.0.1:4443"],
                            {("signs-for-strangers", IN), ("verifies-own", OUT)}),
    "both sockets": ([f"{IN}/smtpd_milters=inet:127.0.0.1:4443,inet:127.0.0.1:4445"], {("both-sockets", IN), ("signs-for-strangers", IN)}),
    "no non_smtpd_milters": (["non_smtpd_milters="], {("local-mail", LOCAL)}),
    "bounces left out": (["internal_mail_filter_classes="], {("bounces", LOCAL)}),
    "an old protocol": (["milter_protocol=3"], {("milter-protocol", where) for where in (IN, OUT, LOCAL)}),
    "accept when the filter is away": (["milter_default_action=accept"], {("default-accept", where) for where in (IN, OUT, LOCAL)}),
    "reject for one filter": ([f"{IN}/smtpd_milters={{inet:127.0.0.1:4443,default_action=reject}}"], {("default-reject", IN)}),
    "no time for DNS": (["milter_content_timeout=2s"], {("content-timeout", where) for where in (IN, OUT, LOCAL)}),
    "less time than dns.budget": ([f"{IN}/milter_content_timeout=12"], {("content-timeout-work", IN)}),
    "no time for commands": ([f"{OUT}/milter_command_timeout=1s"], {("command-timeout", OUT)}),
    "another filter in front": ([f"{IN}/smtpd_milters=unix:/x,inet:127.0.0.1:4443"], {("order-front", IN)}),
    "another filter behind": ([f"{OUT}/smtpd_milters=inet:127.0.0.1:4445,unix:/x"], {("order-behind", OUT)}),
    "filters by client": (["smtpd_milter_maps=cidr:/x"], {("milter-maps", IN), ("milter-maps", OUT)}),
    "a content filter, and the filter again behind it": (
        ["content_filter=smtp:[127.0.0.1]:10024", "127.0.0.1:10025/inet/smtpd_milters=inet:127.0.0.1:4443",
         "127.0.0.1:10025/inet/receive_override_options=no_unknown_recipient_checks"],
        {("double-pass", "127.0.0.1:10025/inet")} | {("mime-conversion", where) for where in (IN, OUT, LOCAL)}),
    "a proxy behind the filter": ([f"{IN}/smtpd_proxy_filter=127.0.0.1:10024"], {("proxy-filter", IN)}),
    "shorter lines": (["smtp_line_length_limit=512"], {("folded-lines", "lines that RFC 5321 allows are folded when mail is delivered")}),
    "added fields": (["always_add_missing_headers=yes"], {("missing-headers", IN)}),
    "completed addresses": (["remote_header_rewrite_domain=domain.invalid"], {("rewrite-remote", IN)}),
    "rewritten addresses on the way out": (["smtp_generic_maps=inline:{a=b}"], {("generic-maps", "smtp")}),
    "rewritten addresses on the way back": (
        ["content_filter=smtp:[127.0.0.1]:10024", "canonical_maps=inline:{a=b}", "smtp/unix/disable_mime_output_conversion=yes"],
        {("rewrite-return", "127.0.0.1:10025/inet")}),
}


@pytest.mark.parametrize("settings, wanted", FAULTS.values(), ids=FAULTS.keys())
def test_fault(place, settings, wanted):
    place.set(*settings)
    wrong, rows, code = place.find()
    assert wrong == wanted
    assert all(row.get("advice") for row in rows if row["name"] != "use")
    assert code == 78  # the key of this configuration is missing, whatever Postfix says


@pytest.mark.parametrize("parameter, rules, wanted", [
    ("header_checks", "/^Subject: (.*)/ REPLACE Subject: [outside] $1\n", {("checks-before", IN)}),
    ("body_checks", "/^-- $/ IGNORE\n", {("checks-before", IN)}),
    ("smtp_header_checks", "/^(Received|Message-ID):/ IGNORE\n", {("checks-after", "smtp")}),
    ("smtp_header_checks", "/^Received: .*10\\.0\\./ IGNORE\n", set()),
    ("milter_header_checks", "/^Authentication-Results:/ IGNORE\n", {("checks-ours", where) for where in (IN, OUT, LOCAL)}),
], ids=lambda value: value if isinstance(value, str) and "_" in value else None)
def test_checks(place, parameter, rules, wanted):
    place.set(f"{parameter}={place.checks('rules', rules)}")
    assert place.find()[0] == wanted


@pytest.fixture
def open_place(directory):
    """A place that the user postfix may look into."""
    path = Path(tempfile.mkdtemp(dir=directory))
    path.chmod(0o755)
    return Place(path)


def listen_on(place, path, mode):
    text = (place.path / "postern.conf").read_text()
    text = text.replace("inet:4443@127.0.0.1", f"unix:{path}").replace("role = verify", f"role = verify socket-mode = {mode}")
    (place.path / "postern.conf").write_text(text)


def test_unix_socket_and_jail(open_place):
    """A chrooted smtpd finds a unix socket below the queue directory alone."""
    listen_on(open_place, f"{open_place.path}/in", "0666")
    open_place.set(f"{IN}/smtpd_milters=unix:{open_place.path}/in")
    assert open_place.find()[0] == set()
    subprocess.run(["postconf", "-c", open_place.path, "-F", f"{IN}/chroot=y"], check=True)
    assert open_place.find()[0] == {("socket-chroot", IN), ("listener-unused", "inbound"), ("unfiltered", IN)}
    open_place.set(f"{IN}/smtpd_milters=unix:/in")
    assert open_place.find()[0] == set()


def test_unix_socket_that_postfix_may_not_open(open_place):
    listen_on(open_place, f"{open_place.path}/in", "0600")
    open_place.set(f"{IN}/smtpd_milters=unix:{open_place.path}/in")
    assert open_place.find()[0] == {("socket-access", IN)}


def test_no_postfix_there(place):
    run = command("check", "-c", place.path / "postern.conf", "--postfix-directory", place.path / "none", "--json")
    rows = [row for row in json.loads(run.stdout)["findings"] if row["what"] == "postfix"]
    assert [(row["name"], row["state"]) for row in rows] == [("postconf", "fails")]


def test_table_for_people(place):
    place.set(f"{IN}/receive_override_options=no_milters")
    text = command("check", "-c", place.path / "postern.conf", "--postfix-directory", place.path).stdout.decode()
    line, advice = text[text.index("postfix   FAILS"):].splitlines()[:2]
    assert line.split()[:4] == ["postfix", "FAILS", "no-milters", "smtp/inet:"] and advice.strip().startswith("-> ")


BESIDE = ["submission", "amavis", "amavis-proxy", "clamsmtp", "milters", "policy"]


@pytest.mark.parametrize("sample", BESIDE)
def test_samples_beside_other_programs(place, sample):
    """Nothing is wrong with them; a milter beside ours is where it should be."""
    (place.path / "main.cf").write_text("compatibility_level = 3.6\n" + (SAMPLES / sample / "main.cf").read_text())
    place.master(SAMPLES / sample / "master.cf")
    assert place.find()[0] == set()


@pytest.mark.parametrize("sample", sorted(path.parent for path in SAMPLES.glob("*/postern.conf")), ids=lambda path: path.name)
def test_samples_that_bring_their_own_postern_conf(place, sample):
    (place.path / "main.cf").write_text("compatibility_level = 3.6\n" + (sample / "main.cf").read_text())
    place.master(sample / "master.cf")
    (place.path / "postern.conf").write_bytes((sample / "postern.conf").read_bytes())
    assert place.find()[0] == set()


def test_without_directory_it_is_the_systems_postfix(place):
    run = command("check", "-c", place.path / "postern.conf", "--postfix", "--json")
    assert [row for row in json.loads(run.stdout)["findings"] if row["what"] == "postfix"], run.stderr
