//! Writing certificates to the token.

use super::Session;
use super::object::{Changed, Label, Present, StoredCertificate};
use super::remove::Removal;
use crate::driver::ckr;
use crate::driver::ckr::During as _;
use crate::driver::token::quirks::AttributeSet;
use crate::error::{Code, Error, Fact, Notice, Result, Step};
use crate::pki::Certificate;
use base16ct::lower::encode_string as hex;
use std::sync::Arc;
use usbtoken_pkcs11::types::*;
use usbtoken_pkcs11::{Failure, Template};

/// Whose certificate it is (CKA_CERTIFICATE_CATEGORY).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Category {
    /// The token's user.
    User,
    /// A certificate authority.
    Authority,
}

impl Session {
    /// Writes a certificate object, with as many attributes as the token takes.
    ///
    /// # Errors
    /// [`Code::CertificateRefused`] when the token refuses even the fewest attributes, [`Code::TokenFull`],
    /// [`Code::WriteProtected`] and what C_CreateObject returns. What a refused attempt left behind is removed, where it
    /// is known what was there before.
    pub(crate) fn write_certificate(
        &self,
        certificate: &Certificate,
        category: Category,
        id: &[u8],
        label: &[u8],
        before: Option<&Present>,
    ) -> Result<(StoredCertificate, AttributeSet)> {
        self.pin.drop_unless_wanted();
        let open = self.open_session();
        let (mut refusals, mut has_left) = (Vec::new(), false);
        let clean = |but: Option<&StoredCertificate>| match before {
            Some(before) => self.remove_leftover_certificates((id, label, certificate.der()), before, but),
            None => Ok(false),
        };
        for set in AttributeSet::IN_ORDER {
            // What is left without CKA_ID is known only as what came during the call, so one that leaves things is not asked.
            let mut present = None;
            if !set.has_id() {
                has_left |= clean(None)?;
                if has_left {
                    break;
                }
                present = Some(self.present()?);
            }
            let template = template(certificate, category, id, label, set);
            let functions = self.to_write(Step::WriteCertificate)?;
            let failure = match functions.create_object(open.handle(), template) {
                Ok(handle) => {
                    self.has_changed(Changed::CertificateWritten(id.to_vec()));
                    let (place, id) = (open.place(handle), id.to_vec());
                    let (label, der) = (Label::new(label.to_vec()), Arc::clone(certificate.shared_der()));
                    let written = StoredCertificate { place, id, label, der, given: true };
                    self.set_left_out(&written, set)?;
                    if !refusals.is_empty() {
                        let cleaned = clean(Some(&written));
                        cleaned.map_err(|error| error.after_clean_up(self.take_back(&written, before)))?;
                    }
                    self.written.set(true);
                    return Ok((written, set));
                }
                Err(failure) => failure,
            };
            if let Some(present) = &present {
                self.remove_copies(certificate.der(), present)?;
            }
            match failure.rv() {
                // One that names an attribute has likely made nothing: one search after the last of them is enough.
                Some(rv) if ckr::is_template_refusal(rv) => refusals.push(failure),
                Some(rv) if ckr::is_object_refusal(rv) => {
                    has_left |= clean(None)?;
                    refusals.push(failure);
                }
                _ => {
                    let cleaned = clean(None).map(drop);
                    return Err(failure.during(Step::WriteCertificate).after_clean_up(cleaned));
                }
            }
        }
        clean(None)?;
        Err(refused(refusals))
    }

    /// Whether this session has written a certificate.
    pub(crate) fn has_written(&self) -> bool {
        self.written.get()
    }

    /// Whether a certificate stands under this identifier. The search is also when drivers take over what other programs have
    /// written: SoftHSM forgets of that when it writes itself first.
    ///
    /// # Errors
    /// What the search returns.
    pub(crate) fn certificates_came(&self, id: &[u8]) -> Result<bool> {
        let template = Template::new().number(CKA_CLASS, CKO_CERTIFICATE).bytes(CKA_ID, id);
        Ok(!self.open_session().find(template)?.is_empty())
    }

    /// Sets what could not be given with the object. Whether the token took it, the reading says. A driver may have given the
    /// handle of another object, which is left as it is.
    fn set_left_out(&self, written: &StoredCertificate, set: AttributeSet) -> Result<()> {
        let open = self.open_session();
        let is_written = || open.read_written(open.handle_of(written.place)?);
        if set.has_id() && set.has_label() || !is_written().is_ok_and(|(found, _)| found.der == written.der) {
            return Ok(());
        }
        let id = (!set.has_id()).then(|| Template::new().bytes(CKA_ID, &written.id));
        let label = (!set.has_label()).then(|| Template::new().bytes(CKA_LABEL, written.label.bytes()));
        for template in id.into_iter().chain(label) {
            let functions = self.to_write(Step::WriteCertificate)?;
            let _ = functions.set_attributes(open.handle(), open.handle_of(written.place)?, template);
        }
        Ok(())
    }

