//! The orders' reference numbers, which a program has noted on a context.

use std::collections::BTreeMap;
use std::sync::Mutex;

use usbtoken::error::Fact;
use usbtoken::text::printable;
use usbtoken::{Error, Result};

use crate::base::args;
use crate::base::lock::lock;

/// No order's number is longer, in characters.
const LONGEST: usize = 100;

/// The numbers by the CKA_ID of the key that waits, in lower-case hexadecimal.
#[derive(Default)]
pub(crate) struct Orders(Mutex<BTreeMap<String, String>>);

impl Orders {
    /// The number of the order for this key, whose identifier a program gave.
    pub(crate) fn of_given(&self, id: &str) -> Result<Option<String>> {
        Ok(self.of_key(&identifier("key_id", id)?))
    }

    /// The number of the order for this key.
    pub(crate) fn of_key(&self, id: &str) -> Option<String> {
        lock(&self.0).get(id).cloned()
    }

    /// Names with an error the order that it is about: that of the key that it names, else the only one there is.
    pub(crate) fn name(&self, error: Error) -> Error {
        let orders = lock(&self.0);
        let keys: Vec<&str> = error.facts().filter(|(fact, _)| *fact == Fact::Id).map(|(_, id)| id).collect();
        let meant = match (keys.as_slice(), orders.len()) {
            ([], 1) => orders.values().next(),
            (keys, _) => keys.iter().find_map(|id| orders.get(*id)),
        };
        let meant = meant.cloned();
        meant.into_iter().fold(error, |error, reference| error.fact(Fact::Reference, reference))
    }

    /// Notes the number of this key, or forgets it.
    pub(crate) fn note(&self, id: &str, reference: Option<&str>) -> Result<()> {
        let (id, mut orders) = (identifier("pending_id", id)?, lock(&self.0));
        match reference.map(str::trim) {
            None => drop(orders.remove(&id)),
            Some(number) => {
                let is_line = printable(number) == number && number.chars().count() <= LONGEST;
                if number.is_empty() || !is_line {
                    return Err(args::bad("reference", "no_reference"));
                }
                orders.insert(id, number.to_owned());
            }
        }
        Ok(())
    }
}

/// The identifier of a key as the numbers are kept by it.
fn identifier(name: &str, id: &str) -> Result<String> {
    let is_id =
        !id.is_empty() && id.len().is_multiple_of(2) && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_id { Ok(id.to_ascii_lowercase()) } else { Err(args::bad(name, "not_hexadecimal")) }
}
