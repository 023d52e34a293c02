"""Recorded files: found, put in order, read in chunks, resumed, shared out, and refused in one line."""

from __future__ import annotations

import gzip
import json
import os
import pickle
import zipfile
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest

from dataflow.recorded import RecordedFile, read_bars, recorded_files
from dataflow.recorded.lines import BLOCK_BYTES
from operators.messages import MAX_MESSAGE_BYTES
from operators.rows import BadInput, parse_chunk
from operators.times import format_time
from state.bar import Bar
from state.errors import StopProgram

HEADER = "time,open,high,low,close,volume"
JANUARY_MS = 1_704_067_200_000
QUARTER_MS = 900_000


def row(index: int, start_ms: int = JANUARY_MS) -> str:
    return f"{format_time(start_ms + index * QUARTER_MS)},10.0,12.0,9.0,11.0,{index}.0"


def bar(index: int, start_ms: int = JANUARY_MS) -> Bar:
    return Bar(start_ms + index * QUARTER_MS, 10.0, 12.0, 9.0, 11.0, float(index))


def csv_text(count: int, start_ms: int = JANUARY_MS) -> str:
    return "\n".join([HEADER, *[row(index, start_ms) for index in range(count)]]) + "\n"


def dump_text(count: int) -> str:
    lines = [f"{(JANUARY_MS + i * QUARTER_MS) * 1000},10.0,12.0,9.0,11.0,{i}.0,0,0,0,0,0,0" for i in range(count)]
    return "\n".join(lines) + "\n"


def json_text(count: int) -> str:
    k = {"s": "BTCUSDT", "i": "15m", "o": 10, "h": "12", "l": 9, "c": 11, "x": True}
    events = [{"e": "kline", "s": "BTCUSDT", "k": {**k, "t": bar(i).open_time_ms, "v": i}} for i in range(count)]
    return "\n".join(json.dumps(event) for event in events)


def shares_text() -> str:
    """Two symbols, in turn, with a bad row and a blank one between them."""
    lines = ["symbol," + HEADER]
    for index in range(4):
        lines += [f"BTCUSDT,{row(index)}", f"ETHUSDT,{row(index)}"]
    lines[5:5] = ["no such row", ""]
    return "\n".join(lines)


def zipped(path: Path, **entries: str | bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return path


def written(path: Path, content: str | bytes) -> Path:
    data = content.encode() if isinstance(content, str) else content
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" and not data.startswith(b"\x1f\x8b") else data)
    return path


def only(file: Path, **flags: str) -> RecordedFile:
    (found,) = recorded_files([file], symbol=flags.get("symbol"), timeframe=flags.get("timeframe"))
    return found


def bars_of(*paths: Path, **flags: str) -> list[tuple[str, Bar]]:
    bad: list[BadInput] = []
    bars = list(read_bars(paths, on_bad=bad.append, **flags))
    assert bad == []
    return bars


THREE_BARS = [("BTCUSDT|15m", bar(index)) for index in range(3)]


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("BTCUSDT-15m.csv", csv_text(3)),
        ("btcusdt_15m.csv", csv_text(3)),
        ("btcusdt_klines_15m.csv", csv_text(3)),
        ("BTCUSDT-15m-2024-01.csv", dump_text(3)),
        ("BTCUSDT-15m.csv", "\ufeff" + csv_text(3)),
        ("BTCUSDT-15m.csv", "\ufeff" + dump_text(3)),
        ("BTCUSDT-15m.csv", csv_text(3).replace("\n", "\r\n")),
        ("BTCUSDT-15m.csv", "\n\r\n" + csv_text(3).replace("\n", "\n\n")),
        ("BTCUSDT-15m.csv", csv_text(3).rstrip("\n")),
        ("BTCUSDT-15m", csv_text(3)),
        ("anything.jsonl", json_text(3)),
        ("anything.csv", json_text(3)),
        ("anything.ndjson", "\n" + json_text(3) + '\n{"result":null,"id":1}\n\n'),
        ("anything.json", '{"e":"trade"}\n' + json_text(3)),
    ],
)
def test_same_bars_from_every_format(tmp_path: Path, name: str, content: str, suffix: str) -> None:
    assert bars_of(written(tmp_path / (name + suffix), content)) == THREE_BARS


