-- DeltaBlue: an incremental solver of hierarchies of one-way constraints; polymorphic sends, graphs of objects.

local Benchmark = require("benchmark")
local core = require("core")
local class, Vector = core.class, core.Vector

-- How much a constraint matters; a lower level is stronger.
local Strength = class()

function Strength.new(name, level)
  return setmetatable({ name = name, level = level }, Strength)
end

function Strength:is_stronger(other)
  return self.level < other.level
end

function Strength:is_weaker(other)
  return self.level > other.level
end

function Strength:weakest(other)
  return other:is_weaker(self) and other or self
end

local REQUIRED = Strength.new("required", 0)
local PREFERRED = Strength.new("preferred", 2)
local STRONG_DEFAULT = Strength.new("strong default", 3)
local DEFAULT = Strength.new("default", 4)
local WEAKEST = Strength.new("weakest", 6)

local Variable = class()

function Variable.new(value)
  local self = setmetatable({}, Variable)
  self.value = value
  self.constraints = Vector.new()
  self.determined_by = nil
  self.mark = 0
  self.walk_strength = WEAKEST
  self.stay = true
  return self
end

function Variable:add_constraint(constraint)
  self.constraints:append(constraint)
end

function Variable:remove_constraint(constraint)
  self.constraints:remove(constraint)
  if self.determined_by == constraint then
    self.determined_by = nil
  end
end

-- What all kinds share: entering and leaving the graph, and satisfying with whatever that overrides.
local Constraint = class()

function Constraint:is_input()
  return false
end

function Constraint:add_to(planner)
  self:add_to_graph()
  planner:incremental_add(self)
end

function Constraint:destroy(planner)
  if self:is_satisfied() then
    planner:incremental_remove(self)
  end
  self:remove_from_graph()
end

-- Try to enforce the constraint; answer the one that it overrides, if any.
function Constraint:satisfy(mark, planner)
  self:choose_method(mark)
  if not self:is_satisfied() then
    if self.strength == REQUIRED then
      error("DeltaBlue: a required constraint cannot be satisfied")
    end
    return nil
  end
  self:inputs_do(function(variable) self:mark_variable(variable, mark) end)
  local output = self:output()
  local overridden = output.determined_by
  if overridden ~= nil then
    overridden:mark_unsatisfied()
  end
  output.determined_by = self
  if not planner:add_propagate(self, mark) then
    error("DeltaBlue: a cycle")
  end
  output.mark = mark
  return overridden
end

function Constraint:mark_variable(variable, mark)
  variable.mark = mark
end

function Constraint:inputs_known(mark)
  return not self:any_input(function(variable)
    return not (variable.mark == mark or variable.stay or variable.determined_by == nil)
  end)
end

-- Holds one variable at a value.
local UnaryConstraint = class(Constraint)

function UnaryConstraint:init(variable, strength, planner)
  self.strength = strength
  self.variable = variable
  self.satisfied = false
  self:add_to(planner)
end

function UnaryConstraint:is_satisfied()
  return self.satisfied
end

function UnaryConstraint:mark_unsatisfied()
  self.satisfied = false
end

function UnaryConstraint:output()
  return self.variable
end

function UnaryConstraint:add_to_graph()
  self.variable:add_constraint(self)
  self.satisfied = false
end

function UnaryConstraint:remove_from_graph()
  self.variable:remove_constraint(self)
  self.satisfied = false
end

function UnaryConstraint:choose_method(mark)
  self.satisfied = self.variable.mark ~= mark and self.strength:is_stronger(self.variable.walk_strength)
end

function UnaryConstraint:inputs_do(action)
end

function UnaryConstraint:any_input(predicate)
  return false
end

function UnaryConstraint:recalculate()
  self.variable.walk_strength = self.strength
  self.variable.stay = not self:is_input()
  if self.variable.stay then
    self:execute()
  end
end

function UnaryConstraint:execute()
end

-- The variable keeps its value.
local StayConstraint = class(UnaryConstraint)

function StayConstraint.new(variable, strength, planner)
  local self = setmetatable({}, StayConstraint)
  self:init(variable, strength, planner)
  return self
end

-- The variable is set from outside.
local EditConstraint = class(UnaryConstraint)

function EditConstraint.new(variable, strength, planner)
  local self = setmetatable({}, EditConstraint)
  self:init(variable, strength, planner)
  return self
end

function EditConstraint:is_input()
  return true
end

local NONE, FORWARD, BACKWARD = 0, 1, 2

-- Relates two variables; either may be computed from the other.
local BinaryConstraint = class(Constraint)

function BinaryConstraint:init(first, second, strength, planner)
  self.strength = strength
  self.first = first
  self.second = second
  self.direction = NONE
  self:add_to(planner)
end

function BinaryConstraint:is_satisfied()
  return self.direction ~= NONE
end

