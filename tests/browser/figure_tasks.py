"""Tasks that return what moves, what pretends to, and several things at once."""

import pandas
import plotly.graph_objects
from bokeh.plotting import figure

from asyncinweb import UploadedFile, task


@task
def plotly_line() -> object:
    """A line that moves"""
    return plotly.graph_objects.Figure(plotly.graph_objects.Scatter(y=[1, 3, 2], name="<b>bold</b>"))


@task
def plotly_map() -> object:
    """A map whose land comes from the web"""
    return plotly.graph_objects.Figure(plotly.graph_objects.Choropleth(locations=["FRA"], z=[1]))


@task
def bokeh_line() -> object:
    """A line of another library"""
    plot = figure(height=240, sizing_mode="stretch_width", title="A line")
    plot.line([1, 2, 3], [3, 1, 2])
    return plot


@task
def everything_at_once(file: UploadedFile | None = None) -> object:
    """Tables, figures and files"""
    frame = pandas.DataFrame({"month": ["May", "June"], "orders": [31, 28]})
    return {
        "Sales": {"North": frame, "South": frame},
        "Figure": plotly_line(),
        "Files": [file, file],
        "Note": "words",
    }
