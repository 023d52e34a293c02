"""The image holds the program and what it runs on, nothing else, and runs without rights on a read-only file system."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import tomllib
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path

import orjson
import pytest
from packaging.requirements import Requirement

from dataflow.api.settings import ApiSettings
from dataflow.live.settings import Settings
from tests.api_server import ApiServer
from tests.compose import health_check
from tests.e2e.command import ta_bot
from tests.image.boxes import can_mount
from tests.image.context import context_files
from tests.image.dockerfile import read_dockerfile
from tests.image.stages import Image, build
from tests.live.market import Market, as_event
from tests.live.outputs import Outputs
from tests.live_bot import LiveBot
from tests.nats_server import NatsServer, Peer

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("config_api", "dataflow", "operators", "state", "strategies")
DEMO = ("demo", "--days", "2", "--seed", "3", "--out", "-")
TOKEN = "write:" + "t" * 40
EVERYTHING = {"SUPPORTED_SYMBOLS": "*", "SUPPORTED_TIMEFRAMES": "*", "SNAPSHOT_SECONDS": "0.2"}

HEALTH_PORT = int(Settings.model_fields["health_port"].default)
API_PORT = int(ApiSettings.model_fields["fastapi_port"].default)

INSTALLED = """
import json
from importlib.metadata import distributions
print(json.dumps({one.metadata["Name"].lower().replace("_", "-"): one.version for one in distributions()}))
"""

TRY_TO_WRITE = """
for file in /in-root /opt/ta-bot/in-prefix /opt/ta-bot/bin/in-bin /data/in-data /tmp/in-tmp; do
    (: > "$file") 2>/dev/null && echo "${file##*/}"
