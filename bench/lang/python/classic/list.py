"""Takeuchi's function on linked lists: recursion and field access."""

from classic.benchmark import Benchmark


class Element:
    def __init__(self, value):
        self.value = value
        self.next = None

    def length(self):
        return 1 if self.next is None else 1 + self.next.length()


class List(Benchmark):
    default_parameter = 500

    def benchmark(self):
        return self.tail(self.make_list(15), self.make_list(10), self.make_list(6)).length()

    def expected(self, parameter):
        return 10

    def make_list(self, length):
        if length == 0:
            return None
        element = Element(length)
        element.next = self.make_list(length - 1)
        return element

    def is_shorter(self, x, y):
        x_rest = x
        y_rest = y
        while y_rest is not None:
            if x_rest is None:
                return True
            x_rest = x_rest.next
            y_rest = y_rest.next
        return False

    def tail(self, x, y, z):
        if self.is_shorter(y, x):
            return self.tail(self.tail(x.next, y, z), self.tail(y.next, z, x), self.tail(z.next, x, y))
        return z
