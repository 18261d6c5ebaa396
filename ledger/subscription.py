"""The library's subscription over our recorder: it polls, so that nothing waits for a wake-up."""

import threading
from collections.abc import Iterator, Sequence

from eventsourcing.persistence import ApplicationRecorder, Notification, Subscription


class PollingSubscription(Subscription[ApplicationRecorder]):
    """Reads on by polling with a floor, so that no event waits for a notification."""

    FLOOR_SECONDS = 0.1
    PAGE = 500

    def __init__(
        self, recorder: ApplicationRecorder, gt: int | None = None, topics: Sequence[str] = ()
    ) -> None:
        super().__init__(recorder=recorder, gt=gt, topics=topics)
        self._page: Iterator[Notification] = iter(())
        self._stopped = threading.Event()

    def stop(self) -> None:
        """End the iteration, from any thread."""
        super().stop()
        self._stopped.set()

    def __next__(self) -> Notification:
        while not self._stopped.is_set():
            for notification in self._page:
                self._last_notification_id = notification.id
                return notification
            page = self._recorder.select_notifications(
                self._last_notification_id, self.PAGE, topics=self._topics, inclusive_of_start=False
            )
            self._page = iter(page)
            if not page:
                self._stopped.wait(self.FLOOR_SECONDS)
        raise StopIteration
