//! docs/tokens.md, made of the reports.

use std::fmt::Write as _;
use std::fs;

use serde_json::Value;

use super::implementation::Implementation;
use crate::work::{self, Done};

const HEAD: &str = "\
# Tokens

Written by `cargo xtask tokens --write`, which brings each of these up, keeps the promises of `hardware-tests/` on it and
takes it down again. By hand: `hardware-tests/tokens/NAME.sh FOLDER COMMAND` runs any command on one of them. A token of your
own: [hardware-testing.md](hardware-testing.md).

One `usbtoken renew` of a token that holds one credential, through the driver shim, which counts the calls; APDUs are counted by
the card. The time is that of
one run on the machine that wrote this page, start of the process included; an RSA key takes what it takes.

";

const LOGIN: &str = "
## The login

After a renewal nginx with `ssl_verify_client on` lets the new certificate in, from `openssl s_client` with the key through its
engine for PKCS#11, and from Rust (`examples/login.rs`, feature `rustls`); the old one too until it is retired, and no longer
after. What stands here is the mechanism that signs the handshake from Rust. An RSA key signs for TLS 1.3 by RSASSA-PSS alone, which
the token makes, or this library over the bare operation (CKM_RSA_X_509).

OpenSSL's own `-engine pkcs11` makes the engine the default for everything, also for what a driver in the same process does with
OpenSSL: Kryoptic and tpm2-pkcs11 fail then. `-key org.openssl.engine:pkcs11:URI` names it for the key alone.

| implementation | key | TLS 1.2 | TLS 1.3 |
|---|---|---|---|
";

const COPIES: &str = "
## Copies that other software keeps

A program that had the token open before a renewal by another program looked for certificates again: in the same session, in a new one,
and after C_Finalize and C_Initialize. By hand, on 27 November 2026: `hardware-tests/tokens/NAME.sh FOLDER hardware-tests/tokens/copies.sh`.

| software | the new certificate shows |
|---|---|
| SoftHSM, Kryoptic, NSS softokn, openCryptoki, `p11-kit server` | at once, in the session that was open |
| p11-kit-proxy | as with the driver below it, here SoftHSM: at once. It keeps no copy |
| OpenSC, tpm2-pkcs11 | after C_Initialize: each process reads the token once. A browser that uses them has to be closed and started again |
| NSS (Firefox) with the driver as a module | as with the driver: at once on SoftHSM and through p11-kit-proxy, after a new start on OpenSC and tpm2-pkcs11. Tried with a program on NSS (`PK11_ListCertsInSlot`), not with Firefox itself |
| OpenSC with `use_file_caching = yes` in opensc.conf (not its default) | **not at all**, where OpenSC itself has written the certificate: its copy of the card's files (`~/.cache/opensc`) is from before. Then `pkcs11-tool`, `pkcs15-tool` and usbtoken too show the old ones alone, or none, in every process, until that folder is removed. Written by a program without that setting it shows at once |
";

const NOT_HERE: &str = "
## Not here

| what | why |
|---|---|
| a real card | `opensc` has one in software below OpenSC, pcscd and a virtual reader: it answers what OpenSC asks a SmartCard-HSM, and was written here (`hardware-tests/src/card/`) from OpenSC's driver, not from a card. Debian's own card emulator (vsmartcard-vpicc) does not start with Debian's Python 3, and none was found on PyPI |
| wolfPKCS11 | not in Debian; its odd answer is played by `tests/drivers/odd.c` |
";

/// Writes the page.
pub fn write(all: &[Implementation]) -> Done {
    let file = work::root().join("docs/tokens.md");
    fs::write(&file, page(all)).map_err(|error| format!("{}: {error}", file.display()))
}

fn page(all: &[Implementation]) -> String {
    let mut page = HEAD.to_owned();
    page.push_str(
        "| implementation | driver | key | proof | calls | APDUs | logins | seconds | what it did otherwise |\n",
    );
    page.push_str("|---|---|---|---|---|---|---|---|---|\n");
    let mut missing = Vec::new();
    for one in all {
        let Some(report) = one.last() else {
            missing.push(one.name);
            continue;
        };
        for renewed in list(&report["renewed"]) {
            let otherwise = otherwise(renewed);
            let apdus = renewed["apdus"].as_u64().map_or_else(|| "–".to_owned(), |count| count.to_string());
            let _ = writeln!(
                page,
                "| `{}` {} | {} | {} | {} | {} | {apdus} | {} | {:.1} | {otherwise} |",
                one.name,
                one.what,
                text(&report["token"]["driver"]),
                text(&renewed["kind"]),
                text(&renewed["proof"]),
                renewed["calls"],
                renewed["logins"],
                renewed["seconds"].as_f64().unwrap_or_default(),
            );
        }
    }
    page.push_str(LOGIN);
    for (one, report) in all.iter().filter_map(|one| Some((one, one.last()?))) {
        for login in list(&report["logins"]) {
            let (kind, tls12, tls13) = (text(&login["kind"]), text(&login["tls12"]), text(&login["tls13"]));
            let _ = writeln!(page, "| `{}` | {kind} | {tls12} | {tls13} |", one.name);
        }
    }
    page.push_str(COPIES);
    page.push_str("\n## The promises\n\n| implementation | what it is there for | kept | impossible, and why | not kept |\n|---|---|---|---|---|\n");
    for (one, report) in all.iter().filter_map(|one| Some((one, one.last()?))) {
        let _ = writeln!(page, "| `{}` | {} | {} |", one.name, one.shows, promises(&report));
    }
    page.push_str(NOT_HERE);
    if !missing.is_empty() {
        let _ = writeln!(page, "| {} | no run on the machine that wrote this page |", missing.join(", "));
    }
    page
}

/// What the driver refused, and what the person is told beside the result.
fn otherwise(renewed: &Value) -> String {
    let refused = list(&renewed["refused"]).map(text);
    let notices = list(&renewed["notices"]).map(|name| format!("`{}`", text(name)));
    let all: Vec<String> = refused.chain(notices).collect();
    if all.is_empty() { "–".to_owned() } else { all.join("; ") }
}

/// The promises by what became of them: kept, impossible, not kept.
fn promises(report: &Value) -> String {
    let (mut kept, mut impossible, mut failed) = (Vec::new(), Vec::new(), Vec::new());
    for one in list(&report["promises"]) {
        let name = text(&one["promise"]);
        let list = match &one["outcome"] {
            Value::String(_) => &mut kept,
            Value::Object(outcome) if outcome.contains_key("impossible") => {
                let entry = format!("{name}: {}", text(&one["outcome"]["impossible"]));
                if !impossible.contains(&entry) {
                    impossible.push(entry);
                }
                continue;
            }
            _ => &mut failed,
        };
        if !list.contains(&name) {
            list.push(name);
        }
    }
    let shown = |list: Vec<String>| if list.is_empty() { "–".to_owned() } else { list.join(", ") };
    format!("{} | {} | {}", shown(kept), shown(impossible), shown(failed))
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
