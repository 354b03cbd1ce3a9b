//! What people really save and forward: the right certificate with something around it, beside it or instead of it.

use base64ct::{Base64, Encoding};

use super::*;

pub(super) fn base64(bytes: impl AsRef<[u8]>) -> String {
    Base64::encode_string(bytes.as_ref())
}

impl Issued {
    /// The leaf comes out, and nothing of it is noted as lost.
    #[track_caller]
    pub(super) fn yields_leaf(&self, response: impl AsRef<[u8]>) -> Response {
        let response = Response::parse(response.as_ref()).unwrap();
        assert_eq!(response.leaf_for(&self.key), Some(&self.leaf));
        let lost: Vec<_> = response.skipped().iter().filter(|skipped| skipped.is_loss()).collect();
        assert!(lost.is_empty(), "{lost:?}");
        response
    }
}

#[test]
fn words_that_look_like_the_wrapping() {
    let issued = issued();
    let pem = issued.leaf.to_pem();
    let body = wrapped(&base64(issued.leaf.der()), 64, "\n");
    let marks = "Copy from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE----- into a file.";
    for text in [
        format!("{marks}\n\n{pem}"),
        format!("{pem}\n{marks}\n"),
        format!("「-----BEGIN CERTIFICATE-----」から\n{pem}"),
        format!("Dear customer,\n\n{body}Regards\n"),
        format!("{body}END\n"),
        format!("Message\n{body}"),
        format!("MIME\n{body}"),
        format!("MIIB is how it begins\n{body}"),
        format!("{pem}\n-----BEGIN CERTIFICATE-----\n"),
        format!("-----BEGIN MESSAGE-----\nHello, Example Co\n-----END MESSAGE-----\n{pem}"),
        format!(
            "-----BEGIN OPENSSH PRIVATE KEY-----\n{}\n-----END OPENSSH PRIVATE KEY-----\n{pem}",
            base64([7; 96])
        ),
        format!(
            "-----BEGIN PGP SIGNATURE-----\n\n{}\n=AbCd\n-----END PGP SIGNATURE-----\n{pem}",
            base64([9; 96])
        ),
        pem.lines().map(|line| format!("> {line}\n")).collect(),
        pem.lines().map(|line| format!("> >| {line}\r\n")).collect(),
        pem.lines().map(|line| format!("    {line}  \n\n")).collect(),
        pem.replace('\n', "\u{200b}\n\u{a0}"),
    ] {
        issued.yields_leaf(text);
    }
}

#[test]
fn the_leaf_stands_anywhere() {
    let issued = issued();
    let [sub, root] = [&issued.chain[0], &issued.chain[1]].map(|ca| wrapped(&base64(ca.der()), 76, "\r\n"));
    let leaf = wrapped(&base64(issued.leaf.der()), 60, "\n");
    issued.holds_all(format!("Chain:\n{sub}\n{root}\n\nYours\n{leaf}Regards"));
    // Encoded together, they part in the middle of four letters.
    let together = [issued.chain[0].der(), issued.leaf.der(), issued.chain[1].der()].concat();
    issued.holds_all(wrapped(&base64(together), 76, "\n"));
    // Without padding and without a line between.
    let unpadded: String =
        [&sub, &root, &leaf].map(|text| text.trim_end().trim_end_matches('=').to_owned() + "\n").concat();
    issued.holds_all(unpadded);
}

