"""Settings: each has one name in four places, and the nearer place wins."""

import json
import os
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from auralis_trio.cli import main
from auralis_trio.config import (
    Settings,
    default_data_dir,
    descriptions,
    flag_of,
    is_list,
    load_settings,
    variable_of,
)
from auralis_trio.errors import StartupError

NAMES = Settings.__struct_fields__
DEFAULTS: dict[str, Any] = msgspec.structs.asdict(Settings())
README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")


def others(name: str) -> list[Any]:
    """Three values of a setting's kind that differ from its default and from each other."""
    default = DEFAULTS[name]
    if isinstance(default, bool):
        return [not default, default, not default]
    if is_list(name):
        return [("one",), ("one", "two"), ("three",)]
    if name == "log_level":
        return ["debug", "warning", "error"]
    if isinstance(default, str):
        return ["one", "two", "three"]
    return [type(default)(2000 + step) for step in range(3)]


def as_text(name: str, value: Any) -> str:
    """A value as the environment holds it."""
    if is_list(name):
        return ("," if name == "allow_host" else os.pathsep).join(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def write_toml(folder: Path, text: str) -> str:
    path = folder / "settings.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("name", NAMES)
def test_flags_win_over_the_environment_and_that_over_the_file(name: str, tmp_path: Path) -> None:
    in_file, in_environment, in_flags = others(name)
    # JSON writes strings, numbers, truths and lists as TOML does.
    config = write_toml(tmp_path, f"{name} = {json.dumps(in_file)}")
    environment = {variable_of(name): as_text(name, in_environment)}

    assert getattr(load_settings({}, {}), name) == DEFAULTS[name]
    assert getattr(load_settings({}, {}, config), name) == in_file
    assert getattr(load_settings({}, environment, config), name) == in_environment
    assert getattr(load_settings({name: in_flags}, environment, config), name) == in_flags
    assert getattr(load_settings({name: None}, environment, config), name) == in_environment
    if is_list(name):
        assert getattr(load_settings({name: []}, environment, config), name) == in_environment


@pytest.mark.parametrize("name", NAMES)
def test_only_the_named_setting_changes(name: str) -> None:
    settings = load_settings({name: others(name)[0]}, {})
    changed = {other for other in NAMES if getattr(settings, other) != DEFAULTS[other]}
    assert changed == {name}


@pytest.mark.parametrize("name", NAMES)
def test_a_setting_has_the_same_name_everywhere(name: str) -> None:
    assert flag_of(name) == "--" + name.replace("_", "-")
    assert variable_of(name) == "AURALIS_" + name.upper()
    assert re.fullmatch(r"[a-z][a-z0-9_]*", name)


def test_every_setting_is_described() -> None:
    assert set(descriptions()) == set(NAMES)
    assert all(descriptions().values())


@pytest.mark.parametrize("command", ["serve", "scan"])
def test_the_command_line_explains_every_setting(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main([command, "--help"])
    assert caught.value.code == 0
    shown = " ".join(capsys.readouterr().out.split())
    missing = [name for name in NAMES if name != "folders" and flag_of(name) not in shown]
    assert missing == []
    assert "--config" in shown


@pytest.mark.parametrize("name", NAMES)
def test_the_readme_names_every_setting(name: str) -> None:
    shown = "FOLDER" if name == "folders" else f"`{flag_of(name)}`"
    assert shown in README


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("max_") or name.endswith("_bytes")])
def test_a_bound_is_a_whole_number(name: str) -> None:
    assert type(DEFAULTS[name]) is int


@pytest.mark.parametrize("name", [name for name in NAMES if isinstance(DEFAULTS[name], float)])
def test_a_time_carries_its_unit_in_its_name(name: str) -> None:
    assert name.endswith("_s")


