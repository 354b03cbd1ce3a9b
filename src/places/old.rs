//! The certificate that is renewed, wherever it is.

use serde::{Deserialize, Serialize};

use super::place::Place;
use crate::contents::{Credential, Identified, about};
use crate::error::{Code, Error, Fact, Result};
use crate::pki::{Certificate, KeyAlgorithm, Name, Window, WindowState, days_left, read_anchors};
use std::time::SystemTime;

/// How many CA certificates beside an old one are kept.
const MAX_AUTHORITIES: usize = 16;

/// The certificate that is renewed, and where it is.
///
/// It is serialized with the certificate itself, so that days later another process has it although the file has moved.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(into = "Kept", try_from = "Kept")]
pub struct OldCertificate {
    certificate: Certificate,
    whereabouts: Whereabouts,
}

#[derive(Clone, Debug)]
enum Whereabouts {
    OnToken(Box<Credential>),
    Elsewhere {
        place: Place,
        authorities: Vec<Certificate>,
        /// SHA-256 of the file that it was read from, where that opens with a password alone.
        file: Option<String>,
    },
}

/// As it is kept: PEM, which people can read and exchange.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    place: Place,
    certificate: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    authorities: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    file_sha256: Option<String>,
}

impl OldCertificate {
    /// A certificate that the calling program has, in DER, with CA certificates that it knows above it.
    ///
    /// # Errors
    /// [`Code::OldFileUnusable`] when it cannot be read; [`Code::OldIsCa`].
    pub fn given(der: &[u8]) -> Result<Self> {
        let certificate = Certificate::from_der(der).map_err(|error| {
            Error::new(Code::OldFileUnusable).fact(Fact::Place, Place::Given).caused_by(error)
        })?;
        Self::elsewhere(certificate, Place::Given, &[])
    }

    /// A certificate in a place.
    ///
    /// # Errors
    /// [`Code::OldIsCa`].
    pub(super) fn elsewhere(
        certificate: Certificate,
        place: Place,
        authorities: &[Certificate],
    ) -> Result<Self> {
        if certificate.is_ca() {
            let error = Error::new(Code::OldIsCa).fact(Fact::Subject, certificate.subject());
            return Err(error.fact(Fact::Place, place));
        }
        let authorities = authorities.iter().take(MAX_AUTHORITIES).cloned().collect();
        let whereabouts = Whereabouts::Elsewhere { place, authorities, file: None };
        Ok(OldCertificate { certificate, whereabouts })
    }

    /// This credential's certificate, as one that is on another token; `None` for a CA's.
    pub(crate) fn of(credential: &Credential, place: Place) -> Option<Self> {
        Self::elsewhere(credential.certificate().clone(), place, credential.authorities()).ok()
    }

    /// The same in another place.
    pub(super) fn at(mut self, other: Place) -> Self {
        if let Whereabouts::Elsewhere { place, .. } = &mut self.whereabouts {
            *place = other;
        }
        self
    }

    /// The same, read from a file with this SHA-256 (in hexadecimal).
    pub(super) fn in_file(mut self, sha256: Option<String>) -> Self {
        if let Whereabouts::Elsewhere { file, .. } = &mut self.whereabouts {
            *file = sha256;
        }
        self
    }

    /// SHA-256 of the file that it was read from, where that opens with a password alone.
    pub(super) fn file_sha256(&self) -> Option<&str> {
        match &self.whereabouts {
            Whereabouts::Elsewhere { file, .. } => file.as_deref(),
            Whereabouts::OnToken(_) => None,
        }
    }

    /// The certificate.
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// Its subject.
    pub fn subject(&self) -> &Name {
        self.certificate.subject()
    }

    /// The kind of its key.
    pub fn key_algorithm(&self) -> KeyAlgorithm {
        self.certificate.public_key().algorithm()
    }

