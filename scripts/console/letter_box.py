"""Looks into a queue of dead letters without losing any, and sends them back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from console.dead_letters import Letter, read
from console.queues import Queue
from steward.errors import NotConnected, OutOfTime, Refused, StewardError
from steward.model import Aws, Clock, Deadline

MOST = 500
"""Letters of a queue that are looked at together; sending them takes less than ``HIDDEN``."""

HIDDEN = 120
"""Seconds for which a letter is nobody else's; then it is there again, whatever becomes of us."""

_BATCH = 10  # messages of an answer, entries of a batch (SQS, API reference)
_POLLED = 2.0  # seconds between two looks at a move

Progress = Callable[[str], None]


def peek(aws: Aws, queue: Queue) -> list[Letter]:
    """Up to ``MOST`` letters, hidden for a while; see ``release``.

    It waits a second for each answer: SQS asks all of its servers only then.
    """
    found: dict[str, Letter] = {}
    while len(found) < MOST:
        answer = aws.ask(
            "sqs",
            "ReceiveMessage",
            QueueUrl=queue.url,
            MaxNumberOfMessages=min(_BATCH, MOST - len(found)),
            VisibilityTimeout=HIDDEN,
            WaitTimeSeconds=1,
            MessageSystemAttributeNames=["All"],
            MessageAttributeNames=["All"],
        )
        letters = [read(queue.name, one) for one in answer.get("Messages", ())]
        found.update({one.id: one for one in letters})
        if not letters:
            break
    return list(found.values())


def release(aws: Aws, queue: Queue, letters: Sequence[Letter]) -> None:
    """Let letters be seen again at once; without it they are after ``HIDDEN`` seconds."""
    for start in range(0, len(letters), _BATCH):
        entries = [
            {"Id": str(number), "ReceiptHandle": one.receipt, "VisibilityTimeout": 0}
            for number, one in enumerate(letters[start : start + _BATCH])
        ]
        aws.ask("sqs", "ChangeMessageVisibilityBatch", QueueUrl=queue.url, Entries=entries)


def send_back(
    aws: Aws, queue: Queue, meant: Sequence[tuple[Letter, Queue]]
) -> dict[str, StewardError]:
    """Put each letter into its inbox and only then take it out here; by id, what failed.

    A letter that is sent twice does no harm: events only say where to look.
    """

    def send(pair: tuple[Letter, Queue]) -> tuple[str, StewardError | None]:
        letter, inbox = pair
        try:
            aws.ask("sqs", "SendMessage", QueueUrl=inbox.url, MessageBody=letter.body)
            discard(aws, queue, letter)
        except NotConnected:
            raise
        except StewardError as error:
            return letter.id, error
        return letter.id, None

    told = aws.together(send, meant) if meant else []
    return {id: error for id, error in told if error is not None}


def discard(aws: Aws, queue: Queue, letter: Letter) -> None:
    """Delete a letter for good."""
    aws.ask("sqs", "DeleteMessage", QueueUrl=queue.url, ReceiptHandle=letter.receipt)


def move(aws: Aws, queue: Queue, clock: Clock, deadline: Deadline, progress: Progress) -> int:
    """Have SQS move a dead-letter queue's messages back to where they came from; how many.

    A move that is under way is waited for, as a queue has one at a time; what it moved before is
    not counted. Raises Refused where it fails, OutOfTime where it goes on for longer than the
    deadline: SQS needs nobody for it.
    """
    before = _task(aws, queue)
    if not _runs(before):
        aws.ask("sqs", "StartMessageMoveTask", SourceArn=queue.arn)
    earlier, moved = (_moved(before) if _runs(before) else 0), 0
    while True:
        task = _task(aws, queue)
        if task.get("StartedTimestamp") != before.get("StartedTimestamp") or _runs(before):
            moved = _moved(task)
            if task["Status"] == "COMPLETED":
                return moved - earlier
            if not _runs(task):
                why = task.get("FailureReason") or task["Status"]
                raise Refused(f"the move ended after {moved} messages: {why}")
        if deadline.left() <= 0:
            raise OutOfTime(f"{moved} messages are moved, SQS goes on with the rest")
        progress(f"{queue.name}: {moved} messages moved")
        clock.sleep(_POLLED)


def _runs(task: Mapping[str, Any]) -> bool:
    return task.get("Status") in ("RUNNING", "CANCELLING")


def _moved(task: Mapping[str, Any]) -> int:
    return int(task.get("ApproximateNumberOfMessagesMoved") or 0)


def _task(aws: Aws, queue: Queue) -> dict[str, Any]:
    """The last move of a queue's messages; empty where there was none."""
    answer = aws.ask("sqs", "ListMessageMoveTasks", SourceArn=queue.arn, MaxResults=1)
    return dict(next(iter(answer.get("Results", ())), {}))
