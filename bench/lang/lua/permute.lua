-- All permutations of six elements by recursive swapping: array access and recursion.

local Benchmark = require("benchmark")

local Permute = Benchmark.subclass("Permute")
Permute.default_parameter = 150

function Permute:benchmark()
  self.count = 0
  self.elements = {}
  for i = 1, 6 do
    self.elements[i] = i - 1
  end
  self:permute(6)
  return self.count
end

function Permute:expected(parameter)
  return 8660
end

function Permute:permute(n)
  self.count = self.count + 1
  if n ~= 0 then
    self:permute(n - 1)
    for i = n, 1, -1 do
      self:swap(n, i)
      self:permute(n - 1)
      self:swap(n, i)
    end
  end
end

function Permute:swap(i, j)
  local element = self.elements[i]
  self.elements[i] = self.elements[j]
  self.elements[j] = element
end

return Permute
