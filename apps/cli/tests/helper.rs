//! The helper's contract (docs/issuer-helper.md), and the two examples that keep it.

mod common;

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use common::{Outcome, Stage};
use serde_json::Value;

fn fact<'v>(error: &'v Value, name: &str) -> &'v str {
    error["facts"][name][0].as_str().unwrap_or_else(|| panic!("no {name}: {error:#}"))
}

impl Stage {
    /// Makes a helper of this script.
    fn helper(&self, script: &str) -> String {
        self.write("helper", format!("#!/bin/sh\n{script}\n").as_bytes());
        let file = self.file("helper");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
        file.display().to_string()
    }

    fn certificates(&self) -> usize {
        self.token.snapshot().of_class("CKO_CERTIFICATE").count()
    }
}

/// Writes down what it was called with, and says "not yet" until the file `ready` is there.
fn patient(stage: &Stage) -> String {
    let issuer = stage.issuer(&[]);
    stage.helper(&format!(
        "echo \"$USBTOKEN_OPERATION $CERTMONGER_OPERATION <${{USBTOKEN_CA_COOKIE-}}>\" >> operations\n\
         printf %s \"$USBTOKEN_CSR\" > csr.$USBTOKEN_OPERATION\n\
         cat > stdin.$USBTOKEN_OPERATION\n\
         printf %s \"$CERTMONGER_CERTIFICATE\" > old.pem\n\
         [ -e ready ] || {{ printf '60\\norder 1\\nline 2\\n'; exit 5; }}\n\
         {issuer} < stdin.$USBTOKEN_OPERATION"
    ))
}

#[test]
fn not_yet_is_no_failure_and_is_asked_again_with_the_cookie_and_the_same_request() {
    let stage = Stage::new();
    let helper = patient(&stage);
    let before = stage.token.snapshot();
    let error = stage.run(&["renew", "--issuer-helper", &helper]).failed("not_yet_issued", 10);
    assert_eq!(fact(&error, "seconds"), "60");
    assert_eq!((error["code"].as_u64(), error["family"].as_str()), (Some(901), Some("not_yet")));
    stage.token.snapshot().assert_keeps(&before);
    let waiting = stage.token.snapshot();

    // A second renewal asks again and makes no second key; so does the command that is named.
    stage.run(&["renew", "--resume", "--issuer-helper", &helper]).failed("not_yet_issued", 10);
    stage.token.snapshot().assert_same_as(&waiting);
    stage.write("ready", b"");
    let command = fact(&error, "go_on");
    stage.shell(&format!("TEST_PIN=$(cat pin) {command}")).succeeded();
    let operations = String::from_utf8(stage.read("operations")).unwrap();
    let poll = "POLL POLL <order 1\nline 2>\n";
    assert_eq!(operations, format!("SUBMIT SUBMIT <>\n{poll}{poll}"));
    let request = stage.read("csr.SUBMIT");
    assert!(request.starts_with(b"-----BEGIN CERTIFICATE REQUEST"));
    for same in ["csr.POLL", "stdin.SUBMIT", "stdin.POLL"] {
        assert_eq!(stage.read(same), request, "{same}");
    }
    let old = ["x509", "-in", "old.pem", "-outform", "DER", "-out", "old.der"];
    stage.tool("openssl", &old).succeeded();
    assert_eq!(stage.read("old.der"), stage.old.certificate);
    stage.token.snapshot().assert_keeps(&before);
    assert_eq!(stage.token.snapshot().added_since(&before).len(), 3);
    assert_eq!(stage.kept(), Vec::<PathBuf>::new());
}

/// The same line every day, by a scheduler: one key, one order, and nothing more once it is done.
#[test]
fn a_renewal_every_day_asks_again_and_begins_nothing_twice() {
    let stage = Stage::new();
    let helper = patient(&stage);
    let every_day = ["renew", "--issuer-helper", &helper];
    stage.run(&every_day).failed("not_yet_issued", 10);
    let waiting = stage.token.snapshot();
    for _ in 0..2 {
        stage.run(&every_day).failed("not_yet_issued", 10);
        stage.token.snapshot().assert_same_as(&waiting);
    }
    stage.write("ready", b"");
    let done = stage.run(&every_day).json();
    let after = stage.token.snapshot();
    assert_eq!(after.added_since(&waiting).len(), 1, "the certificate");
    let said = stage.run(&every_day).json();
    assert_eq!(said["already_renewed"], true, "{said:#}");
    assert_eq!(said["renewable_from"], done["credential"]["renewable_from"], "{said:#}");
    stage.token.snapshot().assert_same_as(&after);
    let operations = String::from_utf8(stage.read("operations")).unwrap();
    assert_eq!(operations.matches("SUBMIT SUBMIT").count(), 1, "{operations}");
}

