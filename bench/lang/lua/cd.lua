-- CD: detects collisions of simulated aircraft; floats, a red-black tree, recursion.

local Benchmark = require("benchmark")
local core = require("core")
local class, Vector = core.class, core.Vector

local MINIMUM = 0.0
local MAXIMUM = 1000.0
local MAXIMUM_HEIGHT = 10.0
local PROXIMITY_RADIUS = 1.0
local VOXEL_SIZE = 2.0

local Vector2D = class()

function Vector2D.new(x, y)
  return setmetatable({ x = x, y = y }, Vector2D)
end

function Vector2D:plus(other)
  return Vector2D.new(self.x + other.x, self.y + other.y)
end

function Vector2D:minus(other)
  return Vector2D.new(self.x - other.x, self.y - other.y)
end

-- Negative, zero or positive: by x, then by y.
function Vector2D:compare(other)
  local result = self:compare_numbers(self.x, other.x)
  return result ~= 0 and result or self:compare_numbers(self.y, other.y)
end

function Vector2D:compare_numbers(a, b)
  if a == b then
    return 0
  end
  return a < b and -1 or 1
end

local Vector3D = class()

function Vector3D.new(x, y, z)
  return setmetatable({ x = x, y = y, z = z }, Vector3D)
end

function Vector3D:plus(other)
  return Vector3D.new(self.x + other.x, self.y + other.y, self.z + other.z)
end

function Vector3D:minus(other)
  return Vector3D.new(self.x - other.x, self.y - other.y, self.z - other.z)
end

function Vector3D:times(amount)
  return Vector3D.new(self.x * amount, self.y * amount, self.z * amount)
end

function Vector3D:dot(other)
  return self.x * other.x + self.y * other.y + self.z * other.z
end

function Vector3D:squared_magnitude()
  return self:dot(self)
end

function Vector3D:magnitude()
  return math.sqrt(self:squared_magnitude())
end

local CallSign = class()

function CallSign.new(number)
  return setmetatable({ number = number }, CallSign)
end

function CallSign:compare(other)
  return self.number - other.number
end

local Aircraft = class()

function Aircraft.new(call_sign, position)
  return setmetatable({ call_sign = call_sign, position = position }, Aircraft)
end

local Collision = class()

function Collision.new(first, second, position)
  return setmetatable({ first = first, second = second, position = position }, Collision)
end

local Node = class()

function Node.new(key, value)
  local self = setmetatable({}, Node)
  self.key = key
  self.value = value
  self.left = nil
  self.right = nil
  self.parent = nil
  self.is_red = true
  return self
end

function Node:successor()
  local node = self
  if node.right ~= nil then
    node = node.right
    while node.left ~= nil do
      node = node.left
    end
    return node
  end
  local parent = node.parent
  while parent ~= nil and node == parent.right do
    node = parent
    parent = node.parent
  end
  return parent
end

local RedBlackTree = class()

function RedBlackTree.new()
  return setmetatable({ root = nil }, RedBlackTree)
end

-- In the order of the keys.
function RedBlackTree:for_each(action)
  local node = self.root
  if node == nil then
    return
  end
  while node.left ~= nil do
    node = node.left
  end
  while node ~= nil do
    action(node)
    node = node:successor()
  end
end

function RedBlackTree:find(key)
  local node = self.root
  while node ~= nil do
    local order = key:compare(node.key)
    if order == 0 then
      return node
    end
    if order < 0 then
      node = node.left
    else
      node = node.right
    end
  end
  return nil
end

function RedBlackTree:get(key)
  local node = self:find(key)
  return node and node.value
end

-- Answer the value that was there, or nil.
function RedBlackTree:put(key, value)
  local parent
  local order = 0
  local node = self.root
  while node ~= nil do
    parent = node
    order = key:compare(node.key)
    if order == 0 then
      local old = node.value
      node.value = value
      return old
    end
    if order < 0 then
      node = node.left
    else
      node = node.right
    end
  end
  node = Node.new(key, value)
  node.parent = parent
  if parent == nil then
    self.root = node
  elseif order < 0 then
    parent.left = node
  else
    parent.right = node
  end
  self:fix_insertion(node)
  return nil
