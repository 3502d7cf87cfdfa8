"""DeltaBlue: an incremental solver of hierarchies of one-way constraints; polymorphic sends, graphs of objects."""

from classic.benchmark import Benchmark, WrongResult
from classic.core import Vector


class Strength:
    """How much a constraint matters; a lower level is stronger."""

    def __init__(self, name, level):
        self.name = name
        self.level = level

    def is_stronger(self, other):
        return self.level < other.level

    def is_weaker(self, other):
        return self.level > other.level

    def weakest(self, other):
        return other if other.is_weaker(self) else self


REQUIRED = Strength("required", 0)
PREFERRED = Strength("preferred", 2)
STRONG_DEFAULT = Strength("strong default", 3)
DEFAULT = Strength("default", 4)
WEAKEST = Strength("weakest", 6)


class Variable:
    def __init__(self, value):
        self.value = value
        self.constraints = Vector(2)
        self.determined_by = None
        self.mark = 0
        self.walk_strength = WEAKEST
        self.stay = True

    def add_constraint(self, constraint):
        self.constraints.append(constraint)

    def remove_constraint(self, constraint):
        self.constraints.remove(constraint)
        if self.determined_by is constraint:
            self.determined_by = None


class Constraint:
    """What all kinds share: entering and leaving the graph, and satisfying with whatever that overrides."""

    def __init__(self, strength):
        self.strength = strength

    def is_input(self):
        return False

    def add_to(self, planner):
        self.add_to_graph()
        planner.incremental_add(self)

    def destroy(self, planner):
        if self.is_satisfied():
            planner.incremental_remove(self)
        self.remove_from_graph()

    def satisfy(self, mark, planner):
        """Try to enforce the constraint; answer the one that it overrides, if any."""
        self.choose_method(mark)
        if not self.is_satisfied():
            if self.strength is REQUIRED:
                raise WrongResult("DeltaBlue: a required constraint cannot be satisfied")
            return None
        self.inputs_do(lambda variable: self.mark_variable(variable, mark))
        output = self.output()
        overridden = output.determined_by
        if overridden is not None:
            overridden.mark_unsatisfied()
        output.determined_by = self
        if not planner.add_propagate(self, mark):
            raise WrongResult("DeltaBlue: a cycle")
        output.mark = mark
        return overridden

    def mark_variable(self, variable, mark):
        variable.mark = mark

    def inputs_known(self, mark):
        return not self.any_input(
            lambda variable: not (variable.mark == mark or variable.stay or variable.determined_by is None))


class UnaryConstraint(Constraint):
    """Holds one variable at a value."""

    def __init__(self, variable, strength, planner):
        super().__init__(strength)
        self.variable = variable
        self.satisfied = False
        self.add_to(planner)

    def is_satisfied(self):
        return self.satisfied

    def mark_unsatisfied(self):
        self.satisfied = False

    def output(self):
        return self.variable

    def add_to_graph(self):
        self.variable.add_constraint(self)
        self.satisfied = False

    def remove_from_graph(self):
        self.variable.remove_constraint(self)
        self.satisfied = False

    def choose_method(self, mark):
        self.satisfied = (self.variable.mark != mark
                          and self.strength.is_stronger(self.variable.walk_strength))

    def inputs_do(self, action):
        pass

    def any_input(self, predicate):
        return False

    def recalculate(self):
        self.variable.walk_strength = self.strength
        self.variable.stay = not self.is_input()
        if self.variable.stay:
            self.execute()

    def execute(self):
        pass


class StayConstraint(UnaryConstraint):
    """The variable keeps its value."""


class EditConstraint(UnaryConstraint):
    """The variable is set from outside."""

    def is_input(self):
        return True