#[test]
fn web_pages_and_data() {
    let issued = issued();
    let (pem, line) = (issued.leaf.to_pem(), base64(issued.leaf.der()));
    let escaped = pem.replace('\n', "\\n");
    let columns = |end: &str| wrapped(&line, 76, end);
    for text in [
        format!("{{\"certificate\":\"{escaped}\"}}"),
        format!(
            "{{\"success\":true,\"result\":{{\"certificate\":\"{}\"}},\"errors\":[]}}",
            escaped.replace('/', "\\/")
        ),
        format!("{{\"c\":\"{}\"}}", escaped.replace('+', "\\u002b")),
        format!("{{\"certificate\":\"{line}\",\"format\":\"DER\"}}"),
        format!("\"{{\\\"c\\\":\\\"{}\\\"}}\"", pem.replace('\n', "\\\\n")),
        escaped,
        pem.replace('\n', "<br>\n"),
        pem.replace('\n', "<br/>"),
        format!("<html><body><pre>{pem}</pre></body></html>"),
        format!("<p>{}</p>", columns("<wbr>")),
        pem.replace('+', "&#43;").replace('/', "&#x2F;").replace('=', "&#61;"),
        pem.replace('+', "&amp;plus;"),
        format!("<textarea name='c'>{}</textarea>", pem.replace('\n', "&#10;")),
        format!("<input value=\"{}\">", line.replace('+', "&#43;")),
        format!("<C>{}</C>", columns("&#13;\n")),
        format!("<C>{line}</C>"),
        format!("<C><![CDATA[{pem}]]></C>"),
        format!("no,name,certificate\r\n1,user 1,\"{line}\"\r\n"),
        format!("no;name;certificate\r\n1;user 1;\"{pem}\"\r\n"),
        format!("dn: cn=user\nuserCertificate;binary:: {}", columns("\n ")),
        // The code of a page, bullets and numbers before each line.
        wrapped(&line, 64, "\" & vbNewLine\nsPKCS7 = sPKCS7 & \""),
        wrapped(&line, 64, "\\n' +\n  '"),
        pem.lines().zip(1..).map(|(line, number)| format!("{number:>2}: {line}\n")).collect(),
        pem.lines().map(|line| format!("* {line}\n")).collect(),
        format!("{{\\rtf1 {}}}", pem.replace('\n', "\\par\n")),
        base64(&pem),
        wrapped(&base64(&pem), 76, "\n"),
        base64(format!("<p>{}</p>", pem.replace('+', "&#43;"))),
    ] {
        issued.yields_leaf(text);
    }
}

#[test]
fn sixteen_bits_without_a_mark() {
    let issued = issued();
    let units: Vec<u16> = issued.leaf.to_pem().encode_utf16().collect();
    issued.yields_leaf(units.iter().flat_map(|unit| unit.to_le_bytes()).collect::<Vec<u8>>());
    issued.yields_leaf(units.iter().flat_map(|unit| unit.to_be_bytes()).collect::<Vec<u8>>());
    let words = "電子証明書をお送りします。".repeat(20);
    let after_words = words.encode_utf16().chain(units).flat_map(u16::to_le_bytes);
    issued.yields_leaf(after_words.collect::<Vec<u8>>());
}

const HEADER: &str = "From: ca@example.jp\r\nTo: you@example.jp\r\nSubject: =?utf-8?B?6Zu75a2Q6Ki85piO5pu4?=\r\nMIME-Version: 1.0\r\n";

fn multipart(parts: &[String]) -> String {
    let parts: String = parts.iter().map(|part| format!("--b\r\n{part}\r\n")).collect();
    format!("{HEADER}Content-Type: multipart/mixed; boundary=b\r\n\r\n{parts}--b--\r\n")
}

#[test]
fn mails() {
    let issued = issued();
    let (pem, der) = (issued.leaf.to_pem(), issued.leaf.der());
    let quoted = |text: &str| text.replace('=', "=3D").replace('\n', "\r\n");
    let words = "Content-Type: text/plain; charset=iso-2022-jp\r\n\r\n\u{1b}$B>ZL@=q\u{1b}(B\r\n".to_owned();
    let attached = |kind: &str, bytes: &[u8]| {
        let body = wrapped(&base64(bytes), 76, "\r\n");
        format!("Content-Type: {kind}; name=\"a\"\r\nContent-Transfer-Encoding: base64\r\n\r\n{body}")
    };
    let mail = multipart(&[words.clone(), attached("application/pkix-cert", der)]);
    let soft: String = wrapped(&base64(der), 70, "=\r\n");
    for text in [
        mail.clone(),
        multipart(&[words.clone(), attached("application/octet-stream", pem.as_bytes())]),
        multipart(&[words.clone(), attached("application/pkcs7-mime", &issued.p7())]),
        multipart(&[
            words.clone(),
            format!("Content-Transfer-Encoding: quoted-printable\r\n\r\n{}", quoted(&pem)),
        ]),
        multipart(&[words.clone(), format!("Content-Type: message/rfc822\r\n\r\n{mail}")]),
        multipart(&[words.clone(), attached("application/pdf", b"%PDF-1.7 ..."), attached("x/y", der)]),
        format!("{HEADER}\r\n{pem}"),
        format!("From ca@example.jp Thu Nov 26 10:00:00 2026\r\n{mail}"),
        format!("HTTP/1.1 200 OK\r\nContent-Type: application/x-pem-file\r\n\r\n{pem}"),
        // Saved as text, without the header that says how it is encoded.
        quoted(&pem),
        quoted(&soft),
        pem.replace('+', "=2B").replace('=', "=3D"),
    ] {
        issued.yields_leaf(text);
    }
    issued.yields_leaf([b"HTTP/1.1 200 OK\r\nContent-Type: application/pkix-cert\r\n\r\n", der].concat());
    let utf16: Vec<u8> = pem.encode_utf16().flat_map(u16::to_le_bytes).collect();
    issued.yields_leaf(multipart(&[attached("text/plain; charset=utf-16le", &utf16)]));
    let nested = (0..7)
        .fold(mail.clone(), |mail, _| multipart(&[format!("Content-Type: message/rfc822\r\n\r\n{mail}")]));
    issued.yields_leaf(nested);
    let deep =
        (0..50).fold("x".to_owned(), |mail, _| format!("{HEADER}Content-Type: message/rfc822\r\n\r\n{mail}"));
    assert_eq!(refused(deep), Code::AnswerIsMail);
    // A signed mail, opaque: the mail is what was signed.
    issued.openssl.write("mail", &mail);
    issued.openssl.run(
        "cms -sign -binary -nodetach -in mail -signer sub.pem -inkey sub.key -outform DER -out mail.p7m",
    );
    issued.yields_leaf(issued.openssl.read("mail.p7m"));
    let cost = reader::cost(mail.as_bytes());
    assert!(cost < 8 * mail.len(), "{cost} for {}", mail.len());
}

