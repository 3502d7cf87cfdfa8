"""The towers of Hanoi with 13 disks: recursion, field and array access."""

from classic.benchmark import Benchmark, WrongResult


class Disk:
    def __init__(self, size):
        self.size = size
        self.next = None


class Towers(Benchmark):
    default_parameter = 150

    def benchmark(self):
        self.piles = [None] * 3
        self.moves = 0
        self.build_tower(0, 13)
        self.move_disks(13, 0, 1)
        return self.moves

    def expected(self, parameter):
        return 8191

    def push(self, disk, pile):
        top = self.piles[pile]
        if top is not None and disk.size >= top.size:
            raise WrongResult("Towers: a larger disk on a smaller one")
        disk.next = top
        self.piles[pile] = disk

    def pop(self, pile):
        top = self.piles[pile]
        if top is None:
            raise WrongResult("Towers: a disk from an empty pile")
        self.piles[pile] = top.next
        top.next = None
        return top

    def move_top(self, source, target):
        self.push(self.pop(source), target)
        self.moves += 1

    def build_tower(self, pile, disks):
        for size in range(disks, 0, -1):
            self.push(Disk(size), pile)

    def move_disks(self, disks, source, target):
        if disks == 1:
            self.move_top(source, target)
        else:
            other = 3 - source - target
            self.move_disks(disks - 1, source, other)
            self.move_top(source, target)
            self.move_disks(disks - 1, other, target)
