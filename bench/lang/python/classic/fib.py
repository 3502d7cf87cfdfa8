"""Fibonacci by double recursion; each call is a message to an object."""

from classic.benchmark import Benchmark


class Fib(Benchmark):
    default_parameter = 32

    def run(self, parameter):
        result = self.fib(parameter)
        self.verify(result, parameter)
        return result

    def expected(self, parameter):
        previous = 0
        current = 1
        for _ in range(parameter):
            previous, current = current, previous + current
        return current

    def fib(self, n):
        if n < 2:
            return 1
        return self.fib(n - 1) + self.fib(n - 2)
