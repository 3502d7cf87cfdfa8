-- A tree of arrays, seven levels deep: allocation. Plain Lua cannot make a table of a given size, so a leaf is filled.

local Benchmark = require("benchmark")
local Random = require("core").Random

local Storage = Benchmark.subclass("Storage")
Storage.default_parameter = 150

function Storage:benchmark()
  self.count = 0
  self:build_tree(7, Random.new())
  return self.count
end

function Storage:expected(parameter)
  return 5461
end

function Storage:build_tree(depth, random)
  self.count = self.count + 1
  if depth == 1 then
    local leaf = {}
    for i = 1, random:next() % 10 + 1 do
      leaf[i] = false
    end
    return leaf
  end
  local children = {}
  for i = 1, 4 do
    children[i] = self:build_tree(depth - 1, random)
  end
  return children
end

return Storage
