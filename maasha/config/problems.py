"""What can be wrong with a configuration file, said so that the reader can mend it."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import frozen


@frozen
class Problem:
    """One fault of a file: where it is, what was read and what to write instead.

    `line` counts from 1. `key` is empty when the file as a whole is meant; `value` is empty when
    it must not be shown (a secret, or a key that may be a misspelt secret) or there is none.
    """

    line: int
    key: str
    value: str
    what: str
    mend: str

    def __str__(self) -> str:
        place = f"{self.key}: " if self.key else ""
        value = f"{self.value!r} " if self.value else ""
        return f"{place}{value}{self.what}; {self.mend}"


class ConfigurationErrors(Exception):
    """Everything that is wrong with one configuration file, in the order of its lines."""

    problems: tuple[Problem, ...]

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: problem.line))
        super().__init__(self.listing("line "))

    def listing(self, name: str) -> str:
        """Give one line per problem, each opening with `name` and the line's number.

        With `rackd.conf:` as the name that is the form editors jump to.
        """
        return "\n".join(f"{name}{problem.line}: {problem}" for problem in self.problems)


class Wrong(Exception):
    """A value does not fit its key; carries one problem per fault, their keys still empty."""

    problems: tuple[Problem, ...]

    def __init__(self, *problems: Problem) -> None:
        self.problems = problems
        super().__init__("; ".join(map(str, problems)))


class Unfit(ValueError):
    """A text does not say what it should; `what` is wrong with it and `mend` is what to write.

    `hidden` forbids to show the text: it may hold a password.
    """

    what: str
    mend: str
    hidden: bool

    def __init__(self, what: str, mend: str, *, hidden: bool = False) -> None:
        self.what = what
        self.mend = mend
        self.hidden = hidden
        super().__init__(f"{what}; {mend}")
