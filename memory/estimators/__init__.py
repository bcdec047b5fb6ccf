"""Estimators of a case's utility for a task: pure and synchronous, behind one port.

port.py           what an estimator is given and what it answers
advantage.py      what each case adds, beside how hard the task is: u(s, c) and b(s); ours
  priors.py         what it believes before anything has happened: three prior means
  coefficients.py   features of tasks and cases, and what the posterior says of them
  positions.py      which coefficient lies where in the posterior
  posterior.py      joint Gaussian beliefs, by experts who differ in memory and in prior means
  contributions.py  what one outcome contributes to it
  fading.py         what is left of that when beliefs have faded
  scales.py         how much the coefficients of a family vary
  merits.py         how well each expert has foretold the outcomes
  covariance.py     their covariance, with the newest updates kept apart
  landmarks.py      the regions that tasks and cases fall into
  groups.py         regions, and actions that several cases took
  repeats.py        how common repeated actions are: whether the other prior means count
  difficulty.py     what came of the nearest past tasks
  exposures.py      what each case was served for
    sparse_rows.py    shares of many groups, of which few are above 0
    case_cells.py     cells of like cases
    like_cases.py     the best of all served cases, found without looking at each
  suggestions.py    what it would like to see beside what is similar
  sites.py          outcomes that can still be taken back
  growing_array.py  an array that grows at its end
  text_numbers.py   eight bytes that stand for an id
cross_entropy.py  Q(s, c) by cross-entropy (paper Eq. 15)
  q_function.py     its torch head
kernel_control.py Q_EC(s, c) by episodic control (paper Eq. 7 to 11, Algorithm 1)
  kernel.py         its learned kernel
  episodes.py       its episodic store and replay buffer
memrl.py          MemRL's utilities: Q of each case as a moving average of shared rewards
romerl.py         RoMeRL's: of at most four cases per task
  moving_averages.py  averages of which any outcome can be taken back
  similarity_gate.py  how similar a case must be to compete
cascade.py        CASCADE's Neural-LinLogUCB: a network's features, a logistic-linear head, its width
  neural_linear.py  its model
uplift.py         what a set adds over no memory, after UpliftMem
settled.py        events that can no longer be corrected
settings.py       settings, checked
registry.py       estimators by name
"""
