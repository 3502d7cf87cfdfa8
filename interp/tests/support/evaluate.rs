//! Executes syntax trees, in the most direct way: the reference for the compiler.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use instar_interp::syntax::{
    Block, Body, Expression, ExpressionKind, Literal, Message, Method, Pseudo, Send, Statement,
};

use super::world::{Stop, Value, World, closure_arguments, is_same};

/// Variables of one execution of a scope.
pub struct Scope<'p> {
    variables: RefCell<HashMap<&'p str, Value<'p>>>,
    outer: Option<Rc<Scope<'p>>>,
}

impl<'p> Scope<'p> {
    fn new(outer: Option<Rc<Scope<'p>>>) -> Rc<Self> {
        Rc::new(Scope { variables: RefCell::default(), outer })
    }

    fn declare(&self, name: &'p str, value: Value<'p>) {
        self.variables.borrow_mut().insert(name, value);
    }

    fn find(&self, name: &str) -> Option<&Scope<'p>> {
        if self.variables.borrow().contains_key(name) { Some(self) } else { self.outer.as_ref()?.find(name) }
    }
}

/// A block with its surroundings.
pub struct Closure<'p> {
    block: &'p Block<'p>,
    scope: Rc<Scope<'p>>,
    home: u64,
}

/// Executes.
pub struct Evaluator<'p> {
    pub world: World<'p>,
    homes: Vec<u64>,
    next_home: u64,
}

/// Where statements run.
struct Place<'p> {
    scope: Rc<Scope<'p>>,
    home: u64,
    is_method: bool,
}

impl<'p> Place<'p> {
    fn inside(&self) -> Place<'p> {
        Place { scope: Scope::new(Some(self.scope.clone())), home: self.home, is_method: self.is_method }
    }
}

enum Flow<'p> {
    /// The value of the last statement.
    Value(Value<'p>),
}

type Result<'p, T = Value<'p>> = std::result::Result<T, Stop<'p>>;

impl<'p> Evaluator<'p> {
    pub fn new(world: World<'p>) -> Self {
        Evaluator { world, homes: Vec::new(), next_home: 0 }
    }

    pub fn run(&mut self, method: &'p Method<'p>, arguments: &[Value<'p>]) -> Result<'p> {
        self.next_home += 1;
        let home = self.next_home;
        let scope = Scope::new(None);
        for (name, value) in method.arguments.iter().zip(arguments) {
            scope.declare(name.text, value.clone());
        }
        self.homes.push(home);
        let result = self.body(&method.body, &Place { scope, home, is_method: true });
        self.homes.pop();
        match result {
            Ok(_) => Ok(Value::Itself),
            Err(Stop::Home(at, value)) if at == home => Ok(value),
            Err(stop) => Err(stop),
        }
    }

    pub fn call(&mut self, closure: &Rc<Closure<'p>>, arguments: &[Value<'p>]) -> Result<'p> {
        self.world.burn()?;
        let scope = Scope::new(Some(closure.scope.clone()));
        for (name, value) in closure.block.parameters.iter().zip(arguments) {
            scope.declare(name.text, value.clone());
        }
        self.body(&closure.block.body, &Place { scope, home: closure.home, is_method: false })
    }

    fn body(&mut self, body: &'p Body<'p>, place: &Place<'p>) -> Result<'p> {
        for name in &body.temporaries {
            place.scope.declare(name.text, Value::Nil);
        }
        let mut flow = Flow::Value(Value::Nil);
        for statement in &body.statements {
            match statement {
                Statement::Expression(expression) => flow = Flow::Value(self.expression(expression, place)?),
                Statement::Return { value, .. } => {
                    let value = self.expression(value, place)?;
                    if !self.homes.contains(&place.home) {
                        return Err(Stop::CannotReturn);
                    }
                    return Err(Stop::Home(place.home, value));
                }
            }
        }
        let Flow::Value(value) = flow;
        Ok(value)
    }

    fn inlined(
        &mut self,
        block: &'p Block<'p>,
        argument: Option<Value<'p>>,
        place: &Place<'p>,
    ) -> Result<'p> {
        let place = place.inside();
        if let (Some(name), Some(value)) = (block.parameters.first(), argument) {
            place.scope.declare(name.text, value);
        }
        self.body(&block.body, &place)
    }

