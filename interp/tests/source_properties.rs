//! What is written from a random package is read as the same package, and written again as the same bytes. No text makes
//! a reader panic.

use instar_interp::source::tonel::{self, parse_file};
use instar_interp::source::{
    ClassDef, Composition, ExtensionDef, Filing, Layout, MethodDef, Package, Place, Side, SourceFile, Style,
    TraitDef, read_files,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select, subsequence};

fn name() -> impl Strategy<Value = String> {
    "[A-Z_][a-zA-Z0-9_]{0,6}"
}

/// Names without doubles.
fn names() -> impl Strategy<Value = Vec<String>> {
    vec("[a-z_][a-zA-Z0-9_]{0,5}", 0..4).prop_map(|mut names| {
        names.sort();
        names.dedup();
        names
    })
}

fn composition() -> impl Strategy<Value = Composition> {
    let texts = ["", "TA", "TA + TB - {#sel}", "TA + (TB @ {#a:b: -> #c:d:}) + TC", "TA classTrait"];
    select(texts.to_vec()).prop_map(|text| Composition::parse(text).unwrap())
}

/// Any text that can be a comment: but for the line ends at its ends and carriage returns, whatever one likes.
fn comment() -> impl Strategy<Value = Option<String>> {
    option::of("[a-z\"'\\[\\]{}\u{e9} \t\n]{0,30}")
}

fn style() -> impl Strategy<Value = Style> {
    (any::<bool>(), any::<bool>(), any::<bool>()).prop_map(|(string_keys, string_values, crlf)| Style {
        string_keys,
        string_values,
        crlf,
    })
}

fn method() -> impl Strategy<Value = MethodDef> {
    let patterns = select(vec!["size", "+ other", "at: i put: x", "at: \"[ first\" i", "| x", "_a1"]);
    let parts = vec![
        "^ 1",
        "\"]\"",
        "']'",
        "$]",
        "$'",
        "$\"",
        "[ :x | x ]",
        "#[1 2]",
        "'it''s ['",
        "$ ",
        "\n\t",
        ".",
        "\r\n",
        "é",
        "$$",
        "'\n{ #category : #x }\nFoo >> bar [\n'",
        "\"\nFoo >> bar [\"",
    ];
    let bodies = vec(select(parts), 0..6);
    let categories = option::of("[a-z* '\\\\-]{0,8}");
    (patterns, bodies, categories, any::<bool>()).prop_map(|(pattern, body, category, is_class_side)| {
        let side = if is_class_side { Side::Class } else { Side::Instance };
        let source = format!("{pattern}\n\t{}", body.join(". "));
        MethodDef::from_source(side, category, source).unwrap()
    })
}

fn filing() -> impl Strategy<Value = Filing> {
    let text = || option::of("[A-Za-z-]{1,8}");
    (text(), text(), text()).prop_map(|(category, package, tag)| Filing { category, package, tag })
}

fn class() -> impl Strategy<Value = ClassDef> {
    let layout = select(Layout::NAMES.map(|(layout, _)| layout).to_vec());
    let variables = (names(), names(), names(), names());
    let traits = (composition(), composition());
    let rest = (comment(), vec(method(), 0..4), style());
    (name(), option::of(name()), layout, variables, traits, filing(), rest).prop_map(
        |(name, superclass, layout, variables, traits, filing, rest)| {
            let mut class = ClassDef::new(name, superclass, Place::none());
            class.layout = layout;
            (class.instance_variables, class.class_variables, class.pools, class.class_instance_variables) =
                variables;
            (class.traits, class.class_traits) = traits;
            class.filing = filing;
            (class.comment, class.methods, class.style) = rest;
            class
        },
    )
}

fn made_trait() -> impl Strategy<Value = TraitDef> {
    let rest = (comment(), vec(method(), 0..3), style());
    (name(), composition(), composition(), names(), names(), filing(), rest).prop_map(
        |(name, traits, class_traits, variables, class_variables, filing, rest)| {
            let mut made = TraitDef::new(name, Place::none());
            (made.traits, made.class_traits) = (traits, class_traits);
            (made.instance_variables, made.class_instance_variables) = (variables, class_variables);
            made.filing = filing;
            (made.comment, made.methods, made.style) = rest;
            made
        },
    )
}

fn extension() -> impl Strategy<Value = ExtensionDef> {
    (name(), vec(method(), 0..3), style()).prop_map(|(name, methods, style)| ExtensionDef {
        name,
        methods,
        style,
        place: Place::none(),
    })
}

