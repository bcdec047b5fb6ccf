"""Tools of other people's MCP servers, and nothing of such a server is trusted.

config.py       the `mcpServers` file: what to start or reach, with which time limits and secrets
child.py        a server as a child process: its own group, a small environment, lines of bounded length
remote.py       a server on the network
connection.py   one server: started at first use, restarted when it died, never waited for longer than its limit
definitions.py  what a server says of its tools, bounded; names that a model can be given
results.py      what a call returned, as text; pictures and other files go into the run's workspace
tools.py        a server's tool as a LangChain tool
servers.py      all servers of a file at once: their tools, and why the others have none
"""
