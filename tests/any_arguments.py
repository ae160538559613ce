"""Values that nobody meant, for every argument of a call: what comes of each is a result, or an error of ours."""

import inspect
import math
from pathlib import Path

from podnet_lab.errors import PodnetError

VALUES = [
    *(None, True, -1, 0, 10**30, 1.5, -0.5, math.nan, math.inf, "", "x", "a/b", "a b; reboot", "\ud800", "a\0b", "10.244.1.1/24", b"x"),
    *([], ["x"], {}, {"node1": 1}, (1,), object(), Path("x"), str),
]


def calls(function, usual, values=VALUES):
    """(argument's name, value, call) for each of a function's arguments and each of *values*; the others are as *usual* says."""
    parameters = list(inspect.signature(function).parameters.values())
    positional = any(parameter.kind is parameter.VAR_POSITIONAL for parameter in parameters)
    for changed in parameters:
        for value in values:
            arguments, options = [], {}
            for parameter in parameters:
                given = value if parameter is changed else usual.get(parameter.name, parameter.default)
                if parameter.kind is parameter.KEYWORD_ONLY or not positional:
                    options[parameter.name] = given
                else:
                    arguments.append(given)
            yield changed.name, value, (lambda arguments=arguments, options=options: function(*arguments, **options))


def odd(name, function, usual, values=VALUES, look=lambda _: None):
    """What is neither a result that *look* can look at, nor an error of ours, in words."""
    found = []
    for argument, value, call in calls(function, usual, values):
        try:
            look(call())
        except PodnetError:
            continue
        except Exception as error:  # noqa: BLE001 - that is what is looked for
            found.append(f"{name}({argument}={ascii(value)[:40]}): {type(error).__name__}: {error}")
    return found
