"""Eight queens by backtracking, ten times a run: array access, conditionals, recursion."""

from classic.benchmark import Benchmark


class Queens(Benchmark):
    default_parameter = 300

    def benchmark(self):
        result = 0
        for _ in range(10):
            result = self.solve()
        return result

    def expected(self, parameter):
        return 15863724

    def solve(self):
        """Answer the first solution: a decimal digit, the row, for each column."""
        self.free_rows = [True] * 8
        self.free_sums = [True] * 16
        self.free_differences = [True] * 16
        self.queen_rows = [0] * 8
        if not self.place_queen(0):
            return 0
        result = 0
        for row in self.queen_rows:
            result = result * 10 + row + 1
        return result

    def place_queen(self, column):
        for row in range(8):
            if self.is_free(row, column):
                self.queen_rows[column] = row
                self.mark(row, column, False)
                if column == 7 or self.place_queen(column + 1):
                    return True
                self.mark(row, column, True)
        return False

    def is_free(self, row, column):
        return (self.free_rows[row] and self.free_sums[row + column]
                and self.free_differences[row - column + 7])

    def mark(self, row, column, free):
        self.free_rows[row] = free
        self.free_sums[row + column] = free
        self.free_differences[row - column + 7] = free