class BinaryConstraint(Constraint):
    """Relates two variables; either may be computed from the other."""

    NONE, FORWARD, BACKWARD = range(3)

    def __init__(self, first, second, strength, planner):
        super().__init__(strength)
        self.first = first
        self.second = second
        self.direction = self.NONE
        self.add_to(planner)

    def is_satisfied(self):
        return self.direction != self.NONE

    def mark_unsatisfied(self):
        self.direction = self.NONE

    def input(self):
        return self.first if self.direction == self.FORWARD else self.second

    def output(self):
        return self.second if self.direction == self.FORWARD else self.first

    def add_to_graph(self):
        self.first.add_constraint(self)
        self.second.add_constraint(self)
        self.direction = self.NONE

    def remove_from_graph(self):
        self.first.remove_constraint(self)
        self.second.remove_constraint(self)
        self.direction = self.NONE

    def choose_method(self, mark):
        if self.first.mark == mark:
            self.direct(self.FORWARD, self.second.mark != mark and self.is_stronger_than(self.second))
        elif self.second.mark == mark:
            self.direct(self.BACKWARD, self.is_stronger_than(self.first))
        elif self.first.walk_strength.is_weaker(self.second.walk_strength):
            self.direct(self.BACKWARD, self.is_stronger_than(self.first))
        else:
            self.direct(self.FORWARD, self.is_stronger_than(self.second))

    def direct(self, direction, possible):
        self.direction = direction if possible else self.NONE

    def is_stronger_than(self, variable):
        return self.strength.is_stronger(variable.walk_strength)

    def inputs_do(self, action):
        action(self.input())

    def any_input(self, predicate):
        return predicate(self.input())

    def recalculate(self):
        source = self.input()
        target = self.output()
        target.walk_strength = self.strength.weakest(source.walk_strength)
        target.stay = self.inputs_stay()
        if target.stay:
            self.execute()

    def inputs_stay(self):
        return self.input().stay


class EqualityConstraint(BinaryConstraint):
    def execute(self):
        self.output().value = self.input().value


class ScaleConstraint(BinaryConstraint):
    """second = first * scale + offset"""

    def __init__(self, source, scale, offset, target, strength, planner):
        self.scale = scale
        self.offset = offset
        super().__init__(source, target, strength, planner)

    def add_to_graph(self):
        super().add_to_graph()
        self.scale.add_constraint(self)
        self.offset.add_constraint(self)

    def remove_from_graph(self):
        super().remove_from_graph()
        self.scale.remove_constraint(self)
        self.offset.remove_constraint(self)

    def inputs_do(self, action):
        super().inputs_do(action)
        action(self.scale)
        action(self.offset)

    def any_input(self, predicate):
        return super().any_input(predicate) or predicate(self.scale) or predicate(self.offset)

    def inputs_stay(self):
        return self.input().stay and self.scale.stay and self.offset.stay

    def execute(self):
        if self.direction == self.FORWARD:
            self.second.value = self.first.value * self.scale.value + self.offset.value
        else:
            self.first.value = (self.second.value - self.offset.value) // self.scale.value


class Plan:
    """Constraints in the order in which they are to be executed."""

    def __init__(self):
        self.constraints = Vector(16)

    def append(self, constraint):
        self.constraints.append(constraint)

    def execute(self):
        self.constraints.for_each(lambda constraint: constraint.execute())


