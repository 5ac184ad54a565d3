"""A PDF from a form.

Needs: pip install fpdf2
Start it with: python run.py --tasks examples/document.py
"""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated

from fpdf import FPDF
from pydantic import BaseModel, Field

from asyncinweb import task


class Customer(BaseModel):
    name: Annotated[str, Field(max_length=80)] = "Ada Lovelace"
    address: Annotated[str, Field(max_length=300)] = "12 St James's Square\nLondon"


@task(timeout=60, title="Write an invoice")
def invoice(
    customer: Customer = Customer(),  # noqa: B008 - a task's default is never changed
    item: Annotated[str, Field(max_length=80)] = "Analytical engine, one hour",
    hours: Annotated[int, Field(ge=1, le=1000)] = 8,
    price: Annotated[Decimal, Field(ge=0, decimal_places=2, description="For each hour.")] = Decimal("95.00"),
    due: date | None = None,
) -> Path:
    """Write an invoice as a PDF file."""
    page = FPDF()
    page.add_page()
    page.set_font("Helvetica", size=12)
    page.multi_cell(0, 6, f"{customer.name}\n{customer.address}", new_x="LMARGIN", new_y="NEXT")
    page.ln(12)
    page.set_font("Helvetica", style="B", size=18)
    page.cell(0, 10, "Invoice", new_x="LMARGIN", new_y="NEXT")
    page.set_font("Helvetica", size=12)
    for label, value in (("Item", item), ("Hours", hours), ("Price", price), ("Total", hours * price)):
        page.cell(60, 8, label)
        page.cell(0, 8, str(value), new_x="LMARGIN", new_y="NEXT")
    if due:
        page.ln(6)
        page.cell(0, 8, f"Please pay by {due:%d %B %Y}.")
    file = Path("invoice.pdf")  # in the job's own folder
    page.output(str(file))
    return file
