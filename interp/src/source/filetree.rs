//! FileTree: a folder `NAME.package`, in it a folder a class, trait or extension, in these a file a method.
//!
//! A method file's first line is its protocol. `README.md` is the comment, `properties.json` the definition. Versions,
//! authors and time stamps (`monticello.meta`, `methodProperties.json`, `commentStamp`) are passed over.

use std::collections::BTreeMap;
use std::sync::Arc;

use memchr::memchr;

use super::chunk::with_line_feeds;
use super::fields::Fields;
use super::file::{Place, SourceError, SourceErrors, SourceFile};
use super::model::{ClassDef, ExtensionDef, MethodDef, Package, Side, TraitDef};
use super::ston::{Item, Reader};
use crate::syntax::{Span, SyntaxError};

const CLASS_KEYS: [&str; 11] = [
    "name",
    "super",
    "category",
    "type",
    "instvars",
    "classvars",
    "classinstvars",
    "pools",
    "traitcomposition",
    "classtraitcomposition",
    "commentStamp",
];

const TRAIT_KEYS: [&str; 7] = [
    "name",
    "category",
    "instvars",
    "classinstvars",
    "traitcomposition",
    "classtraitcomposition",
    "commentStamp",
];

/// The folder of the FileTree package that a file belongs to.
pub(super) fn root(path: &str) -> Option<&str> {
    let mut end = 0;
    for part in path.split('/') {
        end += part.len();
        if part.len() > ".package".len() && part.ends_with(".package") && end < path.len() {
            return Some(&path[..end]);
        }
        end += 1;
    }
    None
}

/// Is it a file of such a package that is read though its name does not end in `.st`?
pub(super) fn is_part(path: &str) -> bool {
    root(path).is_some() && (path.ends_with("/properties.json") || path.ends_with("/README.md"))
}

/// What one folder inside of the package holds.
#[derive(Default)]
struct Folder {
    properties: Option<Arc<SourceFile>>,
    comment: Option<String>,
    methods: Vec<MethodDef>,
    first: Option<Arc<SourceFile>>,
}

/// Reads the package that these files make.
pub(super) fn read(files: &[Arc<SourceFile>]) -> Result<Package, SourceErrors> {
    let root = files.first().and_then(|file| root(&file.path)).unwrap_or_default();
    let name = root.rsplit('/').next().unwrap_or_default().trim_end_matches(".package");
    let mut package = Package::new(name);
    let mut folders: BTreeMap<&str, Folder> = BTreeMap::new();
    let mut errors = Vec::new();
    for file in files {
        let inside = file.path[root.len()..].trim_start_matches('/');
        let Some((folder, rest)) = inside.split_once('/') else { continue };
        if folder == "monticello.meta" {
            continue;
        }
        let entry = folders.entry(folder).or_default();
        entry.first.get_or_insert_with(|| file.clone());
        match sort(entry, file, rest) {
            Ok(()) => {}
            Err(found) => errors.extend(found),
        }
    }
    for (folder, contents) in folders {
        define(&mut package, folder, contents, &mut errors);
    }
    SourceErrors::check(errors)?;
    Ok(package)
}

/// Takes in one file of a class's folder.
fn sort(folder: &mut Folder, file: &Arc<SourceFile>, rest: &str) -> Result<(), Vec<SourceError>> {
    match rest.split_once('/') {
        None if rest == "properties.json" => folder.properties = Some(file.clone()),
        None if rest == "README.md" => {
            let text = with_line_feeds(file).text.clone().into_owned();
            let text = text.strip_suffix('\n').map(str::to_owned).unwrap_or(text);
            folder.comment = Some(text).filter(|text| !text.is_empty());
        }
        Some(("instance", name)) if is_method(name) => folder.methods.push(method(file, Side::Instance)?),
        Some(("class", name)) if is_method(name) => folder.methods.push(method(file, Side::Class)?),
        // A definition that repeats the properties.
        None if rest == "definition.st" || !rest.ends_with(".st") => {}
        _ => {
            let message = "methods stand in the folders instance and class".to_owned();
            return Err(vec![SourceError::Layout { path: file.path.clone(), message }]);
        }
    }
    Ok(())
}

