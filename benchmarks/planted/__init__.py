"""A simulated stream of tasks with planted case effects. Nothing here is evidence about real agents.

world.py     what is simulated: parameters, scenarios, the generator
stream.py    plays a policy of the product on a stream, step by step
"""
