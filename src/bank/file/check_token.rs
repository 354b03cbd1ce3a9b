//! Of the profile as it is written, what it says of the tokens: patterns, families of the catalogue, drivers.

use toml::Spanned;

use super::check::{Checker, DELIVERED, SYSTEMS};
use super::place::is_place_of;
use super::raw;
use crate::bank::pattern::{NoPattern, TokenPattern};
use crate::bank::profile::{BankDriver, BankToken};
use crate::catalogue::{Catalogue, UsbId};
use crate::error::{Code, Fact};

impl Checker<'_, '_> {
    pub(super) fn tokens(&mut self, tokens: Vec<Spanned<raw::Token>>) -> Vec<BankToken> {
        let mut all = Vec::new();
        for (index, token) in tokens.into_iter().enumerate() {
            let (key, span) = (format!("token[{index}]"), token.span());
            let token = token.into_inner();
            if token.uri.is_empty() {
                self.faults.add(Code::ProfileMatchesAll, span, &format!("{key}.uri"), |error| error);
            }
            all.push(BankToken {
                name: token.name.as_ref().map(|both| self.both(&format!("{key}.name"), both)),
                patterns: self.patterns(&format!("{key}.uri"), &token.uri),
                usb: self
                    .list(&format!("{key}.usb"), &token.usb, "vvvv:pppp", |text| text.parse::<UsbId>().ok()),
                families: self.families(&format!("{key}.families"), &token.families),
                delivered: self
                    .choice(&format!("{key}.delivered"), token.delivered.as_ref(), DELIVERED)
                    .unwrap_or_default(),
                drivers: self.drivers(&format!("{key}.driver"), &token.driver),
            });
        }
        all
    }

    fn patterns(&mut self, key: &str, uris: &[Spanned<String>]) -> Vec<TokenPattern> {
        let mut patterns = Vec::new();
        for (index, uri) in uris.iter().enumerate() {
            let key = format!("{key}[{index}]");
            match TokenPattern::read(uri.get_ref()) {
                Ok(pattern) => patterns.push(pattern),
                Err(NoPattern::All) => {
                    self.faults.add(Code::ProfileMatchesAll, uri.span(), &key, |error| {
                        error.fact(Fact::Found, uri.get_ref())
                    });
                }
                Err(NoPattern::Bad(why)) => {
                    let expected = "pkcs11: token, manufacturer, model, serial";
                    self.faults.bad(uri.span(), &key, why, expected);
                }
            }
        }
        patterns
    }

    fn families(&mut self, key: &str, families: &[Spanned<String>]) -> Vec<String> {
        let known = Catalogue::builtin().families();
        let ids: Vec<&str> = known.iter().map(|family| family.id.as_str()).collect();
        self.list(key, families, &ids.join(", "), |text| ids.contains(&text).then(|| text.to_owned()))
    }

    fn drivers(&mut self, key: &str, drivers: &[raw::Driver]) -> Vec<BankDriver> {
        let mut all = Vec::new();
        for (index, driver) in drivers.iter().enumerate() {
            let key = format!("{key}[{index}]");
            let Some(system) = self.one_of(&format!("{key}.system"), &driver.system, SYSTEMS) else {
                continue;
            };
            let bits = driver.bits.as_ref().map(|bits| {
                if ![32, 64].contains(bits.get_ref()) {
                    self.faults.bad(bits.span(), &format!("{key}.bits"), bits.get_ref(), "32, 64");
                }
                if *bits.get_ref() == 32 { 32 } else { 64 }
            });
            let path = driver.path.get_ref();
            if !is_place_of(system, path) {
                self.faults.bad(driver.path.span(), &format!("{key}.path"), path, "absolute_path");
            }
            all.push(BankDriver {
                name: driver.name.as_ref().map(|name| self.text(&format!("{key}.name"), name)),
                system,
                bits,
                path: path.clone(),
            });
        }
        all
    }
}
