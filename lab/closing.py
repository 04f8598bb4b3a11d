"""What a `with` block closes when it is left."""

from abc import ABC, abstractmethod
from typing import Self


class Closing(ABC):
    """Gives a class that has `close` the rest of a context manager."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @abstractmethod
    def close(self) -> None:
        """End what the object stands for."""
