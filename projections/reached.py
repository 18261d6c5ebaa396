"""How far this process has brought its views, told to whoever waits for it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

Listener = Callable[[], object]


class Reached:
    """Positions as they are reached, from the thread of the runner to any other."""

    def __init__(self) -> None:
        """Nothing yet; `on_step` may be set to be told of every step of every view, `on_wait` of
        everybody who begins to wait for one, and `on_lost` of what is no longer known."""
        self._positions: dict[tuple[str, int], int] = {}
        self.on_step: Callable[[str, int, int], object] = lambda *step: None
        self.on_wait: Callable[[], object] = lambda: None
        self.on_lost: Callable[[], object] = lambda: None
        self._listeners: dict[str, list[Listener]] = {}

    def tell(self, view: str, partition: int, position: int) -> None:
        """A view has taken in what there is up to a position."""
        self._positions[view, partition] = position
        self.on_step(view, partition, position)
        for listener in self._listeners.get(view, ()):
            listener()

    def forget(self) -> None:
        """What was told may be so no more: a crash of the database takes the last batches back."""
        self._positions.clear()
        self.on_lost()

    def has(self, view: str, wanted: dict[int, int]) -> bool:
        """Whether this process has seen a view reach these places."""
        return all(
            self._positions.get((view, partition), 0) >= place
            for partition, place in wanted.items()
        )

    @contextmanager
    def listening(self, view: str, listener: Listener) -> Iterator[None]:
        """Have somebody told of every step of a view."""
        self._listeners[view] = [*self._listeners.get(view, ()), listener]
        self.on_wait()
        try:
            yield
        finally:
            self._listeners[view] = [one for one in self._listeners[view] if one is not listener]
