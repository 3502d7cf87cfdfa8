//! The meta-object protocol's code loading (Espell 4.1).

use instar_heap::Oop;

use super::error::MirrorError;
use super::meta::{Meta, Mirror};
use crate::code::arity;
use crate::objects::layout::{association, behavior, class, compiled};
use crate::objects::{Known, Special, Value};
use crate::source::{ClassDef, Layout};
use crate::syntax::render;
use crate::vm::install::MethodFacts;
use crate::vm::lookup::method_at;

/// What instances of a new class look like.
#[derive(Clone, Debug, Default)]
pub struct ClassDefinition {
    /// The superclass; `Object` if there is none.
    pub superclass: Option<Mirror>,
    /// Names of the variables that it adds.
    pub variables: Vec<String>,
    /// Names of variables that it shares with its instances.
    pub class_variables: Vec<String>,
    /// What instances have besides: `Normal` for what the superclass's have.
    pub layout: Layout,
    /// The package that it belongs to.
    pub package: String,
}

impl Meta<'_> {
    /// *create class*: a class of this name, which no code of the space sees yet.
    ///
    /// # Errors
    /// [`MirrorError`]: the name or a variable's is no name, or declared twice; the superclass is none, or has other
    /// instances than the layout asks for.
    pub fn create_class(&mut self, name: &str, definition: &ClassDefinition) -> Result<Mirror, MirrorError> {
        check_names(name, definition)?;
        let superclass = match definition.superclass {
            Some(mirror) => self.class_value(mirror)?.oop(),
            None => self.own().known_class(Known::Object).oop(),
        };
        let inherited = self.own().instance_variables(self.own().value(superclass));
        if let Some(twice) = definition.variables.iter().find(|name| inherited.contains_key(*name)) {
            return Err(MirrorError::WrongShape(format!("{twice} is a variable of the superclass already")));
        }
        let def = ClassDef {
            instance_variables: definition.variables.clone(),
            class_variables: definition.class_variables.clone(),
            layout: definition.layout,
            ..ClassDef::named(name)
        };
        let space = self.own_mut();
        let superclass = space.root(superclass);
        let made = space.make_hidden_class(superclass, &def, &definition.package);
        space.release(superclass);
        let class = made?;
        Ok(self.mirror(class))
    }

    /// *install class*: code of the space sees the class by its name from now on. A class that had the name is replaced.
    ///
    /// # Errors
    /// [`MirrorError`]: it is no class, or a metaclass.
    pub fn install_class(&mut self, class: Mirror) -> Result<(), MirrorError> {
        let name = self.name_of_class(class)?;
        let root = self.class_root(class)?;
        let space = self.own_mut();
        let result = space.define_global(&name, root).and_then(|()| space.enroll_class(root));
        space.release(root);
        Ok(result?)
    }

    /// *remove class*: no name leads to the class any more. Code that used the name finds nil.
    ///
    /// # Errors
    /// [`MirrorError::NotFound`]: it is not installed.
    pub fn remove_class(&mut self, class: Mirror) -> Result<(), MirrorError> {
        let name = self.name_of_class(class)?;
        let installed = self.own().class_named(&name).map(Value::oop);
        if installed != Some(self.oop(class)?) {
            return Err(MirrorError::NotFound(format!(
                "installed class {name} that this mirror answers for"
            )));
        }
        let root = self.class_root(class)?;
        let space = self.own_mut();
        let result = space.undefine_global(&name).and_then(|()| space.strike_class(root));
        space.release(root);
        Ok(result?)
    }

    /// *get class by name*.
    ///
    /// # Errors
    /// [`MirrorError::NotFound`]
    pub fn class_named(&mut self, name: &str) -> Result<Mirror, MirrorError> {
        let found = self
            .own()
            .class_named(name)
            .filter(|value| value.slots() > behavior::CLASS_INDEX && self.own().is_behavior(*value));
        let class = found.map(Value::oop).ok_or_else(|| MirrorError::NotFound(format!("class {name}")))?;
        Ok(self.mirror(class))
    }

    /// *compile method*: a method for instances of the class, which no code of the space sees yet. Names in it are those of the space.
    ///
    /// # Errors
    /// [`MirrorError::Source`] with the rendered errors.
    pub fn compile_method(&mut self, class: Mirror, source: &str) -> Result<Mirror, MirrorError> {
        let root = self.class_root(class)?;
        let space = self.own_mut();
        let method = space.compile_hidden(root, source);
        space.release(root);
        let method = method?;
        Ok(self.mirror(method))
    }

    /// *install method*: instances of the class understand it from now on.
    ///
    /// # Errors
    /// [`MirrorError::WrongShape`]: it is no method, or one that was compiled for a class with more variables.
    pub fn install_method(&mut self, class: Mirror, method: Mirror) -> Result<(), MirrorError> {
        let class_value = self.class_value(class)?;
        let value = self.value(method)?;
        let code = self.own().code_of(value).filter(|_| value.is(Known::CompiledMethod));
        let Some(code) = code else {
            return Err(MirrorError::WrongShape(format!("{} is no method", self.describe(value))));
        };
        let named =
            self.index_of(class_value).and_then(|index| self.own().mutator.heap().classes.spec(index));
        let named =
            named.filter(|spec| spec.format.has_pointers()).map_or(0, |spec| u32::from(spec.fixed_slots));
        if code.slots_needed > named {
            let text = format!("the method uses {} variables, and the class has {named}", code.slots_needed);
            return Err(MirrorError::WrongShape(text));
        }
        let selector = value.slot(compiled::SELECTOR).filter(|selector| selector.is_symbol()).map(Value::oop);
        let selector =
            selector.ok_or_else(|| MirrorError::WrongShape("the method has no selector".into()))?;
        let (class, method) = (class_value.oop(), value.oop());
        let space = self.own_mut();
        let [class, selector, method] = [class, selector, method].map(|oop| space.root(oop));
        let result = space.add_method(class, selector, method);
        space.release(class);
        Ok(result?)
    }

    /// *remove method*: instances of the class do not understand the selector by a method of the class any more.
    ///
    /// # Errors
    /// [`MirrorError::NotFound`]
    pub fn remove_method(&mut self, class: Mirror, selector: &str) -> Result<(), MirrorError> {
        let symbol = self.method_named(class, selector)?.0;
        let root = self.class_root(class)?;
        let space = self.own_mut();
        let result = space.take_out_method(root, symbol);
        space.release(root);
        Ok(result?)
    }

    /// The method that a class itself has for a selector.
    ///
    /// # Errors
    /// [`MirrorError::NotFound`]
    pub fn method_of(&mut self, class: Mirror, selector: &str) -> Result<Mirror, MirrorError> {
        let method = self.method_named(class, selector)?.1;
        Ok(self.mirror(method))
    }

    /// Compiles and installs.
    ///
    /// # Errors
    /// As for both.
    pub fn compile_and_install(&mut self, class: Mirror, source: &str) -> Result<Mirror, MirrorError> {
        let method = self.compile_method(class, source)?;
        self.install_method(class, method)?;
        Ok(method)
    }

    fn method_named(&self, class: Mirror, selector: &str) -> Result<(Oop, Oop), MirrorError> {
        let class = self.class_value(class)?;
        let missing =
            || MirrorError::NotFound(format!("method {selector} in {}", self.own().describe_class(class)));
        let symbol = self.own().existing_symbol(selector).ok_or_else(missing)?;
        let found = class.slot(behavior::METHOD_DICT).and_then(|dict| method_at(dict, symbol));
        found.map(|method| (symbol, method.oop())).ok_or_else(missing)
    }

    fn name_of_class(&self, class: Mirror) -> Result<String, MirrorError> {
        let value = self.class_value(class)?;
        let is_meta = value.is(Known::Metaclass) || value.is(Known::ClassTrait);
        let name = value.slot(class::NAME).filter(|_| !is_meta).and_then(Value::text);
        name.ok_or_else(|| MirrorError::WrongShape("a metaclass comes and goes with its class".to_owned()))
    }
}

