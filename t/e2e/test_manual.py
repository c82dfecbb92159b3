"""The manual pages tell what the program does: every option, every default, both ways."""

import json
import re
import shutil
import subprocess

import pytest
from postern import ROOT, command

MAN = ROOT / "conf" / "man"
COMMANDS = ("run", "check", "reload", "status", "scan", "keygen", "testkey", "sign", "verify", "probe", "reflect", "import")


def plain(mdoc):
    """Text of mdoc lines that use no macro but quotes, without its line breaks."""
    return " ".join(mdoc.split())


def options_of_manual():
    """{(section, option): (wanted, default or None)} of postern.conf(5)."""
    found = {}
    page = (MAN / "postern.conf.5").read_text().split("\n.Sh OPTIONS\n")[1].split("\n.Sh ")[0]
    for part in re.split(r"(?m)^\.Ss ", page)[1:]:
        title, rest = part.split("\n", 1)
        section = "" if title == "Outside of sections" else title.removeprefix("Section ")
        for item in re.split(r"(?m)^\.It Ic ", rest)[1:]:
            name, text = item.split("\n", 1)
            wanted = plain(re.search(r"(?ms)^Wanted: (.*?)\.\n(?:It must be given\.|Default:)", text)[1])
            default = re.search(r"(?m)^Default:\n\.Ql (.*) \.$", text)
            found[section, name] = (wanted, default and default[1].replace(r"\(dq", '"'))
    return found


def options_of_program():
    rows = json.loads(command("check", "--defaults", "--json").stdout)
    return {(row["section"], row["name"]): (row["wanted"], row["default"]) for row in rows}


def test_options_and_defaults():
    assert len(options_of_program()) > 30
    assert options_of_manual() == options_of_program()


def flags_of_manual(name):
    page = (MAN / "postern.8").read_text()
    part = page.split(f"\n.Ss postern {name}\n")[1]
    part = re.split(r"(?m)^\.(?:Ss|Sh) ", part)[0]
    items = re.findall(r"(?m)^\.It (?:Fl (\w) , )?Fl Fl ([\w-]+)(?: Ar (\S+))?$", part)
    assert len(items) == len(re.findall(r"(?m)^\.It ", part))
    return set(items)


def flags_of_program(name):
    text = command(name, "--help").stdout.decode()
    return set(re.findall(r"(?m)^  (?:-(\w), )?--([\w-]+)(?: (\S+))?(?= |$)", text)) - {("", "help", "")}


@pytest.mark.parametrize("name", COMMANDS)
def test_flags_of_commands(name):
    assert flags_of_program(name) and flags_of_manual(name) == flags_of_program(name)


def test_every_command_is_there():
    overview = command("--help").stdout.decode()
    assert set(re.findall(r"(?m)^  (\w+) ", overview)) == set(COMMANDS)
    assert set(re.findall(r"(?m)^\.Ss postern (\w+)$", (MAN / "postern.8").read_text())) == set(COMMANDS)


@pytest.mark.parametrize("page", ["postern.8", "postern.conf.5", "postern-scanner.8"])
@pytest.mark.skipif(not shutil.which("groff"), reason="no groff")
def test_markup(page):
    run = subprocess.run(["groff", "-mdoc", "-Tascii", "-ww", MAN / page], capture_output=True, text=True)
    assert run.returncode == 0 and not run.stderr and len(run.stdout) > 1000
