from made_up_world import cache  # noqa: F401  (a fixture)