@pytest.mark.parametrize("name", [name for name in NAMES if isinstance(DEFAULTS[name], float)])
@pytest.mark.parametrize("value", ["0", "-1", "nan", "inf", "1e9", "soon", ""])
def test_a_time_that_cannot_be_waited_for_is_refused(name: str, value: str) -> None:
    with pytest.raises(StartupError):
        load_settings({}, {variable_of(name): value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("port", "-1"),
        ("port", "65536"),
        ("port", "http"),
        ("port", "80.5"),
        ("port", ""),
        ("log_level", "loud"),
        ("log_level", "INFO"),
        ("log_level", "info\n"),
        ("allow_remote", "perhaps"),
        ("allow_remote", ""),
        ("scan_at_start", "2"),
        ("max_sessions", "0"),
        ("max_connections", "1000001"),
        ("max_message_bytes", "1023"),
        ("max_message_bytes", str(16 * 1024**2 + 1)),
        ("max_body_bytes", "-1"),
        ("chunk_cache_bytes", "256 MB"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused_in_plain_words(name: str, value: str) -> None:
    with pytest.raises(StartupError) as caught:
        load_settings({}, {variable_of(name): value})
    assert name in caught.value.message
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("port", "0", 0),
        ("port", "65535", 65_535),
        ("allow_remote", "true", True),
        ("allow_remote", "1", True),
        ("scan_at_start", "false", False),
        ("scan_at_start", "0", False),
        ("stall_timeout_s", "2.5", 2.5),
        ("stall_timeout_s", "3", 3.0),
        ("max_message_bytes", "1024", 1024),
        ("max_body_bytes", "0", 0),
        ("folders", os.pathsep.join(["/music", "", "/more music"]), ("/music", "/more music")),
        ("folders", "", ()),
        ("folders", "/music, mostly", ("/music, mostly",)),
        ("allow_host", "music.lan:8443, other.lan", ("music.lan:8443", "other.lan")),
        ("allow_host", "[fd00::1]:8765", ("[fd00::1]:8765",)),
    ],
)
def test_the_environment_is_read_as_it_is_written(name: str, value: str, expected: object) -> None:
    assert getattr(load_settings({}, {variable_of(name): value}), name) == expected


@pytest.mark.parametrize("text", ["prot = 1", "[server]\nport = 1", "Port = 1"])
def test_a_name_in_the_file_that_is_no_setting_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(StartupError, match="A setting cannot be used"):
        load_settings({}, {}, write_toml(tmp_path, text))


@pytest.mark.parametrize("text", ["port = ", "port 1", "port = 1\nport = 2"])
def test_a_file_that_is_not_toml_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(StartupError, match="not valid TOML"):
        load_settings({}, {}, write_toml(tmp_path, text))


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_bytes(b"host = '\xff'")
    with pytest.raises(StartupError, match="not valid TOML"):
        load_settings({}, {}, str(tmp_path / "settings.toml"))


@pytest.mark.parametrize("name", ["absent.toml", ""])
def test_a_file_that_cannot_be_read_is_refused_without_its_path(name: str, tmp_path: Path) -> None:
    with pytest.raises(StartupError) as caught:
        load_settings({}, {}, str(tmp_path / name))
    assert str(tmp_path) not in caught.value.message


def test_the_environment_names_the_file_unless_a_flag_does(tmp_path: Path) -> None:
    config = write_toml(tmp_path, "port = 1111")
    (tmp_path / "other.toml").write_text("port = 2222")
    environment = {"AURALIS_CONFIG": config}
    assert load_settings({}, environment).port == 1111
    assert load_settings({}, environment, str(tmp_path / "other.toml")).port == 2222


def test_other_variables_are_none_of_our_business() -> None:
    assert (
        load_settings({}, {"AURALIS_": "x", "AURALIS_NONSENSE": "x", "PORT": "1", "auralis_port": "1"}) == Settings()
    )


def test_the_data_lie_where_xdg_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", "/somewhere")
    assert default_data_dir() == "/somewhere/auralis-trio"
    monkeypatch.setenv("XDG_DATA_HOME", "")
    monkeypatch.setenv("HOME", "/home/listener")
    assert default_data_dir() == "/home/listener/.local/share/auralis-trio"


def test_settings_never_change() -> None:
    with pytest.raises(AttributeError):
        Settings().port = 1  # type: ignore[misc]
