"""What all tests share.

Comments such as "SCIENCE 3.5" point into the project's list of facts (closed forms in section 3,
published numbers in section 4), from which the formulas of `simcore.theory` and the numbers of
`simcore.presets` were taken.
"""

from hypothesis import settings

# No test is timed: a busy machine is no failure. `pytest --hypothesis-profile=long` tries more of
# whatever is fuzzed than the suite has time for.
settings.register_profile("suite", deadline=None, max_examples=100)
settings.register_profile("long", deadline=None, max_examples=5000)
settings.load_profile("suite")
