"""Compile every template: a mistake in a page that no test opens is found here.

    python tools/check_templates.py         exit 1 and a line per mistake

What a template extends, includes and imports by a fixed name must exist, and what is imported
from a component must be defined there.
"""

import sys
import tempfile
from collections.abc import Iterator

from jinja2 import Environment, TemplateError, nodes

from fablab import create_app


def problems(environment: Environment) -> Iterator[str]:
    for name in environment.list_templates():
        try:
            tree = environment.parse(environment.loader.get_source(environment, name)[0], name)
            environment.get_template(name)
        except TemplateError as error:
            yield f"{name}: {error}"
            continue
        yield from (f"{name}: {each}" for each in unknown_parts(environment, tree))


def unknown_parts(environment: Environment, tree: nodes.Template) -> Iterator[str]:
    known = set(environment.list_templates())
    for node in tree.find_all((nodes.Extends, nodes.Include, nodes.Import, nodes.FromImport)):
        if not isinstance(node.template, nodes.Const):
            continue
        part = node.template.value
        if part not in known:
            yield f"there is no {part} (line {node.lineno})"
        elif isinstance(node, nodes.FromImport):
            defined = names_of(
                environment.parse(environment.loader.get_source(environment, part)[0])
            )
            for imported in node.names:
                word = imported if isinstance(imported, str) else imported[0]
                if word not in defined:
                    yield f"{part} has no {word} (line {node.lineno})"


def names_of(tree: nodes.Template) -> set[str]:
    """What other templates may import from it: its macros and what it sets."""
    macros = {node.name for node in tree.body if isinstance(node, nodes.Macro)}
    assigned = (node.target for node in tree.body if isinstance(node, nodes.Assign))
    return macros | {target.name for target in assigned if isinstance(target, nodes.Name)}


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        found = list(problems(create_app({"INSTANCE_PATH": folder}).jinja_env))
    print("\n".join(found), file=sys.stderr, end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
