//! What the command makes, read by programs that are not ours: OpenSSL, GnuTLS, OpenSC; and a token that p11-kit serves.

mod common;

use std::path::Path;
use std::time::{Duration, Instant};

use common::{Stage, hex};
use usbtoken_testkit::{Form, Kind, days_from_now, softhsm_module};

#[test]
fn openssl_and_gnutls_read_and_verify_the_request() {
    for kind in Kind::COMMON {
        let stage = Stage::of(kind, days_from_now(11));
        stage.request(&["--key", &kind.to_string()]);
        let verified = stage.tool("openssl", &["req", "-verify", "-in", "request.pem", "-noout", "-text"]);
        verified.succeeded();
        let said = format!("{}{}", verified.stdout, verified.stderr);
        assert!(said.contains("verify OK"), "{kind}: {said}");
        assert!(said.contains("TLS Web Client Authentication"), "{kind}: {said}");
        assert!(said.contains("Digital Signature"), "{kind}: {said}");

        let shown = stage.tool("certtool", &["--crq-info", "--infile", "request.pem"]);
        shown.succeeded();
        assert!(shown.stdout.contains("Self signature: verified"), "{kind}: {}", shown.stdout);
        assert!(shown.stdout.contains("(9936)ANSER-WEB(BizSOL) TEST CA - G4"), "{kind}: {}", shown.stdout);
    }
}

#[test]
fn opensc_lists_and_signs_with_the_new_key_and_openssl_verifies() {
    for kind in Kind::COMMON {
        let stage = Stage::of(kind, days_from_now(11));
        let done = stage.install_shaped(Form::P7, |issue| issue);
        done.succeeded();
        let now = stage.token.snapshot();
        let keys: Vec<_> = now.of_class("CKO_PRIVATE_KEY").map(|key| key.id.clone()).collect();
        let known = |id: &Vec<u8>| *id == stage.old.id || *id == [0xf0];
        let id = keys.into_iter().find(|id| !known(id)).expect("a new key");
        let id_hex = hex(&id);

        let module = softhsm_module().display().to_string();
        let login = ["--module", &module, "--token-label", "BANK", "--login", "--pin", stage.token.pin()];
        let listed = stage.tool("pkcs11-tool", &[&login[..], &["--list-objects"]].concat());
        let listed = listed.succeeded().stdout.to_lowercase();
        assert_eq!(listed.matches(&format!("id:         {id_hex}")).count(), 3, "{kind}: {listed}");

        stage.write("data", b"what the new key signs");
        let mechanism: &[&str] = match kind.rsa_bits() {
            Some(_) => &["--mechanism", "SHA256-RSA-PKCS"],
            None => &["--mechanism", "ECDSA", "--signature-format", "openssl"],
        };
        let digest = if kind == Kind::P384 { "sha384" } else { "sha256" };
        let hash = ["dgst", &format!("-{digest}"), "-binary", "-out", "hash", "data"];
        stage.tool("openssl", &hash).succeeded();
        let input = if kind.rsa_bits().is_some() { "data" } else { "hash" };
        let sign = ["--sign", "--id", &id_hex, "--input-file", input, "--output-file", "signature"];
        stage.tool("pkcs11-tool", &[&login[..], mechanism, &sign].concat()).succeeded();

        let read = ["--read-object", "--type", "cert", "--id", &id_hex, "--output-file", "new.der"];
        stage.tool("pkcs11-tool", &[&login[..], &read].concat()).succeeded();
        let convert = ["x509", "-inform", "DER", "-in", "new.der", "-out", "new.pem"];
        stage.tool("openssl", &convert).succeeded();
        let key = stage.tool("openssl", &["x509", "-in", "new.pem", "-noout", "-pubkey"]).stdout;
        stage.write("key.pem", key.as_bytes());
        let check = ["dgst", &format!("-{digest}"), "-verify", "key.pem", "-signature", "signature", "data"];
        assert_eq!(stage.tool("openssl", &check).succeeded().stdout.trim(), "Verified OK", "{kind}");

        let chain = ["verify", "-x509_strict", "-purpose", "sslclient", "-CAfile", "ca/root.pem"];
        let chain = stage.tool("openssl", &[&chain[..], &["-untrusted", "ca/ca.pem", "new.pem"]].concat());
        assert_eq!(chain.succeeded().stdout.trim(), "new.pem: OK", "{kind}");
    }
}

