"""Which creature takes part in how many meetings depends on the scheduler: those lines are written as `*`."""

COLOURS = ("blue", "red", "yellow")
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def complement(a, b):
    return a if a == b else next(colour for colour in COLOURS if colour not in (a, b))


def spelled(number):
    return "".join(" " + DIGITS[int(digit)] for digit in str(number))


def output(n):
    lines = [f"{a} + {b} -> {complement(a, b)}" for a in COLOURS for b in COLOURS]
    for colours in ("blue red yellow", "blue red yellow red yellow blue red yellow red blue"):
        lines += ["", " " + colours] + ["*"] * len(colours.split()) + [spelled(2 * n)]
    return "\n".join(lines) + "\n\n"
