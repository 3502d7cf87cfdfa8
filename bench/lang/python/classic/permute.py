"""All permutations of six elements by recursive swapping: array access and recursion."""

from classic.benchmark import Benchmark


class Permute(Benchmark):
    default_parameter = 150

    def benchmark(self):
        self.count = 0
        self.elements = list(range(6))
        self.permute(6)
        return self.count

    def expected(self, parameter):
        return 8660

    def permute(self, n):
        self.count += 1
        if n != 0:
            last = n - 1
            self.permute(last)
            for i in range(last, -1, -1):
                self.swap(last, i)
                self.permute(last)
                self.swap(last, i)

    def swap(self, i, j):
        element = self.elements[i]
        self.elements[i] = self.elements[j]
        self.elements[j] = element
