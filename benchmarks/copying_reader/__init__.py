"""A simulated reader on real texts: it copies what worked in the cases shown, as often as a small model does.

House rules and routing (`benchmarks.frozen_model`) with real MiniLM vectors and the product's policies and estimators,
and in the place of the language model a rule fitted to one: seconds a stream instead of an hour, so that hundreds of
orders of the tasks can be played. Nothing here is evidence about real agents.

    python -m benchmarks.copying_reader house --feedback reward --policies advantage similarity_reward --orders 48

reader.py    what is answered, given the cases shown
texts.py     tasks with their vectors, encoded once
stream.py    plays a contestant on one order of the tasks
cells.py     what is kept of a stream
sets.py      many orders of many drawn sets of questions, for intervals to be judged by
games.py     the same for text games: a player that copies walkthroughs
coverage.py  how often the product's intervals hold the truth of these
"""
