"""python3 -m game NAME N      prints what the program NAME must print for N
python3 -m game --write DIR  writes the expected outputs of all programs into the directory
"""

import importlib
import pathlib
import sys

# Each program and the size for which its output is kept.
KEPT = {
    "SpectralNorm": 100,
    "KNucleotide": 1000,
    "ChameneosRedux": 600,
    "BinaryTrees": 10,
    "RegexDNA": 1000,
    "Mandelbrot": 200,
    "ReverseComplement": 1000,
    "ThreadRing": 1000,
    "PiDigits": 30,
    "Meteor": 2098,
    "NBody": 1000,
    "FannkuchRedux": 7,
    "Chameneos": 100,
    "Fasta": 1000,
}


def output(name, n):
    result = importlib.import_module(f"game.{name.lower()}").output(n)
    return result if isinstance(result, bytes) else result.encode("ascii")


def main(arguments):
    if len(arguments) == 2 and arguments[0] == "--write":
        for name, n in KEPT.items():
            pathlib.Path(arguments[1], f"{name}-{n}.txt").write_bytes(output(name, n))
    elif len(arguments) == 2 and arguments[0] in KEPT:
        sys.stdout.buffer.write(output(arguments[0], int(arguments[1])))
    else:
        sys.exit(__doc__ + "NAME is one of " + ", ".join(KEPT))


main(sys.argv[1:])
