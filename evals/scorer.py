"""Loads a user's custom scorer by name."""

import inspect

from memento.evals.import_by_name import import_by_name
from memento.memory.errors import InvalidInput
from memento.nodes.scoring.custom import BESIDE, Scorer, takes

_WANTED = (
    "a function of (task, answer, references) that returns a reward from 0 to 1, or None when it cannot tell; it may "
    "have the keywords run and results"
)


def load_scorer(name: str) -> Scorer:
    """Load a scorer for `Deps(scorer=...)`, from `package.module:function`. Blocking: it imports.

    Unit tests: `def passes(task, answer, references): return run_tests_on(answer).returncode == 0`
    Tool calls:  `def saved(task, answer, references, *, results): return "saved" in results[-1]["result"]`
    SQL results: `async def same(task, answer, references): return await rows(answer) == await rows(references[0])`

    Args:
        name: of a function, async or not; modules of the working directory count too.

    Raises:
        InvalidInput: there is no such function, or it does not take a task, an answer and references.
    """
    scorer = import_by_name(name, wanted=_WANTED)
    try:
        inspect.signature(scorer).bind("task", "answer", [], **{name: None for name in BESIDE if takes(scorer, name)})
    except TypeError as error:
        raise InvalidInput(f"{name} should be {_WANTED}; it cannot be called so: {error}") from error
    except ValueError:  # written in C: it does not say what it takes
        pass
    return scorer
