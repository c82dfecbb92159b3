"""The tree keeps the directions that its folders promise (README.md, last section)."""

import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]

# Which included paths a folder must not know.
FORBIDDEN = {
    "dkim": ("milter/", "conf/", "av/", "libmilter/", "clamav.h"),
    "conf": ("milter/", "dkim/", "av/", "libmilter/", "openssl/", "sodium.h", "clamav.h"),
    "av": ("milter/", "conf/", "libmilter/", "openssl/", "sodium.h", "confuse.h"),
    "milter": ("openssl/", "sodium.h", "clamav.h", "confuse.h"),
}

# libmilter's header belongs to those who speak to it: the worker's listener, the callbacks, the edits.
SPEAKS_LIBMILTER = {
    "milter/listener.c", "milter/callbacks.h", "milter/actions_apply.h", "milter/check.c", "milter/cmd_check.c",
}

# The scanner's main() is a child of the supervisor: it reads the configuration and speaks the supervisor's language.
SCANNER_MAIN = "av/scanner.c"
SCANNER_MAIN_MAY = ("conf/conf.h", "milter/control.h", "milter/child.h")


def sources(folder):
    return sorted(path for path in (ROOT / folder).glob("*.[ch]"))


def includes(path):
    return re.findall(r'^\s*#\s*include\s+[<"]([^">]+)[">]', path.read_text(), re.M)


@pytest.mark.parametrize("folder", FORBIDDEN)
def test_folder_knows_only_what_lies_below(folder):
    wrong = [f"{path.relative_to(ROOT)} includes {name}" for path in sources(folder) for name in includes(path)
             if name.startswith(FORBIDDEN[folder])
             and not (name.startswith("libmilter/") and folder == "milter")
             and not (str(path.relative_to(ROOT)) == SCANNER_MAIN and name in SCANNER_MAIN_MAY)]
    assert sources(folder) and not wrong


def test_libmilter_is_known_by_few():
    speakers = {str(path.relative_to(ROOT)) for path in sources("milter")
                if any(name.startswith("libmilter/") for name in includes(path))}
    assert speakers and speakers <= SPEAKS_LIBMILTER


@pytest.mark.parametrize("folder", ["dkim", "av", "conf", "milter"])
def test_every_source_is_built(folder):
    listed = set(re.findall(r"'([a-z0-9_]+\.c)'", (ROOT / folder / "meson.build").read_text()))
    assert {path.name for path in sources(folder) if path.suffix == ".c"} == listed


# What a worker uses of av/ must build without the scanner's libraries.
SCANNER_LIBRARIES = ("clamav.h", "gmime/", "glib", "archive")


def test_scanner_libraries_are_known_to_the_scanner_alone():
    build = (ROOT / "av" / "meson.build").read_text()
    client = set(re.findall(r"'([a-z0-9_]+\.c)'", build[:build.index("with_av")]))
    wrong = [name for name in client for header in includes(ROOT / "av" / name) if header.startswith(SCANNER_LIBRARIES)]
    assert client and not wrong


@pytest.mark.parametrize("folder", ["dkim", "av", "conf", "milter"])
def test_every_module_has_its_contract(folder):
    """A .h stands beside each .c but for main, the commands, and the parts of a larger module that share one."""
    headers = {path.stem for path in sources(folder) if path.suffix == ".h"}
    lonely = [path.name for path in sources(folder) if path.suffix == ".c" and path.stem not in headers
              and not any(path.stem.startswith(stem + "_") for stem in headers)
              and path.stem not in ("main", "scanner") and not path.stem.startswith("cmd_")]
    assert not lonely


def test_parts_that_must_be_there():
    for name in ("try", "check", ".ci/run", "README.md", "LICENSE", "meson.build"):
        assert (ROOT / name).is_file(), name
