//! Which modules know which: arrows, arrows up and circles.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};

use super::source::{Crate, Way, is_for_tests, leaves};

/// What a folder's modules know of each other.
#[derive(Default)]
pub struct Folder {
    /// The modules right in it.
    pub doors: usize,
    /// From one of them to another, or to something below it.
    pub arrows: BTreeSet<(String, String)>,
    /// Those that know something that the folder's own file defines, and what. A type's methods may stand in several
    /// files: knowing the type that one adds methods to is not counted.
    pub up: BTreeSet<(String, String)>,
}

impl Folder {
    /// The groups of modules that know each other, directly or by way of others.
    pub fn circles(&self) -> Vec<Vec<&str>> {
        let names: BTreeSet<&str> = self.arrows.iter().map(|(from, _)| from.as_str()).collect();
        let reached: BTreeMap<&str, BTreeSet<&str>> =
            names.iter().map(|name| (*name, self.reach(name))).collect();
        let mut circles: Vec<Vec<&str>> = Vec::new();
        for name in &names {
            let circle: Vec<&str> = names
                .iter()
                .filter(|other| reached[name].contains(*other) && reached[*other].contains(name))
                .copied()
                .collect();
            if !circle.is_empty() && !circles.contains(&circle) {
                circles.push(circle);
            }
        }
        circles
    }

    fn reach<'a>(&'a self, from: &str) -> BTreeSet<&'a str> {
        let mut reached = BTreeSet::new();
        let mut waiting = vec![from];
        while let Some(name) = waiting.pop() {
            for (_, to) in self.arrows.iter().filter(|(from, _)| from == name) {
                if reached.insert(to.as_str()) {
                    waiting.push(to);
                }
            }
        }
        reached
    }
}

/// The folders of a crate, by the module that each is.
pub fn folders(one: &Crate) -> BTreeMap<Way, Folder> {
    let mut folders: BTreeMap<Way, Folder> = BTreeMap::new();
    for (way, module) in &one.modules {
        if !module.children.is_empty() {
            folders.entry(way.clone()).or_default().doors = module.children.len();
        }
        let extended = extended(&module.items);
        for path in paths(&module.items) {
            let Some(target) = one.resolve(way, &path) else { continue };
            let shared = way.iter().zip(&target.module).take_while(|(from, to)| from == to).count();
            let folder = folders.entry(way[..shared].to_vec()).or_default();
            match (way.get(shared), target.module.get(shared)) {
                (Some(from), Some(to)) => drop(folder.arrows.insert((from.clone(), to.clone()))),
                (Some(from), None) => {
                    let known = target.item.filter(|name| !extended.contains(name));
                    folder.up.extend(known.map(|name| (from.clone(), name)));
                }
                (None, _) => {}
            }
        }
    }
    folders
}

/// The types that the items add methods to.
fn extended(items: &[syn::Item]) -> BTreeSet<String> {
    let methods = items.iter().filter_map(|item| match item {
        syn::Item::Impl(block) if block.trait_.is_none() => Some(&*block.self_ty),
        _ => None,
    });
    let names = methods.filter_map(|of| match of {
        syn::Type::Path(path) => path.path.segments.last(),
        _ => None,
    });
    names.map(|name| name.ident.to_string()).collect()
}

/// The paths of the items that begin with `crate`, `super` or `self`.
fn paths(items: &[syn::Item]) -> BTreeSet<Way> {
    let mut paths = Paths(BTreeSet::new());
    items.iter().for_each(|item| paths.visit_item(item));
    paths.0
}

struct Paths(BTreeSet<Way>);

impl Paths {
    fn take(&mut self, path: Way) {
        if path.len() > 1 && ["crate", "super", "self"].contains(&path[0].as_str()) {
            self.0.insert(path);
        }
    }

    /// The paths in the tokens of a macro's call.
    fn take_tokens(&mut self, tokens: TokenStream) {
        let mut path = Way::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Punct(mark) if mark.as_char() == ':' => colons += 1,
                TokenTree::Ident(word) if colons == 2 && !path.is_empty() => {
                    path.push(word.to_string());
                    colons = 0;
                }
                other => {
                    self.take(std::mem::take(&mut path));
                    colons = 0;
                    match other {
                        TokenTree::Ident(word) => path.push(word.to_string()),
                        TokenTree::Group(group) => self.take_tokens(group.stream()),
                        TokenTree::Punct(_) | TokenTree::Literal(_) => {}
                    }
                }
            }
        }
        self.take(path);
    }
}

impl Visit<'_> for Paths {
    fn visit_item_use(&mut self, item: &syn::ItemUse) {
        leaves(&item.tree, &mut Way::new(), &mut |path, _| self.take(path.to_vec()));
    }

    fn visit_path(&mut self, path: &syn::Path) {
        self.take(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &syn::Macro) {
        self.take_tokens(call.tokens.clone());
    }

    fn visit_impl_item_fn(&mut self, function: &syn::ImplItemFn) {
        if !is_for_tests(&function.attrs) {
            visit::visit_impl_item_fn(self, function);
        }
    }

    fn visit_visibility(&mut self, _: &syn::Visibility) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(arrows: &[(&str, &str)]) -> Folder {
        let arrows = arrows.iter().map(|(from, to)| ((*from).to_owned(), (*to).to_owned())).collect();
        Folder { arrows, ..Folder::default() }
    }

    #[test]
    fn a_circle_is_found_however_long_it_is() {
        assert!(of(&[("a", "b"), ("b", "c"), ("a", "c")]).circles().is_empty());
        let circle = of(&[("a", "b"), ("b", "c"), ("c", "a"), ("d", "a")]);
        assert_eq!(circle.circles(), [["a", "b", "c"]]);
        assert_eq!(of(&[("a", "b"), ("b", "a"), ("c", "d"), ("d", "c")]).circles().len(), 2);
    }

    #[test]
    fn paths_are_found_in_imports_bodies_and_macros() {
        let file = syn::parse_file(
            "use crate::{a::B, c};\nfn f() -> super::D { println!(\"{}\", crate::e::f(1)); self::g(std::h()) }",
        );
        let found: Vec<String> =
            paths(&file.expect("it parses").items).iter().map(|path| path.join("::")).collect();
        assert_eq!(found, ["crate::a::B", "crate::c", "crate::e::f", "self::g", "super::D"]);
    }
}
