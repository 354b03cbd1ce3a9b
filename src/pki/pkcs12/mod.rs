//! PKCS#12 files (RFC 7292): the certificates in them, and which of these has a private key there. No private key is ever
//! decrypted.
//!
//! A file comes from outside: lengths, nesting and the rounds of its key derivations are bounded, and it may be BER, as
//! Windows and Java write it.

use std::borrow::Cow;

use der::asn1::ObjectIdentifier;
use encoding_rs::Encoding;
use sha1::Sha1;
use sha2::{Sha224, Sha256, Sha384, Sha512};
use zeroize::Zeroizing;

use super::asn1::tlv::{Fields, INTEGER, Malformed, OCTET_STRING, OID, SEQUENCE, SET, Tlv, context};
use super::asn1::{ber, oid, pem};
use super::certificate::Certificate;
use crate::error::{Code, Error, Fact, Result as Outcome};

mod cipher;
mod derive;
#[cfg(test)]
mod tests;

use derive::{Work, as_bmp};

/// The largest file that is examined, in bytes.
pub(crate) const MAX_FILE: usize = 4 << 20;

/// How many bags a file may have: one key and its chain are a handful.
const MAX_BAGS: usize = 1024;

/// How deep bags may be nested in bags.
const MAX_DEPTH: u8 = 8;

const DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.1");
const ENCRYPTED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.6");
const KEY_BAG: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.10.1.1");
const SHROUDED_KEY_BAG: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.10.1.2");
const CERT_BAG: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.10.1.3");
const SAFE_CONTENTS_BAG: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.10.1.6");
const X509_CERTIFICATE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.22.1");
const LOCAL_KEY_ID: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.21");

/// The PFX in a file, as it is or in text: in PEM or base64, in UTF-8 or UTF-16.
pub(crate) fn pfx_in(bytes: &[u8]) -> Option<Cow<'_, [u8]>> {
    if Pkcs12::is_one(bytes) {
        return Some(Cow::Borrowed(bytes));
    }
    let (encoding, _) = Encoding::for_bom(bytes).unwrap_or((encoding_rs::UTF_8, 0));
    let (text, _) = encoding.decode_with_bom_removal(bytes);
    let in_pem = pem::decoded(&text).find(|der| Pkcs12::is_one(der));
    let alone = || pem::decode_base64(&text.split_whitespace().collect::<String>());
    in_pem.or_else(|| alone().filter(|der| Pkcs12::is_one(der))).map(Cow::Owned)
}

/// What was read of a file.
#[derive(Debug, Default)]
pub(crate) struct Pkcs12 {
    certificates: Vec<Certificate>,
    /// The identifier (localKeyId) of each certificate, where it has one.
    key_ids: Vec<Option<Vec<u8>>>,
    /// Those of the private keys.
    keys: Vec<Option<Vec<u8>>>,
    bags: usize,
}

/// Why a file gave nothing.
#[derive(Debug, PartialEq, Eq)]
enum Trouble {
    Malformed,
    Truncated,
    WrongPassword,
    /// It is encrypted, and no password was given.
    PasswordNeeded,
    Unsupported(String),
    /// It asks for more work than any program's file.
    TooMuch,
}

impl From<Malformed> for Trouble {
    fn from(cause: Malformed) -> Self {
        match cause {
            Malformed::Truncated => Trouble::Truncated,
            Malformed::Unexpected => Trouble::Malformed,
        }
    }
}

impl From<Trouble> for Error {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Malformed => Error::new(Code::Pkcs12Damaged).fact(Fact::Reason, "pkcs12_malformed"),
            Trouble::Truncated => Error::new(Code::Pkcs12Damaged).fact(Fact::Reason, "truncated"),
            Trouble::WrongPassword => Error::new(Code::Pkcs12PasswordWrong),
            Trouble::PasswordNeeded => Error::new(Code::Pkcs12PasswordNeeded),
            Trouble::Unsupported(algorithm) => {
                Error::new(Code::Pkcs12Unsupported).fact(Fact::Algorithm, algorithm)
            }
            Trouble::TooMuch => Error::new(Code::Pkcs12Unsupported).fact(Fact::Reason, "too_many_rounds"),
        }
    }
}

