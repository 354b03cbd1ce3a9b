//! What is done in the sweep: each scene is one run of the command on a token in a known state.

use std::path::Path;

use super::play::NEW_PIN_VARIABLE;
use super::stage::Start;

/// One run of the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scene {
    /// The whole renewal in one process.
    Renew,
    /// The first half of a renewal in two processes.
    Request,
    /// The second half.
    Install,
    /// Going on with a pending key.
    Resume,
    /// The same answer again, after the certificate was written and before its key had signed.
    InstallWritten,
    /// Giving a pending key up.
    Abandon,
    /// Removing the old credential.
    Retire,
    /// Ending a removal that was interrupted.
    RetireAgain,
    /// A renewal with the wrong PIN.
    WrongPin,
    /// Changing the PIN.
    PinChange,
    /// As [`Scene::Install`], among objects of others that look like ours.
    InstallAmong,
    /// As [`Scene::Abandon`], among them.
    AbandonAmong,
    /// As [`Scene::Retire`], among them.
    RetireAmong,
}

/// What the token holds after a scene that succeeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// What it held before and a complete new credential; nothing is pending.
    Renewed,
    /// What it held before and one pending key.
    Pending,
    /// Nothing that is pending or was to be removed.
    Removed,
    /// The run is refused and the token holds what it held.
    Refused,
    /// The token holds what it held, and takes the new PIN and no more the old one.
    PinChanged,
}

impl Scene {
    /// Every scene.
    pub const ALL: [Scene; 13] = [
        Scene::Renew,
        Scene::Request,
        Scene::Install,
        Scene::Resume,
        Scene::InstallWritten,
        Scene::Abandon,
        Scene::Retire,
        Scene::RetireAgain,
        Scene::WrongPin,
        Scene::PinChange,
        Scene::InstallAmong,
        Scene::AbandonAmong,
        Scene::RetireAmong,
    ];

    /// As it stands in the name of a case.
    pub fn name(self) -> &'static str {
        match self {
            Scene::Renew => "renew",
            Scene::Request => "request",
            Scene::Install => "install",
            Scene::Resume => "resume",
            Scene::InstallWritten => "install-written",
            Scene::Abandon => "abandon",
            Scene::Retire => "retire",
            Scene::RetireAgain => "retire-again",
            Scene::WrongPin => "wrong-pin",
            Scene::PinChange => "pin-change",
            Scene::InstallAmong => "install-among",
            Scene::AbandonAmong => "abandon-among",
            Scene::RetireAmong => "retire-among",
        }
    }

    /// The scene with this name.
    pub fn named(name: &str) -> Option<Scene> {
        Scene::ALL.into_iter().find(|scene| scene.name() == name)
    }

    /// The state of the token at the beginning.
    pub fn start(self) -> Start {
        match self {
            Scene::Renew | Scene::Request | Scene::WrongPin | Scene::PinChange => Start::Fresh,
            Scene::Install | Scene::Resume | Scene::Abandon => Start::Pending,
            Scene::InstallWritten => Start::Written,
            Scene::Retire => Start::Renewed,
            Scene::RetireAgain => Start::RetireInterrupted,
            Scene::InstallAmong | Scene::AbandonAmong => Start::PendingAmong,
            Scene::RetireAmong => Start::RenewedAmong,
        }
    }

    /// What it is for.
    pub fn goal(self) -> Goal {
        match self {
            Scene::Renew | Scene::Install | Scene::InstallAmong | Scene::Resume | Scene::InstallWritten => {
                Goal::Renewed
            }
            Scene::Request => Goal::Pending,
            Scene::Abandon
            | Scene::AbandonAmong
            | Scene::Retire
            | Scene::RetireAmong
            | Scene::RetireAgain => Goal::Removed,
            Scene::WrongPin => Goal::Refused,
            Scene::PinChange => Goal::PinChanged,
        }
    }

    /// Whether it mends or ends a job that was interrupted, or removes what it replaced.
    pub fn is_compound(self) -> bool {
        !matches!(self, Scene::Renew | Scene::Request | Scene::Install | Scene::WrongPin | Scene::PinChange)
    }

    /// Whether the old credential is what is removed here, so that the new one has to be whole.
    pub fn retires(self) -> bool {
        matches!(self, Scene::Retire | Scene::RetireAmong | Scene::RetireAgain)
    }

    /// Whether it removes the key that waits, which its URI has to name: the place knows nothing of its request.
    pub fn abandons(self) -> bool {
        matches!(self, Scene::Abandon | Scene::AbandonAmong)
    }

    /// What another job does on the same token meanwhile: what would harm this one most.
    pub fn company(self, old_serial: &str, anchor: &str, waiting: &str) -> Vec<String> {
        let words: &[&str] = match self.start() {
            Start::Fresh if self == Scene::PinChange => &["pending"],
            Start::Fresh => &["renew", "--issuer", "false"],
            Start::Pending | Start::PendingAmong | Start::Written => {
                &["abandon", "--yes", "--token", waiting]
            }
            Start::Renewed | Start::RenewedAmong | Start::RetireInterrupted => {
                return self.retire_words(old_serial, anchor);
            }
        };
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    /// The words that remove the old credential; among strangers with its serial number its id names it.
    pub fn retire_words(self, old_serial: &str, anchor: &str) -> Vec<String> {
        let (option, value) =
            if self == Scene::RetireAmong { ("--id", "01") } else { ("--serial", old_serial) };
        ["retire", "--yes", "--trust-anchor", anchor, option, value].map(Into::into).into()
    }

    /// The words for the command. `folder` is the case's own.
    pub fn words(
        self,
        issuer: &str,
        answer: &Path,
        old_serial: &str,
        anchor: &str,
        folder: &Path,
    ) -> Vec<String> {
        let path = |path: &Path| path.display().to_string();
        let words: Vec<String> = match self {
            Scene::Renew | Scene::WrongPin => vec!["renew".into(), "--issuer".into(), issuer.into()],
            Scene::PinChange => ["pin", "change", "--new-pin-env", NEW_PIN_VARIABLE].map(Into::into).into(),
            Scene::Request => vec!["request".into(), "--out".into(), path(&folder.join("request.pem"))],
            Scene::Install | Scene::InstallAmong | Scene::InstallWritten => {
                vec!["install".into(), path(answer)]
            }
            Scene::Resume => {
                vec!["resume".into(), "--sign-again".into(), "--issuer".into(), issuer.into()]
            }
            Scene::Abandon | Scene::AbandonAmong => vec!["abandon".into(), "--yes".into()],
            Scene::Retire | Scene::RetireAmong | Scene::RetireAgain => self.retire_words(old_serial, anchor),
        };
        words
    }
}
