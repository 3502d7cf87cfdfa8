"""Checks the benchmark programs that this machine can run without Instar:  python3 check.py [--all]

- every classic program, in Python and in Lua, gives the same verified checksum for a small parameter (--all: for the default one);
- the expected outputs of the Benchmarks Game programs are what their oracles compute (the slowest, Meteor, only with --all).

Exit status 1 if anything differs; Lua is looked for as `lua5.4` and `lua`.
"""

import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
SMALL = {"Richards": 1, "DeltaBlue": 100, "Json": 1, "Havlak": 1, "CD": 2, "Bounce": 1, "List": 1, "Permute": 1, "Queens": 1,
         "Sieve": 1, "Storage": 1, "Towers": 1, "Fib": 15}


def run(command):
    result = subprocess.run(command, capture_output=True, text=True, cwd=HERE / "python")
    if result.returncode != 0:
        return f"exit status {result.returncode}: {result.stderr.strip().splitlines()[-1:]}"
    return result.stdout


def checksum(command):
    fields = run(command).split("\t")
    return fields[1] if len(fields) == 3 else "".join(fields)


def check_classic(lua, everything):
    failures = 0
    for name, small in SMALL.items():
        arguments = [name, "1"] if everything else [name, "1", str(small)]
        results = {"python": checksum([sys.executable, "run.py"] + arguments)}
        if lua:
            results["lua"] = checksum([lua, str(HERE / "lua" / "run.lua")] + arguments)
        same = len(set(results.values())) == 1 and results["python"].isdigit()
        failures += not same
        print("ok  " if same else "FAIL", name, " ".join(f"{system}={value}" for system, value in results.items()))
    return failures


def check_expected(everything):
    failures = 0
    for path in sorted((HERE / "expected").iterdir()):
        name, n = path.stem.split("-")
        if name == "Meteor" and not everything:
            continue
        result = subprocess.run([sys.executable, "-m", "game", name, n], capture_output=True, cwd=HERE / "python")
        same = result.returncode == 0 and result.stdout == path.read_bytes()
        failures += not same
        print("ok  " if same else "FAIL", path.name)
    return failures


def main():
    everything = "--all" in sys.argv[1:]
    lua = shutil.which("lua5.4") or shutil.which("lua")
    if not lua:
        print("no Lua on this machine: its programs were not run")
    failures = check_classic(lua, everything) + check_expected(everything)
    print(f"{failures} failures")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
