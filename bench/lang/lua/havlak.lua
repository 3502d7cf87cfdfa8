-- Havlak: finds the loops of a control-flow graph; union-find, graphs, deep recursion, collections.

local Benchmark = require("benchmark")
local core = require("core")
local class, Dictionary, Set, Vector = core.class, core.Dictionary, core.Set, core.Vector

local BasicBlock = class()

function BasicBlock.new(name)
  return setmetatable({ name = name, in_edges = Vector.new(), out_edges = Vector.new() }, BasicBlock)
end

function BasicBlock:hash_code()
  return self.name
end

local ControlFlowGraph = class()

function ControlFlowGraph.new()
  return setmetatable({ blocks = Vector.new() }, ControlFlowGraph)
end

function ControlFlowGraph:size()
  return self.blocks:size()
end

function ControlFlowGraph:start_block()
  return self.blocks:at(1)
end

-- The block with that name (names count from 0), made when it is new; names are given out in order, give or take a few.
function ControlFlowGraph:block(name)
  while name >= self.blocks:size() do
    self.blocks:append(BasicBlock.new(self.blocks:size()))
  end
  return self.blocks:at(name + 1)
end

function ControlFlowGraph:connect(source_name, target_name)
  local source = self:block(source_name)
  local target = self:block(target_name)
  source.out_edges:append(target)
  target.in_edges:append(source)
end

-- Grows a graph by shapes; each answers the name of the block at which it ends.
local GraphBuilder = class()

function GraphBuilder.new(graph)
  return setmetatable({ graph = graph }, GraphBuilder)
end

function GraphBuilder:diamond(start)
  self.graph:connect(start, start + 1)
  self.graph:connect(start, start + 2)
  self.graph:connect(start + 1, start + 3)
  self.graph:connect(start + 2, start + 3)
  return start + 3
end

function GraphBuilder:straight(start, length)
  for i = 0, length - 1 do
    self.graph:connect(start + i, start + i + 1)
  end
  return start + length
end

function GraphBuilder:base_loop(start)
  local header = self:straight(start, 1)
  local first_end = self:diamond(header)
  local inner_header = self:straight(first_end, 1)
  local second_end = self:diamond(inner_header)
  local footer = self:straight(second_end, 1)
  self.graph:connect(second_end, inner_header)
  self.graph:connect(first_end, header)
  self.graph:connect(footer, start)
  return self:straight(footer, 1)
end

function GraphBuilder:simple_graph()
  self.graph:block(0)
  self:base_loop(0)
  self.graph:connect(0, 2)
end

function GraphBuilder:nested_loops(outer, middle, inner)
  local name = 2
  for _ = 1, outer do
    self.graph:connect(2, name + 1)
    name = name + 1
    for _ = 1, middle do
      local top = name
      name = self:straight(name, 1)
      for _ = 1, inner do
        name = self:base_loop(name)
      end
      local bottom = self:straight(name, 1)
      self.graph:connect(name, top)
      name = bottom
    end
    self.graph:connect(name, 1)
  end
end

local SimpleLoop = class()

function SimpleLoop.new(block, is_reducible)
  local self = setmetatable({}, SimpleLoop)
  self.header = block
  self.is_reducible = is_reducible
  self.is_root = false
  self.parent = nil
  self.nesting_level = 0
  self.depth_level = 0
  self.blocks = Set.new()
  self.children = Set.new()
  if block ~= nil then
    self.blocks:add(block)
  end
  return self
end

function SimpleLoop:add_block(block)
  self.blocks:add(block)
end

function SimpleLoop:set_parent(loop)
  self.parent = loop
  loop.children:add(self)
end

local LoopStructure = class()

function LoopStructure.new()
  local self = setmetatable({}, LoopStructure)
  self.loops = Vector.new()
  self.root = SimpleLoop.new(nil, true)
  self.root.is_root = true
  self.loops:append(self.root)
  return self
end

function LoopStructure:size()
  return self.loops:size()
end

function LoopStructure:new_loop(block, is_reducible)
  local loop = SimpleLoop.new(block, is_reducible)
  self.loops:append(loop)
  return loop
end

function LoopStructure:calculate_nesting()
  self.loops:for_each(function(loop) self:hang_up(loop) end)
  self:nest(self.root, 0)
end

function LoopStructure:hang_up(loop)
  if not loop.is_root and loop.parent == nil then
    loop:set_parent(self.root)
  end
end

function LoopStructure:nest(loop, depth)
  loop.depth_level = depth
  loop.children:for_each(function(child) self:nest_child(child, loop, depth) end)
end

function LoopStructure:nest_child(child, loop, depth)
  self:nest(child, depth + 1)
  loop.nesting_level = math.max(loop.nesting_level, 1 + child.nesting_level)
end

local UnionFindNode = class()

function UnionFindNode.new(block, number)
  local self = setmetatable({}, UnionFindNode)
  self.parent = self
  self.block = block
  self.number = number
  self.loop = nil
  return self
end

-- The representative of this node's set; the path to it is compressed.
function UnionFindNode:find()
  local path = Vector.new()
  local node = self
  while node ~= node.parent do
    if node.parent ~= node.parent.parent then
      path:append(node)
    end
    node = node.parent
  end
  path:for_each(function(each) each:union(node) end)
  return node
