"""Jobs, attempts, supervisors and workers."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "asyncinweb_attempts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("job_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("claim_no", sa.Integer(), nullable=False),
        sa.Column("worker_id", sa.String(length=40), nullable=True),
        sa.Column("started_at", sa.Float(), nullable=True),
        sa.Column("ended_at", sa.Float(), nullable=False),
        sa.Column("reason", sa.String(length=24), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("traceback", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="asyncinweb_attempts_pk"),
    )
    op.create_index("asyncinweb_attempts_job", "asyncinweb_attempts", ["job_id", "id"])

    op.create_table(
        "asyncinweb_jobs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("slug", sa.String(length=32), nullable=False),
        sa.Column("task", sa.Text(), nullable=False),
        sa.Column("arguments", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=24), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("traceback", sa.Text(), nullable=True),
        sa.Column("result", sa.Text(), nullable=True),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=True),
        sa.Column("unique_key", sa.Text(), nullable=True),
        sa.Column("idempotency_key", sa.Text(), nullable=True),
        sa.Column("rerun_of", sa.String(length=32), nullable=True),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("run_at", sa.Float(), nullable=True),
        sa.Column("started_at", sa.Float(), nullable=True),
        sa.Column("finished_at", sa.Float(), nullable=True),
        sa.Column("cancel_requested_at", sa.Float(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("max_attempts", sa.Integer(), nullable=False),
        sa.Column("crashes", sa.Integer(), nullable=False),
        sa.Column("interruptions", sa.Integer(), nullable=False),
        sa.Column("claim_no", sa.Integer(), nullable=False),
        sa.Column("worker_id", sa.String(length=40), nullable=True),
        sa.Column("timeout_seconds", sa.Float(), nullable=True),
        sa.Column("on_crash", sa.String(length=8), nullable=False),
        sa.Column("keep_days", sa.Float(), nullable=True),
        sa.Column("expires_at", sa.Float(), nullable=True),
        sa.Column("progress_done", sa.Float(), nullable=True),
        sa.Column("progress_total", sa.Float(), nullable=True),
        sa.Column("progress_text", sa.Text(), nullable=True),
        sa.Column("reported_at", sa.Float(), nullable=True),
        sa.CheckConstraint(
            "(finished_at IS NOT NULL) = (state IN ('completed', 'failed', 'cancelled'))",
            name=op.f("asyncinweb_jobs_finished_when_final"),
        ),
        sa.CheckConstraint(
            "(reason IS NOT NULL) = (state = 'failed')", name=op.f("asyncinweb_jobs_reason_when_failed")
        ),
        sa.CheckConstraint(
            "(worker_id IS NOT NULL) = (state = 'processing')", name=op.f("asyncinweb_jobs_worker_when_processing")
        ),
        sa.CheckConstraint(
            "state IN ('scheduled', 'queued', 'processing', 'completed', 'failed', 'cancelled')",
            name=op.f("asyncinweb_jobs_known_state"),
        ),
        sa.CheckConstraint(
            "attempts >= 0 AND interruptions >= 0 AND crashes >= 0", name=op.f("asyncinweb_jobs_counts")
        ),
        sa.PrimaryKeyConstraint("id", name="asyncinweb_jobs_pk"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "asyncinweb_jobs_claim",
        "asyncinweb_jobs",
        ["state", sa.literal_column("priority DESC"), "rank", "id", "task", "owner"],
        sqlite_where=sa.text("state = 'queued'"),
    )
    op.create_index(
        "asyncinweb_jobs_due", "asyncinweb_jobs", ["state", "run_at"], sqlite_where=sa.text("state = 'scheduled'")
    )
    op.create_index(
        "asyncinweb_jobs_expiry", "asyncinweb_jobs", ["expires_at"], sqlite_where=sa.text("expires_at IS NOT NULL")
    )
    op.create_index(
        "asyncinweb_jobs_finished",
        "asyncinweb_jobs",
        ["finished_at"],
        sqlite_where=sa.text("finished_at IS NOT NULL AND expires_at IS NULL"),
    )
    op.create_index(
        "asyncinweb_jobs_idempotency_key",
        "asyncinweb_jobs",
        ["owner", "idempotency_key"],
        unique=True,
        sqlite_where=sa.text("idempotency_key IS NOT NULL"),
    )
    op.create_index("asyncinweb_jobs_owner", "asyncinweb_jobs", ["owner", "id"])
    op.create_index("asyncinweb_jobs_slug", "asyncinweb_jobs", ["slug"], unique=True)
    op.create_index("asyncinweb_jobs_state", "asyncinweb_jobs", ["state", "id"])
    op.create_index("asyncinweb_jobs_task", "asyncinweb_jobs", ["task", "id"])
    op.create_index(
        "asyncinweb_jobs_unique_key",
        "asyncinweb_jobs",
        ["unique_key"],
        unique=True,
        sqlite_where=sa.text("unique_key IS NOT NULL AND state IN ('scheduled', 'queued', 'processing')"),
    )
    op.create_index(
        "asyncinweb_jobs_waiting_of_owner",
        "asyncinweb_jobs",
        ["owner", "priority", "rank"],
        sqlite_where=sa.text("state IN ('scheduled', 'queued')"),
    )

    op.create_table(
        "asyncinweb_supervisors",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("boot_id", sa.Text(), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("pid_started", sa.Text(), nullable=False),
        sa.Column("wake_port", sa.Integer(), nullable=True),
        sa.Column("workers", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.Float(), nullable=False),
        sa.Column("heartbeat_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="asyncinweb_supervisors_pk"),
    )
    op.create_table(
        "asyncinweb_workers",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("supervisor_id", sa.String(length=40), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("boot_id", sa.Text(), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("pid_started", sa.Text(), nullable=False),
        sa.Column("started_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="asyncinweb_workers_pk"),
    )
    op.create_index("asyncinweb_workers_supervisor", "asyncinweb_workers", ["supervisor_id"])
