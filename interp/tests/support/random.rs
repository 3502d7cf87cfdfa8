//! Random numbers, and random methods in the language that the other helpers of these tests can execute.

use std::fmt::Write;

/// A small generator (xorshift*): the same numbers for the same seed.
pub struct Random(u64);

impl Random {
    /// A generator for this seed.
    pub fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// The next number.
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11
    }

    /// A number below the limit.
    pub fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    /// One of these.
    pub fn pick<'p, T: ?Sized>(&mut self, list: &[&'p T]) -> &'p T {
        list[self.below(list.len())]
    }

    /// True once in so many times.
    pub fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }
}

/// Writes random methods.
pub struct Author {
    random: Random,
    text: String,
    /// Names in scope, and whether they may be assigned to.
    names: Vec<(String, bool)>,
    count: usize,
    /// How much may still be written.
    budget: usize,
}

impl Author {
    /// The source of a random method with the selector `run:with:`. The instance variables `@p` and `@q`, the class variable
    /// `K` and the global `G` are used.
    pub fn method(seed: u64) -> String {
        let mut author =
            Author { random: Random::new(seed), text: String::new(), names: Vec::new(), count: 0, budget: 0 };
        author.budget = 8 + author.random.below(60);
        for (name, is_assignable) in
            [("p", true), ("q", true), ("K", true), ("G", true), ("x", false), ("y", false)]
        {
            author.names.push((name.to_owned(), is_assignable));
        }
        author.text.push_str("run: x with: y\n\t");
        author.body(6, true);
        author.text
    }

    fn write(&mut self, text: &str) {
        self.text.push_str(text);
    }

    fn fresh(&mut self) -> String {
        self.count += 1;
        format!("v{}", self.count)
    }

    /// Temporaries and statements.
    fn body(&mut self, depth: usize, may_return: bool) {
        let names = self.names.len();
        let temporaries = if self.random.once_in(2) { self.random.below(4) } else { 0 };
        if temporaries > 0 {
            self.write("| ");
            for _ in 0..temporaries {
                let name = self.fresh();
                let _ = write!(self.text, "{name} ");
                self.names.push((name, true));
            }
            self.write("| ");
        }
        let statements = self.random.below(4);
        for _ in 0..statements {
            self.statement(depth);
            self.write(". ");
        }
        if may_return && self.random.once_in(3) {
            self.write("^ ");
        }
        self.expression(depth);
        self.write(" ");
        self.names.truncate(names);
    }

    fn statement(&mut self, depth: usize) {
        match self.random.below(8) {
            0..4 => self.assignment(depth),
            4 => {
                // What is assigned next, or in the next iteration, must be seen by the block, or must not be.
                self.write("self keep: [");
                self.leaf();
                self.write(" foo: ");
                self.leaf();
                self.write("]");
            }
            _ => self.expression(depth),
        }
    }

    fn assignment(&mut self, depth: usize) {
        let assignable: Vec<String> =
            self.names.iter().filter(|(_, is)| *is).map(|(name, _)| name.clone()).collect();
        // Later ones more often: they are local.
        let at = self.random.below(assignable.len()).max(self.random.below(assignable.len()));
        let _ = write!(self.text, "{} := ", assignable[at]);
        self.expression(depth);
    }

    fn leaf(&mut self) {
        if self.random.once_in(3) {
            let literals =
                ["0", "1", "2", "3", "-1", "7", "300", "40000", "nil", "true", "false", "#sym", "'text'"];
            let literal = self.random.pick(&literals);
            self.write(literal);
        } else if self.random.once_in(8) {
            self.write("self");
        } else {
            let at = self.random.below(self.names.len()).max(self.random.below(self.names.len()));
            let name = self.names[at].0.clone();
            self.write(&name);
        }
    }

    fn parenthesised(&mut self, depth: usize) {
        self.write("(");
        self.expression(depth);
        self.write(")");
    }

    fn block(&mut self, depth: usize, parameters: usize) {
        let names = self.names.len();
        self.write("[ ");
        for _ in 0..parameters {
            let name = self.fresh();
            let _ = write!(self.text, ":{name} ");
            self.names.push((name, false));
        }
        if parameters > 0 {
            self.write("| ");
        }
        let may_return = self.random.once_in(4);
        self.body(depth, may_return);
        self.write("]");
        self.names.truncate(names);
    }

