//! Certificates as openssl issues them, and as old CAs did.

use super::super::KeyAlgorithm;
use super::*;
use crate::pki::openssl::{LEAF, OpenSsl, SUBJECT};

#[test]
fn a_summary_is_what_openssl_says() {
    let openssl = OpenSsl::new();
    openssl.ca("ca");
    openssl.key("leaf", "rsa");
    let leaf = openssl.issue("leaf", "ca", SUBJECT, LEAF, "-days 365 -set_serial 0x00a1b2");
    assert_eq!(leaf.serial().to_string(), "a1b2");
    assert_eq!(leaf.serial().der_integer(), [2, 3, 0, 0xa1, 0xb2]);
    let thumbprint: Vec<String> = leaf.thumbprint().iter().map(|byte| format!("{byte:02X}")).collect();
    let said = openssl.run("x509 -in leaf.pem -noout -fingerprint -sha1");
    assert!(said.trim().ends_with(&thumbprint.join(":")), "{said}");
    assert_eq!(leaf.subject().common_name(), Some("TARO YAMADA 0001"));
    let units = ["(9936)ANSER-WEB(BizSOL) TEST CA - G4", "second"];
    assert_eq!(leaf.subject().values("OU").collect::<Vec<_>>(), units);
    assert_eq!(leaf.issuer().to_string(), "CN=ca,O=Test CA,C=JP");
    assert_eq!(leaf.not_after().duration_since(leaf.not_before()).unwrap().as_secs(), 365 * 86400);
    let end = jiff::Timestamp::try_from(leaf.not_after()).unwrap().strftime("%Y-%m-%d %H:%M:%SZ").to_string();
    assert!(openssl.run("x509 -in leaf.pem -noout -enddate -dateopt iso_8601").contains(&end));
    assert_eq!(leaf.key_usage().unwrap().to_string(), "digitalSignature, keyEncipherment");
    assert_eq!(leaf.extended_key_usage().unwrap(), ["1.3.6.1.5.5.7.3.2"]);
    assert!(leaf.allows_client_auth() && !leaf.is_ca());
    assert!(leaf.subject_alt_name_extension().unwrap().ends_with(b"taro@example.co.jp"));
    assert_eq!(openssl.read("leaf.pem"), leaf.to_pem().as_bytes());
}

#[test]
fn purposes_and_ca() {
    let openssl = OpenSsl::new();
    assert!(openssl.ca("ca").is_ca());
    openssl.key("leaf", "P-256");
    let with = |extensions: &str| openssl.issue("leaf", "ca", "/CN=x", extensions, "");
    assert!(!with("extendedKeyUsage=serverAuth").allows_client_auth());
    assert!(with("extendedKeyUsage=serverAuth,anyExtendedKeyUsage").allows_client_auth());
    assert!(with("keyUsage=keyEncipherment").allows_client_auth());
    assert!(!with("basicConstraints=CA:FALSE").is_ca());
    assert!(with("basicConstraints=CA:TRUE,pathlen:300").is_ca());
    assert!(!with("basicConstraints=DER:30:03:01:01:00").is_ca());
}

#[test]
fn what_an_extension_says_in_ber_or_at_length_is_read() {
    let openssl = OpenSsl::new();
    openssl.ca("ca");
    openssl.key("leaf", "P-256");
    let with = |extensions: &str| openssl.issue("leaf", "ca", "/CN=x", extensions, "");
    let four_octets = with("keyUsage=DER:03:05:00:b0:00:00:00");
    assert_eq!(
        four_octets.key_usage().unwrap().to_string(),
        "digitalSignature, keyEncipherment, dataEncipherment"
    );
    for (ber, ca) in [
        ("30:81:00", false),
        ("30:80:00:00", false),
        ("30:81:03:01:01:01", true),
        ("30:80:01:01:ff:00:00", true),
    ] {
        let certificate = with(&format!("basicConstraints=DER:{ber}"));
        assert_eq!(certificate.is_ca(), ca, "{ber}");
        assert!(certificate.unreadable_extensions().is_empty(), "{ber}");
    }
    assert!(four_octets.unreadable_extensions().is_empty());
}

#[test]
fn an_extension_that_cannot_be_read_is_a_fact_about_the_certificate() {
    let openssl = OpenSsl::new();
    openssl.ca("ca");
    openssl.key("leaf", "P-256");
    for (extension, name) in [
        ("basicConstraints=DER:04:00", "basicConstraints"),
        ("basicConstraints=DER:30:00:00", "basicConstraints"),
        ("keyUsage=DER:03:02:07:80:00", "keyUsage"),
        ("keyUsage=DER:04:02:07:80", "keyUsage"),
        ("extendedKeyUsage=DER:30:0b:06:08:2b:06:01:05:05:07:03:02:00", "extendedKeyUsage"),
        ("extendedKeyUsage=DER:30:0a:06:08:2b:06:01:05:05:07:03:02:00", "extendedKeyUsage"),
    ] {
        let certificate = openssl.issue("leaf", "ca", SUBJECT, extension, "");
        assert_eq!(certificate.unreadable_extensions(), [name], "{extension}");
        assert_eq!(certificate.subject().common_name(), Some("TARO YAMADA 0001"));
        assert!(!certificate.is_ca() && certificate.key_usage().is_none());
        assert!(certificate.extended_key_usage().is_none());
    }
}

