//! One list of what can be renewed: over all tokens that are plugged in and all places of this computer, as screen CCHK001 shows it.
//!
//! Nothing is changed, no one logs in, and no password is asked for.
//!
//! ```no_run
//! use std::time::SystemTime;
//! use usbtoken::overview::Overview;
//! use usbtoken::{Finder, Policy};
//!
//! let finder = Finder::new();
//! let tokens = finder.tokens()?.tokens;
//! let overview = Overview::read(tokens, &[], finder.loading(), &Policy::default(), SystemTime::now())?;
//! for one in overview.list.iter().filter(|one| one.not_renewable_because().is_none()) {
//!     println!("{} {}", one.old().place(), one.old().subject());
//! }
//! # Ok::<(), usbtoken::Error>(())
//! ```

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use crate::bank::Policy;
use crate::contents::Credentials;
use crate::discovery::each;
use crate::driver::{Loading, Token, TokenIdentity};
use crate::error::{Code, Error, Result};
use crate::pki::{Certificate, Serial};
use crate::places::{self, OldCertificate, Place};
use crate::renewal::{Run, Successor};

/// How long the tokens of one driver may take to be read: a card with a hundred objects and slow calls stays far below.
const LONGEST: Duration = Duration::from_secs(180);

/// What could be renewed, by its end, and what could not be read.
#[derive(Debug)]
#[non_exhaustive]
pub struct Overview {
    /// The certificates, the first to end first.
    pub list: Vec<Listed>,
    /// The tokens that were read, those without a certificate too.
    pub tokens: Vec<TokenIdentity>,
    /// Why tokens and places were passed over.
    pub skipped: Vec<Error>,
    /// What the tokens show.
    shown: Vec<(TokenIdentity, Credentials)>,
}

/// One certificate of the list.
#[derive(Clone, Debug)]
pub struct Listed {
    old: OldCertificate,
    token: Option<TokenIdentity>,
    because: Option<Code>,
    renewed_by: Option<(TokenIdentity, Serial)>,
    may_be_banks: bool,
}

impl Listed {
    /// The certificate, and where it is: on a token ([`Place::OtherToken`]), or in a place of this computer. It can be given to
    /// [`Renewal::of`](crate::Renewal::of) for the token that it is on as well as for another.
    pub fn old(&self) -> &OldCertificate {
        &self.old
    }

    /// The token that it is on.
    pub fn token(&self) -> Option<&TokenIdentity> {
        self.token.as_ref()
    }

    /// Why it cannot be renewed now, as far as can be seen without a PIN; `None`: it can.
    pub fn not_renewable_because(&self) -> Option<Code> {
        self.because
    }

    /// The token and the serial number of the certificate that is said to take its place. Anybody can write that on some tokens: it
    /// is for showing.
    pub fn renewed_by(&self) -> Option<(&TokenIdentity, &Serial)> {
        self.renewed_by.as_ref().map(|(token, serial)| (token, serial))
    }

    /// Whether a CA that the policy names may have issued it; true of all where it names none.
    pub fn may_be_banks(&self) -> bool {
        self.may_be_banks
    }
}

impl Overview {
    /// Reads these tokens, the places of this computer, and these places too, with drivers loaded in this way where a place has
    /// one. What cannot be read hides nothing else.
    ///
    /// # Errors
    /// [`Code::OutOfMemory`] when the system gives no thread.
    pub fn read(
        tokens: Vec<Token>,
        also: &[Place],
        loading: &Loading,
        policy: &Policy,
        now: SystemTime,
    ) -> Result<Self> {
        let (mut seen, mut skipped) = (Vec::new(), Vec::new());
        for one in each(tokens, LONGEST, |token| Ok((token.clone(), token.credentials()?)))? {
            match one {
                Ok(read) => seen.push(read),
                Err(error) => skipped.push(error),
            }
        }
        let mut list: Vec<Listed> =
            seen.iter().flat_map(|(token, all)| on_token(token, all, &seen, policy, now)).collect();
        let (elsewhere, unread) = places::on_this_computer(also, loading);
        list.extend(elsewhere.into_iter().map(|old| in_place(old, &seen, policy, now)));
        skipped.extend(unread);
        list.sort_by_key(|one| one.old.certificate().not_after());
        let tokens = seen.iter().map(|(token, _)| token.identity().clone()).collect();
        let shown = seen.into_iter().map(|(token, all)| (token.identity().clone(), all)).collect();
        Ok(Overview { list, tokens, skipped, shown })
    }

