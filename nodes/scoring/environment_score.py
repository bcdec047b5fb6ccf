"""Environment score: the reward is what the environment gave for the last episode of a run."""

from memento.nodes.scoring.grade import Grade, unknown
from memento.nodes.scoring.parts import Answered, Scored, ScoringParts


def has_episode(answered: Answered) -> bool:
    """Whether any of the run's subtasks was carried out in an environment."""
    return any("score" in result for result in answered.results)


async def score_by_environment(answered: Answered, _: ScoringParts) -> Scored:
    """Take the score of the last episode; one that a budget ended has the score that it had until then."""
    episodes = [result for result in answered.results if "score" in result]
    if not episodes:
        return _unknown("nothing was played in an environment")
    last = episodes[-1]
    score = last.get("score")
    if score is None:
        return _unknown(f"the episode has no score: {last['result']}")
    return Scored(Grade(score, "environment"))


def _unknown(reason: str) -> Scored:
    return Scored(unknown("environment", reason), error_class="tool")
