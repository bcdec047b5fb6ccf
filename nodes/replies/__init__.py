"""The one reader of chat models' replies: whoever asks a model gets its reply, or a named error, from here.

call_model.py  one call of a model: its reply read, its failure named
model_reply.py    what a reply says: its text without thoughts, its calls, how it ended
endings.py        finish reasons of all providers, and refusals
thoughts.py       a chain of thought that a server leaves in the text
text_calls.py     tool calls that a model writes as text
json_objects.py   JSON objects in a text
within_errors.py  replies inside the exceptions of client libraries
sanitise.py  replies as every provider, checkpointer and tool takes them back
streaming.py      calls whose reply must come in one piece
"""