#[test]
fn one_odd_companion_spoils_nothing() {
    let issued = issued();
    let mut odd = issued.chain[0].der().to_vec();
    // The month of notBefore.
    let at = odd.windows(2).position(|bytes| bytes == [crate::pki::asn1::tlv::UTC_TIME, 13]).unwrap();
    odd[at + 4] = b'9';
    let p7 = issued.p7();
    let at = p7.windows(16).position(|bytes| bytes == &issued.chain[0].der()[..16]).unwrap();
    let in_message = [&p7[..at], &odd, &p7[at + odd.len()..]].concat();
    let pem = |der: &[u8]| crate::pki::asn1::pem::encode("CERTIFICATE", der);
    for bytes in [
        in_message,
        [&odd, issued.leaf.der()].concat(),
        format!("{}{}", pem(&odd), issued.leaf.to_pem()).into_bytes(),
        format!("{}{}", issued.leaf.to_pem(), pem(&odd)).into_bytes(),
    ] {
        let response = Response::parse(&bytes).unwrap();
        assert_eq!(response.leaf_for(&issued.key), Some(&issued.leaf));
        let [skipped] = response.skipped() else { panic!("{:?}", response.skipped()) };
        assert_eq!((&skipped.what, skipped.size), (&Unusable::Certificate, odd.len()));
        assert!(skipped.is_loss());
    }
    // One that is cut off, and the whole one.
    let cut = &pem(issued.chain[1].der())[..400];
    let response = Response::parse(format!("{cut}\n{}", issued.leaf.to_pem()).as_bytes()).unwrap();
    assert_eq!(response.leaf_for(&issued.key), Some(&issued.leaf));
    assert!(response.skipped().iter().any(|skipped| skipped.what == Unusable::CutOff), "{response:?}");
}

