"""Conformance tests for policies and estimators that others write: what the memory relies on, checked and named.

```python
from memento.testing import check_estimator, check_policy

check_policy(MyPolicy(), floor=0.02)
check_estimator(lambda: MyEstimator(dim=16), dim=16)
```

Both run every check and raise one `ConformanceError` that lists those that failed, each with what was expected and
what was found. `POLICY_CHECKS` and `ESTIMATOR_CHECKS` hold the checks by name, for a test runner that reports each on
its own. Nothing here needs a test framework, a network or a model; no check depends on time.
"""

from memento.testing.answers import EstimatorUnderTest
from memento.testing.estimators import ESTIMATOR_CHECKS, check_estimator
from memento.testing.failures import ConformanceError
from memento.testing.growth import check_estimator_growth
from memento.testing.policies import POLICY_CHECKS, check_policy

__all__ = [
    "ESTIMATOR_CHECKS",
    "POLICY_CHECKS",
    "ConformanceError",
    "EstimatorUnderTest",
    "check_estimator",
    "check_estimator_growth",
    "check_policy",
]
