//! What a package holds, in whatever format it was written.
//!
//! Two definitions are equal if they say the same, wherever they stand and whatever they were read from. Methods are
//! ranges of their files' texts: reading a package copies no method.

use std::borrow::Cow;
use std::sync::Arc;

use super::composition::Composition;
use super::file::{Place, SourceError, SourceFile};
use crate::syntax::{Method, Selector, Span, SyntaxError, parse_method_parts, parse_pattern};

/// A package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// What `package.st` says before its definition.
    pub comment: Option<String>,
    /// In the order of their files.
    pub classes: Vec<ClassDef>,
    /// In the order of their files.
    pub traits: Vec<TraitDef>,
    /// In the order of their files.
    pub extensions: Vec<ExtensionDef>,
    /// What a chunk file asks to be evaluated, in its order; to be done when all else is loaded. Other formats have none.
    pub doits: Vec<DoItDef>,
    /// How `package.st` is written.
    pub style: Style,
}

impl Package {
    /// An empty one.
    pub fn new(name: impl Into<String>) -> Package {
        Package {
            name: name.into(),
            comment: None,
            classes: Vec::new(),
            traits: Vec::new(),
            extensions: Vec::new(),
            doits: Vec::new(),
            style: Style::default(),
        }
    }

    /// All methods, each with the name of the class or trait that it belongs to.
    pub fn methods(&self) -> impl Iterator<Item = (&str, &MethodDef)> {
        let of_classes = self.classes.iter().map(|class| (class.name.as_str(), &class.methods));
        let of_traits = self.traits.iter().map(|known| (known.name.as_str(), &known.methods));
        let of_others = self.extensions.iter().map(|known| (known.name.as_str(), &known.methods));
        let all = of_classes.chain(of_traits).chain(of_others);
        all.flat_map(|(name, methods)| methods.iter().map(move |method| (name, method)))
    }

    /// The syntax errors of all methods and do-its.
    pub fn syntax_errors(&self) -> Vec<SourceError> {
        let of_methods = self.methods().filter_map(|(_, method)| Some((&method.file, method.parse().err()?)));
        let of_doits = self.doits.iter().filter_map(|doit| Some((&doit.place.file, doit.parse().err()?)));
        let all = of_methods.chain(of_doits);
        all.flat_map(|(file, errors)| errors.into_iter().map(|error| file.error(error))).collect()
    }
}

/// How a Tonel file writes its metadata.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Style {
    /// Keys are strings, `'name' : …`, rather than symbols.
    pub string_keys: bool,
    /// Names are strings, `#name : 'Foo'`, rather than symbols.
    pub string_values: bool,
    /// Lines end with a carriage return and a line feed.
    pub crlf: bool,
}

/// How instances of a class are laid out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Layout {
    /// Named variables only.
    #[default]
    Normal,
    /// Indexed references too.
    Variable,
    /// Indexed bytes.
    Bytes,
    /// Indexed words of 32 bits.
    Words,
    /// Indexed weak references.
    Weak,
    /// A key, a value and more, of which the key is held weakly.
    Ephemeron,
    /// No memory at all. What the kernel does not know of cannot have it: the loader decides.
    Immediate,
    /// A header, literals and bytecodes. For the kernel's own class of methods: the loader decides.
    CompiledMethod,
}

impl Layout {
    /// Each layout and what Tonel calls it.
    pub const NAMES: [(Layout, &str); 8] = [
        (Layout::Normal, "normal"),
        (Layout::Variable, "variable"),
        (Layout::Bytes, "bytes"),
        (Layout::Words, "words"),
        (Layout::Weak, "weak"),
        (Layout::Ephemeron, "ephemeron"),
        (Layout::Immediate, "immediate"),
        (Layout::CompiledMethod, "compiledMethod"),
    ];

    /// What Tonel calls it.
    pub fn name(self) -> &'static str {
        Layout::NAMES[self as usize].1
    }

    /// Whether instances have elements beside named variables.
    pub fn is_indexable(self) -> bool {
        self.holds_numbers() || matches!(self, Layout::Variable | Layout::Weak)
    }

    /// Whether instances hold numbers instead of references.
    pub fn holds_numbers(self) -> bool {
        matches!(self, Layout::Bytes | Layout::Words)
    }

    /// The layout that Tonel calls this.
    pub fn named(name: &str) -> Option<Layout> {
        Layout::NAMES.iter().find(|(_, known)| *known == name).map(|(layout, _)| *layout)
    }
}

