//! Servers of others for logins with a client certificate: nginx.

use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A server on this computer that ends with this value.
pub struct Server {
    child: Option<Child>,
    /// Where it listens.
    pub port: u16,
}

impl Server {
    /// One that is a process of its own.
    pub fn of(child: Child, port: u16) -> Server {
        Server { child: Some(child), port }
    }

    /// One in this process.
    pub fn here(port: u16) -> Server {
        Server { child: None, port }
    }

    /// The address of a page on it.
    pub fn url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.port)
    }

    /// Whether it takes connections, which is waited for; not when it has ended: another program may have taken the port.
    fn is_up(&mut self) -> bool {
        let until = Instant::now() + Duration::from_secs(30);
        while Instant::now() < until {
            if TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                return true;
            }
            if self.child.as_mut().is_some_and(|child| child.try_wait().is_ok_and(|end| end.is_some())) {
                return false;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        false
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// nginx for `localhost` with these lines in its server. In the folder are `server.pem` and `server.key`
/// ([`TestCa::server`](crate::TestCa::server)), and `clients.pem`, the CAs to one of which a client's certificate must lead. Its
/// pages are in `nginx/`.
///
/// # Panics
/// When it does not start: with its log.
pub fn nginx(folder: &Path, lines: &str) -> Server {
    let own = folder.join("nginx");
    std::fs::create_dir_all(&own).expect("a folder for nginx");
    let at = |name: &str| folder.join(name).display().to_string();
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .iter()
        .map(|kind| format!("{kind}_temp_path {};\n", own.join(kind).display()))
        .collect();
    for _ in 0..5 {
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let port = free.expect("a free port").port();
        let config = format!(
            "daemon off;\nmaster_process off;\npid {pid};\nerror_log {log};\nevents {{}}\nhttp {{\naccess_log off;\n{temporary}\
             server {{\nlisten 127.0.0.1:{port} ssl;\nserver_name localhost;\nssl_certificate {};\nssl_certificate_key {};\n\
             ssl_client_certificate {};\nssl_verify_depth 3;\nroot {};\n{lines}\n}}\n}}\n",
            at("server.pem"),
            at("server.key"),
            at("clients.pem"),
            own.display(),
            pid = own.join(format!("pid-{port}")).display(),
            log = own.join("log").display(),
        );
        let file = at(&format!("nginx-{port}.conf"));
        std::fs::write(&file, config).expect("nginx's configuration");
        let child = Command::new("nginx")
            .args(["-e", &own.join("log").display().to_string(), "-c", &file])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("nginx (Debian: apt-get install nginx-light)");
        let mut server = Server::of(child, port);
        if server.is_up() {
            return server;
        }
    }
    panic!("nginx does not start: {}", std::fs::read_to_string(own.join("log")).unwrap_or_default());
}
