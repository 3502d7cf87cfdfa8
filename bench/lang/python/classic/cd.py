"""CD: detects collisions of simulated aircraft; floats, a red-black tree, recursion."""

import math

from classic.benchmark import Benchmark
from classic.core import Vector

MINIMUM = 0.0
MAXIMUM = 1000.0
MAXIMUM_HEIGHT = 10.0
PROXIMITY_RADIUS = 1.0
VOXEL_SIZE = 2.0


class Vector2D:
    def __init__(self, x, y):
        self.x = x
        self.y = y

    def plus(self, other):
        return Vector2D(self.x + other.x, self.y + other.y)

    def minus(self, other):
        return Vector2D(self.x - other.x, self.y - other.y)

    def compare(self, other):
        """Negative, zero or positive: by x, then by y."""
        result = self.compare_numbers(self.x, other.x)
        return result if result != 0 else self.compare_numbers(self.y, other.y)

    def compare_numbers(self, a, b):
        if a == b:
            return 0
        return -1 if a < b else 1


class Vector3D:
    def __init__(self, x, y, z):
        self.x = x
        self.y = y
        self.z = z

    def plus(self, other):
        return Vector3D(self.x + other.x, self.y + other.y, self.z + other.z)

    def minus(self, other):
        return Vector3D(self.x - other.x, self.y - other.y, self.z - other.z)

    def times(self, amount):
        return Vector3D(self.x * amount, self.y * amount, self.z * amount)

    def dot(self, other):
        return self.x * other.x + self.y * other.y + self.z * other.z

    def squared_magnitude(self):
        return self.dot(self)

    def magnitude(self):
        return math.sqrt(self.squared_magnitude())


class CallSign:
    def __init__(self, number):
        self.number = number

    def compare(self, other):
        return self.number - other.number


class Aircraft:
    def __init__(self, call_sign, position):
        self.call_sign = call_sign
        self.position = position


class Collision:
    def __init__(self, first, second, position):
        self.first = first
        self.second = second
        self.position = position


class Node:
    def __init__(self, key, value):
        self.key = key
        self.value = value
        self.left = None
        self.right = None
        self.parent = None
        self.is_red = True

    def successor(self):
        node = self
        if node.right is not None:
            node = node.right
            while node.left is not None:
                node = node.left
            return node
        parent = node.parent
        while parent is not None and node is parent.right:
            node = parent
            parent = node.parent
        return parent


class RedBlackTree:
    def __init__(self):
        self.root = None

    def for_each(self, action):
        """In the order of the keys."""
        node = self.root
        if node is None:
            return
        while node.left is not None:
            node = node.left
        while node is not None:
            action(node)
            node = node.successor()

    def find(self, key):
        node = self.root
        while node is not None:
            order = key.compare(node.key)
            if order == 0:
                return node
            node = node.left if order < 0 else node.right
        return None

    def get(self, key):
        node = self.find(key)
        return None if node is None else node.value

    def put(self, key, value):
        """Answer the value that was there, or None."""
        parent = None
        order = 0
        node = self.root
        while node is not None:
            parent = node
            order = key.compare(node.key)
            if order == 0:
                old = node.value
                node.value = value
                return old
            node = node.left if order < 0 else node.right
        node = Node(key, value)
        node.parent = parent
        if parent is None:
            self.root = node
        elif order < 0:
            parent.left = node
        else:
            parent.right = node
        self.fix_insertion(node)
        return None

    def fix_insertion(self, inserted):
        node = inserted
        while node is not self.root and node.parent.is_red:
            parent = node.parent
            grandparent = parent.parent
            parent_is_left = parent is grandparent.left
            uncle = grandparent.right if parent_is_left else grandparent.left
            if uncle is not None and uncle.is_red:
                parent.is_red = False
                uncle.is_red = False
                grandparent.is_red = True
                node = grandparent
            else:
                if parent_is_left != (node is parent.left):
                    node = parent
                    self.rotate(node, parent_is_left)
                node.parent.is_red = False
                grandparent.is_red = True
                self.rotate(grandparent, not parent_is_left)
        self.root.is_red = False

    def rotate(self, node, to_left):
        """Lift the right (left) child of the node above it."""
        child = node.right if to_left else node.left
        if to_left:
            node.right = child.left
            if child.left is not None:
                child.left.parent = node
            child.left = node
        else:
            node.left = child.right
            if child.right is not None:
                child.right.parent = node
            child.right = node
        self.replace(node, child)
        node.parent = child

    def replace(self, node, other):
        """Put the other node, or None, where the node hangs."""
        parent = node.parent
        if parent is None:
            self.root = other
        elif node is parent.left:
            parent.left = other
        else:
            parent.right = other
        if other is not None:
            other.parent = parent

    def remove(self, key):
        """Answer the value that was there, or None."""
        node = self.find(key)
        if node is None:
            return None
        value = node.value
        if node.left is not None and node.right is not None:
            next_node = node.successor()
            node.key = next_node.key
            node.value = next_node.value
            node = next_node
        child = node.right if node.left is None else node.left
        parent = node.parent
        was_left = parent is not None and node is parent.left
        self.replace(node, child)
        if not node.is_red:
            self.fix_removal(child, parent, was_left)
        return value

    def fix_removal(self, replacement, its_parent, is_left):
        """Restore the black heights below the parent on the side where one black node is missing."""
        node = replacement
        parent = its_parent
        on_left = is_left
        while parent is not None and (node is None or not node.is_red):
            sibling = parent.right if on_left else parent.left
            if sibling.is_red:
                sibling.is_red = False
                parent.is_red = True
                self.rotate(parent, on_left)
                sibling = parent.right if on_left else parent.left
            near = sibling.left if on_left else sibling.right
            far = sibling.right if on_left else sibling.left
            if (near is None or not near.is_red) and (far is None or not far.is_red):
                sibling.is_red = True
                node = parent
                parent = node.parent
                on_left = parent is not None and node is parent.left
            else:
                if far is None or not far.is_red:
                    near.is_red = False
                    sibling.is_red = True
                    self.rotate(sibling, not on_left)
                    far = sibling
                    sibling = near
                sibling.is_red = parent.is_red
                parent.is_red = False
                far.is_red = False
                self.rotate(parent, on_left)
                node = self.root
                parent = None
        if node is not None:
            node.is_red = False


