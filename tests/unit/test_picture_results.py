"""Results that are pictures: figures, images and drawings, and figures that move."""

import io
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import altair
import numpy
import pandas
import plotly.graph_objects
import pytest
import shapely
from bokeh.layouts import column
from bokeh.models import Div
from bokeh.plotting import figure as bokeh_figure
from outputs_room import PNG, SVG, failing, figure, tree
from PIL import Image

from asyncinweb.tasks.outputs.shapes import to_return_value


@pytest.mark.parametrize(
    "drawn",
    [
        figure,
        lambda: figure().axes[0],
        lambda: pandas.Series([1, 2]).plot(ax=figure().axes[0]),
        lambda: SimpleNamespace(savefig=lambda file, format: file.write(PNG)),
        lambda: SimpleNamespace(_repr_png_=lambda: PNG),
    ],
    ids=["figure", "axes", "pandas plot", "anything with savefig", "anything that notebooks show"],
)
def test_what_can_draw_itself_is_an_image(drawn: Callable[[], object]) -> None:
    output = to_return_value(drawn())

    assert (output.shape, output.media_type, output.warning) == ("image", "image/png", "")
    assert output.data.startswith(b"\x89PNG")


@pytest.mark.parametrize("savefig", [failing, lambda *args, **kwargs: None], ids=["raises", "draws nothing"])
def test_a_figure_that_cannot_be_drawn_is_kept_in_words(savefig: object) -> None:
    output = to_return_value(SimpleNamespace(savefig=savefig))

    assert output.shape == "text"
    assert "The picture could not be drawn" in output.warning
    assert b"namespace(savefig=" in output.data


def test_a_savefig_that_cannot_be_called_is_nothing_special() -> None:
    assert to_return_value(SimpleNamespace(savefig=5)).shape == "json"


@pytest.mark.parametrize(
    "text",
    [
        "<svg></svg>",
        '<?xml version="1.0"?>\n<!-- made by a tool -->\n<!DOCTYPE svg PUBLIC "x" "y">\n<svg a="b"></svg>\n',
    ],
)
def test_a_drawing_is_known_behind_its_prolog(text: str) -> None:
    assert to_return_value(text).shape == "svg"


@pytest.mark.parametrize(
    "drawn",
    [
        lambda: (fig := figure(), fig.axes[0]),
        lambda: (fig := figure(2), numpy.array(fig.axes)),
        lambda: numpy.array(figure(2).axes),
        lambda: figure().axes[0].bar([1, 2], [3, 4]),
        lambda: pandas.DataFrame({"a": [1, 2], "b": [1, 2]}).plot(subplots=True, ax=figure(2).axes),
    ],
    ids=["fig, ax", "fig, axes", "axes", "bars", "pandas subplots"],
)
def test_axes_beside_their_figure_are_one_picture(drawn: Callable[[], object]) -> None:
    assert tree(to_return_value(drawn())) == "image"


# --- images and drawings --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "mode",
    ["1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBX", "RGBa", "CMYK", "YCbCr", "LAB", "HSV", "I", "F"],
)
def test_a_pillow_image_is_a_png_whatever_its_mode(mode: str) -> None:
    found = to_return_value(Image.new(mode, (4, 4)))

    assert (found.shape, found.media_type, found.warning) == ("image", "image/png", "")
    assert Image.open(io.BytesIO(found.data)).size == (4, 4)


@pytest.mark.parametrize(
    ("numbers", "greys"),
    [([0.0, 1.0], [0, 255]), ([0.0, 128.0, 255.0], [0, 128, 255]), ([-5.0, 5.0], [0, 255]), ([7.0, 7.0], [7, 7])],
)
def test_numbers_in_an_image_are_greys_that_can_be_told_apart(numbers: list[float], greys: list[int]) -> None:
    image = Image.new("F", (len(numbers), 1))
    for place, number in enumerate(numbers):
        image.putpixel((place, 0), number)

    drawn = Image.open(io.BytesIO(to_return_value(image).data))

    assert [drawn.getpixel((place, 0)) for place in range(len(numbers))] == greys


