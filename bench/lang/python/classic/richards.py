"""Richards: the scheduler of an operating system with six tasks that pass packets; polymorphic sends, linked lists."""

from classic.benchmark import Benchmark

IDLE, WORKER, HANDLER_A, HANDLER_B, DEVICE_A, DEVICE_B = range(6)
DEVICE_PACKET, WORK_PACKET = range(2)
PACKET_SIZE = 4


class Packet:
    def __init__(self, link, identity, kind):
        self.link = link
        self.identity = identity
        self.kind = kind
        self.datum = 0
        self.data = [0] * PACKET_SIZE

    def append_to(self, queue):
        """Put this packet at the end of the queue and answer the queue."""
        self.link = None
        if queue is None:
            return self
        last = queue
        while last.link is not None:
            last = last.link
        last.link = self
        return queue


class Task:
    """A task and its control block; subclasses say what it does when it gets the processor."""

    def __init__(self, scheduler, identity, priority, queue):
        self.scheduler = scheduler
        self.identity = identity
        self.priority = priority
        self.queue = queue
        self.link = scheduler.task_list
        self.packet_pending = queue is not None
        self.waiting = True
        self.holding = False
        scheduler.add(self)

    def is_held_or_waiting(self):
        return self.holding or (not self.packet_pending and self.waiting)

    def is_waiting_with_packet(self):
        return self.packet_pending and self.waiting and not self.holding

    def run(self):
        packet = None
        if self.is_waiting_with_packet():
            packet = self.queue
            self.queue = packet.link
            self.waiting = False
            self.packet_pending = self.queue is not None
        return self.process(packet)

    def add_packet(self, packet, previous):
        """Take a packet; answer which of the two tasks goes on."""
        if self.queue is None:
            self.queue = packet
            self.packet_pending = True
            if self.priority > previous.priority:
                return self
        else:
            self.queue = packet.append_to(self.queue)
        return previous


class IdleTask(Task):
    def __init__(self, scheduler, count):
        super().__init__(scheduler, IDLE, 0, None)
        self.waiting = False
        self.control = 1
        self.count = count

    def process(self, packet):
        self.count -= 1
        if self.count == 0:
            return self.scheduler.hold_current()
        if self.control & 1 == 0:
            self.control >>= 1
            return self.scheduler.release(DEVICE_A)
        self.control = (self.control >> 1) ^ 0xD008
        return self.scheduler.release(DEVICE_B)


class DeviceTask(Task):
    def __init__(self, scheduler, identity, priority):
        super().__init__(scheduler, identity, priority, None)
        self.pending = None

    def process(self, packet):
        if packet is None:
            if self.pending is None:
                return self.scheduler.suspend_current()
            work = self.pending
            self.pending = None
            return self.scheduler.queue_packet(work)
        self.pending = packet
        return self.scheduler.hold_current()


class WorkerTask(Task):
    def __init__(self, scheduler, priority, queue):
        super().__init__(scheduler, WORKER, priority, queue)
        self.destination = HANDLER_A
        self.count = 0

    def process(self, packet):
        if packet is None:
            return self.scheduler.suspend_current()
        self.destination = HANDLER_B if self.destination == HANDLER_A else HANDLER_A
        packet.identity = self.destination
        packet.datum = 0
        for i in range(PACKET_SIZE):
            self.count += 1
            if self.count > 26:
                self.count = 1
            packet.data[i] = 64 + self.count
        return self.scheduler.queue_packet(packet)


class HandlerTask(Task):
    def __init__(self, scheduler, identity, priority, queue):
        super().__init__(scheduler, identity, priority, queue)
        self.work_queue = None
        self.device_queue = None

    def process(self, packet):
        if packet is not None:
            if packet.kind == WORK_PACKET:
                self.work_queue = packet.append_to(self.work_queue)
            else:
                self.device_queue = packet.append_to(self.device_queue)
        work = self.work_queue
        if work is not None:
            index = work.datum
            if index >= PACKET_SIZE:
                self.work_queue = work.link
                return self.scheduler.queue_packet(work)
            device = self.device_queue
            if device is not None:
                self.device_queue = device.link
                device.datum = work.data[index]
                work.datum = index + 1
                return self.scheduler.queue_packet(device)
        return self.scheduler.suspend_current()


class Scheduler:
    def __init__(self):
        self.task_list = None
        self.current = None
        self.tasks = [None] * 6
        self.queue_count = 0
        self.hold_count = 0

    def add(self, task):
        self.task_list = task
        self.tasks[task.identity] = task

    def schedule(self):
        self.current = self.task_list
        while self.current is not None:
            if self.current.is_held_or_waiting():
                self.current = self.current.link
            else:
                self.current = self.current.run()

    def hold_current(self):
        self.hold_count += 1
        self.current.holding = True
        return self.current.link

    def suspend_current(self):
        self.current.waiting = True
        return self.current

    def release(self, identity):
        task = self.tasks[identity]
        task.holding = False
        return task if task.priority > self.current.priority else self.current

    def queue_packet(self, packet):
        task = self.tasks[packet.identity]
        self.queue_count += 1
        packet.link = None
        packet.identity = self.current.identity
        return task.add_packet(packet, self.current)


class Richards(Benchmark):
    default_parameter = 8

    def benchmark(self):
        scheduler = Scheduler()
        IdleTask(scheduler, 10000)
        WorkerTask(scheduler, 1000, self.packets(2, WORKER, WORK_PACKET))
        HandlerTask(scheduler, HANDLER_A, 2000, self.packets(3, DEVICE_A, DEVICE_PACKET))
        HandlerTask(scheduler, HANDLER_B, 3000, self.packets(3, DEVICE_B, DEVICE_PACKET))
        DeviceTask(scheduler, DEVICE_A, 4000)
        DeviceTask(scheduler, DEVICE_B, 5000)
        scheduler.schedule()
        return scheduler.queue_count * 10000 + scheduler.hold_count

    def expected(self, parameter):
        return 232469297

    def packets(self, count, identity, kind):
        queue = None
        for _ in range(count):
            queue = Packet(queue, identity, kind)
        return queue
