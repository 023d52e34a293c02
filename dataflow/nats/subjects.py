"""Subjects: patterns, and how klines of our own subjects are spread over shards."""

from __future__ import annotations

from collections.abc import Iterable

from state.errors import StopProgram

# What a stream captures of ours, and as what it stores it: a bucket, fixed by the symbol, goes before the symbol.
KLINE_SUBJECTS = "ta.klines.*.*"
BUCKETS = 64
_STORED = "ta.shards"
SPREAD = {
    "src": KLINE_SUBJECTS,
    "dest": f"{_STORED}.{{{{partition({BUCKETS},1)}}}}.{{{{wildcard(1)}}}}.{{{{wildcard(2)}}}}",
}


def covers(pattern: str, subject: str) -> bool:
    """Whether every subject that `subject` (a subject, or itself a pattern) stands for matches `pattern`.

    >>> covers("a.>", "a.*.c"), covers("a.*", "a.>"), covers("a.*", "a.b"), covers("a.>", "a")
    (True, False, True, False)
    """
    wanted, found = pattern.split("."), subject.split(".")
    for index, name in enumerate(wanted):
        if name == ">":
            return index < len(found)
        if index >= len(found) or found[index] == ">" or name not in {"*", found[index]}:
            return False
    return len(wanted) == len(found)


def overlap(one: str, other: str) -> bool:
    """Whether there are subjects that both patterns match.

    >>> overlap("a.>", "*.b.c"), overlap("a.*", "*.b"), overlap("a.*", "a.b.c"), overlap("a.>", "a")
    (True, True, False, False)
    """
    names, others = one.split("."), other.split(".")
    for name, other_name in zip(names, others, strict=False):
        if ">" in (name, other_name):
            return True
        if "*" not in (name, other_name) and name != other_name:
            return False
    return len(names) == len(others)


def distinct(subjects: Iterable[str]) -> tuple[str, ...]:
    """`subjects` without those that others cover.

    >>> distinct(["a.b", "c", "a.>", "c"])
    ('a.>', 'c')
    """
    names = sorted(set(subjects))
    return tuple(name for name in names if not any(other != name and covers(other, name) for other in names))


def subjects_of(text: str) -> tuple[str, ...]:
    """The subjects that a setting names, with commas between them.

    Raises:
        StopProgram: it names none, or something else.

    >>> subjects_of("ta.klines.>, binance.websocket.data")
    ('ta.klines.>', 'binance.websocket.data')
    """
    subjects = tuple(part.strip() for part in text.split(",") if part.strip())
    if not subjects or any(len(subject.split()) > 1 for subject in subjects):
        raise StopProgram("expected subjects with commas between them")
    return subjects


def shard_subjects(shard: int, shards: int) -> tuple[str, ...]:
    """What one of several shards reads of the subjects that are spread.

    >>> shard_subjects(60, 61)
    ('ta.shards.60.>',)
    """
    return tuple(f"{_STORED}.{bucket}.>" for bucket in range(shard, BUCKETS, shards))


def published_subject(stored: str) -> str:
    """The subject that a message was published on.

    >>> published_subject("ta.shards.44.BTCUSDT.15m"), published_subject("binance.websocket.data")
    ('ta.klines.BTCUSDT.15m', 'binance.websocket.data')
    """
    tokens = stored.split(".", 3)
    return f"ta.klines.{tokens[3]}" if stored.startswith(f"{_STORED}.") and len(tokens) == 4 else stored