    /// Takes back a certificate that this session has written, and nothing that was there before. Where that is not known, only
    /// what has the very value is ours.
    ///
    /// # Errors
    /// [`Code::RemovalDoubtful`], [`Code::DestroyFailed`], what C_DestroyObject returns.
    pub(crate) fn take_back(&self, written: &StoredCertificate, before: Option<&Present>) -> Result<()> {
        self.remove(&Removal::new(Step::WriteCertificate).created_certificate(written, before))
    }

    /// Clears what an interrupted creation has left of certificates.
    ///
    /// # Errors
    /// As [`Session::take_back`].
    pub(crate) fn remove_half_written(&self, halves: &[StoredCertificate]) -> Result<()> {
        let removal = Removal::new(Step::WriteCertificate);
        self.remove(&halves.iter().fold(removal, Removal::half_certificate))
    }

    /// Where what was created is found by no search, and the login lasts, the token has not kept it.
    fn not_kept(&self, error: Error, written: &StoredCertificate) -> Error {
        let is_invalid =
            error.pkcs11_call().is_some_and(|call| call.rv == ckr::number(CKR_OBJECT_HANDLE_INVALID));
        let certificates = || Template::new().number(CKA_CLASS, CKO_CERTIFICATE);
        let none = |wanted| self.open_session().find(wanted).is_ok_and(|found| found.is_empty());
        let is_nowhere = || {
            none(certificates().bytes(CKA_VALUE, &written.der))
                && none(certificates().bytes(CKA_ID, &written.id))
        };
        match is_invalid && self.is_logged_in() && is_nowhere() {
            true => Error::new(Code::CertificateRefused).fact(Fact::Reason, "not_kept").because_of(error),
            false => error,
        }
    }

    /// Reads a certificate object again, byte for byte; returns what the token made otherwise and what a person should know
    /// of that. It works all the same.
    ///
    /// # Errors
    /// [`Code::ReadBackDiffers`] when the token holds another certificate than what was written; [`Code::CertificateRefused`] when it
    /// has said that it took it, and holds none.
    pub(crate) fn read_back(&self, written: &StoredCertificate) -> Result<Vec<Notice>> {
        let open = self.open_session();
        let read = open.handle_of(written.place).and_then(|handle| open.read_written(handle));
        let (found, private) = read.map_err(|error| self.not_kept(error, written))?;
        let differs = |what, expected: &[u8], found: &[u8]| {
            Error::new(Code::ReadBackDiffers)
                .during(Step::ReadBack)
                .fact(Fact::Detail, what)
                .fact(Fact::Expected, hex(expected))
                .fact(Fact::Found, hex(found))
        };
        if found.der != written.der {
            return Err(differs("CKA_VALUE", &written.der, &found.der));
        }
        let own_label = found.label.bytes().starts_with(written.label.bytes());
        let notices = [
            private.then_some(Notice::CertificatePrivate),
            (!own_label).then_some(Notice::LabelShared),
            (found.id != written.id).then_some(Notice::IdDiffers),
        ];
        Ok(notices.into_iter().flatten().collect())
    }
}

fn template(
    certificate: &Certificate,
    category: Category,
    id: &[u8],
    label: &[u8],
    set: AttributeSet,
) -> Template {
    let minimal = Template::new()
        .number(CKA_CLASS, CKO_CERTIFICATE)
        .number(CKA_CERTIFICATE_TYPE, CKC_X_509)
        .flag(CKA_TOKEN, true)
        .bytes(CKA_SUBJECT, certificate.subject().der())
        .bytes(CKA_VALUE, certificate.der());
    let minimal = if set.has_id() { minimal.bytes(CKA_ID, id) } else { minimal };
    let minimal = if set.has_label() { minimal.bytes(CKA_LABEL, label) } else { minimal };
    if !matches!(set, AttributeSet::Full | AttributeSet::Common | AttributeSet::Uncategorized) {
        return minimal;
    }
    let uncategorized = minimal
        .flag(CKA_PRIVATE, false)
        .bytes(CKA_ISSUER, certificate.issuer().der())
        .bytes(CKA_SERIAL_NUMBER, certificate.serial().der_integer());
    if set == AttributeSet::Uncategorized {
        return uncategorized;
    }
    let common = uncategorized.number(CKA_CERTIFICATE_CATEGORY, category.number());
    if set == AttributeSet::Common {
        return common;
    }
    // CKA_CHECK_VALUE is left to the token: SoftHSM 2.6 refuses it with CKR_GENERAL_ERROR and leaves half an object
    // behind.
    let full = common.bytes(CKA_PUBLIC_KEY_INFO, certificate.public_key().spki_der());
    let (start, end) = (date(certificate.not_before()), date(certificate.not_after()));
    match (start, end) {
        (Some(start), Some(end)) => full.bytes(CKA_START_DATE, &start).bytes(CKA_END_DATE, &end),
        _ => full,
    }
}