/// How many calls and logins one renewal costs on a token that holds one credential, counted by OpenSC's spy.
#[test]
fn a_renewal_costs_one_login_and_33_calls() {
    for kind in Kind::COMMON {
        let stage = Stage::alone(kind, days_from_now(11));
        let spy = std::path::Path::new("/usr/lib/x86_64-linux-gnu/pkcs11-spy.so");
        assert!(spy.exists(), "OpenSC is missing: `apt-get install opensc-pkcs11` or `cargo xtask test`");
        let (log, module) = (stage.file("spy.log"), softhsm_module());
        let env = [("PKCS11SPY", module.as_path()), ("PKCS11SPY_OUTPUT", log.as_path())];
        let issuer = stage.issuer(&[]);
        let arguments = ["renew", "--issuer", &issuer];
        let start = Instant::now();
        stage.run_through(spy, &env, stage.token.pin(), &stage.token.uri(), &arguments).succeeded();
        let log = String::from_utf8_lossy(&std::fs::read(log).unwrap()).into_owned();
        let calls: Vec<&str> = log.lines().filter_map(call).collect();
        println!("{kind}: {} calls: {calls:?}", calls.len());
        assert_eq!(calls.iter().filter(|name| **name == "C_Login").count(), 1, "{kind}: {calls:?}");
        // Where three seconds pass before the login, the token is asked for its state once more, in another session.
        let first = calls.iter().position(|name| *name == "C_OpenSession").unwrap();
        let late = ["C_GetTokenInfo", "C_OpenSession", "C_CloseSession"];
        let again = calls[first..].iter().skip(1).filter(|name| late.contains(name)).count();
        let again = if start.elapsed() > Duration::from_secs(3) { again } else { 0 };
        assert_eq!(calls.len() - again, 33, "{kind}: {calls:?}");
    }
}

/// `12: C_Login` in the spy's log.
/// Behind `p11-kit server` a token is pulled by surprise when the server ends, here while the CA works: the driver writes to a
/// connection that nobody reads (SIGPIPE).
#[test]
fn the_end_of_a_server_is_a_token_that_was_pulled() {
    let folders = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64"];
    let clients = folders.map(|folder| format!("{folder}/pkcs11/p11-kit-client.so"));
    let client = clients.iter().find(|client| Path::new(client).exists()).expect("p11-kit-modules");
    for host in ["", "--in-process"] {
        let stage = Stage::alone(Kind::P256, days_from_now(11));
        let (module, uri) = (softhsm_module(), stage.token.uri());
        let end = "kill -KILL $(cat /proc/$P11_KIT_SERVER_PID/task/*/children) $P11_KIT_SERVER_PID";
        stage.write("issuer", format!("{end}; {}", stage.issuer(&[])).as_bytes());
        let pulled = stage.shell(&format!(
            "eval \"$(p11-kit server --name \"$PWD/socket\" --provider {} 'pkcs11:token=BANK')\"
            usbtoken --json --lang en --module {client} --token '{uri}' --pin-file pin {host} renew --issuer 'sh issuer'
            status=$?; kill $P11_KIT_SERVER_PID 2> /dev/null; exit $status",
            module.display()
        ));
        pulled.failed("device_fault", 7);
        let error = pulled.error();
        assert!(error["facts"]["go_on"].is_array(), "{error:#}");
        // Nothing is lost: the key waits, and the answer is kept.
        let waiting = stage.run(&["pending"]).json();
        assert!(waiting[0]["answer_file"].is_string(), "{waiting:#}");
        stage.run(&["resume", "--issuer", &stage.issuer(&[])]).succeeded();
        assert_eq!(stage.token.snapshot().objects().len(), 6);
    }
}

fn call(line: &str) -> Option<&str> {
    let (number, name) = line.split_once(": ")?;
    (number.chars().all(|c| c.is_ascii_digit()) && name.starts_with("C_")).then_some(name)
}
