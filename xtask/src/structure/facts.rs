//! The facts of an error are values, numbers and stable names; what a person reads stands in `text/`.

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};
use usbtoken::error::Fact;
use usbtoken::text::Lang;

use super::crates;
use crate::work;

/// The texts that the source gives to facts, and those of them that are reasons.
#[derive(Default)]
struct Given {
    texts: Vec<String>,
    reasons: Vec<String>,
}

impl Given {
    fn take(&mut self, expression: &syn::Expr, reason: bool) {
        let mut found = Texts::default();
        found.visit_expr(expression);
        if reason {
            self.reasons.extend(found.0.iter().cloned());
        }
        self.texts.extend(found.0);
    }
}

impl Visit<'_> for Given {
    fn visit_expr_method_call(&mut self, call: &syn::ExprMethodCall) {
        if let (true, Some(fact), Some(value)) = (call.method == "fact", call.args.first(), call.args.get(1))
        {
            let is_reason = matches!(fact, syn::Expr::Path(path)
                if path.path.segments.last().is_some_and(|last| last.ident == "Reason"));
            self.take(value, is_reason);
        }
        visit::visit_expr_method_call(self, call);
    }

    // The helpers that make an error of a name and a reason.
    fn visit_expr_call(&mut self, call: &syn::ExprCall) {
        let name = match &*call.func {
            syn::Expr::Path(path) => path.path.segments.last().map(|last| last.ident.to_string()),
            _ => None,
        };
        if let (Some("doubt" | "bad" | "refused"), Some(reason)) = (name.as_deref(), call.args.last()) {
            self.take(reason, true);
        }
        visit::visit_expr_call(self, call);
    }
}

/// The texts in an expression, those of macros too.
#[derive(Default)]
struct Texts(Vec<String>);

impl Texts {
    fn of_tokens(&mut self, tokens: TokenStream) {
        for token in tokens {
            match token {
                TokenTree::Group(group) => self.of_tokens(group.stream()),
                TokenTree::Literal(literal) => {
                    if let syn::Lit::Str(text) = syn::Lit::new(literal) {
                        self.0.push(text.value());
                    }
                }
                _ => {}
            }
        }
    }
}

impl Visit<'_> for Texts {
    fn visit_lit_str(&mut self, text: &syn::LitStr) {
        self.0.push(text.value());
    }

    fn visit_macro(&mut self, call: &syn::Macro) {
        self.of_tokens(call.tokens.clone());
    }
}

fn given() -> Given {
    let mut given = Given::default();
    for one in crates(&work::root()).expect("the source is there") {
        for module in one.modules.values() {
            module.items.iter().for_each(|item| given.visit_item(item));
        }
    }
    given
}

/// Two words of small letters, one after the other.
fn is_sentence(text: &str) -> bool {
    let word = |text: &str| text.len() > 1 && text.bytes().all(|byte| byte.is_ascii_lowercase());
    let words: Vec<&str> = text.split(' ').collect();
    words.windows(2).any(|two| two.iter().all(|text| word(text)))
}

#[test]
fn no_sentence_stands_in_a_fact() {
    assert!(is_sentence("the object: it cannot be read") && !is_sentence("pkcs11: token, model {why}"));
    let given = given();
    assert!(given.texts.len() > 40, "{}", given.texts.len());
    let sentences: Vec<&String> = given.texts.iter().filter(|text| is_sentence(text)).collect();
    assert!(sentences.is_empty(), "{sentences:#?}");
}

#[test]
fn each_reason_has_its_words_in_both_languages() {
    let given = given();
    assert!(given.reasons.iter().any(|reason| reason == "no_anchor"), "{:?}", given.reasons);
    let without = given.reasons.iter().filter(|reason| {
        let unknown =
            |fact: Fact| [Lang::Ja, Lang::En].iter().any(|lang| fact.words(reason, *lang) == **reason);
        unknown(Fact::Reason) && unknown(Fact::Expected)
    });
    assert_eq!(without.collect::<Vec<_>>(), Vec::<&String>::new());
}
