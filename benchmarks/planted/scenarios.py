"""The numbers of a simulated world, and the scenarios made of them."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Literal, get_args

PoisonKind = Literal["none", "inert", "harmful", "mixed"]
ActionKind = Literal["none", "recipe", "steps", "misleading"]
"""What the cases' actions are: none at all; a text of its own for each case, written by one of a few latent recipes;
three lines out of a pool; or a text of its own that tells nothing of the recipe behind it."""


@dataclass(frozen=True)
class World:
    """Every number of the simulation. Effects are in units of `beta` logits for a set of K such cases."""

    n_topics: int = 10
    dim: int = 32
    noise: float = 1.2
    """Length of an embedding's noise, where its topic's centre has length 1."""
    difficulty_mean: float = -0.37
    difficulty_sd: float = 1.0
    """Of the topics' intercepts b, in logits."""
    beta: float = 1.5
    own_effect: float = 1.0
    """Of a topic's own cases, where it is normal."""
    other_effect: float = 0.0
    """Of cases of other topics."""
    misleading_share: float = 0.4
    """Share of the topics whose nearest cases hurt."""
    misleading_effect: float = -0.6
    """Of a misleading topic's own cases."""
    helper_effect: float = 1.0
    """Of the cases of the one topic that helps a misleading one."""
    quality_sd: float = 0.6
    """Of the cases' hidden qualities, which add to their effect in every topic."""
    label_noise: float = 0.2
    """How often a case's own reward is not the sign of its quality."""
    inert_share: float = 0.03
    """Share of the cases that change nothing, whatever the topic."""
    harmful_share: float = 0.02
    """Share of the cases that hurt, whatever the topic."""
    harmful_effect: float = -1.0
    bank_start: int = 300
    bank_end: int = 300
    """The bank grows evenly from one to the other."""
    drift_at: float = 1.0
    """When topics change their nature, as a share of the stream; 1 is never."""
    drift_misleading_share: float = 0.4
    """Share of misleading topics from then on."""
    poison_kind: PoisonKind = "none"
    poison_share: float = 0.2
    """Share of the bank that is injected, from `poison_from` on."""
    poison_from: float = 0.33
    """As a share of the stream."""
    poison_noise: float = 0.6
    """Noise of injected embeddings: less than that of others puts them nearer to the tasks."""
    action_kind: ActionKind = "none"
    n_recipes: int = 12
    """Latent recipes; with steps the lines there are, three of which make a plan."""
    recipe_effect: float = 0.9
    """Standard deviation over topics and recipes of what a recipe adds to a case's effect."""
    recipe_shared: float = 0.3
    """Share of that variance which is the same in every topic."""
    action_noise: float = 1.2
    """Length of the noise of an action's embedding, where its recipe's centre has length 1."""

    def __post_init__(self) -> None:
        """Refuse what cannot be simulated.

        Raises:
            ValueError: a share outside [0, 1], a bank that shrinks, an unknown kind of poison.
        """
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name.endswith(("_share", "_at", "_from", "label_noise")) and not 0 <= value <= 1:
                raise ValueError(f"{field.name} must be in [0, 1], not {value}")
        if self.n_topics < 3:  # a helper that differs from the topic and from the helper before
            raise ValueError(f"n_topics must be at least 3, not {self.n_topics}")
        if not 0 < self.bank_start <= self.bank_end:
            raise ValueError(f"the bank cannot go from {self.bank_start} to {self.bank_end} cases")
        if self.action_kind not in get_args(ActionKind) or self.n_recipes < 3 or not 0 <= self.recipe_shared <= 1:
            raise ValueError(f"cannot make {self.action_kind} of {self.n_recipes}, {self.recipe_shared} of them shared")
        if self.poison_kind not in get_args(PoisonKind) or self.poison_share == 1:
            raise ValueError(f"cannot inject {self.poison_share} of {self.poison_kind}")


_GROWING = World(bank_start=50, bank_end=1050)
_RECIPE = replace(_GROWING, action_kind="recipe", quality_sd=0.3)

SCENARIOS: Mapping[str, World] = {
    "fixed": World(),
    "growing": _GROWING,
    "clean": replace(_GROWING, misleading_share=0.0),
    "weak": replace(_GROWING, beta=0.5),
    "drift": replace(_GROWING, drift_at=0.5),
    "poisoning": replace(_GROWING, poison_kind="mixed"),
}
"""Cases without actions: what they are worth shows in their states and in what came of them."""

ACTION_SCENARIOS: Mapping[str, World] = {
    "recipe": _RECIPE,
    "steps": replace(_RECIPE, action_kind="steps", n_recipes=24),
    "misleading texts": replace(_RECIPE, action_kind="misleading"),
}
"""Cases with actions, no two of which are the same text; played by name, so that the bars stay those of the others.

recipe            a text is near those of its recipe, and what a recipe does depends on the topic
steps             plans of three lines, which other plans have too
misleading texts  a control: a text is near those of another recipe than its own
"""
