-- The towers of Hanoi with 13 disks: recursion, field and array access.

local Benchmark = require("benchmark")
local class = require("core").class

local Disk = class()

function Disk.new(size)
  return setmetatable({ size = size, next = nil }, Disk)
end

local Towers = Benchmark.subclass("Towers")
Towers.default_parameter = 150

function Towers:benchmark()
  self.piles = {}
  self.moves = 0
  self:build_tower(1, 13)
  self:move_disks(13, 1, 2)
  return self.moves
end

function Towers:expected(parameter)
  return 8191
end

function Towers:push(disk, pile)
  local top = self.piles[pile]
  if top ~= nil and disk.size >= top.size then
    error("Towers: a larger disk on a smaller one")
  end
  disk.next = top
  self.piles[pile] = disk
end

function Towers:pop(pile)
  local top = self.piles[pile]
  if top == nil then
    error("Towers: a disk from an empty pile")
  end
  self.piles[pile] = top.next
  top.next = nil
  return top
end

function Towers:move_top(source, target)
  self:push(self:pop(source), target)
  self.moves = self.moves + 1
end

function Towers:build_tower(pile, disks)
  for size = disks, 1, -1 do
    self:push(Disk.new(size), pile)
  end
end

function Towers:move_disks(disks, source, target)
  if disks == 1 then
    self:move_top(source, target)
  else
    local other = 6 - source - target
    self:move_disks(disks - 1, source, other)
    self:move_top(source, target)
    self:move_disks(disks - 1, other, target)
  end
end

return Towers
