"""Which sightings are the same person: linked from frame to frame, then across gaps.

Position is predicted from the last sightings' motion; size and the colours of the upright face
tell people apart where they cross.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from .scan import Sighting

REACH = 0.5  #: crop sides a face may be off its predicted place, one frame on
REACH_GROWTH = 0.05  #: more of it for each further frame without a sighting
GROWTH = 0.3  #: ln of the ratio of sizes, one frame on; half hidden faces look smaller
GROWTH_GROWTH = 0.03  #: more of it for each further frame
LOOK_WEIGHT = 4.0
LOOK_LIMIT = 0.15  #: root mean square colour difference (0..1) up to which it can be one person
COAST = 8  #: frames through which motion is extrapolated
MEMORY = 0.9  #: of the look, per frame
SHORTEST = 3  #: frames of a stretch that may be joined to another


@dataclass
class Person:
    """The sightings of one person, by frame."""

    sightings: dict[int, Sighting] = field(default_factory=dict)
    look: Tensor | None = None  #: running mean
    velocity: Tensor = field(default_factory=lambda: torch.zeros(2))  #: px a frame

    @property
    def last(self) -> Sighting:
        return self.sightings[max(self.sightings)]

    def add(self, sighting: Sighting) -> None:
        if self.sightings:
            gap = sighting.frame - self.last.frame
            step = (sighting.crop[:2] - self.last.crop[:2]) / gap
            self.velocity = self.velocity * 0.5 + step * 0.5
            self.look = self.look * MEMORY + sighting.look * (1 - MEMORY)
        else:
            self.look = sighting.look
        self.sightings[sighting.frame] = sighting

    def cost(self, sighting: Sighting) -> float:
        """How unlikely it is that the sighting continues this person; infinite: cannot."""
        last = self.last.crop
        gap = sighting.frame - self.last.frame
        at = last[:2] + self.velocity * min(gap, COAST)
        away = float((sighting.crop[:2] - at).norm() / torch.maximum(sighting.crop[2], last[2]))
        growth = abs(float((sighting.crop[2] / last[2]).log()))
        look = look_distance(self.look, sighting.look)
        reach = REACH + REACH_GROWTH * (gap - 1)
        most = GROWTH + GROWTH_GROWTH * (gap - 1)
        if away > reach or growth > most or look > 2 * LOOK_LIMIT:
            return np.inf
        return away / reach + growth + LOOK_WEIGHT * look


def look_distance(a: Tensor, b: Tensor) -> float:
    """Root mean square colour difference of two looks, 0..1."""
    return float((a - b).square().mean().sqrt())


def link(frames: list[list[Sighting]]) -> list[Person]:
    """The people of a clip, from the sightings of each frame."""
    people: list[Person] = []
    for sightings in frames:
        matched: set[int] = set()
        if people and sightings:
            cost = np.array([[p.cost(s) for s in sightings] for p in people])
            rows, columns = linear_sum_assignment(np.where(np.isinf(cost), 1e6, cost))
            for row, column in zip(rows, columns, strict=True):
                if np.isfinite(cost[row, column]):
                    people[row].add(sightings[column])
                    matched.add(column)
        for column, sighting in enumerate(sightings):
            if column not in matched:
                person = Person()
                person.add(sighting)
                people.append(person)
    return _join(people)


def _join(people: list[Person]) -> list[Person]:
    """Join people who look alike and are never seen together: the same one after a gap or cut."""
    people = sorted(people, key=lambda p: -len(p.sightings))
    joined: list[Person] = []
    for person in people:
        apart = [q for q in joined if q.sightings.keys().isdisjoint(person.sightings)]
        alike = [(look_distance(q.look, person.look), i) for i, q in enumerate(apart)]
        nearest = min(alike, default=(np.inf, 0))
        if nearest[0] < LOOK_LIMIT and len(person.sightings) >= SHORTEST:
            apart[nearest[1]].sightings.update(person.sightings)
        else:
            joined.append(person)
    return joined