end

function RedBlackTree:fix_insertion(inserted)
  local node = inserted
  while node ~= self.root and node.parent.is_red do
    local parent = node.parent
    local grandparent = parent.parent
    local parent_is_left = parent == grandparent.left
    local uncle
    if parent_is_left then
      uncle = grandparent.right
    else
      uncle = grandparent.left
    end
    if uncle ~= nil and uncle.is_red then
      parent.is_red = false
      uncle.is_red = false
      grandparent.is_red = true
      node = grandparent
    else
      if parent_is_left ~= (node == parent.left) then
        node = parent
        self:rotate(node, parent_is_left)
      end
      node.parent.is_red = false
      grandparent.is_red = true
      self:rotate(grandparent, not parent_is_left)
    end
  end
  self.root.is_red = false
end

-- Lift the right (left) child of the node above it.
function RedBlackTree:rotate(node, to_left)
  local child
  if to_left then
    child = node.right
    node.right = child.left
    if child.left ~= nil then
      child.left.parent = node
    end
    child.left = node
  else
    child = node.left
    node.left = child.right
    if child.right ~= nil then
      child.right.parent = node
    end
    child.right = node
  end
  self:replace(node, child)
  node.parent = child
end

-- Put the other node, or nil, where the node hangs.
function RedBlackTree:replace(node, other)
  local parent = node.parent
  if parent == nil then
    self.root = other
  elseif node == parent.left then
    parent.left = other
  else
    parent.right = other
  end
  if other ~= nil then
    other.parent = parent
  end
end

-- Answer the value that was there, or nil.
function RedBlackTree:remove(key)
  local node = self:find(key)
  if node == nil then
    return nil
  end
  local value = node.value
  if node.left ~= nil and node.right ~= nil then
    local next_node = node:successor()
    node.key = next_node.key
    node.value = next_node.value
    node = next_node
  end
  local child = node.left
  if child == nil then
    child = node.right
  end
  local parent = node.parent
  local was_left = parent ~= nil and node == parent.left
  self:replace(node, child)
  if not node.is_red then
    self:fix_removal(child, parent, was_left)
  end
  return value
end

-- Restore the black heights below the parent on the side where one black node is missing.
function RedBlackTree:fix_removal(replacement, its_parent, is_left)
  local node = replacement
  local parent = its_parent
  local on_left = is_left
  while parent ~= nil and (node == nil or not node.is_red) do
    local sibling
    if on_left then sibling = parent.right else sibling = parent.left end
    if sibling.is_red then
      sibling.is_red = false
      parent.is_red = true
      self:rotate(parent, on_left)
      if on_left then sibling = parent.right else sibling = parent.left end
    end
    local near, far
    if on_left then
      near, far = sibling.left, sibling.right
    else
      near, far = sibling.right, sibling.left
    end
    if (near == nil or not near.is_red) and (far == nil or not far.is_red) then
      sibling.is_red = true
      node = parent
      parent = node.parent
      on_left = parent ~= nil and node == parent.left
    else
      if far == nil or not far.is_red then
        near.is_red = false
        sibling.is_red = true
        self:rotate(sibling, not on_left)
        far = sibling
        sibling = near
      end
      sibling.is_red = parent.is_red
      parent.is_red = false
      far.is_red = false
      self:rotate(parent, on_left)
      node = self.root
      parent = nil
    end
  end
  if node ~= nil then
    node.is_red = false
  end
end

-- An aircraft's way in one frame.
local Motion = class()

function Motion.new(call_sign, start, finish)
  return setmetatable({ call_sign = call_sign, start = start, finish = finish }, Motion)
end

function Motion:delta()
  return self.finish:minus(self.start)
end

