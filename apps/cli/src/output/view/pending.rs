//! Pending keys as the command shows them.

use std::path::Path;
use std::time::SystemTime;

use base16ct::lower::encode_string as hex;
use serde::Serialize;
use usbtoken::driver::TokenIdentity;
use usbtoken::error::Fact;
use usbtoken::places::{OldCertificate, Place};
use usbtoken::renewal::{BegunBy, HalfWritten, PendingKey, PendingState};
use usbtoken::text::{Lang, Phrase, printable};

use super::{Lines, Token};
use crate::journal::JournalEntry;
use crate::reference::Reference;
use crate::words::Words;

/// A key whose job is not finished.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Pending {
    pub token: Token,
    pub id: String,
    pub state: PendingState,
    /// Null: the token does not tell the public key.
    pub key_algorithm: Option<String>,
    /// The date in Japan on which the job began.
    pub since: String,
    pub age_days: i64,
    /// The serial number of the certificate that the job renews or removes; null for a first certificate.
    pub concerns_serial: Option<String>,
    /// That certificate's subject, if it is on the token or this computer keeps it.
    pub concerns_subject: Option<String>,
    /// Where that certificate was when the job began, if it was not on the token; null where it was, or that is not known.
    pub from: Option<Place>,
    /// Who began the job.
    pub by: BegunBy,
    /// Whether the job is a first issue.
    pub first: bool,
    /// Whether it is an order for the key of a certificate that is in use: of that nothing waits on the token.
    pub key_reused: bool,
    /// Why it is not certain that the record on the key is its own, if it is not.
    pub doubt: Option<&'static str>,
    /// What to do then, in the language of the run.
    pub doubt_next: Option<String>,
    pub half_written: HalfWritten,
    /// The file with the CA's answer, where it came already; null while it is awaited.
    pub answer_file: Option<String>,
    /// The command that installs it.
    pub go_on: Option<String>,
    /// The order's reference number, where one is known.
    pub reference: Option<Reference>,
    /// Whether this computer keeps the request and what else it knew of the job. Where it does not, the number is not known
    /// here either.
    pub kept_here: bool,
}

impl Pending {
    /// What the command shows of this pending key.
    pub fn of(token: &TokenIdentity, key: &PendingKey, now: SystemTime) -> Self {
        let concerned = key.old_credential().ok().flatten();
        Pending {
            token: Token::of(token),
            id: hex(key.id()),
            state: key.state(),
            key_algorithm: key.public_key().map(|public| public.algorithm().to_string()),
            since: key.since(),
            age_days: key.age_days(now),
            concerns_serial: key.concerns(),
            concerns_subject: concerned.map(|credential| credential.subject().to_string()),
            from: None,
            by: key.begun_by(),
            first: key.is_first(),
            key_reused: false,
            doubt: key.doubt(),
            doubt_next: None,
            half_written: key.half_written(),
            answer_file: None,
            go_on: None,
            reference: None,
            kept_here: false,
        }
    }

    /// What the command shows of an order for the key that this certificate has.
    pub fn of_order(kept: &JournalEntry, old: &usbtoken::Credential, now: SystemTime) -> Self {
        Pending {
            token: Token::of(&kept.token),
            id: kept.key_id.clone(),
            state: PendingState::AwaitingAnswer,
            key_algorithm: Some(old.key_algorithm().to_string()),
            since: kept.since.clone(),
            age_days: kept.age_days(now),
            concerns_serial: Some(old.certificate().serial().to_string()),
            concerns_subject: Some(old.subject().to_string()),
            from: None,
            by: BegunBy::Command,
            first: false,
            key_reused: true,
            doubt: None,
            doubt_next: None,
            half_written: HalfWritten::default(),
            answer_file: None,
            go_on: None,
            reference: kept.reference.clone(),
            kept_here: true,
        }
    }

    /// The same with the order's reference number.
    #[must_use]
    pub fn ordered(self, reference: Option<Reference>) -> Self {
        Pending { reference, ..self }
    }

