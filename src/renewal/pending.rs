//! Pending keys: what an unfinished job left on the token, and how it goes on.

use super::credential::Credential;
use super::label::{Job, JobLabel};
use crate::driver::{Proof, Session, StoredCertificate, StoredKey, StoredPublicKey};
use crate::error::{Code, Error, Fact, Result, Step, Warning};
use crate::pki::{Answer, Certificate, PublicKey, RenewalRequest, Request, jst_date};
use std::time::SystemTime;

/// A key of ours on the token whose job is not finished. Made only by reading the token: a key without our label
/// cannot become one.
#[derive(Clone, Debug)]
pub struct PendingKey {
    pub(super) label: JobLabel,
    pub(super) private: Option<StoredKey>,
    pub(super) public: Vec<StoredPublicKey>,
    pub(super) certificate: Option<StoredCertificate>,
    public_key: Option<PublicKey>,
}

/// How far the job got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PendingState {
    /// The key pair is there; the CA's answer is not.
    AwaitingAnswer,
    /// The certificate is written; the new key has not signed yet.
    CertificateWritten,
    /// The key of an old credential whose removal stopped in the middle.
    HalfRetired,
    /// Only a public key is left; it can but be removed.
    Remnant,
}

impl PendingKey {
    pub(super) fn fresh(
        label: JobLabel,
        private: StoredKey,
        public: StoredPublicKey,
        key: PublicKey,
    ) -> Self {
        let (private, public) = (Some(private), vec![public]);
        PendingKey { label, private, public, certificate: None, public_key: Some(key) }
    }

    /// The old key, when the caller asked for it to be used again. Nothing of it is renamed or removed later.
    pub(super) fn reused(label: JobLabel, private: StoredKey, key: PublicKey) -> Self {
        let private = Some(private);
        PendingKey { label, private, public: Vec::new(), certificate: None, public_key: Some(key) }
    }

    /// The CKA_ID of the pair.
    pub fn id(&self) -> &[u8] {
        let private = self.private.as_ref().map(|key| &key.id);
        private.or_else(|| self.public.first().map(|key| &key.id)).map_or(&[], Vec::as_slice)
    }

    /// How far the job got.
    pub fn state(&self) -> PendingState {
        match (&self.private, &self.label.job, &self.certificate) {
            (None, _, _) => PendingState::Remnant,
            (_, Job::Retires(_), _) => PendingState::HalfRetired,
            (_, _, Some(_)) => PendingState::CertificateWritten,
            (_, _, None) => PendingState::AwaitingAnswer,
        }
    }

    /// The serial number of the certificate that the job renews or retires; `None` for a first key.
    pub fn concerns(&self) -> Option<&str> {
        match &self.label.job {
            Job::Renews(serial) | Job::Retires(serial) => Some(serial),
            Job::First => None,
        }
    }

    /// The credential that the job renews, as it is on the token now; `None` for a first key.
    ///
    /// # Errors
    /// [`Code::CredentialNotFound`] when it is gone, with its serial number; [`Code::CredentialAmbiguous`] when several
    /// CAs gave that number; what reading the token returns.
    pub fn old_credential(&self, session: &Session) -> Result<Option<Credential>> {
        let Some(serial) = self.concerns() else { return Ok(None) };
        let found = session.credentials()?.by_serial(serial).only();
        found.map(Some).map_err(|error| error.fact(Fact::Serial, serial))
    }

    /// The day on which the job began, in Japan standard time, as `YYYY-MM-DD`.
    pub fn since(&self) -> String {
        self.label.day.to_string()
    }

    /// Whole days since the job began, by dates in Japan.
    pub fn age_days(&self, now: SystemTime) -> i64 {
        i64::from((jst_date(now) - self.label.day).get_days())
    }

    /// The public key, where the token still tells it.
    pub fn public_key(&self) -> Option<&PublicKey> {
        self.public_key.as_ref()
    }