@pytest.mark.parametrize(
    ("zip_name", "entry", "content"),
    [
        ("BTCUSDT-15m-2024-01.zip", "BTCUSDT-15m-2024-01.csv", dump_text(3)),
        ("BTCUSDT-15m-2024-01.zip", "klines.csv", csv_text(3)),
        ("klines.zip", "BTCUSDT-15m.csv", csv_text(3)),
        ("klines.zip", "folder/BTCUSDT-15m.csv.gz", gzip.compress(csv_text(3).encode(), mtime=0)),
        ("klines.zip", "anything.jsonl", json_text(3)),
        ("klines.zip", "../../../etc/BTCUSDT-15m.csv", csv_text(3)),
        ("klines.zip", "..\\BTCUSDT-15m.csv", csv_text(3)),
    ],
)
def test_same_bars_from_a_zip(tmp_path: Path, zip_name: str, entry: str, content: str | bytes) -> None:
    path = zipped(tmp_path / zip_name, **{entry: content, "README.txt": "no rows", "__MACOSX/._a.csv": "\0"})
    assert bars_of(path) == THREE_BARS
    assert bars_of(written(tmp_path / f"{zip_name}.gz", path.read_bytes())) == THREE_BARS
    assert sorted(tmp_path.iterdir()) == [path, tmp_path / f"{zip_name}.gz"]


def test_zip_with_several_files_is_each_of_them(tmp_path: Path) -> None:
    path = zipped(tmp_path / "all.zip", **{"b/ETHUSDT-15m.csv": csv_text(1), "a/BTCUSDT-15m.csv": csv_text(1)})
    files = recorded_files([path])
    assert [file.name for file in files] == [f"{path}!a/BTCUSDT-15m.csv", f"{path}!b/ETHUSDT-15m.csv"]
    assert bars_of(path) == [("BTCUSDT|15m", bar(0)), ("ETHUSDT|15m", bar(0))]


def test_month_in_a_dumps_name(tmp_path: Path) -> None:
    path = written(tmp_path / "BTCUSDT_240329-1mo-2024-01.csv", csv_text(1))
    assert bars_of(path) == [("BTCUSDT_240329|1M", bar(0))]


def test_symbol_column_wins_over_the_name(tmp_path: Path) -> None:
    path = written(tmp_path / "burst-15m.csv.gz", f"symbol,{HEADER}\nETHUSDT,{row(0)}\nADAUSDT,{row(0)}")
    assert bars_of(path) == [("ETHUSDT|15m", bar(0)), ("ADAUSDT|15m", bar(0))]


def test_flags_win_over_the_name_and_stand_in_for_it(tmp_path: Path) -> None:
    assert bars_of(written(tmp_path / "ETHUSDT-1h.csv", csv_text(3)), symbol="btcusdt", timeframe="15m") == THREE_BARS
    assert bars_of(written(tmp_path / "klines.csv", csv_text(3)), symbol="BTCUSDT", timeframe="15m") == THREE_BARS
    assert bars_of(written(tmp_path / "BTCUSDT.csv", csv_text(3)), timeframe="15m") == THREE_BARS


def test_files_come_by_the_time_of_their_first_bar_then_by_path(tmp_path: Path) -> None:
    late = written(tmp_path / "BTCUSDT-15m-a.csv", csv_text(1, JANUARY_MS + QUARTER_MS))
    early = written(tmp_path / "BTCUSDT-15m-b.csv", f"{HEADER}\nbad row\n{row(0)}")
    also_early = written(tmp_path / "BTCUSDT-15m-c.jsonl", '{"e":"trade"}\n' + json_text(1))
    unknown = written(tmp_path / "BTCUSDT-15m-0.csv", HEADER)
    files = recorded_files([late, unknown, also_early, early])
    assert [file.path for file in files] == [early, also_early, late, unknown]
    assert [file.first_time_ms for file in files] == [JANUARY_MS, JANUARY_MS, JANUARY_MS + QUARTER_MS, None]


def test_directory_stands_for_the_kline_files_below_it(tmp_path: Path) -> None:
    (tmp_path / "spot" / "2024").mkdir(parents=True)
    (tmp_path / ".cache").mkdir()
    wanted = [
        written(tmp_path / "spot" / "2024" / "BTCUSDT-15m.csv", csv_text(1)),
        written(tmp_path / "spot" / "ETHUSDT-15m.CSV.GZ", gzip.compress(csv_text(1).encode())),
        written(tmp_path / "x.jsonl", json_text(1)),
        zipped(tmp_path / "z.zip", **{"ADAUSDT-15m.csv": csv_text(1)}),
    ]
    for name in ("notes.txt", ".hidden.csv", "BTCUSDT-15m.csv.CHECKSUM", ".cache/BTCUSDT-15m.csv"):
        written(tmp_path / name, "not klines")
    assert {file.path for file in recorded_files([tmp_path])} == set(wanted)
    assert len(recorded_files([tmp_path, *wanted, tmp_path / "spot" / ".." / "x.jsonl"])) == len(wanted)


