"""The energy of the sun and the four large planets before and after n steps of 0.01."""

import math

DAYS = 365.24
SOLAR_MASS = 4 * math.pi * math.pi

# position, velocity a day, mass in masses of the sun
PLANETS = (
    ((4.84143144246472090e+00, -1.16032004402742839e+00, -1.03622044471123109e-01),
     (1.66007664274403694e-03, 7.69901118419740425e-03, -6.90460016972063023e-05), 9.54791938424326609e-04),
    ((8.34336671824457987e+00, 4.12479856412430479e+00, -4.03523417114321381e-01),
     (-2.76742510726411899e-03, 4.99852801234917238e-03, 2.30417297573763929e-05), 2.85885980666130812e-04),
    ((1.28943695621391310e+01, -1.51111514016986312e+01, -2.23307578892655734e-01),
     (2.96460137564761618e-03, 2.37847173959480950e-03, -2.96589568540237556e-05), 4.36624404335156298e-05),
    ((1.53796971148509165e+01, -2.59193146099879641e+01, 1.79258772950371181e-01),
     (2.68067772490389322e-03, 1.62824170038242295e-03, -9.51592254519715870e-05), 5.15138902046611451e-05),
)


def energy(bodies):
    total = 0.0
    for i, (p, v, m) in enumerate(bodies):
        total += 0.5 * m * sum(x * x for x in v)
        for q, _, other in bodies[i + 1:]:
            total -= m * other / math.dist(p, q)
    return total


def step(bodies, dt):
    for i, (p, v, m) in enumerate(bodies):
        for q, w, other in bodies[i + 1:]:
            d = [a - b for a, b in zip(p, q)]
            square = sum(x * x for x in d)
            magnitude = dt / (square * math.sqrt(square))
            for axis in range(3):
                v[axis] -= d[axis] * other * magnitude
                w[axis] += d[axis] * m * magnitude
    for p, v, _ in bodies:
        for axis in range(3):
            p[axis] += dt * v[axis]


def output(n):
    bodies = [([0.0] * 3, [0.0] * 3, SOLAR_MASS)]
    bodies += [(list(p), [x * DAYS for x in v], m * SOLAR_MASS) for p, v, m in PLANETS]
    for axis in range(3):
        bodies[0][1][axis] = -sum(v[axis] * m for _, v, m in bodies) / SOLAR_MASS
    first = energy(bodies)
    for _ in range(n):
        step(bodies, 0.01)
    return f"{first:.9f}\n{energy(bodies):.9f}\n"
