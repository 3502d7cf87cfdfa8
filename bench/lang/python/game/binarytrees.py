"""Nodes of complete binary trees; counted here, not built."""


def nodes(depth):
    return 2 ** (depth + 1) - 1


def output(n):
    smallest = 4
    largest = max(smallest + 2, n)
    lines = [f"stretch tree of depth {largest + 1}\t check: {nodes(largest + 1)}"]
    for depth in range(smallest, largest + 1, 2):
        trees = 2 ** (largest - depth + smallest)
        lines.append(f"{trees}\t trees of depth {depth}\t check: {trees * nodes(depth)}")
    lines.append(f"long lived tree of depth {largest}\t check: {nodes(largest)}")
    return "\n".join(lines) + "\n"
