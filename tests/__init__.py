"""The test suite. A package, so that shared parts import as `from tests.scripted import ...` from any test."""
