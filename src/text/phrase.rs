//! The words of the command's own output: headings, results, prompts.

use std::time::SystemTime;

use jiff::{Timestamp, Zoned, tz::TimeZone};

use super::{Lang, en, ja};

/// Words that a program shows besides errors, warnings and progress. Values in them are printed as they are:
/// pass what comes from outside through [`super::printable`].
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Phrase<'a> {
    /// A point in time, in Japan standard time with the zone named.
    Moment(SystemTime),
    /// A date, given as `YYYY-MM-DD`.
    Day(&'a str),
    /// How many days a certificate is still valid, counted in Japanese calendar dates.
    DaysLeft(i64),
    /// How many days ago something was made.
    Age(i64),

    /// Heading: a token.
    Token,
    /// Label: the serial number of a token.
    TokenSerial,
    /// Label: the serial number of a certificate, as screen CCHK007 has it.
    CertificateSerial,
    /// Label: the end of validity.
    Expiry,
    /// Label: whether it can be renewed.
    Renewal,
    /// Label: kind of key.
    Key,
    /// Label: how well the private key is protected.
    Protection,
    /// Label: the identifier.
    Id,
    /// Label: the serial number of the certificate that a pending key will replace, or belonged to.
    Concerns,
    /// Label: how far something got.
    Status,
    /// Label: the day on which it began.
    Since,
    /// Title: a first issue, without an old certificate.
    FirstIssue,

    /// It can be renewed now.
    Renewable,
    /// It can be renewed from that date in Japan on, written `YYYY-MM-DD`.
    RenewableFrom(&'a str),
    /// It has expired.
    NotRenewableExpired,
    /// Its private key is not on the token.
    NotRenewableNoKey,

    /// The key is proven not to be exportable.
    ProofProven,
    /// The driver claims that the key is not exportable.
    ProofClaimed,
    /// The key may be exportable.
    ProofRefused,
    /// Not known before login.
    ProofUnknown,

    /// State of a pending key: the CA's answer is awaited.
    AwaitingAnswer,
    /// State of a pending key: the certificate is written, the key has not signed yet.
    CertificateWritten,
    /// State of a pending key: the removal of an old credential stopped in the middle.
    HalfRetired,
    /// State of a pending key: only a public key is left.
    Remnant,

    /// There is no certificate on the token.
    NoCredentials,
    /// There is no pending key on the token.
    NoPending,

    /// Prompt for the PIN of that token.
    PinPrompt(&'a str),
    /// The PIN is entered at the token itself.
    PinPad(&'a str),
    /// Question before what may be the last attempt at the PIN; the answer is the word `yes`.
    ConfirmFinalTry,
    /// Question before a credential or key is removed; the answer is the word `yes`.
    ConfirmRemoval,

    /// A certificate was issued and installed.
    Installed,
    /// What to do for the browser to see the new certificate.
    RestartBrowsers,
    /// The request was written to that file.
    RequestWritten(&'a str),
    /// What to do with the request.
    SendRequest,
    /// The old credential was removed.
    Retired,
    /// The pending key was removed.
    Abandoned,
    /// Question whether to go on with the key that is pending; the answer is the word `yes`.
    ConfirmResume,

    /// State of a point: in order.
    Fine,
    /// State of a point: a warning.
    Warning,
    /// State of a point: the renewal cannot work.
    Blocker,
    /// All points allow the renewal.
    CanRenew,
    /// At least one point forbids the renewal.
    CannotRenew,

    /// Hint of the command: name the driver.
    HintModule,
    /// Hint of the command: name the token.
    HintToken,
    /// Hint of the command: name the credential.
    HintCredential,
    /// Hint of the command: the pending keys.
    HintPending,
    /// Hint of the command: renew outside the window.
    HintForce,
    /// Hint of the command: confirm the last attempt.
    HintFinalTry,
    /// Hint of the command: where the PIN may come from.
    HintPin,
    /// Hint of the command: overwrite a file.
    HintOverwrite,
}

impl Phrase<'_> {
    /// The words in that language.
    pub fn text(&self, lang: Lang) -> String {
        match lang {
            Lang::Ja => ja::phrase(self),
            Lang::En => en::phrase(self),
        }
    }
}

/// Japan standard time is UTC+9 all year round (no summer time since 1951).
pub(super) fn in_japan(moment: SystemTime) -> Option<Zoned> {
    let zone = TimeZone::fixed(jiff::tz::offset(9));
    Timestamp::try_from(moment).ok().map(|timestamp| timestamp.to_zoned(zone))
}
