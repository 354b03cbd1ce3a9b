//! `cargo xtask structure`: figures of how the source hangs together.
//!
//! All of them are read off the text of the source, tests left out; names are compared as words, so a function counts
//! as called when another of its name is.

#[cfg(test)]
mod architecture;
mod emitted;
mod exports;
#[cfg(test)]
mod facts;
mod imports;
#[cfg(test)]
mod limits;
mod source;
mod surface;

use std::fs;
use std::path::{Path, PathBuf};

use self::source::{Crate, files};
use self::surface::Surface;
use crate::work::{self, Done};

/// A file past this is usually two.
const LONG: usize = 500;

/// What to show.
#[derive(clap::Args)]
pub struct Options {
    /// Name each arrow up, function without a caller and long file too
    #[arg(long)]
    names: bool,
    /// The workspace to measure, instead of this one
    #[arg(long, value_name = "FOLDER")]
    root: Option<PathBuf>,
}

/// Prints the figures.
pub fn run(options: &Options) -> Done {
    let root = options.root.clone().unwrap_or_else(work::root);
    let crates = crates(&root)?;
    print_folders(&crates, options.names);
    print_surface(&root, &crates, options.names)?;
    print_list("codes, steps, facts, warnings, points that nothing emits", &emitted::never(&crates), true);
    print_lines(&root, options.names)
}

/// The library first, then the other members of the workspace.
fn crates(root: &Path) -> Done<Vec<Crate>> {
    let read = |folder: &str| Crate::read(root, folder);
    let mut crates: Vec<Crate> = read("")?.into_iter().collect();
    for member in members(root)? {
        crates.extend(read(&member)?);
    }
    Ok(crates)
}

fn members(root: &Path) -> Done<Vec<String>> {
    let manifest = root.join("Cargo.toml");
    let fail = |error: &dyn std::fmt::Display| format!("{}: {error}", manifest.display());
    let text = fs::read_to_string(&manifest).map_err(|error| fail(&error))?;
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| fail(&error))?;
    let members = table.get("workspace").and_then(|workspace| workspace.get("members")?.as_array());
    let members = members.ok_or_else(|| fail(&"there are no members of a workspace"))?;
    Ok(members.iter().filter_map(|member| member.as_str().map(str::to_owned)).collect())
}

fn print_folders(crates: &[Crate], names: bool) {
    println!("{:32} {:>6} {:>7} {:>4}  circles", "modules in", "doors", "arrows", "up");
    for one in crates {
        for (way, folder) in imports::folders(one) {
            if folder.doors < 2 {
                continue;
            }
            let circles: Vec<String> = folder.circles().iter().map(|circle| circle.join("–")).collect();
            let circles = if circles.is_empty() { "none".to_owned() } else { circles.join(", ") };
            let place = place(one, &way);
            println!(
                "{place:32} {:>6} {:>7} {:>4}  {circles}",
                folder.doors,
                folder.arrows.len(),
                folder.up.len()
            );
            if names {
                folder.up.iter().for_each(|(from, what)| println!("    {from} knows {what} of {place}"));
            }
        }
    }
}

fn place(one: &Crate, way: &[String]) -> String {
    let source = if one.folder.is_empty() { "src".to_owned() } else { format!("{}/src", one.folder) };
    std::iter::once(source).chain(way.iter().cloned()).collect::<Vec<_>>().join("/") + "/"
}

fn print_surface(root: &Path, crates: &[Crate], names: bool) -> Done {
    let Some(library) = crates.first() else { return Ok(()) };
    let surface = Surface::of(library);
    println!("\nthe library shows {} items, {} of them functions", surface.items, surface.functions.len());
    let members = members(root)?;
    let programs =
        members.iter().filter(|member| !member.starts_with("tests")).map(|member| format!("{member}/src"));
    let programs: Vec<String> = programs.chain(["examples".to_owned()]).collect();
    let called = surface::vocabulary(root, programs.iter().map(String::as_str))?;
    print_list("names that have more than one path", &exports::with_several_paths(library), names);
    print_list("of these functions, no program calls", &surface.without_caller(&called), names);
    let tests = members.iter().map(|member| format!("{member}/tests")).chain(["tests".to_owned()]);
    let everywhere: Vec<String> = programs.into_iter().chain(tests).collect();
    let called = surface::vocabulary(root, everywhere.iter().map(String::as_str))?;
    print_list("and no test either", &surface.without_caller(&called), names);
    Ok(())
}

fn print_lines(root: &Path, names: bool) -> Done {
    let mut total = 0;
    let mut long = Vec::new();
    println!();
    for folder in fs::read_dir(root).map_err(|error| error.to_string())?.filter_map(Result::ok) {
        let name = folder.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') || name == "target" {
            continue;
        }
        let mut lines = 0;
        for file in files(&folder.path()) {
            let text = fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
            let count = text.lines().count();
            lines += count;
            if count > LONG {
                long.push(format!("{} ({count})", file.strip_prefix(root).unwrap_or(&file).display()));
            }
        }
        if lines > 0 {
            println!("{name:16} {lines:>6} lines of Rust");
        }
        total += lines;
    }
    println!("{:16} {total:>6}", "together");
    print_list("files past 500 lines", &long, names);
    Ok(())
}

fn print_list(title: &str, list: &[impl AsRef<str>], names: bool) {
    println!("{title}: {}", list.len());
    if names {
        list.iter().for_each(|name| println!("    {}", name.as_ref()));
    }
}
