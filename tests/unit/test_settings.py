"""Settings: option before environment before file before default; a wrong one is named with its origin."""

import os
from pathlib import Path

import pytest

from asyncinweb.configuration import FILE, PREFIX, read_settings
from asyncinweb.errors import SettingError
from asyncinweb.settings import Settings


@pytest.fixture(autouse=True)
def _clean_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No settings of whoever runs the tests, and a working folder of one's own."""
    for name in os.environ:
        if name.upper().startswith(PREFIX):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def write_file(text: str) -> None:
    Path(FILE).write_text(text, encoding="utf-8")


def test_without_anything_said_the_defaults_hold() -> None:
    read = read_settings()

    assert read.settings == Settings(instance=read.settings.instance)
    assert set(read.origins.values()) == {"default"}
    assert read.origins.keys() == Settings.model_fields.keys()


def test_option_goes_before_environment_before_file_before_default(monkeypatch: pytest.MonkeyPatch) -> None:
    write_file('port = 1\nhost = "file"\nworkers = 3\n')
    monkeypatch.setenv("ASYNCINWEB_PORT", "2")
    monkeypatch.setenv("ASYNCINWEB_HOST", "environment")

    read = read_settings({"port": 4, "workers": None})

    found = read.settings
    assert (found.port, found.host, found.workers, found.poll_seconds) == (4, "environment", 3, 5.0)
    assert [read.origins[name] for name in ("port", "host", "workers", "poll_seconds")] == [
        "option",
        "environment",
        "asyncinweb.toml",
        "default",
    ]


def test_lists_are_comma_separated_in_the_environment_and_lists_in_the_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ASYNCINWEB_TASKS", "one, two.py ,")
    write_file('allowed_hosts = ["a.example", "b.example"]\n')

    found = read_settings().settings

    assert found.tasks == ("one", "two.py")
    assert found.allowed_hosts == ("a.example", "b.example")


@pytest.mark.parametrize("name", ["max_running_per_owner", "max_jobs_per_worker", "max_worker_mb"])
def test_a_limit_that_is_left_empty_is_none(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    write_file(f"{name} = 5\n")
    monkeypatch.setenv(f"ASYNCINWEB_{name.upper()}", "")

    assert getattr(read_settings().settings, name) is None


def test_times_may_be_fractions() -> None:
    assert read_settings({"poll_seconds": "0.25"}).settings.poll_seconds == 0.25


@pytest.mark.parametrize(
    ("origin", "where"),
    [
        ("option", "option prot"),
        ("environment", "environment variable ASYNCINWEB_PROT"),
        ("file", "key in asyncinweb.toml"),
    ],
)
def test_an_unknown_setting_is_named_with_its_origin_and_the_nearest_one(
    monkeypatch: pytest.MonkeyPatch, origin: str, where: str
) -> None:
    if origin == "environment":
        monkeypatch.setenv("ASYNCINWEB_PROT", "1")
    if origin == "file":
        write_file("prot = 1\n")

    with pytest.raises(SettingError, match=r"Unknown setting 'prot'.*Did you mean 'port'\?") as refused:
        read_settings({"prot": 1} if origin == "option" else None)

    assert where in str(refused.value)
    assert refused.value.exit_code == 2


def test_a_file_cannot_open_the_server_to_the_network() -> None:
    write_file("insecure_no_auth = true\n")

    with pytest.raises(SettingError, match=r"\(key in asyncinweb.toml\) only works as an option"):
        read_settings()


@pytest.mark.parametrize(
    ("origin", "where"), [("option", "option"), ("environment", "environment"), ("file", "asyncinweb.toml")]
)
def test_a_wrong_value_is_named_with_its_setting_and_origin(
    monkeypatch: pytest.MonkeyPatch, origin: str, where: str
) -> None:
    if origin == "environment":
        monkeypatch.setenv("ASYNCINWEB_PORT", "eighty")
    if origin == "file":
        write_file('port = "eighty"\n')

    with pytest.raises(
        SettingError, match=r"port = 'eighty' \((.*)\) isn't valid: it must be a whole number"
    ) as refused:
        read_settings({"port": "eighty"} if origin == "option" else None)

    assert f"({where})" in str(refused.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("port", 65_536),
        ("port", -1),
        ("workers", 0),
        ("tasks", ""),
        ("poll_seconds", 0),
        ("poll_seconds", "nan"),
        ("lease_seconds", "inf"),
        ("grace_seconds", -1),
        ("durability", "sometimes"),
        ("keep_days", 0),
        ("keep_days", "nan"),
        ("max_log_mb", 0),
        ("max_running_per_owner", 0),
        ("insecure_no_auth", "perhaps"),
        ("database_url", "postgresql://server/jobs"),
        ("database_url", "sqlite:///"),
        ("database_url", "sqlite:///:memory:"),
    ],
)
def test_an_impossible_value_is_refused(name: str, value: object) -> None:
    with pytest.raises(SettingError, match=f"^{name} = .*isn't valid"):
        read_settings({name: value})


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("port", "65536", "port = '65536' (option) isn't valid: it must be at most 65535."),
        ("workers", "two", "workers = 'two' (option) isn't valid: it must be a whole number, such as 12."),
        ("poll_seconds", "0", "poll_seconds = '0' (option) isn't valid: it must be more than 0."),
        ("durability", "ful", "durability = 'ful' (option) isn't valid: it must be 'full' or 'normal'."),
        (
            "insecure_no_auth",
            "perhaps",
            "insecure_no_auth = 'perhaps' (option) isn't valid: it must be yes or no.",
        ),
        ("tasks", "", "tasks = [] (option) isn't valid: it must name at least one."),
        ("max_upload_mb", "much", "it must be a number, such as 3.5."),
        ("database_url", "x", "it must name a SQLite file, such as sqlite:////srv/jobs/asyncinweb.db."),
    ],
)
def test_a_wrong_value_is_told_with_the_cure(name: str, value: str, words: str) -> None:
    with pytest.raises(SettingError) as refused:
        read_settings({name: value})

    assert words in str(refused.value)


@pytest.mark.parametrize("text", ["port = \n", "port = 1\nport = 2\n"])
def test_a_file_that_is_no_toml_is_named(text: str) -> None:
    write_file(text)

    with pytest.raises(SettingError, match=r"Cannot read asyncinweb\.toml"):
        read_settings()


def test_the_database_is_in_the_instance_folder_unless_its_address_says_otherwise(tmp_path: Path) -> None:
    beside = read_settings({"instance": "here"}).settings
    elsewhere = read_settings({"database_url": "sqlite:////srv/jobs/x.db"}).settings
    relative = read_settings({"database_url": "sqlite:///x.db"}).settings

    assert beside.database_path == tmp_path / "here" / "asyncinweb.db"
    assert elsewhere.database_path == Path("/srv/jobs/x.db")
    assert relative.database_path == tmp_path / "x.db"


def test_a_relative_address_means_the_folder_it_was_read_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = read_settings({"database_url": "sqlite:///x.db"}).settings

    monkeypatch.chdir("/")

    assert settings.database_path == tmp_path / "x.db"


@pytest.mark.parametrize(
    ("host", "is_loopback"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("x", False),
    ],
)
def test_only_an_address_of_this_machine_is_a_loopback(host: str, is_loopback: bool) -> None:
    assert read_settings({"host": host}).settings.is_loopback is is_loopback


def test_sizes_are_given_in_megabytes_of_a_million() -> None:
    found = read_settings({"max_log_mb": 0.5, "max_result_mb": 2}).settings

    assert (found.max_log_bytes, found.max_result_bytes) == (500_000, 2_000_000)
