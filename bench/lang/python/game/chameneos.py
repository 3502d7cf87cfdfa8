"""After n meetings of two, the creatures have met 2n others together."""


def output(n):
    return f"{2 * n}\n"
