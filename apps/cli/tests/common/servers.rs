//! Servers that demand a client certificate, of others: nginx and OpenSSL; and some that are none.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::time::SystemTime;

pub use usbtoken_testkit::Server;
use usbtoken_testkit::{TestCa, days_from_now};

use super::Stage;

/// Writes `NAME.pem` with the chain, and `NAME.key`, of a server of that name.
pub fn identity(stage: &Stage, ca: &TestCa, name: &str, host: &str, not_after: SystemTime) {
    let (chain, key) = ca.server(host, not_after);
    stage.write(&format!("{name}.pem"), chain.as_bytes());
    stage.write(&format!("{name}.key"), key.as_bytes());
}

/// The CAs to one of which a client's certificate must lead: the test's issuing CA and its root, or the root alone.
fn clients(stage: &Stage) -> String {
    let file = stage.file("clients.pem");
    if !file.exists() {
        stage.write("clients.pem", &[stage.read("ca/ca.pem"), stage.read("ca/root.pem")].concat());
    }
    file.display().to_string()
}

/// What this stage's servers need: `server.pem` for localhost.
pub fn usual_identity(stage: &Stage) {
    identity(stage, &stage.ca, "server", "localhost", days_from_now(30));
}

/// nginx with these lines in its server, over the usual identity.
pub fn nginx(stage: &Stage, lines: &str) -> Server {
    usual_identity(stage);
    nginx_as(stage, lines)
}

/// The same over whatever `server.pem` is.
pub fn nginx_as(stage: &Stage, lines: &str) -> Server {
    clients(stage);
    std::fs::create_dir_all(stage.file("nginx")).unwrap();
    stage.write("nginx/login", b"welcome\n");
    usbtoken_testkit::nginx(&stage.file(""), lines)
}

/// `openssl s_server` with these options, over the usual identity.
pub fn openssl(stage: &Stage, options: &str) -> Server {
    usual_identity(stage);
    let mut child = Command::new("openssl")
        .args(["s_server", "-accept", "0", "-cert", "server.pem", "-cert_chain", "server.pem"])
        .args(["-key", "server.key", "-CAfile", &clients(stage), "-www"])
        .args(options.split_whitespace())
        .current_dir(stage.file(""))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("openssl");
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let said = lines.find_map(|line| line.unwrap().strip_prefix("ACCEPT ").map(str::to_owned));
    let port = said.unwrap().rsplit(':').next().unwrap().trim().parse().unwrap();
    // What it goes on saying is taken, or it would wait for that.
    std::thread::spawn(move || lines.for_each(drop));
    Server::of(child, port)
}

/// `openssl s_server` by TLS 1.2 that wants a certificate only when it has been asked for a page: it begins to negotiate anew,
/// as Apache does for a `<Location>` with `SSLVerifyClient`.
pub fn renegotiating(stage: &Stage) -> Server {
    usual_identity(stage);
    let mut child = Command::new("openssl")
        .args(["s_server", "-accept", "0", "-cert", "server.pem", "-cert_chain", "server.pem", "-tls1_2"])
        .args(["-key", "server.key", "-CAfile", &clients(stage), "-legacy_renegotiation"])
        .current_dir(stage.file(""))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("openssl");
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let said = lines.find_map(|line| line.unwrap().strip_prefix("ACCEPT ").map(str::to_owned));
    let port = said.unwrap().rsplit(':').next().unwrap().trim().parse().unwrap();
    let mut commands = child.stdin.take().unwrap();
    std::thread::spawn(move || {
        for line in lines.map_while(Result::ok) {
            if line.starts_with("GET ") {
                let _ = commands.write_all(b"R\n");
            }
        }
    });
    Server::of(child, port)
}

/// Python's `ssl` by this version of TLS, which wants a certificate that leads to one of these CAs, and ends a connection as
/// soon as it does not. Of the page `/slow` it sends the first bytes and no more.
pub fn python(stage: &Stage, version: &str, clients: &str) -> Server {
    const SCRIPT: &str = "
import socket, ssl, sys, threading, time
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain('server.pem', 'server.key')
context.load_verify_locations(sys.argv[2])
context.verify_mode = ssl.CERT_REQUIRED
context.minimum_version = context.maximum_version = getattr(ssl.TLSVersion, sys.argv[1])
listener = socket.create_server(('127.0.0.1', 0))
print(listener.getsockname()[1], flush=True)
def serve(near):
    try:
        with context.wrap_socket(near, server_side=True) as tls:
            head = tls.recv(4096)
            if b'GET /slow ' in head:
                tls.sendall(b'HTT')
                time.sleep(600)
            tls.sendall(b'HTTP/1.1 200 OK\\r\\nContent-Length: 0\\r\\n\\r\\n')
    except OSError:
        near.close()
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
";
    usual_identity(stage);
    let mut child = Command::new("python3")
        .args(["-c", SCRIPT, version, clients])
        .current_dir(stage.file(""))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("python3");
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    Server::of(child, line.trim().parse().unwrap())
}

/// A TCP server that treats each connection so.
pub fn tcp(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let serve = std::sync::Arc::new(serve);
        for stream in listener.incoming().map_while(Result::ok) {
            let serve = std::sync::Arc::clone(&serve);
            std::thread::spawn(move || serve(stream));
        }
    });
    Server::here(port)
}

/// A proxy: connects where it is asked to, and notes that; or answers with this line.
pub fn proxy(refusal: Option<&'static str>, asked: std::sync::mpsc::Sender<String>) -> Server {
    let asked = std::sync::Mutex::new(asked);
    tcp(move |mut near| {
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") && near.read(&mut byte).is_ok_and(|count| count == 1) {
            head.extend(byte);
        }
        let head = String::from_utf8(head).unwrap();
        let target = head.split(' ').nth(1).unwrap_or_default().to_owned();
        asked.lock().unwrap().send(head).unwrap();
        if let Some(line) = refusal {
            let _ = near.write_all(format!("{line}\r\n\r\n").as_bytes());
            return;
        }
        let Ok(far) = TcpStream::connect(target.replace("localhost", "127.0.0.1")) else { return };
        near.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").unwrap();
        let (mut near_in, mut far_out) = (near.try_clone().unwrap(), far.try_clone().unwrap());
        let up = std::thread::spawn(move || {
            let _ = std::io::copy(&mut near_in, &mut far_out);
            let _ = far_out.shutdown(std::net::Shutdown::Write);
        });
        let _ = std::io::copy(&mut { far }, &mut near);
        let _ = near.shutdown(std::net::Shutdown::Both);
        let _ = up.join();
    })
}