class Planner:
    def __init__(self):
        self.current_mark = 0

    def new_mark(self):
        self.current_mark += 1
        return self.current_mark

    def incremental_add(self, constraint):
        mark = self.new_mark()
        overridden = constraint.satisfy(mark, self)
        while overridden is not None:
            overridden = overridden.satisfy(mark, self)

    def incremental_remove(self, constraint):
        output = constraint.output()
        constraint.mark_unsatisfied()
        constraint.remove_from_graph()
        self.remove_propagate_from(output).for_each(lambda each: self.incremental_add(each))

    def extract_plan(self, constraints):
        sources = Vector()
        constraints.for_each(lambda each: self.add_source(each, sources))
        return self.make_plan(sources)

    def add_source(self, constraint, sources):
        if constraint.is_input() and constraint.is_satisfied():
            sources.append(constraint)

    def make_plan(self, sources):
        mark = self.new_mark()
        plan = Plan()
        todo = sources
        while not todo.is_empty():
            constraint = todo.remove_first()
            if constraint.output().mark != mark and constraint.inputs_known(mark):
                plan.append(constraint)
                constraint.output().mark = mark
                self.add_consumers(constraint.output(), todo)
        return plan

    def add_propagate(self, constraint, mark):
        """Recompute all downstream of the constraint; answer False, and remove it, if it closes a cycle."""
        todo = Vector.holding(constraint)
        while not todo.is_empty():
            each = todo.remove_first()
            if each.output().mark == mark:
                self.incremental_remove(constraint)
                return False
            each.recalculate()
            self.add_consumers(each.output(), todo)
        return True

    def add_consumers(self, variable, collection):
        self.consumers_do(variable, lambda consumer: collection.append(consumer))

    def consumers_do(self, variable, action):
        determining = variable.determined_by
        variable.constraints.for_each(lambda each: self.do_if_consumer(each, determining, action))

    def do_if_consumer(self, constraint, determining, action):
        if constraint is not determining and constraint.is_satisfied():
            action(constraint)

    def remove_propagate_from(self, output):
        """Forget what determined the variable; answer the unsatisfied constraints downstream, strongest first."""
        output.determined_by = None
        output.walk_strength = WEAKEST
        output.stay = True
        unsatisfied = Vector()
        todo = Vector.holding(output)
        while not todo.is_empty():
            variable = todo.remove_first()
            variable.constraints.for_each(lambda each: self.add_unsatisfied(each, unsatisfied))
            self.consumers_do(variable, lambda consumer: self.recalculate_and_add(consumer, todo))
        unsatisfied.sort(lambda a, b: a.strength.is_stronger(b.strength))
        return unsatisfied

    def add_unsatisfied(self, constraint, collection):
        if not constraint.is_satisfied():
            collection.append(constraint)

    def recalculate_and_add(self, constraint, todo):
        constraint.recalculate()
        todo.append(constraint.output())

    def change(self, variable, value):
        edit = EditConstraint(variable, PREFERRED, self)
        plan = self.extract_plan(Vector.holding(edit))
        for _ in range(10):
            variable.value = value
            plan.execute()
        edit.destroy(self)


class DeltaBlue(Benchmark):
    default_parameter = 5000

    def run(self, parameter):
        result = self.chain(parameter) + self.projection(parameter)
        self.verify(result, parameter)
        return result

    def expected(self, parameter):
        n = parameter
        return 4950 + 5 * n * (n - 1) // 2 + 2000 * (n - 1) + 2025

    def chain(self, n):
        """A chain of equalities; the sum of the values that arrive at its end."""
        planner = Planner()
        variables = [Variable(0) for _ in range(n + 1)]
        for i in range(n):
            EqualityConstraint(variables[i], variables[i + 1], REQUIRED, planner)
        first = variables[0]
        last = variables[n]
        StayConstraint(last, STRONG_DEFAULT, planner)
        edit = EditConstraint(first, PREFERRED, planner)
        plan = planner.extract_plan(Vector.holding(edit))
        total = 0
        for value in range(100):
            first.value = value
            plan.execute()
            if last.value != value:
                raise WrongResult("DeltaBlue: the chain does not hold")
            total += last.value
        edit.destroy(planner)
        return total

    def projection(self, n):
        """Many scaled points; the sum of the targets after scale and offset were changed."""
        planner = Planner()
        scale = Variable(10)
        offset = Variable(1000)
        targets = Vector()
        source = None
        target = None
        for i in range(1, n + 1):
            source = Variable(i)
            target = Variable(i)
            targets.append(target)
            StayConstraint(source, DEFAULT, planner)
            ScaleConstraint(source, scale, offset, target, REQUIRED, planner)
        planner.change(source, 17)
        self.check(target.value, 1170)
        planner.change(target, 1050)
        self.check(source.value, 5)
        planner.change(scale, 5)
        for i in range(n - 1):
            self.check(targets.at(i).value, (i + 1) * 5 + 1000)
        planner.change(offset, 2000)
        for i in range(n - 1):
            self.check(targets.at(i).value, (i + 1) * 5 + 2000)
        total = 0
        for i in range(n):
            total += targets.at(i).value
        return total

    def check(self, value, expected):
        if value != expected:
            raise WrongResult(f"DeltaBlue: projection got {value}, expected {expected}")
