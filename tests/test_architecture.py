"""Who may import whom: the layers of pyproject.toml, kept."""

from importlinter.cli import lint_imports

from fablab import ROOT


def test_every_module_imports_only_what_stands_below_it(capsys):
    status = lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True)

    assert status == 0, capsys.readouterr().out