def test_bad_rows_are_named_and_skipped(tmp_path: Path) -> None:
    path = written(tmp_path / "BTCUSDT-15m.csv", f"{HEADER}\n{row(0)}\n\nno\n{row(1)}\n\0\xff\n{row(2)}")
    bad: list[BadInput] = []
    assert list(read_bars([path], on_bad=bad.append)) == THREE_BARS
    assert [item.where for item in bad] == [f"{path}:4", f"{path}:6"]
    assert list(read_bars([path])) == THREE_BARS


def test_overlong_lines_are_bad_rows(tmp_path: Path) -> None:
    longest = row(1) + "0" * (MAX_MESSAGE_BYTES - len(row(1)))
    lines = [
        HEADER,
        row(0),
        "x" * (3 * MAX_MESSAGE_BYTES),
        longest,
        longest + "0",
        row(2),
        "y" * (2 * MAX_MESSAGE_BYTES),
    ]
    path = written(tmp_path / "BTCUSDT-15m.csv.gz", "\n".join(lines))
    bad: list[BadInput] = []
    assert list(read_bars([path], on_bad=bad.append)) == THREE_BARS
    assert [item.where for item in bad] == [f"{path}:3", f"{path}:5", f"{path}:7"]
    assert {item.reason for item in bad} == {"line is longer than 1048576 bytes"}


