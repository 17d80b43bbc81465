"""How a browser shows the map's circles and labels."""

import itertools
import math
from typing import Any

# A browser rounds what it draws.
PIXEL = 1
# A label without a line is nearer to its circle.
MAX_GAP = 12
# The smallest circle on a phone.
MIN_RADIUS_PX = 2.5
# Circles as [x, y, radius], the labels in sight as [left, top, right, bottom, text], the number of
# each label's circle, and the lines from circles to labels as [circle, x, y, x, y].
LOOK = """
    () => {
      const sides = ["left", "top", "right", "bottom"];
      const box = (element) => element.getBoundingClientRect();
      const circles = [...document.querySelectorAll(".scene a")].map((circle) => {
        const boxes = [...circle.children].slice(1).map(box);
        const left = Math.min(...boxes.map((b) => b.left));
        const right = Math.max(...boxes.map((b) => b.right));
        const top = Math.min(...boxes.map((b) => b.top));
        const bottom = Math.max(...boxes.map((b) => b.bottom));
        return [(left + right) / 2, (top + bottom) / 2, Math.max(right - left, bottom - top) / 2];
      });
      const ids = [...document.querySelectorAll(".scene a")].map((circle) => circle.id);
      const circleOf = (element) => ids.indexOf(`at-${element.dataset.of}`);
      const seen = (selector) => [...document.querySelectorAll(selector)].filter(
        (element) => element.checkVisibility());
      const texts = seen(".world text");
      const edges = (element) => sides.map((side) => box(element)[side]);
      const labels = texts.map((text) => [...edges(text), text.textContent]);
      const lines = seen(".leader[data-of]").map((line) => {
        const ends = [0, line.getTotalLength()].map((length) =>
          line.getPointAtLength(length).matrixTransform(line.getScreenCTM()));
        return [circleOf(line), ...ends.flatMap(({ x, y }) => [x, y])];
      });
      const frame = edges(document.querySelector(".world > svg"));
      return { circles, labels, owners: texts.map(circleOf), lines, frame };
    }
"""


def assert_readable(look: dict[str, Any], names: list[str]) -> None:
    """Assert that each circle is in sight, none covers another, and each name has a label."""
    assert min(radius for _, _, radius in look["circles"]) > MIN_RADIUS_PX
    for (x, y, radius), (other_x, other_y, other) in itertools.combinations(look["circles"], 2):
        distance = math.dist((x, y), (other_x, other_y))
        assert distance > radius + other - PIXEL
    left, top, right, bottom = look["frame"]
    labels = look["labels"]
    for a in labels:
        assert left <= a[0] <= a[2] <= right, a
        assert top <= a[1] <= a[3] <= bottom, a
        hidden = [c for c in look["circles"] if a[0] < c[0] < a[2] and a[1] < c[1] < a[3]]
        assert hidden == [], a
    for a, b in itertools.combinations(labels, 2):
        is_apart = a[2] <= b[0] + PIXEL or b[2] <= a[0] + PIXEL
        assert is_apart or a[3] <= b[1] + PIXEL or b[3] <= a[1] + PIXEL, (a, b)
    texts = [label[4] for label in labels]
    assert len(texts) == len(names)
    for name in names:
        assert any(text.startswith(name[:13]) or f" {name[:13]}" in text for text in texts), name


def distance_to_line(point: list[float], ends: list[float]) -> float:
    x, y = point
    x1, y1, x2, y2 = ends
    dx, dy = x2 - x1, y2 - y1
    share = ((x - x1) * dx + (y - y1) * dy) / (dx**2 + dy**2)
    share = min(1, max(0, share))
    return math.hypot(x1 + share * dx - x, y1 + share * dy - y)


def assert_beside(look: dict[str, Any]) -> None:
    """Assert that each label is at its circle, or has a line to it through no other's middle."""
    owners_of_lines = [line[0] for line in look["lines"]]
    for label, owner in zip(look["labels"], look["owners"], strict=True):
        x, y, radius = look["circles"][owner]
        dx, dy = max(label[0] - x, x - label[2], 0), max(label[1] - y, y - label[3], 0)
        assert owner in owners_of_lines or math.hypot(dx, dy) < radius + MAX_GAP, label
    for owner, *ends in look["lines"]:
        others = [circle for i, circle in enumerate(look["circles"]) if i != owner]
        assert all(distance_to_line(c[:2], ends) > c[2] / 5 for c in others), (owner, ends)
