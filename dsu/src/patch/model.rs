//! What a patch holds. What a class change does not name (`None`) stays as it is, or is what a new class has by default.

use instar_interp::source::{Composition, Layout, MethodDef, Side};

/// A patch. Sections are kept in the order of [patch-order]; [`Patch::sort`] establishes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Patch {
    /// What it is called.
    pub name: String,
    /// Why it is made.
    pub comment: Option<String>,
    /// The version that it was made for, `sha256:…`; nothing if it fits any.
    pub base: Option<String>,
    /// Names of the packages that the version is about.
    pub packages: Vec<String>,
    /// Who made it.
    pub author: Option<String>,
    /// When it was made, as text.
    pub time: Option<String>,
    /// What a person must still decide about the whole.
    pub undecided: Vec<String>,
    /// Classes and traits that come, change or go.
    pub classes: Vec<ClassChange>,
    /// Methods that are set or go.
    pub methods: Vec<MethodChange>,
    /// How instances follow.
    pub policies: Vec<Policy>,
    /// What must hold before the commit.
    pub validations: Vec<Validation>,
    /// Done in the running program before the update.
    pub before: Vec<Action>,
    /// Done in the running program after the commit.
    pub after: Vec<Action>,
}

/// What happens to a class or trait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Change {
    /// It comes.
    Added,
    /// It stays and is different.
    Changed,
    /// It goes.
    Removed,
}

/// A class or trait that comes, changes or goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassChange {
    /// Which of these.
    pub change: Change,
    /// A trait?
    pub is_trait: bool,
    /// Its name behind the update.
    pub name: String,
    /// Its name before, where that is another.
    pub old_name: Option<String>,
    /// The name of its superclass.
    pub superclass: Option<String>,
    /// Traits of the instance side; an empty composition takes them away.
    pub traits: Option<Composition>,
    /// Traits of the class side.
    pub class_traits: Option<Composition>,
    /// How instances are laid out.
    pub layout: Option<Layout>,
    /// Names of the instance variables.
    pub instance_variables: Option<Vec<String>>,
    /// Names of the variables that class and instances share.
    pub class_variables: Option<Vec<String>>,
    /// Names of the pools.
    pub pools: Option<Vec<String>>,
    /// Names of the variables of the class as an object.
    pub class_instance_variables: Option<Vec<String>>,
    /// Old and new names of variables of the class: shared ones and those of the class as an object. They keep their values.
    pub renamed_variables: Vec<(String, String)>,
    /// `Package-Tag`, as older formats have it.
    pub category: Option<String>,
    /// The package.
    pub package: Option<String>,
    /// The heading inside of the package.
    pub tag: Option<String>,
    /// The comment.
    pub comment: Option<String>,
    /// What a person must still decide.
    pub undecided: Vec<String>,
}

impl ClassChange {
    /// A change that says nothing yet.
    pub fn new(change: Change, is_trait: bool, name: impl Into<String>) -> ClassChange {
        ClassChange {
            change,
            is_trait,
            name: name.into(),
            old_name: None,
            superclass: None,
            traits: None,
            class_traits: None,
            layout: None,
            instance_variables: None,
            class_variables: None,
            pools: None,
            class_instance_variables: None,
            renamed_variables: Vec::new(),
            category: None,
            package: None,
            tag: None,
            comment: None,
            undecided: Vec::new(),
        }
    }
}

/// What happens to a method.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MethodEdit {
    /// The class has this one from now on.
    Set(MethodDef),
    /// It goes.
    Remove {
        /// Of instances or of the class?
        side: Side,
        /// Its selector.
        selector: String,
    },
}

/// A method that is set or goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MethodChange {
    /// Name of the class or trait behind the update.
    pub owner: String,
    /// What happens.
    pub edit: MethodEdit,
    /// The package, where it is not the owner's: then the method extends.
    pub package: Option<String>,
    /// What a person must still decide.
    pub undecided: Vec<String>,
}

impl MethodChange {
    /// Whose side it is on.
    pub fn side(&self) -> Side {
        match &self.edit {
            MethodEdit::Set(method) => method.side,
            MethodEdit::Remove { side, .. } => *side,
        }
    }

