//! Answers in the forms in which CAs, mail programs and web pages deliver them.

use base64ct::{Base64, Encoding};

use super::*;
use crate::pki::asn1::tlv;
use crate::pki::openssl::OpenSsl;

mod disguises;
mod wrappings;

/// A leaf, its intermediate and its root.
struct Issued {
    openssl: OpenSsl,
    key: PublicKey,
    leaf: Certificate,
    chain: Vec<Certificate>,
}

fn issued() -> Issued {
    let openssl = OpenSsl::new();
    let root = openssl.ca("root");
    openssl.key("sub", "P-256");
    let sub = openssl.issue("sub", "root", "/CN=sub", "basicConstraints=critical,CA:TRUE\n", "");
    let key = openssl.key("leaf", "P-256");
    let leaf = openssl.leaf("leaf", "sub");
    openssl.run("crl2pkcs7 -nocrl -certfile root.pem -certfile leaf.pem -certfile sub.pem -outform DER -out chain.p7b");
    openssl
        .run("crl2pkcs7 -nocrl -certfile root.pem -certfile leaf.pem -certfile sub.pem -out chain.p7b.pem");
    Issued { openssl, key, leaf, chain: vec![sub, root] }
}

impl Issued {
    /// The answer holds the leaf and the chain, whatever the order.
    #[track_caller]
    fn holds_all(&self, answer: impl AsRef<[u8]>) {
        let answer = Response::parse(answer.as_ref()).unwrap();
        assert_eq!(answer.leaf_for(&self.key), Some(&self.leaf));
        assert_eq!(answer.certificates().len(), 1 + self.chain.len());
        assert!(self.chain.iter().all(|ca| answer.certificates().contains(ca)));
    }

    #[track_caller]
    fn holds_leaf(&self, answer: impl AsRef<[u8]>) {
        let answer = Response::parse(answer.as_ref()).unwrap();
        assert_eq!(answer.certificates(), std::slice::from_ref(&self.leaf));
    }

    fn p7(&self) -> Vec<u8> {
        self.openssl.read("chain.p7b")
    }

    fn p7_pem(&self) -> String {
        String::from_utf8(self.openssl.read("chain.p7b.pem")).unwrap()
    }
}

#[track_caller]
fn refused(answer: impl AsRef<[u8]>) -> Code {
    let error = Response::parse(answer.as_ref()).unwrap_err();
    assert_eq!(error.step(), Some(Step::ReadAnswer));
    error.code()
}

fn wrapped(base64: &str, width: usize, end: &str) -> String {
    base64
        .as_bytes()
        .chunks(width)
        .map(|line| format!("{}{end}", std::str::from_utf8(line).unwrap()))
        .collect()
}

#[test]
fn der_and_pem() {
    let issued = issued();
    issued.holds_leaf(issued.leaf.der());
    issued.holds_leaf([issued.leaf.der(), b"\r\n"].concat());
    issued.holds_leaf([issued.leaf.der(), issued.leaf.der()].concat());
    issued.holds_leaf(issued.leaf.to_pem());
    // As CRYPT_STRING_NOCRLF has it.
    issued.holds_leaf(issued.leaf.to_pem().replace('\n', ""));
    issued.holds_all(issued.p7());
    let all = [&issued.chain[1], &issued.leaf, &issued.chain[0]];
    issued.holds_all(all.map(Certificate::der).concat());
    issued.holds_all(all.map(Certificate::to_pem).concat());
    issued.holds_all([issued.leaf.to_pem(), "words in between: x\r\n".to_owned(), issued.p7_pem()].concat());
}

#[test]
fn labels_say_nothing() {
    let issued = issued();
    for label in ["CERTIFICATE", "PKCS7", "CMS", "X509 CERTIFICATE", "ANYTHING AT ALL", "", "PRIVATE KEY"] {
        issued.holds_all(crate::pki::asn1::pem::encode(label, &issued.p7()));
        issued.holds_leaf(crate::pki::asn1::pem::encode(label, issued.leaf.der()));
    }
}

#[test]
fn bare_base64() {
    let issued = issued();
    let base64 = Base64::encode_string(&issued.p7());
    issued.holds_all(&base64);
    issued.holds_all(base64.trim_end_matches('='));
    issued.holds_all(wrapped(&base64, 76, "\r\n"));
    issued.holds_all(wrapped(&base64, 64, "\n  \t"));
    issued.holds_all(wrapped(&base64, 1, " \n"));
    issued.holds_leaf(wrapped(&Base64::encode_string(issued.leaf.der()), 64, "\n"));
}

