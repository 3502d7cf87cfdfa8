-- What every classic benchmark has: a default parameter, a timed body, and a result that is verified.

local class = require("core").class

local Benchmark = class()

-- How often `benchmark` is repeated, or the size of the problem for those that override `run`.
Benchmark.default_parameter = 1

function Benchmark.subclass(name)
  local Subclass = class(Benchmark)
  Subclass.name = name
  function Subclass.new()
    local self = setmetatable({}, Subclass)
    self:set_up()
    return self
  end
  return Subclass
end

function Benchmark:set_up()
end

-- Answer the checksum of a run with the given parameter; raise an error if it is not the known one.
function Benchmark:run(parameter)
  local result
  for _ = 1, parameter do
    result = self:benchmark()
    self:verify(result, parameter)
  end
  return result
end

function Benchmark:verify(result, parameter)
  local expected = self:expected(parameter)
  if result ~= expected then
    error(self.name .. ": got " .. tostring(result) .. ", expected " .. tostring(expected))
  end
end

return Benchmark
