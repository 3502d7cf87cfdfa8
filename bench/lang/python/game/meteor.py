"""The smallest and the largest of the 2098 ways to lay ten pieces on a board of ten rows of five hexagons.

Solved here as an exact cover of 50 cells and 10 pieces, with the column of fewest choices first. Placements that cut off a
part of the board whose size five does not divide are left out: nothing can fill it.
"""

DIRECTIONS = {"E": (1, 0), "SE": (0, 1), "SW": (-1, 1), "W": (-1, 0), "NW": (0, -1), "NE": (1, -1)}
PIECES = ("E E E SE", "SE SW W SW", "W W SW SE", "E E SW SE", "NW W NW SE SW", "E E NE W", "NW NE NE W", "NE SE E NE",
          "SE SE E SE", "E NW NW NW")


def shape(path):
    q = r = 0
    cells = {(0, 0)}
    for step in path.split():
        q += DIRECTIONS[step][0]
        r += DIRECTIONS[step][1]
        cells.add((q, r))
    return cells


def placements(path):
    found = set()
    cells = shape(path)
    for _ in range(2):
        cells = {(q + r, -r) for q, r in cells}
        for _ in range(6):
            cells = {(-r, q + r) for q, r in cells}
            for row in range(-10, 20):
                for column in range(-15, 20):
                    place = {(q + column, r + row) for q, r in cells}
                    board = [(q + r // 2, r) for q, r in place]
                    if all(0 <= c < 5 and 0 <= r < 10 for c, r in board):
                        found.add(frozenset(5 * r + c for c, r in board))
    return [cells for cells in found if not has_islands(cells)]


def neighbors(cell):
    row, column = divmod(cell, 5)
    for q, r in DIRECTIONS.values():
        other_row = row + r
        other_column = column - row // 2 + q + other_row // 2
        if 0 <= other_row < 10 and 0 <= other_column < 5:
            yield 5 * other_row + other_column


def has_islands(taken):
    free = set(range(50)) - taken
    while free:
        edge = [free.pop()]
        size = 1
        while edge:
            for cell in neighbors(edge.pop()):
                if cell in free:
                    free.remove(cell)
                    edge.append(cell)
                    size += 1
        if size % 5 != 0:
            return True
    return False


def solutions():
    rows = {}
    for piece, path in enumerate(PIECES):
        for cells in placements(path):
            rows[(piece, cells)] = [("piece", piece)] + list(cells)
    columns = {}
    for row, parts in rows.items():
        for part in parts:
            columns.setdefault(part, set()).add(row)
    yield from cover(rows, columns, [])


def cover(rows, columns, chosen):
    if not columns:
        board = [None] * 50
        for piece, cells in chosen:
            for cell in cells:
                board[cell] = piece
        yield board
        return
    column = min(columns, key=lambda c: len(columns[c]))
    for row in list(columns[column]):
        chosen.append(row)
        removed = select(rows, columns, row)
        yield from cover(rows, columns, chosen)
        deselect(rows, columns, row, removed)
        chosen.pop()


def select(rows, columns, row):
    removed = []
    for part in rows[row]:
        for other in columns[part]:
            for third in rows[other]:
                if third != part:
                    columns[third].discard(other)
        removed.append(columns.pop(part))
    return removed


def deselect(rows, columns, row, removed):
    for part in reversed(rows[row]):
        columns[part] = removed.pop()
        for other in columns[part]:
            for third in rows[other]:
                if third != part:
                    columns[third].add(other)


def drawing(board):
    text = ""
    for row in range(10):
        text += " " * (row % 2) + "".join(f"{piece} " for piece in board[5 * row:5 * row + 5]) + "\n"
    return text + "\n"


def output(n):
    if n != 2098:
        raise ValueError("the rules state the output for all 2098 solutions only")
    found = list(solutions())
    return f"{len(found)} solutions found\n\n" + drawing(min(found)) + drawing(max(found))
