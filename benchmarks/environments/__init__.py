"""Published environments: what they cost, and whether cases make a frozen model of 135M play that cannot play without.

Text games of four kinds come in one stream, mixed. The model's weights never change; it chooses among the actions that
the game allows. After a game that is not won, the memory is told the game's walkthrough (`--feedback correction`), or
nothing but the score (`--feedback reward`). Every control that could take the claim away runs beside it: no memory,
the same four demonstrations for everybody, as many random successes, replays of the best case and random actions
without a model.

floors.py    tasks, speed, memory, length of observations, random actions, walkthroughs
__main__.py  the mixed stream
"""
