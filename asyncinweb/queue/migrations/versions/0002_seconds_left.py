"""The time that a running job still needs, by its own rate.

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("asyncinweb_jobs", sa.Column("seconds_left_low", sa.Float()))
    op.add_column("asyncinweb_jobs", sa.Column("seconds_left_high", sa.Float()))