/// CK_DATE: eight digits, in UTC like the certificate (PKCS#11 v3.1 §3.5).
fn date(time: std::time::SystemTime) -> Option<Vec<u8>> {
    let time = jiff::Timestamp::try_from(time).ok()?;
    Some(time.strftime("%Y%m%d").to_string().into_bytes())
}

impl Category {
    fn number(self) -> CK_ULONG {
        match self {
            Category::User => CK_CERTIFICATE_CATEGORY_TOKEN_USER,
            Category::Authority => CK_CERTIFICATE_CATEGORY_AUTHORITY,
        }
    }
}

fn refused(refusals: Vec<Failure>) -> Error {
    let error = Error::new(Code::CertificateRefused).during(Step::WriteCertificate);
    match refusals.into_iter().last() {
        Some(last) => error.because_of(last.during(Step::WriteCertificate)),
        None => error,
    }
}

#[cfg(test)]
mod tests {
    use super::super::fresh::Fresh;
    use super::super::open::{Access, Open};
    use super::*;
    use usbtoken_testkit::{Kind, SoftKey, TestCa, manual_subject};

    fn certificate() -> Certificate {
        let spki = SoftKey::generate(Kind::P256).spki();
        Certificate::from_der(&TestCa::new().issue(&manual_subject().to_der(), &spki).der()).unwrap()
    }

    #[test]
    fn a_session_knows_that_it_has_written_and_finds_it() {
        let fresh = Fresh::token();
        let (session, ours) = (&fresh.session, certificate());
        assert!(!session.has_written() && !session.certificates_came(b"id").unwrap());
        session.write_certificate(&ours, Category::User, b"id", b"label", None).unwrap();
        assert!(session.has_written() && session.certificates_came(b"id").unwrap());
        assert!(!session.certificates_came(b"other").unwrap());
    }

    #[test]
    fn a_session_that_may_not_write_has_not_written() {
        let mut fresh = Fresh::token();
        fresh.session.open = Open::new(&fresh.token, Access::Read).unwrap();
        let refused = fresh.session.write_certificate(&certificate(), Category::User, b"id", b"label", None);
        assert!(refused.is_err() && !fresh.session.has_written());
    }

    /// Names that an object has been given are not set once more; what was left out is, on that object alone.
    #[test]
    fn what_was_left_out_is_set_on_the_object_that_was_written() {
        let fresh = Fresh::token();
        let (session, ours, other) = (&fresh.session, certificate(), certificate());
        let write = |one: &Certificate, id: &[u8]| {
            session.write_certificate(one, Category::User, id, b"label", None).unwrap().0
        };
        let (written, theirs) = (write(&ours, b"id"), write(&other, b"theirs"));
        let names = |of: &StoredCertificate| {
            let open = session.open_session();
            let now = open.read_written(open.handle_of(of.place).unwrap()).unwrap().0;
            (now.id, now.label.bytes().to_vec())
        };
        let wanted = |place| StoredCertificate {
            place,
            id: b"new".to_vec(),
            label: Label::new(b"new label".to_vec()),
            ..written.clone()
        };
        let set = |of: &StoredCertificate, set| {
            session.set_left_out(&wanted(of.place), set).unwrap();
            names(of)
        };
        let is = |id: &[u8], label: &[u8]| (id.to_vec(), label.to_vec());
        for whole in [AttributeSet::Full, AttributeSet::Minimal] {
            assert_eq!(set(&written, whole), is(b"id", b"label"));
        }
        // The handle of another object, as some drivers answer.
        assert_eq!(set(&theirs, AttributeSet::Fewest), is(b"theirs", b"label"));
        assert_eq!(set(&written, AttributeSet::NoLabel), is(b"id", b"new label"));
        let back = StoredCertificate { label: Label::new(b"label".to_vec()), ..wanted(written.place) };
        session.set_left_out(&back, AttributeSet::NoId).unwrap();
        assert_eq!(names(&written), is(b"new", b"new label"));
        session.set_left_out(&back, AttributeSet::Fewest).unwrap();
        assert_eq!(names(&written), is(b"new", b"label"));
    }
}
