"""Interactive figures: plotly and bokeh as our own HTML document, altair as a drawing.

The document holds the library's own script, taken from the author's installation, and the figure as JSON. It names
the hash of each script, and its page lets no other script run (docs/decisions/011). The libraries are recognised
by their modules' names, which are already imported if there is a figure of theirs.
"""

import base64
import functools
import hashlib
import importlib
import io
import json
from collections.abc import Callable, Sequence
from typing import Any

from asyncinweb.tasks.outputs.jsonable import attribute
from asyncinweb.tasks.outputs.return_value import ReturnValue, described, utf8

STYLE = """
html, body, #figure { height: 100%; margin: 0; }
body { background: #fff; color: #1f2328; font: 16px/1.5 system-ui, sans-serif; }
#words { margin: 0; padding: 16px; }
#words:empty { display: none; }
"""
# Margins that leave room for the figure on a phone, unless the author has set some.
PLOTLY = """
const words = document.getElementById("words");
const figure = JSON.parse(document.getElementById("data").textContent);
const margin = { l: 56, r: 24, t: figure.layout.title ? 64 : 32, b: 48 };
const config = Object.assign({ displaylogo: false }, figure.config, { responsive: true });
words.textContent = "";
Plotly.newPlot("figure", figure.data, Object.assign({ margin }, figure.layout), config).catch(() => {
  document.getElementById("figure").remove();
  words.textContent =
    "Parts of this figure, such as a map, come from the web, and nothing from there is loaded here. " +
    "To see it, download the figure and open the file.";
});
"""
BOKEH = """
document.getElementById("words").textContent = "";
Bokeh.embed.embed_item(JSON.parse(document.getElementById("data").textContent), "figure");
"""
# Pixels, of a figure that doesn't say how high it is.
HEIGHT = 480
LOWEST, HIGHEST = 160, 1600
NOT_HERE = (
    "This chart loads its drawing library from the web, so it isn't shown here. To see it, download it and open "
    "the file. To show it on the page, install vl-convert-python on the server."
)


def plotly_figure(value: Any) -> ReturnValue | None:
    """A figure of plotly."""
    if not _comes_from(value, "plotly") or not callable(attribute(value, "to_plotly_json")):
        return None
    return _made(value, lambda: _plotly(value))


def bokeh_figure(value: Any) -> ReturnValue | None:
    """A figure, a layout or a widget of bokeh."""
    if not _comes_from(value, "bokeh") or not callable(attribute(value, "references")):
        return None
    return _made(value, lambda: _bokeh(value))


def altair_chart(value: Any) -> ReturnValue | None:
    """An altair chart: drawn if vl-convert-python is installed, otherwise a download."""
    if not _comes_from(value, "altair") or not callable(attribute(value, "to_html")):
        return None
    return _made(value, lambda: _altair(value))


def _comes_from(value: Any, library: str) -> bool:
    return library in _libraries_of(type(value).__mro__)


@functools.lru_cache(maxsize=256)
def _libraries_of(classes: tuple[type, ...]) -> frozenset[str]:
    return frozenset(each.__module__.partition(".")[0] for each in classes)


def _library(name: str) -> Any:
    return importlib.import_module(name)


def _made(value: object, make: Callable[[], ReturnValue]) -> ReturnValue:
    try:
        return make()
    except Exception as error:
        return described(value, "The figure could not be drawn", error)


def _plotly(figure: Any) -> ReturnValue:
    scripts = [_library("plotly.offline").get_plotlyjs(), PLOTLY]
    return _document(scripts, figure.to_json(), attribute(figure.layout, "height"))


def _bokeh(value: Any) -> ReturnValue:
    embed, bundle = _library("bokeh.embed"), _library("bokeh.embed.bundle")
    scripts = bundle.bundle_for_objs_and_resources([value], _library("bokeh.resources").INLINE).js_raw
    return _document([*scripts, BOKEH], json.dumps(embed.json_item(value)), attribute(value, "height"))


def _altair(chart: Any) -> ReturnValue:
    buffer = io.StringIO()
    try:
        chart.save(buffer, format="svg")
    except (ImportError, ValueError):
        return ReturnValue("file", "text/html", "html", utf8(chart.to_html()), NOT_HERE, name="chart.html")
    return ReturnValue("svg", "image/svg+xml", "svg", utf8(buffer.getvalue()))


def _document(scripts: Sequence[str], data: str, height: object) -> ReturnValue:
    """An HTML document in which only these scripts run. `data` is JSON, and cannot end its element. height: in
    pixels, if the figure has one."""
    ours = [_in_html(script) for script in scripts]
    data = data.replace("<", "\\u003c")
    html = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Figure</title>',
        f'<style>{STYLE}</style></head><body><p id="words">Loading the figure…</p><div id="figure"></div>',
        f'<script type="application/json" id="data">{data}</script>',
        *(f"<script>{script}</script>" for script in ours),
        "</body></html>",
    ]
    hashes = tuple(_hash(script) for script in ours)
    pixels = int(height) if isinstance(height, (int, float)) else HEIGHT
    return ReturnValue(
        "html",
        "text/html",
        "html",
        utf8("".join(html)),
        script_hashes=hashes,
        height=min(max(LOWEST, pixels), HIGHEST),
    )


def _in_html(script: str) -> str:
    """The script as a browser reads it, so that its hash is the same there."""
    small = script.lower()
    if "</script" in small or ("<!--" in small and "<script" in small):
        raise ValueError("the library's script cannot be part of a page")
    return script.replace("\r\n", "\n").replace("\r", "\n")


def _hash(script: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(utf8(script)).digest()).decode()
