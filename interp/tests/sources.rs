//! Packages in all formats: what they are read as, how they are written back, and what is said about wrong ones.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use instar_interp::source::tonel::{self, TonelFile};
use instar_interp::source::{Layout, MethodDef, Package, Side, SourceErrors, SourceFile, read, read_files};

fn fixtures(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(folder)
}

fn package(folder: &str) -> Package {
    let packages = read(fixtures(folder)).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(packages.len(), 1);
    packages.into_iter().next().unwrap()
}

/// All files in a folder, by their paths in it.
fn texts(root: &Path, folder: &Path, found: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            texts(root, &path, found);
        } else {
            let name = path.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/");
            found.insert(name, fs::read_to_string(&path).unwrap());
        }
    }
}

/// As `side category source`.
fn shown(method: &MethodDef) -> String {
    let side = if method.side == Side::Class { "class " } else { "" };
    format!("{side}{}: {}", method.category.as_deref().unwrap_or("-"), method.source())
}

fn write(package: &Package) -> BTreeMap<String, String> {
    tonel::write(package).unwrap_or_else(|errors| panic!("{errors}")).into_iter().collect()
}

fn reread(package: &Package) -> Package {
    let files: Vec<_> = write(package).into_iter().map(|(path, text)| SourceFile::new(path, text)).collect();
    read_files(&files).unwrap_or_else(|errors| panic!("{errors}")).pop().unwrap()
}

#[test]
fn tonel_is_written_back_byte_for_byte() {
    for folder in ["tonel-v1", "tonel-v3"] {
        let root = fixtures(folder);
        let mut expected = BTreeMap::new();
        texts(&root, &root, &mut expected);
        assert_eq!(write(&package(folder)), expected);
        // The same with the line ends of Windows, from memory.
        let crlf = |text: &String| text.replace('\n', "\r\n");
        let expected: BTreeMap<String, String> =
            expected.iter().map(|(path, text)| (path.clone(), crlf(text))).collect();
        let files: Vec<_> =
            expected.iter().map(|(path, text)| SourceFile::new(path.clone(), text.clone())).collect();
        assert_eq!(write(&read_files(&files).unwrap()[0]), expected);
    }
}

#[test]
fn a_tonel_class_has_all_its_parts() {
    let package = package("tonel-v1");
    assert_eq!(package.name, "Instar-Zoo");
    let class = package.classes.iter().find(|class| class.name == "ZooAnimal").unwrap();
    assert_eq!(class.superclass.as_deref(), Some("Object"));
    assert_eq!(class.instance_variables, ["name", "age"]);
    assert_eq!(class.class_variables, ["Count", "Registry"]);
    assert_eq!(class.pools, ["ZooPool"]);
    assert_eq!(class.class_instance_variables, ["default"]);
    assert_eq!(class.filing.category.as_deref(), Some("Instar-Zoo-Animals"));
    let comment = "I am an animal. I say \"hello\" in my own way.\n\nMy [brackets and {braces} mean nothing.";
    assert_eq!(class.comment.as_deref(), Some(comment));
    assert_eq!(class.traits.uses.len(), 2);
    assert_eq!(class.traits.uses[1].exclusions, ["feed", "eat:with:"]);
    assert_eq!(class.traits.uses[1].aliases, [("oldName".to_owned(), "name".to_owned())]);
    assert!(class.class_traits.uses[0].is_class_side);
    let methods: Vec<String> = class.methods.iter().map(shown).collect();
    assert_eq!(methods.len(), 7);
    assert!(methods[0].starts_with("class instance creation: named: aString\n\t\"A ]"), "{}", methods[0]);
    assert_eq!(methods[2], "comparing: = other\n\t^ other class == self class and: [ name = other name ]");
    assert_eq!(methods[5], "as yet unclassified: oneLine ^ $ ");
    assert_eq!(methods[6], "-: withoutCategory");
    assert_eq!(class.methods[3].selector().unwrap().text, "at:put:");
    let file = &class.methods[3].file;
    assert_eq!(class.methods[3].pattern.of(&file.text), "at: index put: value");
    assert!(package.syntax_errors().is_empty());
}