    /// The same with what was renewed onto a token that is not plugged in, by what this run knows ([`Run::installations_in`]), or that is
    /// and may hold it unseen; and with what is said to be renewed on its own token by that alone ([`Credentials::known_to`]).
    #[must_use]
    pub fn knowing(mut self, run: &Run<'_>) -> Self {
        for (token, all) in &self.shown {
            let known = all.clone().known_to(run);
            let said = known.iter().filter_map(|one| Some((one.certificate(), one.successor()?)));
            let said: HashMap<&[u8], &Successor> = said.map(|(old, by)| (old.der(), by)).collect();
            let on_it = self.list.iter_mut().filter(|one| one.token.as_ref() == Some(token));
            for one in on_it.filter(|one| one.renewed_by.is_none()) {
                if let Some(by) = said.get(one.old.certificate().der()) {
                    one.because = Some(Code::AlreadyRenewed);
                    one.renewed_by = Some((token.clone(), by.certificate.serial().clone()));
                }
            }
        }
        for one in self.list.iter_mut().filter(|one| one.renewed_by.is_none()) {
            let old = one.old.certificate();
            let is_gone = |token: &TokenIdentity| {
                self.shown.iter().any(|(seen, all)| seen == token && run.renewal_is_gone(old, token, all))
            };
            let onto = run
                .renewed_onto(old)
                .filter(|(token, _)| one.token.as_ref() != Some(token) && !is_gone(token));
            if let Some((token, by)) = onto {
                one.because = one.because.or(Some(Code::AlreadyRenewed));
                one.renewed_by = Some((token, by.serial().clone()));
            }
        }
        self
    }
}

fn on_token<'t>(
    token: &'t Token,
    all: &'t Credentials,
    seen: &'t [(Token, Credentials)],
    policy: &'t Policy,
    now: SystemTime,
) -> impl Iterator<Item = Listed> + 't {
    let place = Place::OtherToken(Box::new(token.uri()));
    all.iter().filter_map(move |one| {
        let certificate = one.certificate();
        let here = one.successor().map(|by| (token.identity().clone(), by.certificate.serial().clone()));
        let renewed_by = here.or_else(|| replaced_on(seen, certificate));
        let because = one.renewable(policy.window, now).code();
        Some(Listed {
            old: OldCertificate::of(one, place.clone())?,
            token: Some(token.identity().clone()),
            because: because.or(renewed_by.as_ref().map(|_| Code::AlreadyRenewed)),
            renewed_by,
            may_be_banks: policy.may_have_issued(certificate, one.authorities()),
        })
    })
}

/// The token and the certificate that are said to have taken this one's place.
fn replaced_on(seen: &[(Token, Credentials)], old: &Certificate) -> Option<(TokenIdentity, Serial)> {
    seen.iter().find_map(|(token, all)| {
        let by = all.said_to_replace(old)?;
        Some((token.identity().clone(), by.certificate().serial().clone()))
    })
}

fn in_place(old: OldCertificate, seen: &[(Token, Credentials)], policy: &Policy, now: SystemTime) -> Listed {
    let renewed_by = replaced_on(seen, old.certificate());
    let because = old.not_renewable_because(&policy.window, now);
    let because = because.or(renewed_by.as_ref().map(|_| Code::AlreadyRenewed));
    let may_be_banks = policy.may_have_issued(old.certificate(), old.authorities());
    Listed { old, token: None, because, renewed_by, may_be_banks }
}
