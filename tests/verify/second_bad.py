# SPDX-License-Identifier: Apache-2.0
"""How the second verifier says no."""


class Bad(Exception):
    """What is wrong with a line; where, the caller says."""


def need(truth, what="form"):
    if not truth:
        raise Bad(what)
