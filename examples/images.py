"""Many pictures in, thumbnails and a ZIP out.

Needs: pip install pillow
Start it with: python run.py --tasks examples/images.py
"""

import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

from PIL import Image, ImageDraw, ImageOps
from pydantic import Field

from asyncinweb import Accept, UploadedFile, current_job, task, track

COLOURS = ("#2563eb", "#16a34a", "#dc2626", "#9333ea")


@task(timeout=600, title="Make thumbnails")
def thumbnails(
    pictures: Annotated[
        list[UploadedFile],
        Accept(".jpg", ".jpeg", ".png", ".webp", max_mb=30),
        Field(max_length=200, description="Leave this empty to try four sample pictures."),
    ] = [],  # noqa: B006 - a task's default is never changed
    size: Annotated[int, Field(ge=16, le=1024, description="Longest side, in pixels.")] = 256,
) -> Path:
    """Make a small version of each picture.

    All of them come back in one ZIP file, and the first few are shown on the page.
    """
    archive = Path("thumbnails.zip")  # in the job's own folder
    with zipfile.ZipFile(archive, "w") as target:
        for number, (name, picture) in enumerate(track(list(opened(pictures)))):
            # Turned as the camera held it, and small.
            small = ImageOps.exif_transpose(picture).convert("RGB")
            small.thumbnail((size, size))
            file = Path(f"{number + 1:03}-{Path(name).stem}.jpg")
            small.save(file, quality=85)
            target.write(file)
            if number < 6:
                current_job.save_file(file.name, file)
            print(f"{name}: {picture.width} x {picture.height} -> {small.width} x {small.height}")
    return archive


def opened(pictures: list[UploadedFile]) -> Iterable[tuple[str, Image.Image]]:
    """The uploaded pictures by name, or samples."""
    if pictures:
        return ((file.name, Image.open(file.path)) for file in pictures)
    return ((f"sample {number}.png", sample(colour)) for number, colour in enumerate(COLOURS, start=1))


def sample(colour: str) -> Image.Image:
    """A circle on white."""
    picture = Image.new("RGB", (900, 600), "white")
    ImageDraw.Draw(picture).ellipse((200, 50, 700, 550), fill=colour)
    return picture
