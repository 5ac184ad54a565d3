"""The one table of settings: name, type, default, unit, help. `configuration` reads them from outside.

Separate from reading them, because child processes get a finished `Settings` and need no more.
"""

import ipaddress
import os
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, field_validator

PACKAGE = Path(__file__).resolve().parent


def asset_dir(name: str) -> Path:
    """`templates` or `static`: inside the package in a wheel, beside it in a checkout."""
    inside = PACKAGE / name
    return inside if inside.is_dir() else PACKAGE.parent / name


def default_instance() -> Path:
    """`instance` beside run.py in a checkout, in the working folder otherwise."""
    beside = PACKAGE.parent
    return (beside if (beside / "run.py").is_file() else Path.cwd()) / "instance"


def _words(value: object) -> object:
    """A comma-separated text as a list."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


Words = Annotated[tuple[str, ...], BeforeValidator(_words)]
Seconds = Annotated[float, Field(gt=0, le=86_400)]


class Settings(BaseModel):
    """All settings, checked. Immutable; the same in every process of one start."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8000, ge=0, le=65_535, description="Port to listen on. 0 picks a free one.")
    workers: int = Field(
        default_factory=lambda: os.cpu_count() or 1,
        ge=1,
        le=256,
        description="Number of worker processes. Default: one per CPU.",
    )
    tasks: Words = Field(
        ("asyncinweb.tasks.demo",), min_length=1, description="Modules or .py files that define tasks."
    )
    instance: Path = Field(default_factory=default_instance, description="Folder for the database and job files.")
    job_folder: Literal["own", "start"] = Field(
        "own",
        description="own: each worker runs its jobs in its own folder, emptied after each job. start: in the "
        "folder where the server was started.",
    )
    database_url: str = Field("", description="SQLite database. Empty: asyncinweb.db in the instance folder.")
    poll_seconds: Seconds = Field(5.0, description="Seconds between two refreshes of a live page.")
    grace_seconds: float = Field(
        10.0, ge=0, le=86_400, description="Seconds that running jobs get to finish when the server stops."
    )
    kill_after_seconds: Seconds = Field(
        2.0, description="Seconds a job can ignore a stop request before its process is killed."
    )
    lease_seconds: Seconds = Field(
        30.0, description="Seconds without a heartbeat after which another host's workers count as dead."
    )
    heartbeat_seconds: Seconds = Field(5.0, description="Seconds between two heartbeats in the database.")
    idle_poll_seconds: Seconds = Field(
        1.0, description="Seconds after which an idle worker looks for work without a wake-up."
    )
    durability: Literal["full", "normal"] = Field(
        "full",
        description="full: an accepted job survives a power cut. normal: faster, but it survives only a crash.",
    )
    keep_days: float = Field(30.0, gt=0, description="Days to keep finished jobs with their logs and files.")
    max_upload_mb: float = Field(100.0, gt=0, description="Largest total size of the files in one form, in MB.")
    max_result_mb: float = Field(100.0, gt=0, description="Largest result of a job, in MB.")
    max_log_mb: float = Field(
        10.0, ge=0.001, description="Log kept for each attempt, in MB: its beginning and its end."
    )
    max_queued_per_owner: int = Field(1000, ge=1, description="Jobs one visitor can have waiting.")
    max_running_per_owner: int | None = Field(
        None, ge=1, description="Jobs one visitor can have running at once. Empty: no limit."
    )
    max_jobs_per_worker: int | None = Field(
        None, ge=1, description="Jobs after which a worker process is replaced. Empty: never."
    )
    max_worker_mb: float | None = Field(
        None, gt=0, description="Memory in MB above which a worker is replaced after its job. Empty: never."
    )
    allowed_hosts: Words = Field(
        (), description="Host names the server answers to, besides localhost and its own address."
    )
    trusted_proxy: str = Field(
        "", description="Address of the reverse proxy whose X-Forwarded-… headers are trusted. Empty: none."
    )
    listed_jobs: Literal["all", "own"] = Field(
        "all", description="all: lists show everyone's jobs. own: lists show visitors only their own jobs."
    )
    insecure_no_auth: bool = Field(
        False,
        description="Serve without sign-in on an address others can reach. Anyone there can do anything. "
        "Only works as an option.",
    )
    secret_key: SecretStr = Field(
        SecretStr(""), description="Signs what browsers store. Empty: created once in instance/secret.key."
    )

    @field_validator("instance")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    @field_validator("database_url")
    @classmethod
    def _sqlite_file(cls, value: str) -> str:
        if value and (not value.startswith("sqlite:///") or value in ("sqlite:///", "sqlite:///:memory:")):
            raise ValueError("it must name a SQLite file, such as sqlite:////srv/jobs/asyncinweb.db")
        # Now: the server does not stay in the folder where it was started.
        return value and f"sqlite:///{Path(value.removeprefix('sqlite:///')).absolute()}"

    @field_validator("max_running_per_owner", "max_jobs_per_worker", "max_worker_mb", mode="before")
    @classmethod
    def _empty_is_no_limit(cls, value: object) -> object:
        return None if value == "" else value

    @field_validator("trusted_proxy")
    @classmethod
    def _one_address(cls, value: str) -> str:
        try:
            return str(ipaddress.ip_address(value.strip())) if value.strip() else ""
        except ValueError:
            raise ValueError("it must be the IP address of one reverse proxy, such as 127.0.0.1") from None

    @field_validator("durability", "host", mode="before")
    @classmethod
    def _trimmed(cls, value: object) -> object:
        return value.strip() if isinstance(value, str) else value

    def without_secrets(self) -> "Settings":
        """The same settings for a process that runs other people's code."""
        return self.model_copy(update={"secret_key": SecretStr("")})

    @property
    def database_path(self) -> Path:
        """The SQLite file."""
        if self.database_url:
            return Path(self.database_url.removeprefix("sqlite:///"))
        return self.instance / "asyncinweb.db"

    @property
    def max_upload_bytes(self) -> int:
        return int(self.max_upload_mb * 1_000_000)

    @property
    def max_result_bytes(self) -> int:
        return int(self.max_result_mb * 1_000_000)

    @property
    def max_log_bytes(self) -> int:
        return int(self.max_log_mb * 1_000_000)

    @property
    def is_loopback(self) -> bool:
        """True if only this machine can reach the server."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"
