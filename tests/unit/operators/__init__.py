"""Tests of operators, without any service."""