    fn expression(&mut self, depth: usize) {
        if depth == 0 || self.budget == 0 {
            return self.leaf();
        }
        self.budget -= 1;
        let depth = depth - 1;
        match self.random.below(24) {
            0 | 1 => self.leaf(),
            2 => {
                self.write("(");
                self.assignment(depth);
                self.write(")");
            }
            3 | 4 => {
                let operator =
                    ["+", "-", "*", "<", "<=", ">", ">=", "=", "~=", "==", "~~", ",", "bitAnd:", "at:"];
                let operator = self.random.pick(&operator);
                self.parenthesised(depth);
                let _ = write!(self.text, " {operator} ");
                self.parenthesised(depth);
            }
            5 => {
                let selector = self.random.pick(&["foo", "bar", "size", "isNil", "not"]);
                self.parenthesised(depth);
                let _ = write!(self.text, " {selector}");
            }
            6 => {
                let selector = self.random.pick(&["foo:", "ifTrue:"]);
                self.parenthesised(depth);
                let _ = write!(self.text, " {selector} ");
                self.parenthesised(depth);
            }
            7 => {
                let receiver = self.random.pick(&["super foo: ", "self foo: "]);
                self.write(receiver);
                self.parenthesised(depth);
                self.write(" bar: ");
                self.parenthesised(depth);
            }
            8 => {
                self.parenthesised(depth);
                self.write(" foo; + ");
                self.parenthesised(depth);
                self.write("; bar: ");
                self.parenthesised(depth);
                let last = self.random.pick(&["; yourself", "; < 2", "; foo: 3", "; == x"]);
                self.write(last);
            }
            9 => {
                self.write("{");
                for _ in 0..self.random.below(4) {
                    self.expression(depth);
                    self.write(". ");
                }
                self.write("}");
            }
            10 | 11 => {
                let parameters = self.random.below(3);
                self.block(depth, parameters);
                let arguments = ["", " value", " value: 3", " value: 1 value: 2"];
                // Sometimes with a wrong number of arguments: the helpers answer an error's value.
                let at = if self.random.once_in(8) { self.random.below(4) } else { parameters + 1 };
                self.write(arguments[at]);
            }
            12 => {
                // A closure that is kept: called when its variable has been changed.
                self.write("self keep: ");
                self.block(depth, 0);
            }
            _ => self.control(depth),
        }
    }

    fn control(&mut self, depth: usize) {
        match self.random.below(12) {
            0 | 1 => {
                let (one, other) = *self.random.pick(&[
                    &("ifTrue:", ""),
                    &("ifFalse:", ""),
                    &("ifTrue:", "ifFalse:"),
                    &("ifFalse:", "ifTrue:"),
                ]);
                self.condition(depth);
                let _ = write!(self.text, " {one} ");
                self.block(depth, 0);
                if !other.is_empty() {
                    let _ = write!(self.text, " {other} ");
                    self.block(depth, 0);
                }
            }
            2 | 3 => {
                let selector = self.random.pick(&["and:", "or:"]);
                self.condition(depth);
                let _ = write!(self.text, " {selector} ");
                self.block(depth, 0);
            }
            4 | 5 => {
                self.parenthesised(depth);
                let parameters = self.random.below(2);
                match self.random.below(4) {
                    0 => {
                        self.write(" ifNil: ");
                        self.block(depth, 0);
                    }
                    1 => {
                        self.write(" ifNotNil: ");
                        self.block(depth, parameters);
                    }
                    2 => {
                        self.write(" ifNil: ");
                        self.block(depth, 0);
                        self.write(" ifNotNil: ");
                        self.block(depth, parameters);
                    }
                    _ => {
                        self.write(" ifNotNil: ");
                        self.block(depth, parameters);
                        self.write(" ifNil: ");
                        self.block(depth, 0);
                    }
                }
            }
            6 | 7 => {
                let selector = self.random.pick(&["whileTrue", "whileFalse"]);
                self.block(depth, 0);
                let _ = write!(self.text, " {selector}");
                if self.random.once_in(2) {
                    self.write(": ");
                    self.block(depth, 0);
                }
            }
            8 | 9 => {
                self.parenthesised(depth);
                self.write(" to: ");
                self.parenthesised(depth);
                let step = self.random.pick(&["", " by: 2", " by: -1", " by: 300", " by: -200"]);
                let _ = write!(self.text, "{step} do: ");
                self.block(depth, 1);
            }
            10 => {
                self.parenthesised(depth);
                self.write(" timesRepeat: ");
                self.block(depth, 0);
            }
            _ => {
                self.block(depth, 0);
                self.write(" repeat");
            }
        }
    }

    fn condition(&mut self, depth: usize) {
        if self.random.once_in(3) {
            return self.parenthesised(depth);
        }
        let is_compound = self.random.once_in(2);
        self.write(if is_compound { "((" } else { "(" });
        self.leaf();
        let comparison = self.random.pick(&[" < 2", " > y", " == nil", " ~~ x", " = 3", " <= x", " foo", ""]);
        self.write(comparison);
        if is_compound {
            let connective = self.random.pick(&["and:", "or:"]);
            let _ = write!(self.text, ") {connective} [ ");
            self.condition(depth.saturating_sub(1));
            self.write(" ]");
        }
        self.write(")");
    }
}