    fn expression(&mut self, expression: &'p Expression<'p>, place: &Place<'p>) -> Result<'p> {
        Ok(match &expression.kind {
            ExpressionKind::Variable(name) => match place.scope.find(name) {
                Some(scope) => scope.variables.borrow()[name].clone(),
                None => self.world.load(name),
            },
            ExpressionKind::Pseudo(Pseudo::ThisContext) => panic!("no contexts here"),
            ExpressionKind::Pseudo(_) => Value::Itself,
            ExpressionKind::Literal(literal) => constant(literal),
            ExpressionKind::Brace(elements) => {
                let elements: Result<'p, Vec<_>> =
                    elements.iter().map(|element| self.expression(element, place)).collect();
                Value::Array(Rc::new(elements?))
            }
            ExpressionKind::Block(block) => {
                Value::Tree(Rc::new(Closure { block, scope: place.scope.clone(), home: place.home }))
            }
            ExpressionKind::Assignment(assignment) => {
                let value = self.expression(&assignment.value, place)?;
                let name = assignment.variable.text;
                match place.scope.find(name) {
                    Some(scope) => scope.declare(name, value.clone()),
                    None => self.world.store(name, value.clone()),
                }
                value
            }
            ExpressionKind::Send(send) => {
                let is_super = send.receiver.kind == ExpressionKind::Pseudo(Pseudo::Super);
                if !is_super && let Some(value) = self.control(expression, send, place)? {
                    return Ok(value);
                }
                let receiver = self.expression(&send.receiver, place)?;
                self.message(&send.message, is_super, &receiver, place)?
            }
            ExpressionKind::Cascade(cascade) => {
                let receiver = self.expression(&cascade.receiver, place)?;
                let is_super = cascade.receiver.kind == ExpressionKind::Pseudo(Pseudo::Super);
                let mut value = Value::Nil;
                for message in &cascade.messages {
                    value = self.message(message, is_super, &receiver, place)?;
                }
                value
            }
        })
    }

    fn message(
        &mut self,
        message: &'p Message<'p>,
        is_super: bool,
        receiver: &Value<'p>,
        place: &Place<'p>,
    ) -> Result<'p> {
        let arguments: Result<'p, Vec<_>> =
            message.arguments.iter().map(|argument| self.expression(argument, place)).collect();
        self.send(&message.selector.text, is_super, receiver, &arguments?)
    }

    fn send(
        &mut self,
        selector: &str,
        is_super: bool,
        receiver: &Value<'p>,
        arguments: &[Value<'p>],
    ) -> Result<'p> {
        if is_super {
            return Ok(self.world.answer(true, selector, receiver, arguments));
        }
        match (selector, receiver) {
            ("==", _) => return Ok(Value::Boolean(is_same(receiver, &arguments[0]))),
            ("~~", _) => return Ok(Value::Boolean(!is_same(receiver, &arguments[0]))),
            ("keep:", _) => self.world.kept.push(arguments[0].clone()),
            (_, Value::Tree(closure))
                if closure_arguments(selector) == Some(closure.block.parameters.len()) =>
            {
                return self.call(closure, arguments);
            }
            _ => {}
        }
        if let [argument] = arguments
            && let Some(value) = self.world.operate(selector, receiver, argument)
        {
            return Ok(value);
        }
        Ok(self.world.answer(false, selector, receiver, arguments))
    }

