//! Kryoptic, a crate that is not in Debian: its module is built once, as its own lock file says.

use std::fs;
use std::path::PathBuf;

use super::implementation::folder;
use crate::work::{self, Done};

/// The package without which it does not build.
pub const NEEDS: &str = "libclang-dev";

const VERSION: &str = "1.5.4";

/// The module.
pub fn module() -> Done<PathBuf> {
    let folder = folder()?.join("kryoptic");
    let module = folder.join("debug/libkryoptic_pkcs11.so");
    if module.exists() {
        return Ok(module);
    }
    let mut cargo = work::cargo();
    cargo.args(["build", "--quiet", "--locked", "--no-default-features"]).arg("--target-dir").arg(&folder);
    cargo.args(["--features", "minimal,kryoptic-lib/dynamic", "--manifest-path"]).arg(source()?);
    work::run(&mut cargo)?;
    Ok(module)
}

/// The manifest of the crate, as the registry has it: a package that depends on it makes Cargo fetch it.
fn source() -> Done<PathBuf> {
    let folder = tempfile::tempdir().map_err(|error| format!("no temporary folder: {error}"))?;
    let write = |name: &str, text: &str| {
        let file = folder.path().join(name);
        fs::write(&file, text).map_err(|error| format!("{}: {error}", file.display()))
    };
    let manifest = format!(
        "[package]\nname = \"fetch\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[lib]\npath = \"lib.rs\"\n\
         [dependencies]\nkryoptic = \"={VERSION}\"\n[workspace]\n"
    );
    write("Cargo.toml", &manifest)?;
    write("lib.rs", "")?;
    let mut cargo = work::cargo();
    cargo
        .args(["metadata", "--format-version", "1", "--manifest-path"])
        .arg(folder.path().join("Cargo.toml"));
    let metadata: serde_json::Value = serde_json::from_str(&work::output(&mut cargo)?)
        .map_err(|error| format!("cargo metadata: {error}"))?;
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let kryoptic =
        packages.filter(|one| one["name"] == "kryoptic").find_map(|one| one["manifest_path"].as_str());
    kryoptic.map(PathBuf::from).ok_or_else(|| format!("the registry has no kryoptic {VERSION}"))
}
