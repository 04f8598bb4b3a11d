"""Finds the extensions that are installed as plugins of Twisted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from types import ModuleType

from twisted.logger import Logger
from twisted.plugin import CachedDropin, CachedPlugin, getCache
from twisted.python.modules import getModule

import twisted.plugins
from maasha.rpc.extension import Extension, IExtension, Side, judged, names

log = Logger()


def installed(package: ModuleType = twisted.plugins) -> tuple[Extension, ...]:
    """Give the extensions to serve, and tell the log which they are and which are left out.

    Whatever is wrong with an extension, the others and the daemon go on without it.
    """
    cache = getCache(package)
    _name_broken(package, cache)
    good, refusals = judged(_loaded(cache.values()))
    for refusal in refusals:
        log.error("{refusal}", refusal=refusal)
    for each in good:
        log.info(
            "extension {name}: racks answer {rack}, regions answer {region}",
            name=each.name,
            rack=_spoken(each.rack),
            region=_spoken(each.region),
        )
    return good


def _name_broken(package: ModuleType, cache: Iterable[str]) -> None:
    """Say which modules could not be imported; getCache has logged each one's error just now."""
    found = {module.name for module in getModule(package.__name__).iterModules()}
    for name in sorted(found - {f"{package.__name__}.{key}" for key in cache}):
        log.error("plugin {name} is left out: it cannot be imported, see just above", name=name)


def _loaded(dropins: Iterable[CachedDropin]) -> Iterator[Extension]:
    for dropin in dropins:
        for plugin in dropin.plugins:
            if IExtension in plugin.provided:
                found = _load(plugin, dropin.moduleName)
                if found is not None:
                    yield found


def _load(plugin: CachedPlugin, module: str) -> Extension | None:
    try:
        return _extension(plugin.load())
    except (Exception, SystemExit):
        log.failure(
            "extension {name} of plugin {module} is left out: it cannot be loaded",
            name=plugin.name,
            module=module,
        )
        return None


def _extension(found: object) -> Extension:
    """Give it back if it is one; raises TypeError."""
    if isinstance(found, Extension):
        return found
    raise TypeError(f"an extension is of class Extension, not {type(found).__name__}")


def _spoken(side: type[Side] | None) -> str:
    return ", ".join(sorted(name.decode("ascii", "replace") for name in names(side))) or "nothing"