-- Where the two come closer than the proximity radius, or nil.
function Motion:find_intersection(other)
  local start1 = self.start
  local start2 = other.start
  local delta1 = self:delta()
  local delta2 = other:delta()
  local a = delta2:minus(delta1):squared_magnitude()
  if a == 0.0 then
    if start2:minus(start1):magnitude() <= PROXIMITY_RADIUS then
      return start1:plus(start2):times(0.5)
    end
    return nil
  end
  local b = 2.0 * start1:minus(start2):dot(delta1:minus(delta2))
  local c = start2:minus(start1):squared_magnitude() - PROXIMITY_RADIUS * PROXIMITY_RADIUS
  local discriminant = b * b - 4.0 * a * c
  if discriminant < 0.0 then
    return nil
  end
  local root = math.sqrt(discriminant)
  local enter = (-b - root) / (2.0 * a)
  local leave = (-b + root) / (2.0 * a)
  if enter > 1.0 or leave < 0.0 then
    return nil
  end
  local moment = math.max(enter, 0.0)
  local position = start1:plus(delta1:times(moment)):plus(start2:plus(delta2:times(moment))):times(0.5)
  return self:is_inside(position) and position or nil
end

function Motion:is_inside(position)
  return MINIMUM <= position.x and position.x <= MAXIMUM and MINIMUM <= position.y and position.y <= MAXIMUM
    and MINIMUM <= position.z and position.z <= MAXIMUM_HEIGHT
end

-- The part of a motion, as times, during which it is within a voxel along one axis.
local Span = class()

function Span.new(voxel, start, finish)
  local self = setmetatable({}, Span)
  local reach = PROXIMITY_RADIUS / 2.0
  self.velocity = finish - start
  local low = voxel - reach - start
  local high = voxel + VOXEL_SIZE + reach - start
  if self.velocity == 0.0 then
    self.low = low
    self.high = high
  elseif self.velocity < 0.0 then
    self.low = high / self.velocity
    self.high = low / self.velocity
  else
    self.low = low / self.velocity
    self.high = high / self.velocity
  end
  return self
end

function Span:is_still()
  return self.velocity == 0.0
end

function Span:touches()
  if self:is_still() then
    return self.low <= 0.0 and self.high >= 0.0
  end
  return self.low <= 1.0 and self.high >= 0.0
end

function Span:overlaps(other)
  return self:is_still() or other:is_still() or (self.low <= other.high and other.low <= self.high)
end

local CollisionDetector = class()

function CollisionDetector.new()
  local self = setmetatable({}, CollisionDetector)
  self.state = RedBlackTree.new()
  self.horizontal = Vector2D.new(VOXEL_SIZE, 0.0)
  self.vertical = Vector2D.new(0.0, VOXEL_SIZE)
  return self
end

function CollisionDetector:handle_frame(frame)
  local motions = self:motions_of(frame)
  local collisions = Vector.new()
  self:reduce(motions):for_each(function(close) self:collide(close, collisions) end)
  return collisions
end

function CollisionDetector:motions_of(frame)
  local motions = Vector.new()
  local seen = RedBlackTree.new()
  frame:for_each(function(aircraft) self:add_motion(aircraft, seen, motions) end)
  local gone = Vector.new()
  self.state:for_each(function(node) self:add_unseen(node.key, seen, gone) end)
  gone:for_each(function(call_sign) self.state:remove(call_sign) end)
  return motions
end

function CollisionDetector:add_motion(aircraft, seen, motions)
  local old = self.state:put(aircraft.call_sign, aircraft.position)
  seen:put(aircraft.call_sign, true)
  if old == nil then
    old = aircraft.position
  end
  motions:append(Motion.new(aircraft.call_sign, old, aircraft.position))
end

function CollisionDetector:add_unseen(call_sign, seen, gone)
  if seen:get(call_sign) == nil then
    gone:append(call_sign)
  end
end

function CollisionDetector:collide(motions, collisions)
  for i = 1, motions:size() do
    local first = motions:at(i)
    for j = i + 1, motions:size() do
      local second = motions:at(j)
      local position = first:find_intersection(second)
      if position ~= nil then
        collisions:append(Collision.new(first.call_sign, second.call_sign, position))
      end
    end
  end