class Motion:
    """An aircraft's way in one frame."""

    def __init__(self, call_sign, start, end):
        self.call_sign = call_sign
        self.start = start
        self.end = end

    def delta(self):
        return self.end.minus(self.start)

    def find_intersection(self, other):
        """Where the two come closer than the proximity radius, or None."""
        start1 = self.start
        start2 = other.start
        delta1 = self.delta()
        delta2 = other.delta()
        a = delta2.minus(delta1).squared_magnitude()
        if a == 0.0:
            if start2.minus(start1).magnitude() <= PROXIMITY_RADIUS:
                return start1.plus(start2).times(0.5)
            return None
        b = 2.0 * start1.minus(start2).dot(delta1.minus(delta2))
        c = start2.minus(start1).squared_magnitude() - PROXIMITY_RADIUS * PROXIMITY_RADIUS
        discriminant = b * b - 4.0 * a * c
        if discriminant < 0.0:
            return None
        root = math.sqrt(discriminant)
        enter = (-b - root) / (2.0 * a)
        leave = (-b + root) / (2.0 * a)
        if enter > 1.0 or leave < 0.0:
            return None
        moment = max(enter, 0.0)
        position = start1.plus(delta1.times(moment)).plus(start2.plus(delta2.times(moment))).times(0.5)
        return position if self.is_inside(position) else None

    def is_inside(self, position):
        return (MINIMUM <= position.x <= MAXIMUM and MINIMUM <= position.y <= MAXIMUM
                and MINIMUM <= position.z <= MAXIMUM_HEIGHT)


class Span:
    """The part of a motion, as times, during which it is within a voxel along one axis."""

    def __init__(self, voxel, start, end):
        reach = PROXIMITY_RADIUS / 2.0
        self.velocity = end - start
        low = voxel - reach - start
        high = voxel + VOXEL_SIZE + reach - start
        if self.velocity == 0.0:
            self.low = low
            self.high = high
        elif self.velocity < 0.0:
            self.low = high / self.velocity
            self.high = low / self.velocity
        else:
            self.low = low / self.velocity
            self.high = high / self.velocity

    def is_still(self):
        return self.velocity == 0.0

    def touches(self):
        if self.is_still():
            return self.low <= 0.0 <= self.high
        return self.low <= 1.0 and self.high >= 0.0

    def overlaps(self, other):
        return (self.is_still() or other.is_still()
                or (self.low <= other.high and other.low <= self.high))


