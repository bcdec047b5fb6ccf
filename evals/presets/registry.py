"""The presets by name, and the table of a run that came of one."""

from collections.abc import Sequence

from memento.evals.presets.components import COMPONENT_ABLATION
from memento.evals.presets.continual import CONTINUAL_LEARNING
from memento.evals.presets.differences import differences
from memento.evals.presets.k_sweep import K_SWEEP
from memento.evals.presets.ood import OUT_OF_DISTRIBUTION_GAINS
from memento.evals.presets.preset import Preset, Shape
from memento.evals.presets.table import PaperTable
from memento.evals.runs.plan import RunPlan
from memento.evals.runs.result import TaskResult
from memento.memory.errors import InvalidInput

PRESETS: dict[str, Preset] = {
    preset.name: preset for preset in (K_SWEEP, CONTINUAL_LEARNING, OUT_OF_DISTRIBUTION_GAINS, COMPONENT_ABLATION)
}


def preset_named(name: str) -> Preset:
    """The preset of this name.

    Raises:
        InvalidInput: there is none.
    """
    if name not in PRESETS:
        raise InvalidInput(f"there is no preset {name!r}; there are {', '.join(PRESETS)}")
    return PRESETS[name]


def blank_table(preset: Preset, shape: Shape) -> PaperTable:
    """The paper's figures with nothing beside them: before any run."""
    return PaperTable(
        preset=preset.name,
        title=preset.title,
        source=preset.source,
        measures=dict.fromkeys(preset.measures, ""),
        rows=preset.rows(shape, []),
        differs=list(preset.differs),
    )


def paper_table(plan: RunPlan, results: Sequence[TaskResult]) -> PaperTable:
    """The paper's figures beside those of a run.

    Args:
        plan: of the run; its `preset` says which table.
        results: of the run so far.

    Raises:
        InvalidInput: the run came of no preset.
    """
    if not plan.preset:
        raise InvalidInput("this run is none of the paper's ablations: nothing stands beside it there")
    preset = preset_named(plan.preset)
    f1_name, reward_name = "token F1 with the best reference", f"mean over questions, by the scorer {plan.scorer}"
    return PaperTable(
        preset=preset.name,
        title=preset.title,
        source=preset.source,
        measures={measure: f1_name if measure == "f1" else reward_name for measure in preset.measures},
        rows=preset.rows(Shape.of(plan), results),
        differs=[*differences(plan, results), *preset.differs],
    )
