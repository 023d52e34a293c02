"""Recorded klines in files: found, put in order, and read in chunks that can be resumed and shared out by symbol."""

from __future__ import annotations

from dataflow.recorded.files import Chunks, RecordedFile
from dataflow.recorded.find import read_bars, recorded_files

__all__ = ["Chunks", "RecordedFile", "read_bars", "recorded_files"]