type Read<T> = Result<T, Trouble>;

impl Pkcs12 {
    /// Whether these bytes begin as a PFX does: a SEQUENCE with version 3 and a ContentInfo (RFC 7292 §4). It may be cut off
    /// behind that.
    pub(crate) fn is_one(bytes: &[u8]) -> bool {
        // SEQUENCE in a definite or indefinite length, INTEGER 3, SEQUENCE.
        let behind_length = match bytes {
            [SEQUENCE, 0x80, rest @ ..] => rest,
            [SEQUENCE, length, rest @ ..] if *length & 0x80 != 0 => {
                rest.get(usize::from(length & 0x7f)..).unwrap_or_default()
            }
            [SEQUENCE, _, rest @ ..] => rest,
            _ => return false,
        };
        matches!(behind_length, [INTEGER, 1, 3, SEQUENCE, ..])
    }

    /// Reads a file with its password. Without one the empty password is tried, which some programs export with; a file
    /// without MAC and encryption needs none.
    ///
    /// # Errors
    /// [`Code::Pkcs12PasswordNeeded`], [`Code::Pkcs12PasswordWrong`], [`Code::Pkcs12Damaged`], [`Code::Pkcs12Unsupported`].
    pub(crate) fn read(bytes: &[u8], password: Option<&str>) -> Outcome<Self> {
        if bytes.len() > MAX_FILE {
            let error = Error::new(Code::Pkcs12Damaged).fact(Fact::Limit, MAX_FILE);
            return Err(error.fact(Fact::Size, bytes.len()));
        }
        let (der, _) = ber::to_der(bytes).map_err(Trouble::from)?;
        let mut reader = Reader { password: password.unwrap_or_default(), work: Work::of_a_file() };
        match reader.file(&der) {
            Err(Trouble::WrongPassword) if password.is_none() => Err(Trouble::PasswordNeeded.into()),
            read => Ok(read?),
        }
    }

    /// The certificates, in the order in which they stand there.
    pub(crate) fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }

    /// Those whose private keys are in the file.
    pub(crate) fn with_key(&self) -> impl Iterator<Item = &Certificate> {
        let has_key = |id: &Option<Vec<u8>>| id.is_some() && self.keys.contains(id);
        let each = self.certificates.iter().zip(&self.key_ids);
        each.filter(move |(_, id)| has_key(id)).map(|(certificate, _)| certificate)
    }
}

/// One reading of a file.
struct Reader<'p> {
    password: &'p str,
    work: Work,
}

