//! What a certificate's extensions say (RFC 5280 §4.2), each read by itself.

use der::Decode;
use der::asn1::ObjectIdentifier;

use crate::pki::asn1::tlv::{
    BIT_STRING, BOOLEAN, INTEGER, Malformed, OCTET_STRING, OID, Read, SEQUENCE, Tlv, is_true,
};
use crate::pki::asn1::{ber, oid};
use crate::pki::key::usage::KeyUsage;

/// What was read, and what could not be.
#[derive(Default)]
pub(super) struct Extensions {
    pub is_ca: bool,
    /// Whether there are basic constraints, whatever they say.
    pub has_basic_constraints: bool,
    /// The names of those that are here more than once, in order.
    pub repeated: Vec<String>,
    pub unreadable: Vec<String>,
    pub unknown_critical: Vec<String>,
    pub key_usage: Option<KeyUsage>,
    /// The extension's value and its purposes in dotted form.
    pub purposes: Option<(Vec<u8>, Box<[String]>)>,
    /// The whole Extension, for requests, which copy it with its criticality.
    pub subject_alt_name: Option<Vec<u8>>,
    pub subject_key_id: Option<Vec<u8>>,
    /// The bits of netscape-cert-type.
    pub netscape_type: Option<u8>,
    /// The keyIdentifier of the extension.
    pub authority_key_id: Option<Vec<u8>>,
}

/// What RFC 5280 §4.2 and §6.1 tell what to do with, so that it may be critical.
const KNOWN: [ObjectIdentifier; 14] = [
    oid::BASIC_CONSTRAINTS,
    oid::KEY_USAGE,
    oid::EXTENDED_KEY_USAGE,
    oid::SUBJECT_ALT_NAME,
    oid::NAME_CONSTRAINTS,
    oid::CERTIFICATE_POLICIES,
    oid::POLICY_MAPPINGS,
    oid::POLICY_CONSTRAINTS,
    oid::INHIBIT_ANY_POLICY,
    oid::SUBJECT_KEY_IDENTIFIER,
    oid::AUTHORITY_KEY_IDENTIFIER,
    // Revocation is not examined, neither here nor by these.
    oid::CRL_DISTRIBUTION_POINTS,
    oid::OCSP_NO_CHECK,
    oid::NETSCAPE_CERT_TYPE,
];

/// The name under which an extension that is not even an Extension is listed.
const NOT_AN_EXTENSION: &str = "?";

impl Extensions {
    /// Reads what can be read: an extension that cannot is a fact about the certificate, not the end of it.
    pub(super) fn read(extensions: Tlv<'_>) -> Self {
        let mut found = Extensions::default();
        if extensions.tag != SEQUENCE {
            found.unreadable.push(NOT_AN_EXTENSION.to_owned());
        }
        let mut ids: Vec<&[u8]> = Vec::new();
        for extension in extensions.fields() {
            match extension.and_then(Extension::read) {
                Ok(extension) => {
                    if ids.contains(&extension.id) {
                        found.repeated.push(extension.name());
                    }
                    ids.push(extension.id);
                    found.add(&extension);
                }
                Err(_) => found.unreadable.push(NOT_AN_EXTENSION.to_owned()),
            }
        }
        found
    }

    fn add(&mut self, extension: &Extension<'_>) {
        if extension.critical && !KNOWN.iter().any(|known| extension.is(*known)) {
            self.unknown_critical.push(extension.name());
        }
        if self.take(extension).is_err() {
            self.unreadable.push(extension.name());
        }
    }

    fn take(&mut self, extension: &Extension<'_>) -> Read<()> {
        let value = extension.value;
        if extension.is(oid::BASIC_CONSTRAINTS) {
            self.has_basic_constraints = true;
            self.is_ca = is_ca(value)?;
        } else if extension.is(oid::KEY_USAGE) {
            self.key_usage = Some(KeyUsage::from_der(value)?);
        } else if extension.is(oid::EXTENDED_KEY_USAGE) {
            self.purposes = Some((value.to_vec(), purposes(value)?));
        } else if extension.is(oid::SUBJECT_ALT_NAME) {
            self.subject_alt_name = Some(extension.raw.to_vec());
        } else if extension.is(oid::SUBJECT_KEY_IDENTIFIER) {
            let id = Tlv::whole(value).and_then(|id| id.tagged(OCTET_STRING));
            self.subject_key_id = id.ok().map(|id| id.value.to_vec());
        } else if extension.is(oid::AUTHORITY_KEY_IDENTIFIER) {
            self.authority_key_id = authority_key_id(value);
        } else if extension.is(oid::NETSCAPE_CERT_TYPE) {
            let bits = Tlv::whole(value)?.tagged(BIT_STRING)?.value;
            self.netscape_type = Some(bits.get(1).copied().unwrap_or_default());
        }
        Ok(())
    }
}

/// Extension (RFC 5280 §4.1.2.9).
struct Extension<'a> {
    /// The contents of the OBJECT IDENTIFIER.
    id: &'a [u8],
    critical: bool,
    /// The contents of the OCTET STRING.
    value: &'a [u8],
    /// The whole element.
    raw: &'a [u8],
}

impl<'a> Extension<'a> {
    fn read(extension: Tlv<'a>) -> Read<Self> {
        let mut fields = extension.tagged(SEQUENCE)?.fields();
        let id = fields.expect(OID)?.value;
        let critical = fields.optional(BOOLEAN)?.is_some_and(is_true);
        let value = fields.expect(OCTET_STRING)?.value;
        fields.end()?;
        Ok(Extension { id, critical, value, raw: extension.raw })
    }

    fn is(&self, id: ObjectIdentifier) -> bool {
        self.id == id.as_bytes()
    }

    fn name(&self) -> String {
        ObjectIdentifier::from_bytes(self.id).map_or_else(|_| oid::dotted(self.id), oid::name)
    }
}

/// Whether BasicConstraints say `cA`. That of `x509_cert` reads no BER, which some CAs write here.
fn is_ca(value: &[u8]) -> Read<bool> {
    let (der, taken) = ber::to_der(value)?;
    let mut fields = Tlv::whole(&der)?.tagged(SEQUENCE)?.fields();
    let ca = fields.optional(BOOLEAN)?;
    fields.optional(INTEGER)?;
    fields.end()?;
    if taken == value.len() { Ok(ca.is_some_and(is_true)) } else { Err(Malformed::Unexpected) }
}

/// [0] IMPLICIT OCTET STRING.
const KEY_IDENTIFIER: u8 = 0x80;

/// The keyIdentifier of an AuthorityKeyIdentifier, which is its first element where there is one. What cannot be read
/// names no key.
fn authority_key_id(value: &[u8]) -> Option<Vec<u8>> {
    let mut fields = Tlv::whole(value).and_then(|all| all.tagged(SEQUENCE)).map(Tlv::fields).ok()?;
    let id = fields.optional(KEY_IDENTIFIER).ok()??;
    Some(id.value.to_vec())
}

/// ExtendedKeyUsage. That of `x509_cert` refuses identifiers with numbers above 32 bits, as UUIDs have them.
fn purposes(value: &[u8]) -> Read<Box<[String]>> {
    let list = Vec::<Tlv<'_>>::from_der(value)?;
    list.into_iter().map(|purpose| Ok(oid::dotted(purpose.tagged(OID)?.value))).collect()
}
