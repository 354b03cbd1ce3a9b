//! Where the samples come from: PyPI's cryptography-vectors, the test data of the crates that we depend on, and the CAs
//! that Debian trusts.

use base16ct::lower::encode_string as hex;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::work::{self, Done};

/// The test vectors of pyca/cryptography, PKITS among them; pinned, so that everyone reads the same files.
const VECTORS: &str = "cryptography-vectors==50.0.2";

/// The CAs that Debian trusts (package ca-certificates).
const TRUSTED: &str = "/etc/ssl/certs/ca-certificates.crt";

/// Files that end so may hold certificates or PKCS#7.
const ENDINGS: [&str; 9] = ["pem", "der", "crt", "cer", "cert", "p7b", "p7c", "p7", "p7m"];

/// No sample is larger.
const LARGEST: u64 = 1 << 20;

/// One thing to read.
pub enum Sample {
    Certificate { name: String, digest: String, der: Vec<u8> },
    Pkcs7 { name: String, digest: String, bytes: Vec<u8> },
}

impl Sample {
    pub fn name(&self) -> &str {
        match self {
            Sample::Certificate { name, .. } | Sample::Pkcs7 { name, .. } => name,
        }
    }

    /// The first 16 digits of its SHA-256.
    pub fn digest(&self) -> &str {
        match self {
            Sample::Certificate { digest, .. } | Sample::Pkcs7 { digest, .. } => digest,
        }
    }
}

/// Every sample once, the few PKCS#7 files first, then in the order of the digests: a beginning of it is a mixture that
/// never changes.
pub fn samples(folder: &Path) -> Done<Vec<Sample>> {
    let mut samples = Vec::new();
    for file in places(folder)?.iter().flat_map(|place| files_in(place)) {
        if let Ok(bytes) = fs::read(&file) {
            add(&file.display().to_string(), &bytes, &mut samples);
        }
    }
    samples.sort_by_key(|one: &Sample| (matches!(one, Sample::Certificate { .. }), one.digest().to_owned()));
    samples.dedup_by(|one, other| one.digest() == other.digest());
    Ok(samples)
}

fn places(folder: &Path) -> Done<Vec<PathBuf>> {
    let mut places = vec![vectors(folder)?, PathBuf::from(TRUSTED)];
    let metadata = work::output(work::cargo().args(["metadata", "--format-version", "1"]))?;
    let metadata: serde_json::Value =
        serde_json::from_str(&metadata).map_err(|error| format!("cargo metadata: {error}"))?;
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let manifest = package["manifest_path"].as_str().map(Path::new);
        if let Some(crate_folder) = manifest.and_then(Path::parent)
            && !package["source"].is_null()
        {
            places.push(crate_folder.to_owned());
        }
    }
    Ok(places)
}

/// Fetches the vectors once.
fn vectors(folder: &Path) -> Done<PathBuf> {
    let unpacked = folder.join(VECTORS);
    if unpacked.is_dir() {
        return Ok(unpacked);
    }
    println!("Fetching {VECTORS} from PyPI.");
    let problem = |error: std::io::Error| format!("{}: {error}", folder.display());
    fs::create_dir_all(folder).map_err(problem)?;
    let download = tempfile::tempdir_in(folder).map_err(problem)?;
    let pip = ["-m", "pip", "download", "--quiet", "--no-deps", "--dest", ".", VECTORS];
    work::run(Command::new("python3").args(pip).current_dir(&download))?;
    let wheel =
        files_in_any(download.path()).into_iter().find(|file| file.extension().is_some_and(|e| e == "whl"));
    let wheel = wheel.ok_or("pip brought no wheel")?;
    let whole = download.path().join("whole");
    work::run(Command::new("python3").args(["-m", "zipfile", "-e"]).arg(wheel).arg(&whole))?;
    // Under its name only when it is whole.
    fs::rename(whole, &unpacked).map_err(problem)?;
    Ok(unpacked)
}

fn files_in(place: &Path) -> Vec<PathBuf> {
    let wanted = |file: &PathBuf| {
        let ending = file.extension().and_then(|ending| ending.to_str());
        ending.is_some_and(|ending| ENDINGS.contains(&ending.to_ascii_lowercase().as_str()))
            && fs::metadata(file).is_ok_and(|data| data.len() <= LARGEST)
    };
    files_in_any(place).into_iter().filter(wanted).collect()
}

fn files_in_any(place: &Path) -> Vec<PathBuf> {
    if place.is_file() {
        return vec![place.to_owned()];
    }
    let Ok(entries) = fs::read_dir(place) else { return Vec::new() };
    entries.flatten().flat_map(|entry| files_in_any(&entry.path())).collect()
}

fn add(name: &str, bytes: &[u8], samples: &mut Vec<Sample>) {
    let text = String::from_utf8_lossy(bytes);
    let mut rest = &*text;
    let mut found = false;
    while let Some((label, body, after)) = block(rest) {
        found = true;
        rest = after;
        match label {
            "CERTIFICATE" | "X509 CERTIFICATE" => samples.extend(decoded(&body).map(|der| of_der(name, der))),
            "PKCS7" | "CMS" => samples.extend(decoded(&body).map(|bytes| of_pkcs7(name, bytes))),
            _ => {}
        }
    }
    if found || bytes.first() != Some(&0x30) {
        return;
    }
    // pkcs7-signedData (1.2.840.113549.1.7.2) stands at the beginning of a PKCS#7 file.
    let signed_data = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2];
    let beginning = bytes.get(..32).unwrap_or(bytes);
    if beginning.windows(signed_data.len()).any(|window| window == signed_data) {
        samples.push(of_pkcs7(name, bytes.to_vec()));
    } else {
        samples.push(of_der(name, bytes.to_vec()));
    }
}

fn of_der(name: &str, der: Vec<u8>) -> Sample {
    Sample::Certificate { name: name.to_owned(), digest: digest(&der), der }
}

fn of_pkcs7(name: &str, bytes: Vec<u8>) -> Sample {
    Sample::Pkcs7 { name: name.to_owned(), digest: digest(&bytes), bytes }
}

/// The first PEM block: its label, what stands in it, and what follows.
fn block(text: &str) -> Option<(&str, String, &str)> {
    let (_, after) = text.split_once("-----BEGIN ")?;
    let (label, after) = after.split_once("-----")?;
    let (body, after) = after.split_once("-----END")?;
    Some((label, body.split_whitespace().collect(), after))
}

fn decoded(body: &str) -> Option<Vec<u8>> {
    use base64ct::Encoding;
    base64ct::Base64::decode_vec(body).ok()
}

fn digest(bytes: &[u8]) -> String {
    use sha2::Digest;
    let digest = sha2::Sha256::digest(bytes);
    hex(&digest[..8])
}