#[test]
fn critical_and_repeated_extensions_are_named() {
    let openssl = OpenSsl::new();
    openssl.ca("ca");
    openssl.key("leaf", "P-256");
    let with = |extensions: &str| openssl.issue("leaf", "ca", "/CN=x", extensions, "");
    let odd =
        with("1.2.392.1.1.1=critical,DER:0500\n1.2.392.1.1.2=DER:0500\nissuerAltName=critical,email:a@b.c\n");
    assert_eq!(odd.unknown_critical_extensions(), ["1.2.392.1.1.1", "issuerAltName"]);
    let usual = with(&format!("{LEAF}certificatePolicies=critical,1.2.3.4\n"));
    assert!(usual.unknown_critical_extensions().is_empty() && usual.repeated_extensions().is_empty());
    // openssl writes none twice: one identifier is made the other.
    let mut der = with("1.2.392.1.1.1=DER:0500\n1.2.392.1.1.2=DER:0500\n").der().to_vec();
    let second = [0x2a, 0x83, 0x08, 1, 1, 2];
    let at = der.windows(6).position(|bytes| bytes == second).unwrap();
    der[at + 5] = 1;
    assert_eq!(Certificate::from_der(&der).unwrap().repeated_extensions(), ["1.2.392.1.1.1"]);
}

#[test]
fn what_follows_the_certificate_is_padding() {
    let openssl = OpenSsl::new();
    let der = openssl.ca("ca").der().to_vec();
    for padding in [&[0; 64][..], &[0xff; 3], b"x", &[]] {
        assert_eq!(Certificate::without_padding(&[&der[..], padding].concat()), der);
    }
    assert_eq!(Certificate::without_padding(b"no certificate"), b"no certificate");
    assert_eq!(Certificate::without_padding(&der[..9]), &der[..9]);
}

#[test]
fn odd_serial_numbers_and_versions_pass() {
    let openssl = OpenSsl::new();
    openssl.ca("ca");
    openssl.key("leaf", "P-256");
    for (serial, shown) in [("0", "00"), ("-5", "-05"), ("0x0123", "0123")] {
        let leaf = openssl.issue("leaf", "ca", "/CN=x", LEAF, &format!("-set_serial {serial}"));
        assert_eq!(leaf.serial().to_string(), shown);
    }
    openssl.run("x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -out v1.pem");
    assert!(openssl.run("x509 -in v1.pem -noout -text").contains("Version: 1"));
    let v1 = openssl.certificate("v1");
    assert!(!v1.is_ca() && v1.allows_client_auth() && v1.key_usage().is_none());
}

#[test]
fn identifiers_with_numbers_of_any_size_pass() {
    let openssl = OpenSsl::new();
    openssl.ca("ca");
    openssl.key("leaf", "P-256");
    let uuid = "2.25.329800735698586629295641978511506172918";
    let leaf = openssl.issue("leaf", "ca", "/CN=x", &format!("extendedKeyUsage=clientAuth,{uuid}"), "");
    assert!(leaf.allows_client_auth());
    assert_eq!(leaf.extended_key_usage().unwrap().len(), 2);
    let leaf = openssl.issue("leaf", "ca", "/CN=x", &format!("{LEAF}{uuid}=DER:05:00"), "");
    assert!(leaf.allows_client_auth() && leaf.key_usage().is_some());
}

#[test]
fn a_certificate_with_any_key_passes() {
    let openssl = OpenSsl::new();
    openssl.ca("ca");
    openssl.key("leaf", "ed25519");
    let leaf = openssl.leaf("leaf", "ca");
    assert_eq!(leaf.public_key().algorithm(), KeyAlgorithm::Other("Ed25519".to_owned()));
}

#[test]
fn nothing_may_follow_or_miss() {
    let openssl = OpenSsl::new();
    let mut der = openssl.ca("ca").der().to_vec();
    der.push(0);
    let refused = |der: &[u8]| Certificate::from_der(der).unwrap_err().code();
    assert_eq!(refused(&der), Code::CertificateUnreadable);
    assert_eq!(refused(&der[..der.len() - 2]), Code::CertificateUnreadable);
    assert_eq!(refused(&[]), Code::CertificateUnreadable);
    assert_eq!(refused(&[0x30, 0]), Code::CertificateUnreadable);
}

#[test]
fn half_a_value_is_cut_short_and_other_bytes_are_not() {
    let openssl = OpenSsl::new();
    let der = openssl.ca("ca").der().to_vec();
    assert!(Certificate::is_cut_short(&der[..der.len() / 2]));
    assert!(Certificate::is_cut_short(&der[..1]));
    assert!(!Certificate::is_cut_short(&der));
    assert!(!Certificate::is_cut_short(&[]));
    assert!(!Certificate::is_cut_short(b"\x04\x02no"));
}
