"""Runs one classic benchmark:  run.py NAME [ITERATIONS [PARAMETER]]

Prints NAME, checksum and elapsed nanoseconds of all iterations, separated by tabs; start-up is not in the time.
"""

import importlib
import sys
import time

NAMES = ("Richards", "DeltaBlue", "Json", "Havlak", "CD", "Bounce", "List", "Permute", "Queens", "Sieve", "Storage",
         "Towers", "Fib")


def main(arguments):
    if not 1 <= len(arguments) <= 3 or arguments[0] not in NAMES:
        sys.exit(f"usage: run.py NAME [ITERATIONS [PARAMETER]]\nNAME is one of {', '.join(NAMES)}")
    name = arguments[0]
    iterations = int(arguments[1]) if len(arguments) > 1 else 1
    benchmark = getattr(importlib.import_module("classic." + name.lower()), name)()
    parameter = int(arguments[2]) if len(arguments) > 2 else benchmark.default_parameter
    checksum = None
    start = time.perf_counter_ns()
    for _ in range(iterations):
        checksum = benchmark.run(parameter)
    elapsed = time.perf_counter_ns() - start
    print(name, checksum, elapsed, sep="\t")


if __name__ == "__main__":
    main(sys.argv[1:])
