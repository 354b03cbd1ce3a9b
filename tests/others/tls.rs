//! The reason for all of it: a server that demands a client certificate lets in a client whose signing key is on the
//! token. The server is rustls; its trust is the test CA's root.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex};

use rustls::client::ResolvesClientCert;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::sign::{CertifiedKey, Signer, SigningKey};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection, SignatureAlgorithm,
    SignatureScheme, Stream, SupportedProtocolVersion,
};
use usbtoken::bank::KeyRule;
use usbtoken::pki::{self, KeyKind};
use usbtoken::{Credential, Finder, Install, Pin, Policy, Renewal, Response, Run, Session};
use usbtoken_testkit::{Form, Kind, NameDer, SoftKey, SoftToken, TestCa, Text, days_from_now};

#[test]
fn a_server_lets_the_renewed_credential_in() {
    let both = [
        (Kind::P256, KeyKind::P256, &rustls::version::TLS13),
        (Kind::P384, KeyKind::P384, &rustls::version::TLS13),
        // TLS 1.3 wants RSA-PSS, which the request does not need and many tokens do not have.
        (Kind::Rsa2048, KeyKind::Rsa2048, &rustls::version::TLS12),
    ];
    for (first, kind, version) in both {
        let token = SoftToken::fresh();
        let ca = TestCa::new();
        token.first_credential(&ca, first, days_from_now(11));
        let (session, id) = renew(&token, &ca, kind);
        let key = TokenKey::new(session, &id);
        let chain = vec![key.credential.certificate().der().to_vec(), ca.issuing().to_vec()];
        assert_eq!(greet(&ca, version, chain, Arc::new(key)).unwrap(), "welcome", "{first}");
    }
}

#[test]
fn a_server_refuses_another_certificate_than_the_keys() {
    let token = SoftToken::fresh();
    let ca = TestCa::new();
    let old = token.first_credential(&ca, Kind::P256, days_from_now(11));
    let (session, id) = renew(&token, &ca, KeyKind::P256);
    let key = TokenKey::new(session, &id);
    let chain = vec![old.certificate, ca.issuing().to_vec()];
    let refused = greet(&ca, &rustls::version::TLS13, chain, Arc::new(key)).unwrap_err();
    assert!(refused.contains("DecryptError") || refused.contains("BadSignature"), "{refused}");
}

/// The whole job; returns the session with the id of the new credential.
fn renew(token: &SoftToken, ca: &TestCa, kind: KeyKind) -> (Session, Vec<u8>) {
    let found = Finder::new().module(token.module()).find(&token.uri().parse().unwrap()).unwrap();
    let old = found.credentials().unwrap().by_id(&[1]).only().unwrap();
    let session = found.login(Pin::new(token.pin().into())).unwrap();
    let run = Run::default();
    let mut policy = Policy::default();
    policy.key = KeyRule::Kind(kind);
    let pending = Renewal::of(&old).policy(&policy).begin(&session, &run).unwrap();
    let certificate = ca.issue_for(pending.request().to_pem().as_bytes()).der();
    let response = Response::parse(&ca.answer(Form::P7, &certificate)).unwrap();
    let new = Install::new(&response).run_for(&session, &pending, &run).unwrap();
    let id = new.credential.id().to_vec();
    (session, id)
}

/// A key on the token, as rustls wants it.
struct TokenKey {
    session: Arc<Mutex<Session>>,
    credential: Credential,
}

impl TokenKey {
    fn new(session: Session, id: &[u8]) -> TokenKey {
        let credential = session.credentials().unwrap().by_id(id).only().unwrap();
        TokenKey { session: Arc::new(Mutex::new(session)), credential }
    }