function BinaryConstraint:mark_unsatisfied()
  self.direction = NONE
end

function BinaryConstraint:input()
  return self.direction == FORWARD and self.first or self.second
end

function BinaryConstraint:output()
  return self.direction == FORWARD and self.second or self.first
end

function BinaryConstraint:add_to_graph()
  self.first:add_constraint(self)
  self.second:add_constraint(self)
  self.direction = NONE
end

function BinaryConstraint:remove_from_graph()
  self.first:remove_constraint(self)
  self.second:remove_constraint(self)
  self.direction = NONE
end

function BinaryConstraint:choose_method(mark)
  if self.first.mark == mark then
    self:direct(FORWARD, self.second.mark ~= mark and self:is_stronger_than(self.second))
  elseif self.second.mark == mark then
    self:direct(BACKWARD, self:is_stronger_than(self.first))
  elseif self.first.walk_strength:is_weaker(self.second.walk_strength) then
    self:direct(BACKWARD, self:is_stronger_than(self.first))
  else
    self:direct(FORWARD, self:is_stronger_than(self.second))
  end
end

function BinaryConstraint:direct(direction, possible)
  self.direction = possible and direction or NONE
end

function BinaryConstraint:is_stronger_than(variable)
  return self.strength:is_stronger(variable.walk_strength)
end

function BinaryConstraint:inputs_do(action)
  action(self:input())
end

function BinaryConstraint:any_input(predicate)
  return predicate(self:input())
end

function BinaryConstraint:recalculate()
  local source = self:input()
  local target = self:output()
  target.walk_strength = self.strength:weakest(source.walk_strength)
  target.stay = self:inputs_stay()
  if target.stay then
    self:execute()
  end
end

function BinaryConstraint:inputs_stay()
  return self:input().stay
end

local EqualityConstraint = class(BinaryConstraint)

function EqualityConstraint.new(first, second, strength, planner)
  local self = setmetatable({}, EqualityConstraint)
  self:init(first, second, strength, planner)
  return self
end

function EqualityConstraint:execute()
  self:output().value = self:input().value
end

-- second = first * scale + offset
local ScaleConstraint = class(BinaryConstraint)

function ScaleConstraint.new(source, scale, offset, target, strength, planner)
  local self = setmetatable({}, ScaleConstraint)
  self.scale = scale
  self.offset = offset
  self:init(source, target, strength, planner)
  return self
end

function ScaleConstraint:add_to_graph()
  BinaryConstraint.add_to_graph(self)
  self.scale:add_constraint(self)
  self.offset:add_constraint(self)
end

function ScaleConstraint:remove_from_graph()
  BinaryConstraint.remove_from_graph(self)
  self.scale:remove_constraint(self)
  self.offset:remove_constraint(self)
end

function ScaleConstraint:inputs_do(action)
  BinaryConstraint.inputs_do(self, action)
  action(self.scale)
  action(self.offset)
end

function ScaleConstraint:any_input(predicate)
  return BinaryConstraint.any_input(self, predicate) or predicate(self.scale) or predicate(self.offset)
end

function ScaleConstraint:inputs_stay()
  return self:input().stay and self.scale.stay and self.offset.stay
end

function ScaleConstraint:execute()
  if self.direction == FORWARD then
    self.second.value = self.first.value * self.scale.value + self.offset.value
  else
    self.first.value = (self.second.value - self.offset.value) // self.scale.value
  end
end

-- Constraints in the order in which they are to be executed.
local Plan = class()

function Plan.new()
  return setmetatable({ constraints = Vector.new() }, Plan)
end

function Plan:append(constraint)
  self.constraints:append(constraint)
end

function Plan:execute()
  self.constraints:for_each(function(constraint) constraint:execute() end)
end

local Planner = class()

function Planner.new()
  return setmetatable({ current_mark = 0 }, Planner)
end

function Planner:new_mark()
  self.current_mark = self.current_mark + 1
  return self.current_mark
end

function Planner:incremental_add(constraint)
  local mark = self:new_mark()
  local overridden = constraint:satisfy(mark, self)
  while overridden ~= nil do
    overridden = overridden:satisfy(mark, self)
  end
end

function Planner:incremental_remove(constraint)
  local output = constraint:output()
  constraint:mark_unsatisfied()
  constraint:remove_from_graph()
  self:remove_propagate_from(output):for_each(function(each) self:incremental_add(each) end)
end

function Planner:extract_plan(constraints)
  local sources = Vector.new()
  constraints:for_each(function(each) self:add_source(each, sources) end)
  return self:make_plan(sources)
end

function Planner:add_source(constraint, sources)
  if constraint:is_input() and constraint:is_satisfied() then
    sources:append(constraint)
  end
end

