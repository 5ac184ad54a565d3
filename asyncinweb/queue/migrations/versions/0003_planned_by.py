"""Which supervisor's plan made a job, so that it alone withdraws the job when the plan changes.

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("asyncinweb_jobs", sa.Column("planned_by", sa.String(40)))
