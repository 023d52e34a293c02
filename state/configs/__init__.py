"""The configuration as it is stored: who changed which parameters of what, when, and what holds now."""

from __future__ import annotations
