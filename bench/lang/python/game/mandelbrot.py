"""The Mandelbrot set on [-1.5-i, 0.5+i] as a portable bitmap: a bit a point, 50 iterations, limit 4."""


def is_inside(cr, ci):
    zr = zi = tr = ti = 0.0
    for _ in range(50):
        zi = 2.0 * zr * zi + ci
        zr = tr - ti + cr
        tr = zr * zr
        ti = zi * zi
        if tr + ti > 4.0:
            return False
    return True


def output(n):
    data = bytearray(b"P4\n%d %d\n" % (n, n))
    for y in range(n):
        bits = "".join("1" if is_inside(2.0 * x / n - 1.5, 2.0 * y / n - 1.0) else "0" for x in range(n))
        bits += "0" * (-n % 8)
        data += bytes(int(bits[i:i + 8], 2) for i in range(0, len(bits), 8))
    return bytes(data)
