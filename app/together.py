"""Work of several threads done by one of them, as databases commit in groups.

While two threads' statements are under way, those that come after them wait, and the first of them
then does the work of all: the more come at once, the less each costs. Who comes alone waits for
nobody.
After the group commit of DeWitt et al., "Implementation techniques for main memory database
systems", SIGMOD 1984.
"""

from collections import deque
from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

Work = TypeVar("Work")
Answer = TypeVar("Answer")

# The server does one while the next is told to it; more at once only make smaller groups.
AT_ONCE = 2
MOST = 8
# Whoever leads may be held up; nobody waits for that longer than for a few statements.
PATIENCE_S = 0.1


class _Waiting(Generic[Work, Answer]):
    """A thread's work, and the bell that is rung when it is answered or may lead."""

    __slots__ = ("answer", "bell", "is_answered", "leads", "work")

    def __init__(self, work: Work) -> None:
        self.work = work
        self.leads = self.is_answered = False
        self.answer: Answer
        self.bell = Lock()
        self.bell.acquire()


class Together(Generic[Work, Answer]):
    """Does the work of one thread or, while there are several, of some of them at once.

    `together` gives an answer for each of its works, in their order. When it raises for several,
    each thread does its own work, and sees for itself what is wrong.
    """

    def __init__(self, together: Callable[[list[Work]], list[Answer]]) -> None:
        self._together = together
        self._lock = Lock()
        self._waiting: deque[_Waiting[Work, Answer]] = deque()
        self._leaders = 0

    def do(self, work: Work) -> Answer:
        """The answer to one thread's work. Raises what `together` raises for it alone."""
        with self._lock:
            leads = self._leaders < AT_ONCE  # and then nobody waits
            if leads:
                self._leaders += 1
            else:
                mine: _Waiting[Work, Answer] = _Waiting(work)
                self._waiting.append(mine)
        if leads:
            try:
                return self._alone(work)
            finally:
                self._pass_on()
        self._wait(mine)
        if mine.leads:
            self._lead(mine)
        return mine.answer if mine.is_answered else self._alone(work)

    def _alone(self, work: Work) -> Answer:
        return self._together([work])[0]

    def _wait(self, mine: _Waiting[Work, Answer]) -> None:
        if mine.bell.acquire(timeout=PATIENCE_S):
            return
        with self._lock:
            if mine in self._waiting:
                self._waiting.remove(mine)
                return
        mine.bell.acquire()  # it is being done

    def _lead(self, mine: _Waiting[Work, Answer]) -> None:
        """Do one's own work and that of others who wait, as far as it goes together."""
        with self._lock:
            others = [self._waiting.popleft() for _ in range(min(len(self._waiting), MOST - 1))]
        group = [mine, *others]
        try:
            answers = self._together([each.work for each in group])
        except Exception:
            if not others:
                raise
        else:
            for each, answer in zip(group, answers, strict=True):
                each.answer, each.is_answered = answer, True
        finally:
            for each in others:
                each.bell.release()
            self._pass_on()

    def _pass_on(self) -> None:
        """Let the next of those who wait lead."""
        with self._lock:
            if not self._waiting:
                self._leaders -= 1
                return
            following = self._waiting.popleft()
        following.leads = True
        following.bell.release()
