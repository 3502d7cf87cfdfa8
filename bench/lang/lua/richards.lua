-- Richards: the scheduler of an operating system with six tasks that pass packets; polymorphic sends, linked lists.

local Benchmark = require("benchmark")
local class = require("core").class

local IDLE, WORKER, HANDLER_A, HANDLER_B, DEVICE_A, DEVICE_B = 1, 2, 3, 4, 5, 6
local DEVICE_PACKET, WORK_PACKET = 0, 1
local PACKET_SIZE = 4

local Packet = class()

function Packet.new(link, identity, kind)
  local self = setmetatable({}, Packet)
  self.link = link
  self.identity = identity
  self.kind = kind
  self.datum = 1
  self.data = { 0, 0, 0, 0 }
  return self
end

-- Put this packet at the end of the queue and answer the queue.
function Packet:append_to(queue)
  self.link = nil
  if queue == nil then
    return self
  end
  local last = queue
  while last.link ~= nil do
    last = last.link
  end
  last.link = self
  return queue
end

-- A task and its control block; subclasses say what it does when it gets the processor.
local Task = class()

function Task:init(scheduler, identity, priority, queue)
  self.scheduler = scheduler
  self.identity = identity
  self.priority = priority
  self.queue = queue
  self.link = scheduler.task_list
  self.packet_pending = queue ~= nil
  self.waiting = true
  self.holding = false
  scheduler:add(self)
end

function Task:is_held_or_waiting()
  return self.holding or (not self.packet_pending and self.waiting)
end

function Task:is_waiting_with_packet()
  return self.packet_pending and self.waiting and not self.holding
end

function Task:run()
  local packet
  if self:is_waiting_with_packet() then
    packet = self.queue
    self.queue = packet.link
    self.waiting = false
    self.packet_pending = self.queue ~= nil
  end
  return self:process(packet)
end

-- Take a packet; answer which of the two tasks goes on.
function Task:add_packet(packet, previous)
  if self.queue == nil then
    self.queue = packet
    self.packet_pending = true
    if self.priority > previous.priority then
      return self
    end
  else
    self.queue = packet:append_to(self.queue)
  end
  return previous
end

local IdleTask = class(Task)

function IdleTask.new(scheduler, count)
  local self = setmetatable({}, IdleTask)
  self:init(scheduler, IDLE, 0, nil)
  self.waiting = false
  self.control = 1
  self.count = count
  return self
end

function IdleTask:process(packet)
  self.count = self.count - 1
  if self.count == 0 then
    return self.scheduler:hold_current()
  end
  if self.control & 1 == 0 then
    self.control = self.control >> 1
    return self.scheduler:release(DEVICE_A)
  end
  self.control = (self.control >> 1) ~ 0xD008
  return self.scheduler:release(DEVICE_B)
end

local DeviceTask = class(Task)

function DeviceTask.new(scheduler, identity, priority)
  local self = setmetatable({}, DeviceTask)
  self:init(scheduler, identity, priority, nil)
  self.pending = nil
  return self
end

function DeviceTask:process(packet)
  if packet == nil then
    if self.pending == nil then
      return self.scheduler:suspend_current()
    end
    local work = self.pending
    self.pending = nil
    return self.scheduler:queue_packet(work)
  end
  self.pending = packet
  return self.scheduler:hold_current()
end

local WorkerTask = class(Task)

function WorkerTask.new(scheduler, priority, queue)
  local self = setmetatable({}, WorkerTask)
  self:init(scheduler, WORKER, priority, queue)
  self.destination = HANDLER_A
  self.count = 0
  return self
end

function WorkerTask:process(packet)
  if packet == nil then
    return self.scheduler:suspend_current()
  end
  self.destination = self.destination == HANDLER_A and HANDLER_B or HANDLER_A
  packet.identity = self.destination
  packet.datum = 1
  for i = 1, PACKET_SIZE do
    self.count = self.count + 1
    if self.count > 26 then
      self.count = 1
    end
    packet.data[i] = 64 + self.count
  end
  return self.scheduler:queue_packet(packet)
end

local HandlerTask = class(Task)

function HandlerTask.new(scheduler, identity, priority, queue)
  local self = setmetatable({}, HandlerTask)
  self:init(scheduler, identity, priority, queue)
  self.work_queue = nil
  self.device_queue = nil
  return self
end

function HandlerTask:process(packet)
  if packet ~= nil then
    if packet.kind == WORK_PACKET then
      self.work_queue = packet:append_to(self.work_queue)
    else
      self.device_queue = packet:append_to(self.device_queue)
    end
  end
  local work = self.work_queue
  if work ~= nil then
    local index = work.datum
    if index > PACKET_SIZE then
      self.work_queue = work.link
      return self.scheduler:queue_packet(work)
    end
    local device = self.device_queue
    if device ~= nil then
      self.device_queue = device.link
      device.datum = work.data[index]
      work.datum = index + 1
      return self.scheduler:queue_packet(device)
    end
  end
  return self.scheduler:suspend_current()
end

local Scheduler = class()

function Scheduler.new()
  local self = setmetatable({}, Scheduler)
  self.task_list = nil
  self.current = nil
  self.tasks = {}
  self.queue_count = 0
  self.hold_count = 0
  return self
end

function Scheduler:add(task)
  self.task_list = task
  self.tasks[task.identity] = task
end

function Scheduler:schedule()
  self.current = self.task_list
  while self.current ~= nil do
    if self.current:is_held_or_waiting() then
      self.current = self.current.link
    else
      self.current = self.current:run()
    end
  end
end

function Scheduler:hold_current()
  self.hold_count = self.hold_count + 1
  self.current.holding = true
  return self.current.link
end

function Scheduler:suspend_current()
  self.current.waiting = true
  return self.current
end

function Scheduler:release(identity)
  local task = self.tasks[identity]
  task.holding = false
  return task.priority > self.current.priority and task or self.current
end

function Scheduler:queue_packet(packet)
  local task = self.tasks[packet.identity]
  self.queue_count = self.queue_count + 1
  packet.link = nil
  packet.identity = self.current.identity
  return task:add_packet(packet, self.current)
end

local Richards = Benchmark.subclass("Richards")
Richards.default_parameter = 8

function Richards:benchmark()
  local scheduler = Scheduler.new()
  IdleTask.new(scheduler, 10000)
  WorkerTask.new(scheduler, 1000, self:packets(2, WORKER, WORK_PACKET))
  HandlerTask.new(scheduler, HANDLER_A, 2000, self:packets(3, DEVICE_A, DEVICE_PACKET))
  HandlerTask.new(scheduler, HANDLER_B, 3000, self:packets(3, DEVICE_B, DEVICE_PACKET))
  DeviceTask.new(scheduler, DEVICE_A, 4000)
  DeviceTask.new(scheduler, DEVICE_B, 5000)
  scheduler:schedule()
  return scheduler.queue_count * 10000 + scheduler.hold_count
end

function Richards:expected(parameter)
  return 232469297
end

function Richards:packets(count, identity, kind)
  local queue
  for _ = 1, count do
    queue = Packet.new(queue, identity, kind)
  end
  return queue
end

return Richards
