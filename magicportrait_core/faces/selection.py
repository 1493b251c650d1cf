"""Choose one person of a clip."""

from __future__ import annotations

from statistics import median

from ..checks import check_choice
from ..errors import InputError
from .linking import Person

CHOICES = ("largest", "left_to_right", "index")
PASSING = 0.25  #: of the most seen person's frames: who is seen less only passes by


def choose_person(people: list[Person], face: str, face_index: int, name: str) -> Person:
    """The person asked for: by size (median area) or from the picture's left.

    Raises `InputError` where ``face_index`` is beyond the people seen.
    """
    check_choice("face", face, CHOICES)
    seen = {id(p): [s for s in p.sightings.values() if s.present] for p in people}
    most = max((len(s) for s in seen.values()), default=0)
    people = [p for p in people if len(seen[id(p)]) >= PASSING * most]

    def middle(person: Person, column: int) -> float:
        sightings = seen[id(person)] or list(person.sightings.values())
        return median(float(s.crop[column]) for s in sightings)

    if face == "left_to_right":
        people.sort(key=lambda p: middle(p, 0))
    else:
        people.sort(key=lambda p: -middle(p, 2))
    index = 0 if face == "largest" else face_index
    if not 0 <= index < len(people):
        raise InputError(
            f"face_index must be below the number of faces: {name} shows {len(people)}, "
            f"got {face_index} (counted from 0)"
        )
    return people[index]
