"""rackd.conf: its defaults, its keys and everything that may be wrong in it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from attrs import fields
from hypothesis import given
from hypothesis import strategies as st

from maasha.config import ConfigurationErrors, RackdSettings, parse_rackd

SAMPLE = Path(__file__).parents[3] / "conf" / "rackd.conf"


def problems(text: str) -> dict[int, str]:
    """Give the keys that are wrong, by line."""
    with pytest.raises(ConfigurationErrors) as caught:
        parse_rackd(text)
    return {problem.line: problem.key for problem in caught.value.problems}


def test_an_empty_file_is_the_defaults() -> None:
    """Every key may be left out."""
    assert parse_rackd("") == RackdSettings()


def test_the_sample_is_the_defaults() -> None:
    """The sample file says what holds anyway."""
    assert parse_rackd(SAMPLE.read_text()) == RackdSettings()


def test_the_sample_explains_every_key() -> None:
    """No key of the settings is missing from the sample file."""
    lines = SAMPLE.read_text().splitlines()
    for key in fields(RackdSettings):
        assert any(line.removeprefix("# ").startswith(f"{key.name}:") for line in lines), key.name


def test_every_key_is_read() -> None:
    """Each key of the file reaches the settings."""
    assert parse_rackd(
        """
maas_url:
  - http://10.0.0.1:5240/MAAS/
  - http://10.0.0.2:5240
connections: 3
data_dir: /srv/rack
secret_file: /etc/maasha/secret
dhcpd: /opt/dhcpd
rpc_tls: false
rpc_message_limit: 64
"""
    ) == RackdSettings(
        maas_url=("http://10.0.0.1:5240/MAAS/", "http://10.0.0.2:5240/MAAS/"),
        connections=3,
        data_dir=Path("/srv/rack"),
        secret_file=Path("/etc/maasha/secret"),
        dhcpd=Path("/opt/dhcpd"),
        rpc_tls=False,
        rpc_message_limit=64,
    )


def test_one_url_needs_no_list() -> None:
    """`maas_url` is a text or a list."""
    assert parse_rackd("maas_url: http://region:5240/MAAS").maas_url == (
        "http://region:5240/MAAS/",
    )


def test_the_secret_moves_with_the_data() -> None:
    """The secret is looked for where the data are, unless it is named."""
    assert parse_rackd("data_dir: /srv/rack").secret_file == Path("/srv/rack/secret")


def test_all_errors_at_once() -> None:
    """Every wrong key, URL and type is told in one go, with its line."""
    text = """maas_url:
  - http://ok/
  - ftp://wrong/
  - {a: b}
connections: 17
data_dir: rack
secret_file: []
dhcpd:
conections: 2
"""
    with pytest.raises(ConfigurationErrors) as caught:
        parse_rackd(text)
    assert [problem.line for problem in caught.value.problems] == [3, 4, 5, 6, 7, 8, 9]
    assert str(caught.value).splitlines()[-1] == (
        "line 9: conections: is not a key; did you mean connections?"
    )


WRONG = {
    "maas_url": "ftp://x/",
    "connections": "zero",
    "data_dir": "relative",
    "secret_file": "[]",
    "dhcpd": "{}",
    "colour": "red",
}


@given(st.permutations(sorted(WRONG)), st.integers(0, len(WRONG)))
def test_any_set_of_errors_is_told_with_its_lines(keys: list[str], count: int) -> None:
    """Whatever is wrong together, each fault is told once, on its line."""
    chosen = keys[:count]
    text = "".join(f"# why\n{key}: {WRONG[key]}\n" for key in chosen)
    if chosen:
        assert problems(text) == {2 * n + 2: key for n, key in enumerate(chosen)}
    else:
        assert parse_rackd(text) == RackdSettings()


@given(st.text())
def test_any_text_is_settings_or_errors(text: str) -> None:
    """No text fails in another way."""
    with suppress(ConfigurationErrors):
        assert parse_rackd(text).maas_url