#[test]
fn each_way_to_fail_has_its_code_and_the_key_waits() {
    let stage = Stage::new();
    let before = stage.token.snapshot();
    for (status, name) in [
        (2, "issuer_rejected"),
        (3, "issuer_unreachable"),
        (4, "issuer_misconfigured"),
        (6, "issuer_misconfigured"),
        (9, "issuer_failed"),
    ] {
        let helper = stage.helper(&format!("echo 'no such customer'; echo words >&2; exit {status}"));
        let error = stage.run(&["renew", "--resume", "--issuer-helper", &helper]).failed(name, 6);
        assert_eq!(std::fs::read(fact(&error, "saved_answer")).unwrap(), b"no such customer\n");
        assert!(fact(&error, "go_on").contains("--issuer-helper"), "{error:#}");
        assert_eq!(fact(&error, "detail"), "words");
    }
    stage.token.snapshot().assert_keeps(&before);
    assert_eq!(stage.token.snapshot().added_since(&before).len(), 2, "one pair for all the attempts");
}

#[test]
fn a_helper_that_cannot_be_started_costs_no_key() {
    let stage = Stage::new();
    let before = stage.token.snapshot();
    stage.write("plain", b"#!/bin/sh\n");
    for helper in ["/nonexistent/helper", "usbtoken-no-such-helper", "./plain", "/"] {
        let error = stage.run(&["renew", "--issuer-helper", helper]).failed("bad_argument", 2);
        assert_eq!(fact(&error, "path"), helper);
        stage.token.snapshot().assert_same_as(&before);
    }
    // One in PATH is found; its exit status 1 means "not yet".
    stage.run(&["renew", "--issuer-helper", "false"]).failed("not_yet_issued", 10);
}

#[test]
fn login_and_password_come_before_the_key_and_are_nowhere_to_be_seen() {
    let stage = Stage::new();
    let before = stage.token.snapshot();
    stage.write("login", b"user1031\nS3cret!word\n");
    let issuer = stage.issuer(&[]);
    let helper = stage.helper(&format!(
        "echo $USBTOKEN_OPERATION >> operations\n\
         tr '\\0' '\\n' < /proc/self/environ > environ.$USBTOKEN_OPERATION\n\
         tr '\\0' '\\n' < /proc/$PPID/cmdline > cmdline\n\
         case $USBTOKEN_OPERATION in\n\
         AUTHORISE) cat > login.seen; [ -e locked ] && exit 2; echo ticket;;\n\
         *) [ \"$USBTOKEN_CA_COOKIE\" = ticket ] || exit 2; {issuer};;\n\
         esac"
    ));
    let renew = ["renew", "--issuer-login=login", "--issuer-helper", &helper];
    stage.write("locked", b"");
    stage.run(&renew).failed("authorisation_rejected", 6);
    stage.token.snapshot().assert_same_as(&before);
    std::fs::remove_file(stage.file("locked")).unwrap();
    stage.run(&renew).succeeded();
    assert_eq!(stage.read("operations"), b"AUTHORISE\nAUTHORISE\nSUBMIT\n");
    assert_eq!(stage.read("login.seen"), stage.read("login"));
    for place in ["environ.AUTHORISE", "environ.SUBMIT", "cmdline"] {
        let seen = String::from_utf8_lossy(&stage.read(place)).into_owned();
        assert!(!seen.contains("S3cret") && !seen.contains("user1031") && !seen.contains(stage.token.pin()));
    }

    let before = stage.token.snapshot();
    for (login, name) in [(&b"one line\n"[..], "file_unreadable"), (b"a\nb\nc\n", "file_unreadable")] {
        stage.write("login", login);
        stage.run(&[&renew[..], &["--id", "01"]].concat()).failed(name, 2);
    }
    stage.run(&["renew", "--id", "01", "--issuer-login", "--issuer-helper", &helper]).failed("cancelled", 9);
    stage.token.snapshot().assert_same_as(&before);
}

fn example(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../examples/issuer").join(name);
    path.canonicalize().unwrap().display().to_string()
}

const CA_CONFIGURATION: &str = "\
[ca]\ndefault_ca = c\n\
[c]\ndir = .\ndatabase = $dir/db\nnew_certs_dir = $dir\ncertificate = $dir/ca.pem\nprivate_key = $dir/ca.key\n\
default_md = sha256\ndefault_days = 365\nrand_serial = yes\nunique_subject = no\npolicy = p\npreserve = yes\n\
x509_extensions = e\n\
[p]\ncountryName = optional\norganizationName = optional\norganizationalUnitName = optional\n\
commonName = optional\n\
[e]\nbasicConstraints = critical,CA:FALSE\nkeyUsage = critical,digitalSignature\n\
extendedKeyUsage = clientAuth\n";

/// Makes a CA of `openssl ca` in the folder `oca`.
fn openssl_ca(stage: &Stage) {
    std::fs::create_dir_all(stage.file("oca")).unwrap();
    let folder = stage.file("oca").display().to_string();
    stage.write("oca/ca.cnf", CA_CONFIGURATION.replace("dir = .", &format!("dir = {folder}")).as_bytes());
    stage.write("oca/db", b"");
    let make = "openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj '/O=Bank/OU=CA - G5' \
                -addext keyUsage=critical,keyCertSign -keyout oca/ca.key -out oca/ca.pem";
    stage.shell(make).succeeded();
}