    /// Control flow that stands in the source.
    fn control(
        &mut self,
        whole: &'p Expression<'p>,
        send: &'p Send<'p>,
        place: &Place<'p>,
    ) -> Result<'p, Option<Value<'p>>> {
        let arguments = &send.message.arguments;
        let receiver = &send.receiver;
        let block = |at: usize, parameters: &[usize]| match arguments.get(at).map(|it| &it.kind) {
            Some(ExpressionKind::Block(block)) if parameters.contains(&block.parameters.len()) => {
                Some(&**block)
            }
            _ => None,
        };
        let selector = &*send.message.selector.text;
        let non_boolean = |this: &mut Self, tested: &Value<'p>| {
            this.world.answer_non_boolean(tested, whole.span.start..whole.span.end)
        };
        match selector {
            "ifTrue:" | "ifFalse:" | "ifTrue:ifFalse:" | "ifFalse:ifTrue:" | "and:" | "or:" => {
                let Some(first) = block(0, &[0]) else { return Ok(None) };
                if arguments.len() == 2 && block(1, &[0]).is_none() {
                    return Ok(None);
                }
                let tested = self.expression(receiver, place)?;
                let Value::Boolean(tested) = tested else { return Ok(Some(non_boolean(self, &tested))) };
                let chosen = match (selector, tested) {
                    ("and:", false) => return Ok(Some(Value::Boolean(false))),
                    ("or:", true) => return Ok(Some(Value::Boolean(true))),
                    ("and:" | "or:", _) => Some(first),
                    ("ifTrue:" | "ifTrue:ifFalse:", true) | ("ifFalse:" | "ifFalse:ifTrue:", false) => {
                        Some(first)
                    }
                    _ => block(1, &[0]),
                };
                chosen.map_or(Ok(Value::Nil), |block| self.inlined(block, None, place)).map(Some)
            }
            "ifNil:" | "ifNotNil:" | "ifNil:ifNotNil:" | "ifNotNil:ifNil:" => {
                let nil_first = selector.starts_with("ifNil:");
                let fits = |at: usize| block(at, if (at == 0) == nil_first { &[0] } else { &[0, 1] });
                if (0..arguments.len()).any(|at| fits(at).is_none()) {
                    return Ok(None);
                }
                let tested = self.expression(receiver, place)?;
                let is_nil = matches!(tested, Value::Nil);
                match fits(usize::from(is_nil != nil_first)) {
                    Some(block) => self.inlined(block, Some(tested), place).map(Some),
                    None => Ok(Some(tested)),
                }
            }
            "whileTrue:" | "whileFalse:" | "whileTrue" | "whileFalse" => {
                let ExpressionKind::Block(condition) = &receiver.kind else { return Ok(None) };
                if !condition.parameters.is_empty() || arguments.len() == 1 && block(0, &[0]).is_none() {
                    return Ok(None);
                }
                loop {
                    match self.inlined(condition, None, place)? {
                        Value::Boolean(value) if value == selector.starts_with("whileTrue") => {}
                        Value::Boolean(_) => return Ok(Some(Value::Nil)),
                        other => return Ok(Some(non_boolean(self, &other))),
                    }
                    if let Some(body) = block(0, &[0]) {
                        self.inlined(body, None, place)?;
                    }
                    self.world.burn()?;
                }
            }
            "repeat" => {
                let ExpressionKind::Block(body) = &receiver.kind else { return Ok(None) };
                if !body.parameters.is_empty() {
                    return Ok(None);
                }
                loop {
                    self.inlined(body, None, place)?;
                    self.world.burn()?;
                }
            }
            "to:do:" | "to:by:do:" | "timesRepeat:" => {
                let parameters: &[usize] = if selector == "timesRepeat:" { &[0] } else { &[1] };
                let Some(body) = block(arguments.len() - 1, parameters) else { return Ok(None) };
                let step = match (selector, &arguments.get(1).map(|it| &it.kind)) {
                    ("to:by:do:", Some(ExpressionKind::Literal(Literal::Integer(step)))) => *step,
                    ("to:by:do:", _) => return Ok(None),
                    _ => 1,
                };
                let value = self.expression(receiver, place)?;
                let (mut counter, limit) = match selector {
                    "timesRepeat:" => (Value::Integer(1), value.clone()),
                    _ => (value.clone(), self.expression(&arguments[0], place)?),
                };
                let within = if step > 0 { "<=" } else { ">=" };
                for round in 0.. {
                    match self.send(within, false, &counter, std::slice::from_ref(&limit))? {
                        Value::Boolean(true) => {}
                        Value::Boolean(false) => return Ok(Some(value)),
                        other => return Ok(Some(non_boolean(self, &other))),
                    }
                    if round > 0 {
                        self.world.burn()?;
                    }
                    self.inlined(body, Some(counter.clone()), place)?;
                    counter = self.send("+", false, &counter, &[Value::Integer(step)])?;
                }
                Ok(None)
            }
            _ => Ok(None),
        }
    }
}

fn constant<'p>(literal: &Literal<'p>) -> Value<'p> {
    match literal {
        Literal::Nil => Value::Nil,
        Literal::True => Value::Boolean(true),
        Literal::False => Value::Boolean(false),
        Literal::Integer(value) => Value::Integer(*value),
        Literal::String(text) => Value::Text(format!("'{text}'")),
        Literal::Symbol(text) => Value::Text(format!("#{text}")),
        other => panic!("{other:?} is not written by the author"),
    }
}
