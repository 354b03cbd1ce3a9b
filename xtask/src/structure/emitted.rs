//! Which codes, steps, facts, warnings and points the program can emit.

use std::collections::BTreeSet;

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};
use usbtoken::Code;
use usbtoken::error::{Fact, Notice, Point, Step};

use super::source::Crate;

/// Those that nothing makes, as `Code::Internal`. Comparing with one, or having words for one, is not making it.
pub fn never(crates: &[Crate]) -> Vec<String> {
    let mut made = Made(BTreeSet::new());
    for one in crates {
        for (way, module) in &one.modules {
            let declares =
                one.folder.is_empty() && way.first().is_some_and(|first| first == "error" || first == "text");
            if !declares {
                module.items.iter().for_each(|item| made.visit_item(item));
            }
        }
    }
    let codes = Code::ALL.iter().map(|code| format!("Code::{code:?}"));
    let steps = Step::ALL.iter().map(|step| format!("Step::{step:?}"));
    let facts = Fact::ALL.iter().map(|fact| format!("Fact::{fact:?}"));
    let notices = Notice::ALL.iter().map(|notice| format!("Notice::{notice:?}"));
    let points = Point::ALL.iter().map(|point| format!("Point::{point:?}"));
    let all = codes.chain(steps).chain(facts).chain(notices).chain(points);
    all.filter(|name| !made.0.contains(name)).collect()
}

/// `Type::Variant` of every path in an expression.
struct Made(BTreeSet<String>);

impl Made {
    fn take_tokens(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        for (at, token) in tokens.iter().enumerate() {
            if let TokenTree::Group(group) = token {
                self.take_tokens(group.stream());
            }
            let word = |at: usize| match tokens.get(at) {
                Some(TokenTree::Ident(word)) => Some(word.to_string()),
                _ => None,
            };
            if let (Some(kind), Some(variant)) = (word(at), word(at + 3)) {
                self.0.insert(format!("{kind}::{variant}"));
            }
        }
    }
}

impl Visit<'_> for Made {
    fn visit_expr_path(&mut self, path: &syn::ExprPath) {
        let mut last = path.path.segments.iter().rev().map(|segment| segment.ident.to_string());
        if let (Some(variant), Some(kind)) = (last.next(), last.next()) {
            self.0.insert(format!("{kind}::{variant}"));
        }
    }

    fn visit_expr_binary(&mut self, binary: &syn::ExprBinary) {
        if !matches!(binary.op, syn::BinOp::Eq(_) | syn::BinOp::Ne(_)) {
            visit::visit_expr_binary(self, binary);
        }
    }

    fn visit_pat(&mut self, _: &syn::Pat) {}

    fn visit_macro(&mut self, call: &syn::Macro) {
        if !call.path.is_ident("matches") {
            self.take_tokens(call.tokens.clone());
        }
    }
}