def many_rows(path: Path) -> RecordedFile:
    """A file of several blocks, with bad rows and blank ones."""
    lines = csv_text(4 * BLOCK_BYTES // len(row(0))).split("\n")
    for number in range(7, len(lines), 501):
        lines[number] = "" if number % 2 else "no"
    return only(written(path, "\n".join(lines)))


def test_chunks_join_up(tmp_path: Path) -> None:
    file = many_rows(tmp_path / "BTCUSDT-15m.csv")
    chunks = list(file.chunks(chunk_size=300))
    lines = [line for _, chunk in chunks for line in chunk.lines]
    rows = [text for _, chunk in chunks for text in chunk.rows]
    assert lines == list(range(2, len(lines) + 2))
    assert rows == file.path.read_text().rstrip("\n").split("\n")[1:]
    assert max(len(chunk.rows) for _, chunk in chunks) == 300
    assert [next_row for next_row, _ in chunks] == [chunk.lines[-1] for _, chunk in chunks]


@pytest.mark.parametrize("name", ["BTCUSDT-15m.csv", "BTCUSDT-15m.csv.gz"])
def test_every_row_to_start_from_resumes_exactly(tmp_path: Path, name: str) -> None:
    file = many_rows(tmp_path / name)
    everything = [item for _, chunk in file.chunks() for item in parse_chunk(chunk)]
    done: list[tuple[str, Bar] | BadInput] = []
    for (next_row, chunk), _ in zip(file.chunks(chunk_size=1777), range(12), strict=False):
        done += parse_chunk(chunk)
        rest = [item for _, later in file.chunks(next_row) for item in parse_chunk(later)]
        assert done + rest == everything
    assert list(file.chunks(10**9)) == []


def test_progress_goes_from_nothing_to_the_packed_size(tmp_path: Path) -> None:
    random = Random(1)
    noise = "\n".join(f"{row(i)[:-2]}.{random.randrange(10**9)}" for i in range(20_000))
    path = written(tmp_path / "BTCUSDT-15m.csv.gz", f"{HEADER}\n{noise}")
    file = only(path)
    chunks = file.chunks()
    seen = [chunks.bytes_read, *[chunks.bytes_read for _ in chunks]]
    assert seen[0] == 0
    assert all(before <= after for before, after in pairwise(seen))
    assert len(set(seen)) > 2
    assert seen[-1] == file.size_bytes == path.stat().st_size


def test_progress_in_a_zip_is_that_of_the_entry(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", **{"BTCUSDT-15m.csv": csv_text(9), "ETHUSDT-15m.csv": csv_text(5000)})
    for file in recorded_files([path]):
        chunks = file.chunks()
        assert len(list(chunks)) > 0
        assert chunks.bytes_read == file.size_bytes < path.stat().st_size


def test_readers_share_out_a_file_by_symbol(tmp_path: Path) -> None:
    path = written(tmp_path / "burst-15m.csv", shares_text())
    file = only(path)

    def items(*symbols: str) -> list[tuple[str, Bar] | BadInput]:
        chunks = file.chunks(chunk_size=2, keep=lambda symbol: symbol in symbols)
        return [item for _, chunk in chunks for item in parse_chunk(chunk)]

    assert items("ETHUSDT") == [("ETHUSDT|15m", bar(index)) for index in range(4)]
    assert items("BTCUSDT") == [("BTCUSDT|15m", bar(index)) for index in range(4)]
    assert [item.where for item in items("NO SUCH ROW", "") if isinstance(item, BadInput)] == [f"{path}:6"]


def test_shared_reader_resumes_where_its_chunk_ended(tmp_path: Path) -> None:
    file = only(written(tmp_path / "burst-15m.csv", shares_text()))
    first, second, *_ = file.chunks(chunk_size=1, keep=lambda symbol: symbol == "ETHUSDT")
    again, *_ = file.chunks(first[0], chunk_size=1, keep=lambda symbol: symbol == "ETHUSDT")
    assert again == second


def test_reader_without_a_share_reads_nothing(tmp_path: Path) -> None:
    file = only(written(tmp_path / "BTCUSDT-15m.csv", csv_text(3)))
    assert list(file.chunks(keep=lambda symbol: symbol == "ETHUSDT")) == []


def test_messages_are_shared_out_too(tmp_path: Path) -> None:
    both = json_text(2) + "\n" + json_text(2).replace("BTCUSDT", "ETHUSDT")
    file = only(written(tmp_path / "both.jsonl", both))
    chunks = [chunk for _, chunk in file.chunks(keep=lambda symbol: symbol == "ETHUSDT")]
    assert [line for chunk in chunks for line in chunk.lines] == [3, 4]
    assert [item for chunk in chunks for item in parse_chunk(chunk)] == [("ETHUSDT|15m", bar(i)) for i in range(2)]


def test_file_travels_to_another_process(tmp_path: Path) -> None:
    file = only(written(tmp_path / "BTCUSDT-15m.csv", csv_text(3)))
    assert list(pickle.loads(pickle.dumps(file)).chunks()) == list(file.chunks())  # noqa: S301


def test_closing_before_the_end(tmp_path: Path) -> None:
    chunks = only(written(tmp_path / "BTCUSDT-15m.csv", csv_text(3))).chunks(chunk_size=1)
    next(chunks)
    chunks.close()
    assert list(chunks) == []


def test_truncated_gzip_gives_its_rows_and_then_stops(tmp_path: Path) -> None:
    random = Random(2)
    text = HEADER + "\n" + "\n".join(f"{row(i)[:-2]}.{random.randrange(10**9)}" for i in range(20_000))
    path = written(tmp_path / "BTCUSDT-15m.csv.gz", gzip.compress(text.encode())[:-50_000])
    bars: list[tuple[str, Bar]] = []
    bad: list[BadInput] = []
    with pytest.raises(StopProgram) as caught:
        bars.extend(read_bars([path], on_bad=bad.append))
    assert 10_000 < len(bars) < 20_000
    assert bad == []
    assert str(caught.value).startswith(f"{path}: corrupt after line {len(bars) + 1}: ")


def test_flag_does_not_merge_files_of_several_symbols(tmp_path: Path) -> None:
    btc, eth = (written(tmp_path / f"{symbol}-15m.csv", csv_text(1)) for symbol in ("BTCUSDT", "ETHUSDT"))
    with pytest.raises(StopProgram, match=r"--symbol ADAUSDT would merge 'BTCUSDT' .* and 'ETHUSDT'"):
        recorded_files([btc, eth], symbol="ADAUSDT")
    hourly = written(tmp_path / "BTCUSDT-1h.csv", csv_text(1))
    with pytest.raises(StopProgram, match=r"--timeframe 15m would merge '15m' .* and '1h'"):
        recorded_files([btc, hourly], timeframe="15m")


def test_flag_does_not_merge_the_symbols_of_a_column(tmp_path: Path) -> None:
    path = written(tmp_path / "burst-15m.csv", shares_text())
    bad: list[BadInput] = []
    bars = list(read_bars([path], symbol="ADAUSDT", on_bad=bad.append))
    assert bars == [("ADAUSDT|15m", bar(index)) for index in range(4)]
    assert [item.where for item in bad] == [f"{path}:{line}" for line in (3, 5, 6, 9, 11)]


def test_gzip_of_several_members(tmp_path: Path) -> None:
    members = [gzip.compress(f"{text}\n".encode()) for text in (HEADER, row(0), row(1), row(2))]
    assert bars_of(written(tmp_path / "BTCUSDT-15m.csv.gz", b"".join(members))) == THREE_BARS


STOPPING: list[tuple[str, str | bytes, str]] = [
    ("BTCUSDT-15m.csv", b"", "is empty"),
    ("BTCUSDT-15m.csv", b"\n\r\n  \n", "is empty"),
    ("BTCUSDT-15m.csv.gz", b"", "is empty"),
    ("BTCUSDT-15m.jsonl", b"", "is empty"),
    ("BTCUSDT-15m.csv", Random(3).randbytes(5000), "not klines"),
    ("BTCUSDT-15m.csv", b"\0" * 5000, "not klines"),
    ("BTCUSDT-15m.csv", b"x" * (2 * MAX_MESSAGE_BYTES), "first line is longer"),
    ("BTCUSDT-15m.csv", csv_text(1).encode("utf-16"), "not klines"),
    ("BTCUSDT-15m.csv", "a,b\n1,2", "not klines"),
    ("BTCUSDT-15m.csv", "[[1,2,3]]", "not klines"),
    ("BTCUSDT-15m.csv.gz", b"\x1f\x8b\x08\x00garbage", "cannot be read"),
    ("BTCUSDT-15m.csv.gz", gzip.compress(csv_text(1).encode(), mtime=0)[:12], "cannot be read"),
    ("BTCUSDT-15m.zip", b"no zip", "is not a zip file"),
    ("BTCUSDT-15m.zip", b"PK\x03\x04garbage", "cannot be read"),
    ("BTCUSDT-15m.zip", b"PK\x05\x06" + b"\0" * 18, "in this zip"),
    ("BTCUSDT-7m.csv", csv_text(1), "unknown timeframe '7m'"),
    ("BTCUSDT-1s-2024-01.csv", dump_text(1), "unknown timeframe '1s'"),
    ("klines.csv", csv_text(1), "--symbol"),
    ("BTCUSDT.csv", csv_text(1), "--timeframe"),
]


@pytest.mark.parametrize(("name", "content", "expected"), STOPPING)
def test_unusable_file_stops_with_one_clear_line(
    tmp_path: Path, name: str, content: str | bytes, expected: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(StopProgram) as caught:
        recorded_files([path])
    line = str(caught.value)
    assert line.startswith(f"{path}: ")
    assert expected in line
    assert "\n" not in line
    assert len(line) < len(str(path)) + 300


def test_zip_packed_by_an_unbounded_method_stops(tmp_path: Path) -> None:
    path = tmp_path / "BTCUSDT-15m.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("BTCUSDT-15m.csv", csv_text(1))
    with pytest.raises(StopProgram, match="expected stored or deflated"):
        recorded_files([path])


@pytest.mark.parametrize("name", ["a-15m.csv", "a-15m.jsonl", "a-15m.csv.gz", "a-15m.zip"])
@pytest.mark.parametrize("start", [b"", b"\x1f\x8b\x08\x00", b"PK\x03\x04", b"{", f"{HEADER}\n".encode()])
def test_any_bytes_are_bad_rows_or_stop(tmp_path: Path, name: str, start: bytes) -> None:
    for seed in range(20):
        (tmp_path / name).write_bytes(start + Random(seed).randbytes(300 * seed))
        with suppress(StopProgram):
            assert list(read_bars([tmp_path / name])) == []


def test_missing_path_stops(tmp_path: Path) -> None:
    with pytest.raises(StopProgram, match=r"none\.csv: .*[Nn]o such file"):
        recorded_files([tmp_path / "none.csv"])


def test_directory_without_klines_stops(tmp_path: Path) -> None:
    written(tmp_path / "notes.txt", "nothing")
    with pytest.raises(StopProgram, match=r"no \.csv"):
        recorded_files([tmp_path])


def test_what_is_no_file_stops(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "BTCUSDT-15m.csv")
    with pytest.raises(StopProgram, match="neither a file nor a directory"):
        recorded_files([tmp_path / "BTCUSDT-15m.csv"])


@pytest.mark.parametrize("at", range(0, 400, 7))
def test_damaged_zip_stops_or_is_read(tmp_path: Path, at: int) -> None:
    path = zipped(tmp_path / "BTCUSDT-15m.zip", **{"BTCUSDT-15m.csv": csv_text(50)})
    data = bytearray(path.read_bytes())
    data[at % len(data)] ^= 0xFF
    path.write_bytes(data)
    items: list[tuple[str, Bar]] = []
    with suppress(StopProgram):
        items.extend(read_bars([path]))
    assert items == [("BTCUSDT|15m", bar(index)) for index in range(len(items))]
