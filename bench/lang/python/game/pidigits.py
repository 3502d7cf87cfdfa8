"""Digits of pi, here by Machin's formula in fixed point."""


def arctangent_of_inverse(x, unit):
    power = total = unit // x
    divisor = 1
    sign = -1
    while power:
        power //= x * x
        divisor += 2
        total += sign * (power // divisor)
        sign = -sign
    return total


def output(n):
    guard = 20
    unit = 10 ** (n + guard)
    pi = 4 * (4 * arctangent_of_inverse(5, unit) - arctangent_of_inverse(239, unit))
    digits = str(pi)[:n]
    lines = []
    for i in range(0, n, 10):
        part = digits[i:i + 10]
        lines.append(f"{part:<10}\t:{i + len(part)}")
    return "\n".join(lines) + "\n"