    /// The days until it ends, counted by calendar date in Japan; negative after it.
    pub fn days_left(&self, now: SystemTime) -> i64 {
        days_left(self.certificate.not_after(), now)
    }

    /// The code that says why it cannot be renewed now, as far as its dates say; `None`: it can.
    pub fn not_renewable_because(&self, window: &Window, now: SystemTime) -> Option<Code> {
        match window.state(self.certificate.not_after(), now) {
            WindowState::Open { .. } => None,
            WindowState::NotYet { .. } => Some(Code::NotYetRenewable),
            WindowState::Expired { .. } => Some(Code::Expired),
            WindowState::Closed { .. } => Some(Code::RenewalClosed),
            WindowState::ServiceEnded { .. } => Some(Code::ServiceEnded),
        }
    }

    /// Where it is.
    pub fn place(&self) -> &Place {
        match &self.whereabouts {
            Whereabouts::OnToken(_) => &Place::Token,
            Whereabouts::Elsewhere { place, .. } => place,
        }
    }

    /// The credential on the token, where it is one.
    pub fn on_token(&self) -> Option<&Credential> {
        match &self.whereabouts {
            Whereabouts::OnToken(credential) => Some(credential),
            Whereabouts::Elsewhere { .. } => None,
        }
    }

    /// The CA certificates that are known beside it.
    pub(crate) fn authorities(&self) -> &[Certificate] {
        match &self.whereabouts {
            Whereabouts::OnToken(credential) => credential.authorities(),
            Whereabouts::Elsewhere { authorities, .. } => authorities,
        }
    }
}

/// The same certificate in the same place.
impl PartialEq for OldCertificate {
    fn eq(&self, other: &Self) -> bool {
        self.certificate == other.certificate && self.place() == other.place()
    }
}

impl Eq for OldCertificate {}

impl Identified for OldCertificate {
    fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    fn identify(&self, error: Error) -> Error {
        match &self.whereabouts {
            Whereabouts::OnToken(credential) => about(error, credential),
            Whereabouts::Elsewhere { place, .. } => {
                let error = error.fact(Fact::Subject, self.subject());
                error.fact(Fact::Serial, self.certificate.serial()).fact(Fact::Place, place)
            }
        }
    }

    fn naming(&self, certificate: &Certificate) -> String {
        match &self.whereabouts {
            Whereabouts::OnToken(credential) => credential.naming(certificate),
            Whereabouts::Elsewhere { .. } => certificate.serial().to_string(),
        }
    }
}

impl From<Credential> for OldCertificate {
    fn from(credential: Credential) -> Self {
        let certificate = credential.certificate().clone();
        OldCertificate { certificate, whereabouts: Whereabouts::OnToken(Box::new(credential)) }
    }
}

impl From<&Credential> for OldCertificate {
    fn from(credential: &Credential) -> Self {
        credential.clone().into()
    }
}

impl From<&OldCertificate> for OldCertificate {
    fn from(old: &OldCertificate) -> Self {
        old.clone()
    }
}

impl From<OldCertificate> for Kept {
    fn from(old: OldCertificate) -> Self {
        Kept {
            place: old.place().clone(),
            certificate: old.certificate.to_pem(),
            authorities: old.authorities().iter().map(Certificate::to_pem).collect(),
            file_sha256: old.file_sha256().map(str::to_owned),
        }
    }
}

impl TryFrom<Kept> for OldCertificate {
    type Error = Error;

    fn try_from(kept: Kept) -> Result<Self> {
        let read = |pem: &str| match pem.trim().is_empty() {
            true => Ok(Vec::new()),
            false => read_anchors(pem.as_bytes()),
        };
        let certificate = read(&kept.certificate)?.into_iter().next();
        let certificate = certificate.ok_or_else(|| Error::new(Code::OldFileUnusable))?;
        let old = Self::elsewhere(certificate, kept.place, &read(&kept.authorities)?)?;
        Ok(old.in_file(kept.file_sha256))
    }
}
