"""The sieve of Eratosthenes up to 5000: array access in tight loops."""

from classic.benchmark import Benchmark


class Sieve(Benchmark):
    default_parameter = 500

    def benchmark(self):
        return self.sieve([True] * 5000, 5000)

    def expected(self, parameter):
        return 669

    def sieve(self, flags, size):
        """Count the primes up to size; flags[i] stands for the number i + 1."""
        primes = 0
        for i in range(2, size + 1):
            if flags[i - 1]:
                primes += 1
                k = i + i
                while k <= size:
                    flags[k - 1] = False
                    k += i
        return primes
