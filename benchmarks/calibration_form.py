"""Nested leave-one-out of the GTX 1080: the form of the machine is chosen anew without each row.

``channel_tile`` and ``vector`` were chosen by looking at the times that the machine is fitted to.
How much does that flatter the errors? Here each network in turn is put aside, the pair that
predicts the others best (each by a fit without it) is taken, and the network is predicted with it.

    python benchmarks/calibration_form.py       about four minutes
"""

from __future__ import annotations

from itertools import product

from memsim.calibration import workload
from memsim.calibration.fit import Observation, fit
from memsim.calibration.parameters import PARAMETERS
from memsim.calibration.published import PUBLISHED
from memsim.machine import load_machine

TILES, VECTORS = (1, 16, 32, 64), (1, 2, 4)


def main() -> None:
    published = PUBLISHED["imagenet"]
    limits, runs = load_machine(published.base), published.runs().runs
    forms = {}
    workload.MOST_KEPT = len(runs) * len(TILES) * len(VECTORS)
    for tile, vector in product(TILES, VECTORS):
        compute = limits.compute.model_copy(update={"channel_tile": tile, "vector": vector})
        base = limits.model_copy(update={"compute": compute})
        seen = [
            Observation(run, workload.Workload.of(run, base), None, 1 / run.seconds) for run in runs
        ]
        forms[tile, vector] = base, seen

    def error(form: tuple[int, int], rows: list[int], row: int) -> float:
        base, seen = forms[form]
        machine = fit([seen[other] for other in rows], base, published.parameters).machine
        spent = seen[row].workload.spent(machine)
        costs = {name: each.cost(machine) or 0.0 for name, each in PARAMETERS.items()}
        parts = (amount * costs[name] for name, amount in spent.units.items())
        return (spent.fixed_s + sum(parts)) / seen[row].seconds - 1

    errors = []
    for row, run in enumerate(runs):
        rest = [other for other in range(len(runs)) if other != row]

        def mape(form: tuple[int, int], rest: list[int] = rest) -> float:
            return sum(
                abs(error(form, [one for one in rest if one != other], other)) for other in rest
            )

        best = min(forms, key=mape)
        errors.append(error(best, rest, row))
        print(f"{run.name:<16} tile {best[0]:2}, vector {best[1]}  {errors[-1]:+.2%}", flush=True)
    print(f"MAPE {sum(map(abs, errors)) / len(errors):.2%}, worst {max(map(abs, errors)):.2%}")


if __name__ == "__main__":
    main()
