"""Petrosa originals."""
