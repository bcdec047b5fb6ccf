"""The numbers of a world in which outcomes are written back as cases, and the worlds made of them."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Literal, get_args

ActionText = Literal["shared", "unique", "misleading"]
"""Attempts with the same action have the same text; or each a text of its own, near the others of its action; or each
a text of its own, as often near those of an action that does the opposite, or near nothing."""


@dataclass(frozen=True)
class WrittenWorld:
    """Every number of such a world. Effects are in logits of success."""

    n_topics: int = 24
    zipf: float = 1.0
    """Exponent of the topics' frequencies; 0 makes all alike."""
    arrival_share: float = 0.0
    """Share of the topics that only arrive along the stream, one after another; the newest are asked about most."""
    dim: int = 48
    noise: float = 1.2
    """Length of an embedding's noise, where its topic's centre has length 1."""
    base_mean: float = -0.9
    base_sd: float = 0.8
    """Of the topics' intercepts."""
    beta: float = 1.2
    """What K cases of effect 1 add by being read, whatever action they took."""
    misleading_share: float = 0.5
    """Share of the topics whose own cases mislead when they are read."""
    own_effect: float = 0.7
    """Of a topic's own cases, where they do not mislead."""
    misleading_effect: float = -0.7
    helper_effect: float = 1.0
    """Of the cases of the one other topic that helps a misleading one."""
    quality_sd: float = 0.6
    """Of how well an attempt was made: it adds to its own success, and to the effect of its case."""
    n_lines: int = 1
    """Lines of an action."""
    vocabulary: int = 12
    """Lines there are to choose from."""
    line_sd: float = 1.2
    """Spread between actions in what they add to success."""
    line_topic_share: float = 0.8
    """Share of that variance that depends on the topic; the rest is the same everywhere."""
    follow: float = 0.45
    """Probability that an attempt follows one case, when one is served; of m cases, 1 - (1 - follow)^m."""
    rewrite: float = 0.0
    """Probability that a line of an action is exchanged for another as it is followed."""
    action_text: ActionText = "shared"
    text_noise: float = 0.8
    """Length of the noise of an action's embedding where texts are unique."""
    unknown_share: float = 0.0
    """Share of outcomes that stay unknown: nothing is learned, and no case is written."""
    wrong_share: float = 0.0
    """Share of the known outcomes that are first told the wrong way round."""
    withdrawn_share: float = 0.2
    """Share of these that are withdrawn later instead of being corrected; their cases are retired."""
    correction_delay: int = 40
    """Most tasks until then."""
    is_graded: bool = False
    """Rewards are quarters instead of 0 or 1."""
    flip_share: float = 0.0
    """Share of rewards told the wrong way round, for good; with a confidence of .5 to .65, others with .85 to 1."""

    def __post_init__(self) -> None:
        """Refuse what cannot be simulated.

        Raises:
            ValueError: a share outside [0, 1], too few topics or lines, an unknown kind of text.
        """
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name.endswith(("_share", "follow", "rewrite")) and not 0 <= value <= 1:
                raise ValueError(f"{field.name} must be in [0, 1], not {value}")
        if self.n_topics < 3:
            raise ValueError(f"n_topics must be at least 3, not {self.n_topics}")
        if not (self.vocabulary >= 2 and self.n_lines >= 1 and self.correction_delay >= 1):
            raise ValueError("an action needs a line, a vocabulary two, and a correction comes at least 1 task later")
        if self.action_text not in get_args(ActionText):
            raise ValueError(f"action_text is one of {get_args(ActionText)}, not {self.action_text!r}")
        if self.action_text == "misleading" and self.vocabulary % 2:
            raise ValueError("misleading texts pair the lines, so that vocabulary must be even")


WORLDS: Mapping[str, WrittenWorld] = {
    "base": WrittenWorld(),
    "recipes": WrittenWorld(
        vocabulary=8, line_sd=1.8, action_text="unique", misleading_share=0.25, beta=0.6, base_mean=-0.7
    ),
    "plans": WrittenWorld(
        n_lines=3, vocabulary=24, rewrite=0.25, line_sd=2.0, misleading_share=0.25, beta=0.6, base_mean=-0.7
    ),
    "new_topics": WrittenWorld(n_topics=60, arrival_share=0.9, zipf=0.0),
    "corrections": WrittenWorld(unknown_share=0.4, wrong_share=0.2),
    "graded": WrittenWorld(is_graded=True, flip_share=0.15),
    "rare_success": WrittenWorld(base_mean=-4.7, base_sd=0.6, beta=2.0, line_sd=1.8, quality_sd=0.6),
    "misleading_texts": replace(WrittenWorld(vocabulary=8, line_sd=1.8), action_text="misleading"),
}
"""base              frequent and rare topics, half of which mislead; twelve actions that recur
recipes           every action is a text of its own, near one of eight recipes; which one helps depends on the topic
plans             plans of three lines; lines recur, whole plans seldom
new_topics        nine of ten topics arrive along the stream
corrections       40 % unknown; 20 % of the rest first told wrong, then corrected or withdrawn by event id
graded            quarters as rewards; 15 % the wrong way round, told with low confidence
rare_success      4 % succeed without memory, on average over seeds
misleading_texts  a control: what an action's text is like says the wrong thing about it, or nothing"""
