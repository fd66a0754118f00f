"""The options of a verb as text, a `name=value` in each line."""

from .package import NotInstalled, package

# What widgets give, and what would write or read files that the user did not choose: workflows come from strangers.
FILES = ("FILE", "FOLDER", "PATH", "BASE")


def option_rows(verb: str, of_widgets: frozenset[str]) -> dict[str, dict]:
    return {row["name"]: row for row in package().flag_table(verb)
            if row["name"] not in of_widgets and not row["value_name"].startswith(FILES)}


def lines_of(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def read_options(verb: str, text: str, of_widgets: frozenset[str]) -> dict:
    """The keyword arguments of the package's function. The program checks the values.

    @throws ValueError naming the line
    """
    rows, values = option_rows(verb, of_widgets), {}
    for line in lines_of(text):
        name, equals, value = line.partition("=")
        name, value = name.strip().lstrip("-").replace("-", "_"), value.strip()
        row = rows.get(name)
        if row is None:
            raise ValueError(f"options: there is no '{name}' for {verb}; known: {', '.join(rows)}")
        if row["type"] == "boolean":
            if equals and value not in ("true", "false"):
                raise ValueError(f"options: {name} is true or false, not '{value}'")
            values[name] = value != "false"
        elif not value:
            raise ValueError(f"options: '{line}' has no value; write {name}={row['default']}, for example")
        else:
            values[name] = value
    return values


def help_text(verb: str, of_widgets: frozenset[str]) -> str:
    """The tooltip: each option with the methods that have it."""
    try:
        rows = option_rows(verb, of_widgets)
    except NotInstalled as missing:
        return str(missing)
    lines = ["One option a line, as in rank=16.", ""]
    for row in rows.values():
        group = f" [{row['group']}]" if row["group"].startswith("Method") else ""
        default = "" if row["default"] is None else row["default"]
        lines.append(f"{row['name']}={default}{group}: {row['help'].splitlines()[0]}")
    return "\n".join(lines)


def complaint(verb: str, text: str, of_widgets: frozenset[str]) -> str | None:
    """What is wrong with the options, before anything runs."""
    try:
        read_options(verb, text, of_widgets)
    except (ValueError, NotInstalled) as wrong:
        return str(wrong)
    return None
