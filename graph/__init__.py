"""Wires nodes, memory, models and tools into the workflow; settings, threads and the served app."""
