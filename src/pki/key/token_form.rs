//! Signatures in the forms in which tokens return them.

use super::kind::{KeyAlgorithm, SignatureAlgorithm};
use super::public::PublicKey;
use der::{Header, Reader, SliceReader};

impl PublicKey {
    /// The signature that a token has returned, in the form of requests and certificates; `None` when it verifies in none of
    /// the forms in which it may be meant.
    pub(crate) fn signature_of_token(
        &self,
        algorithm: SignatureAlgorithm,
        message: &[u8],
        returned: &[u8],
    ) -> Option<Vec<u8>> {
        let forms = match self.algorithm() {
            KeyAlgorithm::Rsa { bits } => rsa_forms(returned, bits.div_ceil(8) as usize),
            _ => algorithm.ecdsa_forms(returned),
        };
        forms.into_iter().find(|signature| self.verify(algorithm, message, signature).is_ok())
    }
}

impl SignatureAlgorithm {
    /// The DER of ECDSA-Sig-Value (RFC 3279 §2.2.3) of what a token has returned: two numbers of the curve's length one after
    /// the other (PKCS#11 v3.1 §6.3.1), or that DER already. Zeros behind either are padding.
    pub(crate) fn ecdsa_forms(self, returned: &[u8]) -> Vec<Vec<u8>> {
        let Some(length) = self.ecdsa_length() else { return Vec::new() };
        let fixed = without_zeros_behind(returned, length).and_then(|fixed| self.der_from_fixed(fixed).ok());
        let end = der_end(returned).and_then(|end| without_zeros_behind(returned, end));
        fixed.into_iter().chain(end.map(<[u8]>::to_vec)).collect()
    }

    /// The length of both numbers together.
    const fn ecdsa_length(self) -> Option<usize> {
        match self {
            SignatureAlgorithm::RsaPkcs1Sha256 | SignatureAlgorithm::RsaPssSha256 => None,
            SignatureAlgorithm::EcdsaSha256 => Some(64),
            SignatureAlgorithm::EcdsaSha384 => Some(96),
        }
    }
}

/// An RSA signature is as long as the modulus (RFC 8017 §8.2.1). Some drivers treat it as a number and leave out its leading
/// zeros or put one more before it; some fill up their buffer behind it.
fn rsa_forms(returned: &[u8], length: usize) -> Vec<Vec<u8>> {
    let Some(missing) = length.checked_sub(returned.len()) else {
        let behind = without_zeros_behind(returned, length);
        let (before, last) = returned.split_at(returned.len() - length);
        let last = before.iter().all(|byte| *byte == 0).then_some(last);
        return behind.into_iter().chain(last).map(<[u8]>::to_vec).collect();
    };
    vec![[&vec![0; missing], returned].concat()]
}

/// The first bytes, where only zeros follow them.
fn without_zeros_behind(bytes: &[u8], length: usize) -> Option<&[u8]> {
    let (first, rest) = bytes.split_at_checked(length)?;
    rest.iter().all(|byte| *byte == 0).then_some(first)
}

/// Where the DER element at the beginning ends.
fn der_end(bytes: &[u8]) -> Option<usize> {
    let mut reader = SliceReader::new(bytes).ok()?;
    let header: Header = reader.decode().ok()?;
    let begin = usize::try_from(reader.position()).ok()?;
    begin.checked_add(usize::try_from(header.length()).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pki::openssl::OpenSsl;

    fn padded(signature: &[u8], zeros: usize) -> Vec<u8> {
        [signature, &vec![0; zeros]].concat()
    }

    #[test]
    fn an_rsa_signature_is_filled_up_and_cut() {
        let openssl = OpenSsl::new();
        let key = openssl.key("rsa", "rsa");
        let algorithm = SignatureAlgorithm::RsaPkcs1Sha256;
        let signature = openssl.sign("rsa", algorithm, b"one");
        let read = |returned: &[u8]| key.signature_of_token(algorithm, b"one", returned);
        assert_eq!(read(&signature).as_deref(), Some(&signature[..]));
        assert_eq!(read(&padded(&signature, 8)).as_deref(), Some(&signature[..]));
        assert_eq!(read(&[&[0], &signature[..]].concat()).as_deref(), Some(&signature[..]));
        assert_eq!(read(&signature[1..]), None);
        assert_eq!(read(&[&[1], &signature[..]].concat()), None);
        assert_eq!(read(&[]), None);
        assert_eq!(rsa_forms(&[1, 2], 4), [[0, 0, 1, 2]]);
    }

    #[test]
    fn an_ecdsa_signature_may_be_der_or_two_numbers() {
        let openssl = OpenSsl::new();
        for (kind, algorithm) in
            [("P-256", SignatureAlgorithm::EcdsaSha256), ("P-384", SignatureAlgorithm::EcdsaSha384)]
        {
            let key = openssl.key(kind, kind);
            let der = openssl.sign(kind, algorithm, b"one");
            let read = |returned: &[u8]| key.signature_of_token(algorithm, b"one", returned);
            let fixed = match algorithm {
                SignatureAlgorithm::EcdsaSha256 => {
                    p256::ecdsa::Signature::from_der(&der).unwrap().to_bytes().to_vec()
                }
                _ => p384::ecdsa::Signature::from_der(&der).unwrap().to_bytes().to_vec(),
            };
            for returned in [der.clone(), padded(&der, 5), fixed.clone(), padded(&fixed, 8)] {
                assert_eq!(read(&returned).as_deref(), Some(&der[..]), "{kind}");
            }
            for returned in [&der[..der.len() - 1], &fixed[..20], &[], &[0x30], &[0x30, 0xff]] {
                assert_eq!(read(returned), None, "{kind}");
            }
        }
    }
}