    /// The certificate beside the key, in DER, when the job got that far. Installing it again ends the job.
    pub fn written_certificate(&self) -> Option<&[u8]> {
        self.certificate.as_ref().map(|written| written.der.as_slice())
    }

    /// The certificate in an answer that is for this key. A token that tells no public key is asked by the
    /// identifier, which was derived from it; that it really is the key, a signature has to show.
    pub(super) fn leaf_in<'a>(&self, answer: &'a Answer) -> Option<&'a Certificate> {
        match &self.public_key {
            Some(key) => answer.leaf_for(key),
            None => answer
                .certificates()
                .iter()
                .find(|leaf| leaf.public_key().in_usual_form().key_id() == self.id()),
        }
    }

    /// The same key, with the public half that a certificate claims for it.
    pub(super) fn claimed_by(&self, leaf: &Certificate) -> Self {
        let mut key = self.clone();
        key.public_key.get_or_insert_with(|| leaf.public_key().clone());
        key
    }

    /// The halves that are needed to go on.
    pub(super) fn pair(&self) -> Result<(&StoredKey, &PublicKey)> {
        match (&self.private, &self.public_key) {
            (Some(private), Some(public)) => Ok((private, public)),
            (Some(_), None) => Err(self.error(Code::PublicKeyInvalid)),
            (None, _) => Err(self.error(Code::KeyMissing)),
        }
    }

    pub(super) fn error(&self, code: Code) -> Error {
        Error::new(code).during(Step::ReadObjects).fact(Fact::Id, crate::hex(self.id()))
    }
}

/// A pending key with its request, signed by the key itself.
#[derive(Debug)]
pub struct Pending {
    pub(super) key: PendingKey,
    pub(super) request: Request,
    pub(super) signed_by_old: Option<RenewalRequest>,
    pub(super) proof: Proof,
    pub(super) old: Option<Credential>,
    pub(super) key_reused: bool,
    pub(super) notices: Vec<Warning>,
}

impl Pending {
    /// The certificate request (PKCS#10, RFC 2986).
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// The request in the form that Microsoft CAs take, signed by the old key, when it was asked for.
    pub fn renewal_request(&self) -> Option<&RenewalRequest> {
        self.signed_by_old.as_ref()
    }

    /// The key on the token.
    pub fn key(&self) -> &PendingKey {
        &self.key
    }

    /// What the driver says about the exportability of the private key.
    pub fn proof(&self) -> &Proof {
        &self.proof
    }

    /// The credential that is renewed; `None` for a first key.
    pub fn old(&self) -> Option<&Credential> {
        self.old.as_ref()
    }

    /// Whether the request is for the old key because the caller asked for that.
    pub fn key_reused(&self) -> bool {
        self.key_reused
    }

    /// What the person should know, though it stopped nothing.
    pub fn notices(&self) -> &[Warning] {
        &self.notices
    }
}

/// What the session sees of keys and certificates, read once.
pub(super) struct Inventory {
    pub(super) keys: Vec<StoredKey>,
    pub(super) public: Vec<StoredPublicKey>,
    pub(super) certificates: Vec<StoredCertificate>,
}

impl Inventory {
    pub(super) fn read(session: &Session) -> Result<Self> {
        Ok(Inventory {
            keys: session.private_keys()?,
            public: session.public_keys()?,
            certificates: session.certificates()?,
        })
    }

    /// Every key with one of our labels. Foreign keys are not among them, whatever else they look like.
    pub(super) fn pending(&self) -> Vec<PendingKey> {
        let mut pending: Vec<PendingKey> = self.keys.iter().filter_map(|key| self.pending_key(key)).collect();
        let remnants: Vec<PendingKey> =
            self.public.iter().filter_map(|key| self.remnant(key, &pending)).collect();
        pending.extend(remnants);
        pending
    }

