"""Importers of other systems' records: one file a source, one neutral record, one door into the memory.

record.py         The neutral record that every importer yields, and the options of an import
registry.py       The kinds of files, and which kind a file is
door.py           Streams records into a case memory: redacted, deduplicated, in quarantine
record_door.py    Neutral records as experiences and cases of a namespace, without secrets
report.py         What an import reports
json_rows.py      JSON lines, arrays and documents of any size as a stream of values
side_table.py     What one pass over an export leaves for the next: scores and tool calls, by run
scores.py         A source's scores as one outcome, or unknown
conversations.py  Chat messages as attempts: task, tool calls, reply
payloads.py       Task and answer in a traced run's input and output
facts.py          Remembered facts, which are no attempts
claude_code.py    Transcripts of Claude Code
codex.py          Transcripts of Codex
langsmith.py      LangSmith runs with their feedback
langfuse.py       Langfuse traces with their scores
openai_chat.py    Chat logs in OpenAI's form
chatgpt.py        The data export of ChatGPT
mem0.py           Memories of mem0
langmem.py        Memories of LangMem
letta.py          Agents of Letta
zep.py            Sessions and facts of Zep
cases.py          Our own export, and the reference implementation's files
"""
