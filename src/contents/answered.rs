//! Which pending key an answer is for, and what it is when it is for none.

use base16ct::lower::encode_string as hex;

use super::pending::PendingKey;
use super::signer::Signer;
use super::{Contents, Credential, Credentials};
use crate::error::{Code, Error, Fact, Result, Step};
use crate::pki::{Certificate, PublicKey, Response, jst_date};
use crate::uri::TokenUri;

impl Contents {
    /// The pending key and the certificate of an answer that belong together, in whatever order they come.
    ///
    /// Hints are enough to choose, for the signature after the writing decides. Where they tell nothing, each of the keys
    /// signs, and the signature is verified with the certificates of the answer.
    ///
    /// # Errors
    /// [`Code::PendingAmbiguous`]; what signing returns when it is the token that failed.
    pub(crate) fn answered(
        &mut self,
        signer: &dyn Signer,
        response: &Response,
        pending: &[PendingKey],
    ) -> Result<Option<(Certificate, PendingKey)>> {
        let open: Vec<&PendingKey> = pending.iter().filter(|key| key.is_open()).collect();
        let by_hint = |key: &&PendingKey| {
            let leaf = response.leaf_for(key.public_key()?)?;
            Some((leaf.clone(), (*key).clone()))
        };
        let mut found: Vec<(Certificate, PendingKey)> = open.iter().filter_map(by_hint).collect();
        if found.len() > 1 {
            // Of keys that a hint makes alike the one that signs.
            for (leaf, key) in std::mem::take(&mut found) {
                let signed = self.sign_again(signer, &key, &[leaf.public_key()])?;
                if signed.as_ref() == Some(leaf.public_key()) {
                    found.push((leaf, key));
                }
            }
        } else if found.is_empty() {
            let leaves = response.certificates().iter().filter(|leaf| !leaf.is_ca());
            let keys: Vec<&PublicKey> = leaves.map(Certificate::public_key).collect();
            for key in open {
                let signed = self.sign_again(signer, key, &keys)?;
                if let Some(leaf) = signed.and_then(|public| response.leaf_for(&public)) {
                    found.push((leaf.clone(), key.claimed_by(leaf)));
                }
            }
        }
        let id = |found: &(Certificate, PendingKey)| hex(found.1.id());
        match found.as_slice() {
            [] | [_] => Ok(found.pop()),
            [one, ..] => Err(found.iter().fold(one.1.error(Code::PendingAmbiguous), |error, found| {
                error.fact(Fact::Candidate, id(found))
            })),
        }
    }

    /// Whether a certificate of which the driver gives no value may be this key's: it stands under its identifier, or has its record.
    pub(crate) fn may_be_certified(&self, key: &PendingKey) -> bool {
        self.certificates
            .iter()
            .filter(|held| !held.stored.given)
            .any(|held| held.stored.id == key.id() || held.marking.record() == Some(key.record()))
    }

    /// Whether there are certificates that do not even say whose they are.
    pub(crate) fn has_hidden_certificates(&self) -> bool {
        self.hidden_certificates > 0
    }

    /// The credential whose key a response is for, where the old key is used again. Of several with one key it is the one for which
    /// the caller has made the request.
    ///
    /// # Errors
    /// [`Code::PendingAmbiguous`].
    pub(crate) fn answered_in_use(
        response: &Response,
        credentials: &Credentials,
        is_requested: impl Fn(&Certificate) -> bool,
    ) -> Result<Option<(Certificate, Credential)>> {
        let with_key = credentials.iter().filter(|one| one.private_key().is_ok());
        let answered = with_key.filter_map(|one| {
            let leaf = response.leaf_for(one.certificate().public_key())?;
            Some((leaf.clone(), one.clone()))
        });
        let mut found: Vec<(Certificate, Credential)> = answered.collect();
        let requested = |(_, one): &&(Certificate, Credential)| is_requested(one.certificate());
        let mut requested = found.iter().filter(requested).cloned();
        if let (Some(one), None) = (requested.next(), requested.next()) {
            return Ok(Some(one));
        }
        match found.as_slice() {
            [] | [_] => Ok(found.pop()),
            [(_, first), ..] => {
                let error = Error::new(Code::PendingAmbiguous).during(Step::ReadObjects);
                let error = error.fact(Fact::Id, hex(first.id()));
                Err(found.iter().fold(error, |error, (_, one)| error.fact(Fact::Candidate, hex(one.id()))))
            }
        }
    }

    /// What a pending key signs for, among these public keys too.
    fn sign_again(
        &mut self,
        signer: &dyn Signer,
        key: &PendingKey,
        more: &[&PublicKey],
    ) -> Result<Option<PublicKey>> {
        let Some(at) = key.at else { return Ok(None) };
        match self.ask(signer, at, more) {
            Err(error) if !super::belongs::is_of_the_token(&error) => Ok(None),
            signed => signed,
        }
    }

    /// The certificate of an answer that is on the token already, byte for byte.
    pub(crate) fn already_there<'a>(&self, response: &'a Response) -> Option<&'a Certificate> {
        response.certificates().iter().filter(|leaf| !leaf.is_ca()).find(|leaf| self.place_of(leaf).is_some())
    }
}

/// A certificate that is on the token is the one that the URI names, or takes the place of that one.
pub(crate) fn make_sure_it_is_meant(
    leaf: &Certificate,
    credentials: Credentials,
    named_by: &TokenUri,
) -> Result<()> {
    let is_meant = |one: &Credential| {
        one.certificate() == leaf || one.successor().is_some_and(|by| by.certificate == *leaf)
    };
    if credentials.named_by(named_by)?.iter().any(is_meant) {
        return Ok(());
    }
    let error = Error::new(Code::CredentialNotFound).during(Step::CheckCertificate);
    Err(error.fact(Fact::Expected, named_by).fact(Fact::Found, leaf.subject()))
}

pub(crate) fn already_installed(leaf: &Certificate) -> Error {
    is_there(Code::AlreadyInstalled, leaf)
}

pub(crate) fn not_awaited(leaf: &Certificate) -> Error {
    is_there(Code::CertificateNotAwaited, leaf)
}

fn is_there(code: Code, leaf: &Certificate) -> Error {
    Error::new(code)
        .during(Step::CheckCertificate)
        .fact(Fact::Subject, leaf.subject())
        .fact(Fact::Serial, leaf.serial())
        .fact(Fact::Date, jst_date(leaf.not_after()))
}

/// Why none of the certificates is for a key that waits; each of these with its public half, where the token tells it.
pub(crate) fn no_leaf<'k>(
    response: &Response,
    waiting: impl IntoIterator<Item = Option<&'k PublicKey>>,
) -> Error {
    if let Some(instead) = response.instead() {
        return instead;
    }
    let waiting: Vec<Option<&PublicKey>> = waiting.into_iter().collect();
    let mut leaves = response.certificates().iter().filter(|certificate| !certificate.is_ca());
    let code = match (waiting.is_empty(), leaves.next(), response.certificates().len()) {
        (_, None, 1) => Code::IsCaCertificate,
        (true, ..) => Code::PendingNotFound,
        (false, Some(_), 1) => Code::KeyMismatch,
        (false, ..) => Code::AnswerNoLeaf,
    };
    let error = Error::new(code).during(Step::CheckCertificate);
    let error = waiting
        .into_iter()
        .flatten()
        .fold(error, |error, key| error.fact(Fact::Expected, hex(&key.key_id())));
    response.certificates().iter().fold(error, |error, certificate| {
        let id = hex(&certificate.public_key().key_id());
        error.fact(Fact::Found, format!("{id} ({})", certificate.subject()))
    })
}
