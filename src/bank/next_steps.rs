//! What to do next, in the bank's own words.

use std::borrow::Cow;

use super::profile::{Bank, BankToken, Delivered, TooLate};
use super::words::call_pin;
use crate::driver::TokenIdentity;
use crate::error::{Code, Error, Fact};
use crate::text::{Lang, Phrase, Report};

/// Where the usual sentence sends a customer to the branch, the bank says whom to call.
const BRANCH: &str = "お取引店";

/// The reason where a token reaches the customer without a certificate.
const CAME_EMPTY: &str = "delivered_empty";

impl Bank {
    /// What is said about an error to this bank's customer: the bank's own next step where the profile has one, and whom
    /// to call where the next step is to ask.
    pub fn report(&self, error: &Error, lang: Lang) -> Report {
        let report = error.report(lang);
        let code = error.code();
        let came_empty = code == Code::CredentialNotFound
            && error.facts().any(|(fact, value)| fact == Fact::Reason && value == CAME_EMPTY);
        let asks = came_empty || code.message(Lang::Ja).next_action.contains(BRANCH);
        let report = match self.next_step(code, lang) {
            Some(next) => report.with_next_action(next),
            None if came_empty => report.with_next_action(Phrase::FirstCertificate.text(lang)),
            None => report,
        };
        let report = report.in_words(error, |text| self.in_its_words(text, lang).into_owned());
        if asks {
            self.contacts.iter().fold(report, |report, one| report.with_contact(one.line(lang)))
        } else {
            report
        }
    }

    /// A text of ours in which the PIN is called what the bank's letter calls it.
    pub fn in_its_words<'t>(&self, text: &'t str, lang: Lang) -> Cow<'t, str> {
        match &self.pin {
            Some(name) => call_pin(text, name.text(lang)).into(),
            None => text.into(),
        }
    }

    /// Says with an error what the way in which the token reached the customer has to do with it: one that comes empty holds
    /// no certificate, and one that comes with an initial PIN may have that still.
    pub fn explain(&self, error: Error, token: &TokenIdentity) -> Error {
        let reason = match (self.delivered(token), error.code()) {
            (Delivered::Empty, Code::CredentialNotFound | Code::CredentialNotSeen) => CAME_EMPTY,
            (Delivered::InitialPin, Code::PinIncorrect | Code::PinLocked) => "initial_pin",
            _ => return error,
        };
        error.fact(Fact::Reason, reason)
    }

    /// How this token reached the customer.
    pub fn delivered(&self, token: &TokenIdentity) -> Delivered {
        let TokenIdentity { label, manufacturer, model, serial } = token;
        let is_meant = |one: &&BankToken| {
            one.patterns.iter().any(|pattern| pattern.matches(label, manufacturer, model, serial))
        };
        self.tokens.iter().find(is_meant).map(|one| one.delivered).unwrap_or_default()
    }

    /// What the bank says is to be done after an error of that kind; none where the usual sentence holds.
    pub fn next_step(&self, code: Code, lang: Lang) -> Option<String> {
        let own = self.next_steps.iter().find(|step| step.code == code);
        if let Some(own) = own {
            return Some(own.words.text(lang).to_owned());
        }
        let too_late = matches!(code, Code::Expired | Code::RenewalClosed);
        self.too_late.as_ref().filter(|_| too_late).map(|late| late.text(lang))
    }
}

impl TooLate {
    /// What is to be done, as one or two sentences.
    pub fn text(&self, lang: Lang) -> String {
        let phrase = match self {
            TooLate::NewIssue => Phrase::TooLateNewIssue,
            TooLate::RevokeFirst => Phrase::TooLateRevokeFirst,
            TooLate::Form => Phrase::TooLateForm,
            TooLate::Contact => Phrase::TooLateContact,
            TooLate::Words(words) => return words.text(lang).to_owned(),
        };
        phrase.text(lang)
    }
}
