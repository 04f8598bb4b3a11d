"""The user's side: what is read from and written to the terminal, and waiting."""

from __future__ import annotations

from collections.abc import Callable
from typing import BinaryIO, TextIO

from attrs import frozen


@frozen
class Terminal:
    """Where words come from and go to, and time; `ask` reads an answer that is not shown."""

    stdin: TextIO
    stdout: BinaryIO
    stderr: TextIO
    ask: Callable[[str], str]
    sleep: Callable[[float], None]
    clock: Callable[[], float]
    """Gives seconds; it is never set."""

    @property
    def is_for_people(self) -> bool:
        """Whether standard output is a terminal; programs get JSON."""
        return self.stdout.isatty()

    def show(self, text: str) -> None:
        """Print what was asked for."""
        self.write(f"{text}\n".encode("utf-8", "backslashreplace"))

    def write(self, content: bytes) -> None:
        """Print what was asked for, byte for byte."""
        self.stdout.write(content)
        self.stdout.flush()

    def say(self, text: str) -> None:
        """Print a remark for people."""
        if text:
            self.stderr.write(f"{text}\n")
            self.stderr.flush()

    def wait(self, seconds: float, tries: int) -> None:
        """Wait before a request is sent again, and say so."""
        self.say(f"The region is not ready; trying again in {seconds:g} s ({tries} of 3)")
        self.sleep(seconds)


class Meter:
    """Shows how far something is: on a terminal one bar, elsewhere a line for each change."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._draws = stream.isatty()
        self._last = ""

    def show(self, bar: str, line: str) -> None:
        """Show it as it is now."""
        text = f"\r{bar}\x1b[K" if self._draws else f"{line}\n"
        if text != self._last:
            self._stream.write(text)
            self._stream.flush()
        self._last = text

    def close(self) -> None:
        """Leave what was shown last, and go on below it."""
        if self._draws and self._last:
            self._stream.write("\n")
            self._stream.flush()
