"""Whose memory an output lies in: views, ``inplace``, and what must not be written over."""

from __future__ import annotations

import pytest

import memsim
from memsim.errors import InputError
from memsim.network.storage import Place, last_uses, places, sound_writes

HEAD = "{name: n, input: [4, 2, 2], layers: ["


def network(*layers: str, rest: str = "") -> memsim.Network:
    return memsim.loads(f"{HEAD}{', '.join(layers)}]{rest}}}")


CONV = "{name: c, conv: {out: 4}}"
RELU = "{name: r, relu: {inplace: true}}"


def refused(*layers: str, rest: str = "") -> str:
    with pytest.raises(InputError) as caught:
        network(*layers, rest=rest)
    return str(caught.value)


def test_views_and_what_is_in_place_lie_where_their_input_lies() -> None:
    found = places(
        network(
            CONV, RELU, "{name: d, dropout: 0.5}", "{name: half, slice: {start: 2}}",
            "{name: s, sigmoid: {inplace: true}}", "{name: t, tanh: {}}",
        )
    )  # fmt: skip
    assert found["r"] == found["d"] == Place("c", 0, 16)
    assert found["half"] == found["s"] == Place("c", 8, 16)
    assert found["t"] == Place("t", 0, 8)


def test_memory_is_last_used_by_the_last_that_computes_on_it() -> None:
    found = network(CONV, RELU, "{name: d, dropout: 0.5}", "{name: e, conv: {out: 2}}")
    assert last_uses(found) == {"input": "c", "c": "e", "e": "e"}


def test_what_is_read_later_cannot_be_written_over() -> None:
    assert refused(CONV, RELU, "{name: s, add: [c]}") == (
        "<text>:1:75: layers[1].relu (r): writes over 'c', which 's' reads later "
        "(leave inplace out)"
    )


def test_nor_what_is_read_later_through_a_view() -> None:
    dropout, late = "{name: d, dropout: 0.5}", "{name: s, add: [d]}"
    message = refused(CONV, dropout, "{name: r, relu: {inplace: true}, from: c}", late)
    assert "(r): writes over 'd', which 's' reads later" in message


def test_the_other_half_of_a_tensor_may_be_read_later() -> None:
    halves = "{name: a, slice: {stop: 2}, from: c}", "{name: b, slice: {start: 2}, from: c}"
    found = network(CONV, *halves, RELU, "{name: s, add: [a]}")
    assert places(found)["r"] == Place("c", 8, 16)
    assert "writes over 'a'" in refused(
        CONV,
        *halves,
        "{name: r, relu: {inplace: true}, from: c}",
        "{name: s, conv: {out: 1}, from: a}",
    )


def test_a_reader_that_comes_before_is_none_that_comes_later() -> None:
    assert network(CONV, "{name: e, conv: {out: 4}}", "{name: s, add: [c], }").outputs == ("s",)
    found = network(CONV, "{name: e, conv: {out: 4}}", "{name: r, relu: {inplace: true}, from: c}",
                    "{name: s, add: [e]}")  # fmt: skip
    assert places(found)["r"].owner == "c"


def test_an_output_of_the_network_stays() -> None:
    assert refused(CONV, RELU, rest=", outputs: [c, r]").endswith(
        "(r): writes over 'c', which leaves the network (leave inplace out)"
    )


def test_the_networks_input_may_be_written_over() -> None:
    assert places(network(RELU))["r"].owner == "input"


def test_a_small_operand_has_no_room_for_a_large_output() -> None:
    pool, gate = "{name: p, global_avgpool: {}}", "{name: m, mul: {inplace: true}, from: [p, c]}"
    assert refused(CONV, pool, gate).endswith(
        "(m): cannot write 4x2x2 over 'p', which is 4x1x1 "
        "(the first input is written over; list the larger one first)"
    )
    assert network(CONV, pool, gate.replace("[p, c]", "[c, p]"))["m"].op.overwrites


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        ("{batchnorm: {inplace: true}}", "batchnorm cannot write over its input"),
        ("{maxpool: {kernel: 2, inplace: true}}", "maxpool cannot write over its input"),
        ("{concat: {inplace: true}}", "concat cannot write over its input"),
    ],
)
def test_an_operator_that_cannot_be_in_place_says_so(layer: str, message: str) -> None:
    assert f"{message} (activations, add, mul and scale can)" in refused(layer)


@pytest.mark.parametrize("layer", ["{conv: {out: 4, inplace: true}}", "{residual: {inplace: 1}}"])
def test_where_layers_have_an_activation_the_hint_says_that_it_can(layer: str) -> None:
    assert "its activation can: act: {relu: {inplace: true}}" in refused(layer)


def test_inplace_is_true_or_false() -> None:
    assert "expected true or false, not 1" in refused("{relu: {inplace: 1}}")


def test_sound_are_those_that_nobody_minds() -> None:
    plain = network(CONV, "{name: r, relu: {}}", "{name: s, add: [c]}", "{name: t, relu: {}}")
    over = {"r", "s", "t"}
    assert sound_writes(plain, plain.outputs, over) == {"s", "t"}
    assert sound_writes(plain, ["s", "t"], {"t"}) == frozenset()


@pytest.mark.parametrize(
    ("held", "message"),
    [
        ("{c: nobody}", "held.c: there is no layer 'nobody'"),
        ("{x: r}", "held.x: there is no layer 'x'"),
        ("{r: c}", "held.r: 'c' runs before 'r'; expected a layer after it"),
    ],
)
def test_memory_is_held_until_a_layer_that_comes_later(held: str, message: str) -> None:
    assert message in refused(CONV, "{name: r, relu: {}}", rest=f", held: {held}")


def test_what_is_said_of_memory_is_written_and_read_again() -> None:
    found = network(CONV, RELU, "{name: e, conv: {out: 4}}", rest=", held: {c: e}")
    text = memsim.dump(found)
    assert "relu: {inplace: true}" in text
    assert text.endswith("held:\n  c: e\n")
    assert memsim.loads(text) == found
    assert found.with_options(batch=2).held == {"c": "e"}
    other = network(CONV, RELU, "{name: e, conv: {out: 4}}")
    assert other != found
    assert "held" not in memsim.dump(other)
    assert "inplace" not in memsim.dump(network(CONV, "{name: r, relu: {inplace: false}}"))
