"""What a running job has to show so far.

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
    # The last column: reading those before it must not read over what can be large.
    op.add_column("asyncinweb_jobs", sa.Column("partial_result", sa.Text()))