#[test]
fn all_layouts_are_read() {
    let package = package("tonel-v1");
    for (layout, name) in Layout::NAMES {
        if layout != Layout::Normal {
            let class = package
                .classes
                .iter()
                .find(|class| class.name.to_lowercase() == format!("zoo{}", name.to_lowercase()));
            assert_eq!(class.unwrap().layout, layout);
        }
    }
    assert_eq!(package.classes.iter().find(|class| class.name == "ZooRoot").unwrap().superclass, None);
}

#[test]
fn the_later_form_of_tonel_says_the_same_with_strings() {
    let package = package("tonel-v3");
    let class = &package.classes[0];
    assert_eq!((class.name.as_str(), class.layout), ("ZooCage", Layout::Variable));
    assert_eq!(class.filing.package.as_deref(), Some("Zoo"));
    assert_eq!(class.filing.tag.as_deref(), Some("Cages"));
    assert_eq!(shown(&class.methods[0]), "accessing: door\n\n\t^ door");
    assert!(class.style.string_values && !class.style.string_keys);
    assert!(package.classes[1].style.string_keys);
}

#[test]
fn filetree_is_read_and_can_be_written_as_tonel() {
    let package = package("filetree");
    assert_eq!(package.name, "Zoo");
    let class = &package.classes[0];
    assert_eq!((class.name.as_str(), class.layout), ("ZooCage", Layout::Variable));
    assert_eq!(class.instance_variables, ["door", "bars"]);
    assert_eq!(class.class_instance_variables, ["default"]);
    assert_eq!(class.traits.uses[0].name, "TZoo");
    assert!(class.class_traits.is_empty());
    assert_eq!(class.comment.as_deref(), Some("A cage with \"bars\"."));
    let methods: Vec<String> = class.methods.iter().map(shown).collect();
    assert_eq!(
        methods,
        [
            "class instance creation: new\n\t^ self basicNew: 3",
            "private: at: i put: x\n\t\"[ unbalanced ] [ in comment\"\n\t^ x",
            "accessing: door\n\t^ door",
        ]
    );
    assert_eq!(shown(&package.traits[0].methods[0]), "tests: isZoo\n\t^ true");
    assert_eq!(shown(&package.extensions[0].methods[0]), "*Zoo: isCage\n\t^ false");
    assert!(package.syntax_errors().is_empty());
    assert_eq!(reread(&package), package);
}

#[test]
fn chunk_files_are_read_and_can_be_written_as_tonel() {
    let mut package = package("chunks");
    assert_eq!(package.name, "Zoo");
    let names: Vec<&str> = package.classes.iter().map(|class| class.name.as_str()).collect();
    assert_eq!(names, ["ZooCage", "ZooBig", "ZooFluent"]);
    let class = &package.classes[0];
    assert_eq!(class.instance_variables, ["door", "bars"]);
    assert_eq!(class.class_variables, ["Count"]);
    assert_eq!(class.class_instance_variables, ["default"]);
    assert_eq!(class.traits.text, "TZoo - {#other}");
    assert_eq!(class.comment.as_deref(), Some("A cage! With bars."));
    let methods: Vec<String> = class.methods.iter().map(shown).collect();
    assert_eq!(
        methods,
        [
            "accessing: door\n\t^ door",
            "accessing: shout\n\t^ 'Hello!', $! asString",
            "class instance creation: new\n\t^ super new door: 1",
        ]
    );
    assert_eq!(package.classes[1].layout, Layout::Variable);
    assert_eq!(package.classes[1].comment.as_deref(), Some("Big!"));
    let fluent = &package.classes[2];
    assert_eq!((fluent.layout, fluent.class_variables.join(" ")), (Layout::Bytes, "Shared".to_owned()));
    assert_eq!(fluent.filing.tag.as_deref(), Some("Fluent"));
    assert_eq!(package.traits[0].methods.len(), 1);
    assert_eq!(shown(&package.extensions[0].methods[0]), "*Zoo: isCage\n\t^ false");
    let doits: Vec<&str> = package.doits.iter().map(|doit| doit.source()).collect();
    assert_eq!(doits.len(), 2, "{doits:?}");
    assert!(doits[0].starts_with("| cage |") && doits[1] == "Transcript << #Zoo");
    assert!(package.syntax_errors().is_empty());
    assert!(tonel::write(&package).unwrap_err().to_string().contains("no place for statements"));
    package.doits.clear();
    let again = reread(&package);
    assert_eq!((again.classes.len(), &again.traits), (3, &package.traits));
    for class in again.classes {
        assert!(package.classes.contains(&class), "{class:?}");
    }
}

