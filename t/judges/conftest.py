"""Command line, and what all tests share: judges that stay up, key pairs, a place for messages that went wrong."""

import os
import pathlib

import keys
import panel
import pytest


@pytest.fixture(scope="session")
def judges():
    started = panel.start()
    yield started
    for judge in started.values():
        judge.close()


@pytest.fixture(scope="session")
def pairs():
    return keys.make_keys()


@pytest.fixture(scope="session")
def key_files(pairs, tmp_path_factory):
    directory = tmp_path_factory.mktemp("keys")
    for kind, pair in pairs.items():
        pair.write_pem(directory / kind)
    return {kind: directory / kind for kind in pairs}


@pytest.fixture(scope="session")
def keep(tmp_path_factory):
    """Store a message for whoever looks into a failure; returns its path.

    JUDGES_KEEP names the directory; without it pytest's own temporary one is used.
    """
    directory = os.environ.get("JUDGES_KEEP")
    directory = pathlib.Path(directory) if directory else tmp_path_factory.mktemp("messages")
    directory.mkdir(parents=True, exist_ok=True)

    def store(name, raw, records):
        path = directory / f"{name}.eml"
        path.write_bytes(raw)
        (directory / f"{name}.records").write_text(panel.zone_text(records))
        return path
    return store