#[test]
fn text_around_it() {
    let issued = issued();
    let pem = issued.p7_pem();
    let body = wrapped(&Base64::encode_string(&issued.p7()), 76, "\r\n");
    issued.holds_all(format!("\u{feff}{pem}"));
    issued.holds_all(pem.replace('\n', "\r\n"));
    issued.holds_all(pem.replace('\n', "\r"));
    issued.holds_all(format!("電子証明書をお送りします。\r\n100%\r\n\r\n{pem}\r\n-- \r\nCA"));
    issued.holds_all(format!("\u{1b}$B>ZL@=q\u{1b}(B\n{pem}"));
    issued.holds_all([&[0x8f, 0xd8, 0x96, 0xbe, b'\n'], pem.as_bytes()].concat());
    issued.holds_all(format!("subject=CN = x\nissuer=CN = y\n{pem}"));
    issued.holds_all(pem.replacen('\n', "\nComment: made by hand\n\n", 1));
    // The body of EST, and the whole of it with its headers.
    issued.holds_all(&body);
    issued.holds_all(format!(
        "Content-Type: application/pkcs7-mime; smime-type=certs-only\r\nContent-Transfer-Encoding: base64\r\n\r\n{body}"
    ));
    let utf16: Vec<u8> = format!("\u{feff}{pem}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    issued.holds_all(utf16);
}

#[test]
fn damage_by_web_forms() {
    let issued = issued();
    let base64 = Base64::encode_string(&issued.p7());
    assert!(base64.contains('+'), "without + this test says nothing");
    let encoded = base64.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    issued.holds_all(&encoded);
    issued.holds_all(encoded.replace("%2B", "%2b"));
    issued.holds_all(base64.replace('/', "%2F"));
    issued.holds_all(base64.replace('+', " "));
    issued.holds_all(wrapped(&base64.replace('+', " "), 64, "\r\n"));
    let pem = issued.p7_pem();
    issued.holds_all(pem.replace("PKCS7", "P K").replace('+', " "));
    issued.holds_all(pem.replace('\n', " "));
    issued.holds_all(pem.replace('+', "%2B").replace('\n', "%0D%0A").replace(' ', "+"));
    issued.holds_all(pem.replace('\n', "%0A").replace(' ', "%20"));
}

#[test]
fn ber_with_indefinite_lengths() {
    let issued = issued();
    issued.openssl.write("content", "anything");
    issued.openssl.run(
        "cms -sign -stream -nodetach -binary -in content -signer leaf.pem -inkey leaf.key -certfile sub.pem \
         -outform DER -out ber.p7b",
    );
    let ber = issued.openssl.read("ber.p7b");
    assert_eq!(ber[..2], [0x30, 0x80], "openssl no longer writes BER");
    let answer = Response::parse(&ber).unwrap();
    assert_eq!(answer.leaf_for(&issued.key), Some(&issued.leaf));
    assert_eq!(answer.certificates().len(), 2);
    assert_eq!(Response::parse(Base64::encode_string(&ber).as_bytes()).unwrap().certificates().len(), 2);
    assert_eq!(refused(&ber[..ber.len() - 1]), Code::AnswerTruncated);
}

#[test]
fn an_odd_certificate_does_not_spoil_the_message() {
    use der::Decode;
    let strictly = |message: &[u8]| {
        let info = cms::content_info::ContentInfo::from_der(message).unwrap();
        info.content.decode_as::<cms::signed_data::SignedData>().map(|_| ())
    };
    let issued = issued();
    let mut message = issued.p7();
    strictly(&message).unwrap();
    // The name in a UniversalString; only the number of its bytes is right.
    let at = message.windows(16).position(|bytes| bytes == b"TARO YAMADA 0001").unwrap();
    message[at - 2] = tlv::UNIVERSAL_STRING;
    let answer = Response::parse(&message).unwrap();
    assert_eq!(answer.leaf_for(&issued.key).unwrap().serial(), issued.leaf.serial());
    assert_eq!(answer.certificates().len(), 3);
    // Should cms take it one day, then our own outline of SignedData can go.
    strictly(&message).unwrap_err();
}

#[test]
fn the_leaf_is_found_by_its_key() {
    let issued = issued();
    let answer = Response::parse(&issued.p7()).unwrap();
    assert_eq!(answer.leaf_for(issued.chain[0].public_key()), Some(&issued.chain[0]));
    let foreign = issued.openssl.key("foreign", "P-256");
    assert_eq!(answer.leaf_for(&foreign), None);
}

#[test]
fn what_is_no_answer_has_its_own_error() {
    let issued = issued();
    issued.openssl.run("pkcs12 -export -in leaf.pem -inkey leaf.key -passout pass:x -out leaf.p12");
    let pfx = issued.openssl.read("leaf.p12");
    assert_eq!(refused(&pfx), Code::AnswerIsPfx);
    assert_eq!(refused(Base64::encode_string(&pfx)), Code::AnswerIsPfx);
    assert_eq!(refused(crate::pki::asn1::pem::encode("CERTIFICATE", &pfx)), Code::AnswerIsPfx);
    // Beside the right certificate it is passed over.
    let beside = Response::parse(&[issued.leaf.der(), &pfx].concat()).unwrap();
    assert_eq!(beside.certificates(), std::slice::from_ref(&issued.leaf));
    assert_eq!(beside.skipped()[0].what, Unusable::Pfx);

    assert_eq!(refused(issued.openssl.read("leaf.csr")), Code::AnswerIsRequest);
    issued.openssl.run_with(&[
        "req",
        "-new",
        "-key",
        "leaf.key",
        "-subj",
        "/",
        "-outform",
        "DER",
        "-out",
        "empty.csr",
    ]);
    assert_eq!(refused(issued.openssl.read("empty.csr")), Code::AnswerIsRequest);

    for empty in ["", " \r\n\t", "\0\0", "\u{feff}"] {
        assert_eq!(refused(empty), Code::AnswerEmpty);
    }
    assert_eq!(refused("<html>500</html>"), Code::AnswerIsWebPage);
    for garbage in ["garbage", "0", "MAA=", "-----BEGIN X-----\n!\n-----END X-----"] {
        assert_eq!(refused(garbage), Code::AnswerUnreadable, "{garbage}");
    }
    assert_eq!(refused([0xff; 100]), Code::AnswerUnreadable);
    assert_eq!(refused([0x30, 0x00]), Code::AnswerUnreadable);
    assert_eq!(refused(issued.openssl.read("leaf.key")), Code::AnswerIsPrivateKey);
}

#[test]
fn cut_off_answers_are_truncated() {
    let issued = issued();
    let (der, p7, pem) = (issued.leaf.der(), issued.p7(), issued.p7_pem());
    for cut in [40, 100, 500] {
        assert_eq!(refused(&der[..der.len() - cut]), Code::AnswerTruncated);
        assert_eq!(refused(&p7[..p7.len() - cut]), Code::AnswerTruncated);
        assert_eq!(refused(&pem[..pem.len() - cut]), Code::AnswerTruncated);
    }
    let base64 = Base64::encode_string(&p7);
    assert_eq!(refused(&base64[..base64.len() / 8 * 4]), Code::AnswerTruncated);
    for cut in [1, der.len() - 3] {
        assert_eq!(refused(&der[..der.len() - cut]), Code::AnswerTruncated);
    }
}

#[test]
fn a_message_without_certificates() {
    let issued = issued();
    issued.openssl.write("content", "anything");
    issued.openssl.run(
        "cms -sign -nocerts -binary -nodetach -in content -signer leaf.pem -inkey leaf.key -outform DER -out none.p7b",
    );
    assert_eq!(refused(issued.openssl.read("none.p7b")), Code::AnswerNoCertificate);
    issued.openssl.run("cms -encrypt -in content -outform DER -out enveloped.der leaf.pem");
    let error = Response::parse(&issued.openssl.read("enveloped.der")).unwrap_err();
    assert_eq!(error.code(), Code::AnswerEncrypted);
    assert_eq!(error.facts().next(), Some((Fact::Found, "S/MIME")));
}

/// A CMC full response as openssl signs it: `status` is the contents of CMCStatusInfo.
fn cmc_response(issued: &Issued, control: der::asn1::ObjectIdentifier, status: &[&[u8]]) -> Vec<u8> {
    let body_list = tlv::encode(tlv::SEQUENCE, &[&[2, 1, 1]]);
    let (number, rest) = status.split_first().unwrap();
    let info = tlv::encode(tlv::SEQUENCE, &[number, &body_list, &rest.concat()]);
    let control = tlv::encode(
        tlv::SEQUENCE,
        &[&[2, 1, 1], &crate::pki::asn1::oid::encode(control), &tlv::encode(tlv::SET, &[&info])],
    );
    let empty = tlv::encode(tlv::SEQUENCE, &[]);
    let response = tlv::encode(tlv::SEQUENCE, &[&tlv::encode(tlv::SEQUENCE, &[&control]), &empty, &empty]);
    issued.openssl.write("response", response);
    issued.openssl.run(
        "cms -sign -econtent_type 1.3.6.1.5.5.7.12.3 -binary -nodetach -in response -signer sub.pem -inkey sub.key \
         -certfile leaf.pem -outform DER -out cmc.der",
    );
    issued.openssl.read("cmc.der")
}

#[test]
fn a_cmc_response_says_whether_it_succeeded() {
    use crate::pki::asn1::oid::{CMC_STATUS_INFO, CMC_STATUS_INFO_V2};
    let issued = issued();
    let text = tlv::encode(tlv::UTF8_STRING, &["発行を拒否しました".as_bytes()]);
    let number = |value: u8| [2, 1, value];
    for control in [CMC_STATUS_INFO, CMC_STATUS_INFO_V2] {
        let success = cmc_response(&issued, control, &[&number(0), &text]);
        let answer = Response::parse(&success).unwrap();
        assert_eq!(answer.leaf_for(&issued.key), Some(&issued.leaf));

        let failed = cmc_response(&issued, control, &[&number(2), &text, &number(2)]);
        let error = Response::parse(&failed).unwrap_err();
        assert_eq!(error.code(), Code::CmcFailed);
        let facts: Vec<_> = error.facts().collect();
        assert_eq!(facts, [(Fact::Found, "failed, badRequest"), (Fact::Detail, "発行を拒否しました")]);

        // A response that is pending names the certificate's issue as yet to come, in other info.
        let again = [&[tlv::GENERALIZED_TIME, 15][..], b"20261201000000Z"].concat();
        let info = tlv::encode(tlv::SEQUENCE, &[&[tlv::OCTET_STRING, 0], &again]);
        let pending = cmc_response(&issued, control, &[&number(3), &text, &info]);
        let error = Response::parse(&pending).unwrap_err();
        assert_eq!(error.code(), Code::ResponsePending);
        assert_eq!(error.code().family() as u8, 10, "not yet");
        let facts: Vec<_> = error.facts().collect();
        let said = (Fact::Detail, "発行を拒否しました");
        assert_eq!(facts, [(Fact::Found, "pending"), said, (Fact::Date, "2026-12-01")]);
    }
    let unknown = cmc_response(&issued, CMC_STATUS_INFO, &[&number(99)]);
    let error = Response::parse(&unknown).unwrap_err();
    assert_eq!(error.facts().next(), Some((Fact::Found, "status 99")));
}

#[test]
fn hostile_texts_cost_little() {
    let hostile: Vec<Vec<u8>> = [
        &[0x30, 0x80][..],
        &[0x24, 0x80],
        &[0x30, 0x00],
        &[0x30, 0x03, 0x02, 0x01, 0x03],
        &[0xff],
        b"-----BEGIN",
        b"-----BEGIN A-----MAA=-----END A-----",
        b"MAA=\n",
        b"M\n\n",
        b"%30",
        b"M%",
        b"MIIB",
        b"MIIBMDAwMDAw\n",
        b"MIQ////wMDAw\n",
        b"\\n\\u0041",
        b"<a<b>&amp;",
        b"&#38;#38;",
        b"=3D3D",
        b"\n>",
        b"From: a\n",
    ]
    .iter()
    .map(|piece| piece.repeat((64 << 10) / piece.len()))
    .collect();
    for bytes in hostile {
        refused(&bytes);
        let (once, twice) = (reader::cost(&bytes), reader::cost(&bytes.repeat(2)));
        assert!(once <= 16 * bytes.len() + (64 << 10), "{:02x?}: {once}", &bytes[..8]);
        assert!(twice <= once * 5 / 2, "{:02x?}: {once}, {twice}", &bytes[..8]);
    }
    assert_eq!(refused(vec![0x30; MAX_RESPONSE + 1]), Code::AnswerTooLarge);
}

#[test]
fn the_number_of_certificates_is_bounded() {
    let openssl = OpenSsl::new();
    let der = openssl.ca("ca").der().to_vec();
    let at = der.windows(2).position(|bytes| bytes == b"ca").unwrap();
    let many = |count: usize| -> Vec<u8> {
        let numbered = (0..count).map(|number| {
            let mut der = der.clone();
            der[at..at + 2].copy_from_slice(&[b'A' + (number / 26) as u8, b'A' + (number % 26) as u8]);
            der
        });
        numbered.collect::<Vec<_>>().concat()
    };
    assert_eq!(Response::parse(&many(MAX_CERTIFICATES)).unwrap().certificates().len(), MAX_CERTIFICATES);
    let more = Response::parse(&many(MAX_CERTIFICATES + 1)).unwrap();
    assert_eq!(more.certificates().len(), MAX_CERTIFICATES);
    assert_eq!(more.skipped()[0].what, Unusable::Surplus);
}

#[test]
fn a_broken_certificate_is_named_as_such() {
    let issued = issued();
    let mut der = issued.leaf.der().to_vec();
    // The month of notBefore.
    let at = der.windows(2).position(|bytes| bytes == [tlv::UTC_TIME, 13]).unwrap();
    der[at + 4] = b'9';
    assert_eq!(refused(&der), Code::CertificateUnreadable);
}