fn check_names(name: &str, definition: &ClassDefinition) -> Result<(), MirrorError> {
    let is_name = |name: &str| {
        let mut letters = name.chars();
        letters.next().is_some_and(|first| first.is_alphabetic() || first == '_')
            && letters.all(|letter| letter.is_alphanumeric() || letter == '_')
    };
    let names = definition.variables.iter().chain(&definition.class_variables);
    if let Some(wrong) = std::iter::once(name).chain(names.map(String::as_str)).find(|name| !is_name(name)) {
        return Err(MirrorError::WrongShape(format!("{wrong:?} is no name")));
    }
    let mut sorted: Vec<&String> = definition.variables.iter().collect();
    sorted.sort();
    match sorted.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(MirrorError::WrongShape(format!("the variable {} is declared twice", pair[0]))),
        None => Ok(()),
    }
}

impl crate::vm::Space {
    /// A CompiledMethod for a rooted class, in no method dictionary.
    fn compile_hidden(&mut self, class: crate::vm::space::Root, source: &str) -> Result<Oop, MirrorError> {
        let variables = self.instance_variables(self.rooted(class));
        let compiled = self.compile_for(self.rooted(class), &variables, source);
        let info = compiled.map_err(|errors| MirrorError::Source(render("method", source, &errors)))?;
        if let Some(name) = info.unit.primitive.as_deref()
            && crate::primitives::find(name).is_none()
        {
            return Err(MirrorError::Source(format!("error: there is no primitive {name}\n")));
        }
        debug_assert!(arity(&info.selector).is_some());
        let facts = MethodFacts { source, protocol: "as yet unclassified", package: None, origin: None };
        let symbol = self.symbol(&info.selector)?;
        let selector = self.root(symbol);
        let method = self.new_method(&info, selector, class, &facts);
        self.release(selector);
        Ok(method?)
    }

    /// Takes the binding of a global out. Code that has it finds nil.
    fn undefine_global(&mut self, name: &str) -> Result<(), instar_heap::HeapError> {
        let symbol = self.symbol(name)?;
        let key = self.root(symbol);
        let globals = self.special(Special::Globals);
        let globals = self.root(globals);
        let result = self.remove_association(globals, key);
        if let Ok(Some(binding)) = result {
            let binding = self.root(binding);
            let nil = self.nil();
            self.store_rooted(binding, association::VALUE, nil);
            let undeclared = self.special(Special::Undeclared);
            let undeclared = self.root(undeclared);
            // Without memory for it, a definition to come gets another binding: code that has the old one has to be compiled again.
            let _ = self.insert_association(undeclared, binding);
        }
        self.release(key);
        result.map(|_| ())
    }
}
