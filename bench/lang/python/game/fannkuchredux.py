"""Flips of pancakes for all permutations, in the order that the rules state, by recursion over prefixes that rotate."""


def flips(permutation):
    count = 0
    while permutation[0] != 0:
        k = permutation[0] + 1
        permutation = permutation[:k][::-1] + permutation[k:]
        count += 1
    return count


def permutations(prefix, rest):
    """The prefix is turned through all its rotations; between two turns all that a shorter prefix can do is done."""
    if len(prefix) == 1:
        yield prefix + rest
        return
    for _ in range(len(prefix)):
        yield from permutations(prefix[:-1], prefix[-1:] + rest)
        prefix = prefix[1:] + prefix[:1]


def output(n):
    checksum = 0
    most = 0
    for index, permutation in enumerate(permutations(tuple(range(n)), ())):
        count = flips(permutation)
        most = max(most, count)
        checksum += count if index % 2 == 0 else -count
    return f"{checksum}\nPfannkuchen({n}) = {most}\n"
