"""A Julia set as a picture, in plain Python: the demo of long computing with a steady progress bar.

The shading of a point: Inigo Quilez, "Smooth iteration count for generalized Mandelbrot sets" (2007).
"""

from dataclasses import dataclass
from itertools import pairwise
from math import log, log2
from typing import Annotated, Literal

from pydantic import Field

from asyncinweb.tasks.current import track
from asyncinweb.tasks.demo.png import write_png
from asyncinweb.tasks.registry import task

Colours = Literal["fire", "ice", "forest", "dusk", "ink"]
Preset = Literal["spirals", "galaxy", "seahorses", "snowflakes", "whirlpools", "lightning"]

# From far outside (left) to the set itself (right); bright where they meet.
PALETTES: dict[Colours, str] = {
    "fire": "0c0509 2e0a16 7a1518 c93a12 f58a1f ffd877 fff8e1 f3b24a 8a2a14 2a0a14",
    "ice": "060b1c 0a2145 124a80 2b86bd 7cc4e4 e6f7fb ffffff 9fd0e8 2f6fa8 0d2a52",
    "forest": "06110e 0e2a24 1f5442 4f8f5f a8c66c f4efb8 fffbe6 d9b75a 6b6a2c 16301f",
    "dusk": "0b0a20 231a4a 5b2a7a a83d7c ea6f62 fbb86b fff0c9 f7a072 8d3a78 24164a",
    "ink": "faf8f3 efeae0 d3d8db 8fa6b2 3e6075 152a3c 0a1420",
}

# Steps after which a point counts as staying for ever.
LIMIT = 400
# Distinct shades in each step; fewer would show as bands in the wide, calm outside.
SHADES_PER_STEP = 64
SKETCH_WIDTH, SKETCH_HEIGHT = 96, 60


@dataclass(frozen=True)
class Shape:
    """The constant that defines the set, and half the width and height of the part of the plane to show."""

    c: complex
    across: float
    up: float


SHAPES: dict[Preset, Shape] = {
    "spirals": Shape(-0.8 + 0.156j, 1.64, 1.0),
    "galaxy": Shape(-0.7269 + 0.1889j, 1.64, 1.02),
    "seahorses": Shape(-0.7453 + 0.1127j, 1.64, 1.0),
    "snowflakes": Shape(-0.70176 - 0.3842j, 1.6, 1.05),
    "whirlpools": Shape(0.355 + 0.355j, 1.2, 1.22),
    "lightning": Shape(1j, 1.4, 1.24),
}


