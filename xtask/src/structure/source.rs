//! A crate's source as its modules, read with syn. What is compiled for tests only is left out.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};

use crate::work::Done;

/// The way to a module from its crate's root, `["driver", "session"]`; empty for the root itself.
pub type Way = Vec<String>;

/// A crate of the workspace, without its tests.
pub struct Crate {
    /// Its folder, from the root of the workspace on; empty for the library.
    pub folder: String,
    /// Its modules.
    pub modules: BTreeMap<Way, Module>,
}

/// A module.
#[derive(Default)]
pub struct Module {
    /// Its items, without nested modules and without what is for tests only.
    pub items: Vec<syn::Item>,
    /// The modules in it.
    pub children: BTreeSet<String>,
    /// Those of them that are public.
    pub public: BTreeSet<String>,
    /// The names that it defines itself.
    own: BTreeSet<String>,
    /// The names that it brings in, and from where: as written, from its own place on.
    imported: BTreeMap<String, Way>,
}

/// What a path leads to.
pub struct Target {
    /// The module that defines it.
    pub module: Way,
    /// What it is in the module; `None` for the module itself.
    pub item: Option<String>,
}

impl Crate {
    /// Reads the crate in this folder; `None` where it has neither library nor program.
    pub fn read(root: &Path, folder: &str) -> Done<Option<Crate>> {
        let source = root.join(folder).join("src");
        let entry =
            ["lib.rs", "main.rs"].map(|name| source.join(name)).into_iter().find(|path| path.is_file());
        let Some(entry) = entry else { return Ok(None) };
        let mut modules = BTreeMap::new();
        let items = parsed(&entry)?.items;
        read_module(&mut modules, Way::new(), items, &source)?;
        Ok(Some(Crate { folder: folder.to_owned(), modules }))
    }

    /// What a path leads to that is written in this module and begins with `crate`, `super` or `self`.
    pub fn resolve(&self, at: &Way, path: &[String]) -> Option<Target> {
        self.follow(at, path, 8)
    }

    fn follow(&self, at: &Way, path: &[String], hops: u8) -> Option<Target> {
        let mut module = at.clone();
        let mut rest = path.iter().peekable();
        while let Some(word) = rest.next_if(|word| ["crate", "super", "self"].contains(&word.as_str())) {
            match word.as_str() {
                "crate" => module.clear(),
                "super" => drop(module.pop()?),
                _ => {}
            }
        }
        while let Some(word) = rest.next() {
            let here = self.modules.get(&module)?;
            if here.children.contains(word) {
                module.push(word.clone());
            } else if let (Some(from), false) = (here.imported.get(word), here.own.contains(word)) {
                // A name that is brought in from outside of the crate leads nowhere.
                let whole: Way = from.iter().chain(rest).cloned().collect();
                return if hops == 0 { None } else { self.follow(&module, &whole, hops - 1) };
            } else {
                let known = here.own.contains(word)
                    || word == "*"
                    || path.first().is_some_and(|first| first == "super");
                return known.then_some(Target { module, item: Some(word.clone()) });
            }
        }
        Some(Target { module, item: None })
    }
}

fn read_module(modules: &mut BTreeMap<Way, Module>, way: Way, items: Vec<syn::Item>, folder: &Path) -> Done {
    let mut module = Module::default();
    for item in items {
        if is_for_tests(attributes(&item)) {
            continue;
        }
        let syn::Item::Mod(nested) = item else {
            module.take(item);
            continue;
        };
        let name = nested.ident.to_string();
        let below = folder.join(&name);
        module.children.insert(name.clone());
        if matches!(nested.vis, syn::Visibility::Public(_)) {
            module.public.insert(name.clone());
        }
        let way = way.iter().cloned().chain([name.clone()]).collect();
        let items = match nested.content {
            Some((_, items)) => items,
            None => {
                let beside = folder.join(format!("{name}.rs"));
                let file = if beside.is_file() { beside } else { below.join("mod.rs") };
                parsed(&file)?.items
            }
        };
        read_module(modules, way, items, &below)?;
    }
    modules.insert(way, module);
    Ok(())
}

