//! `usbtoken confirm`: a login at servers of others with the key on the token.

mod common;

use std::io::{Read, Write};
use std::path::Path;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use common::login::{DEMANDS, confirm, confirm_at, nothing_changed, renewed, replaced};
use common::servers::{self, Server};
use common::{Outcome, Stage};
use usbtoken_testkit::{Kind, NameDer, TestCa, Text, days_from_now};

#[test]
fn nginx_takes_the_new_certificate_by_tls_1_2_and_1_3() {
    for kind in [Kind::P256, Kind::P384, Kind::Rsa2048] {
        let stage = renewed(kind);
        let before = stage.token.snapshot();
        for version in ["TLSv1.2", "TLSv1.3"] {
            let server = servers::nginx(&stage, &format!("{DEMANDS} ssl_protocols {version};"));
            let value = confirm(&stage, &server, &[]).succeeded().json();
            assert_eq!(value["tls"], version.replace('v', " "), "{kind}: {value:#}");
            assert_eq!(value["http_status"], "HTTP/1.1 200 OK");
            assert_eq!(value["recorded"], true);
            let serial = value["credential"]["serial"].as_str().unwrap().to_uppercase();
            let ends = value["choose"]["serial_ends"].as_str().unwrap();
            assert!(serial.ends_with(ends) && ends.len() == 8, "{value:#}");
            // The old one still logs in.
            let old = value["replaced"][0]["serial"].as_str().unwrap();
            confirm(&stage, &server, &["--serial", old]).succeeded();
        }
        nothing_changed(&stage, &before);
    }
}

#[test]
fn openssl_takes_it_too() {
    for kind in [Kind::P256, Kind::Rsa2048] {
        let stage = renewed(kind);
        for version in ["-tls1_2", "-tls1_3"] {
            let server = servers::openssl(&stage, &format!("-Verify 3 -verify_return_error {version}"));
            let value = confirm_at(&stage, &server.url("/"), &[]).succeeded().json();
            assert_eq!(value["http_status"], "HTTP/1.0 200 ok", "{kind} {version}: {value:#}");
            let names = value["accepted_issuers"].as_array().unwrap();
            assert!(names[0].as_str().unwrap().contains("TEST"), "{value:#}");
        }
    }
}

#[test]
fn a_server_of_another_ca_refuses_with_its_alert() {
    let stage = renewed(Kind::P256);
    let before = stage.token.snapshot();
    let other = TestCa::at(&stage.file("other"));
    drop(other);
    for version in ["-tls1_2", "-tls1_3"] {
        let server = servers::openssl(
            &stage,
            &format!("-Verify 3 -verify_return_error -verifyCAfile other/root.pem {version}"),
        );
        let error = confirm_at(&stage, &server.url("/"), &[]).failed("login_refused", 12);
        assert_eq!(error["facts"]["alert"][0], "unknown_ca", "{error:#}");
        let old = error["facts"]["still_there"][0].as_str().unwrap();
        assert!(old.contains("serial"), "{error:#}");
    }
    nothing_changed(&stage, &before);
    assert!(stage.kept().iter().all(|file| file.extension().is_none_or(|end| end != "confirmed")));
}