def notebook(**methods: Callable[[], object]) -> object:
    return SimpleNamespace(**{f"_repr_{name}_": method for name, method in methods.items()})


def refuse() -> None:
    raise NotImplementedError


@pytest.mark.parametrize(
    ("value", "shape"),
    [
        (SVG, "svg"),
        (bytearray(SVG), "svg"),
        (SVG.decode().encode("utf-16"), "svg"),
        ('<?xml version="1.0" encoding="utf-16"?>' + SVG.decode(), "text"),
        (notebook(png=lambda: None, svg=lambda: SVG.decode()), "svg"),
        (notebook(png=refuse, jpeg=lambda: b"\xff\xd8\xff..."), "image"),
        (shapely.Point(1, 2), "svg"),
        ("<svg width='1'></svg>", "svg"),
        ("<svg><g></svg>", "text"),
        (b"<svg><g></svg>", "file"),
        ("<svg xmlns='http://www.w3.org/1999/xhtml'/>", "text"),
    ],
)
def test_a_drawing_is_shown_only_if_a_browser_can_draw_it(value: object, shape: str) -> None:
    assert to_return_value(value).shape == shape


def test_a_drawing_that_lacks_its_namespace_gets_it_and_a_broken_one_says_where() -> None:
    assert to_return_value("<svg width='1'/>").data == b"<svg xmlns=\"http://www.w3.org/2000/svg\" width='1'/>"
    assert "mismatched tag: line 1" in to_return_value("<svg><g></svg>").warning


# --- figures that move ----------------------------------------------------------------------------------------


def bokeh_plot() -> Any:
    plot = bokeh_figure(width=300, height=200, title="</script><script>alert(1)</script>")
    plot.line([1, 2], [3, 4])
    return plot


@pytest.mark.parametrize(
    "made",
    [
        lambda: plotly.graph_objects.Figure(
            plotly.graph_objects.Scatter(y=[1, 2], name="</script><script>alert(1)")
        ),
        bokeh_plot,
        lambda: column(bokeh_plot(), Div(text="words")),
    ],
    ids=["plotly", "bokeh", "bokeh layout"],
)
def test_a_figure_that_moves_is_a_document_with_the_hashes_of_its_scripts(made: Callable[[], object]) -> None:
    found = to_return_value(made())

    assert (found.shape, found.media_type, found.warning) == ("html", "text/html", "")
    assert found.data.count(b"<script>") == found.data.count(b"</script>") - 1 == len(found.script_hashes)
    assert b"src=" not in found.data.split(b"<script>")[0]
    assert b"alert(1)" not in found.data.split(b"</script>", 1)[1]


@pytest.mark.parametrize(("height", "pixels"), [(None, 480), (300, 300), (10, 160), (9_000, 1_600)])
def test_a_figure_that_moves_has_its_own_height_within_reason(height: int | None, pixels: int) -> None:
    assert to_return_value(plotly.graph_objects.Figure(layout={"height": height})).height == pixels


def test_a_library_script_that_could_end_its_element_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plotly.offline.get_plotlyjs", lambda: "x = '</script>'")

    found = to_return_value(plotly.graph_objects.Figure())

    assert (found.shape, "could not be drawn" in found.warning) == ("text", True)


def chart() -> Any:
    return altair.Chart(pandas.DataFrame({"a": [1]})).mark_bar().encode(x="a")


def test_an_altair_chart_is_a_drawing() -> None:
    found = to_return_value(chart())

    assert (found.shape, found.warning) == ("svg", "")


def test_an_altair_chart_that_nothing_here_can_draw_is_a_download_that_says_why(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    value = chart()
    monkeypatch.setitem(__import__("sys").modules, "vl_convert", None)

    found = to_return_value(value)

    assert (found.shape, found.media_type, found.name) == ("file", "text/html", "chart.html")
    assert "vl-convert-python" in found.warning
