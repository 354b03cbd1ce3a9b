//! What to do next, in the bank's own words.

use super::profile::{Bank, TooLate};
use crate::error::{Code, Error};
use crate::text::{Lang, Phrase, Report};

/// Where the usual sentence sends a customer to the branch, the bank says whom to call.
const BRANCH: &str = "お取引店";

impl Bank {
    /// What is said about an error to this bank's customer: the bank's own next step where the profile has one, and whom
    /// to call where the next step is to ask.
    pub fn report(&self, error: &Error, lang: Lang) -> Report {
        let report = error.report(lang);
        let code = error.code();
        let asks = code.message(Lang::Ja).next_action.contains(BRANCH);
        let report = match self.next_step(code, lang) {
            Some(next) => report.with_next_action(next),
            None => report,
        };
        if asks {
            self.contacts.iter().fold(report, |report, one| report.with_contact(one.line(lang)))
        } else {
            report
        }
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
