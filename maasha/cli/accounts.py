"""Makes, forgets, shows and refreshes profiles."""

from __future__ import annotations

from pathlib import Path

from maasha.cli.api import Api, open_api, refresh
from maasha.cli.commands import Login
from maasha.cli.failures import Misused
from maasha.cli.profile import Profile, parse_key
from maasha.cli.store import Store
from maasha.cli.tables import table
from maasha.cli.terminal import Terminal
from maasha.cli.transport import Trust


def login(store: Store, terminal: Terminal, wanted: Login) -> None:
    """Make a profile once the server has accepted the key; a profile of that name is replaced."""
    cacerts = _cacerts(wanted.cacerts) if wanted.cacerts else None
    key = parse_key(_key_words(terminal, wanted.key))
    profile = Profile(wanted.profile, wanted.url, key, cacerts is not None, wanted.insecure)
    api = Api(profile, Trust(wanted.cacerts, wanted.insecure), terminal)
    user = api.user()
    store.save(profile, cacerts, api.describe())
    terminal.say(
        f"You are {user!r} at {profile.url}, profile {profile.name!r}.\n"
        f"See what there is: maasha {profile.name} --help"
    )


def _cacerts(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise Misused(f"{path} cannot be read: {error.strerror}", "name a PEM file") from None
    if b"-----BEGIN CERTIFICATE-----" not in content:
        raise Misused(f"{path} has no certificate in it", "name a PEM file of CAs")
    return content


def _key_words(terminal: Terminal, given: str | None) -> str:
    if given is None and terminal.stdin.isatty():
        return terminal.ask("API key: ")
    return terminal.stdin.readline() if given in (None, "-") else given


def logout(store: Store, name: str) -> None:
    """Forget a profile; the key stays valid on the server."""
    store.remove(name)


def list_profiles(store: Store, terminal: Terminal) -> None:
    """Show every profile's name and URL, never a key."""
    profiles = store.profiles().values()
    if not profiles:
        terminal.say("There is no profile yet; make one: maasha login PROFILE URL")
        return
    rows = [(profile.name, profile.url, _trust(profile)) for profile in profiles]
    terminal.show(table(("PROFILE", "URL", "TRUST"), rows))


def _trust(profile: Profile) -> str:
    if profile.insecure:
        return "anyone"
    return "own CAs" if profile.cacerts else "system's CAs"


def refresh_profiles(store: Store, terminal: Terminal, name: str) -> None:
    """Fetch what the APIs offer anew: of one profile, or of all when the name is empty."""
    chosen = [store.profile(name)] if name else store.profiles().values()
    for profile in chosen:
        refresh(store, open_api(store, profile, terminal))
