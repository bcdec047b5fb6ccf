"""What is built on the graph: HTTP routes, who is asking, whether it is well; and skills. Nothing imports it but `cli`.

http.py             the app that langgraph.json names
gate.py             what every request passes first
origins.py          hosts and web pages that requests may be for and from
authentication.py   who sends a request
keys.py             API keys, by `memento keys`
jwt_verifier.py     tokens of an issuer
users.py            users, and the namespace of each
identity.py         what LangGraph's server asks about users
owned_resources.py  whose LangGraph's threads, assistants, crons and stored items are
feedback.py         routes for rewards
feedback_tokens.py  signed tokens for the reward of one run
bodies.py           JSON bodies up to a limit
health.py           the route for health
process.py          what one process shares
errors.py           refused requests
skills.py           skills: written by a model from alike cases, listed with their trials
skill_files.py      export of a skill as SKILL.md
skill_code.py       code of a skill: checked and run in the sandbox, a LangChain tool
"""
