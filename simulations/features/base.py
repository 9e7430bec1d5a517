"""What a feature is: something that a scenario may say of its world, and need not."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Feature:
    """One feature: its model and its behaviour are in the file that defines it.

    `place` is where it is written, `*` standing for any name or position. `text` tells planners what it does. `example`
    is YAML that is laid over the small scenario of `features.BASE`; a test plays it, and it must make a difference.
    What is random in it comes from streams of its own, so a scenario without it runs as if it did not exist.
    """

    name: str
    place: tuple[str, ...]
    text: str
    example: str