fn is_method(name: &str) -> bool {
    name.ends_with(".st") && !name.contains('/')
}

fn method(file: &Arc<SourceFile>, side: Side) -> Result<MethodDef, Vec<SourceError>> {
    let file = with_line_feeds(file);
    let text = &*file.text;
    let line_end = memchr(b'\n', text.as_bytes()).unwrap_or(text.len());
    let category = Some(text[..line_end].trim()).filter(|category| !category.is_empty()).map(str::to_owned);
    let start = (line_end + 1).min(text.len()) as u32;
    MethodDef::in_one_piece(side, category, &file, Span::new(start, text.len() as u32)).map_err(|errors| {
        let help = "the first line of a method file is the method's protocol, its pattern follows";
        errors.into_iter().map(|error| file.error(error.with_help(help))).collect()
    })
}

fn define(package: &mut Package, folder: &str, contents: Folder, errors: &mut Vec<SourceError>) {
    let Some((_, kind @ ("class" | "trait" | "extension"))) = folder.rsplit_once('.') else {
        let path = contents.first.map_or_else(|| folder.to_owned(), |file| file.folder().to_owned());
        let message = "the folders of a package end in .class, .trait or .extension".to_owned();
        return errors.push(SourceError::Layout { path, message });
    };
    let Some(file) = contents.properties else {
        let path = contents.first.map_or_else(|| folder.to_owned(), |file| file.path.clone());
        let message = format!("{folder}/properties.json is missing; it says what the {kind} is");
        return errors.push(SourceError::Layout { path, message });
    };
    let map = match properties(&file) {
        Ok(map) => map,
        Err(error) => return errors.push(file.error(error)),
    };
    let place = Place { file: file.clone(), span: map.span };
    let before = errors.len();
    match kind {
        "class" => {
            let mut class = class(map, &file, place, errors);
            (class.comment, class.methods) = (contents.comment, contents.methods);
            package.classes.push(class);
        }
        "trait" => {
            let mut made = trait_(map, &file, place, errors);
            (made.comment, made.methods) = (contents.comment, contents.methods);
            package.traits.push(made);
        }
        _ => {
            let name = Fields::new(&file, errors, map, &["name"]).name("name");
            let name = name.unwrap_or_default();
            package.extensions.push(ExtensionDef {
                name,
                methods: contents.methods,
                style: Default::default(),
                place,
            });
        }
    }
    debug_assert!(errors.len() >= before);
}

fn properties(file: &Arc<SourceFile>) -> Result<Item, SyntaxError> {
    let mut reader = Reader::new(&file.text, 0);
    let map = reader.value()?;
    reader.skip_space();
    if reader.is_at_end() { Ok(map) } else { Err(reader.unexpected("the end of the properties")) }
}

fn class(map: Item, file: &Arc<SourceFile>, place: Place, errors: &mut Vec<SourceError>) -> ClassDef {
    let mut fields = Fields::new(file, errors, map, &CLASS_KEYS);
    let name = fields.name("name").unwrap_or_default();
    let superclass = fields.superclass("super");
    let mut class = ClassDef::new(name, superclass, place);
    class.traits = fields.composition("traitcomposition");
    class.class_traits = fields.composition("classtraitcomposition");
    class.layout = fields.layout("type");
    class.instance_variables = fields.names("instvars");
    class.class_variables = fields.names("classvars");
    class.pools = fields.names("pools");
    class.class_instance_variables = fields.names("classinstvars");
    class.filing = fields.filing();
    class
}

fn trait_(map: Item, file: &Arc<SourceFile>, place: Place, errors: &mut Vec<SourceError>) -> TraitDef {
    let mut fields = Fields::new(file, errors, map, &TRAIT_KEYS);
    let mut made = TraitDef::new(fields.name("name").unwrap_or_default(), place);
    made.traits = fields.composition("traitcomposition");
    made.class_traits = fields.composition("classtraitcomposition");
    made.instance_variables = fields.names("instvars");
    made.class_instance_variables = fields.names("classinstvars");
    made.filing = fields.filing();
    made
}
