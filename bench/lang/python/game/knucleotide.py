"""Frequencies of one and two nucleotides, and counts of five sequences, in the third sequence of fasta's output."""

from collections import Counter

from game import fasta


def output(n):
    sequence = "".join(fasta.output(n).split(">THREE", 1)[1].split("\n")[1:]).upper()
    text = ""
    for size in (1, 2):
        total = len(sequence) - size + 1
        counts = Counter(sequence[i:i + size] for i in range(total))
        for key, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
            text += f"{key} {100 * count / total:.3f}\n"
        text += "\n"
    for key in ("GGT", "GGTA", "GGTATT", "GGTATTTTAATT", "GGTATTTTAATTTATAGT"):
        count = sum(sequence.startswith(key, i) for i in range(len(sequence)))
        text += f"{count}\t{key}\n"
    return text
