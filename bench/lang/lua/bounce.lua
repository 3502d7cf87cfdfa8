-- Balls bounce in a box: field access, arithmetic, conditionals.

local Benchmark = require("benchmark")
local core = require("core")
local Random = core.Random

local Ball = core.class()

function Ball.new(random)
  local self = setmetatable({}, Ball)
  self.x = random:next() % 500
  self.y = random:next() % 500
  self.x_velocity = random:next() % 300 - 150
  self.y_velocity = random:next() % 300 - 150
  return self
end

-- Move one step; answer whether a wall was hit.
function Ball:bounce()
  local limit = 500
  local hit = false
  self.x = self.x + self.x_velocity
  self.y = self.y + self.y_velocity
  if self.x > limit then
    self.x = limit
    self.x_velocity = -math.abs(self.x_velocity)
    hit = true
  end
  if self.x < 0 then
    self.x = 0
    self.x_velocity = math.abs(self.x_velocity)
    hit = true
  end
  if self.y > limit then
    self.y = limit
    self.y_velocity = -math.abs(self.y_velocity)
    hit = true
  end
  if self.y < 0 then
    self.y = 0
    self.y_velocity = math.abs(self.y_velocity)
    hit = true
  end
  return hit
end

local Bounce = Benchmark.subclass("Bounce")
Bounce.default_parameter = 400

function Bounce:benchmark()
  local random = Random.new()
  local balls = {}
  for i = 1, 100 do
    balls[i] = Ball.new(random)
  end
  local bounces = 0
  for _ = 1, 50 do
    for _, ball in ipairs(balls) do
      if ball:bounce() then
        bounces = bounces + 1
      end
    end
  end
  return bounces
end

function Bounce:expected(parameter)
  return 1331
end

return Bounce
