-- The sieve of Eratosthenes up to 5000: array access in tight loops.

local Benchmark = require("benchmark")

local Sieve = Benchmark.subclass("Sieve")
Sieve.default_parameter = 500

function Sieve:benchmark()
  local flags = {}
  for i = 1, 5000 do
    flags[i] = true
  end
  return self:sieve(flags, 5000)
end

function Sieve:expected(parameter)
  return 669
end

-- Count the primes up to size.
function Sieve:sieve(flags, size)
  local primes = 0
  for i = 2, size do
    if flags[i] then
      primes = primes + 1
      local k = i + i
      while k <= size do
        flags[k] = false
        k = k + i
      end
    end
  end
  return primes
end

return Sieve