/// Names are made different from each other, and the definitions sorted by them, as files are.
fn package() -> impl Strategy<Value = Package> {
    (
        "[A-Za-z][A-Za-z -]{0,8}",
        comment(),
        vec(class(), 0..3),
        vec(made_trait(), 0..3),
        vec(extension(), 0..3),
        style(),
    )
        .prop_map(|(name, comment, classes, traits, extensions, style)| {
            let mut package = Package::new(format!("{name}x"));
            (package.comment, package.style) = (comment, style);
            (package.classes, package.traits, package.extensions) = (classes, traits, extensions);
            package
                .classes
                .iter_mut()
                .enumerate()
                .for_each(|(index, class)| class.name = format!("C{index}{}", class.name));
            package
                .traits
                .iter_mut()
                .enumerate()
                .for_each(|(index, made)| made.name = format!("T{index}{}", made.name));
            package
                .extensions
                .iter_mut()
                .enumerate()
                .for_each(|(index, known)| known.name = format!("E{index}{}", known.name));
            package
        })
}

fn soup() -> impl Strategy<Value = String> {
    let parts = vec![
        "Class",
        "Trait {",
        "Extension",
        "Package",
        "{",
        "}",
        "[",
        "]",
        "#name",
        " : ",
        "#Foo",
        "'",
        "\"",
        ",",
        "$",
        "Foo",
        " class",
        " >> ",
        "bar",
        "!",
        "!!",
        "! !",
        "methodsFor: 'x'",
        "Object subclass: #A",
        "\n",
        "\r",
        " ",
        "é",
        "\\",
        "#superclass",
        "nil",
        "{ #category : #x }",
        "#instVars",
        "commentStamp: ''",
        "\u{feff}",
        "\\u12",
        "slots: { #a }",
    ];
    vec(select(parts), 0..30).prop_map(|parts| parts.concat())
}

fn read_any(path: &str, text: &str) {
    if let Err(errors) = read_files(&[SourceFile::new(path, text.to_owned())]) {
        assert!(!errors.0.is_empty());
        assert!(!errors.to_string().is_empty());
        errors.0.iter().for_each(|error| assert!(!error.brief().is_empty()));
    }
}

proptest! {
    #[test]
    fn a_package_that_is_written_is_read_back(package in package()) {
        let written = tonel::write(&package).map_err(|errors| TestCaseError::fail(errors.to_string()))?;
        let files: Vec<_> = written.iter().map(|(path, text)| SourceFile::new(path.clone(), text.clone())).collect();
        let read = read_files(&files).map_err(|errors| TestCaseError::fail(errors.to_string()))?;
        prop_assert_eq!(read.len(), 1);
        prop_assert_eq!(&read[0], &package);
        prop_assert_eq!(tonel::write(&read[0]).unwrap(), written);
    }

    #[test]
    fn damaged_packages_are_read_or_rejected(
        package in package(), file: Index, from: Index, length in 0_usize..12, put in soup(),
    ) {
        let mut files = tonel::write(&package).unwrap();
        let index = file.index(files.len());
        let mut letters: Vec<char> = files[index].1.chars().collect();
        let from = from.index(letters.len() + 1);
        let to = (from + length).min(letters.len());
        letters.splice(from..to, put.chars());
        files[index].1 = letters.into_iter().collect();
        let files: Vec<_> = files.into_iter().map(|(path, text)| SourceFile::new(path, text)).collect();
        match read_files(&files) {
            Ok(packages) => packages.iter().for_each(|package| {
                package.syntax_errors().iter().for_each(|error| assert!(!error.to_string().is_empty()));
                // What can be read can be written, and is then read as the same.
                if let Ok(written) = tonel::write(package) {
                    let files: Vec<_> = written.into_iter().map(|(path, text)| SourceFile::new(path, text)).collect();
                    assert_eq!(read_files(&files).unwrap_or_else(|errors| panic!("{errors}"))[0], *package);
                }
            }),
            Err(errors) => assert!(!errors.to_string().is_empty()),
        }
    }

    #[test]
    fn any_text_is_read_or_rejected(text in soup(), any in any::<String>()) {
        for text in [&text, &any] {
            let _ = parse_file("any.st", text.clone());
            for path in ["A.st", "A.class.st", "P.package/A.class/properties.json", "P.package/A.class/instance/x.st", "package.st"] {
                read_any(path, text);
            }
        }
    }

    #[test]
    fn any_part_of_a_chunk_file_is_read_or_rejected(cut in subsequence((0..40).collect::<Vec<usize>>(), 0..40), put in soup()) {
        let text = include_str!("fixtures/chunks/Zoo.st");
        let pieces: Vec<&str> = text.split_inclusive('\n').collect();
        let kept: Vec<&str> = cut.iter().filter_map(|index| pieces.get(*index).copied()).collect();
        read_any("Zoo.st", &kept.concat());
        read_any("Zoo.st", &kept.join(&put));
    }
}
