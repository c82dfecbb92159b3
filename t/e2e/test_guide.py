"""conf/GUIDE.md names what is there: files, sections, findings; and leaves no set-up out."""

import re

from postern import ROOT

CONF = ROOT / "conf"
GUIDE = (CONF / "GUIDE.md").read_text()
FINDINGS = re.findall(r'(?m)^\t\{ "([a-z-]+)", POSTFIX_', (ROOT / "milter" / "postfix_findings.c").read_text())

WARNINGS = re.findall(r'X\([A-Z_]+, +"([a-z0-9-]+)"\)', (ROOT / "milter" / "survival.h").read_text())


def anchor(heading):
    return "#" + re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def test_links():
    headings = {anchor(line) for line in re.findall(r"(?m)^## (.*)$", GUIDE)}
    links = re.findall(r"\]\(([^)]+)\)", GUIDE)
    assert len(links) > 20
    assert [link for link in links if link not in headings and not (CONF / link).exists()] == []


def test_every_setup_has_its_section():
    folders = [path.name for path in (CONF / "postfix").iterdir() if path.is_dir()]
    assert folders and [name for name in folders if f"](postfix/{name})" not in GUIDE] == []


def test_findings_are_such_that_exist():
    named = set(re.findall(r"`([a-z]+-[a-z-]+)`", GUIDE)) - {"originating-daemons", "internal-hosts"}
    assert len(FINDINGS) > 30 and len(WARNINGS) > 7 and named and named <= set(FINDINGS + WARNINGS)


def test_every_warning_is_named_for_sendmail():
    """Bare line ends it refuses itself; 8 bits in a header it passes on."""
    section = GUIDE[GUIDE.index("## Sendmail"):]
    assert [word for word in WARNINGS if f"`{word}`" not in section] == ["bare-cr", "bare-lf", "8bit-header"]
