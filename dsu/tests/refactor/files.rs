//! Folders that are changed by the patch.

use std::fs;
use std::path::{Path, PathBuf};

use instar_dsu::refactor::write_into;

use super::*;

/// A folder that goes at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str, files: &[(&str, &str)]) -> Folder {
        let path = std::env::temp_dir().join(format!("instar-refactor-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        for (file, text) in files {
            let file = path.join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        Folder(path)
    }

    fn read(&self) -> Vec<Package> {
        source::read(&self.0).unwrap_or_else(|errors| panic!("{errors}"))
    }

    fn text(&self, file: &str) -> String {
        fs::read_to_string(self.0.join(file)).unwrap()
    }

    fn has(&self, file: &str) -> bool {
        Path::new(&self.0.join(file)).exists()
    }

    /// Does it, in the folder as well.
    fn refactor(&self, what: &Refactoring) -> Vec<PathBuf> {
        let before = self.read();
        let outcome = made(what, &before);
        let touched = write_into(&outcome, &before).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(patch::version_hash(&self.read()), patch::version_hash(&outcome.after));
        touched
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const ORDER: &str = "\"
I am ordered.
\"
Class {
	#name : 'Order',
	#superclass : 'Object',
	#instVars : [
		'item'
	],
	#category : 'Shop',
	#package : 'Shop'
}


{ #category : 'b' }
Order >> zebra   [

	^ item    \"odd\"   ]
{ #category : 'a' }
Order class >> apple [
	^ Order new
]


";

const LATE: &str = "Class {
	#name : 'Late',
	#superclass : 'Order',
	#category : 'Shop',
	#package : 'Shop'
}
";

fn folder(name: &str) -> Folder {
    Folder::new(
        name,
        &[
            ("Shop/package.st", "Package { #name : 'Shop' }\n"),
            ("Shop/Order.class.st", ORDER),
            ("Shop/Late.class.st", LATE),
            ("More/package.st", "Package { #name : 'More' }\n"),
            (
                "More/Order.extension.st",
                "Extension { #name : 'Order' }\n\n{ #category : '*More' }\nOrder >> more [ ^ Order ]\n",
            ),
        ],
    )
}

#[test]
fn only_what_changes_is_written_anew() {
    let folder = folder("exact");
    let touched = folder.refactor(&rename_variable("Order", "item", "thing"));
    assert_eq!(touched.len(), 1);
    assert_eq!(folder.text("Shop/Order.class.st"), ORDER.replace("item", "thing"));
    folder.refactor(&rename_variable("Order", "thing", "item"));
    assert_eq!(folder.text("Shop/Order.class.st"), ORDER);
    folder.refactor(&rename_method("Order>>zebra", "quagga", false));
    assert_eq!(folder.text("Shop/Order.class.st"), ORDER.replace("zebra", "quagga"));
    folder.refactor(&rename_method("Order>>quagga", "zebra", false));
    assert_eq!(folder.text("Shop/Order.class.st"), ORDER);
}

#[test]
fn a_renamed_class_has_a_file_of_its_name() {
    let folder = folder("renamed");
    folder.refactor(&rename_class("Order", "Bill"));
    assert_eq!(folder.text("Shop/Bill.class.st"), ORDER.replace("Order", "Bill"));
    assert_eq!(folder.text("Shop/Late.class.st"), LATE.replace("Order", "Bill"));
    assert!(folder.text("More/Bill.extension.st").contains("Bill >> more [ ^ Bill ]"));
    assert!(!folder.has("Shop/Order.class.st") && !folder.has("More/Order.extension.st"));
    folder.refactor(&rename_class("Bill", "Order"));
    assert_eq!(folder.text("Shop/Order.class.st"), ORDER);
}

#[test]
fn methods_and_classes_that_come_have_the_layout_of_the_writer() {
    let folder = folder("new");
    let extract = Refactoring::ExtractSuperclass {
        classes: strings(&["Order"]),
        name: "Thing".to_owned(),
        variables: strings(&["item"]),
        methods: strings(&["zebra"]),
    };
    folder.refactor(&extract);
    let thing = folder.text("Shop/Thing.class.st");
    assert!(thing.contains("{ #category : 'b' }\nThing >> zebra [\n\n\t^ item    \"odd\"   ]"), "{thing}");
    let order = folder.text("Shop/Order.class.st");
    assert!(
        !order.contains("zebra") && order.contains("\n{ #category : 'a' }\nOrder class >> apple ["),
        "{order}"
    );
    assert!(order.ends_with("]\n\n\n"), "{order:?}");
    let split = Refactoring::SplitClass {
        class: "Thing".to_owned(),
        variables: strings(&["item"]),
        into: "Part".to_owned(),
        holder: "part".to_owned(),
    };
    folder.refactor(&split);
    assert!(
        folder
            .text("Shop/Thing.class.st")
            .contains("\n\n{ #category : 'accessing' }\nThing >> part [\n\t^ part ifNil:")
    );
}

#[test]
fn folders_that_are_not_tonel_are_left_alone() {
    let text = "Object subclass: #A\n\tinstanceVariableNames: 'x'\n\tclassVariableNames: ''\n\tpackage: 'P'!\n\n!A methodsFor: 'p'!\nx\n\t^ x! !\n";
    let folder = Folder::new("chunks", &[("a.st", text)]);
    let before = folder.read();
    let outcome = made(&rename_variable("A", "x", "y"), &before);
    let error = write_into(&outcome, &before).unwrap_err();
    assert!(error.contains("only Tonel is written"), "{error}");
    assert_eq!(folder.text("a.st"), text);
}
