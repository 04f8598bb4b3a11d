"""Extensions are found as Twisted's plugins are; one that is wrong is named and harms no other."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent
from types import ModuleType

import pytest

from maasha.rpc.plugins import installed
from tests.unit.rpc.bells import BELLS
from tests.unit.rpc.parts import Listener

Package = Callable[..., ModuleType]


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Package]:
    """Make a package of plugins with these modules."""
    name = f"plugins_{tmp_path.name}".replace("-", "_")
    monkeypatch.syspath_prepend(tmp_path)

    def make(**modules: str) -> ModuleType:
        folder = tmp_path / name
        folder.mkdir()
        (folder / "__init__.py").write_text("")
        for module, text in modules.items():
            (folder / f"{module}.py").write_text(dedent(text))
        return importlib.import_module(name)

    yield make
    for module in [each for each in sys.modules if each.startswith(name)]:
        del sys.modules[module]


BELL_PLUGIN = "from tests.unit.rpc.bells import BELLS as bells\n"


def test_an_extension_is_found_and_said(package: Package, logged: Listener) -> None:
    """The log has what it answers at each end."""
    assert installed(package(bells=BELL_PLUGIN, empty="")) == (BELLS,)
    assert logged.lines == ["extension bells: racks answer Ring, regions answer Heard"]


def test_a_one_sided_extension_is_said_to_be(package: Package, logged: Listener) -> None:
    """The other end answers nothing of it."""
    one = """
        from maasha.rpc.extension import Extension
        from tests.unit.rpc.bells import Tower
        tower = Extension("tower", rack=Tower)
    """
    assert [each.name for each in installed(package(one=one))] == ["tower"]
    assert logged.lines == ["extension tower: racks answer Ring, regions answer nothing"]


def test_other_plugins_are_let_be(package: Package, logged: Listener) -> None:
    """Twisted's own live in the same place."""
    service = """
        from twisted.application.service import ServiceMaker
        made = ServiceMaker("n", "no.such.module", "d", "t")
    """
    assert installed(package(service=service)) == ()
    assert logged.lines == []


def test_a_plugin_that_cannot_be_imported_is_named(package: Package, logged: Listener) -> None:
    """With its error before; the others are there."""
    assert installed(package(bells=BELL_PLUGIN, bad="import no_such_module")) == (BELLS,)
    assert any("No module named 'no_such_module'" in line for line in logged.lines)
    assert any(line.startswith("plugin plugins_") and ".bad is" in line for line in logged.lines)


@pytest.mark.parametrize("text", ["import no_such_module", "raise SystemExit(3)", "x = 1"])
def test_an_extension_that_broke_since_it_was_cached_is_named(
    package: Package, logged: Listener, text: str
) -> None:
    """Twisted's cache still lists it, so that only loading it shows."""
    made = package(bells=BELL_PLUGIN)
    installed(made)
    assert made.__file__ is not None
    module = Path(made.__file__).with_name("bells.py")
    module.write_text(text)
    del sys.modules[f"{made.__name__}.bells"]
    cache = module.with_name("dropin.cache")
    old = cache.stat().st_mtime - 100
    os.utime(module, (old, old))
    importlib.invalidate_caches()
    assert installed(made) == ()
    assert any("cannot be loaded" in line for line in logged.lines)


def test_only_extensions_are_extensions(package: Package, logged: Listener) -> None:
    """Something else that says it is one is named, with the mend."""
    other = """
        from twisted.plugin import IPlugin
        from zope.interface import implementer
        from maasha.rpc.extension import IExtension

        @implementer(IPlugin, IExtension)
        class Other:
            pass

        other = Other()
    """
    assert installed(package(other=other, bells=BELL_PLUGIN)) == (BELLS,)
    said = [str(each) for each in logged.failures]
    assert said == ["an extension is of class Extension, not Other"]


def test_a_clash_is_named(package: Package, logged: Listener) -> None:
    """Extension, command and mend; what does not clash is there."""
    thief = """
        from maasha.rpc.commands import Call
        from maasha.rpc.extension import Extension, Side

        class Own(Call):
            "Taken."

        class Thief(Side):
            @Own.responder
            async def own(self):
                return {}

        thief = Extension("thief", region=Thief)
    """
    assert installed(package(bells=BELL_PLUGIN, thief=thief)) == (BELLS,)
    [line] = [line for line in logged.lines if "thief" in line]
    assert "its command Own belongs to maasha already; rename it" in line


def test_nothing_is_installed_with_maasha_itself() -> None:
    """The daemons' own plugins are no extensions."""
    assert installed() == ()