    /// The same with what to do where it is doubtful.
    #[must_use]
    pub fn advised(self, next: Option<String>) -> Self {
        Pending { doubt_next: next, ..self }
    }

    /// The same, of which this computer keeps the request or does not.
    #[must_use]
    pub fn kept(self, kept_here: bool) -> Self {
        Pending { kept_here, ..self }
    }

    /// The same with the certificate that it renews, where that is not on the token.
    #[must_use]
    pub fn from(self, old: Option<OldCertificate>) -> Self {
        let Some(old) = old else { return self };
        Pending { concerns_subject: Some(old.subject().to_string()), from: Some(old.place().clone()), ..self }
    }

    /// The same with the file that holds the CA's answer, and the command that installs it.
    #[must_use]
    pub fn answered(self, answer: Option<(&Path, String)>) -> Self {
        let (file, go_on) = answer.map(|(file, go_on)| (file.display().to_string(), go_on)).unzip();
        Pending { answer_file: file, go_on, ..self }
    }

    /// The pending key as one entry of the list.
    pub fn entry(&self, number: usize, lang: Lang) -> String {
        let title = self.concerns_subject.clone().or_else(|| self.concerns_serial.clone());
        let unnamed = if self.first { Words::FirstIssue } else { Words::OldCertificateGone };
        let title = title.unwrap_or_else(|| unnamed.text(lang));
        let age = Words::Age(self.age_days).text(lang);
        let mut lines = Lines { lang, text: format!("{number:>3}. {}  {age}", printable(&title)) };
        lines.put(&Words::Status.text(lang), &progress_of(self.state).text(lang));
        if self.half_written != HalfWritten::default() {
            lines.put(&Words::Status.text(lang), &Words::HalfWritten.text(lang));
        }
        if let Some(doubt) = self.doubt {
            lines.put(&Words::Doubt.text(lang), &Fact::Reason.words(doubt, lang));
        }
        if let Some(next) = &self.doubt_next {
            lines.put(&Words::WhatToDo.text(lang), next);
        }
        if let Some(serial) = &self.concerns_serial {
            lines.put(&Words::Concerns.text(lang), serial);
        }
        if let Some(from) = &self.from {
            lines.put(Fact::Place.label(lang), &from.to_string());
        }
        match &self.key_algorithm {
            Some(algorithm) if self.key_reused => {
                lines.put(&Phrase::Key.text(lang), &Words::KeyInUse(algorithm).text(lang));
            }
            Some(algorithm) => lines.put(&Phrase::Key.text(lang), algorithm),
            None => {}
        }
        lines.put(&Words::Since.text(lang), &Phrase::Day(&self.since).text(lang));
        match self.by {
            BegunBy::Page => lines.put(&Words::BegunBy.text(lang), &Words::ByPage.text(lang)),
            BegunBy::Program => lines.put(&Words::BegunBy.text(lang), &Words::ByProgram.text(lang)),
            BegunBy::Command | BegunBy::PreviousRelease => {}
        }
        lines.put(&Phrase::Id.text(lang), &self.id);
        if let Some(reference) = &self.reference {
            lines.put(Fact::Reference.label(lang), reference.as_str());
        } else if !self.kept_here && self.state == PendingState::AwaitingAnswer {
            lines.put(Fact::Reference.label(lang), &Words::NumberNotHere.text(lang));
        }
        for (fact, value) in [(Fact::SavedAnswer, &self.answer_file), (Fact::GoOn, &self.go_on)] {
            if let Some(value) = value {
                lines.put(fact.label(lang), value);
            }
        }
        lines.text
    }
}

const fn progress_of(state: PendingState) -> Words<'static> {
    match state {
        PendingState::AwaitingAnswer => Words::AwaitingAnswer,
        PendingState::NotConfirmed => Words::NotConfirmed,
        PendingState::RetireInterrupted => Words::RetireInterrupted,
        PendingState::PublicKeyOnly => Words::PublicKeyOnly,
    }
}
