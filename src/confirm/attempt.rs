//! One connection: TLS, one request, the head of one response.

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustls::client::danger::ServerCertVerifier;
use rustls::client::{ResolvesClientCert, Resumption};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::ServerName;
use rustls::sign::CertifiedKey;
use rustls::{
    ClientConfig, ClientConnection, ProtocolVersion, SignatureScheme, Stream, SupportedProtocolVersion,
};

use super::address::{Address, Proxy};
use super::connect::connect;
use super::cookies::Cookies;
use super::http::Head;
use super::line::{Limit, Line};
use super::trouble::Trouble;
use crate::driver::lock;

/// How long a server's word on a certificate is awaited before it is asked for the page: in TLS 1.3 it may refuse one
/// after the handshake (RFC 8446 §4.4.2.4), and whoever has sent something then may not see why.
const WORD: Duration = Duration::from_millis(500);

pub(super) static BOTH: &[&SupportedProtocolVersion] = &[&rustls::version::TLS13, &rustls::version::TLS12];
pub(super) static TLS12: &[&SupportedProtocolVersion] = &[&rustls::version::TLS12];

/// What every connection of a confirmation has in common.
#[derive(Clone)]
pub(super) struct Client {
    pub(super) verifier: Arc<dyn ServerCertVerifier>,
    pub(super) provider: Arc<CryptoProvider>,
    pub(super) proxy: Option<Proxy>,
    pub(super) limit: Limit,
}

/// What a server said when it asked for a certificate.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    /// The names of the CAs that it accepts, in DER.
    pub(super) issuers: Vec<Vec<u8>>,
    /// The ways of signing that it accepts.
    pub(super) schemes: Vec<SignatureScheme>,
    /// Whether it was shown one.
    pub(super) shown: bool,
}

/// What came of one connection.
pub(super) struct Attempt {
    pub(super) asked: Option<Asked>,
    pub(super) version: Option<ProtocolVersion>,
    /// Whether the handshake came to its end.
    pub(super) connected: bool,
    pub(super) answer: Result<Head, Trouble>,
}

impl Client {
    /// Asks the server for the page, with a certificate if it wants one.
    pub(super) fn ask(
        &self,
        to: &Address,
        versions: &[&'static SupportedProtocolVersion],
        identity: Option<&Arc<CertifiedKey>>,
        cookies: &Cookies,
    ) -> Attempt {
        let resolver = Arc::new(Resolver { identity: identity.cloned(), asked: Mutex::new(None) });
        let (mut version, mut connected) = (None, false);
        let answer = self.connection(to, versions, &resolver).and_then(|mut tls| {
            let mut line = connect(to, self.proxy.as_ref(), &self.limit)?;
            let answer = exchange(&mut tls, &mut line, to, cookies);
            version = tls.protocol_version();
            connected = !tls.is_handshaking();
            answer
        });
        let asked = lock(&resolver.asked).take();
        Attempt { asked, version, connected, answer }
    }

    fn connection(
        &self,
        to: &Address,
        versions: &[&'static SupportedProtocolVersion],
        resolver: &Arc<Resolver>,
    ) -> Result<ClientConnection, Trouble> {
        let config = ClientConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_protocol_versions(versions)
            .map_err(Trouble::Tls)?;
        // Ours is rustls' own verifier, with the CAs that were chosen.
        let mut config = config
            .dangerous()
            .with_custom_certificate_verifier(Arc::clone(&self.verifier))
            .with_client_cert_resolver(Arc::clone(resolver) as Arc<dyn ResolvesClientCert>);
        config.resumption = Resumption::disabled();
        let name = ServerName::try_from(to.host.clone());
        let name = name.map_err(|error| Trouble::Unreachable(error.to_string()))?;
        ClientConnection::new(Arc::new(config), name).map_err(Trouble::Tls)
    }
}

/// A server that refuses says so before it closes, whatever became of what was sent to it meanwhile.
fn exchange(
    tls: &mut ClientConnection,
    line: &mut Line,
    to: &Address,
    cookies: &Cookies,
) -> Result<Head, Trouble> {
    match asked(tls, line, to, cookies) {
        Err(Trouble::Closed) => Err(last_alert(tls, line).unwrap_or(Trouble::Closed)),
        answer => answer,
    }
}

/// The alert in what was received before the connection ended.
fn last_alert(tls: &mut ClientConnection, line: &mut Line) -> Option<Trouble> {
    while tls.read_tls(line).is_ok_and(|count| count > 0) {
        if let Err(error) = tls.process_new_packets() {
            return Some(Trouble::Tls(error));
        }
    }
    None
}

fn asked(
    tls: &mut ClientConnection,
    line: &mut Line,
    to: &Address,
    cookies: &Cookies,
) -> Result<Head, Trouble> {
    while tls.is_handshaking() {
        tls.complete_io(line)?;
    }
    if tls.protocol_version() == Some(ProtocolVersion::TLSv1_3) {
        await_word(tls, line)?;
    }
    let request = format!(
        "GET {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: usbtoken/{}\r\nAccept: */*\r\n{}Connection: close\r\n\r\n",
        to.target,
        to.authority(),
        env!("CARGO_PKG_VERSION"),
        cookies.field(),
    );
    let mut stream = Stream::new(tls, line);
    let sent = stream.write_all(request.as_bytes()).and_then(|()| stream.flush());
    match (Head::read(&mut stream), sent) {
        (Err(Trouble::Closed), Err(error)) => Err(error.into()),
        (answer, _) => answer,
    }
}

/// Waits a moment for what the server has to say: tickets, or an alert.
fn await_word(tls: &mut ClientConnection, line: &mut Line) -> Result<(), Trouble> {
    let before = line.limit().clone();
    line.set_limit(before.at_most(WORD));
    let received = tls.read_tls(line);
    line.set_limit(before);
    if received.is_ok() {
        tls.process_new_packets().map_err(Trouble::Tls)?;
    }
    Ok(())
}

/// Shows the one certificate, whatever CAs the server names, and keeps what it said.
#[derive(Debug)]
struct Resolver {
    identity: Option<Arc<CertifiedKey>>,
    asked: Mutex<Option<Asked>>,
}

impl ResolvesClientCert for Resolver {
    fn resolve(&self, issuers: &[&[u8]], schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        let identity = self.identity.as_ref().filter(|one| one.key.choose_scheme(schemes).is_some());
        *lock(&self.asked) = Some(Asked {
            issuers: issuers.iter().map(|name| name.to_vec()).collect(),
            schemes: schemes.to_vec(),
            shown: identity.is_some(),
        });
        identity.cloned()
    }

    fn has_certs(&self) -> bool {
        true
    }
}