    fn pending_key(&self, key: &StoredKey) -> Option<PendingKey> {
        let label: JobLabel = key.label.parse().ok()?;
        let public: Vec<StoredPublicKey> = self.public_halves(key).cloned().collect();
        let public_key =
            key.public_key.clone().or_else(|| public.iter().find_map(|key| key.public_key.clone()));
        let mut private = key.clone();
        private.public_key.clone_from(&public_key);
        let certificate = match &public_key {
            Some(public_key) => self.certificate_for(public_key),
            None => self.certificate_with_derived_id(&key.id),
        };
        let certificate = certificate.cloned();
        Some(PendingKey { label, private: Some(private), public, certificate, public_key })
    }

    /// A public key with our label and neither private key nor certificate.
    fn remnant(&self, key: &StoredPublicKey, pending: &[PendingKey]) -> Option<PendingKey> {
        let label: JobLabel = key.label.parse().ok()?;
        let belongs = pending
            .iter()
            .any(|other| other.public.iter().any(|public| public.is_same_object(key)))
            || self.keys.iter().any(|private| mates(private, key) || self.share_an_id_alone(private, key))
            || key.public_key.as_ref().is_some_and(|public| self.certificate_for(public).is_some());
        let public_key = key.public_key.clone();
        (!belongs).then(|| PendingKey {
            label,
            private: None,
            public: vec![key.clone()],
            certificate: None,
            public_key,
        })
    }

    fn public_halves(&self, key: &StoredKey) -> impl Iterator<Item = &StoredPublicKey> {
        let sure = self.public.iter().any(|public| mates(key, public));
        self.public
            .iter()
            .filter(move |public| mates(key, public) || (!sure && self.share_an_id_alone(key, public)))
    }

    /// The identifier is all that is left to go by when a token chose it itself and the job stopped between the two
    /// renamings. It says enough only as long as nothing else has it.
    fn share_an_id_alone(&self, private: &StoredKey, public: &StoredPublicKey) -> bool {
        private.id == public.id
            && private.public_key.is_none()
            && self.keys.iter().filter(|other| other.id == private.id).count() == 1
            && self.public.iter().filter(|other| other.id == private.id).count() == 1
    }

    /// The certificate beside a key that tells no public half: its identifier was derived from what the certificate
    /// holds. Left out, a removal would take the key and leave the certificate.
    fn certificate_with_derived_id(&self, id: &[u8]) -> Option<&StoredCertificate> {
        self.certificates.iter().find(|stored| {
            stored.id == id
                && Certificate::from_der(&stored.der)
                    .is_ok_and(|certificate| certificate.public_key().key_id() == id)
        })
    }

    /// Whether this certificate is on the token, byte for byte.
    pub(super) fn holds(&self, certificate: &Certificate) -> bool {
        self.certificates.iter().any(|stored| stored.der == certificate.der())
    }

    pub(super) fn certificate_for(&self, key: &PublicKey) -> Option<&StoredCertificate> {
        self.certificates.iter().find(|stored| {
            Certificate::from_der(&stored.der).is_ok_and(|certificate| certificate.public_key() == key)
        })
    }
}

/// Whether two objects are surely the halves of one pair. The value decides where both tell it; else the
/// identifier that was derived from the public key, or one that both have together with our label. The same
/// identifier alone is not enough: another program may have given it to a key of its own.
fn mates(private: &StoredKey, public: &StoredPublicKey) -> bool {
    let twins = private.id == public.id && private.label == public.label;
    match (&private.public_key, &public.public_key) {
        (Some(of_private), Some(of_public)) => of_private == of_public,
        (None, Some(of_public)) => twins || private.id == of_public.key_id(),
        (_, None) => twins,
    }
}

impl Session {
    /// The pending keys on the token: keys with a label of ours whose job is not finished.
    ///
    /// # Errors
    /// What reading the token returns.
    pub fn pending(&self) -> Result<Vec<PendingKey>> {
        Ok(Inventory::read(self)?.pending())
    }
}
