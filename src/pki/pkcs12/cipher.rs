//! What encrypts the bags of a PKCS#12 file: PBES2 (RFC 8018 §6.2), and the schemes of RFC 7292 appendix C, as banks' older
//! tools and Internet Explorer exported with.

use cbc::Decryptor;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeDecrypt, InnerIvInit, KeyIvInit};
use der::asn1::ObjectIdentifier;
use der::{Decode, Encode};
use pkcs5::{EncryptionScheme, pbes2::Kdf};
use rc2::Rc2;
use sha1::Sha1;
use spki::AlgorithmIdentifierRef;
use zeroize::Zeroizing;

use super::derive::{Purpose, Work, as_bmp, key};
use super::{Trouble, rounds};
use crate::pki::asn1::tlv::{INTEGER, OCTET_STRING, SEQUENCE, Tlv};

const PBES2: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.5.13");
const TRIPLE_DES_3_KEYS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.1.3");
const TRIPLE_DES_2_KEYS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.1.4");
const RC2_128: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.1.5");
const RC2_40: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.1.6");

/// All of these have blocks of eight bytes.
const IV_LENGTH: usize = 8;

/// Decrypts by this algorithm.
///
/// # Errors
/// [`Trouble::Unsupported`]; [`Trouble::TooMuch`]; [`Trouble::WrongPassword`] where what comes out is not padded as it
/// should be.
pub(super) fn decrypt(
    algorithm: Tlv<'_>,
    password: &str,
    encrypted: &[u8],
    work: &mut Work,
) -> Result<Zeroizing<Vec<u8>>, Trouble> {
    let identifier = AlgorithmIdentifierRef::from_der(algorithm.raw).map_err(|_| Trouble::Malformed)?;
    match identifier.oid {
        PBES2 => with_pbes2(algorithm, password, encrypted, work),
        TRIPLE_DES_3_KEYS | TRIPLE_DES_2_KEYS | RC2_128 | RC2_40 => {
            let mut parameters = parameters(&identifier)?;
            let salt = parameters.0.take().unwrap_or_default();
            work.spend(2 * u64::from(parameters.1))?;
            old(identifier.oid, password, (&salt, parameters.1), encrypted)
        }
        other => Err(Trouble::Unsupported(other.to_string())),
    }
}

/// How many rounds this algorithm asks for.
///
/// # Errors
/// [`Trouble::TooMuch`]; any other where they cannot be read.
pub(super) fn rounds_of(algorithm: Tlv<'_>) -> Result<u32, Trouble> {
    let identifier = AlgorithmIdentifierRef::from_der(algorithm.raw).map_err(|_| Trouble::Malformed)?;
    if identifier.oid != PBES2 {
        return parameters(&identifier).map(|(_, rounds)| rounds);
    }
    let scheme = EncryptionScheme::from_der(algorithm.raw).map_err(|_| Trouble::Malformed)?;
    match scheme.pbes2().map(|parameters| &parameters.kdf) {
        Some(Kdf::Pbkdf2(kdf)) => Ok(kdf.iteration_count),
        _ => Err(Trouble::Malformed),
    }
}

/// The salt and the number of rounds (RFC 7292 appendix C, pkcs-12PbeParams).
fn parameters(identifier: &AlgorithmIdentifierRef<'_>) -> Result<(Option<Vec<u8>>, u32), Trouble> {
    let parameters = identifier.parameters.and_then(|any| any.to_der().ok()).ok_or(Trouble::Malformed)?;
    let mut fields = Tlv::whole(&parameters)?.tagged(SEQUENCE)?.fields();
    let salt = fields.expect(OCTET_STRING)?.value.to_vec();
    let rounds = rounds(fields.expect(INTEGER)?)?;
    Ok((Some(salt), rounds))
}

fn old(
    scheme: ObjectIdentifier,
    password: &str,
    (salt, rounds): (&[u8], u32),
    encrypted: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Trouble> {
    let bmp = as_bmp(password);
    let derive = |purpose, length| key::<Sha1>(purpose, &bmp, salt, rounds, length);
    let iv = derive(Purpose::InitialVector, IV_LENGTH);
    let of_key = |length| derive(Purpose::Encryption, length);
    let wrong = |_| Trouble::WrongPassword;
    // The lengths are the ciphers' own.
    let decrypted = match scheme {
        TRIPLE_DES_3_KEYS => Decryptor::<des::TdesEde3>::new_from_slices(&of_key(24), &iv)
            .map_err(|_| Trouble::Malformed)?
            .decrypt_padded_vec::<Pkcs7>(encrypted)
            .map_err(wrong),
        TRIPLE_DES_2_KEYS => Decryptor::<des::TdesEde2>::new_from_slices(&of_key(16), &iv)
            .map_err(|_| Trouble::Malformed)?
            .decrypt_padded_vec::<Pkcs7>(encrypted)
            .map_err(wrong),
        rc2 => {
            let length = if rc2 == RC2_40 { 5 } else { 16 };
            let cipher = Rc2::new_with_eff_key_len(&of_key(length), 8 * length);
            Decryptor::inner_iv_slice_init(cipher, &iv)
                .map_err(|_| Trouble::Malformed)?
                .decrypt_padded_vec::<Pkcs7>(encrypted)
                .map_err(wrong)
        }
    };
    decrypted.map(Zeroizing::new)
}

/// The password is in UTF-8 here (RFC 8018 §3); older versions of NSS took the form of the old schemes.
fn with_pbes2(
    algorithm: Tlv<'_>,
    password: &str,
    encrypted: &[u8],
    work: &mut Work,
) -> Result<Zeroizing<Vec<u8>>, Trouble> {
    let unsupported = |detail: &dyn std::fmt::Display| Trouble::Unsupported(format!("PBES2: {detail}"));
    let scheme = EncryptionScheme::from_der(algorithm.raw).map_err(|error| unsupported(&error))?;
    let parameters = scheme.pbes2().ok_or(Trouble::Malformed)?;
    let Kdf::Pbkdf2(kdf) = &parameters.kdf else { return Err(unsupported(&parameters.kdf.oid())) };
    let bmp = as_bmp(password);
    for password in [password.as_bytes(), &bmp] {
        // A key of 32 bytes takes two rounds of the longest where the hash is SHA-1.
        work.spend(2 * u64::from(kdf.iteration_count))?;
        match scheme.decrypt(password, encrypted) {
            Ok(decrypted) if Tlv::whole(&decrypted).is_ok() => return Ok(Zeroizing::new(decrypted)),
            Ok(_) | Err(pkcs5::Error::DecryptFailed) => {}
            Err(error) => return Err(unsupported(&error)),
        }
    }
    Err(Trouble::WrongPassword)
}