#[test]
fn each_thing_is_called_what_it_is() {
    let issued = issued();
    let openssl = &issued.openssl;
    openssl.write("index", "");
    openssl.write("number", "01");
    openssl.write(
        "ca.cnf",
        "[ca]\ndefault_ca=d\n[d]\ndatabase=index\ncrlnumber=number\ndefault_md=sha256\ndefault_crl_days=30\n",
    );
    openssl.run("ca -config ca.cnf -gencrl -cert root.pem -keyfile root.key -out crl.pem");
    openssl.run("crl -in crl.pem -outform DER -out crl.der");
    openssl.run("ec -in leaf.key -out ec.key");
    openssl.run("pkey -in leaf.key -aes256 -passout pass:x -out locked.key");
    openssl.run("pkey -in leaf.key -pubout -out public.pem");
    openssl.run("genrsa -traditional -out rsa.key 2048");
    openssl.run("genrsa -traditional -aes128 -passout pass:x -out old.key 2048");
    openssl.write("content", "anything");
    openssl.run("cms -encrypt -in content -out enveloped.eml leaf.pem");
    let der = issued.leaf.der();
    let hex: String = der.iter().map(|byte| format!("{byte:02x}")).collect();
    let colons: String = der.iter().map(|byte| format!("{byte:02X}:")).collect();
    let url: String = base64(der).replace('+', "-").replace('/', "_");
    let both_letters = url.replacen(['-', '_'], "-_", 1);
    let mail_without =
        multipart(&["Content-Type: text/plain\r\n\r\nYour certificate is attached.".to_owned()]);
    let rows: Vec<(&str, Vec<u8>, Code)> = vec![
        ("CRL", openssl.read("crl.pem"), Code::AnswerIsCrl),
        ("CRL", openssl.read("crl.der"), Code::AnswerIsCrl),
        ("PKCS#8", openssl.read("leaf.key"), Code::AnswerIsPrivateKey),
        ("EC", openssl.read("ec.key"), Code::AnswerIsPrivateKey),
        ("PKCS#8", openssl.read("locked.key"), Code::AnswerIsPrivateKey),
        ("PKCS#1", openssl.read("rsa.key"), Code::AnswerIsPrivateKey),
        ("PEM", openssl.read("old.key"), Code::AnswerIsPrivateKey),
        ("SubjectPublicKeyInfo", openssl.read("public.pem"), Code::AnswerIsPublicKey),
        ("PKCS#10", openssl.read("leaf.csr"), Code::AnswerIsRequest),
        ("S/MIME", openssl.read("enveloped.eml"), Code::AnswerEncrypted),
        (
            "PGP",
            b"-----BEGIN PGP MESSAGE-----\n\nhQEMA\n-----END PGP MESSAGE-----\n".to_vec(),
            Code::AnswerEncrypted,
        ),
        ("ZIP", b"PK\x03\x04\x14\0\0\0\x08\0".to_vec(), Code::AnswerIsArchive),
        ("gzip", b"\x1f\x8b\x08\0\0\0\0\0".to_vec(), Code::AnswerIsArchive),
        (
            "ZIP",
            base64(b"PK\x03\x04\x14\0\0\0\x08\0aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa").into(),
            Code::AnswerIsArchive,
        ),
        ("PDF", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n".to_vec(), Code::AnswerIsDocument),
        ("PNG", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec(), Code::AnswerIsDocument),
        (
            "HTML",
            b"<html><head><title>Error</title></head><body>Denied</body></html>".to_vec(),
            Code::AnswerIsWebPage,
        ),
        ("MIME", mail_without.into_bytes(), Code::AnswerIsMail),
        ("hexadecimal", hex.into_bytes(), Code::AnswerFormUnsupported),
        ("hexadecimal", colons.into_bytes(), Code::AnswerFormUnsupported),
        ("base64url", url.into_bytes(), Code::AnswerFormUnsupported),
        ("base64url", both_letters.into_bytes(), Code::AnswerFormUnsupported),
        (
            "hexadecimal",
            format!("0x{}", base16ct::lower::encode_string(der)).into(),
            Code::AnswerFormUnsupported,
        ),
        (
            "hexadecimal",
            b"00000000: 3082 02a0 3082 0188 a003 0201 0202 0f3f  0...0...\n".to_vec(),
            Code::AnswerFormUnsupported,
        ),
        (
            "hexadecimal",
            b"char c[] = {\n0x30, 0x82, 0x02, 0xa0, 0x30, 0x82, 0x01, 0x88,\n".to_vec(),
            Code::AnswerFormUnsupported,
        ),
        ("uuencode", b"begin 644 cert.cer\nM,(\"!\"<\nend\n".to_vec(), Code::AnswerFormUnsupported),
        ("text", "ただいまサービスを停止しています".into(), Code::AnswerUnreadable),
        ("text", b"HTTP/1.1 202 Accepted\r\nDate: x\r\n\r\n".to_vec(), Code::AnswerUnreadable),
        (
            "HTML",
            b"HTTP/1.1 403 Forbidden\r\nContent-Type: text/html\r\n\r\n<html><body>no</body></html>".to_vec(),
            Code::AnswerIsWebPage,
        ),
        (
            "OpenSSH",
            b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKkx user@host\n".to_vec(),
            Code::AnswerIsPublicKey,
        ),
        (
            "text",
            encoding_rs::SHIFT_JIS.encode("ただいまサービスを停止しています").0.into(),
            Code::AnswerUnreadable,
        ),
        ("binary", (0..=255).cycle().take(999).collect(), Code::AnswerUnreadable),
    ];
    for (name, bytes, code) in rows {
        let error = Response::parse(&bytes).unwrap_err();
        assert_eq!(error.code(), code, "{name}: {error}");
        assert_eq!(error.facts().find(|(fact, _)| *fact == Fact::Found).map(|(_, value)| value), Some(name));
        assert!(error.facts().any(|(fact, _)| fact == Fact::Size), "{error}");
    }
    let page = "<html><head><title>Certificate Services</title><style>b{}</style></head>\n<body>Denied by Policy Module</body></html>";
    let error = Response::parse(page.as_bytes()).unwrap_err();
    assert!(
        error.facts().any(|fact| fact == (Fact::FirstLine, "Certificate Services Denied by Policy Module")),
        "{error}"
    );
    for encoding in
        [encoding_rs::SHIFT_JIS, encoding_rs::EUC_JP, encoding_rs::ISO_2022_JP, encoding_rs::UTF_8]
    {
        let page = "<html><title>エラー</title>\n<p>受付時間は8時から22時です。";
        let error = Response::parse(&encoding.encode(page).0).unwrap_err();
        let words = "エラー 受付時間は8時から22時です。";
        assert!(error.facts().any(|fact| fact == (Fact::FirstLine, words)), "{}: {error}", encoding.name());
    }
    // Nothing of a key is shown.
    let error = Response::parse(&openssl.read("old.key")).unwrap_err();
    assert!(!error.facts().any(|(fact, _)| fact == Fact::FirstLine), "{error}");
}

#[test]
fn of_several_for_a_key_the_likeliest_comes_first() {
    let issued = issued();
    let openssl = &issued.openssl;
    let leaf = |days: u32| {
        openssl.issue("leaf", "sub", "/CN=other", crate::pki::openssl::LEAF, &format!("-days {days}"))
    };
    let (short, long) = (leaf(10), leaf(800));
    let authority =
        openssl.issue("leaf", "sub", "/CN=ca", "basicConstraints=critical,CA:TRUE\n", "-days 3000");
    for order in [[&short, &long, &authority], [&authority, &long, &short], [&long, &authority, &short]] {
        let bytes: Vec<u8> = order.iter().flat_map(|certificate| certificate.der().to_vec()).collect();
        let response = Response::parse(&bytes).unwrap();
        assert_eq!(response.leaves_for(&issued.key), [&long, &short, &authority]);
    }
}

#[test]
fn a_cert_rep_says_what_it_is() {
    // SignedData with the attributes messageType 3 and pkiStatus in its only signer.
    use crate::pki::asn1::{oid, tlv};
    let sequence = |parts: &[&[u8]]| tlv::encode(tlv::SEQUENCE, parts);
    let attribute = |kind, value: &str| {
        let value = tlv::encode(tlv::SET, &[&tlv::encode(tlv::PRINTABLE_STRING, &[value.as_bytes()])]);
        sequence(&[&oid::encode(kind), &value])
    };
    let cert_rep = |status: &str| {
        let attributes = [
            attribute(oid::SCEP_MESSAGE_TYPE, "3"),
            attribute(oid::SCEP_PKI_STATUS, status),
            attribute(oid::SCEP_FAIL_INFO, "2"),
        ];
        let attributes: Vec<&[u8]> = attributes.iter().map(Vec::as_slice).collect();
        let signer = sequence(&[
            &[2, 1, 1],
            &sequence(&[]),
            &sequence(&[]),
            &tlv::encode(tlv::context(0), &attributes),
        ]);
        let content = sequence(&[&oid::encode(oid::ID_DATA)]);
        let data = sequence(&[
            &[2, 1, 1],
            &tlv::encode(tlv::SET, &[]),
            &content,
            &tlv::encode(tlv::SET, &[&signer]),
        ]);
        sequence(&[&oid::encode(oid::ID_SIGNED_DATA), &tlv::encode(tlv::context(0), &[&data])])
    };
    assert_eq!(refused(cert_rep("0")), Code::AnswerIsCertRep);
    assert_eq!(refused(cert_rep("3")), Code::ResponsePending);
    let error = Response::parse(&cert_rep("2")).unwrap_err();
    assert_eq!(
        (error.code(), error.facts().next()),
        (Code::CmcFailed, Some((Fact::Found, "SCEP FAILURE badRequest")))
    );
}
