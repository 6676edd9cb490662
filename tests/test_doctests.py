"""pytest's --doctest-modules runs the examples; here is seen to it that every public function has one."""

import doctest
import inspect
import pkgutil
from importlib import import_module

import pytest

import course_lib

OUTER = {"environment", "plots", "explorables", "exercises", "authoring", "grading", "server", "cli"}
CORE = sorted(m.name for m in pkgutil.iter_modules(course_lib.__path__) if m.name not in OUTER and m.name[0] != "_")


def without_example(module):
    """Public functions of a module that show no example."""
    finder = doctest.DocTestFinder()
    return [
        name
        for name, thing in vars(module).items()
        if name[0] != "_"
        and inspect.isfunction(thing)
        and thing.__module__ == module.__name__
        and not any(test.examples for test in finder.find(thing, name, module))
    ]


@pytest.mark.parametrize("name", CORE)
def test_every_public_function_of_the_core_shows_an_example(name):
    assert without_example(import_module(f"course_lib.{name}")) == []


def test_a_public_function_without_an_example_is_found():
    module = import_module("course_lib.chain")
    module.bare = lambda: None
    module.bare.__module__ = module.__name__
    try:
        assert without_example(module) == ["bare"]
    finally:
        del module.bare


def test_the_package_offers_every_module_of_its_core():
    assert sorted(course_lib.__all__) == CORE
    assert all(getattr(course_lib, name).__name__ == f"course_lib.{name}" for name in CORE)