    /// Its selector; that of a method whose pattern is wrong is its pattern.
    pub fn selector(&self) -> String {
        match &self.edit {
            MethodEdit::Set(method) => method
                .selector()
                .map_or_else(|_| method.pattern().to_owned(), |found| found.text.into_owned()),
            MethodEdit::Remove { selector, .. } => selector.clone(),
        }
    }

    /// As in `Point class>>x:y:`.
    pub fn title(&self) -> String {
        format!("{}>>{}", self.side_name(), self.selector())
    }

    /// `Point` or `Point class`.
    pub fn side_name(&self) -> String {
        let side = if self.side() == Side::Class { " class" } else { "" };
        format!("{}{side}", self.owner)
    }
}

/// How the instances of a class, and of subclasses for which nothing else is said, follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Name of the class before the update.
    pub class: String,
    /// What is done.
    pub rule: Rule,
    /// What a person must still decide.
    pub undecided: Vec<String>,
}

/// What a policy does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Variable by variable.
    Slots(SlotRule),
    /// One of two, by whether a variable is nil.
    Choice {
        /// The variable.
        variable: String,
        /// Where it is nil.
        then: SlotRule,
        /// Where it is not.
        otherwise: SlotRule,
    },
    /// Variables move to an object of their own.
    Split {
        /// Their names.
        moves: Vec<String>,
        /// The class of that object.
        into: String,
        /// The variable that refers to it.
        holder: String,
    },
    /// The value of one variable is computed from the old instance.
    Compute {
        /// The variable.
        variable: String,
        /// A block's inside.
        code: String,
    },
    /// Code that finishes each new instance.
    Amend(String),
    /// Code that answers the object in the place of each instance.
    Replace(String),
    /// Code that answers the number of indexable elements.
    Grow(String),
    /// Statements whose last answers a policy.
    Custom(String),
}

/// Where the variables of new instances come from: by name, but for what is said here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SlotRule {
    /// The class that instances become instances of.
    pub becomes: Option<String>,
    /// Old and new names.
    pub renames: Vec<(String, String)>,
    /// Names and expressions.
    pub defaults: Vec<(String, String)>,
    /// Variables whose values go on purpose.
    pub drops: Vec<String>,
}

/// What must hold before the commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Validation {
    /// What it is called.
    pub name: String,
    /// The inside of a block that gets the update, or nothing, and answers whether all is well.
    pub code: String,
    /// What a person must still decide.
    pub undecided: Vec<String>,
}

/// Something to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// The inside of a block without arguments.
    pub code: String,
    /// What a person must still decide.
    pub undecided: Vec<String>,
}

impl Patch {
    /// An empty one.
    pub fn new(name: impl Into<String>) -> Patch {
        Patch { name: name.into(), ..Patch::default() }
    }

    /// Puts all parts into the order of [patch-order]. Validations and actions have the order that they were given.
    pub fn sort(&mut self) {
        self.packages.sort();
        self.classes.sort_by(|one, other| one.name.cmp(&other.name));
        self.methods.sort_by_cached_key(|method| {
            let is_set = matches!(method.edit, MethodEdit::Set(_));
            (method.owner.clone(), is_set, method.side() == Side::Instance, method.selector())
        });
        self.policies.sort_by(|one, other| one.class.cmp(&other.class));
    }

    /// Does it change nothing?
    pub fn is_empty(&self) -> bool {
        self.classes.is_empty() && self.methods.is_empty() && self.policies.is_empty()
    }

    /// All that a person must still decide, each with what it is about.
    pub fn undecided(&self) -> Vec<String> {
        let mut all = Vec::new();
        let mut add = |about: &str, texts: &[String]| {
            all.extend(texts.iter().map(|text| format!("{about}: {text}")));
        };
        add("the patch", &self.undecided);
        self.classes.iter().for_each(|class| add(&class.name, &class.undecided));
        self.methods.iter().for_each(|method| add(&method.title(), &method.undecided));
        self.policies
            .iter()
            .for_each(|policy| add(&format!("policy for {}", policy.class), &policy.undecided));
        self.validations.iter().for_each(|one| add(&format!("validation {}", one.name), &one.undecided));
        self.before.iter().for_each(|one| add("what is done before", &one.undecided));
        self.after.iter().for_each(|one| add("what is done after", &one.undecided));
        all
    }
}
