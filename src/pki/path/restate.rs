//! A certificate written anew by the rules of DER, for `certval`, which reads nothing else: key usages of four octets,
//! lengths and TRUE in BER, years before 1970, versions that do not fit, UniversalStrings. What it says stays the same; its signature is
//! that of the bytes that came, and is verified over those.

use std::time::SystemTime;

use der::Encode;
use der::asn1::ObjectIdentifier;
use x509_cert::time::Time;

use crate::pki::asn1::tlv::{
    self, BOOLEAN, INTEGER, Malformed, OCTET_STRING, OID, Read, SEQUENCE, SET, TRUE, Tlv, UNIVERSAL_STRING,
    UTF8_STRING, context,
};
use crate::pki::asn1::{ber, oid, time};
use crate::pki::key::usage::KeyUsage;

/// Version v3 (2), which has extensions.
const VERSION_3: &[u8] = &[0xa0, 3, INTEGER, 1, 2];

/// Extensions that certval does not know and that mean nothing in a chain here: where to ask for revocation, which is
/// not examined; and the types of certificates before there were key usages, which the leaf is asked for.
const SEEN_TO: [ObjectIdentifier; 3] =
    [oid::CRL_DISTRIBUTION_POINTS, oid::OCSP_NO_CHECK, oid::NETSCAPE_CERT_TYPE];

/// The policies of an anchor: it is no part of the path (RFC 5280 §6.1), and openssl does not count them either.
const POLICIES: [ObjectIdentifier; 4] =
    [oid::CERTIFICATE_POLICIES, oid::POLICY_MAPPINGS, oid::POLICY_CONSTRAINTS, oid::INHIBIT_ANY_POLICY];

/// Certificate (RFC 5280 §4.1), written anew.
pub(super) fn restated(certificate: &[u8]) -> Read<Vec<u8>> {
    restated_without(certificate, &SEEN_TO)
}

/// The certificate of a trust anchor, written anew. Its name constraints, its path length, its usages and its purposes
/// count as those of a CA below it; its policies do not.
pub(super) fn restated_anchor(certificate: &[u8]) -> Read<Vec<u8>> {
    restated_without(certificate, &[&SEEN_TO[..], &POLICIES].concat())
}

fn restated_without(certificate: &[u8], dropped: &[ObjectIdentifier]) -> Read<Vec<u8>> {
    let mut outer = Tlv::whole(certificate)?.tagged(SEQUENCE)?.fields();
    let to_be_signed = outer.expect(SEQUENCE)?;
    let (algorithm, signature) = (outer.any()?, outer.any()?);
    let mut fields = to_be_signed.fields();
    let version = fields.optional(context(0))?;
    let (serial, inner_algorithm) = (fields.any()?, fields.any()?);
    let (issuer, validity, subject, key) = (fields.any()?, fields.any()?, fields.any()?, fields.any()?);
    let mut extensions = None;
    for field in fields {
        let field = field?;
        if field.tag == context(3) {
            extensions =
                Some(tlv::encode(context(3), &[&self::extensions(Tlv::whole(field.value)?, dropped)?]));
        }
    }
    let version = match (&extensions, version) {
        (Some(_), _) => VERSION_3,
        (None, version) => version.map(|version| version.raw).unwrap_or_default(),
    };
    let (issuer, subject) = (name(issuer)?, name(subject)?);
    let validity = self::validity(validity)?;
    let extensions = extensions.unwrap_or_default();
    let parts =
        [version, serial.raw, inner_algorithm.raw, &issuer, &validity, &subject, key.raw, &extensions];
    let to_be_signed = tlv::encode(SEQUENCE, &parts);
    Ok(tlv::encode(SEQUENCE, &[&to_be_signed, algorithm.raw, signature.raw]))
}

