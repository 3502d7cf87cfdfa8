-- Takeuchi's function on linked lists: recursion and field access.

local Benchmark = require("benchmark")
local class = require("core").class

local Element = class()

function Element.new(value)
  return setmetatable({ value = value, next = nil }, Element)
end

function Element:length()
  if self.next == nil then
    return 1
  end
  return 1 + self.next:length()
end

local List = Benchmark.subclass("List")
List.default_parameter = 500

function List:benchmark()
  return self:tail(self:make_list(15), self:make_list(10), self:make_list(6)):length()
end

function List:expected(parameter)
  return 10
end

function List:make_list(length)
  if length == 0 then
    return nil
  end
  local element = Element.new(length)
  element.next = self:make_list(length - 1)
  return element
end

function List:is_shorter(x, y)
  local x_rest = x
  local y_rest = y
  while y_rest ~= nil do
    if x_rest == nil then
      return true
    end
    x_rest = x_rest.next
    y_rest = y_rest.next
  end
  return false
end

function List:tail(x, y, z)
  if self:is_shorter(y, x) then
    return (self:tail(self:tail(x.next, y, z), self:tail(y.next, z, x), self:tail(z.next, x, y)))
  end
  return z
end

return List
