"""docker-compose.yml fits its schema, the program and the image; what it starts is as closed as it can be."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from typer.main import get_group

from dataflow.api.settings import ApiSettings, api_settings_of
from dataflow.cli import app
from dataflow.live.settings import Settings, settings_of
from dataflow.settings import StoreSettings
from tests.compose import COMPOSE, OURS, services
from tests.image.dockerfile import read_dockerfile
from tests.nats_server import free_ports, wait_until

ROOT = COMPOSE.parent
BIN = Path(sys.executable).parent
SETTINGS: dict[str, type[StoreSettings]] = {"flow": Settings, "sidecar": ApiSettings}
PORTS = {"flow": Settings.model_fields["health_port"], "sidecar": ApiSettings.model_fields["fastapi_port"]}

# What no setting reads.
INTERPRETERS = {"HOME", "PATH", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED"}

VARIABLE = re.compile(r"\$\{(?P<name>[A-Z_]+)(?::(?P<how>[-?])(?P<text>[^}]*))?\}")
TOKEN = "write:" + "t" * 40

each_of_ours = pytest.mark.parametrize("service", OURS)
each = pytest.mark.parametrize("service", services())


def image_environment() -> dict[str, str]:
    environment = read_dockerfile(ROOT / "Dockerfile")[-1].environment()
    return {name: value for name, value in environment.items() if name not in INTERPRETERS}


def filled(text: str) -> str:
    """A value with its variables' defaults, or something that may be set."""
    given = {"API_TOKENS": TOKEN}
    return VARIABLE.sub(lambda match: match["text"] if match["how"] == "-" else given.get(match["name"], "x"), text)


def environment_of(service: str) -> dict[str, str]:
    own = {name: filled(str(value)) for name, value in services()[service]["environment"].items()}
    return image_environment() | own


def read_beside_settings() -> set[str]:
    """The variables that every command reads."""
    return set(re.findall(r'environ[^"]*"([A-Z_]+)"', (ROOT / "dataflow" / "logs.py").read_text()))


def test_it_fits_the_schema() -> None:
    check = [str(BIN / "check-jsonschema"), "--builtin-schema", "vendor.compose-spec", str(COMPOSE)]
    ended = subprocess.run(check, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout


@each_of_ours
def test_each_variable_is_one_that_the_program_reads(service: str) -> None:
    known = {name.upper() for name in SETTINGS[service].model_fields} | read_beside_settings()
    assert set(services()[service]["environment"]) <= known
    assert set(image_environment()) <= {name.upper() for name in Settings.model_fields} | read_beside_settings()


@each_of_ours
def test_its_values_are_usable(service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment_of(service).items():
        monkeypatch.setenv(name, value)
    if service == "flow":
        assert settings_of().health_host == "0.0.0.0"  # noqa: S104
        assert settings_of().recovery_dir == Path("/data/recovery")
    else:
        assert api_settings_of().tokens()


@each_of_ours
def test_each_command_is_one_of_the_program(service: str) -> None:
    assert services()[service]["command"][0] in get_group(app).commands


@each_of_ours
def test_ports_are_the_defaults(service: str) -> None:
    port = PORTS[service].default
    assert services()[service]["ports"] == [f"127.0.0.1:{port}:{port}"]


@each_of_ours
def test_addresses_are_those_of_services_to_wait_for(service: str) -> None:
    uris = [
        value for name, value in environment_of(service).items() if name in {"NATS_URL", "MYSQL_URI", "MONGODB_URI"}
    ]
    waited_for = services()[service]["depends_on"]
    assert {urlsplit(uri).hostname for uri in uris} == set(waited_for)
    assert all(wait == {"condition": "service_healthy"} for wait in waited_for.values())


@each_of_ours
def test_ours_write_to_data_and_tmp_alone(service: str) -> None:
    found = services()[service]
    assert found["read_only"] is True
    assert found["init"] is True
    volumes = [volume.partition(":")[2] for volume in found.get("volumes", [])]
    assert sorted([*found["tmpfs"], *volumes]) == ["/data", "/tmp"]


@each
def test_all_have_few_rights_come_back_and_are_watched(service: str) -> None:
    found = services()[service]
    assert found["cap_drop"] == ["ALL"]
    assert found["security_opt"] == ["no-new-privileges:true"]
    assert not {"cap_add", "privileged", "network_mode", "pid"} & found.keys()
    assert found["restart"] == "unless-stopped"
    assert found["healthcheck"]["test"][0] == "CMD"
    assert all(port.startswith("127.0.0.1:") for port in found.get("ports", []))


@each
def test_no_password_is_written_down(service: str) -> None:
    secret = re.compile(r"PASSWORD|TOKEN|_URI")
    for name, value in services()[service].get("environment", {}).items():
        if secret.search(name) and name != "MYSQL_RANDOM_ROOT_PASSWORD":
            assert ":?" in value, f"{name} has no variable without a default"


def test_the_example_names_every_variable_and_says_which_must_be_set() -> None:
    used = {match["name"]: match["how"] for match in VARIABLE.finditer(COMPOSE.read_text())}
    lines = (ROOT / ".env.example").read_text().splitlines()
    must = {line.removesuffix("=") for line in lines if re.fullmatch(r"[A-Z_]+=", line)}
    may = {match[1] for match in (re.match(r"# ([A-Z_]+)=", line) for line in lines) if match}
    assert must == {name for name, how in used.items() if how == "?"}
    assert may == {name for name, how in used.items() if how == "-"}


@pytest.fixture
def nats_as_composed(tmp_path: Path) -> Iterator[dict[str, Any]]:
    """NATS started by the words of its service, in a folder and at ports of its own."""
    service, (client, monitor) = services()["nats"], (first := free_ports(2), first + 1)
    program, *words = (str(word) for word in service["command"])
    own = {"/data": str(tmp_path), "8222": str(monitor)}
    process = subprocess.Popen(
        [BIN / program, *(own.get(word, word) for word in words), "-a", "127.0.0.1", "-p", str(client)],
        stderr=subprocess.DEVNULL,
    )
    try:
        yield {"service": service, "monitor": monitor}
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def test_nats_answers_where_it_is_asked_how_it_is(nats_as_composed: dict[str, Any], tmp_path: Path) -> None:
    url = nats_as_composed["service"]["healthcheck"]["test"][-1].replace("8222", str(nats_as_composed["monitor"]))

    def is_well() -> bool:
        try:
            return httpx.get(url, trust_env=False).status_code == 200
        except httpx.TransportError:
            return False

    wait_until(is_well, "NATS to say that it is well")
    assert (tmp_path / "jetstream").is_dir()
