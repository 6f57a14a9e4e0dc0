"""The memory of ready things stays within its bytes and keeps what is asked for again."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from modgate.cache.memory import S3Fifo

Operation = tuple[str, int, int]
OPERATIONS = st.lists(
    st.tuples(st.sampled_from(["get", "put", "pop", "clear"]), st.integers(0, 30), st.integers(1, 60)), max_size=300
)


@given(OPERATIONS, st.integers(1, 200))
def test_it_never_exceeds_its_bytes_and_never_invents_or_mixes_up(operations: list[Operation], limit: int) -> None:
    memory: S3Fifo[int, tuple[int, int]] = S3Fifo(limit)
    put: dict[int, tuple[int, int]] = {}
    for operation, key, weight in operations:
        match operation:
            case "put":
                put[key] = (key, weight)
                assert memory.put(key, put[key], weight) is (weight <= limit)
                assert memory.get(key) == (put[key] if weight <= limit else None)
            case "pop":
                memory.pop(key)
                assert memory.get(key) is None
            case "clear":
                memory.clear()
            case _:
                assert memory.get(key) in (None, put.get(key))
        kept = [value for key in put if (value := memory.get(key)) is not None]
        assert memory.bytes == sum(weight for _, weight in kept) <= limit
        assert len(memory) == len(kept)


def test_a_scan_does_not_drive_out_what_is_asked_for_all_the_time() -> None:
    memory: S3Fifo[str, str] = S3Fifo(100)
    for number in range(10):
        memory.put(f"hot{number}", "x", 5)
    for number in range(1000):
        for hot in range(10):
            assert memory.get(f"hot{hot}") == "x", f"lost at {number}"
        memory.put(f"cold{number}", "x", 5)


def test_what_comes_back_soon_after_it_was_forgotten_is_kept_for_longer() -> None:
    memory: S3Fifo[str, str] = S3Fifo(100)
    memory.put("again", "x", 10)
    for number in range(12):
        memory.put(f"filler{number}", "x", 10)
    assert memory.get("again") is None
    memory.put("again", "x", 10)
    for number in range(30):
        memory.put(f"more{number}", "x", 10)
    assert memory.get("again") == "x"


def test_a_value_that_is_put_again_counts_once() -> None:
    memory: S3Fifo[str, str] = S3Fifo(100)
    for _ in range(1000):
        memory.put("a", "x", 40)
    assert memory.bytes == 40
    assert len(memory) == 1


def test_something_larger_than_everything_is_not_kept_and_drives_nothing_out() -> None:
    memory: S3Fifo[str, str] = S3Fifo(100)
    memory.put("small", "x", 50)
    assert not memory.put("huge", "x", 101)
    assert memory.get("small") == "x"


def test_traces_of_forgotten_keys_are_bounded() -> None:
    memory: S3Fifo[int, str] = S3Fifo(1000)
    for number in range(10_000):
        memory.put(number, "x", 10)
    assert len(memory._ghosts) <= 100
