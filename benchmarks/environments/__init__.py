"""Published environments, measured: what they cost, and whether cases make a frozen 135M play in them.

floors.py      tasks, speed, memory, length of observations, random actions, walkthroughs
__main__.py    the frozen model in a mixed stream of text games, with all controls
player.py      the frozen model as a player
figures.py     games won, differences of arms by environment, and the tables

In the experiment the model's weights never change; it chooses among the actions that the game allows. After a game that
is not won, the memory is told the game's walkthrough (`--feedback correction`), or nothing but the score (`--feedback
reward`). Controls that could take the claim away run beside it: no memory, the same four demonstrations for everybody,
as many random successes, replays of the best case and random actions without a model.

What was chosen on the dev split, before a game of the test split was played: that the model reads its actions as a list to
go on with (player.py; over CookingWorld with corrections, 60 games, .17 won for .11 as turns of a chat in JSON and .01 as
bare turns). Temperatures .5 and .25 did not differ. All else is a default: 4 cases, exploration, estimator, prompts.
"""
