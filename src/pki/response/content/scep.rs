//! The response of the Simple Certificate Enrolment Protocol: CertRep (RFC 8894 §3.3.2).

use crate::error::Fact;
use crate::pki::asn1::oid;
use crate::pki::asn1::tlv::{OID, SEQUENCE, SET, Tlv, context};
use crate::pki::response::skipped::{Skipped, Unusable};

/// What a CertRep says; `None` where the message is none. Its certificate is encrypted for the requester's key,
/// which on a token signs and does not decrypt.
pub(super) fn cert_rep(signers: Tlv<'_>, message: &[u8]) -> Option<Skipped> {
    let signer = signers.fields().next()?.ok()?.tagged(SEQUENCE).ok()?;
    let attributes = signer.fields().flatten().find(|field| field.tag == context(0))?;
    if value(attributes, oid::SCEP_MESSAGE_TYPE.as_bytes())? != b"3" {
        return None;
    }
    let said = |what, status: &str| Skipped::new(what, message).saying(Fact::Found, format!("SCEP {status}"));
    // pkiStatus and failInfo (RFC 8894 §3.2.1.3 and §3.2.1.4).
    Some(match value(attributes, oid::SCEP_PKI_STATUS.as_bytes()) {
        Some(b"3") => said(Unusable::Pending, "PENDING"),
        Some(b"2") => {
            let reason = value(attributes, oid::SCEP_FAIL_INFO.as_bytes()).unwrap_or_default();
            let names: [(&[u8], &str); 5] = [
                (b"0", "badAlg"),
                (b"1", "badMessageCheck"),
                (b"2", "badRequest"),
                (b"3", "badTime"),
                (b"4", "badCertId"),
            ];
            let name = names.iter().find(|(number, _)| *number == reason).map_or("", |(_, name)| *name);
            said(Unusable::Refusal, &format!("FAILURE {name}"))
        }
        _ => Skipped::new(Unusable::CertRep, message),
    })
}

/// The contents of an attribute's first value.
fn value<'a>(attributes: Tlv<'a>, kind: &[u8]) -> Option<&'a [u8]> {
    attributes.fields().flatten().find_map(|attribute| {
        let mut fields = attribute.tagged(SEQUENCE).ok()?.fields();
        let found = fields.expect(OID).ok()?.value == kind;
        let value = fields.expect(SET).ok()?.fields().next()?.ok()?.value;
        found.then_some(value)
    })
}