end

-- The lists of motions that share a voxel.
function CollisionDetector:reduce(motions)
  local voxels = RedBlackTree.new()
  motions:for_each(function(motion) self:draw(motion, voxels) end)
  local result = Vector.new()
  voxels:for_each(function(node) self:add_crowded(node.value, result) end)
  return result
end

function CollisionDetector:add_crowded(motions, result)
  if motions:size() > 1 then
    result:append(motions)
  end
end

function CollisionDetector:draw(motion, voxels)
  self:spread(self:voxel_at(motion.start), motion, voxels, RedBlackTree.new())
end

function CollisionDetector:voxel_at(position)
  return Vector2D.new(self:voxel_coordinate(position.x), self:voxel_coordinate(position.y))
end

function CollisionDetector:voxel_coordinate(value)
  local quotient = value / VOXEL_SIZE
  if value < 0.0 then
    return VOXEL_SIZE * math.ceil(quotient) - VOXEL_SIZE
  end
  return VOXEL_SIZE * math.floor(quotient)
end

-- Enter the motion into the voxel and, from there, into the neighbours that it touches.
function CollisionDetector:spread(voxel, motion, voxels, seen)
  if not self:is_in_voxel(voxel, motion) or seen:put(voxel, true) ~= nil then
    return
  end
  local motions = voxels:get(voxel)
  if motions == nil then
    motions = Vector.new()
    voxels:put(voxel, motions)
  end
  motions:append(motion)
  local left = voxel:minus(self.horizontal)
  local right = voxel:plus(self.horizontal)
  self:spread(left, motion, voxels, seen)
  self:spread(right, motion, voxels, seen)
  self:spread(voxel:minus(self.vertical), motion, voxels, seen)
  self:spread(voxel:plus(self.vertical), motion, voxels, seen)
  self:spread(left:minus(self.vertical), motion, voxels, seen)
  self:spread(left:plus(self.vertical), motion, voxels, seen)
  self:spread(right:minus(self.vertical), motion, voxels, seen)
  self:spread(right:plus(self.vertical), motion, voxels, seen)
end

function CollisionDetector:is_in_voxel(voxel, motion)
  if voxel.x < MINIMUM or voxel.x > MAXIMUM or voxel.y < MINIMUM or voxel.y > MAXIMUM then
    return false
  end
  local x_span = Span.new(voxel.x, motion.start.x, motion.finish.x)
  local y_span = Span.new(voxel.y, motion.start.y, motion.finish.y)
  return x_span:touches() and y_span:touches() and x_span:overlaps(y_span)
end

local Simulator = class()

function Simulator.new(count)
  local self = setmetatable({}, Simulator)
  self.call_signs = Vector.new()
  for i = 0, count - 1 do
    self.call_signs:append(CallSign.new(i))
  end
  return self
end

function Simulator:frame(time)
  local frame = Vector.new()
  for i = 0, self.call_signs:size() - 2, 2 do
    frame:append(Aircraft.new(self.call_signs:at(i + 1), Vector3D.new(time, math.cos(time) * 2.0 + i * 3.0, 10.0)))
    frame:append(Aircraft.new(self.call_signs:at(i + 2), Vector3D.new(time, math.sin(time) * 2.0 + i * 3.0, 10.0)))
  end
  return frame
end

-- The parameter is the number of aircraft; 200 frames are simulated.
local CD = Benchmark.subclass("CD")
CD.default_parameter = 50

local KNOWN = { [2] = 42, [10] = 390, [50] = 2130, [100] = 4305 }

function CD:run(parameter)
  local simulator = Simulator.new(parameter)
  local detector = CollisionDetector.new()
  local collisions = 0
  for i = 0, 199 do
    collisions = collisions + detector:handle_frame(simulator:frame(i / 10.0)):size()
  end
  self:verify(collisions, parameter)
  return collisions
end

function CD:expected(parameter)
  return KNOWN[parameter]
end

return CD
