//! The orders' reference numbers: kept with a job, and named in errors.

use base16ct::lower::encode_string as hex;
use usbtoken::driver::TokenIdentity;
use usbtoken::error::Fact;
use usbtoken::renewal::PendingKey;
use usbtoken::{Code, Error, Result, Session};

use super::{Keeper, STATE_VARIABLES};
use crate::journal::{Journal, JournalEntry, Order};
use crate::reference::Reference;

impl Keeper {
    /// The same job with the order's reference number, which is kept where it is new.
    pub fn with_reference(&self, entry: &JournalEntry, reference: Option<Reference>) -> JournalEntry {
        let with = entry.clone().with_reference(reference);
        if with != *entry {
            // What cannot be kept is shown by this run, and was shown by whoever said it.
            let _ = self.update(&with);
        }
        with
    }

    /// The order's reference number, where one is kept for the job of this key.
    pub fn reference(&self, session: &Session, key_id: &[u8]) -> Option<Reference> {
        self.journal.as_ref()?.reference(session.token().identity(), key_id)
    }

    /// Keeps the number of a job that this computer knows nothing else of.
    ///
    /// # Errors
    /// [`Code::JournalUnusable`].
    pub fn keep_order(&self, session: &Session, key: &PendingKey, reference: &Reference) -> Result<()> {
        let (token, old_serial) = (session.token().identity().clone(), key.concerns());
        let order = Order { token, key_id: hex(key.id()), old_serial, reference: reference.clone() };
        match &self.journal {
            Some(journal) => journal.keep_order(&order),
            None => Err(Error::new(Code::JournalUnusable).fact(Fact::Expected, STATE_VARIABLES)),
        }
    }

    /// Names the orders that an error may be about, where it names none: those of the keys that it names; else those of the
    /// token, and of the certificate that is renewed. Where no token is known yet, only one that is the only one.
    pub fn name_orders(&self, error: Error, token: Option<&TokenIdentity>, old: Option<&str>) -> Error {
        if error.facts().any(|(fact, _)| fact == Fact::Reference) {
            return error;
        }
        let keys: Vec<&str> = error.facts().filter(|(fact, _)| *fact == Fact::Id).map(|(_, id)| id).collect();
        // An error that names a token is about none of another one's orders.
        let named: Vec<&str> =
            error.facts().filter(|(fact, _)| *fact == Fact::Token).map(|(_, token)| token).collect();
        let is_meant = |order: &Order| {
            token.is_none_or(|token| order.token.is_same_token(token))
                && (named.is_empty() || named.contains(&order.token.to_string().as_str()))
                && (keys.is_empty() || keys.contains(&order.key_id.as_str()))
                && old.is_none_or(|serial| order.old_serial.as_deref() == Some(serial))
        };
        let mut orders = self.journal.as_ref().map(Journal::orders).unwrap_or_default();
        orders.retain(is_meant);
        if token.is_none() && orders.len() > 1 {
            return error;
        }
        orders.into_iter().fold(error, |error, order| error.fact(Fact::Reference, order.reference))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kept::Place;

    fn token(label: &str) -> TokenIdentity {
        let text = |text: &str| text.to_owned();
        TokenIdentity { label: text(label), manufacturer: text("M"), model: text("T"), serial: text(label) }
    }

    /// The only order there is belongs to an error that names no token, or its own.
    #[test]
    fn an_error_about_another_token_names_no_order() {
        let home = tempfile::tempdir().unwrap();
        let journal = Journal::at(home.path().join("usbtoken"));
        let reference: Reference = "A-1".parse().unwrap();
        let order = Order { token: token("A"), key_id: "01".to_owned(), old_serial: None, reference };
        journal.prepare().unwrap();
        journal.keep_order(&order).unwrap();
        let keeper = Keeper { journal: Some(journal), place: Place::Journal, passed: None };
        let names_it = |error: Error| {
            let named = keeper.name_orders(error, None, None);
            named.facts().any(|(fact, _)| fact == Fact::Reference)
        };
        let error = || Error::new(Code::TokenOfOtherBank);
        assert!(names_it(error()));
        assert!(names_it(error().fact(Fact::Token, token("A"))));
        assert!(!names_it(error().fact(Fact::Token, token("B"))));
    }
}
