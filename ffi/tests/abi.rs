//! The interface itself: what is exported, what is declared, what may not change, what is tested at all.

mod common;

use std::collections::BTreeSet;
use std::process::Command;

use common::{c_test, libraries, name, prototypes, root, succeed};

#[test]
fn numbers_sizes_and_offsets_stay() {
    let folder = tempfile::tempdir().unwrap();
    let program = c_test("abi", &[], folder.path());
    succeed(Command::new(program).output().unwrap(), "abi");
}

/// A tab of Internet Explorer mode, and many a bank's program, has 32 bits.
#[test]
#[cfg(target_arch = "x86_64")]
fn sizes_and_offsets_stay_in_32_bits() {
    for kind in ["-m32", "-m64"] {
        let mut command = Command::new("cc");
        command.args([kind, "-std=c11", "-ffreestanding", "-fsyntax-only", "-Werror", "-x", "c", "-I"]);
        command.arg(root().join("include")).arg(root().join("ffi/tests/c/layout.h"));
        succeed(command.output().unwrap(), kind);
    }
}

#[test]
fn the_library_exports_what_the_header_declares_and_nothing_else() {
    let declared: BTreeSet<String> = prototypes().iter().map(|one| name(one).to_owned()).collect();
    let mut nm = Command::new("nm");
    nm.args(["-D", "--defined-only"]).arg(libraries().join("libusbtoken_ffi.so"));
    let exported: BTreeSet<String> = succeed(nm.output().unwrap(), "nm")
        .lines()
        .filter_map(|line| line.split_whitespace().nth(2))
        .map(str::to_owned)
        .collect();
    let beside: Vec<_> = exported.difference(&declared).collect();
    assert!(beside.is_empty(), "exported and not declared: {beside:?}");
    let missing: Vec<_> = declared.difference(&exported).collect();
    assert!(missing.is_empty(), "declared and not exported: {missing:?}");
}

/// The fuzz test calls every function too, but examines no result; so it does not count.
#[test]
fn every_function_is_used_in_a_test() {
    let mut sources = String::new();
    for folder in ["ffi/tests/c", "examples/c", "examples/cpp"] {
        for entry in std::fs::read_dir(root().join(folder)).unwrap() {
            sources.push_str(&std::fs::read_to_string(entry.unwrap().path()).unwrap());
        }
    }
    let called = |name: &str| {
        sources.match_indices(name).any(|(at, _)| {
            let after = &sources[at + name.len()..];
            after.starts_with('(')
        })
    };
    let missing: Vec<String> =
        prototypes().iter().map(|one| name(one).to_owned()).filter(|name| !called(name)).collect();
    assert!(missing.is_empty(), "no test calls {missing:?}");
}

#[test]
fn the_header_serves_c_and_cpp_of_every_kind() {
    for (compiler, standard, language) in
        [("cc", "c99", "c"), ("cc", "c11", "c"), ("c++", "c++11", "c++"), ("c++", "c++17", "c++")]
    {
        let mut command = Command::new(compiler);
        command.args(["-fsyntax-only", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-x", language]);
        command.arg(format!("-std={standard}")).arg(root().join("include/usbtoken.h"));
        succeed(command.output().unwrap(), standard);
    }
}
