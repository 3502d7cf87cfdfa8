"""The reverse complement of each sequence of fasta's output."""

from game import fasta

COMPLEMENT = str.maketrans("ACGTUMRWSYKVHDBNacgtumrwsykvhdbn", "TGCAAKYWSRMBDHVNTGCAAKYWSRMBDHVN")


def output(n):
    text = ""
    for part in fasta.output(n).split(">")[1:]:
        title, *lines = part.split("\n")
        text += fasta.record(title, "".join(lines).translate(COMPLEMENT)[::-1])
    return text
