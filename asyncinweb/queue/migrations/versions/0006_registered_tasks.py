"""The tasks that workers have loaded, with their limits, so that every reader knows what workers can take.

Revision ID: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("asyncinweb_supervisors", sa.Column("max_running_per_owner", sa.Integer()))
    op.create_table(
        "asyncinweb_tasks",
        sa.Column("supervisor_id", sa.String(40), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("concurrency", sa.Integer()),
        sa.PrimaryKeyConstraint("supervisor_id", "name", name=op.f("asyncinweb_tasks_pk")),
    )
