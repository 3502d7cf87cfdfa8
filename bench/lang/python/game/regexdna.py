"""Counts of variants of an 8-mer, and the length after the ambiguity codes are written out."""

import re

from game import fasta

VARIANTS = ("agggtaaa|tttaccct", "[cgt]gggtaaa|tttaccc[acg]", "a[act]ggtaaa|tttacc[agt]t", "ag[act]gtaaa|tttac[agt]ct",
            "agg[act]taaa|ttta[agt]cct", "aggg[acg]aaa|ttt[cgt]ccct", "agggt[cgt]aa|tt[acg]accct", "agggta[cgt]a|t[acg]taccct",
            "agggtaa[cgt]|[acg]ttaccct")
CODES = {"B": "(c|g|t)", "D": "(a|g|t)", "H": "(a|c|t)", "K": "(g|t)", "M": "(a|c)", "N": "(a|c|g|t)", "R": "(a|g)",
         "S": "(c|g)", "V": "(a|c|g)", "W": "(a|t)", "Y": "(c|t)"}


def output(n):
    text = fasta.output(n)
    stripped = re.sub(">.*\n|\n", "", text)
    lines = [f"{variant} {len(re.findall(variant, stripped, re.IGNORECASE))}" for variant in VARIANTS]
    expanded = "".join(CODES.get(letter, letter) for letter in stripped)
    return "\n".join(lines + ["", str(len(text)), str(len(stripped)), str(len(expanded))]) + "\n"