#[test]
fn the_example_for_openssl_ca_issues_once_for_one_request() {
    let stage = Stage::new();
    openssl_ca(&stage);
    let before = stage.token.snapshot();
    let renew =
        format!("usbtoken --json --pin-file pin renew --resume --issuer-helper {}", example("openssl-ca.sh"));
    stage.shell(&renew).failed("issuer_misconfigured", 6);
    let renew = format!("OPENSSL_CA=$PWD/oca {renew}");
    std::fs::create_dir(stage.file("oca/approved")).unwrap();
    let order = |outcome: Outcome| {
        let error = outcome.failed("not_yet_issued", 10);
        assert_eq!(fact(&error, "seconds"), "3600");
        let record = stage.kept().into_iter().find(|file| file.extension().is_some_and(|it| it == "job"));
        let record = std::fs::read_to_string(record.unwrap()).unwrap();
        let record: Value = serde_json::from_str(&record).unwrap();
        record["cookie"].as_str().unwrap().to_owned()
    };
    let first = order(stage.shell(&renew));
    assert_eq!(order(stage.shell(&renew)), first, "asked again it is the same order");
    stage.write(&format!("oca/approved/{first}"), b"");
    stage.shell(&renew).succeeded();
    assert_eq!(std::fs::read_dir(stage.file("oca/issued")).unwrap().count(), 1);
    stage.token.snapshot().assert_keeps(&before);
    assert_eq!(stage.certificates(), before.of_class("CKO_CERTIFICATE").count() + 1);
}

/// A server that is stopped when the test is over.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// An EST-like server: a login with user and password gives a session, the first request is accepted, the second
/// answered.
const SERVER: &str = r#"
import base64, http.server, os, ssl, subprocess, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length)
        if self.path == "/login":
            right = "Basic " + base64.b64encode(b'user:pass"word').decode()
            return self.say(200 if self.headers["Authorization"] == right else 401, b"session-1")
        if self.headers["Authorization"] != "Bearer session-1":
            return self.say(403, b"")
        open("requests", "ab").write(body)
        if not os.path.exists("asked"):
            open("asked", "w").close()
            return self.say(202, b"", [("Retry-After", "7200")])
        issued = subprocess.run(sys.argv[1], shell=True, input=body, capture_output=True)
        self.say(200, issued.stdout)
    def say(self, status, body, headers=()):
        self.send_response(status)
        for header in headers: self.send_header(*header)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_): pass
server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("server.pem", "server.key")
server.socket = context.wrap_socket(server.socket, server_side=True)
open("port.new", "w").write(str(server.server_port))
os.rename("port.new", "port")
server.serve_forever()
"#;

fn serve(stage: &Stage) -> (Server, String) {
    let make = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost \
                -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout server.key -out server.pem";
    stage.shell(make).succeeded();
    stage.write("server.py", SERVER.as_bytes());
    let mut command = Command::new("python3");
    command.args(["server.py", &stage.issuer(&[])]).stdin(Stdio::null());
    let mut server = Server(stage.at_home(&mut command).spawn().unwrap());
    while !stage.file("port").exists() {
        assert!(server.0.try_wait().unwrap().is_none(), "the server has ended");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let port = String::from_utf8(stage.read("port")).unwrap();
    (server, format!("https://127.0.0.1:{port}"))
}

#[test]
fn the_example_for_https_logs_in_waits_and_fetches() {
    let stage = Stage::new();
    let before = stage.token.snapshot();
    let (server, url) = serve(&stage);
    let helper = example("https.sh");
    let options = "--json --pin-file pin renew --resume --issuer-login=login";
    let renew = format!("CA_FILE=$PWD/server.pem CA_URL={url} usbtoken {options} --issuer-helper {helper}");
    stage.write("login", b"user\nwrong\n");
    stage.shell(&renew).failed("authorisation_rejected", 6);
    stage.token.snapshot().assert_same_as(&before);
    stage.write("login", b"user\npass\"word\n");
    let error = stage.shell(&renew).failed("not_yet_issued", 10);
    assert_eq!(fact(&error, "seconds"), "7200");
    stage.shell(&renew).succeeded();
    let requests = stage.read("requests");
    assert_eq!(requests[..requests.len() / 2], requests[requests.len() / 2..], "the same bytes twice");
    stage.token.snapshot().assert_keeps(&before);

    let untrusted = renew.replace("CA_FILE=$PWD/server.pem ", "") + " --id 01";
    stage.shell(&untrusted).failed("issuer_unreachable", 6);
    drop(server);
    stage.shell(&(renew + " --id 01")).failed("issuer_unreachable", 6);
}
