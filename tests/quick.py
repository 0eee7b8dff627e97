"""What is the same in every application of a run, worked out once for each process.

Each test has an application and a database of its own; compiling the same templates and the same
addresses for each of them took most of the time of the whole suite.
"""

import gc
from collections.abc import Callable
from typing import Any

from flask import Flask
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from werkzeug.routing import Rule


class Compiled(BytecodeCache):
    """Compiled templates; one that was edited meanwhile has another checksum."""

    def __init__(self) -> None:
        self.codes: dict[tuple[str, str], Any] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self.codes.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        self.codes[bucket.key, bucket.checksum] = bucket.code


def compile_once() -> None:
    """Let all applications made from here on share their templates and their addresses."""
    Flask.jinja_options = {**Flask.jinja_options, "bytecode_cache": Compiled()}
    Rule._compile_builder = _kept(Rule._compile_builder)
    # A test makes thousands of objects and drops them: looking them through at every seven
    # hundredth, as Python does, took a sixth of the time.
    gc.set_threshold(50_000)


def _kept(compile_builder: Callable[..., Any]) -> Callable[..., Any]:
    """What builds an address takes the rule as its argument, and depends on nothing but this."""
    builders: dict[Any, Any] = {}

    def kept(self: Rule, append_unknown: bool = True) -> Any:
        key = (self.rule, tuple(self._trace), repr(self.defaults), append_unknown)
        if key not in builders:
            builders[key] = compile_builder(self, append_unknown)
        return builders[key]

    return kept
