//! Real inputs, cut off and changed at every byte: an error or a result, never a panic.

use super::openssl::OpenSsl;
use super::{
    Certificate, Expectation, Name, PublicKey, Relax, Request, RequestDraft, Response, SignatureAlgorithm,
    SubjectRule,
};

/// Calls `read` with the input cut off at every byte, and with every byte changed in several ways.
fn torture(input: &[u8], read: impl Fn(&[u8])) {
    torture_each(1, input, read);
}

/// The same at every so many bytes, for inputs that repeat themselves.
fn torture_each(step: usize, input: &[u8], read: impl Fn(&[u8])) {
    read(input);
    (0..input.len()).step_by(step).for_each(|end| read(&input[..end]));
    let mut changed = input.to_vec();
    for at in (0..input.len()).step_by(step) {
        let byte = input[at];
        for other in [0, 0xff, byte ^ 1, byte ^ 0x80, byte ^ 0x20, byte.wrapping_add(1)] {
            changed[at] = other;
            read(&changed);
        }
        changed[at] = byte;
    }
}

/// Everything that can be asked of a certificate.
fn use_certificate(certificate: &Certificate, anchor: &Certificate) {
    let _ = format!("{certificate:?} {} {:?}", certificate.public_key().algorithm(), certificate.key_usage());
    let _ = certificate.public_key().verify(SignatureAlgorithm::EcdsaSha256, b"message", &[0x30, 0]);
    let _ = super::check_chain(certificate, &[], std::slice::from_ref(anchor), certificate.not_before());
    let _ = super::Window::default().state(certificate.not_after(), certificate.not_before());
    let key = certificate.public_key();
    if let Ok(draft) = RequestDraft::for_renewal(certificate, &key.algorithm()) {
        assert!(!draft.with_key(key).unwrap().to_be_signed().is_empty());
    }
    let expectation = Expectation {
        public_key: certificate.public_key(),
        subject: Some(certificate.subject()),
        subject_rule: SubjectRule::default(),
        old: Some(certificate),
        now: certificate.not_after(),
    };
    let _ = expectation.check(certificate, Relax::NONE);
    let _ = expectation.warnings(certificate, Relax::NONE);
    assert!(certificate.subject().matches(certificate.subject()));
    let _ = super::issuer_continuity(certificate, Some(certificate), [certificate]);
}

fn use_answer(bytes: &[u8]) {
    if let Ok(answer) = Response::parse(bytes) {
        assert!(!answer.certificates().is_empty());
    }
}

fn inputs() -> OpenSsl {
    let openssl = OpenSsl::new();
    openssl.ca("ca");
    openssl.key("leaf", "P-256");
    openssl.leaf("leaf", "ca");
    openssl
}

#[test]
fn certificates() {
    let openssl = inputs();
    let anchor = openssl.certificate("ca");
    torture(&openssl.der("leaf"), |bytes| {
        if let Ok(certificate) = Certificate::from_der(bytes) {
            use_certificate(&certificate, &anchor);
        }
    });
}

#[test]
fn anchors() {
    let openssl = inputs();
    let leaf = openssl.certificate("leaf");
    torture(&openssl.der("ca"), |bytes| {
        if let Ok(anchor) = Certificate::from_der(bytes) {
            let _ = super::check_chain(&leaf, &[], &[anchor], leaf.not_before());
        }
    });
    torture(&openssl.read("ca.pem"), |bytes| {
        let _ = super::read_anchors(bytes);
    });
}

#[test]
fn requests_and_keys() {
    let openssl = inputs();
    openssl.run("req -in leaf.csr -outform DER -out leaf.csr.der");
    torture(&openssl.read("leaf.csr.der"), |bytes| {
        let _ = Request::read(bytes);
    });
    for kind in ["P-256", "rsa"] {
        openssl.key("k", kind);
        torture(&openssl.spki("k"), |bytes| {
            let _ = PublicKey::from_spki_der(bytes);
            let _ = PublicKey::from_ec(bytes, bytes);
            let _ = PublicKey::from_rsa(bytes, &[1, 0, 1]);
        });
    }
}

#[test]
fn names() {
    let name: Name = r"CN=山\,田+OU=b,1.2.3=#0c0161,O=x".parse().unwrap();
    torture(name.der(), |bytes| {
        let _ = Name::from_der(bytes).map(|name| name.to_string().parse::<Name>().is_ok());
    });
    torture(name.to_string().as_bytes(), |bytes| {
        let _ = String::from_utf8_lossy(bytes).parse::<Name>();
    });
}

#[test]
fn answers() {
    let openssl = inputs();
    openssl.write("content", "anything");
    openssl.run("crl2pkcs7 -nocrl -certfile leaf.pem -outform DER -out p7");
    openssl.run("crl2pkcs7 -nocrl -certfile leaf.pem -out p7.pem");
    openssl.run("cms -sign -stream -nodetach -binary -in content -signer leaf.pem -inkey leaf.key -outform DER -out ber");
    for name in ["p7", "p7.pem", "ber"] {
        torture(&openssl.read(name), use_answer);
    }
}

#[test]
fn responses_in_wrappings() {
    let openssl = inputs();
    let pem = openssl.certificate("leaf").to_pem();
    let escaped = pem.replace('\n', "\\n").replace('/', "\\/");
    let mail = format!(
        "From: ca\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Transfer-Encoding: \
         quoted-printable\r\n\r\n{}\r\n--b--\r\n",
        pem.replace('=', "=3D")
    );
    let page = format!("<p>{}</p>", pem.replace('+', "&#43;"));
    for text in [format!("{{\"c\":\"{escaped}\"}}"), mail, page] {
        torture_each(5, text.as_bytes(), use_answer);
    }
}

#[test]
fn cmc_responses() {
    let openssl = inputs();
    // PKIResponse with one CMCStatusInfoV2: failed, a text, badRequest.
    let response = [
        &[0x30, 0x1f, 0x30, 0x19, 0x30, 0x17, 2, 1, 1, 6, 8, 0x2b, 6, 1, 5, 5, 7, 7, 0x19][..],
        &[0x31, 0x08, 0x30, 0x06, 2, 1, 2, 0x30, 0, 0x0c, 0x00, 0x30, 0, 0x30, 0],
    ]
    .concat();
    openssl.write("response", response);
    openssl.run(
        "cms -sign -econtent_type 1.3.6.1.5.5.7.12.3 -binary -nodetach -in response -signer leaf.pem -inkey leaf.key \
         -outform DER -out cmc",
    );
    let cmc = openssl.read("cmc");
    torture(&cmc, use_answer);
}
