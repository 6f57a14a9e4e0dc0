"""A change is seen by every process that keeps an answer."""

from __future__ import annotations

from pathlib import Path

from modgate.storage.generations import EVERYTHING, SLOTS, Generations


def test_a_bump_is_seen_through_another_mapping(tmp_path: Path) -> None:
    mine, other = Generations(tmp_path / "generations"), Generations(tmp_path / "generations")
    slot, generation = other.stamp("public", "example.com/m")
    mine.bump(slot)
    assert other.values[slot] != generation
    mine.close()
    other.close()


def test_no_module_has_the_slot_of_everything(tmp_path: Path) -> None:
    generations = Generations(tmp_path / "generations")
    slots = {generations.slot("public", f"example.com/m{number}") for number in range(1000)}
    assert EVERYTHING not in slots
    assert max(slots) < SLOTS
    assert len(slots) > 980, "the slots are badly spread"
    generations.close()


def test_generations_outlive_the_process(tmp_path: Path) -> None:
    first = Generations(tmp_path / "generations")
    first.bump(7)
    value = first.values[7]
    first.close()
    again = Generations(tmp_path / "generations")
    assert again.values[7] == value
    again.close()