    fn scheme(&self) -> (SignatureScheme, SignatureAlgorithm) {
        match pki::SignatureAlgorithm::for_key(&self.credential.key_algorithm()).unwrap() {
            pki::SignatureAlgorithm::RsaPkcs1Sha256 => {
                (SignatureScheme::RSA_PKCS1_SHA256, SignatureAlgorithm::RSA)
            }
            pki::SignatureAlgorithm::EcdsaSha256 => {
                (SignatureScheme::ECDSA_NISTP256_SHA256, SignatureAlgorithm::ECDSA)
            }
            pki::SignatureAlgorithm::EcdsaSha384 => {
                (SignatureScheme::ECDSA_NISTP384_SHA384, SignatureAlgorithm::ECDSA)
            }
        }
    }
}

impl std::fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenKey")
    }
}

impl SigningKey for TokenKey {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        let (scheme, _) = self.scheme();
        let signer =
            TokenSigner { session: Arc::clone(&self.session), credential: self.credential.clone(), scheme };
        offered.contains(&scheme).then(|| Box::new(signer) as Box<dyn Signer>)
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        self.scheme().1
    }
}

struct TokenSigner {
    session: Arc<Mutex<Session>>,
    credential: Credential,
    scheme: SignatureScheme,
}

impl std::fmt::Debug for TokenSigner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenSigner")
    }
}

impl Signer for TokenSigner {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rustls::Error> {
        let session = self.session.lock().unwrap();
        let signed = session.sign_as(&self.credential, message);
        signed.map_err(|error| rustls::Error::General(error.to_string()))
    }

    fn scheme(&self) -> SignatureScheme {
        self.scheme
    }
}

#[derive(Debug)]
struct Always(Arc<CertifiedKey>);

impl ResolvesClientCert for Always {
    fn resolve(&self, _hints: &[&[u8]], _schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }

    fn has_certs(&self) -> bool {
        true
    }
}

/// Connects, and reads what the server says to those whom it lets in.
fn greet(
    ca: &TestCa,
    version: &'static SupportedProtocolVersion,
    chain: Vec<Vec<u8>>,
    key: Arc<dyn SigningKey>,
) -> Result<String, String> {
    let (mut near, far) = UnixStream::pair().unwrap();
    let server = std::thread::spawn({
        let config = server_config(ca);
        move || serve(config, far)
    });
    let chain = chain.into_iter().map(CertificateDer::from).collect();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots(ca))
        .with_client_cert_resolver(Arc::new(Always(Arc::new(CertifiedKey::new(chain, key)))));
    let name = ServerName::try_from("bank.example").unwrap();
    let mut client = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut said = String::new();
    let read = Stream::new(&mut client, &mut near).read_to_string(&mut said);
    drop(near);
    server.join().unwrap()?;
    read.map_err(|error| error.to_string())?;
    Ok(said)
}

fn serve(config: ServerConfig, mut stream: UnixStream) -> Result<(), String> {
    let mut server = ServerConnection::new(Arc::new(config)).unwrap();
    let mut tls = Stream::new(&mut server, &mut stream);
    let done = tls.write_all(b"welcome").and_then(|()| {
        tls.conn.send_close_notify();
        tls.flush()
    });
    done.map_err(|error| format!("{error}: {:?}", error.get_ref()))
}

fn server_config(ca: &TestCa) -> ServerConfig {
    let key = SoftKey::generate(Kind::P256);
    let subject = NameDer::new().common(Text::Utf8, "bank.example").to_der();
    // GeneralNames: one dNSName.
    let names = [&[0x30, 14, 0x82, 12][..], b"bank.example"].concat();
    let certificate =
        ca.issue(&subject, &key.spki()).server_only().extension("2.5.29.17", false, &names).der();
    let chain = vec![certificate.into(), ca.issuing().to_vec().into()];
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.to_pkcs8()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let demand = WebPkiClientVerifier::builder_with_provider(Arc::new(roots(ca)), Arc::clone(&provider))
        .build()
        .unwrap();
    ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .unwrap()
        .with_client_cert_verifier(demand)
        .with_single_cert(chain, key)
        .unwrap()
}

fn roots(ca: &TestCa) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add(ca.root().to_vec().into()).unwrap();
    roots
}
