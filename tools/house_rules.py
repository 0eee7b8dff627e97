"""Write docs/rules.md, the house rules with what each says, from the code that asks them.

python tools/house_rules.py            write the page
python tools/house_rules.py --check    exit 1 unless it is the one that would be written
"""

import ast
import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from babel.messages.pofile import read_po

from fablab.booking import quotas, rules

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "rules.md"
FRENCH = ROOT / "fablab" / "translations" / "fr" / "LC_MESSAGES" / "messages.po"
HEAD = """# The house rules

Every rule a booking is asked, in the order a member would check them, with the sentence of its
refusal in English and in French. Written from the code by `tools/house_rules.py`; a rule that is
added without its sentence shows here as a blank.

The bounds are in `tests/booking/test_rules.py`: `test_each_rule_refuses_on_its_own` breaks each
alone, `test_each_bound_is_allowed_to_the_minute` stands on the last minute that is allowed. That no
path skips one is `tests/booking/test_wider_rules.py`, and a plain model of all of them is played
against in `tests/booking/test_state_machine.py`.

![What each rule answers, in French](screenshots/refusals.jpg)

| rule | where | it says | en français |
|---|---|---|---|
"""


def main() -> int:
    page = written()
    if "--check" not in sys.argv:
        PAGE.write_text(page, "utf-8")
        return 0
    if PAGE.read_text("utf-8") == page:
        return 0
    print("docs/rules.md is not what the rules say: run `make translations`", file=sys.stderr)
    return 1


def written() -> str:
    with FRENCH.open("rb") as file:
        french = {message.id: message.string for message in read_po(file, locale="fr")}
    lines = [HEAD]
    for rule in rules.HOUSE_RULES:
        module = inspect.getmodule(rule)
        assert module is not None
        said = list(sentences(rule.__name__, functions(module)))
        where = Path(inspect.getsourcefile(rule) or "").relative_to(ROOT)
        translated = [french.get(sentence, "") for sentence in said]
        name = rule.__name__.replace("_", " ")
        lines.append(
            f"| {name} | [`{where.name}`](../{where}) | {cell(said)} | {cell(translated)} |\n"
        )
    return "".join(lines)


def functions(module: ModuleType) -> dict[str, ast.FunctionDef]:
    tree = ast.parse(inspect.getsource(module))
    found = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    if module is quotas:  # one rule of three parts, which it finds in a table
        found["QUOTAS"] = ast.FunctionDef("QUOTAS", ast.arguments([], []), [])
        found["QUOTAS"].body = [
            node for quota in quotas.QUOTAS for node in found[quota.__name__].body
        ]
    return found


def sentences(name: str, known: dict[str, ast.FunctionDef]) -> Iterator[str]:
    """What the rule refuses with, its advice left out, and what the functions it calls do."""
    advice = {
        id(part)
        for node in ast.walk(known[name])
        for kept in advice_in(node)
        for part in ast.walk(kept)
    }
    for node in ast.walk(known[name]):
        if id(node) in advice:
            continue
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "N_":
            yield ast.literal_eval(node.args[0])
        elif isinstance(node, ast.Name) and node.id in known and node.id != name:
            yield from sentences(node.id, known)


def advice_in(node: ast.AST) -> list[ast.expr]:
    """The third value of a refusal, there or in a variable of that name."""
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Refusal":
        return node.args[2:3]
    if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "advice":
        return [node.value]
    return []


def cell(said: list[str]) -> str:
    return "<br>".join(dict.fromkeys(said)).replace("|", "\\|")


if __name__ == "__main__":
    raise SystemExit(main())
