-- Fibonacci by double recursion; each call is a message to an object.

local Benchmark = require("benchmark")

local Fib = Benchmark.subclass("Fib")
Fib.default_parameter = 32

function Fib:run(parameter)
  local result = self:fib(parameter)
  self:verify(result, parameter)
  return result
end

function Fib:expected(parameter)
  local previous = 0
  local current = 1
  for _ = 1, parameter do
    previous, current = current, previous + current
  end
  return current
end

function Fib:fib(n)
  if n < 2 then
    return 1
  end
  return self:fib(n - 1) + self:fib(n - 2)
end

return Fib
