"""Havlak: finds the loops of a control-flow graph; union-find, graphs, deep recursion, collections."""

import sys

from classic.benchmark import Benchmark
from classic.core import Dictionary, Set, Vector


class BasicBlock:
    def __init__(self, name):
        self.name = name
        self.in_edges = Vector(2)
        self.out_edges = Vector(2)

    def hash_code(self):
        return self.name


class ControlFlowGraph:
    def __init__(self):
        self.blocks = Vector()

    def size(self):
        return self.blocks.size()

    def start_block(self):
        return self.blocks.at(0)

    def block(self, name):
        """The block with that name, made when it is new; names are given out in order, give or take a few."""
        while name >= self.blocks.size():
            self.blocks.append(BasicBlock(self.blocks.size()))
        return self.blocks.at(name)

    def connect(self, source_name, target_name):
        source = self.block(source_name)
        target = self.block(target_name)
        source.out_edges.append(target)
        target.in_edges.append(source)


class GraphBuilder:
    """Grows a graph by shapes; each answers the name of the block at which it ends."""

    def __init__(self, graph):
        self.graph = graph

    def diamond(self, start):
        self.graph.connect(start, start + 1)
        self.graph.connect(start, start + 2)
        self.graph.connect(start + 1, start + 3)
        self.graph.connect(start + 2, start + 3)
        return start + 3

    def straight(self, start, length):
        for i in range(length):
            self.graph.connect(start + i, start + i + 1)
        return start + length

    def base_loop(self, start):
        header = self.straight(start, 1)
        first_end = self.diamond(header)
        inner_header = self.straight(first_end, 1)
        second_end = self.diamond(inner_header)
        footer = self.straight(second_end, 1)
        self.graph.connect(second_end, inner_header)
        self.graph.connect(first_end, header)
        self.graph.connect(footer, start)
        return self.straight(footer, 1)

    def simple_graph(self):
        self.graph.block(0)
        self.base_loop(0)
        self.graph.connect(0, 2)

    def nested_loops(self, outer, middle, inner):
        name = 2
        for _ in range(outer):
            self.graph.connect(2, name + 1)
            name += 1
            for _ in range(middle):
                top = name
                name = self.straight(name, 1)
                for _ in range(inner):
                    name = self.base_loop(name)
                bottom = self.straight(name, 1)
                self.graph.connect(name, top)
                name = bottom
            self.graph.connect(name, 1)


class SimpleLoop:
    def __init__(self, block, is_reducible):
        self.header = block
        self.is_reducible = is_reducible
        self.is_root = False
        self.parent = None
        self.nesting_level = 0
        self.depth_level = 0
        self.blocks = Set()
        self.children = Set()
        if block is not None:
            self.blocks.add(block)

    def add_block(self, block):
        self.blocks.add(block)

    def set_parent(self, loop):
        self.parent = loop
        loop.children.add(self)


class LoopStructure:
    def __init__(self):
        self.loops = Vector()
        self.root = SimpleLoop(None, True)
        self.root.is_root = True
        self.loops.append(self.root)

    def size(self):
        return self.loops.size()

    def new_loop(self, block, is_reducible):
        loop = SimpleLoop(block, is_reducible)
        self.loops.append(loop)
        return loop

    def calculate_nesting(self):
        self.loops.for_each(lambda loop: self.hang_up(loop))
        self.nest(self.root, 0)

    def hang_up(self, loop):
        if not loop.is_root and loop.parent is None:
            loop.set_parent(self.root)

    def nest(self, loop, depth):
        loop.depth_level = depth
        loop.children.for_each(lambda child: self.nest_child(child, loop, depth))

    def nest_child(self, child, loop, depth):
        self.nest(child, depth + 1)
        loop.nesting_level = max(loop.nesting_level, 1 + child.nesting_level)


class UnionFindNode:
    def __init__(self, block, number):
        self.parent = self
        self.block = block
        self.number = number
        self.loop = None

    def find(self):
        """The representative of this node's set; the path to it is compressed."""
        path = Vector()
        node = self
        while node is not node.parent:
            if node.parent is not node.parent.parent:
                path.append(node)
            node = node.parent
        path.for_each(lambda each: each.union(node))
        return node

    def union(self, node):
        self.parent = node


