//! What CONTRIBUTING.md and the manifest promise of files and builds.

use std::fs;

use super::LONG;
use super::source::files;
use crate::work;

#[test]
fn no_file_is_longer_than_five_hundred_lines() {
    let root = work::root();
    let long = files(&root).into_iter().filter_map(|file| {
        let lines = fs::read_to_string(&file).expect("a file of ours").lines().count();
        (lines > LONG).then(|| format!("{}: {lines}", file.strip_prefix(&root).unwrap_or(&file).display()))
    });
    assert_eq!(long.collect::<Vec<_>>(), Vec::<String>::new());
}

/// The cost and the size of what is shipped are measured with these (docs/calls.md).
#[test]
fn a_release_is_linked_as_a_whole_and_stripped() {
    let manifest = fs::read_to_string(work::root().join("Cargo.toml")).expect("there is a manifest");
    let manifest: toml::Table = manifest.parse().expect("it is TOML");
    let release = &manifest["profile"]["release"];
    assert_eq!(release["lto"].as_str(), Some("fat"));
    assert_eq!(release["codegen-units"].as_integer(), Some(1));
    assert_eq!(release["strip"].as_bool(), Some(true));
    // The C interface and the shim catch panics.
    assert!(release.get("panic").is_none_or(|panic| panic.as_str() == Some("unwind")));
}
