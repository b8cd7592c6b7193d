"""Errors survive the ways by which they travel: args, pickles, SimPy, process pools."""

from __future__ import annotations

import copy
import pickle

import pytest
import simpy
from hypothesis import given
from hypothesis import strategies as st

from memsim.errors import InputError, MemsimError, Problem, SimulationError, did_you_mean

CLASSES = [MemsimError, InputError, SimulationError]
PROBLEM = Problem(
    "unknown key", path="layers[0]", hint="did you mean 'conv'?", file="a.yaml", line=3, column=5
)
problems = st.builds(
    Problem,
    st.text(),
    path=st.text(),
    hint=st.text(),
    file=st.text(),
    line=st.integers(0, 99),
    column=st.integers(0, 99),
)


@pytest.mark.parametrize("kind", CLASSES)
@given(st.lists(st.one_of(problems, st.text()), min_size=1, max_size=3))
def test_an_error_is_rebuilt_from_its_args(kind, faults):
    error = kind(*faults)
    rebuilt = [
        type(error)(*error.args),
        pickle.loads(pickle.dumps(error)),
        copy.copy(error),
        copy.deepcopy(error),
    ]
    for again in rebuilt:
        assert type(again) is kind
        assert again.problems == error.problems
        assert str(again) == str(error)
        assert again.exit_code == error.exit_code


@pytest.mark.parametrize("kind", CLASSES)
def test_an_error_crosses_simpy_unharmed(kind):
    def process(env):
        yield env.timeout(1)
        raise kind(PROBLEM, "second")

    env = simpy.Environment()
    env.process(process(env))
    with pytest.raises(kind) as caught:
        env.run()
    assert caught.value.problems == (PROBLEM, Problem("second"))


@pytest.mark.parametrize(
    ("kind", "code"), [(MemsimError, 1), (InputError, 2), (SimulationError, 1)]
)
def test_exit_codes(kind, code):
    assert kind("x").exit_code == code


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        (PROBLEM, "a.yaml:3:5: layers[0]: unknown key (did you mean 'conv'?)"),
        (Problem("no layers"), "no layers"),
        (Problem("is a directory", file="a.yaml"), "a.yaml: is a directory"),
        (Problem("bad", line=2, column=1), "<text>:2:1: bad"),
        (Problem("bad", path="cache", hint="try 2MB"), "cache: bad (try 2MB)"),
    ],
)
def test_a_problem_names_place_fault_and_remedy(problem, text):
    assert str(problem) == text


def test_every_problem_has_its_line():
    assert str(InputError("one", PROBLEM, "two")) == f"one\n{PROBLEM}\ntwo"


@pytest.mark.parametrize(
    ("word", "known", "hint"),
    [
        ("harmonik", ["dense", "harmonic"], "did you mean 'harmonic'?"),
        ("HARMONIC", ["dense", "harmonic"], "did you mean 'harmonic'?"),
        ("zzz", ["b", "a"], "known: a, b"),
        ("x", [], ""),
    ],
)
def test_did_you_mean(word, known, hint):
    assert did_you_mean(word, known) == hint
