//! Logs in at a server that demands a client certificate, with the key on a token, and prints what the server says.
//!
//! ```sh
//! cargo run --features rustls --example login -- /usr/lib/softhsm/libsofthsm2.so pkcs11:token=BANK pin.txt localhost:8443 ca.pem
//! ```

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};

use rustls::client::ClientConnection;
use rustls::pki_types::ServerName;
use rustls::sign::SingleCertAndKey;
use rustls::{ClientConfig, RootCertStore, StreamOwned};
use usbtoken::pki::read_anchors;
use usbtoken::{Finder, Pin, TokenUri, tls};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [driver, uri, pin, server, ca] = arguments.as_slice() else {
        return Err("login DRIVER URI PIN-FILE HOST:PORT CA-FILE".into());
    };
    let token = Finder::new().module(driver).find(&uri.parse()?)?;
    let pin = std::fs::read_to_string(pin)?;
    let session = token.login(Pin::new(pin.trim_end().as_bytes().to_vec()))?;
    // Who names one gets that; else the one that no other has followed.
    let uri = uri.parse::<TokenUri>()?;
    let mine = session.credentials()?.named_by(&uri)?;
    let mine = if uri.names_object() { mine } else { mine.without_successor() };
    let mine = mine.only()?;
    println!("{} ({})", mine.subject(), mine.certificate().serial());

    let anchors = read_anchors(&std::fs::read(ca)?)?;
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(anchors.iter().map(|anchor| anchor.der().to_vec().into()));
    let key = tls::certified_key(Arc::new(Mutex::new(session)), &mine, &anchors)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_client_cert_resolver(Arc::new(SingleCertAndKey::from(key)));

    let host = server.rsplit_once(':').map_or(server.as_str(), |(host, _)| host).to_owned();
    let client = ClientConnection::new(Arc::new(config), ServerName::try_from(host.clone())?)?;
    let mut stream = StreamOwned::new(client, TcpStream::connect(server.as_str())?);
    write!(stream, "GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")?;
    let mut answer = [0; 4096];
    let count = stream.read(&mut answer)?;
    println!("{}", String::from_utf8_lossy(answer.get(..count).unwrap_or_default()));
    Ok(())
}
