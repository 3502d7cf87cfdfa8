"""The collections and the random numbers that the benchmarks share.

They are written in the language under test, so that they are measured and not the host's own library.
"""


class Random:
    """A linear congruential generator of 16 bits."""

    def __init__(self):
        self.seed = 74755

    def next(self):
        self.seed = (self.seed * 1309 + 13849) & 65535
        return self.seed


class Vector:
    """A growing sequence; elements leave cheaply at the front."""

    def __init__(self, capacity=8):
        self.storage = [None] * capacity
        self.first = 0
        self.last = 0

    @staticmethod
    def holding(element):
        vector = Vector(1)
        vector.append(element)
        return vector

    def size(self):
        return self.last - self.first

    def is_empty(self):
        return self.last == self.first

    def at(self, index):
        return self.storage[self.first + index]

    def append(self, element):
        if self.last >= len(self.storage):
            self.grow()
        self.storage[self.last] = element
        self.last += 1

    def grow(self):
        larger = [None] * (2 * len(self.storage))
        for i in range(self.first, self.last):
            larger[i] = self.storage[i]
        self.storage = larger

    def append_all(self, elements):
        elements.for_each(lambda each: self.append(each))

    def for_each(self, action):
        for i in range(self.first, self.last):
            action(self.storage[i])

    def any_satisfies(self, predicate):
        for i in range(self.first, self.last):
            if predicate(self.storage[i]):
                return True
        return False

    def includes(self, element):
        for i in range(self.first, self.last):
            if self.storage[i] is element:
                return True
        return False

    def remove_first(self):
        element = self.storage[self.first]
        self.storage[self.first] = None
        self.first += 1
        return element

    def remove(self, element):
        """Remove all occurrences of the element."""
        kept = self.first
        for i in range(self.first, self.last):
            each = self.storage[i]
            if each is not element:
                self.storage[kept] = each
                kept += 1
        for i in range(kept, self.last):
            self.storage[i] = None
        self.last = kept

    def clear(self):
        self.storage = [None] * len(self.storage)
        self.first = 0
        self.last = 0

    def sort(self, before):
        """Stable insertion sort."""
        for i in range(self.first + 1, self.last):
            element = self.storage[i]
            j = i - 1
            while j >= self.first and before(element, self.storage[j]):
                self.storage[j + 1] = self.storage[j]
                j -= 1
            self.storage[j + 1] = element


class Set:
    """A small set of objects or small integers that compares by identity."""

    def __init__(self):
        self.items = Vector()

    def size(self):
        return self.items.size()

    def add(self, element):
        if not self.items.includes(element):
            self.items.append(element)

    def includes(self, element):
        return self.items.includes(element)

    def for_each(self, action):
        self.items.for_each(action)


class Entry:
    def __init__(self, key, value, next_entry):
        self.key = key
        self.value = value
        self.next = next_entry


class Dictionary:
    """A hash table with chains; a key answers `hash_code` and is compared by identity."""

    def __init__(self):
        self.clear()

    def clear(self):
        self.buckets = [None] * 16
        self.count = 0

    def size(self):
        return self.count

    def find(self, key):
        entry = self.buckets[key.hash_code() & (len(self.buckets) - 1)]
        while entry is not None and entry.key is not key:
            entry = entry.next
        return entry

    def at(self, key):
        entry = self.find(key)
        return None if entry is None else entry.value

    def at_put(self, key, value):
        entry = self.find(key)
        if entry is None:
            if self.count >= len(self.buckets):
                self.grow()
            self.insert(key, value)
            self.count += 1
        else:
            entry.value = value

    def insert(self, key, value):
        index = key.hash_code() & (len(self.buckets) - 1)
        self.buckets[index] = Entry(key, value, self.buckets[index])

    def grow(self):
        old = self.buckets
        self.buckets = [None] * (2 * len(old))
        for bucket in old:
            entry = bucket
            while entry is not None:
                self.insert(entry.key, entry.value)
                entry = entry.next