class LoopFinder:
    UNVISITED = -1
    NON_HEADER, REDUCIBLE, SELF, IRREDUCIBLE, DEAD = range(5)
    MAXIMUM_NON_BACK_PREDECESSORS = 32 * 1024

    def __init__(self, graph, structure):
        self.graph = graph
        self.structure = structure
        size = graph.size()
        self.number = Dictionary()
        self.nodes = [None] * size
        self.last = [0] * size
        self.header = [0] * size
        self.kind = [self.NON_HEADER] * size
        self.back_predecessors = [Vector(2) for _ in range(size)]
        self.non_back_predecessors = [Set() for _ in range(size)]

    def find_loops(self):
        self.graph.blocks.for_each(lambda block: self.number.at_put(block, self.UNVISITED))
        self.search(self.graph.start_block(), 0)
        size = self.graph.size()
        for w in range(size):
            self.identify_edges(w)
        for w in range(size - 1, -1, -1):
            if self.nodes[w] is not None and not self.collapse(w):
                return

    def search(self, block, current):
        """Number the blocks depth first; answer the number of the last one below."""
        self.nodes[current] = UnionFindNode(block, current)
        self.number.at_put(block, current)
        last = current
        targets = block.out_edges
        for i in range(targets.size()):
            target = targets.at(i)
            if self.number.at(target) == self.UNVISITED:
                last = self.search(target, last + 1)
        self.last[current] = last
        return last

    def is_ancestor(self, w, v):
        return w <= v <= self.last[w]

    def identify_edges(self, w):
        node = self.nodes[w]
        if node is None:
            self.kind[w] = self.DEAD
        else:
            node.block.in_edges.for_each(lambda source: self.identify_edge(source, w))

    def identify_edge(self, source, w):
        v = self.number.at(source)
        if v != self.UNVISITED:
            if self.is_ancestor(w, v):
                self.back_predecessors[w].append(v)
            else:
                self.non_back_predecessors[w].add(v)

    def collapse(self, w):
        """Find the loop, if any, that w is the header of; answer False if the graph is too large to go on."""
        pool = Vector()
        self.back_predecessors[w].for_each(lambda v: self.add_body_node(v, w, pool))
        work = Vector()
        work.append_all(pool)
        if not pool.is_empty():
            self.kind[w] = self.REDUCIBLE
        while not work.is_empty():
            node = work.remove_first()
            predecessors = self.non_back_predecessors[node.number]
            if predecessors.size() > self.MAXIMUM_NON_BACK_PREDECESSORS:
                return False
            predecessors.for_each(lambda v: self.chase(v, w, pool, work))
        if not pool.is_empty() or self.kind[w] == self.SELF:
            loop = self.structure.new_loop(self.nodes[w].block, self.kind[w] != self.IRREDUCIBLE)
            self.nodes[w].loop = loop
            pool.for_each(lambda node: self.add_to_loop(node, w, loop))
        return True

    def add_body_node(self, v, w, pool):
        if v == w:
            self.kind[w] = self.SELF
        else:
            pool.append(self.nodes[v].find())

    def chase(self, v, w, pool, work):
        node = self.nodes[v].find()
        if not self.is_ancestor(w, node.number):
            self.kind[w] = self.IRREDUCIBLE
            self.non_back_predecessors[w].add(node.number)
        elif node.number != w and not pool.includes(node):
            work.append(node)
            pool.append(node)

    def add_to_loop(self, node, w, loop):
        self.header[node.number] = w
        node.union(self.nodes[w])
        if node.loop is None:
            loop.add_block(node.block)
        else:
            node.loop.set_parent(loop)


class Havlak(Benchmark):
    """The parameter says how often the loops of the large graph are searched for."""

    default_parameter = 3

    def run(self, parameter):
        graph = ControlFlowGraph()
        builder = GraphBuilder(graph)
        structure = LoopStructure()
        builder.simple_graph()
        for _ in range(15):
            LoopFinder(graph, structure).find_loops()
        builder.nested_loops(10, 10, 5)
        LoopFinder(graph, structure).find_loops()
        for _ in range(parameter):
            LoopFinder(graph, LoopStructure()).find_loops()
        structure.calculate_nesting()
        result = structure.size() * 10000 + graph.size()
        self.verify(result, parameter)
        return result

    def expected(self, parameter):
        return 16475213


sys.setrecursionlimit(20000)
