"""A real experiment that needs no key and no network: what does the memory do for a frozen language model?

engine.py      the packaged SmolLM2-135M, decoding among a finite number of replies
reader.py      its forward pass, several prompts at a time
readings.py    what was read before, in a file that runs share
chat_model.py  the same as a LangChain chat model, for the product's planner
one_step.py    plans of one step with a name from a list, and how a model of this size is asked for one
families.py    the tasks: real questions to be sent to the right desk, and house rules
vote.py        the control without a model: the majority of the very same cases
regression.py  the control that is told everything: a regression on the right names of all earlier tasks
degraded.py    streams with a search that came too late, which are run again
streams.py     a run's streams, with the controls beside them
figures.py     tables with intervals
kept_tables.py those of docs/results.md, made from the streams that are kept with the code (kept/)
pictures.py    their learning curves, in docs/evaluation
agreement.py   whether llama.cpp, as the product runs it, chooses the same
"""