class CollisionDetector:
    def __init__(self):
        self.state = RedBlackTree()
        self.horizontal = Vector2D(VOXEL_SIZE, 0.0)
        self.vertical = Vector2D(0.0, VOXEL_SIZE)

    def handle_frame(self, frame):
        motions = self.motions_of(frame)
        collisions = Vector()
        self.reduce(motions).for_each(lambda close: self.collide(close, collisions))
        return collisions

    def motions_of(self, frame):
        motions = Vector()
        seen = RedBlackTree()
        frame.for_each(lambda aircraft: self.add_motion(aircraft, seen, motions))
        gone = Vector()
        self.state.for_each(lambda node: self.add_unseen(node.key, seen, gone))
        gone.for_each(lambda call_sign: self.state.remove(call_sign))
        return motions

    def add_motion(self, aircraft, seen, motions):
        old = self.state.put(aircraft.call_sign, aircraft.position)
        seen.put(aircraft.call_sign, True)
        if old is None:
            old = aircraft.position
        motions.append(Motion(aircraft.call_sign, old, aircraft.position))

    def add_unseen(self, call_sign, seen, gone):
        if seen.get(call_sign) is None:
            gone.append(call_sign)

    def collide(self, motions, collisions):
        for i in range(motions.size()):
            first = motions.at(i)
            for j in range(i + 1, motions.size()):
                second = motions.at(j)
                position = first.find_intersection(second)
                if position is not None:
                    collisions.append(Collision(first.call_sign, second.call_sign, position))

    def reduce(self, motions):
        """The lists of motions that share a voxel."""
        voxels = RedBlackTree()
        motions.for_each(lambda motion: self.draw(motion, voxels))
        result = Vector()
        voxels.for_each(lambda node: self.add_crowded(node.value, result))
        return result

    def add_crowded(self, motions, result):
        if motions.size() > 1:
            result.append(motions)

    def draw(self, motion, voxels):
        self.spread(self.voxel_at(motion.start), motion, voxels, RedBlackTree())

    def voxel_at(self, position):
        return Vector2D(self.voxel_coordinate(position.x), self.voxel_coordinate(position.y))

    def voxel_coordinate(self, value):
        coordinate = VOXEL_SIZE * int(value / VOXEL_SIZE)
        return coordinate - VOXEL_SIZE if value < 0.0 else coordinate

    def spread(self, voxel, motion, voxels, seen):
        """Enter the motion into the voxel and, from there, into the neighbours that it touches."""
        if not self.is_in_voxel(voxel, motion) or seen.put(voxel, True) is not None:
            return
        motions = voxels.get(voxel)
        if motions is None:
            motions = Vector()
            voxels.put(voxel, motions)
        motions.append(motion)
        left = voxel.minus(self.horizontal)
        right = voxel.plus(self.horizontal)
        self.spread(left, motion, voxels, seen)
        self.spread(right, motion, voxels, seen)
        self.spread(voxel.minus(self.vertical), motion, voxels, seen)
        self.spread(voxel.plus(self.vertical), motion, voxels, seen)
        self.spread(left.minus(self.vertical), motion, voxels, seen)
        self.spread(left.plus(self.vertical), motion, voxels, seen)
        self.spread(right.minus(self.vertical), motion, voxels, seen)
        self.spread(right.plus(self.vertical), motion, voxels, seen)

    def is_in_voxel(self, voxel, motion):
        if not (MINIMUM <= voxel.x <= MAXIMUM and MINIMUM <= voxel.y <= MAXIMUM):
            return False
        x_span = Span(voxel.x, motion.start.x, motion.end.x)
        y_span = Span(voxel.y, motion.start.y, motion.end.y)
        return x_span.touches() and y_span.touches() and x_span.overlaps(y_span)


class Simulator:
    def __init__(self, count):
        self.call_signs = Vector()
        for i in range(count):
            self.call_signs.append(CallSign(i))

    def frame(self, time):
        frame = Vector()
        for i in range(0, self.call_signs.size() - 1, 2):
            frame.append(Aircraft(self.call_signs.at(i), Vector3D(time, math.cos(time) * 2.0 + i * 3.0, 10.0)))
            frame.append(Aircraft(self.call_signs.at(i + 1), Vector3D(time, math.sin(time) * 2.0 + i * 3.0, 10.0)))
        return frame


class CD(Benchmark):
    """The parameter is the number of aircraft; 200 frames are simulated."""

    default_parameter = 50
    KNOWN = {2: 42, 10: 390, 50: 2130, 100: 4305}

    def run(self, parameter):
        simulator = Simulator(parameter)
        detector = CollisionDetector()
        collisions = 0
        for i in range(200):
            collisions += detector.handle_frame(simulator.frame(i / 10.0)).size()
        self.verify(collisions, parameter)
        return collisions

    def expected(self, parameter):
        return self.KNOWN.get(parameter)
