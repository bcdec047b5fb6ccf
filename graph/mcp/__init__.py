"""MCP client: tools of external MCP servers, none of which is trusted.

config.py       Parses the `mcpServers` file, as Claude Desktop, Cursor and VS Code write it
child.py        Runs an MCP server as a child process: JSON lines over stdin and stdout
remote.py       Connects to a remote MCP server over HTTP
connection.py   Connection to one MCP server: started on first use, restarted when it died, all waits limited
definitions.py  Sanitises the tool definitions of an MCP server for a model's tool list
results.py      Converts results of MCP tools to text; images, audio and files are saved in the run's workspace
tools.py        Wraps an MCP tool as a LangChain tool: failures become `ToolError`s, files go into the run's workspace
servers.py      All MCP servers of a config file; one that fails does not affect the others
listing.py      Parses a server's tool list tool by tool, so that a malformed one does not drop the others
"""
