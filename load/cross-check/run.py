"""Compares `instar load` with two other load tools on the same server: wrk as fast as answers come, autocannon at a constant rate.

    python3 load/cross-check/run.py --instar target/release/instar --autocannon target/npm --out paper-results

Each tool is ten clients of the chat in one room: look at the user, fifty posts, fetch, over and over. Tools take turns, each against a server of its
own with 28,500 messages. Writes cross-check.csv, a row a run.
"""

import argparse
import csv
import pathlib
import re
import subprocess
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
CHAT = HERE.parent.parent / "examples" / "chat" / "v1"
CLIENTS = 10
COLUMNS = ["pace", "tool", "run", "requests_per_second", "p50_ns", "p99_ns", "max_ns", "failed"]


class Server:
    """The chat, with the users that the other tools are."""

    def __init__(self, instar):
        command = [instar, "serve", "--port", "0", str(CHAT), "--", "populate=28500"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        for line in self.process.stdout:
            if found := re.search(r"127\.0\.0\.1:\d+", line):
                self.address = found.group()
                break
        self.put("/room/hall")
        for number in range(CLIENTS):
            self.put(f"/user/w{number}", b"firstName=First&lastName=Last")
            self.put(f"/room/hall/w{number}")

    def put(self, path, body=b""):
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        request = urllib.request.Request(f"http://{self.address}{path}", data=body, method="PUT", headers=headers)
        urllib.request.urlopen(request).close()

    def end(self):
        self.process.terminate()
        self.process.wait()


def printed(command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def row_of(output):
    """What mix.lua and mix.cjs print: requests a second, p50, p99 and longest in ns, failed."""
    line = next(line for line in output.splitlines() if line.startswith("row "))
    rate, *counts = line.split()[1:]
    return [round(float(rate), 1), *map(int, counts)]


def instar_load(options, address, rate):
    """The last line of its table: request, count, failed, mean, p50, p99, p99.9 and longest in ms, requests a second."""
    pace = ["--rate", str(rate)] if rate else []
    output = printed([options.instar, "load", address, "--duration", f"{options.seconds}s", *pace])
    line = next(line for line in output.splitlines() if line.startswith("all "))
    _, _, failed, _, p50, p99, _, longest, per_second = line.split()
    return [float(per_second), *(round(float(ms) * 1e6) for ms in (p50, p99, longest)), int(failed)]


def wrk(options, address, _rate):
    command = ["wrk", f"-t{CLIENTS}", f"-c{CLIENTS}", f"-d{options.seconds}s", "-s", str(HERE / "mix.lua"), f"http://{address}"]
    return row_of(printed(command))


def autocannon(options, address, rate):
    place = str(pathlib.Path(options.autocannon).resolve() / "node_modules")
    return row_of(printed(["node", str(HERE / "mix.cjs"), place, f"http://{address}", str(rate), str(options.seconds)]))


def main():
    parser = argparse.ArgumentParser(description="instar load beside wrk and autocannon")
    parser.add_argument("--instar", default="target/release/instar")
    parser.add_argument("--autocannon", default="target/npm", help="where `npm install --prefix` put it")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("paper-results"))
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=10)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    paces = [("closed", None, [("instar", instar_load), ("wrk", wrk)]), ("700/s", 700, [("instar", instar_load), ("autocannon", autocannon)])]
    with open(options.out / "cross-check.csv", "w", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(COLUMNS)
        for run in range(1, options.runs + 1):
            for pace, rate, tools in paces:
                for tool, measure in tools:
                    server = Server(options.instar)
                    try:
                        row = [pace, tool, run, *measure(options, server.address, rate)]
                    finally:
                        server.end()
                    print(*row, flush=True)
                    rows.writerow(row)
                    file.flush()


main()
