"""The case memory and what it learns; knows no LLM and no LangGraph."""