fn brief(errors: &SourceErrors) -> Vec<String> {
    errors.0.iter().map(|error| error.brief()).collect()
}

fn tonel_errors(text: &str) -> Vec<String> {
    brief(&tonel::parse_file("A.class.st", text.to_owned()).unwrap_err())
}

#[test]
fn wrong_metadata_is_rejected_with_its_place() {
    let class = |inside: &str| format!("Class {{\n\t#name : #A,\n\t#superclass : #B{inside}\n}}\n");
    for (text, expected) in [
        (class(",\n\t#foo : 3"), &["A.class.st:4:2: the key foo is not known here"][..]),
        (class(",\n\t#name : #C"), &["A.class.st:4:2: the key name is given twice"]),
        (
            class(",\n\t#instVars : [ 'a', '#b => WeakSlot' ]"),
            &["A.class.st:4:21: '#b => WeakSlot' is a slot with a class of its own, which is not supported"],
        ),
        (
            class(",\n\t#instVars : [ 'a', 'a', '3' ]"),
            &["A.class.st:4:21: a is declared twice", "A.class.st:4:26: '3' is no name"],
        ),
        (
            class(",\n\t#instVars : 'a'"),
            &["A.class.st:4:14: expected the instVars as a list of names, found the string 'a'"],
        ),
        (class(",\n\t#type : #sparse"), &["A.class.st:4:10: sparse is no known type"]),
        (class(",\n\t#traits : 'TA + 3'"), &["A.class.st:4:18: this is no trait composition"]),
        (class(",\n\t#traits : 'TA + '"), &["A.class.st:4:18: expected an argument for +, found the end"]),
        (class(",\n\t#category"), &["A.class.st:5:1: expected a colon, found }"]),
        ("Class { #name : #A }".to_owned(), &["A.class.st:1:7: the superclass is missing"]),
        ("Class { #superclass : #A }".to_owned(), &["A.class.st:1:7: the name is missing"]),
        ("Class { #name : #'a b', #superclass : nil }".to_owned(), &["A.class.st:1:17: 'a b' is no name"]),
        (
            "Klass { #name : #A }".to_owned(),
            &[
                "A.class.st:1:1: expected Class, Trait, Extension or Package and its definition in braces, found K",
            ],
        ),
        ("\"comment\nClass {".to_owned(), &["A.class.st:1:1: this comment is not closed"]),
        (
            "Extension { #name : #A, #category : #B }".to_owned(),
            &["A.class.st:1:25: the key category is not known here"],
        ),
        (
            "Package { #name : #A } foo".to_owned(),
            &["A.class.st:1:24: expected nothing behind the package's definition, found f"],
        ),
        (
            String::new(),
            &[
                "A.class.st:1:1: expected Class, Trait, Extension or Package and its definition in braces, found the end",
            ],
        ),
    ] {
        assert_eq!(tonel_errors(&text), expected, "{text}");
    }
    let shown = tonel::parse_file("A.class.st", class(",\n\t#instVars : [ '#b => WeakSlot' ]"))
        .unwrap_err()
        .to_string();
    assert!(shown.contains("declare a plain variable, 'b'") && shown.contains("A.class.st:4:16"), "{shown}");
}

