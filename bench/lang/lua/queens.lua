-- Eight queens by backtracking, ten times a run: array access, conditionals, recursion.

local Benchmark = require("benchmark")

local Queens = Benchmark.subclass("Queens")
Queens.default_parameter = 300

local function filled(size, value)
  local array = {}
  for i = 1, size do
    array[i] = value
  end
  return array
end

function Queens:benchmark()
  local result = 0
  for _ = 1, 10 do
    result = self:solve()
  end
  return result
end

function Queens:expected(parameter)
  return 15863724
end

-- Answer the first solution: a decimal digit, the row, for each column.
function Queens:solve()
  self.free_rows = filled(8, true)
  self.free_sums = filled(16, true)
  self.free_differences = filled(16, true)
  self.queen_rows = filled(8, 0)
  if not self:place_queen(1) then
    return 0
  end
  local result = 0
  for _, row in ipairs(self.queen_rows) do
    result = result * 10 + row
  end
  return result
end

function Queens:place_queen(column)
  for row = 1, 8 do
    if self:is_free(row, column) then
      self.queen_rows[column] = row
      self:mark(row, column, false)
      if column == 8 or self:place_queen(column + 1) then
        return true
      end
      self:mark(row, column, true)
    end
  end
  return false
end

function Queens:is_free(row, column)
  return self.free_rows[row] and self.free_sums[row + column - 1] and self.free_differences[row - column + 8]
end

function Queens:mark(row, column, free)
  self.free_rows[row] = free
  self.free_sums[row + column - 1] = free
  self.free_differences[row - column + 8] = free
end

return Queens
