"""The partial result of a running job.

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("asyncinweb_jobs", sa.Column("partial_no", sa.Integer()))
    op.add_column("asyncinweb_jobs", sa.Column("partial_at", sa.Float()))
    # The last column: reading the columns before it must not read over a value that can be large.
    op.add_column("asyncinweb_jobs", sa.Column("partial_result", sa.Text()))
