"""The author's own line at which a job failed, as the worker saw it.

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("asyncinweb_jobs", sa.Column("source_line", sa.Text()))
