"""Kline history in MySQL or SQLite, in either of the layouts that such databases have."""

from __future__ import annotations

from state.klines.rows import BadRow
from state.klines.store import KlineStore
from state.klines.writing import Written

__all__ = ["BadRow", "KlineStore", "Written"]
