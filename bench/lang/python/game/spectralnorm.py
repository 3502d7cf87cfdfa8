"""The square root of the largest eigenvalue of A'A, by ten steps of the power method; A is built as a matrix here."""

import math


def output(n):
    a = [[1.0 / ((i + j) * (i + j + 1) // 2 + i + 1) for j in range(n)] for i in range(n)]

    def times(rows, vector):
        return [sum(x * y for x, y in zip(row, vector)) for row in rows]

    def normal(vector):
        return times(list(zip(*a)), times(a, vector))

    u = [1.0] * n
    for _ in range(10):
        v = normal(u)
        u = normal(v)
    vbv = sum(x * y for x, y in zip(u, v))
    vv = sum(x * x for x in v)
    return f"{math.sqrt(vbv / vv):.9f}\n"
