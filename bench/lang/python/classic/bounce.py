"""Balls bounce in a box: field access, arithmetic, conditionals."""

from classic.benchmark import Benchmark
from classic.core import Random


class Ball:
    def __init__(self, random):
        self.x = random.next() % 500
        self.y = random.next() % 500
        self.x_velocity = random.next() % 300 - 150
        self.y_velocity = random.next() % 300 - 150

    def bounce(self):
        """Move one step; answer whether a wall was hit."""
        limit = 500
        hit = False
        self.x += self.x_velocity
        self.y += self.y_velocity
        if self.x > limit:
            self.x = limit
            self.x_velocity = -abs(self.x_velocity)
            hit = True
        if self.x < 0:
            self.x = 0
            self.x_velocity = abs(self.x_velocity)
            hit = True
        if self.y > limit:
            self.y = limit
            self.y_velocity = -abs(self.y_velocity)
            hit = True
        if self.y < 0:
            self.y = 0
            self.y_velocity = abs(self.y_velocity)
            hit = True
        return hit


class Bounce(Benchmark):
    default_parameter = 400

    def benchmark(self):
        random = Random()
        balls = [Ball(random) for _ in range(100)]
        bounces = 0
        for _ in range(50):
            for ball in balls:
                if ball.bounce():
                    bounces += 1
        return bounces

    def expected(self, parameter):
        return 1331
