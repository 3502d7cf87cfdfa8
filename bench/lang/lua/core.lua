-- Classes, and the collections and random numbers that the benchmarks share. The collections are written in the language
-- under test, so that they are measured and not the host's own library.

local core = {}

-- A class is a metatable that instances find their methods in; a subclass finds what it lacks in its parent.
function core.class(parent)
  local class = {}
  class.__index = class
  if parent then
    setmetatable(class, { __index = parent })
  end
  return class
end

-- A linear congruential generator of 16 bits.
local Random = core.class()
core.Random = Random

function Random.new()
  return setmetatable({ seed = 74755 }, Random)
end

function Random:next()
  self.seed = (self.seed * 1309 + 13849) & 65535
  return self.seed
end

-- A growing sequence; elements leave cheaply at the front.
local Vector = core.class()
core.Vector = Vector

function Vector.new()
  return setmetatable({ storage = {}, first = 1, last = 0 }, Vector)
end

function Vector.holding(element)
  local vector = Vector.new()
  vector:append(element)
  return vector
end

function Vector:size()
  return self.last - self.first + 1
end

function Vector:is_empty()
  return self.last < self.first
end

function Vector:at(index)
  return self.storage[self.first + index - 1]
end

function Vector:append(element)
  self.last = self.last + 1
  self.storage[self.last] = element
end

function Vector:append_all(elements)
  elements:for_each(function(each) self:append(each) end)
end

function Vector:for_each(action)
  for i = self.first, self.last do
    action(self.storage[i])
  end
end

function Vector:any_satisfies(predicate)
  for i = self.first, self.last do
    if predicate(self.storage[i]) then
      return true
    end
  end
  return false
end

function Vector:includes(element)
  for i = self.first, self.last do
    if self.storage[i] == element then
      return true
    end
  end
  return false
end

function Vector:remove_first()
  local element = self.storage[self.first]
  self.storage[self.first] = nil
  self.first = self.first + 1
  return element
end

-- Remove all occurrences of the element.
function Vector:remove(element)
  local kept = self.first
  for i = self.first, self.last do
    local each = self.storage[i]
    if each ~= element then
      self.storage[kept] = each
      kept = kept + 1
    end
  end
  for i = kept, self.last do
    self.storage[i] = nil
  end
  self.last = kept - 1
end

function Vector:clear()
  self.storage = {}
  self.first = 1
  self.last = 0
end

-- Stable insertion sort.
function Vector:sort(before)
  for i = self.first + 1, self.last do
    local element = self.storage[i]
    local j = i - 1
    while j >= self.first and before(element, self.storage[j]) do
      self.storage[j + 1] = self.storage[j]
      j = j - 1
    end
    self.storage[j + 1] = element
  end
end

-- A small set of objects or small integers that compares by identity.
local Set = core.class()
core.Set = Set

function Set.new()
  return setmetatable({ items = Vector.new() }, Set)
end

function Set:size()
  return self.items:size()
end

function Set:add(element)
  if not self.items:includes(element) then
    self.items:append(element)
  end
end

function Set:includes(element)
  return self.items:includes(element)
end

function Set:for_each(action)
  self.items:for_each(action)
end

local Entry = core.class()

function Entry.new(key, value, next_entry)
  return setmetatable({ key = key, value = value, next = next_entry }, Entry)
end

-- A hash table with chains; a key answers `hash_code` and is compared by identity.
local Dictionary = core.class()
core.Dictionary = Dictionary

function Dictionary.new()
  local self = setmetatable({}, Dictionary)
  self:clear()
  return self
end

function Dictionary:clear()
  self.capacity = 16
  self.buckets = {}
  self.count = 0
end

function Dictionary:size()
  return self.count
end

function Dictionary:find(key)
  local entry = self.buckets[(key:hash_code() & (self.capacity - 1)) + 1]
  while entry and entry.key ~= key do
    entry = entry.next
  end
  return entry
end

function Dictionary:at(key)
  local entry = self:find(key)
  return entry and entry.value
end

function Dictionary:at_put(key, value)
  local entry = self:find(key)
  if entry then
    entry.value = value
  else
    if self.count >= self.capacity then
      self:grow()
    end
    self:insert(key, value)
    self.count = self.count + 1
  end
end

function Dictionary:insert(key, value)
  local index = (key:hash_code() & (self.capacity - 1)) + 1
  self.buckets[index] = Entry.new(key, value, self.buckets[index])
end

function Dictionary:grow()
  local old = self.buckets
  local old_capacity = self.capacity
  self.capacity = 2 * old_capacity
  self.buckets = {}
  for i = 1, old_capacity do
    local entry = old[i]
    while entry do
      self:insert(entry.key, entry.value)
      entry = entry.next
    end
  end
end

return core