/// In which package and under which heading a class or trait stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filing {
    /// `Package-Tag`, as older formats have it.
    pub category: Option<String>,
    /// The package.
    pub package: Option<String>,
    /// A heading inside of the package.
    pub tag: Option<String>,
}

/// A class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassDef {
    /// Its name.
    pub name: String,
    /// `None` for a root of the hierarchy, written `nil`.
    pub superclass: Option<String>,
    /// Traits of the instance side.
    pub traits: Composition,
    /// Traits of the class side.
    pub class_traits: Composition,
    /// How instances are laid out.
    pub layout: Layout,
    /// Names of the instance variables.
    pub instance_variables: Vec<String>,
    /// Names of the variables that class and instances share.
    pub class_variables: Vec<String>,
    /// Names of the pools whose variables are seen.
    pub pools: Vec<String>,
    /// Names of the variables of the class as an object.
    pub class_instance_variables: Vec<String>,
    /// Where it is filed.
    pub filing: Filing,
    /// Its comment.
    pub comment: Option<String>,
    /// Of both sides, in file order.
    pub methods: Vec<MethodDef>,
    /// How its file is written.
    pub style: Style,
    /// Of its definition.
    pub place: Place,
}

impl ClassDef {
    /// A class without anything, not even a place where it is defined.
    pub fn named(name: &str) -> ClassDef {
        let file = SourceFile::new("a class made by reflection", "");
        ClassDef::new(name, None, Place { file, span: Span::new(0, 0) })
    }

    /// A class without anything.
    pub fn new(name: impl Into<String>, superclass: Option<String>, place: Place) -> ClassDef {
        ClassDef {
            name: name.into(),
            superclass,
            traits: Composition::default(),
            class_traits: Composition::default(),
            layout: Layout::Normal,
            instance_variables: Vec::new(),
            class_variables: Vec::new(),
            pools: Vec::new(),
            class_instance_variables: Vec::new(),
            filing: Filing::default(),
            comment: None,
            methods: Vec::new(),
            style: Style::default(),
            place,
        }
    }
}

/// A trait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraitDef {
    /// Its name.
    pub name: String,
    /// Traits that it is made of.
    pub traits: Composition,
    /// Traits of the class side.
    pub class_traits: Composition,
    /// Names of the instance variables that its users get.
    pub instance_variables: Vec<String>,
    /// Names of the variables that its users' classes get.
    pub class_instance_variables: Vec<String>,
    /// Where it is filed.
    pub filing: Filing,
    /// Its comment.
    pub comment: Option<String>,
    /// Of both sides, in file order.
    pub methods: Vec<MethodDef>,
    /// How its file is written.
    pub style: Style,
    /// Of its definition.
    pub place: Place,
}

impl TraitDef {
    /// A trait without anything.
    pub fn new(name: impl Into<String>, place: Place) -> TraitDef {
        TraitDef {
            name: name.into(),
            traits: Composition::default(),
            class_traits: Composition::default(),
            instance_variables: Vec::new(),
            class_instance_variables: Vec::new(),
            filing: Filing::default(),
            comment: None,
            methods: Vec::new(),
            style: Style::default(),
            place,
        }
    }
}

/// Methods that a package adds to a class or trait of another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExtensionDef {
    /// Name of the class or trait.
    pub name: String,
    /// Of both sides, in file order.
    pub methods: Vec<MethodDef>,
    /// How its file is written.
    pub style: Style,
    /// Of its definition.
    pub place: Place,
}

/// Statements to be evaluated.
#[derive(Clone, Debug)]
pub struct DoItDef {
    /// Where the statements stand.
    pub place: Place,
}

impl DoItDef {
    /// The statements.
    pub fn source(&self) -> &str {
        self.place.span.of(&self.place.file.text)
    }

    /// Their tree; spans are those of the source alone.
    ///
    /// # Errors
    /// The syntax errors, whose spans are the file's.
    pub fn parse(&self) -> Result<crate::syntax::DoIt<'_>, Vec<SyntaxError>> {
        let shift = self.place.span.start;
        crate::syntax::parse_doit(self.source()).map_err(|mut errors| {
            for error in &mut errors {
                let spans =
                    std::iter::once(&mut error.span).chain(error.related.iter_mut().map(|(span, _)| span));
                spans.for_each(|span| *span = Span::new(span.start + shift, span.end + shift));
            }
            errors
        })
    }
}

impl PartialEq for DoItDef {
    fn eq(&self, other: &DoItDef) -> bool {
        self.source() == other.source()
    }
}

impl Eq for DoItDef {}

/// The two sides of a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// Methods of instances.
    Instance,
    /// Methods of the class.
    Class,
}

