//! What a crate shows, and who calls it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use proc_macro2::TokenStream;
use syn::visit::{self, Visit};

use super::source::{Crate, files, is_for_tests, words};
use crate::work::Done;

/// What is `pub` in a crate, without `pub(crate)` and its like and without tests.
#[derive(Default)]
pub struct Surface {
    /// Items, functions of types, and fields.
    pub items: usize,
    /// The functions among them, each with its type: `Token::login`.
    pub functions: Vec<String>,
    of: String,
}

impl Surface {
    /// What this crate shows.
    pub fn of(one: &Crate) -> Self {
        let mut surface = Surface::default();
        for item in one.modules.values().flat_map(|module| &module.items) {
            surface.visit_item(item);
        }
        surface.functions.sort();
        surface
    }

    /// The functions whose name stands nowhere among these words.
    pub fn without_caller(&self, words: &BTreeSet<String>) -> Vec<&str> {
        let uncalled = |function: &&str| !words.contains(function.rsplit("::").next().unwrap_or_default());
        self.functions.iter().map(String::as_str).filter(uncalled).collect()
    }

    fn function(&mut self, name: &syn::Ident) {
        let name = if self.of.is_empty() { name.to_string() } else { format!("{}::{name}", self.of) };
        self.functions.push(name);
    }
}

/// Every word of the Rust files in these folders.
pub fn vocabulary<'a>(root: &Path, folders: impl IntoIterator<Item = &'a str>) -> Done<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    for file in folders.into_iter().flat_map(|folder| files(&root.join(folder))) {
        let text = fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        let tokens: TokenStream = text.parse().map_err(|error| format!("{}: {error}", file.display()))?;
        words(tokens, &mut |word| {
            found.insert(word);
        });
    }
    Ok(found)
}

impl Visit<'_> for Surface {
    fn visit_visibility(&mut self, visibility: &syn::Visibility) {
        self.items += usize::from(matches!(visibility, syn::Visibility::Public(_)));
    }

    fn visit_item_fn(&mut self, function: &syn::ItemFn) {
        if matches!(function.vis, syn::Visibility::Public(_)) {
            self.function(&function.sig.ident);
        }
        self.visit_visibility(&function.vis);
    }

    fn visit_impl_item_fn(&mut self, function: &syn::ImplItemFn) {
        if is_for_tests(&function.attrs) {
            return;
        }
        if matches!(function.vis, syn::Visibility::Public(_)) {
            self.function(&function.sig.ident);
        }
        self.visit_visibility(&function.vis);
    }

    fn visit_item_impl(&mut self, block: &syn::ItemImpl) {
        if let syn::Type::Path(path) = &*block.self_ty {
            self.of = path.path.segments.last().map(|segment| segment.ident.to_string()).unwrap_or_default();
        }
        visit::visit_item_impl(self, block);
        self.of.clear();
    }

    // A re-export shows what is counted where it is defined.
    fn visit_item_use(&mut self, _: &syn::ItemUse) {}

    fn visit_item_macro(&mut self, _: &syn::ItemMacro) {}
}
