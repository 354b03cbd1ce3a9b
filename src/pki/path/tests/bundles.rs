//! Files of trust anchors in all the forms in which they lie about.

use crate::error::Code;
use crate::pki::openssl::OpenSsl;
use crate::pki::path::read_anchors;

#[test]
fn every_form_is_read() {
    let openssl = OpenSsl::new();
    let (one, two) = (openssl.ca("one"), openssl.ca("two"));
    openssl.write("index", "");
    openssl
        .write("conf", "[ca]\ndefault_ca=d\n[d]\ndatabase=index\ndefault_md=sha256\ndefault_crl_days=30\n");
    openssl.run("ca -config conf -gencrl -cert one.pem -keyfile one.key -out crl.pem");
    openssl.run("crl2pkcs7 -nocrl -certfile one.pem -certfile two.pem -outform DER -out both.p7b");
    openssl.run("x509 -in one.pem -trustout -addtrust clientAuth -out trusted.pem");
    let pem = |name: &str| String::from_utf8(openssl.read(name)).unwrap();

    let subjects = |bytes: &[u8]| -> Vec<String> {
        read_anchors(bytes).unwrap().iter().map(|anchor| anchor.subject().to_string()).collect()
    };
    let (first, second) = (one.subject().to_string(), two.subject().to_string());
    for bytes in [one.der().to_vec(), openssl.read("one.pem"), openssl.read("trusted.pem")] {
        assert_eq!(subjects(&bytes), [first.as_str()]);
    }
    let mut from_pkcs7 = subjects(&openssl.read("both.p7b"));
    from_pkcs7.sort();
    assert_eq!(from_pkcs7, [first.clone(), second.clone()]);

    let broken = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
    let bundle = format!(
        "# Example Bank\r\n{}{}{}{broken}\nCN=two\n=====\n{}",
        pem("one.pem"),
        pem("crl.pem"),
        pem("one.key"),
        pem("two.pem")
    );
    assert_eq!(subjects(bundle.as_bytes()), [first, second]);
}

#[test]
fn a_bundle_of_many_is_read() {
    let openssl = OpenSsl::new();
    openssl.ca("one");
    let many = openssl.read("one.pem").repeat(300);
    assert_eq!(read_anchors(&many).unwrap().len(), 300);
}

#[test]
fn without_a_certificate_it_is_unusable() {
    let openssl = OpenSsl::new();
    openssl.key("k", "P-256");
    for bytes in [&openssl.read("k.key")[..], b"", b"nothing", &[0x30, 0]] {
        assert_eq!(read_anchors(bytes).unwrap_err().code(), Code::AnchorUnusable);
    }
    assert_eq!(read_anchors(&vec![b'x'; 5 << 20]).unwrap_err().code(), Code::AnchorUnusable);
}
