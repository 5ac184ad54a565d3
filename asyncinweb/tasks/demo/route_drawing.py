"""A round trip as an SVG map, with a curve of how the search went.

Colours are fixed, on their own background: as an image, the map cannot know whether the page is dark.
"""

from collections.abc import Iterable, Sequence
from math import log

WIDTH_KM, HEIGHT_KM = 1000, 600
City = tuple[float, float]

MARGIN, FOOTER = 40, 90
WIDTH, HEIGHT = WIDTH_KM + 2 * MARGIN, HEIGHT_KM + 2 * MARGIN + FOOTER
CURVE_WIDTH, CURVE_HEIGHT = 300, 56

PAPER, LAND, GRID, INK, QUIET = "#f4f1ea", "#fbfaf6", "#e6e1d5", "#26323a", "#6b7680"
ROAD, CITY, HOME = "#1f6f78", "#ffffff", "#d9572b"


def draw_route(stops: Sequence[City], lengths: Sequence[float]) -> str:
    """The stops in order, and the lengths in km that the search went through, best last."""
    title = f"Round trip through {len(stops)} cities, {lengths[-1]:,.0f} km"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img"'
            ' font-family="system-ui, sans-serif">',
            f"<title>{title}</title>",
            f'<rect width="{WIDTH}" height="{HEIGHT}" rx="16" fill="{PAPER}"/>',
            f'<g transform="translate({MARGIN} {MARGIN})">',
            *_land(),
            *_trip(stops),
            "</g>",
            *_caption(title, lengths),
            "</svg>",
        ]
    )


def percent_shorter(lengths: Sequence[float]) -> int:
    """How much shorter the last length is than the first."""
    return round(100 - 100 * lengths[-1] / lengths[0])


def _land() -> Iterable[str]:
    """The empty map; its lines are 100 km apart."""
    yield f'<rect x="-20" y="-20" width="{WIDTH_KM + 40}" height="{HEIGHT_KM + 40}" rx="10" fill="{LAND}"/>'
    upright = "".join(f"M{x} -20V{HEIGHT_KM + 20}" for x in range(0, WIDTH_KM + 1, 100))
    across = "".join(f"M-20 {y}H{WIDTH_KM + 20}" for y in range(0, HEIGHT_KM + 1, 100))
    yield f'<path d="{upright}{across}" stroke="{GRID}"/>'


def _trip(stops: Sequence[City]) -> Iterable[str]:
    points = " ".join(f"{x:g},{y:g}" for x, y in stops)
    yield (
        f'<polygon points="{points}" fill="{ROAD}" fill-opacity="0.07" stroke="{ROAD}" stroke-width="4"'
        ' stroke-linejoin="round"/>'
    )
    for x, y in stops[1:]:
        yield f'<circle cx="{x:g}" cy="{y:g}" r="5.5" fill="{CITY}" stroke="{INK}" stroke-width="2.5"/>'
    x, y = stops[0]
    yield f'<circle cx="{x:g}" cy="{y:g}" r="9" fill="{HOME}" stroke="{CITY}" stroke-width="3"/>'


def _caption(title: str, lengths: Sequence[float]) -> Iterable[str]:
    top = HEIGHT - FOOTER
    yield f'<text x="{MARGIN}" y="{top + 28}" font-size="26" font-weight="600" fill="{INK}">{title}</text>'
    yield (
        f'<text x="{MARGIN}" y="{top + 60}" font-size="19" fill="{QUIET}">'
        f"{percent_shorter(lengths)}% shorter than in random order ({lengths[0]:,.0f} km)</text>"
    )
    yield f'<g transform="translate({WIDTH - MARGIN - CURVE_WIDTH} {top + 4})">'
    yield from _curve(lengths)
    yield "</g>"


def _curve(lengths: Sequence[float]) -> Iterable[str]:
    """How the length fell during the search, from left to right; the bottom is the best.

    Logarithmic, because the first moments gain so much that the rest would look flat.
    """
    longest, shortest = log(max(lengths)), log(min(lengths))
    right, down = CURVE_WIDTH / (len(lengths) - 1), CURVE_HEIGHT / (longest - shortest or 1)
    line = " ".join(
        f"{number * right:.1f},{(longest - log(length)) * down:.1f}" for number, length in enumerate(lengths)
    )
    yield f'<polyline points="{line}" fill="none" stroke="{HOME}" stroke-width="2.5" stroke-linejoin="round"/>'
    yield f'<path d="M0 {CURVE_HEIGHT + 4}H{CURVE_WIDTH}" stroke="{QUIET}" stroke-opacity="0.4"/>'
    label = "Length during the search"
    yield f'<text x="-16" y="{CURVE_HEIGHT}" font-size="16" text-anchor="end" fill="{QUIET}">{label}</text>'