@task(timeout=600)
def julia(
    width: Annotated[int, Field(ge=32, le=1600, title="Width", description="In pixels.")] = 800,
    height: Annotated[
        int, Field(ge=32, le=1600, title="Height", description="In pixels. Twice the height takes twice as long.")
    ] = 500,
    colours: Annotated[
        Colours, Field(title="Colours", description="Ink is for printing: dark on white.")
    ] = "fire",
    preset: Annotated[
        Preset, Field(title="Shape", description="Which of the infinitely many Julia sets to draw.")
    ] = "spirals",
) -> bytes:
    """Draw a Julia set.

    Each point of the picture is squared and shifted, over and over again. Some points fly off right away, some
    linger and some stay forever. The colour shows how long a point took to leave. The result is a PNG image.
    """
    shape = SHAPES[preset]
    print(f"Drawing {width} × {height} pixels of z → z² + c with c = {shape.c:g}, four samples per pixel.")
    grid = _Grid.fitting(shape, 2 * width, 2 * height)
    rows = _upper_half(grid, _shades(PALETTES[colours], shape))
    # z and -z have the same square: turned by half a turn, the set is the same, so half of it is enough.
    rows += [_mirrored(row) for row in reversed(rows[: height // 2])]
    picture = write_png(width, height, rows)
    print(f"The lower half is the upper half rotated. The file size is {len(picture) // 1000} kB.")
    return picture


@dataclass(frozen=True)
class _Grid:
    """Samples of the plane around 0, `columns` by `rows`, `step` apart."""

    c: complex
    columns: int
    rows: int
    step: float

    @classmethod
    def fitting(cls, shape: Shape, columns: int, rows: int) -> "_Grid":
        """The closest view that shows the whole shape, for any proportions of the picture."""
        return cls(shape.c, columns, rows, max(2 * shape.across / columns, 2 * shape.up / rows))

    def row(self, y: int) -> list[float]:
        """The smooth step count of every sample in a row."""
        left, imaginary = (1 - self.columns) / 2, ((self.rows - 1) / 2 - y) * self.step
        return [_steps(complex((left + x) * self.step, imaginary), self.c) for x in range(self.columns)]


def _upper_half(grid: _Grid, shades: list[int]) -> list[bytes]:
    """The rows of pixels from the top to the middle one."""
    rows = [b""] * ((grid.rows + 2) // 4)
    stayed, longest = 0, 0.0
    # In scattered order: rows near the middle take longer, and this way the remaining time is right from the
    # start.
    scattered = sorted(range(len(rows)), key=lambda y: y * 0.618034 % 1)
    for y in track(scattered, text="rows and their mirror images"):
        upper, lower = grid.row(2 * y), grid.row(2 * y + 1)
        rows[y] = _pixels(upper, lower, shades)
        stayed += upper.count(LIMIT) + lower.count(LIMIT)
        longest = max([longest, *(steps for steps in upper + lower if steps < LIMIT)])
    print(f"The last point to leave took {longest:.0f} steps; {stayed} samples were still there after {LIMIT}.")
    return rows


def _steps(z: complex, c: complex) -> float:
    """How many steps z takes to leave, with a fraction that makes it smooth; LIMIT if it stays."""
    for step in range(4, LIMIT + 1, 4):
        # Four at a time is twice as fast. Noticing late does no harm: the fraction accounts for the distance.
        z = z * z + c
        z = z * z + c
        z = z * z + c
        z = z * z + c
        distance = abs(z)
        if distance > 20:
            return max(0.0, step - log2(log(distance)))
    return LIMIT


def _shades(palette: str, shape: Shape) -> list[int]:
    """A colour for every step count, spread over the range found in a rough sketch of the shape."""
    sketch = _Grid.fitting(shape, SKETCH_WIDTH, SKETCH_HEIGHT)
    found = sorted(steps for y in range(SKETCH_HEIGHT // 2) for steps in sketch.row(y) if steps < LIMIT)
    nearest, farthest = found[0], found[int(len(found) * 0.998)]
    stops = [_packed(bytes.fromhex(colour)) for colour in palette.split()]
    ramp = _ramp(stops, 2048)
    scale = (len(ramp) - 1) / log(farthest / nearest)
    counts = [max(nearest, number / SHADES_PER_STEP) for number in range(LIMIT * SHADES_PER_STEP)]
    return [ramp[min(len(ramp) - 1, int(log(count / nearest) * scale))] for count in counts] + [ramp[-1]]


def _ramp(stops: list[int], length: int) -> list[int]:
    """The colours of the stops and `length` steps between them."""
    each = length // (len(stops) - 1)
    return [_blend(a, b, number / each) for a, b in pairwise(stops) for number in range(each)] + stops[-1:]


def _blend(a: int, b: int, share: float) -> int:
    return _packed(
        bytes(round(one + (other - one) * share) for one, other in zip(_unpacked(a), _unpacked(b), strict=True))
    )


# Colours are packed into one number, 16 bits for each part, so that one addition adds all three.
def _packed(colour: bytes) -> int:
    red, green, blue = colour
    return red << 32 | green << 16 | blue


def _unpacked(colour: int) -> bytes:
    return bytes((colour >> 32 & 255, colour >> 16 & 255, colour & 255))


def _pixels(upper: list[float], lower: list[float], shades: list[int]) -> bytes:
    """One row of pixels from two rows of samples: each pixel is the mean of four."""
    above = [shades[int(steps * SHADES_PER_STEP)] for steps in upper]
    below = [shades[int(steps * SHADES_PER_STEP)] for steps in lower]
    fours = zip(above[::2], above[1::2], below[::2], below[1::2], strict=True)
    return b"".join([_unpacked((a + b + c + d) >> 2) for a, b, c, d in fours])


def _mirrored(row: bytes) -> bytes:
    """The pixels from right to left, each still red, green, blue."""
    turned = bytearray(len(row))
    for part in range(3):
        turned[part::3] = row[part::3][::-1]
    return bytes(turned)