function Planner:make_plan(sources)
  local mark = self:new_mark()
  local plan = Plan.new()
  local todo = sources
  while not todo:is_empty() do
    local constraint = todo:remove_first()
    if constraint:output().mark ~= mark and constraint:inputs_known(mark) then
      plan:append(constraint)
      constraint:output().mark = mark
      self:add_consumers(constraint:output(), todo)
    end
  end
  return plan
end

-- Recompute all downstream of the constraint; answer false, and remove it, if it closes a cycle.
function Planner:add_propagate(constraint, mark)
  local todo = Vector.holding(constraint)
  while not todo:is_empty() do
    local each = todo:remove_first()
    if each:output().mark == mark then
      self:incremental_remove(constraint)
      return false
    end
    each:recalculate()
    self:add_consumers(each:output(), todo)
  end
  return true
end

function Planner:add_consumers(variable, collection)
  self:consumers_do(variable, function(consumer) collection:append(consumer) end)
end

function Planner:consumers_do(variable, action)
  local determining = variable.determined_by
  variable.constraints:for_each(function(each) self:do_if_consumer(each, determining, action) end)
end

function Planner:do_if_consumer(constraint, determining, action)
  if constraint ~= determining and constraint:is_satisfied() then
    action(constraint)
  end
end

-- Forget what determined the variable; answer the unsatisfied constraints downstream, strongest first.
function Planner:remove_propagate_from(output)
  output.determined_by = nil
  output.walk_strength = WEAKEST
  output.stay = true
  local unsatisfied = Vector.new()
  local todo = Vector.holding(output)
  while not todo:is_empty() do
    local variable = todo:remove_first()
    variable.constraints:for_each(function(each) self:add_unsatisfied(each, unsatisfied) end)
    self:consumers_do(variable, function(consumer) self:recalculate_and_add(consumer, todo) end)
  end
  unsatisfied:sort(function(a, b) return a.strength:is_stronger(b.strength) end)
  return unsatisfied
end

function Planner:add_unsatisfied(constraint, collection)
  if not constraint:is_satisfied() then
    collection:append(constraint)
  end
end

function Planner:recalculate_and_add(constraint, todo)
  constraint:recalculate()
  todo:append(constraint:output())
end

function Planner:change(variable, value)
  local edit = EditConstraint.new(variable, PREFERRED, self)
  local plan = self:extract_plan(Vector.holding(edit))
  for _ = 1, 10 do
    variable.value = value
    plan:execute()
  end
  edit:destroy(self)
end

local DeltaBlue = Benchmark.subclass("DeltaBlue")
DeltaBlue.default_parameter = 5000

function DeltaBlue:run(parameter)
  local result = self:chain(parameter) + self:projection(parameter)
  self:verify(result, parameter)
  return result
end

function DeltaBlue:expected(parameter)
  local n = parameter
  return 4950 + 5 * n * (n - 1) // 2 + 2000 * (n - 1) + 2025
end

-- A chain of equalities; the sum of the values that arrive at its end.
function DeltaBlue:chain(n)
  local planner = Planner.new()
  local variables = {}
  for i = 1, n + 1 do
    variables[i] = Variable.new(0)
  end
  for i = 1, n do
    EqualityConstraint.new(variables[i], variables[i + 1], REQUIRED, planner)
  end
  local first = variables[1]
  local last = variables[n + 1]
  StayConstraint.new(last, STRONG_DEFAULT, planner)
  local edit = EditConstraint.new(first, PREFERRED, planner)
  local plan = planner:extract_plan(Vector.holding(edit))
  local total = 0
  for value = 0, 99 do
    first.value = value
    plan:execute()
    if last.value ~= value then
      error("DeltaBlue: the chain does not hold")
    end
    total = total + last.value
  end
  edit:destroy(planner)
  return total
end

-- Many scaled points; the sum of the targets after scale and offset were changed.
function DeltaBlue:projection(n)
  local planner = Planner.new()
  local scale = Variable.new(10)
  local offset = Variable.new(1000)
  local targets = Vector.new()
  local source, target
  for i = 1, n do
    source = Variable.new(i)
    target = Variable.new(i)
    targets:append(target)
    StayConstraint.new(source, DEFAULT, planner)
    ScaleConstraint.new(source, scale, offset, target, REQUIRED, planner)
  end
  planner:change(source, 17)
  self:check(target.value, 1170)
  planner:change(target, 1050)
  self:check(source.value, 5)
  planner:change(scale, 5)
  for i = 1, n - 1 do
    self:check(targets:at(i).value, i * 5 + 1000)
  end
  planner:change(offset, 2000)
  for i = 1, n - 1 do
    self:check(targets:at(i).value, i * 5 + 2000)
  end
  local total = 0
  for i = 1, n do
    total = total + targets:at(i).value
  end
  return total
end

function DeltaBlue:check(value, expected)
  if value ~= expected then
    error("DeltaBlue: projection got " .. value .. ", expected " .. expected)
  end
end

return DeltaBlue
