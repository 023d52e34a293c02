"""Tests of the manifests, without a cluster."""
