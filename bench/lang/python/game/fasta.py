"""DNA sequences: one that repeats, two that a linear congruential generator draws by cumulative probability."""

import bisect
import itertools

ALU = ("GGCCGGGCGCGGTGGCTCACGCCTGTAATCCCAGCACTTTGGGAGGCCGAGGCGGGCGGATCACCTGAGGTCAGGAGTTCGAGACCAGCCTGGCCAACATGGTGAAACCCCGTCTCT"
       "ACTAAAAATACAAAAATTAGCCGGGCGTGGTGGCGCGCGCCTGTAATCCCAGCTACTCGGGAGGCTGAGGCAGGAGAATCGCTTGAACCCGGGAGGCGGAGGTTGCAGTGAGCCGAGAT"
       "CGCGCCACTGCACTCCAGCCTGGGCGACAGAGCGAGACTCCGTCTCAAAAA")
IUB = [("a", 0.27), ("c", 0.12), ("g", 0.12), ("t", 0.27)] + [(code, 0.02) for code in "BDHKMNRSVWY"]
HOMO_SAPIENS = [("a", 0.3029549426680), ("c", 0.1979883004921), ("g", 0.1975473066391), ("t", 0.3015094502008)]


def numbers():
    seed = 42
    while True:
        seed = (seed * 3877 + 29573) % 139968
        yield 1.0 * seed / 139968


def draw(table, count, source):
    letters = [letter for letter, _ in table]
    bounds = list(itertools.accumulate(probability for _, probability in table))
    return "".join(letters[min(bisect.bisect_right(bounds, next(source)), len(letters) - 1)] for _ in range(count))


def record(title, sequence):
    lines = [sequence[i:i + 60] for i in range(0, len(sequence), 60)]
    return "\n".join([">" + title] + lines) + "\n"


def output(n):
    source = numbers()
    one = "".join(itertools.islice(itertools.cycle(ALU), 2 * n))
    two = draw(IUB, 3 * n, source)
    three = draw(HOMO_SAPIENS, 5 * n, source)
    return (record("ONE Homo sapiens alu", one) + record("TWO IUB ambiguity codes", two)
            + record("THREE Homo sapiens frequency", three))
