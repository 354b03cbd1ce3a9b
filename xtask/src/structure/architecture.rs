//! docs/architecture.md says which module and which crate may know which: here it is held against the source.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use super::imports::folders;
use super::source::{Way, files};
use super::{crates, members};
use crate::work;

const PAGE: &str = "docs/architecture.md";

/// What each place of the page's table may know.
fn table() -> BTreeMap<String, BTreeSet<String>> {
    let text = fs::read_to_string(work::root().join(PAGE)).expect("the page is in the repository");
    let rows: Vec<Vec<&str>> = text
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| line.split('|').skip(1).collect())
        .collect();
    let mut table = BTreeMap::new();
    for row in rows {
        let known: BTreeSet<String> = quoted(row[2]).collect();
        for place in quoted(row[0]) {
            assert!(table.insert(place.clone(), known.clone()).is_none(), "{place} stands twice in {PAGE}");
        }
    }
    table
}

fn quoted(cell: &str) -> impl Iterator<Item = String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned)
}

#[test]
fn the_modules_of_the_library_know_what_the_page_says() {
    let library = crates(&work::root()).expect("the source can be read").remove(0);
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for name in &library.modules[&Way::new()].children {
        found.insert(format!("src/{name}/"), BTreeSet::new());
    }
    for (from, to) in &folders(&library)[&Way::new()].arrows {
        found.entry(format!("src/{from}/")).or_default().insert(to.clone());
    }
    let mut stated = table();
    stated.retain(|place, _| place.starts_with("src/"));
    assert_eq!(found, stated, "left: the source, right: {PAGE}");
}

#[test]
fn the_crates_depend_on_what_the_page_says() {
    let root = work::root();
    let stated = table();
    for member in members(&root).expect("the workspace can be read") {
        let manifest =
            fs::read_to_string(root.join(&member).join("Cargo.toml")).expect("a member has a manifest");
        let manifest: toml::Table = manifest.parse().expect("it is TOML");
        let ours = |table: &toml::Table| -> BTreeSet<String> {
            table.keys().filter(|name| name.starts_with("usbtoken")).cloned().collect()
        };
        let found = manifest["dependencies"].as_table().map(ours).unwrap_or_default();
        assert_eq!(
            Some(&found),
            stated.get(&format!("{member}/")),
            "{member}: left: Cargo.toml, right: {PAGE}"
        );
    }
}

#[test]
fn pkcs11_is_spoken_in_the_driver_alone_and_one_file_destroys() {
    let source = work::root().join("src");
    let with = |says: &dyn Fn(&str) -> bool| -> BTreeSet<String> {
        let holds = |file: &PathBuf| fs::read_to_string(file).expect("a file of ours").lines().any(says);
        let found = files(&source).into_iter().filter(holds);
        found.map(|file| file.strip_prefix(&source).expect("it is below").display().to_string()).collect()
    };
    // How padded text is read is no matter of the driver alone: a URI names a token by that text.
    let speaks = |line: &str| line.replace("usbtoken_pkcs11::text", "").contains("usbtoken_pkcs11");
    let elsewhere = with(&speaks).into_iter().filter(|file| !file.starts_with("driver/"));
    assert_eq!(elsewhere.collect::<Vec<_>>(), Vec::<String>::new());
    let destroys = with(&|line| line.contains("destroy_object"));
    assert_eq!(destroys, BTreeSet::from(["driver/session/remove.rs".to_owned()]));
}

#[test]
fn no_crate_has_a_circle() {
    for one in crates(&work::root()).expect("the source can be read") {
        for (way, folder) in folders(&one) {
            assert_eq!(folder.circles(), Vec::<Vec<&str>>::new(), "in {} {way:?}", one.folder);
        }
    }
}
