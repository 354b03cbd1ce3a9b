//! `cargo xtask tokens`: the promises on every implementation of PKCS#11 that this machine can bring up.
//!
//! `hardware-tests/tokens/NAME.sh` brings one up in an empty folder and takes it down; what runs on it is the suite of
//! `hardware-tests/`. docs/tokens.md is made of the reports.

mod document;
mod kryoptic;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use serde_json::Value;

use crate::setup::{self, Need};
use crate::work::{self, Done};

/// An implementation, and what is known of it.
struct Implementation {
    name: &'static str,
    /// What it is, for people.
    what: &'static str,
    needs: &'static [Need],
    /// The kinds of key that it makes, in the kit's words.
    kinds: &'static [&'static str],
    /// Promises that it makes impossible, and why.
    impossible: &'static [(&'static str, &'static str)],
    /// Whether its script takes namespaces of its own, which not every machine grants.
    own_view: bool,
    /// What it is there for.
    shows: &'static str,
}

const NSS: &[(&str, &str)] =
    &[("equal_ids", "NSS puts a pair in the place of the one with its CKA_ID, whoever made it")];

const IMPLEMENTATIONS: &[Implementation] = &[
    Implementation {
        name: "softhsm",
        what: "SoftHSM 2",
        needs: setup::SUITES,
        kinds: &["rsa2048", "p256", "p384"],
        impossible: &[],
        own_view: false,
        shows: "what the other tests run on",
    },
    Implementation {
        name: "kryoptic",
        what: "Kryoptic",
        needs: setup::KRYOPTIC,
        kinds: &["rsa2048", "p256"],
        impossible: &[],
        own_view: false,
        shows: "an object for each mechanism among those that are found; PIN lengths from 8 to 0",
    },
    Implementation {
        name: "kryoptic-raw",
        what: "Kryoptic without the mechanisms that hash and sign",
        needs: setup::KRYOPTIC,
        kinds: &["rsa2048", "p256"],
        impossible: &[],
        own_view: false,
        shows: "the hash is made on the host",
    },
    Implementation {
        name: "nss",
        what: "NSS softokn as a plain module, with its parameter string",
        needs: setup::TOKENS,
        kinds: &["rsa2048", "p256"],
        impossible: NSS,
        own_view: false,
        shows: "two tokens with one serial number; numbers in buffers of their own length only; CKA_LOCAL is not reported",
    },
    Implementation {
        name: "p11-kit-nss",
        what: "NSS softokn through p11-kit-proxy",
        needs: setup::TOKENS,
        kinds: &["p256"],
        impossible: NSS,
        own_view: true,
        shows: "the parameter string handed over by p11-kit",
    },
    Implementation {
        name: "opencryptoki",
        what: "openCryptoki's soft token",
        needs: setup::TOKENS,
        kinds: &["rsa2048"],
        impossible: &[],
        own_view: true,
        shows: "no CKM_SHA256_RSA_PKCS; the category of a certificate is refused; locks after three wrong PINs",
    },
    Implementation {
        name: "tpm2",
        what: "tpm2-pkcs11 on swtpm, with tpm2-abrmd",
        needs: setup::TOKENS,
        kinds: &["rsa2048", "p256"],
        impossible: &[],
        own_view: false,
        shows: "a lock without a flag; CKA_DECRYPT=0 is refused",
    },
    Implementation {
        name: "p11-kit-server",
        what: "SoftHSM behind p11-kit server, through p11-kit-client",
        needs: setup::TOKENS,
        kinds: &["p256"],
        impossible: &[],
        own_view: false,
        shows: "a token in another process",
    },
    Implementation {
        name: "p11-kit-proxy",
        what: "p11-kit-proxy over SoftHSM and Kryoptic, whose tokens have one label",
        needs: setup::KRYOPTIC,
        kinds: &["p256"],
        impossible: &[],
        own_view: true,
        shows: "slots that are numbered anew",
    },
];

/// No implementation and its script may take longer, in seconds.
const LIMIT: &str = "1200";

/// Which, and whether the page is written.
#[derive(clap::Args)]
pub struct Options {
    /// Only these; without any, all of them
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// List them and do nothing
    #[arg(long)]
    list: bool,
    /// Write docs/tokens.md from the reports of this run and of earlier ones
    #[arg(long)]
    write: bool,
}

