//! What is promised, each on a token that holds something of other people or nothing.

mod answers;
mod foreign;
mod job;
mod killed;
mod login;
mod stage;

use crate::report::Report;
use crate::target::Target;

/// A promise. It panics with a sentence when it is not kept, and leaves the token as it was.
pub struct Promise {
    /// The stable name.
    pub name: &'static str,
    /// What is done to the token for it.
    pub what: &'static str,
    /// Keeps it; what came of it beside is put into the report.
    pub keep: fn(&Target, &mut Report),
}

/// In the order in which they are tried.
pub const PROMISES: &[Promise] = &[
    Promise {
        name: "reading",
        what: "read the certificates without a PIN; find the token by its URI, and by no other",
        keep: job::reading,
    },
    Promise {
        name: "renewal",
        what: "make a first credential, renew it in one process and in two, retire the old one; the kit signs with each",
        keep: job::renewal,
    },
    Promise {
        name: "login",
        what: "renew a credential, log in with the old one and the new one at nginx by TLS 1.2 and 1.3, retire the old one",
        keep: login::login,
    },
    Promise {
        name: "wrong_answers",
        what: "make a key, give it eight answers that are wrong, and abandon it",
        keep: answers::wrong_answers,
    },
    Promise {
        name: "abandoned",
        what: "make a key, list it as pending, and abandon it",
        keep: job::abandoned,
    },
    Promise {
        name: "equal_ids",
        what: "put a key pair and a certificate of other people under the identifier of a new key; they stay, and it gets its own",
        keep: foreign::equal_ids,
    },
    Promise {
        name: "equal_ids_removed",
        what: "put a key pair and a CA's certificate of other people under the identifiers of what is retired and abandoned; they stay, ours goes",
        keep: foreign::equal_ids_removed,
    },
    Promise {
        name: "alike",
        what: "put another CA's credential with the same serial number, subject and label beside the old one, and copies of public keys; retire and abandon ours",
        keep: foreign::alike,
    },
    Promise {
        name: "killed",
        what: "end the program before and after calls that write; what stays is listed, and goes or goes on",
        keep: killed::killed,
    },
];
