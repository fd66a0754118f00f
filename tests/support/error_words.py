"""What an error has to say, for tables of wrong command lines.

    assert_says(error, problem="same weights", hint="--from")
"""


def assert_says(error: dict, problem: str, hint: str) -> None:
    """`problem` is a part of the error's place or problem, `hint` one of its hint. Neither is empty: that would match any text."""
    assert problem and hint, "an expectation without words tests nothing"
    assert problem in error["where"] + ": " + error["problem"], error
    assert hint in error["hint"], error
