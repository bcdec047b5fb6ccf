"""Reads replies of chat models: every model call gets a parsed reply or a named error from here.

call_model.py     Awaits one chat model call, parses its reply, and maps failures to named errors
model_reply.py    A parsed reply of a chat model: text without chain of thought, tool calls, and how it ended
endings.py        Classifies how a reply ended: finish reasons of all providers, and refusals
thoughts.py       Removes a chain of thought that a server leaves in the reply's text
text_calls.py     Parses tool calls that a model writes as text, for servers that do not parse them
json_objects.py   Finds JSON objects in a text, inside fences or prose
within_errors.py  Recovers replies from exceptions of client libraries that could not parse them
sanitise.py       Normalises replies so that any provider, checkpointer and tool accepts them back
streaming.py      Whether the reply of a chat model comes in one piece or as a stream, and how to ask for it
pieces_seen.py    Callback that passes a chat model's reply on in pieces while it is generated
answer_text.py    Incremental JSON parser: the final answer's text, out of a reply that is still being generated
pieces.py         Joins a reply that was cut off with its continuation
"""
