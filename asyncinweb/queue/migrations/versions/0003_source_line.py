"""The author's own line at which a job failed, as the worker saw it.

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("asyncinweb_jobs", sa.Column("source_line", sa.Text()))
