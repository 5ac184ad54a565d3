"""An uploaded CSV through pandas: a summary, a table and a figure.

Needs: pip install pandas matplotlib
Start it with: python run.py --tasks examples/report.py
"""

import io
from typing import Annotated

import pandas as pd
from matplotlib.figure import Figure
from pydantic import Field

from asyncinweb import Accept, Markdown, UploadedFile, current_job, task

SAMPLE = """month,region,amount
2026-01,North,1200
2026-01,South,800
2026-02,North,1350
2026-02,South,950
2026-03,North,990
2026-03,South,1480
"""


@task(timeout=600, title="Sales report")
def sales_report(
    orders: Annotated[
        UploadedFile | None,
        Accept(".csv", max_mb=50),
        Field(description="With the columns month, region and amount. Leave it empty to try the sample."),
    ] = None,
) -> dict[str, object]:
    """Sum up a table of orders.

    Adds up the amounts by month and region, and draws them.
    """
    current_job.progress(0, 3, "Reading")
    table = pd.read_csv(orders.path if orders else io.StringIO(SAMPLE))
    missing = {"month", "region", "amount"} - set(table.columns)
    if missing:
        raise ValueError(
            f"The file has no column {', '.join(sorted(missing))}. It has: {', '.join(table.columns)}."
        )
    print(f"Read {len(table)} rows.")

    current_job.progress(1, 3, "Adding up")
    by_month = table.pivot_table(index="month", columns="region", values="amount", aggfunc="sum", fill_value=0)

    current_job.progress(2, 3, "Drawing")
    figure = Figure(figsize=(8, 4))
    axes = figure.subplots()
    by_month.plot.bar(ax=axes, rot=0)
    axes.set_ylabel("amount")

    best = by_month.sum(axis=1).idxmax()
    summary = Markdown(f"**{table['amount'].sum():,.0f}** in total. The best month was **{best}**.")
    return {"Summary": summary, "By month": figure, "Table": by_month}