impl Reader<'_> {
    /// PFX ::= SEQUENCE { version, authSafe ContentInfo, macData OPTIONAL }.
    fn file(&mut self, der: &[u8]) -> Read<Pkcs12> {
        let mut pfx = Tlv::whole(der)?.tagged(SEQUENCE)?.fields();
        pfx.expect(INTEGER)?;
        let (kind, safe) = content(pfx.expect(SEQUENCE)?)?;
        if kind != DATA {
            // One that is signed instead of having a MAC, or encrypted for a certificate.
            return Err(Trouble::Unsupported(kind.to_string()));
        }
        let safe = Tlv::whole(safe)?.tagged(OCTET_STRING)?.value;
        let mac = pfx.optional(SEQUENCE)?;
        let inside = ber::to_der(safe);
        // What is asked for stands there beforehand: too much is refused before any of it is done.
        let encryptions = inside.iter().flat_map(|(der, _)| rounds_of_encryptions(der));
        let mut work = Work::of_a_file();
        encryptions.chain(mac.and_then(rounds_of_mac)).try_for_each(|rounds| work.spend(rounds))?;
        if let Some(mac) = mac {
            self.check_mac(mac, safe)?;
        }
        let mut found = Pkcs12::default();
        let (safe, _) = inside?;
        for info in Tlv::whole(&safe)?.tagged(SEQUENCE)?.fields() {
            let (kind, value) = content(info?.tagged(SEQUENCE)?)?;
            match kind {
                DATA => self.bags(Tlv::whole(value)?.tagged(OCTET_STRING)?.value, &mut found, 0)?,
                ENCRYPTED_DATA => {
                    let decrypted = self.decrypt(Tlv::whole(value)?)?;
                    // What was decrypted by the wrong password may be padded by chance.
                    let bags = self.bags(&decrypted, &mut found, 0);
                    bags.map_err(|trouble| match trouble {
                        Trouble::Malformed | Trouble::Truncated => Trouble::WrongPassword,
                        other => other,
                    })?;
                }
                other => return Err(Trouble::Unsupported(other.to_string())),
            }
        }
        Ok(found)
    }

    /// MacData ::= SEQUENCE { mac DigestInfo, macSalt OCTET STRING, iterations INTEGER DEFAULT 1 }.
    fn check_mac(&mut self, data: Tlv<'_>, message: &[u8]) -> Read<()> {
        let mut data = data.fields();
        let mut info = data.expect(SEQUENCE)?.fields();
        let algorithm = object_identifier(info.expect(SEQUENCE)?.fields().expect(OID)?)?;
        let mac = info.expect(OCTET_STRING)?.value;
        let salt = data.expect(OCTET_STRING)?.value;
        let rounds = data.optional(INTEGER)?.map_or(Ok(1), rounds)?;
        let (bmp, none) = (as_bmp(self.password), Zeroizing::default());
        // Windows hashes the empty password as no bytes at all.
        let forms = [Some(&bmp), self.password.is_empty().then_some(&none)];
        for password in forms.into_iter().flatten() {
            self.work.spend(rounds.into())?;
            let salted = (salt, rounds);
            let is_right = match algorithm {
                oid::SHA1 => derive::is_mac::<Sha1>(password, salted, message, mac),
                oid::SHA224 => derive::is_mac::<Sha224>(password, salted, message, mac),
                oid::SHA256 => derive::is_mac::<Sha256>(password, salted, message, mac),
                oid::SHA384 => derive::is_mac::<Sha384>(password, salted, message, mac),
                oid::SHA512 => derive::is_mac::<Sha512>(password, salted, message, mac),
                other => return Err(Trouble::Unsupported(format!("MAC: {other}"))),
            };
            if is_right {
                return Ok(());
            }
        }
        Err(Trouble::WrongPassword)
    }

    /// EncryptedData ::= SEQUENCE { version, SEQUENCE { contentType, algorithm, [0] IMPLICIT OCTET STRING } }.
    fn decrypt(&mut self, data: Tlv<'_>) -> Read<Zeroizing<Vec<u8>>> {
        let mut fields = data.tagged(SEQUENCE)?.fields();
        fields.expect(INTEGER)?;
        let mut info = fields.expect(SEQUENCE)?.fields();
        info.expect(OID)?;
        let algorithm = info.expect(SEQUENCE)?;
        let encrypted = info.any()?;
        let encrypted = match encrypted.tag {
            0x80 => encrypted.value.to_vec(),
            // In pieces, as BER lets it be.
            0xa0 => {
                let pieces = encrypted.fields().map(|piece| Ok(piece?.tagged(OCTET_STRING)?.value));
                pieces.collect::<Read<Vec<&[u8]>>>()?.concat()
            }
            _ => return Err(Trouble::Malformed),
        };
        cipher::decrypt(algorithm, self.password, &encrypted, &mut self.work)
    }

    /// SafeContents ::= SEQUENCE OF SafeBag.
    fn bags(&self, contents: &[u8], found: &mut Pkcs12, depth: u8) -> Read<()> {
        let (der, _) = ber::to_der(contents)?;
        for bag in Tlv::whole(&der)?.tagged(SEQUENCE)?.fields() {
            found.bags += 1;
            if found.bags > MAX_BAGS || depth > MAX_DEPTH {
                return Err(Trouble::TooMuch);
            }
            let mut bag = bag?.tagged(SEQUENCE)?.fields();
            let kind = object_identifier(bag.expect(OID)?)?;
            let value = bag.expect(context(0))?;
            let attributes = bag.optional(SET)?;
            let attribute = |wanted| attributes.and_then(|all| attribute(all.fields(), wanted));
            let key_id = || Some(attribute(LOCAL_KEY_ID)?.tagged(OCTET_STRING).ok()?.value.to_vec());
            match kind {
                KEY_BAG | SHROUDED_KEY_BAG => found.keys.push(key_id()),
                CERT_BAG => {
                    if let Some(certificate) = certificate(value)? {
                        found.certificates.push(certificate);
                        found.key_ids.push(key_id());
                    }
                }
                SAFE_CONTENTS_BAG => self.bags(value.value, found, depth + 1)?,
                // CRLs and secrets.
                _ => {}
            }
        }
        Ok(())
    }
}