/// A method.
#[derive(Clone)]
pub struct MethodDef {
    /// Of instances or of the class?
    pub side: Side,
    /// Its protocol, if one is given.
    pub category: Option<String>,
    /// The file that it stands in.
    pub file: Arc<SourceFile>,
    /// Where its pattern stands.
    pub pattern: Span,
    /// Where its body stands: in Tonel all that is between the brackets.
    pub body: Span,
}

impl MethodDef {
    /// A method that stands in one piece, pattern first, in this part of a file.
    ///
    /// # Errors
    /// What is wrong with the pattern.
    pub fn in_one_piece(
        side: Side,
        category: Option<String>,
        file: &Arc<SourceFile>,
        span: Span,
    ) -> Result<MethodDef, Vec<SyntaxError>> {
        let pattern = parse_pattern(&file.text, span)?.span;
        let body = Span::new(pattern.end, span.end);
        let kept = trimmed_end(body.of(&file.text)).len() as u32;
        let body = Span::new(body.start, body.start + kept);
        Ok(MethodDef { side, category, file: file.clone(), pattern, body })
    }

    /// A method that stands in no file.
    ///
    /// # Errors
    /// What is wrong with the pattern.
    pub fn from_source(
        side: Side,
        category: Option<String>,
        source: String,
    ) -> Result<MethodDef, Vec<SyntaxError>> {
        let file = SourceFile::new("", source);
        let length = file.text.len().min(crate::syntax::MAX_SOURCE) as u32;
        MethodDef::in_one_piece(side, category, &file, Span::new(0, length))
    }

    /// `at: index put: value`
    pub fn pattern(&self) -> &str {
        self.pattern.of(&self.file.text)
    }

    /// What follows the pattern.
    pub fn body(&self) -> &str {
        self.body.of(&self.file.text)
    }

    /// What Smalltalk sees as the method's source: pattern and body, without space at the end.
    pub fn source(&self) -> Cow<'_, str> {
        let body = trimmed_end(self.body());
        if self.pattern.end == self.body.start {
            let end = self.body.start + body.len() as u32;
            return Span::new(self.pattern.start, end).of(&self.file.text).into();
        }
        format!("{}{body}", self.pattern()).into()
    }

    /// Its selector.
    ///
    /// # Errors
    /// What is wrong with the pattern.
    pub fn selector(&self) -> Result<Selector<'_>, Vec<SyntaxError>> {
        parse_pattern(&self.file.text, self.pattern)
    }

    /// Its tree; spans are those of its file.
    ///
    /// # Errors
    /// The syntax errors, whose spans are the file's.
    pub fn parse(&self) -> Result<Method<'_>, Vec<SyntaxError>> {
        parse_method_parts(&self.file.text, self.pattern, self.body)
    }

    /// Where it stands.
    pub fn place(&self) -> Place {
        Place { file: self.file.clone(), span: self.pattern.to(self.body) }
    }
}

impl PartialEq for MethodDef {
    fn eq(&self, other: &MethodDef) -> bool {
        (self.side, &self.category, self.source()) == (other.side, &other.category, other.source())
    }
}

impl Eq for MethodDef {}

impl std::fmt::Debug for MethodDef {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("MethodDef")
            .field("side", &self.side)
            .field("category", &self.category)
            .field("source", &self.source())
            .field("place", &self.place())
            .finish()
    }
}

/// The text without space at its end, but for one that a dollar sign makes a character literal.
pub(super) fn trimmed_end(text: &str) -> &str {
    let trimmed = text.trim_end();
    let next = text[trimmed.len()..].chars().next();
    // Of two dollar signs the second is what the first makes a literal.
    let dollars = trimmed.bytes().rev().take_while(|byte| *byte == b'$').count();
    match next {
        Some(space) if dollars % 2 == 1 => &text[..trimmed.len() + space.len_utf8()],
        _ => trimmed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn space_that_is_a_character_literal_stays() {
        assert_eq!(trimmed_end(" ^ 3 \n\t"), " ^ 3");
        assert_eq!(trimmed_end(" ^ $  \n"), " ^ $ ");
        assert_eq!(trimmed_end(" ^ $$ \n"), " ^ $$");
        assert_eq!(trimmed_end(" "), "");
    }

    #[test]
    fn layouts_have_the_names_of_tonel() {
        for (layout, name) in Layout::NAMES {
            assert_eq!((layout.name(), Layout::named(name)), (name, Some(layout)));
        }
        assert_eq!(Layout::named("sparse"), None);
    }
}
