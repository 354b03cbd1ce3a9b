//! The reason for all of it: a server that demands a client certificate lets in a client whose signing key is on the
//! token. The server is rustls; its trust is the test CA's root.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection, Stream,
    SupportedProtocolVersion,
};
use usbtoken::bank::KeyRule;
use usbtoken::confirm::Confirm;
use usbtoken::pki::KeyKind;
use usbtoken::{
    Cancel, Certificate, Code, Finder, Install, Pin, Policy, Renewal, Response, Run, Session, tls,
};
use usbtoken_testkit::{Form, Kind, NameDer, SoftKey, SoftToken, TestCa, Text, days_from_now};

#[test]
fn a_server_lets_the_renewed_credential_in() {
    let kinds = [
        (Kind::P256, KeyKind::P256),
        (Kind::P384, KeyKind::P384),
        // PKCS#1 v1.5 in TLS 1.2, RSASSA-PSS in TLS 1.3.
        (Kind::Rsa2048, KeyKind::Rsa2048),
    ];
    for (first, kind) in kinds {
        let token = SoftToken::fresh();
        let ca = TestCa::new();
        token.first_credential(&ca, first, days_from_now(11));
        let (session, id) = renew(&token, &ca, kind);
        let mine = session.credentials().unwrap().by_id(&id).only().unwrap();
        let known = [Certificate::from_der(ca.issuing()).unwrap()];
        let key = tls::certified_key(Arc::new(Mutex::new(session)), &mine, &known).unwrap();
        assert_eq!(key.cert.len(), 2, "who issued it is shown too");
        for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
            assert_eq!(greet(&ca, version, key.clone()).unwrap(), "welcome", "{first}");
        }
    }
}

/// Another program's pairs with the identifier and the label of ours: whichever the driver lists first, the right key signs.
#[test]
fn of_keys_with_one_identifier_and_label_the_right_one_signs() {
    let token = SoftToken::fresh();
    let ca = TestCa::new();
    let old = token.first_credential(&ca, Kind::P256, days_from_now(200));
    token.inspect(|token| {
        for _ in 0..6 {
            token.generate_pair_beside(Kind::P256, &old.id, "bank");
        }
        token.relabel(&old.id, b"bank");
    });
    let before = token.snapshot();
    let found = Finder::new().module(token.module()).find(&token.uri().parse().unwrap()).unwrap();
    let session = found.login(Pin::new(token.pin().into())).unwrap();
    let mine = session.credentials().unwrap().by_id(&old.id).only().unwrap();
    let known = [Certificate::from_der(ca.issuing()).unwrap()];
    let key = tls::certified_key(Arc::new(Mutex::new(session)), &mine, &known).unwrap();
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        assert_eq!(greet(&ca, version, key.clone()).as_deref(), Ok("welcome"));
    }
    token.snapshot().assert_same_as(&before);
}

#[test]
fn a_server_refuses_another_certificate_than_the_keys() {
    let token = SoftToken::fresh();
    let ca = TestCa::new();
    let old = token.first_credential(&ca, Kind::P256, days_from_now(11));
    let (session, id) = renew(&token, &ca, KeyKind::P256);
    let mine = session.credentials().unwrap().by_id(&id).only().unwrap();
    let key = tls::certified_key(Arc::new(Mutex::new(session)), &mine, &[]).unwrap();
    let chain = [old.certificate, ca.issuing().to_vec()].map(CertificateDer::from);
    let wrong = CertifiedKey::new(chain.to_vec(), key.key);
    let refused = greet(&ca, &rustls::version::TLS13, wrong).unwrap_err();
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

/// Connects, and reads what the server says to those whom it lets in.
fn greet(
    ca: &TestCa,
    version: &'static SupportedProtocolVersion,
    key: CertifiedKey,
) -> Result<String, String> {
    let (mut near, far) = UnixStream::pair().unwrap();
    let server = std::thread::spawn({
        let config = server_config(ca);
        move || serve(config, far)
    });
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots(ca))
        .with_client_cert_resolver(Arc::new(SingleCertAndKey::from(key)));
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

/// A server that takes the connection and says nothing: the caller need not wait for it.
#[test]
fn a_confirmation_ends_when_the_caller_wants_it() {
    let token = SoftToken::fresh();
    let ca = TestCa::new();
    token.first_credential(&ca, Kind::P256, days_from_now(11));
    let before = token.snapshot();
    let found = Finder::new().module(token.module()).find(&token.uri().parse().unwrap()).unwrap();
    let session = found.login(Pin::new(token.pin().into())).unwrap();
    let mine = session.credentials().unwrap().only().unwrap();
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://localhost:{}/", silent.local_addr().unwrap().port());
    let confirm = Confirm::at(&url).unwrap().server_anchors(vec![Certificate::from_der(ca.root()).unwrap()]);
    let cancel = Cancel::new();
    let stop = cancel.clone();
    let stopper = std::thread::spawn(move || {
        // Taken: the other side waits for an answer now.
        let connection = silent.accept().unwrap();
        stop.cancel();
        connection
    });
    let stopped = confirm.run(&session, &mine, &Run::default().cancel(&cancel)).unwrap_err();
    assert_eq!(stopped.code(), Code::Cancelled);
    drop(stopper.join().unwrap());
    let late = confirm.timeout(Duration::from_secs(1)).run(&session, &mine, &Run::default()).unwrap_err();
    assert!([Code::LoginTimeout, Code::LoginUnreachable].contains(&late.code()), "{late}");
    // The session goes on, and the token is as it was.
    assert_eq!(session.credentials().unwrap().iter().count(), 1);
    drop(session);
    token.snapshot().assert_same_as(&before);
}
