"""Guides on trial against raw cases and guides that are always shown: a simulation through the real memory.

tasks.py     families of tasks, each with a guide that helps, hurts or does nothing
stream.py    one stream of tasks: read, be shown, succeed by chance, write
__main__.py  all arms and streams, and their differences with intervals
"""