/// The rounds of a MAC (MacData), where they can be read.
fn rounds_of_mac(data: Tlv<'_>) -> Option<u64> {
    let mut data = data.fields();
    data.expect(SEQUENCE).ok()?;
    data.expect(OCTET_STRING).ok()?;
    counted(rounds(data.optional(INTEGER).ok()??))
}

/// The rounds of each part that is encrypted (AuthenticatedSafe), where they can be read.
fn rounds_of_encryptions(safe: &[u8]) -> Vec<u64> {
    let rounds = |info: Tlv<'_>| {
        let (kind, value) = content(info.tagged(SEQUENCE).ok()?).ok()?;
        let data = (kind == ENCRYPTED_DATA).then(|| Tlv::whole(value)).and_then(Result::ok)?;
        let mut fields = data.tagged(SEQUENCE).ok()?.fields();
        fields.expect(INTEGER).ok()?;
        let mut info = fields.expect(SEQUENCE).ok()?.fields();
        info.expect(OID).ok()?;
        counted(cipher::rounds_of(info.expect(SEQUENCE).ok()?))
    };
    let infos = Tlv::whole(safe).and_then(|all| all.tagged(SEQUENCE)).map(Tlv::fields);
    infos.into_iter().flatten().flatten().filter_map(rounds).collect()
}

/// A number of rounds, also where it is more than any.
fn counted(rounds: Read<u32>) -> Option<u64> {
    match rounds {
        Ok(rounds) => Some(rounds.into()),
        Err(Trouble::TooMuch) => Some(u64::MAX),
        Err(_) => None,
    }
}

/// ContentInfo ::= SEQUENCE { contentType, [0] EXPLICIT content }.
fn content(info: Tlv<'_>) -> Read<(ObjectIdentifier, &[u8])> {
    let mut fields = info.fields();
    let kind = object_identifier(fields.expect(OID)?)?;
    Ok((kind, fields.expect(context(0))?.value))
}

/// CertBag ::= SEQUENCE { certId, [0] EXPLICIT OCTET STRING }; none where it is no certificate that can be read: one spoils
/// nothing.
fn certificate(bag: Tlv<'_>) -> Read<Option<Certificate>> {
    let mut fields = Tlv::whole(bag.value)?.tagged(SEQUENCE)?.fields();
    if object_identifier(fields.expect(OID)?)? != X509_CERTIFICATE {
        return Ok(None);
    }
    let value = Tlv::whole(fields.expect(context(0))?.value)?.tagged(OCTET_STRING)?.value;
    Ok(Certificate::from_der(Certificate::without_padding(value)).ok())
}

/// The first value of an attribute: SEQUENCE { type, SET OF value }.
fn attribute<'a>(attributes: Fields<'a>, wanted: ObjectIdentifier) -> Option<Tlv<'a>> {
    attributes.flatten().find_map(|attribute| {
        let mut fields = attribute.tagged(SEQUENCE).ok()?.fields();
        let kind = object_identifier(fields.expect(OID).ok()?).ok()?;
        (kind == wanted).then(|| fields.expect(SET).ok()?.fields().any().ok()).flatten()
    })
}

fn object_identifier(element: Tlv<'_>) -> Read<ObjectIdentifier> {
    ObjectIdentifier::from_bytes(element.value).map_err(|_| Trouble::Malformed)
}

/// A number of rounds.
fn rounds(element: Tlv<'_>) -> Read<u32> {
    match element.value {
        [] => Err(Trouble::Malformed),
        [first, ..] if *first & 0x80 != 0 => Err(Trouble::Malformed),
        value => {
            let rounds = value
                .iter()
                .try_fold(0_u32, |number, byte| number.checked_mul(256)?.checked_add(u32::from(*byte)));
            rounds.ok_or(Trouble::TooMuch).map(|rounds| rounds.max(1))
        }
    }
}
