//! The signing key that `rustls` is given.

use std::fmt;
use std::sync::{Arc, Mutex};

use rustls::sign::{CertifiedKey, Signer, SigningKey};
use rustls::{OtherError, SignatureScheme};

use super::chain;
use crate::contents::{Contents, Credential};
use crate::driver::{Session, StoredKey, lock};
use crate::error::{Code, Error, Fact, Result, Step};
use crate::pki::{Certificate, KeyAlgorithm, SignatureAlgorithm};

/// A way of signing, as TLS and as this crate name it.
type Scheme = (SignatureScheme, SignatureAlgorithm);

/// Has a message signed by the key, wherever that happens.
type Sign = dyn Fn(SignatureAlgorithm, &[u8]) -> Result<Vec<u8>> + Send + Sync;

/// A key whose signatures are made elsewhere: on a token.
#[derive(Clone)]
pub(crate) struct TlsKey {
    schemes: Vec<Scheme>,
    sign: Arc<Sign>,
}

/// The certificate of a credential with its key on the token, as `rustls` wants it for a login with a client certificate
/// (`ResolvesClientCert`). `known` are certificates of CAs beside those on the token; who issued the certificate is shown
/// to the server too.
///
/// The session is locked while a signature is made, and by nobody else meanwhile.
///
/// # Errors
/// [`Code::KeyMissing`] where the private key was not seen; [`Code::MechanismUnsupported`] for a key of another kind.
/// An error of the token in the middle of a handshake is the source of the `rustls::Error::Other` that ends it.
pub fn certified_key(
    session: Arc<Mutex<Session>>,
    credential: &Credential,
    known: &[Certificate],
) -> Result<CertifiedKey> {
    let schemes = schemes(&lock(&session), credential)?;
    let certificates = chain(credential, known);
    let credential = credential.clone();
    let sign = move |algorithm, message: &[u8]| lock(&session).sign_for_tls(&credential, algorithm, message);
    Ok(CertifiedKey::new(certificates, Arc::new(TlsKey::new(schemes, Arc::new(sign)))))
}

/// The ways in which the key of a credential can sign in TLS, the one of TLS 1.2 first.
pub(crate) fn schemes(session: &Session, credential: &Credential) -> Result<Vec<Scheme>> {
    // Who logs in without a key is told at once, and not in the middle of a handshake.
    credential.private_key()?;
    let kind = credential.key_algorithm();
    match kind {
        KeyAlgorithm::Rsa { bits } => {
            let pss = (SignatureScheme::RSA_PSS_SHA256, SignatureAlgorithm::RsaPssSha256);
            let pkcs1 = (SignatureScheme::RSA_PKCS1_SHA256, SignatureAlgorithm::RsaPkcs1Sha256);
            Ok([pkcs1].into_iter().chain(session.may_sign_pss(bits).then_some(pss)).collect())
        }
        KeyAlgorithm::P256 => {
            Ok(vec![(SignatureScheme::ECDSA_NISTP256_SHA256, SignatureAlgorithm::EcdsaSha256)])
        }
        KeyAlgorithm::P384 => {
            Ok(vec![(SignatureScheme::ECDSA_NISTP384_SHA384, SignatureAlgorithm::EcdsaSha384)])
        }
        KeyAlgorithm::Other(_) => {
            Err(Error::new(Code::MechanismUnsupported).during(Step::Confirm).fact(Fact::Found, kind))
        }
    }
}

impl Session {
    /// Lets the key of a credential sign what TLS wants signed, and verifies the signature. Another program's key may have its
    /// identifier and its label: where the one that hints give does not sign for the certificate, the others that may be its key do.
    pub(crate) fn sign_for_tls(
        &self,
        credential: &Credential,
        algorithm: SignatureAlgorithm,
        message: &[u8],
    ) -> Result<Vec<u8>> {
        let (public, hinted) = (credential.certificate().public_key(), credential.private_key()?);
        let sign = |key: &StoredKey| self.sign(key, public, algorithm, message, Step::Confirm);
        let refused = match sign(hinted) {
            Err(error) if error.is_refusal() => error,
            signed => return signed,
        };
        let others = Contents::read(self)?.candidates(public, credential.id());
        for other in others.iter().filter(|other| !other.is_same_object(hinted)) {
            match sign(other) {
                Err(error) if error.is_refusal() => {}
                signed => return signed,
            }
        }
        Err(refused)
    }
}

impl TlsKey {
    pub(crate) fn new(schemes: Vec<Scheme>, sign: Arc<Sign>) -> Self {
        TlsKey { schemes, sign }
    }
}

impl fmt::Debug for TlsKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TlsKey").field(&self.schemes).finish()
    }
}

impl SigningKey for TlsKey {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        let chosen = self.schemes.iter().find(|(scheme, _)| offered.contains(scheme))?;
        Some(Box::new(TlsSigner { scheme: *chosen, sign: Arc::clone(&self.sign) }))
    }

    fn algorithm(&self) -> rustls::SignatureAlgorithm {
        match self.schemes.first() {
            Some((_, SignatureAlgorithm::EcdsaSha256 | SignatureAlgorithm::EcdsaSha384)) => {
                rustls::SignatureAlgorithm::ECDSA
            }
            _ => rustls::SignatureAlgorithm::RSA,
        }
    }
}

struct TlsSigner {
    scheme: Scheme,
    sign: Arc<Sign>,
}

impl fmt::Debug for TlsSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TlsSigner").field(&self.scheme).finish()
    }
}

impl Signer for TlsSigner {
    fn sign(&self, message: &[u8]) -> std::result::Result<Vec<u8>, rustls::Error> {
        (self.sign)(self.scheme.1, message).map_err(|error| rustls::Error::Other(OtherError(Arc::new(error))))
    }

    fn scheme(&self) -> SignatureScheme {
        self.scheme.0
    }
}