/// Runs the suite on each.
pub fn run(options: &Options) -> Done {
    if options.list {
        IMPLEMENTATIONS.iter().for_each(|one| println!("{:16} {}: {}", one.name, one.what, one.shows));
        return Ok(());
    }
    let is_known = |name: &&String| IMPLEMENTATIONS.iter().any(|one| one.name == **name);
    if let Some(unknown) = options.names.iter().find(|name| !is_known(name)) {
        return Err(format!("there is no implementation `{unknown}`; --list shows them"));
    }
    let is_chosen =
        |one: &&Implementation| options.names.is_empty() || options.names.iter().any(|name| name == one.name);
    let chosen: Vec<&Implementation> = IMPLEMENTATIONS.iter().filter(is_chosen).collect();
    let packages = [
        ["build", "--quiet", "--package", "usbtoken-hardware-tests", "--bin", "promises"],
        ["build", "--quiet", "--package", "usbtoken-cli", "--bin", "usbtoken"],
    ];
    packages.iter().try_for_each(|words| work::run(work::cargo().args(words)))?;
    let may_have_view = may_have_own_view();
    let (mut failed, mut not_run) = (Vec::new(), Vec::new());
    for one in &chosen {
        println!("\n== {}: {}", one.name, one.what);
        if one.own_view && !may_have_view {
            println!("NOT RUN: it takes root and namespaces");
            not_run.push(one.name);
            continue;
        }
        let begin = Instant::now();
        if let Err(problem) = one.run() {
            println!("{problem}");
            failed.push(one.name);
        }
        println!("{:16} {:7.1} s", one.name, begin.elapsed().as_secs_f64());
    }
    if options.write {
        document::write(IMPLEMENTATIONS)?;
    }
    if !not_run.is_empty() {
        println!("\nNOT RUN on this machine: {}", not_run.join(", "));
    }
    match failed.as_slice() {
        [] => {
            println!(
                "\nevery promise that was tried was kept, on {} implementations",
                chosen.len() - not_run.len()
            );
            Ok(())
        }
        _ => Err(format!("not every promise was kept on: {}", failed.join(", "))),
    }
}

impl Implementation {
    /// Brings it up in a folder of its own, and runs the suite on it.
    fn run(&self) -> Done {
        setup::ensure(self.needs)?;
        let folder = tempfile::Builder::new().prefix("usbtoken-token-").tempdir();
        let folder = folder.map_err(|error| format!("no temporary folder: {error}"))?;
        let mut command = Command::new("timeout");
        command.args([LIMIT, "sh"]).arg(self.script()).arg(folder.path());
        command.arg(work::programs()?.join("promises")).arg("--yes").arg("--report").arg(self.report()?);
        for kind in self.kinds {
            command.args(["--key", kind]);
        }
        for (promise, why) in self.impossible {
            command.arg("--impossible").arg(format!("{promise}={why}"));
        }
        if self.needs.iter().any(|need| need.package == kryoptic::NEEDS) {
            command.env("KRYOPTIC", kryoptic::module()?);
        }
        let _ = fs::remove_file(self.report()?);
        work::run(&mut command)
    }

    fn script(&self) -> PathBuf {
        work::root().join("hardware-tests/tokens").join(self.name).with_extension("sh")
    }

    /// Where the report of the last run is.
    fn report(&self) -> Done<PathBuf> {
        let folder = folder()?;
        Ok(folder.join(self.name).with_extension("json"))
    }

    fn last(&self) -> Option<Value> {
        serde_json::from_slice(&fs::read(self.report().ok()?).ok()?).ok()
    }
}

/// Whether this machine grants what some scripts need.
fn may_have_own_view() -> bool {
    let words = ["--mount", "--ipc", "--pid", "--fork", "--mount-proc", "--propagation", "private", "true"];
    Command::new("unshare").args(words).output().is_ok_and(|done| done.status.success())
}

/// Where reports, and what is built for the implementations, are kept.
fn folder() -> Done<PathBuf> {
    let folder = work::programs()?.ancestors().nth(1).unwrap_or(Path::new("target")).join("tokens");
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_implementation_has_its_script() {
        for one in IMPLEMENTATIONS {
            assert!(one.script().is_file(), "{}", one.script().display());
        }
    }
}