#[test]
fn what_a_server_says_instead_of_yes_is_told() {
    let stage = renewed(Kind::P256);
    let before = stage.token.snapshot();
    TestCa::at(&stage.file("other"));
    for (lines, name, status) in [
        ("ssl_verify_client off;", "login_not_asked", Some("HTTP/1.1 200 OK")),
        ("ssl_verify_client optional;", "login_not_demanded", Some("HTTP/1.1 200 OK")),
        // What becomes of those without a certificate has another reason, or none that is told.
        (
            "ssl_verify_client optional; location = /login { if ($ssl_client_verify = NONE) { return 503; } }",
            "login_unexpected",
            Some("503"),
        ),
        (
            "ssl_verify_client optional; location = /login { if ($ssl_client_verify = NONE) { return 444; } }",
            "login_broken_off",
            None,
        ),
        // Everybody is shown the page at the address; those with a certificate are led on from it.
        (
            "ssl_verify_client optional; location = /home { return 200; }
             location = /login { if ($ssl_client_verify = SUCCESS) { return 302 /home; } }",
            "login_not_demanded",
            Some("200"),
        ),
        ("ssl_verify_client on; location = /login { return 403; }", "login_refused", Some("403 Forbidden")),
        ("ssl_verify_client on; location = /login { return 404; }", "login_unexpected", Some("404")),
        ("ssl_verify_client on; location = /login { return 503; }", "login_unexpected", Some("503")),
        (
            "ssl_verify_client on; location = /login { return 302 https://other.example/portal; }",
            "login_redirected",
            Some("302"),
        ),
        (
            "ssl_verify_client on; location = /login { return 302 http://localhost/; }",
            "login_redirected",
            None,
        ),
        ("ssl_verify_client on; location = /login { return 302 /login; }", "login_unexpected", Some("302")),
        ("ssl_verify_client on; location = /login { return 444; }", "login_broken_off", None),
    ] {
        let server = servers::nginx(&stage, lines);
        let error = confirm(&stage, &server, &[]).failed(name, 12);
        let facts = &error["facts"];
        assert_eq!(facts["url"][0], server.url("/login"), "{error:#}");
        if let Some(status) = status {
            assert!(facts["http_status"][0].as_str().unwrap().contains(status), "{error:#}");
        }
        nothing_changed(&stage, &before);
    }
    // nginx answers 400 where the certificate leads to none of its CAs.
    std::fs::copy(stage.file("other/root.pem"), stage.file("clients.pem")).unwrap();
    let refused = confirm(&stage, &servers::nginx(&stage, DEMANDS), &[]);
    let error = refused.failed("login_refused", 12);
    assert!(error["facts"]["http_status"][0].as_str().unwrap().contains("400"), "{error:#}");
    assert!(error["facts"]["accepted"][0].as_str().unwrap().contains("TEST ROOT CA"), "{error:#}");
    nothing_changed(&stage, &before);
}

#[test]
fn a_server_that_has_the_root_alone_is_shown_the_ca_between() {
    let stage = renewed(Kind::P256);
    std::fs::copy(stage.file("ca/root.pem"), stage.file("clients.pem")).unwrap();
    let server = servers::openssl(&stage, "-Verify 3 -verify_return_error");
    let url = server.url("/");
    confirm_at(&stage, &url, &[]).failed("login_refused", 12);
    confirm_at(&stage, &url, &["--trust-anchor", "ca/ca.pem"]).succeeded();
}

