from demo_run import demo, demo_run  # noqa: F401  (fixtures)
from made_up_world import cache  # noqa: F401  (a fixture)
