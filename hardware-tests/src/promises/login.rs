//! What a certificate is for: a server that demands one lets in who has the key on the token.

use std::process::{Command, Stdio};

use usbtoken::Credential;
use usbtoken_testkit::{Kind, Server, example};

use super::stage::{Said, Stage, hex, shim};
use crate::report::{LoggedIn, Report};
use crate::target::Target;

/// Why there is no login by TLS 1.3.
const NO_PSS: &str = "none: the token has neither RSASSA-PSS nor CKM_RSA_X_509. By TLS 1.2 OpenSSL has to be told `-client_sigalgs RSA+SHA256`";

/// How long a handshake may take, in seconds: a token signs in it.
const LIMIT: &str = "120";

/// After a renewal nginx, which demands a certificate, lets the new one in by TLS 1.2 and 1.3, from OpenSSL and from Rust, and the
/// old one as well until it is retired; then the new one alone.
pub(super) fn login(target: &Target, report: &mut Report) {
    let stage = Stage::new(target);
    let old = stage.first();
    let new = stage.renewed(&old);
    let with_both = target.snapshot();
    let (tls12, tls13) = (stage.nginx("TLSv1.2"), stage.nginx("TLSv1.3"));
    for server in [&tls12, &tls13] {
        let nobody = by_openssl(&stage, server, &[]);
        assert!(!is_welcome(&nobody), "the server demands a certificate: {nobody}");
    }
    for credential in [&old, &new] {
        assert!(is_let_in(&stage, &tls12, credential));
        assert_eq!(
            is_let_in(&stage, &tls13, credential),
            can_tls13(target),
            "TLS 1.3 with {}",
            target.kind()
        );
    }
    // The last of these logins were with the new one.
    let by = |server| is_welcome(&by_rust(&stage, server, &new)).then(|| stage.signed_with()).flatten();
    let (tls12_by, tls13_by) = (by(&tls12), by(&tls13));
    report.logins.push(LoggedIn {
        kind: target.kind().to_string(),
        tls12: tls12_by.expect("the mechanism is in the trace"),
        tls13: tls13_by.unwrap_or_else(|| NO_PSS.to_owned()),
    });
    target.snapshot().assert_same_as(&with_both);

    let retire = ["retire", "--yes", "--id", &hex(old.id()), "--trust-anchor", &stage.anchor()];
    stage.run(&retire).json();
    assert!(is_let_in(&stage, &tls12, &new));
    assert!(!is_let_in(&stage, &tls12, &old), "the old one is gone");
    assert!(!is_let_in(&stage, &tls13, &old), "the old one is gone");
    target.clean_up();
}

/// Whether the token's key can sign for TLS 1.3, which knows no PKCS#1 v1.5.
fn can_tls13(target: &Target) -> bool {
    matches!(target.kind(), Kind::P256 | Kind::P384) || target.signs_pss()
}

/// Whether the server lets this credential in. OpenSSL and Rust agree on that.
#[track_caller]
fn is_let_in(stage: &Stage<'_>, server: &Server, credential: &Credential) -> bool {
    let (openssl, rust) = (with_key(stage, server, credential), by_rust(stage, server, credential));
    assert_eq!(is_welcome(&openssl), is_welcome(&rust), "OpenSSL: {openssl}\nRust: {rust}");
    is_welcome(&rust)
}

/// What the server says to those whom it lets in has the name in it that the certificate has.
fn is_welcome(said: &Said) -> bool {
    said.out().contains("welcome") && said.out().contains("CN=usbtoken hardware test")
}

/// `openssl s_client` with the certificate as a file, and the key through its engine for PKCS#11.
fn with_key(stage: &Stage<'_>, server: &Server, credential: &Credential) -> Said {
    let file = format!("{}.der", hex(credential.id()));
    stage.write(&file, credential.certificate().der());
    // The engine is named with the key and not by `-engine`, which would give it all that a driver itself does with OpenSSL.
    let uri = format!(
        "org.openssl.engine:pkcs11:{}?pin-source=file:{}",
        of(stage, credential, ";type=private"),
        stage.pin_file().display()
    );
    let mut words = vec!["-key", &uri, "-certform", "DER", "-cert", &file];
    // By TLS 1.2 as well OpenSSL signs with RSASSA-PSS unless it is told not to, and asks no token what it can.
    if !can_tls13(stage.target) {
        words.extend(["-client_sigalgs", "RSA+SHA256"]);
    }
    by_openssl(stage, server, &words)
}

fn by_openssl(stage: &Stage<'_>, server: &Server, words: &[&str]) -> Said {
    let mut command = Command::new("timeout");
    let at = format!("localhost:{}", server.port);
    command
        .args([LIMIT, "openssl", "s_client", "-quiet", "-connect", &at, "-CAfile", "ca/root.pem"])
        .args(words);
    command.env("PKCS11_MODULE_PATH", stage.target.module());
    stage.write("asked", b"GET / HTTP/1.0\r\n\r\n");
    stage.say(command, stage.open("asked").into())
}

/// `examples/login.rs`, through the shim.
fn by_rust(stage: &Stage<'_>, server: &Server, credential: &Credential) -> Said {
    let mut command = Command::new("timeout");
    command.arg(LIMIT).arg(example("login")).arg(shim()).arg(of(stage, credential, ""));
    command.arg(stage.pin_file()).arg(format!("localhost:{}", server.port)).arg("ca/root.pem");
    stage.through_shim(&mut command, "");
    stage.say(command, Stdio::null())
}

/// The URI of a credential, or with more words of one of its objects.
fn of(stage: &Stage<'_>, credential: &Credential, more: &str) -> String {
    let id: String = credential.id().iter().map(|byte| format!("%{byte:02X}")).collect();
    format!("{};id={id}{more}", stage.target.uri())
}