done
true
"""


# The name of the tests says how they ran: where nothing can be mounted, the system's own files stay as they are.
@pytest.fixture(scope="session", params=["read-only root" if can_mount() else "read-only files"])
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Image]:
    """The image, from what of the project a builder is sent."""
    folder = tmp_path_factory.mktemp("image")
    yield build(read_dockerfile(ROOT / "Dockerfile"), ROOT, context_files(ROOT), folder)
    # Hundreds of megabytes, which pytest would keep.
    subprocess.run(["chmod", "-R", "u+w", folder], check=True)
    shutil.rmtree(folder)


@pytest.fixture
def image(built: Image) -> Image:
    """The image with an empty volume."""
    for path in built.path("/data").iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    return built


def output_of(command: list[str]) -> str:
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def is_well(image: Image, service: str, port: int, default_port: int) -> bool:
    """What the health check of docker-compose.yml says."""
    check = image.program(*health_check(service, port, default_port))
    return subprocess.run(check, capture_output=True, check=False).returncode == 0


def version() -> str:
    return str(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"])


def test_it_says_its_version_and_signals_as_the_sources_do(image: Image) -> None:
    assert output_of(image.command("--version")) == f"{version()}\n"
    signals = output_of(image.command(*DEMO))
    assert signals == ta_bot(*DEMO).stdout
    assert signals


def test_it_holds_what_the_lock_says_and_the_program(image: Image) -> None:
    lock = (ROOT / "requirements" / "runtime.lock").read_text().splitlines()
    pinned = [Requirement(line.removesuffix("\\")) for line in lock if re.match(r"[a-z]", line)]
    expected = {one.name: str(one.specifier)[2:] for one in pinned if one.marker is None or one.marker.evaluate()}
    installed = orjson.loads(output_of(image.program("python", "-c", INSTALLED)))
    assert installed == {**expected, "petrosa-ta-bot": version()}
    assert {path.name for path in image.path("/opt").iterdir()} == {"ta-bot"}
    assert not {"src", "wheel"} & {path.name for path in image.path("/").iterdir()}


def test_it_writes_to_its_volume_and_to_tmp_alone_and_has_no_rights(image: Image) -> None:
    written = output_of(image.program("sh", "-c", TRY_TO_WRITE)).split()
    assert written == ["in-data", "in-tmp"]
    status = output_of(image.program("cat", "/proc/self/status"))
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert {int(fields[name], 16) for name in ("CapPrm", "CapEff", "CapBnd", "CapAmb")} <= {0} or not can_mount()
    if image.box.gives_away:
        assert fields["Uid"].split() == fields["Gid"].split() == ["10001"] * 4
        assert fields["NoNewPrivs"].strip() == "1"


def test_the_flow_is_ready_signals_ends_well_and_goes_on(
    image: Image, server: NatsServer, peer: Peer, tmp_path: Path
) -> None:
    market = Market(("ADAUSDT",), days=10)
    bars, expected, outputs = market.bars(), market.signals(), Outputs(peer)
    bot = LiveBot(server.url, tmp_path)
    bot.command = image.command(NATS_URL=server.url, HEALTH_PORT=str(bot.health_port), **EVERYTHING)
    try:
        for life in (bars[: len(bars) // 2], bars[len(bars) // 2 :]):
            bot.start()
            bot.wait_ready()
            assert is_well(image, "flow", bot.health_port, HEALTH_PORT)
            peer.publish(map(as_event, life))
            bot.wait_counted("ta_bars_total", len(life))
            assert bot.end(signal.SIGTERM) == 0, bot.said()
            assert not is_well(image, "flow", bot.health_port, HEALTH_PORT)
    finally:
        if bot.process is not None:
            bot.end(signal.SIGKILL)
    bot.check_log()
    assert list(image.path("/data/recovery").iterdir())
    outputs.check(expected)


def test_the_sidecar_serves_and_ends_well(image: Image, server: NatsServer, tmp_path: Path) -> None:
    api = ApiServer(tmp_path, {})
    addresses = {"NATS_URL": server.url, "FASTAPI_HOST": "0.0.0.0", "FASTAPI_PORT": str(api.port)}  # noqa: S104
    api.command = image.command("api", API_TOKENS=TOKEN, **addresses)
    token = TOKEN.removeprefix("write:")
    try:
        api.start()
        assert is_well(image, "sidecar", api.port, API_PORT)
        api.change("rsi_extreme_reversal/config", token=token, oversold_threshold=30)
        stored = api.ask("GET", "/strategies/rsi_extreme_reversal/config", token=token)
        assert stored["data"]["parameters"]["oversold_threshold"] == 30
        assert api.end(signal.SIGTERM) == 0, api.said()
    finally:
        api.client.close()
        if api.process is not None:
            api.end(signal.SIGKILL)
    assert not is_well(image, "sidecar", api.port, API_PORT)
    assert "Traceback" not in api.said()


def test_a_builder_is_sent_the_modules_and_what_installs_them() -> None:
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", *ROOMS]
    modules = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    others = ["LICENSE", "README.md", "pyproject.toml", "requirements/build.lock", "requirements/runtime.lock"]
    assert context_files(ROOT) == sorted([*others, *(name for name in modules if (ROOT / name).is_file())])


def test_a_builder_is_sent_nothing_secret_or_left_behind(tmp_path: Path) -> None:
    kept = ["dataflow/cli.py", "requirements/runtime.lock", "strategies/petrosa/momentum_pulse.py"]
    left = [
        *(".env", ".git/config", ".venv/bin/python", "dataflow/.env", "dataflow/__pycache__/cli.cpython-312.pyc"),
        *("k8s/secret.yaml", "requirements/dev.lock", "state/ta-bot.sqlite3", "ta-bot.sqlite3", "tests/kit.py"),
        *("shared/klines/BTCUSDT-15m.csv.gz", "id_rsa", "dist/petrosa.whl", "Dockerfile"),
    ]
    for name in (*kept, *left):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    shutil.copy(ROOT / ".dockerignore", tmp_path)
    assert context_files(tmp_path) == kept


def test_the_dockerfile_is_clean_and_says_what_the_program_has() -> None:
    hadolint = Path(shutil.which("hadolint", path=str(ROOT / ".venv" / "bin")) or "hadolint")
    ended = subprocess.run([hadolint, ROOT / "Dockerfile"], capture_output=True, text=True, check=False)
    assert ended.stdout + ended.stderr == ""
    runtime = read_dockerfile(ROOT / "Dockerfile")[-1]
    assert [int(port) for port in runtime.only("EXPOSE").split()] == [API_PORT, HEALTH_PORT]
    (command,) = entry_points(group="console_scripts", name="ta-bot")
    assert orjson.loads(runtime.only("ENTRYPOINT")) == [command.name]
