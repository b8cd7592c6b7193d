"""Order ``dfs``: depth first over the graph."""

from __future__ import annotations

from memsim.program.ordering.steps import Found, Steps, bits


def depth_first_order(steps: Steps) -> Found:
    """What has become ready last runs next; of several the first in the file.

    So a branch runs to its end before the next one begins.

    Examples
    --------
    >>> import memsim
    >>> network = memsim.loads('''{name: n, input: [4, 8, 8], layers: [
    ...   {name: a, conv: {out: 4}}, {name: b, conv: {out: 4}, from: input},
    ...   {name: a2, conv: {out: 4}, from: a}, {concat: [a2, b]}]}''')
    >>> steps = Steps(memsim.build(network, buffer=65536))
    >>> [steps.names[each] for each in depth_first_order(steps).orders[0]]
    ['a', 'a2', 'b', 'concat1']
    """
    stack = [*bits(steps.ready(0))][::-1]
    order: list[int] = []
    done = 0
    while stack:
        step = stack.pop()
        order.append(step)
        done |= 1 << step
        stack += [each for each in steps.after[step] if not steps.before[each] & ~done][::-1]
    return Found((tuple(order),))
