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
coverage.py  how often the product's intervals hold the truth of these

    python -m benchmarks.copying_reader.games --policies similarity advantage --orders 12

games.py        the same for text games: a player that copies walkthroughs
game_stream.py  how games are won and lost, on one order of the tasks
game_cells.py   what is kept of games and streams
"""
