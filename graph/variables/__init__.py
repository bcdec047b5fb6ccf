"""Environment variables of the process, by what they set; `Settings` in graph/settings.py has them all.

memory.py        where cases are kept, how they are encoded and chosen, for how long
collection.py    how a Qdrant server keeps them
models.py        who plans, acts, judges, sees and hears, and where those models are
tools.py         what the executor's tools may use: folders, the sandbox, search engines, MCP servers
server.py        who may use the served graph
names.py         names of variables, and messages about them
"""
