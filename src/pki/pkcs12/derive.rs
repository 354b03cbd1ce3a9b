//! Keys from passwords, as PKCS#12 makes them (RFC 7292 appendix B), and the check of a file's MAC.

use hmac::digest::Digest;
use hmac::digest::block_api::BlockSizeUser;
use hmac::{KeyInit, Mac, SimpleHmac};
use zeroize::Zeroizing;

use super::Trouble;

/// What a derived key is for (RFC 7292 appendix B.3).
#[derive(Clone, Copy)]
pub(super) enum Purpose {
    Encryption = 1,
    InitialVector = 2,
    Mac = 3,
}

/// How much work a file may ask for: rounds of a hash, all of its derivations together. Programs ask for 2,000 to a million.
pub(super) struct Work(u64);

impl Work {
    pub(super) const fn of_a_file() -> Self {
        Work(12_000_000)
    }

    /// Takes so many rounds off.
    ///
    /// # Errors
    /// [`Trouble::TooMuch`].
    pub(super) fn spend(&mut self, rounds: u64) -> Result<(), Trouble> {
        self.0 = self.0.checked_sub(rounds.max(1)).ok_or(Trouble::TooMuch)?;
        Ok(())
    }
}

/// A password as PKCS#12 hashes it: a BMPString with a zero at its end (RFC 7292 appendix B.1).
pub(super) fn as_bmp(password: &str) -> Zeroizing<Vec<u8>> {
    // The capacity is given beforehand: a buffer that grew would leave copies behind.
    let mut bmp = Zeroizing::new(Vec::with_capacity(2 * password.len() + 2));
    bmp.extend(password.encode_utf16().chain([0]).flat_map(u16::to_be_bytes));
    bmp
}

/// The key that a password, a salt and a number of rounds give (RFC 7292 appendix B.2).
pub(super) fn key<D: Digest + BlockSizeUser>(
    purpose: Purpose,
    password: &[u8],
    salt: &[u8],
    rounds: u32,
    length: usize,
) -> Zeroizing<Vec<u8>> {
    let block = <D as BlockSizeUser>::block_size();
    let filled = |bytes: &[u8]| -> Vec<u8> {
        let whole = bytes.len().div_ceil(block) * block;
        bytes.iter().copied().cycle().take(whole).collect()
    };
    let mut input = Zeroizing::new([filled(salt), filled(password)].concat());
    let mut out = Zeroizing::new(Vec::with_capacity(length + <D as Digest>::output_size()));
    while out.len() < length {
        let mut hash = D::new().chain_update(vec![purpose as u8; block]).chain_update(&*input).finalize();
        for _ in 1..rounds {
            hash = D::digest(&hash);
        }
        out.extend_from_slice(&hash);
        // Each block of the input plus the hash, repeated, plus one, as big-endian numbers.
        for part in input.chunks_mut(block) {
            let mut carry = 1_u16;
            for (at, byte) in part.iter_mut().enumerate().rev() {
                let added = hash.get(at % hash.len()).copied().unwrap_or_default();
                carry += u16::from(*byte) + u16::from(added);
                // The low byte stays, the rest is carried on.
                *byte = carry.to_be_bytes()[1];
                carry >>= 8;
            }
        }
    }
    out.truncate(length);
    out
}

/// Whether this is the MAC of the message by this password.
pub(super) fn is_mac<D: Digest + BlockSizeUser>(
    password: &[u8],
    (salt, rounds): (&[u8], u32),
    message: &[u8],
    mac: &[u8],
) -> bool {
    let key = key::<D>(Purpose::Mac, password, salt, rounds, <D as Digest>::output_size());
    let hmac = SimpleHmac::<D>::new_from_slice(&key);
    hmac.is_ok_and(|hmac| hmac.chain_update(message).verify_slice(mac).is_ok())
}