impl Module {
    fn take(&mut self, item: syn::Item) {
        match &item {
            syn::Item::Use(item) => leaves(&item.tree, &mut Way::new(), &mut |path, name| {
                self.imported.insert(name, path.to_vec());
            }),
            // What a macro makes: every word in it may be a name of ours.
            syn::Item::Macro(item) => {
                self.own.extend(item.ident.as_ref().map(ToString::to_string));
                words(item.mac.tokens.clone(), &mut |word| {
                    self.own.insert(word);
                });
            }
            item => self.own.extend(defined(item).map(|(name, _)| name)),
        }
        self.items.push(item);
    }
}

/// Calls back for each name that a `use` brings in: with the path that it stands for, and the name here.
pub fn leaves(tree: &syn::UseTree, way: &mut Way, found: &mut impl FnMut(&[String], String)) {
    match tree {
        syn::UseTree::Path(path) => {
            way.push(path.ident.to_string());
            leaves(&path.tree, way, found);
            way.pop();
        }
        syn::UseTree::Group(group) => group.items.iter().for_each(|tree| leaves(tree, way, found)),
        syn::UseTree::Glob(_) => leaf(way, "*".to_owned(), "*".to_owned(), found),
        syn::UseTree::Name(name) => leaf(way, name.ident.to_string(), name.ident.to_string(), found),
        syn::UseTree::Rename(name) => leaf(way, name.ident.to_string(), name.rename.to_string(), found),
    }
}

fn leaf(way: &mut Way, from: String, name: String, found: &mut impl FnMut(&[String], String)) {
    if from == "self" {
        let name = if name == "self" { way.last().cloned().unwrap_or_default() } else { name };
        return found(way, name);
    }
    way.push(from);
    found(way, name);
    way.pop();
}

/// Every identifier in the tokens.
pub fn words(tokens: TokenStream, found: &mut impl FnMut(String)) {
    for token in tokens {
        match token {
            TokenTree::Group(group) => words(group.stream(), found),
            TokenTree::Ident(word) => found(word.to_string()),
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
}

/// Whether the attributes say that something is compiled for tests only.
pub fn is_for_tests(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let mut test = attribute.path().is_ident("test");
        if let (true, syn::Meta::List(list)) = (attribute.path().is_ident("cfg"), &attribute.meta) {
            words(list.tokens.clone(), &mut |word| test |= word == "test");
        }
        test
    })
}

/// The attributes of an item.
fn attributes(item: &syn::Item) -> &[syn::Attribute] {
    match item {
        syn::Item::Const(item) => &item.attrs,
        syn::Item::Enum(item) => &item.attrs,
        syn::Item::Fn(item) => &item.attrs,
        syn::Item::Impl(item) => &item.attrs,
        syn::Item::Macro(item) => &item.attrs,
        syn::Item::Mod(item) => &item.attrs,
        syn::Item::Static(item) => &item.attrs,
        syn::Item::Struct(item) => &item.attrs,
        syn::Item::Trait(item) => &item.attrs,
        syn::Item::Type(item) => &item.attrs,
        syn::Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// The name that an item defines.
pub fn defined(item: &syn::Item) -> Option<(String, &syn::Visibility)> {
    let (ident, visibility) = match item {
        syn::Item::Const(item) => (&item.ident, &item.vis),
        syn::Item::Enum(item) => (&item.ident, &item.vis),
        syn::Item::Fn(item) => (&item.sig.ident, &item.vis),
        syn::Item::Static(item) => (&item.ident, &item.vis),
        syn::Item::Struct(item) => (&item.ident, &item.vis),
        syn::Item::Trait(item) => (&item.ident, &item.vis),
        syn::Item::Type(item) => (&item.ident, &item.vis),
        syn::Item::Union(item) => (&item.ident, &item.vis),
        _ => return None,
    };
    Some((ident.to_string(), visibility))
}

/// A file of Rust, parsed.
pub fn parsed(file: &Path) -> Done<syn::File> {
    let text = fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    syn::parse_file(&text).map_err(|error| format!("{}: {error}", file.display()))
}

/// The files of Rust in a folder and below; build folders are not examined.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    for path in entries.map(|entry| entry.path()) {
        let name = path.file_name().unwrap_or_default();
        if path.is_dir() && name != "target" && !name.as_encoded_bytes().starts_with(b".") {
            found.append(&mut files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}