#[test]
fn several_wrong_methods_are_reported_in_one_run() {
    let text = "Class { #name : #A, #superclass : nil }

{ #category : #x }
A >> one [
	^ [ 1
]

{ #category : #x, #author : #me }
A >> two [
	^ 2
]

{ #category : #x }
B >> three [
	^ 3
]

A >> four [
	^ 4 ]
]

A >> five
	^ 5

A class >> six [
	^ $]
]

A >> seven [
	'abc
";
    let expected = [
        "A.class.st:6:2: expected ] to close the method one opened at line 4",
        "A.class.st:8:19: the key author is not known here",
        "A.class.st:14:1: this method belongs to B, but the file defines A",
        "A.class.st:20:1: expected a method, as in Foo >> bar [ … ], found ]",
        "A.class.st:22:6: expected a method's pattern and [ before its body, found f",
        "A.class.st:30:6: expected ] to close the method seven opened at line 29",
    ];
    assert_eq!(tonel_errors(text), expected);
}

#[test]
fn syntax_errors_point_into_the_file() {
    let text = "Extension { #name : #A }\n\nA >> one [\n\t^ 1 +\n]\n\nA >> two: self [\n]\n";
    let Ok(TonelFile::Extension(extension)) = tonel::parse_file("A.extension.st", text) else { panic!() };
    let mut package = Package::new("P");
    package.extensions.push(extension);
    let errors: Vec<String> = package.syntax_errors().iter().map(|error| error.brief()).collect();
    assert_eq!(
        errors,
        [
            "A.extension.st:5:1: expected an argument for +, found the end",
            "A.extension.st:7:11: self is reserved and cannot name a variable",
        ]
    );
}

#[test]
fn wrong_folders_and_files_are_named() {
    let errors = |path: &str| brief(&read(path).unwrap_err());
    assert!(errors("/no/such/folder")[0].starts_with("/no/such/folder: "));
    let empty = std::env::temp_dir().join(format!("instar-empty-{}", std::process::id()));
    fs::create_dir_all(empty.join("inside")).unwrap();
    assert!(errors(empty.to_str().unwrap())[0].contains("there is no package here"));
    fs::write(empty.join("a.st"), [0x27, 0xE9, 0x27]).unwrap();
    assert!(errors(empty.to_str().unwrap())[0].contains("byte 1 is no UTF-8"));
    fs::remove_dir_all(&empty).unwrap();
    let in_memory = |files: &[(&str, &'static str)]| {
        let files: Vec<_> = files.iter().map(|(path, text)| SourceFile::new(*path, *text)).collect();
        brief(&read_files(&files).unwrap_err())
    };
    let class = "Class { #name : #A, #superclass : nil }";
    assert_eq!(
        in_memory(&[("P/B.class.st", class)]),
        ["P/B.class.st:1:1: this is the class A, but the file is named B.class.st"]
    );
    assert!(in_memory(&[("P/a.st", class), ("P/A.class.st", class)])[0].contains("defined twice"));
    assert!(
        in_memory(&[("P.package/A.class/instance/x.st", "a\nx")])[0].contains("properties.json is missing")
    );
    assert!(in_memory(&[("P.package/A/instance/x.st", "a\nx")])[0].contains(".class, .trait or .extension"));
    assert!(in_memory(&[("P.package/A.class/x.st", "a\nx")])[0].contains("instance and class"));
    let properties =
        ("P.package/A.class/properties.json", "{ \"name\" : \"A\", \"super\" : \"B\", \"foo\" : 1 }");
    assert_eq!(
        in_memory(&[properties]),
        ["P.package/A.class/properties.json:1:32: the key foo is not known here"]
    );
    let method = ("P.package/A.class/instance/x.st", "accessing\n3");
    assert!(in_memory(&[method])[0].contains("x.st:2:1: expected the method's name, found 3"));
    assert_eq!(in_memory(&[("x.st", "!Foo bar: 3!\n")]), ["x.st:1:2: nothing is known that this announces"]);
    assert_eq!(
        in_memory(&[("x.st", "Object subclass: #A slots: { #a => B } package: 'P'!")]),
        ["x.st:1:30: slots with classes of their own are not supported"]
    );
    assert_eq!(
        in_memory(&[("x.st", "Object subclass: #A foo: 3!")]),
        ["x.st:1:26: a definition does not have the part foo:"]
    );
    assert_eq!(
        in_memory(&[("x.st", "a!\n\nb foo: ]!")]),
        ["x.st:3:8: expected an argument for foo:, found ]"]
    );
}

#[test]
fn what_tonel_cannot_say_is_not_written() {
    let mut package = package("tonel-v3");
    let method = |source: &str| MethodDef::from_source(Side::Instance, None, source.to_owned()).unwrap();
    for source in ["foo ^ [", "foo ^ ]", "foo ^ 'a", "foo \"a", "foo ^ $"] {
        package.classes[0].methods = vec![method(source)];
        assert!(tonel::write(&package).unwrap_err().to_string().contains("do not match"), "{source}");
    }
    package.classes[0].methods = vec![method("foo\n3 4.\nFoo >> bar")];
    assert!(tonel::write(&package).unwrap_err().to_string().contains("looks like another method"));
    package.classes[0].methods = vec![method("foo ^ $$")];
    assert_eq!(reread(&package).classes[0].methods, package.classes[0].methods);
    package.name = "../x".to_owned();
    assert!(tonel::write(&package).is_err());
}