/// A UniversalString, a tag that `der` does not know, becomes a UTF8String of the same characters, which is the same
/// name (RFC 5280 §7.1).
fn name(name: Tlv<'_>) -> Read<Vec<u8>> {
    let of_rdn = |rdn: Tlv<'_>| -> Read<Vec<u8>> {
        let attributes = rdn.tagged(SET)?.fields().map(|one| attribute(one?));
        Ok(tlv::encode(SET, &[&attributes.collect::<Read<Vec<_>>>()?.concat()]))
    };
    let rdns = name.tagged(SEQUENCE)?.fields().map(|rdn| of_rdn(rdn?));
    Ok(tlv::encode(SEQUENCE, &[&rdns.collect::<Read<Vec<_>>>()?.concat()]))
}

fn attribute(attribute: Tlv<'_>) -> Read<Vec<u8>> {
    let mut fields = attribute.tagged(SEQUENCE)?.fields();
    let (kind, value) = (fields.any()?, fields.any()?);
    if value.tag != UNIVERSAL_STRING {
        return Ok(attribute.raw.to_vec());
    }
    let characters = value.value.chunks(4).map(|four| {
        let number = four.try_into().map(u32::from_be_bytes).map_err(|_| Malformed::Unexpected)?;
        char::from_u32(number).ok_or(Malformed::Unexpected)
    });
    let text = characters.collect::<Read<String>>()?;
    Ok(tlv::encode(SEQUENCE, &[kind.raw, &tlv::encode(UTF8_STRING, &[text.as_bytes()])]))
}

/// Dates before 1970 become its beginning: no chain is checked at such a time.
fn validity(validity: Tlv<'_>) -> Read<Vec<u8>> {
    let mut fields = validity.tagged(SEQUENCE)?.fields();
    let mut date = || -> Read<Vec<u8>> {
        let moment = time::read(fields.any()?)?.max(SystemTime::UNIX_EPOCH);
        Ok(Time::try_from(moment)?.to_der()?)
    };
    let (begin, end) = (date()?, date()?);
    Ok(tlv::encode(SEQUENCE, &[&begin, &end]))
}

fn extensions(extensions: Tlv<'_>, dropped: &[ObjectIdentifier]) -> Read<Vec<u8>> {
    let written = extensions.tagged(SEQUENCE)?.fields().map(|one| extension(one?, dropped));
    let written = written.collect::<Read<Vec<_>>>()?;
    let written: Vec<&[u8]> = written.iter().map(Vec::as_slice).collect();
    Ok(tlv::encode(SEQUENCE, &written))
}

/// Nothing for one that is dropped.
fn extension(extension: Tlv<'_>, dropped: &[ObjectIdentifier]) -> Read<Vec<u8>> {
    let mut fields = extension.tagged(SEQUENCE)?.fields();
    let id = fields.expect(OID)?;
    if dropped.iter().any(|dropped| dropped.as_bytes() == id.value) {
        return Ok(Vec::new());
    }
    let critical = fields.optional(BOOLEAN)?.is_some_and(tlv::is_true);
    let value = fields.expect(OCTET_STRING)?.value;
    // What cannot be read is left as it is, to be refused.
    let written = value_of(id.value, value).unwrap_or_else(|_| value.to_vec());
    let value = tlv::encode(OCTET_STRING, &[&written]);
    Ok(tlv::encode(SEQUENCE, &[id.raw, if critical { TRUE } else { &[] }, &value]))
}

fn value_of(id: &[u8], value: &[u8]) -> Read<Vec<u8>> {
    if id == oid::KEY_USAGE.as_bytes() {
        return Ok(KeyUsage::from_der(value)?.to_der()?);
    }
    let (der, taken) = ber::to_der(value)?;
    if taken != value.len() {
        return Ok(value.to_vec());
    }
    if id == oid::BASIC_CONSTRAINTS.as_bytes() {
        let mut fields = Tlv::whole(&der)?.tagged(SEQUENCE)?.fields();
        let ca = fields.optional(BOOLEAN)?.is_some_and(tlv::is_true);
        let rest: Vec<u8> =
            fields.map(|field| field.map(|field| field.raw)).collect::<Read<Vec<_>>>()?.concat();
        return Ok(tlv::encode(SEQUENCE, &[if ca { TRUE } else { &[] }, &rest]));
    }
    Ok(der)
}