#[test]
fn a_redirection_on_the_same_server_is_followed_with_its_cookie() {
    let stage = renewed(Kind::P256);
    let lines = "ssl_verify_client on;
        location = /start { add_header Set-Cookie \"session=42; Secure; HttpOnly\"; return 302 portal/; }
        location = /portal/ { if ($http_cookie != \"session=42\") { return 302 /start; } return 200; }";
    let server = servers::nginx(&stage, lines);
    let named = ["--after-login", &server.url("/portal/")];
    let value = confirm_at(&stage, &server.url("/start"), &named).succeeded().json();
    assert_eq!(value["redirections"][0], server.url("/portal/"), "{value:#}");
    assert_eq!(value["url"], server.url("/start"));
}

#[test]
fn a_server_that_cannot_be_trusted_sees_no_certificate() {
    let stage = renewed(Kind::P256);
    let before = stage.token.snapshot();
    let soon = days_from_now(30);
    let other = TestCa::new();
    for (ca, host, ends, name) in [
        (&other, "localhost", soon, "server_untrusted"),
        (&stage.ca, "bank.example", soon, "server_name_differs"),
        (&stage.ca, "localhost", days_from_now(-1), "server_expired"),
    ] {
        servers::identity(&stage, ca, "server", host, ends);
        let server = servers::nginx_as(&stage, DEMANDS);
        let error = confirm(&stage, &server, &[]).failed(name, 12);
        assert!(error["facts"]["detail"][0].is_string(), "{error:#}");
    }
    // Without the option the CAs of the system count, and the test's is none of them.
    let server = servers::nginx(&stage, DEMANDS);
    stage.run(&["confirm", "--url", &server.url("/login")]).failed("server_untrusted", 12);
    nothing_changed(&stage, &before);
}

#[test]
fn servers_that_are_none_are_told_apart() {
    let stage = renewed(Kind::P256);
    let before = stage.token.snapshot();
    let wait = |mut stream: std::net::TcpStream| {
        let _ = std::io::copy(&mut stream, &mut std::io::sink());
    };
    let begun = Instant::now();
    let error = confirm(&stage, &servers::tcp(wait), &["--timeout", "2"]).failed("login_timeout", 12);
    assert_eq!(error["facts"]["seconds"][0], "2");
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
    confirm(&stage, &servers::tcp(drop), &[]).failed("login_broken_off", 12);
    let garbage = |mut stream: std::net::TcpStream| {
        let _ = stream.write_all(&b"220 mail.example ESMTP\r\n".repeat(1000));
        let _ = stream.read(&mut [0; 1000]);
    };
    confirm(&stage, &servers::tcp(garbage), &[]).failed("login_tls_failed", 12);
    // It dribbles: each byte in time, the whole never.
    let dribble = |mut stream: std::net::TcpStream| {
        while stream.write_all(&[0x16]).is_ok() {
            std::thread::sleep(Duration::from_millis(100));
        }
    };
    let dribbled = confirm(&stage, &servers::tcp(dribble), &["--timeout", "3"]);
    assert!(["login_timeout", "login_tls_failed"].contains(&dribbled.error()["name"].as_str().unwrap()));
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    confirm_at(&stage, &format!("https://localhost:{closed}/"), &[]).failed("login_unreachable", 12);
    confirm_at(&stage, "https://no-such-host.invalid/", &[]).failed("login_unreachable", 12);
    nothing_changed(&stage, &before);
}

#[test]
fn a_proxy_is_asked_and_its_refusal_told() {
    let stage = renewed(Kind::P256);
    let server = servers::nginx(&stage, DEMANDS);
    let (asked, heard) = mpsc::channel();
    let proxy = servers::proxy(None, asked.clone());
    let through = format!("http://127.0.0.1:{}", proxy.port);
    confirm(&stage, &server, &["--proxy", &through]).succeeded();
    let head = heard.recv().unwrap();
    assert!(head.starts_with(&format!("CONNECT localhost:{} HTTP/1.1\r\n", server.port)), "{head}");

    let refusing = servers::proxy(Some("HTTP/1.1 407 Proxy Authentication Required"), asked.clone());
    let through = format!("http://127.0.0.1:{}", refusing.port);
    let error = confirm(&stage, &server, &["--proxy", &through]).failed("login_proxy_refused", 12);
    assert!(error["facts"]["first_line"][0].as_str().unwrap().contains("407"), "{error:#}");
    let garbage = servers::proxy(Some("SSH-2.0-OpenSSH_9"), asked);
    let through = format!("http://127.0.0.1:{}", garbage.port);
    confirm(&stage, &server, &["--proxy", &through]).failed("login_proxy_refused", 12);
    confirm(&stage, &server, &["--proxy", "http://127.0.0.1:1"]).failed("login_unreachable", 12);
    for wrong in ["https://127.0.0.1:1", "socks5://a:1", "http://u:p@a:1", "a:1"] {
        confirm(&stage, &server, &["--proxy", wrong]).failed("login_url_unusable", 2);
    }
}

#[test]
fn an_address_is_looked_at_before_the_pin() {
    let stage = Stage::new();
    for url in ["http://bank.example/", "bank.example", "https://u@bank.example/", "https://", ""] {
        let refused = stage.run_with("wrong PIN", &stage.token.uri(), &["confirm", "--url", url]);
        refused.failed("login_url_unusable", 2);
    }
    stage.run(&["confirm"]).failed("login_url_unusable", 2);
    let server = servers::nginx(&stage, DEMANDS);
    let before = stage.token.snapshot();
    let url = server.url("/login");
    let wrong = stage.run_with("0000", &stage.token.uri(), &["confirm", "--url", &url]);
    wrong.failed("pin_incorrect", 4);
    nothing_changed(&stage, &before);
}

/// SoftHSM behind a driver that behaves in these ways (tests/drivers/odd.c).
fn confirm_oddly(stage: &Stage, ways: &str, server: &Server) -> Outcome {
    let driver = stage.file("libodd.so");
    if !driver.exists() {
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/drivers/odd.c");
        let output = driver.to_str().unwrap();
        stage.tool("cc", &["-shared", "-fPIC", "-w", "-o", output, source]).succeeded();
    }
    let module = usbtoken_testkit::softhsm_module();
    let env = [("ODD", Path::new(ways)), ("ODD_DRIVER", module.as_path())];
    let url = server.url("/login");
    let arguments = ["confirm", "--url", &url, "--server-ca", "ca/root.pem"];
    stage.run_through(&driver, &env, stage.token.pin(), &stage.token.uri(), &arguments)
}

/// The PIN is there still where the key wants it with each signature.
#[test]
fn a_key_that_wants_the_pin_for_each_signature_logs_in() {
    let stage = renewed(Kind::P256);
    let server = servers::nginx(&stage, DEMANDS);
    confirm_oddly(&stage, "asks", &server).succeeded();
}

/// TLS 1.3 takes of RSA only RSASSA-PSS: by whichever mechanism a token has, and by none it is TLS 1.2.
#[test]
fn an_rsa_key_logs_in_with_what_the_token_has() {
    let stage = renewed(Kind::Rsa2048);
    let both = servers::nginx(&stage, &format!("{DEMANDS} ssl_protocols TLSv1.2 TLSv1.3;"));
    // CKM_RSA_PKCS_PSS is 0x0d, CKM_SHA256_RSA_PKCS_PSS 0x43.
    for (ways, tls, notices) in [
        ("without-bare-rsa", "TLS 1.3", &[][..]),
        ("without-pss", "TLS 1.3", &[]),
        ("lists-not=0x0d,without-bare-rsa", "TLS 1.3", &[]),
        ("refuses=0x0d", "TLS 1.3", &[]),
        ("without-pss,without-bare-rsa", "TLS 1.2", &["login_by_tls12"]),
        ("refuses=0x0d,lists-not=0x43,without-bare-rsa", "TLS 1.2", &["login_by_tls12"]),
    ] {
        let done = confirm_oddly(&stage, ways, &both);
        assert_eq!(done.succeeded().json()["tls"], tls, "{ways}");
        assert_eq!(done.notices(), notices, "{ways}");
    }
    drop(both);
    let only13 = servers::nginx(&stage, &format!("{DEMANDS} ssl_protocols TLSv1.3;"));
    let before = stage.token.snapshot();
    for ways in ["without-pss,without-bare-rsa", "refuses=0x0d,lists-not=0x43,without-bare-rsa"] {
        let error = confirm_oddly(&stage, ways, &only13);
        let name = error.error()["name"].as_str().unwrap().to_owned();
        assert!(
            ["login_signature_unsupported", "mechanism_unsupported"].contains(&name.as_str()),
            "{ways}: {name}"
        );
    }
    let error = confirm_oddly(&stage, "without-pss,without-bare-rsa", &only13)
        .failed("login_signature_unsupported", 12);
    assert!(error["facts"]["algorithm"].to_string().contains("RSA_PSS_SHA256"), "{error:#}");
    nothing_changed(&stage, &before);
}

/// One that wants the certificate only for a page cannot be followed, and neither its end of the connection nor its answer is
/// told as a fault of the network or of the certificate.
#[test]
fn a_server_that_asks_after_the_handshake_is_told_as_that() {
    let stage = renewed(Kind::P256);
    let before = stage.token.snapshot();
    let server = servers::renegotiating(&stage);
    let error = confirm(&stage, &server, &[]).failed("login_asked_later", 12);
    assert_eq!(error["facts"]["url"][0], server.url("/login"), "{error:#}");
    for version in ["TLSv1.2", "TLSv1.3"] {
        let lines = format!("ssl_protocols {version}; location = /login {{ return 403; }}");
        let server = servers::nginx(&stage, &lines);
        let error = confirm(&stage, &server, &[]).failed("login_asked_later", 12);
        assert_eq!(error["facts"]["http_status"][0], "HTTP/1.1 403 Forbidden", "{error:#}");
    }
    nothing_changed(&stage, &before);
}

/// Programs of others log in with the key on the token, too: OpenSSL and curl, by the engine of libp11.
#[test]
fn openssl_and_curl_log_in_with_the_new_key() {
    for kind in [Kind::P256, Kind::Rsa2048] {
        let stage = renewed(kind);
        let new = replaced(&stage)["successor"].clone();
        let id = new["id"].as_str().unwrap().as_bytes().chunks(2);
        let id: String = id.map(|pair| format!("%{}", std::str::from_utf8(pair).unwrap())).collect();
        let uri = format!("pkcs11:token=BANK;id={id};type=private;pin-value={}", stage.token.pin());
        let module = usbtoken_testkit::softhsm_module();
        stage
            .tool(
                "pkcs11-tool",
                &[
                    "--module",
                    module.to_str().unwrap(),
                    "--token-label",
                    "BANK",
                    "--read-object",
                    "--type",
                    "cert",
                    "--id",
                    new["id"].as_str().unwrap(),
                    "-o",
                    "new.der",
                ],
            )
            .succeeded();
        stage.tool("openssl", &["x509", "-inform", "DER", "-in", "new.der", "-out", "new.pem"]).succeeded();
        for version in ["1.2", "1.3"] {
            let server = servers::nginx(&stage, &format!("{DEMANDS} ssl_protocols TLSv{version};"));
            let url = server.url("/login");
            let curl = stage.tool(
                "env",
                &[
                    &format!("PKCS11_MODULE_PATH={}", module.display()),
                    "curl",
                    "-sS",
                    "--fail",
                    "--cacert",
                    "ca/root.pem",
                    "--engine",
                    "pkcs11",
                    "--key-type",
                    "ENG",
                    "--key",
                    &uri,
                    "--cert",
                    "new.pem",
                    &url,
                ],
            );
            assert_eq!(curl.succeeded().stdout, "welcome\n");
            let port = format!("localhost:{}", server.port);
            let script = format!(
                "printf 'GET /login HTTP/1.0\r\n\r\n' | PKCS11_MODULE_PATH='{}' openssl s_client -quiet \
                -connect {port} -CAfile ca/root.pem -engine pkcs11 -keyform engine -key '{uri}' -cert new.pem",
                module.display()
            );
            let client = stage.shell(&script);
            assert!(client.stdout.contains("HTTP/1.1 200 OK"), "{client:?}");
        }
    }
}

/// A name, a label, a server's answer: whatever they hold, no terminal obeys it, and JSON gives it back as it was.
#[test]
fn what_comes_from_outside_moves_no_terminal() {
    const NASTY: &str = "\u{9b}31m\u{7f}\u{202e}\u{2066}\u{85}\u{e0041}\u{1b}[2J";
    let stage = Stage::alone(Kind::P256, days_from_now(11));
    let name = NameDer::new().common(Text::Utf8, &format!("Yamada{NASTY}")).to_der();
    stage.token.credential(&stage.ca, Kind::P256, &[9], &name, days_from_now(20));
    let serial = stage.run(&["list"]).json();
    let one = serial.as_array().unwrap().iter().find(|one| one["id"] == "09").unwrap();
    assert!(one["subject"]["common_name"].as_str().unwrap_or_default().contains(NASTY), "{one:#}");
    let server =
        servers::nginx(&stage, "ssl_verify_client on; location = /login { return 302 https://x/\\u009b; }");
    let url = server.url("/login");
    let refused: &'static str = "HTTP/1.1 407 \u{9b}2J\u{202e}";
    let (asked, _heard) = mpsc::channel();
    let proxy = servers::proxy(Some(refused), asked);
    let through = format!("http://127.0.0.1:{}", proxy.port);
    for arguments in [
        &["list"][..],
        &["preflight", "--id", "09"],
        &["preflight"],
        &["doctor"],
        &["request", "--id", "09", "--out", "request.pem"],
        &["pending"],
        &["retire", "--id", "09", "--yes"],
        &["confirm", "--id", "09", "--url", &url, "--server-ca", "ca/root.pem"],
        &["confirm", "--id", "09", "--url", &url, "--server-ca", "ca/root.pem", "--proxy", &through],
        &["abandon", "--yes"],
    ] {
        for json in [false, true] {
            stage.write("typed", stage.token.pin().as_bytes());
            let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_usbtoken"));
            command.args(["--pin-file", "typed"]).args(json.then_some("--json")).args(arguments);
            let done = common::outcome(stage.at_home(&mut command));
            for said in [&done.stdout, &done.stderr] {
                let bad = said
                    .chars()
                    .find(|c| *c != '\n' && (c.is_control() || "\u{202e}\u{2066}\u{e0041}".contains(*c)));
                assert_eq!(bad, None, "{arguments:?}: {said}");
            }
        }
    }
}

/// OpenSC keeps a card's files on the disk, each as it is on the card. Whoever goes by them is offered the old certificate.
#[test]
fn a_copy_that_opensc_keeps_is_told_with_its_file() {
    let stage = renewed(Kind::P256);
    let server = servers::nginx(&stage, DEMANDS);
    let (cache, elsewhere) = (stage.file("cache/opensc"), stage.file("elsewhere"));
    let conf = format!("app default {{\n  file_cache_dir = {};\n}}\n", elsewhere.display());
    stage.write("opensc.conf", conf.as_bytes());
    let confirmed = || {
        let folder = stage.file("cache");
        let conf = stage.file("opensc.conf");
        let env = [("XDG_CACHE_HOME", folder.as_path()), ("OPENSC_CONF", conf.as_path())];
        let url = server.url("/login");
        let arguments = ["confirm", "--url", &url, "--server-ca", "ca/root.pem"];
        let module = usbtoken_testkit::softhsm_module();
        stage.run_through(&module, &env, stage.token.pin(), &stage.token.uri(), &arguments)
    };
    for folder in [&cache, &elsewhere] {
        std::fs::create_dir_all(folder).unwrap();
        let file = folder.join("0123_4567_3F005015_3301");
        std::fs::write(&file, &stage.old.certificate).unwrap();
        let done = confirmed();
        assert_eq!(done.notices(), ["copy_shows_old"], "{done:?}");
        let value = done.json();
        assert_eq!(value["notices"][0]["facts"]["path"][0], file.to_str().unwrap(), "{value:#}");
        // What it says to do.
        std::fs::remove_file(&file).unwrap();
        assert!(confirmed().notices().is_empty());
    }
}

/// Ctrl-C ends a login that waits for its server, and leaves nothing behind.
#[cfg(unix)]
#[test]
fn an_interrupted_confirmation_leaves_the_token_to_the_next_one() {
    let stage = renewed(Kind::P256);
    let before = stage.token.snapshot();
    let (reached, waits) = mpsc::channel();
    let reached = std::sync::Mutex::new(reached);
    let silent = servers::tcp(move |mut stream| {
        let _ = stream.read(&mut [0]);
        reached.lock().unwrap().send(()).unwrap();
        let _ = std::io::copy(&mut stream, &mut std::io::sink());
    });
    stage.write("typed", stage.token.pin().as_bytes());
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_usbtoken"));
    command.args([
        "--lang",
        "en",
        "--pin-file",
        "typed",
        "confirm",
        "--url",
        &silent.url("/"),
        "--server-ca",
        "ca/root.pem",
    ]);
    let child = stage.at_home(&mut command).stderr(std::process::Stdio::piped()).spawn().unwrap();
    waits.recv().unwrap();
    let kill = format!("kill -INT {}", child.id());
    stage.shell(&kill).succeeded();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(9), "{said}");
    assert!(said.contains("[811 cancelled; confirm]") && said.contains(&silent.url("/")), "{said}");
    nothing_changed(&stage, &before);
    confirm(&stage, &servers::nginx(&stage, DEMANDS), &[]).succeeded();
}
