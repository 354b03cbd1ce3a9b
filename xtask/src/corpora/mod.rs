//! `cargo xtask corpora`: other projects' test certificates, read by us and by openssl.
//!
//! What is compared: whether it is read at all; subject, serial number, dates, public key, CA or not; which certificates
//! a PKCS#7 file holds, and which of them is found for a key. Where openssl reads and we do not, or we read something
//! else, that is an error unless it stands in [`known`] with its reason.

mod files;
mod known;
mod limbo;
mod openssl;

use std::path::PathBuf;

use usbtoken::{Certificate, Response};

use self::files::Sample;
use crate::setup;
use crate::work::{self, Done};

/// How many files the short run takes.
const FEW: usize = 300;

/// What is to be compared.
#[derive(clap::Args)]
pub struct Options {
    /// Only a few hundred files, always the same ones
    #[arg(long)]
    few: bool,
    /// Judge the chains of this file, limbo.json of C2SP/x509-limbo, instead
    #[arg(long, value_name = "FILE")]
    limbo: Option<PathBuf>,
}

/// Runs the comparison.
///
/// # Errors
/// What differs, and what could not be fetched.
pub fn run(options: &Options) -> Done {
    if let Some(file) = &options.limbo {
        return limbo::run(file);
    }
    setup::ensure(setup::CORPORA)?;
    let folder = work::root().join("target/corpora");
    let mut samples = files::samples(&folder)?;
    if options.few {
        samples.truncate(FEW);
    }
    let mut tally = Tally::default();
    for sample in &samples {
        tally.compare(sample)?;
    }
    tally.conclude(samples.len())
}

#[derive(Default)]
struct Tally {
    certificates: usize,
    bundles: usize,
    /// What openssl does not read either.
    neither: usize,
    known: usize,
    differences: Vec<String>,
}

impl Tally {
    fn compare(&mut self, sample: &Sample) -> Done {
        let difference = match sample {
            Sample::Certificate { der, .. } => self.certificate(der)?,
            Sample::Pkcs7 { bytes, .. } => self.pkcs7(bytes)?,
        };
        let Some(difference) = difference else { return Ok(()) };
        if known::is_known(sample.digest(), &difference) {
            self.known += 1;
        } else {
            self.differences.push(format!("{} {}: {difference}", sample.digest(), sample.name()));
        }
        Ok(())
    }

    fn certificate(&mut self, der: &[u8]) -> Done<Option<String>> {
        let Some(theirs) = openssl::certificate(der)? else {
            self.neither += 1;
            return Ok(None);
        };
        self.certificates += 1;
        Ok(match Certificate::from_der(der) {
            Ok(ours) => theirs.difference(&ours),
            Err(error) => Some(format!("not read: {error}")),
        })
    }

    fn pkcs7(&mut self, bytes: &[u8]) -> Done<Option<String>> {
        let theirs = openssl::pkcs7(bytes)?;
        if theirs.is_empty() {
            self.neither += 1;
            return Ok(None);
        }
        self.bundles += 1;
        let ours = match Response::parse(bytes) {
            Ok(ours) => ours,
            Err(error) => return Ok(Some(format!("not read: {error}"))),
        };
        for der in &theirs {
            let Ok(certificate) = Certificate::from_der(der) else { continue };
            if !ours.certificates().contains(&certificate) {
                return Ok(Some(format!("without {}", certificate.subject())));
            }
            let same_key = |one: &&Vec<u8>| {
                Certificate::from_der(one).is_ok_and(|one| one.public_key() == certificate.public_key())
            };
            let leaf = ours.leaf_for(certificate.public_key());
            if theirs.iter().filter(same_key).count() == 1 && leaf != Some(&certificate) {
                return Ok(Some(format!("another leaf than {}", certificate.subject())));
            }
        }
        Ok(None)
    }

    fn conclude(&self, files: usize) -> Done {
        println!(
            "{files} files: {} certificates and {} PKCS#7 compared, {} that openssl does not read either, {} known",
            self.certificates, self.bundles, self.neither, self.known
        );
        if self.differences.is_empty() {
            return Ok(());
        }
        for difference in &self.differences {
            println!("  {difference}");
        }
        Err(format!("{} files are read otherwise than by openssl", self.differences.len()))
    }
}
