//! RSASSA-PSS as certificates are signed with it.

use der::asn1::{AnyRef, ObjectIdentifier};
use der::{Decode, Encode};
use rsa::hazmat::rsa_encrypt;
use rsa::traits::{PublicKeyParts, SignatureScheme};
use rsa::{BoxedUint, Pss};
use sha1::Sha1;
use sha2::digest::FixedOutputReset;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};
use spki::{AlgorithmIdentifierRef, SubjectPublicKeyInfoRef};

use super::{Hash, Unverified, with_hash};
use crate::pki::asn1::oid;
use crate::pki::asn1::tlv::{Malformed, Read, SEQUENCE, Tlv, context};

/// RSASSA-PSS-params (RFC 4055 §3.1).
pub(super) struct PssParameters {
    hash: Hash,
    /// The hash function of the mask generation function, which Java leaves at SHA-1.
    mask_hash: Hash,
    salt_length: usize,
}

/// The hash function, the mask generation function, its hash function and the length of the salt. Those of `pkcs1` end
/// at a salt of 255 bytes, which is less than an RSA key of 4096 bits has room for.
fn pss_fields(der: &[u8]) -> Read<(ObjectIdentifier, ObjectIdentifier, ObjectIdentifier, usize)> {
    let mut fields = Tlv::whole(der)?.tagged(SEQUENCE)?.fields();
    let (mut hash, mut mask, mut mask_hash, mut salt_length) = (oid::SHA1, oid::MGF1, oid::SHA1, 20);
    if let Some(field) = fields.optional(context(0))? {
        hash = AlgorithmIdentifierRef::from_der(field.value)?.oid;
    }
    if let Some(field) = fields.optional(context(1))? {
        let read = AlgorithmIdentifierRef::from_der(field.value)?;
        let parameters = read.parameters.ok_or(Malformed::Unexpected)?;
        (mask, mask_hash) = (read.oid, parameters.decode_as::<AlgorithmIdentifierRef<'_>>()?.oid);
    }
    if let Some(field) = fields.optional(context(2))? {
        salt_length = u16::from_der(field.value)?.into();
    }
    if let Some(field) = fields.optional(context(3))?
        && u8::from_der(field.value)? != 1
    {
        return Err(Malformed::Unexpected);
    }
    fields.end()?;
    Ok((hash, mask, mask_hash, salt_length))
}

/// EMSA-PSS-ENCODE (RFC 8017 §9.1.1) of a message for a modulus of so many bits, by the parameters of
/// [`SignatureAlgorithm::RsaPssSha256`](crate::pki::SignatureAlgorithm::RsaPssSha256): for tokens that have the bare RSA
/// operation only. As long as the modulus; `None` where that is too short.
pub(crate) fn pss_encoding(message: &[u8], modulus_bits: u32, salt: &[u8; 32]) -> Option<Vec<u8>> {
    let parameters = PssParameters { hash: Hash::Sha256, mask_hash: Hash::Sha256, salt_length: salt.len() };
    let bits = usize::try_from(modulus_bits).ok()?.checked_sub(1)?;
    let encoded = parameters.encode(&Hash::Sha256.digest(message), bits, salt)?;
    // A modulus of 8n + 1 bits is a byte longer than what is encoded for it.
    let missing = usize::try_from(modulus_bits.div_ceil(8)).ok()?.checked_sub(encoded.len())?;
    Some([vec![0; missing], encoded].concat())
}

impl PssParameters {
    fn encode(&self, digest: &[u8], bits: usize, salt: &[u8]) -> Option<Vec<u8>> {
        let length = bits.div_ceil(8);
        let hash = self.hash.digest(&[&[0; 8], digest, salt].concat());
        let zeros = length.checked_sub(hash.len() + salt.len() + 2)?;
        let block = [&vec![0; zeros], &[1][..], salt].concat();
        let mask = self.mask(&hash, block.len());
        let mut masked: Vec<u8> = block.iter().zip(mask).map(|(block, mask)| block ^ mask).collect();
        *masked.first_mut()? &= 0xff >> ((8 - bits % 8) % 8);
        Some([masked, hash, vec![0xbc]].concat())
    }

    /// The parameters of a signature's algorithm, or of a key.
    pub(super) fn read(parameters: Option<AnyRef<'_>>) -> Result<Self, Unverified> {
        // RFC 4055 §3.1 demands them in a signature's algorithm.
        let der = parameters.and_then(|any| any.to_der().ok()).ok_or(Unverified::Invalid)?;
        let (hash, mask, mask_hash, salt_length) = pss_fields(&der).map_err(|_| Unverified::Invalid)?;
        let unsupported = |oid| Unverified::Unsupported(format!("RSA-PSS, {}", oid::name(oid)));
        if mask != oid::MGF1 {
            return Err(unsupported(mask));
        }
        let named = |hash| Hash::named(hash).ok_or_else(|| unsupported(hash));
        Ok(PssParameters { hash: named(hash)?, mask_hash: named(mask_hash)?, salt_length })
    }

    /// RSASSA-PSS-VERIFY (RFC 8017 §8.1.2). The crate `rsa` has one hash function for both uses.
    pub(super) fn verify(&self, key: &rsa::PublicKey, message: &[u8], signature: &[u8]) -> bool {
        fn verify<D: Digest + FixedOutputReset>(
            key: &rsa::PublicKey,
            salt: usize,
            digest: &[u8],
            signature: &[u8],
        ) -> bool {
            Pss::<D>::new_with_salt(salt).verify(key, digest, signature).is_ok()
        }
        let digest = self.hash.digest(message);
        if self.hash == self.mask_hash {
            return with_hash!(self.hash, verify(key, self.salt_length, &digest, signature));
        }
        encoded_message(key, signature)
            .is_some_and(|(encoded, bits)| self.is_encoding_of(&digest, encoded, bits).unwrap_or(false))
    }

    /// EMSA-PSS-VERIFY (RFC 8017 §9.1.2); `None` where the message is too short for it.
    fn is_encoding_of(&self, digest: &[u8], mut encoded: Vec<u8>, bits: usize) -> Option<bool> {
        if encoded.pop()? != 0xbc {
            return Some(false);
        }
        let masked = encoded.len().checked_sub(digest.len())?;
        let hash = encoded.split_off(masked);
        let mask = self.mask(&hash, masked);
        let mut block: Vec<u8> = encoded.iter().zip(mask).map(|(masked, mask)| masked ^ mask).collect();
        // The bits above the length that counts are zero before and after.
        let unused = !(0xff_u8 >> ((8 - bits % 8) % 8));
        if encoded.first()? & unused != 0 {
            return Some(false);
        }
        *block.first_mut()? &= !unused;
        let salt = block.split_off(block.len().checked_sub(self.salt_length)?);
        let (one, zeros) = block.split_last()?;
        let expected = self.hash.digest(&[&[0; 8], digest, &salt].concat());
        Some(*one == 1 && zeros.iter().all(|zero| *zero == 0) && expected == hash)
    }

    /// MGF1 (RFC 8017 §B.2.1).
    fn mask(&self, seed: &[u8], length: usize) -> Vec<u8> {
        let blocks = (0_u32..).map(|counter| self.mask_hash.digest(&[seed, &counter.to_be_bytes()].concat()));
        blocks.flatten().take(length).collect()
    }

    /// A key may carry parameters that signatures must keep to (RFC 4055 §3.3).
    pub(super) fn allowed_by(&self, key: &SubjectPublicKeyInfoRef<'_>) -> Result<(), Unverified> {
        if key.algorithm.oid != oid::RSASSA_PSS || key.algorithm.parameters.is_none() {
            return Ok(());
        }
        let demanded = PssParameters::read(key.algorithm.parameters)?;
        let kept = (self.hash, self.mask_hash) == (demanded.hash, demanded.mask_hash)
            && self.salt_length >= demanded.salt_length;
        if kept { Ok(()) } else { Err(Unverified::Invalid) }
    }
}

/// The signature as the encoded message, and how many bits of it count: RSAVP1 (RFC 8017 §5.2.2). `None` where it has not
/// the length of the modulus, or is no number below it.
fn encoded_message(key: &rsa::PublicKey, signature: &[u8]) -> Option<(Vec<u8>, usize)> {
    let modulus = key.n().as_ref();
    let number = BoxedUint::from_be_slice(signature, modulus.bits_precision()).ok()?;
    if signature.len() != key.size() || number >= *modulus {
        return None;
    }
    let message = rsa_encrypt(key, &number).ok()?.to_be_bytes();
    let bits = usize::try_from(modulus.bit_width_vartime()).ok()?.checked_sub(1)?;
    let length = bits.div_ceil(8);
    let (above, message) = message.split_at_checked(message.len().checked_sub(length)?)?;
    above.iter().all(|zero| *zero == 0).then(|| (message.to_vec(), bits))
}
