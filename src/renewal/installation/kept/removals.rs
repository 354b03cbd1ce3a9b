//! The removals that have begun, from one process to the next.

use std::fs;
use std::path::PathBuf;

use base16ct::lower::{decode_vec, encode_string as hex};
use serde::{Deserialize, Serialize};

use super::{KeptInstallations, VERSION, fingerprint, read};
use crate::driver::TokenIdentity;
use crate::pki::Certificate;

/// How the file of a removal ends.
const RETIRING: &str = "retiring";

/// A removal that has begun, as it is kept.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Removal {
    version: u32,
    /// The CKA_ID under which the certificate stands, in hexadecimal.
    id: String,
    /// What is told of one whose certificate has gone; records before that have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    of: Option<Of>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Of {
    token: TokenIdentity,
    /// In hexadecimal.
    serial: String,
    /// The CKA_LABELs of the certificate and of its private key, in hexadecimal.
    labels: Vec<String>,
    /// The certificate that follows, in DER, in hexadecimal.
    by: String,
    /// Whether it was shown that both come from one CA.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    one_issuer: bool,
}

/// A removal of an old credential that has begun on this computer, and of which nobody has seen that it came to its end:
/// [`Run::begun_removals`](crate::Run::begun_removals).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct BegunRemoval {
    /// The CKA_ID under which the certificate stood.
    pub id: Vec<u8>,
    /// Its serial number, in hexadecimal.
    pub serial: String,
    /// SHA-256 of it, in hexadecimal.
    pub fingerprint: String,
    /// The CKA_LABELs of the certificate and of its private key, as far as they were there.
    pub labels: Vec<Vec<u8>>,
    /// The certificate that takes its place.
    pub by: Certificate,
}

impl BegunRemoval {
    /// Whether what was removed may have had this label.
    pub(crate) fn may_have_had(&self, label: &[u8]) -> bool {
        self.labels.is_empty() || self.labels.iter().any(|had| had == label)
    }
}

impl KeptInstallations {
    /// Keeps that a removal of this certificate begins, under which identifier it stands, and what takes its place. Where that cannot
    /// be kept, a person names the rest of a removal that stops.
    pub(crate) fn begin_removal(
        &self,
        token: &TokenIdentity,
        (old, id, labels): (&Certificate, &[u8], &[Vec<u8>]),
        (by, one_issuer): (&Certificate, bool),
    ) {
        // Of a removal that goes on, the key may have gone with its label.
        let before = removal_in(&self.path_of_removal(&fingerprint(old))).and_then(|begun| begun.of);
        let mut labels: Vec<String> = labels.iter().map(|label| hex(label)).collect();
        labels.extend(
            before.filter(|of| of.token.is_same_token(token)).map(|of| of.labels).unwrap_or_default(),
        );
        labels.sort_unstable();
        labels.dedup();
        let of = Of {
            token: token.clone(),
            serial: old.serial().to_string(),
            labels,
            by: hex(by.der()),
            one_issuer,
        };
        let begun = Removal { version: VERSION, id: hex(id), of: Some(of) };
        if let Ok(bytes) = serde_json::to_vec_pretty(&begun) {
            let _ = self.write(&self.path_of_removal(&fingerprint(old)), &bytes);
        }
    }

    /// The removal of the certificate with this fingerprint has come to its end.
    pub(crate) fn end_removal(&self, fingerprint: &str) {
        let _ = fs::remove_file(self.path_of_removal(fingerprint));
    }

    /// The identifier under which a certificate stood whose removal has begun and not ended.
    pub(crate) fn begun_removal(&self, certificate: &Certificate) -> Option<Vec<u8>> {
        let begun = removal_in(&self.path_of_removal(&fingerprint(certificate)))?;
        decode_vec(begun.id).ok()
    }

    /// Whether a removal of the one in favour of the other has begun, when it was shown that both come from one CA.
    pub(crate) fn begun_for_one_issuer(&self, old: &Certificate, new: &Certificate) -> bool {
        let begun = removal_in(&self.path_of_removal(&fingerprint(old))).and_then(|begun| begun.of);
        begun.is_some_and(|of| of.one_issuer && of.by == hex(new.der()))
    }

    /// Those that have begun on this token. What cannot be read or believed is passed over.
    pub(crate) fn begun_removals(&self, token: &TokenIdentity) -> Vec<BegunRemoval> {
        let files = fs::read_dir(&self.folder).into_iter().flatten().flatten().map(|entry| entry.path());
        let begun = |path: PathBuf| {
            let fingerprint = path.file_stem()?.to_str()?.to_owned();
            let Removal { id, of, .. } = removal_in(&path)?;
            let of = of.filter(|of| of.token.is_same_token(token))?;
            let by = Certificate::from_der(&decode_vec(&of.by).ok()?).ok()?;
            let labels = of.labels.iter().map(decode_vec).collect::<Result<_, _>>().ok()?;
            Some(BegunRemoval { id: decode_vec(&id).ok()?, serial: of.serial, fingerprint, labels, by })
        };
        files.filter(|path| path.extension().is_some_and(|end| end == RETIRING)).filter_map(begun).collect()
    }

    fn path_of_removal(&self, fingerprint: &str) -> PathBuf {
        self.folder.join(format!("{fingerprint}.{RETIRING}"))
    }
}

fn removal_in(path: &std::path::Path) -> Option<Removal> {
    let begun: Removal = serde_json::from_slice(&read(path).ok()?).ok()?;
    (begun.version == VERSION).then_some(begun)
}
