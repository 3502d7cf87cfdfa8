"""A tree of arrays, seven levels deep: allocation."""

from classic.benchmark import Benchmark
from classic.core import Random


class Storage(Benchmark):
    default_parameter = 150

    def benchmark(self):
        self.count = 0
        self.build_tree(7, Random())
        return self.count

    def expected(self, parameter):
        return 5461

    def build_tree(self, depth, random):
        self.count += 1
        if depth == 1:
            return [None] * (random.next() % 10 + 1)
        children = [None] * 4
        for i in range(4):
            children[i] = self.build_tree(depth - 1, random)
        return children
