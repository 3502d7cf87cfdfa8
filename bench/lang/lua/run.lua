-- Runs one classic benchmark:  lua run.lua NAME [ITERATIONS [PARAMETER]]
--
-- Prints NAME, checksum and elapsed nanoseconds of all iterations, separated by tabs; start-up is not in the time. The
-- clock is the processor's (`os.clock`): plain Lua has no finer one, and the programs neither wait nor use threads.

local names = { "Richards", "DeltaBlue", "Json", "Havlak", "CD", "Bounce", "List", "Permute", "Queens", "Sieve",
  "Storage", "Towers", "Fib" }

local here = arg[0]:match("^(.*)[/\\]") or "."
package.path = here .. "/?.lua;" .. package.path

local function usage()
  io.stderr:write("usage: lua run.lua NAME [ITERATIONS [PARAMETER]]\nNAME is one of ", table.concat(names, ", "), "\n")
  os.exit(1)
end

local known = false
for _, name in ipairs(names) do
  known = known or name == arg[1]
end
if not known then
  usage()
end

local iterations = tonumber(arg[2] or 1)
local benchmark = require(arg[1]:lower()).new()
local parameter = arg[3] and tonumber(arg[3]) or benchmark.default_parameter
local checksum
local start = os.clock()
for _ = 1, iterations do
  checksum = benchmark:run(parameter)
end
local elapsed = math.floor((os.clock() - start) * 1e9)
print(arg[1] .. "\t" .. checksum .. "\t" .. elapsed)
