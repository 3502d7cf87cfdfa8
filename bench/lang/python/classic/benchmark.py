"""What every classic benchmark has: a default parameter, a timed body, and a result that is verified."""


class WrongResult(Exception):
    """A benchmark computed something else than it must."""


class Benchmark:
    # How often `benchmark` is repeated, or the size of the problem for those that override `run`.
    default_parameter = 1

    def run(self, parameter):
        """Answer the checksum of a run with the given parameter; raise WrongResult if it is not the known one."""
        result = None
        for _ in range(parameter):
            result = self.benchmark()
            self.verify(result, parameter)
        return result

    def benchmark(self):
        raise NotImplementedError

    def expected(self, parameter):
        raise NotImplementedError

    def verify(self, result, parameter):
        if result != self.expected(parameter):
            raise WrongResult(f"{type(self).__name__}: got {result}, expected {self.expected(parameter)}")
