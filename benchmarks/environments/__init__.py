"""Published environments, measured: what they cost, and whether cases make a frozen 135M play in them.

floors.py          tasks, speed, memory, length of observations, random actions, walkthroughs
__main__.py        the frozen model in a mixed stream of text games, with all controls
player.py          the frozen model as a player
figures.py         games won, and differences of arms by environment
kept_tables.py     their tables in docs/results.md, made from the streams that are kept with the code (kept/)

In the experiment the model's weights never change; it chooses among the actions that the game allows. After a game that
is not won, the memory is told the game's walkthrough (`--feedback correction`), or nothing but the score (`--feedback
reward`). Controls that could take the claim away run beside it: no memory, the same four demonstrations for everybody,
as many random successes, replays of the best case and random actions without a model.

What was chosen on the dev split: that the model reads its actions as a list to go on with, and what it saw in lines
of its own (player.py). With corrections, in 60 games of CookingWorld each, `advantage` won .32 so, .17 with the
action before what was seen, .11 with a chat's turns in JSON and .01 with a chat's turns of bare actions.
Temperatures .5 and .25 did not differ. All else is a default: 4 cases, exploration, estimator, prompts. Some 230
games of the test split had been played with the second form when the first was found; they were thrown away. Two orders
of the test split that were played with the dials as they are were lost with their machine; no dial was changed since.
"""