end

function UnionFindNode:union(node)
  self.parent = node
end

local UNVISITED = -1
local NON_HEADER, REDUCIBLE, SELF, IRREDUCIBLE, DEAD = 0, 1, 2, 3, 4
local MAXIMUM_NON_BACK_PREDECESSORS = 32 * 1024

local LoopFinder = class()

function LoopFinder.new(graph, structure)
  local self = setmetatable({}, LoopFinder)
  self.graph = graph
  self.structure = structure
  self.number = Dictionary.new()
  self.nodes = {}
  self.last = {}
  self.header = {}
  self.kind = {}
  self.back_predecessors = {}
  self.non_back_predecessors = {}
  for i = 1, graph:size() do
    self.last[i] = 0
    self.header[i] = 0
    self.kind[i] = NON_HEADER
    self.back_predecessors[i] = Vector.new()
    self.non_back_predecessors[i] = Set.new()
  end
  return self
end

function LoopFinder:find_loops()
  self.graph.blocks:for_each(function(block) self.number:at_put(block, UNVISITED) end)
  self:search(self.graph:start_block(), 1)
  local size = self.graph:size()
  for w = 1, size do
    self:identify_edges(w)
  end
  for w = size, 1, -1 do
    if self.nodes[w] ~= nil and not self:collapse(w) then
      return
    end
  end
end

-- Number the blocks depth first; answer the number of the last one below.
function LoopFinder:search(block, current)
  self.nodes[current] = UnionFindNode.new(block, current)
  self.number:at_put(block, current)
  local last = current
  local targets = block.out_edges
  for i = 1, targets:size() do
    local target = targets:at(i)
    if self.number:at(target) == UNVISITED then
      last = self:search(target, last + 1)
    end
  end
  self.last[current] = last
  return last
end

function LoopFinder:is_ancestor(w, v)
  return w <= v and v <= self.last[w]
end

function LoopFinder:identify_edges(w)
  local node = self.nodes[w]
  if node == nil then
    self.kind[w] = DEAD
  else
    node.block.in_edges:for_each(function(source) self:identify_edge(source, w) end)
  end
end

function LoopFinder:identify_edge(source, w)
  local v = self.number:at(source)
  if v ~= UNVISITED then
    if self:is_ancestor(w, v) then
      self.back_predecessors[w]:append(v)
    else
      self.non_back_predecessors[w]:add(v)
    end
  end
end

-- Find the loop, if any, that w is the header of; answer false if the graph is too large to go on.
function LoopFinder:collapse(w)
  local pool = Vector.new()
  self.back_predecessors[w]:for_each(function(v) self:add_body_node(v, w, pool) end)
  local work = Vector.new()
  work:append_all(pool)
  if not pool:is_empty() then
    self.kind[w] = REDUCIBLE
  end
  while not work:is_empty() do
    local node = work:remove_first()
    local predecessors = self.non_back_predecessors[node.number]
    if predecessors:size() > MAXIMUM_NON_BACK_PREDECESSORS then
      return false
    end
    predecessors:for_each(function(v) self:chase(v, w, pool, work) end)
  end
  if not pool:is_empty() or self.kind[w] == SELF then
    local loop = self.structure:new_loop(self.nodes[w].block, self.kind[w] ~= IRREDUCIBLE)
    self.nodes[w].loop = loop
    pool:for_each(function(node) self:add_to_loop(node, w, loop) end)
  end
  return true
end

function LoopFinder:add_body_node(v, w, pool)
  if v == w then
    self.kind[w] = SELF
  else
    pool:append(self.nodes[v]:find())
  end
end

function LoopFinder:chase(v, w, pool, work)
  local node = self.nodes[v]:find()
  if not self:is_ancestor(w, node.number) then
    self.kind[w] = IRREDUCIBLE
    self.non_back_predecessors[w]:add(node.number)
  elseif node.number ~= w and not pool:includes(node) then
    work:append(node)
    pool:append(node)
  end
end

function LoopFinder:add_to_loop(node, w, loop)
  self.header[node.number] = w
  node:union(self.nodes[w])
  if node.loop == nil then
    loop:add_block(node.block)
  else
    node.loop:set_parent(loop)
  end
end

-- The parameter says how often the loops of the large graph are searched for.
local Havlak = Benchmark.subclass("Havlak")
Havlak.default_parameter = 3

function Havlak:run(parameter)
  local graph = ControlFlowGraph.new()
  local builder = GraphBuilder.new(graph)
  local structure = LoopStructure.new()
  builder:simple_graph()
  for _ = 1, 15 do
    LoopFinder.new(graph, structure):find_loops()
  end
  builder:nested_loops(10, 10, 5)
  LoopFinder.new(graph, structure):find_loops()
  for _ = 1, parameter do
    LoopFinder.new(graph, LoopStructure.new()):find_loops()
  end
  structure:calculate_nesting()
  local result = structure:size() * 10000 + graph:size()
  self:verify(result, parameter)
  return result
end

function Havlak:expected(parameter)
  return 16475213
end

return Havlak
