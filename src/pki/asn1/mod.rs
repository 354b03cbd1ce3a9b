//! ASN.1 as it comes from outside: elements with their bytes, BER, identifiers, PEM, and moments.

pub(super) mod ber;
pub(super) mod oid;
pub(super) mod pem;
pub(super) mod time;
pub(super) mod tlv;
