"""The user's side: what is read from and written to the terminal, and waiting."""

from __future__ import annotations

from collections.abc import Callable
from typing import BinaryIO, TextIO

from attrs import frozen


@frozen
class Terminal:
    """Where words come from and go to; `ask` reads an answer that is not shown."""

    stdin: TextIO
    stdout: BinaryIO
    stderr: TextIO
    ask: Callable[[str], str]
    sleep: Callable[[float], None]

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
