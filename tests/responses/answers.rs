//! Requests as CAs and other programs read them, and answers in the forms in which CAs send them, all the way to the
//! token and through the command.

#[path = "../common/mod.rs"]
mod common;

use std::io::Write;
use std::process::{Command, Stdio};

use common::{Bank, install, policy, refused, run};
use usbtoken::bank::KeyRule;
use usbtoken::bank::RequestForm;
use usbtoken::error::Notice;
use usbtoken::pki::MAX_RESPONSE;
use usbtoken::{Code, Renewal};
use usbtoken_testkit::{Form, Kind, ParsedRequest, SoftKey, days_from_now};

#[test]
fn every_form_of_answer_reaches_the_token() {
    type Shape = fn(&Bank, &[u8]) -> Vec<u8>;
    let shapes: [(&str, Shape); 13] = [
        ("der", |bank, leaf| bank.ca.answer(Form::Der, leaf)),
        ("pem", |bank, leaf| bank.ca.answer(Form::Pem, leaf)),
        ("bundle", |bank, leaf| bank.ca.answer(Form::Bundle, leaf)),
        ("pkcs7", |bank, leaf| bank.ca.answer(Form::P7, leaf)),
        ("pkcs7 pem", |bank, leaf| bank.ca.answer(Form::P7Pem, leaf)),
        ("pkcs7 base64", |bank, leaf| bank.ca.answer(Form::P7Base64, leaf)),
        ("pkcs7 under BEGIN CERTIFICATE", |bank, leaf| {
            text(&bank.ca.answer(Form::P7Pem, leaf)).replace("PKCS7", "CERTIFICATE").into_bytes()
        }),
        ("base64 in one line", |bank, leaf| {
            text(&bank.ca.answer(Form::P7Base64, leaf)).split_whitespace().collect::<String>().into_bytes()
        }),
        ("byte order mark and CRLF", |bank, leaf| {
            let pem = text(&bank.ca.answer(Form::Pem, leaf)).replace('\n', "\r\n");
            format!("\u{feff}{pem}").into_bytes()
        }),
        ("after words", |bank, leaf| {
            let pem = text(&bank.ca.answer(Form::P7Pem, leaf));
            format!("Your certificate is ready.\nKeep it safe.\n\n{pem}\n-- \nThe CA\n").into_bytes()
        }),
        ("URL-encoded", |bank, leaf| {
            let base64: String = text(&bank.ca.answer(Form::P7Base64, leaf)).split_whitespace().collect();
            base64.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D").into_bytes()
        }),
        ("BER of indefinite length", |bank, leaf| indefinite(bank, leaf)),
        ("CMC full response", |bank, leaf| cmc(0, &[bank.ca.root(), leaf, bank.ca.issuing()])),
    ];
    let bank = Bank::new();
    for (what, shape) in shapes {
        let (session, old) = bank.open();
        let pending = Renewal::of(&old).begin(&session, &run()).unwrap();
        let leaf = bank.certify(&pending);
        let answer = shape(&bank, &leaf);
        let installed = install(&session, &answer).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(installed.credential.certificate().der(), leaf, "{what}");
        bank.assert_old_works();
        bank.assert_one_new_credential();
        let id = installed.credential.id().to_vec();
        drop(session);
        bank.soft.inspect(|inspector| inspector.destroy(&id));
        bank.soft.snapshot().assert_same_as(&bank.before);
    }
}

/// The same PKCS#7 as openssl writes it in a stream: constructed, indefinite lengths.
fn indefinite(bank: &Bank, leaf: &[u8]) -> Vec<u8> {
    let der = bank.ca.answer(Form::P7, leaf);
    // ContentInfo, [0] and SignedData open; the innermost is taken over as it stands.
    let (oid, explicit) = children(&der).split_at(11);
    let signed = children(explicit);
    let inner = children(signed);
    let mut ber = vec![0x30, 0x80];
    ber.extend(oid);
    ber.extend([0xa0, 0x80, 0x30, 0x80]);
    ber.extend(inner);
    ber.extend([0; 6]);
    ber
}

/// The contents of the first element.
fn children(element: &[u8]) -> &[u8] {
    let (length, start) = match element[1] {
        short @ 0..0x80 => (usize::from(short), 2),
        long => {
            let count = usize::from(long & 0x7f);
            let bytes = &element[2..2 + count];
            (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), 2 + count)
        }
    };
    &element[start..start + length]
}

#[test]
fn what_is_no_answer_changes_nothing() {
    let bank = Bank::new();
    let (session, old) = bank.open();
    let pending = Renewal::of(&old).begin(&session, &run()).unwrap();
    let waiting = bank.soft.snapshot();
    let leaf = bank.certify(&pending);
    let p7 = bank.ca.answer(Form::P7, &leaf);
    let rows: Vec<(&str, Vec<u8>, Code)> = vec![
        ("nothing", Vec::new(), Code::AnswerEmpty),
        ("blanks", b" \r\n\t\n".to_vec(), Code::AnswerEmpty),
        ("words", b"Service temporarily unavailable".to_vec(), Code::AnswerUnreadable),
        ("a page", b"<html><body>Error 500</body></html>".to_vec(), Code::AnswerIsWebPage),
        ("half a message", p7[..p7.len() / 2].to_vec(), Code::AnswerTruncated),
        ("the request", pending.request().to_pem().into_bytes(), Code::AnswerIsRequest),
        ("only CAs", bank.ca.answer_without_leaf(Form::P7), Code::AnswerNoLeaf),
        ("too much", vec![b'A'; MAX_RESPONSE + 1], Code::AnswerTooLarge),
        ("a key in PKCS#12", pfx(&bank, &leaf), Code::AnswerIsPfx),
        ("the same in base64", base64(&pfx(&bank, &leaf)), Code::AnswerIsPfx),
        ("a refusal in CMC", cmc(2, &[]), Code::CmcFailed),
    ];
    for (what, answer, code) in rows {
        let error = install(&session, &answer).map(|_| ()).unwrap_err();
        assert_eq!(error.code(), code, "{what}: {error}");
        bank.soft.snapshot().assert_same_as(&waiting);
    }
    drop(session);
    bank.write("answer.p12", &pfx(&bank, &leaf));
    let error = bank.run(&["install", "answer.p12"]).failed(Code::AnswerIsPfx);
    assert!(error["sentence"].as_str().is_some_and(|sentence| sentence.contains("key")), "{error:#}");
    bank.soft.snapshot().assert_same_as(&waiting);
    // And after all that the right one is taken.
    bank.write("answer.p7", &p7);
    bank.run(&["install", "answer.p7"]).json();
    bank.assert_old_works();
    bank.assert_one_new_credential();
}

/// The order in which certificates stand says nothing: what passes the checks is taken, and of several what ends last.
#[test]
fn of_several_certificates_for_the_key_the_best_is_installed() {
    let bank = Bank::new();
    for order in [[0, 1, 2], [2, 1, 0], [1, 0, 2]] {
        let (session, old) = bank.open();
        let pending = Renewal::of(&old).begin(&session, &run()).unwrap();
        let ends_in = |days| bank.ca.issue_for(pending.request().to_der()).not_after(days_from_now(days));
        let leaves = [ends_in(300).der(), ends_in(400).der(), ends_in(900).server_only().der()];
        let response = order.map(|at| leaves[at].clone()).concat();
        let installed = install(&session, &response).unwrap();
        assert_eq!(installed.credential.certificate().der(), leaves[1], "{order:?}");
        bank.assert_old_works();
        let id = installed.credential.id().to_vec();
        drop(session);
        bank.soft.inspect(|inspector| inspector.destroy(&id));
        bank.soft.snapshot().assert_same_as(&bank.before);
    }
}

#[test]
fn when_none_of_several_passes_nothing_is_written() {
    let bank = Bank::new();
    let (session, old) = bank.open();
    let pending = Renewal::of(&old).begin(&session, &run()).unwrap();
    let waiting = bank.soft.snapshot();
    let issue = |days| bank.ca.issue_for(pending.request().to_der()).not_after(days_from_now(days));
    let response = [issue(300).server_only().der(), issue(5).der()].concat();
    refused(install(&session, &response), Code::PurposeMissing);
    bank.soft.snapshot().assert_same_as(&waiting);
}

/// The certificate is taken; that something beside it is lost is said.
#[test]
fn an_unreadable_companion_is_a_notice() {
    let bank = Bank::new();
    let (session, old) = bank.open();
    let pending = Renewal::of(&old).begin(&session, &run()).unwrap();
    let leaf = bank.certify(&pending);
    let response = [pem(&bank.ca.issuing()[..400]), pem(&leaf)].concat();
    let installed = install(&session, response.as_bytes()).unwrap();
    assert_eq!(installed.credential.certificate().der(), leaf);
    let notices = installed.notices;
    assert!(notices.iter().any(|notice| *notice == Notice::ResponsePartlyUsed), "{notices:?}");
}

/// A chain that is whole, and a leaf that is not: the leaf is what has to come again.
#[test]
fn what_stands_in_the_place_of_the_leaf_is_reported_beside_its_chain() {
    let bank = Bank::new();
    let (session, old) = bank.open();
    let pending = Renewal::of(&old).begin(&session, &run()).unwrap();
    let waiting = bank.soft.snapshot();
    let leaf = bank.certify(&pending);
    let response = [pem(bank.ca.issuing()), pem(&leaf[..leaf.len() - 60])].concat();
    refused(install(&session, response.as_bytes()), Code::AnswerTruncated);
    // The CA that has not decided yet sends its own certificate too.
    let later = [pem(bank.ca.issuing()), pem(&cmc(3, &[]))].concat();
    refused(install(&session, later.as_bytes()), Code::ResponsePending);
    // A signed mail brings its signer's certificate, and ours in an archive.
    let zip = [b"PK\x03\x04\x14\0\0\0\x08\0".as_slice(), &[7; 60]].concat();
    let archive = format!("{}\n{}", pem(bank.ca.issuing()), text(&base64(&zip)));
    refused(install(&session, archive.as_bytes()), Code::AnswerIsArchive);
    bank.soft.snapshot().assert_same_as(&waiting);
}

fn pem(der: &[u8]) -> String {
    format!("-----BEGIN CERTIFICATE-----\n{}-----END CERTIFICATE-----\n", text(&base64(der)))
}

/// A hostile response of the largest size is refused; how little is examined is counted in the unit tests.
#[test]
fn the_largest_responses_change_nothing() {
    let bank = Bank::new();
    let (session, old) = bank.open();
    Renewal::of(&old).begin(&session, &run()).unwrap();
    let waiting = bank.soft.snapshot();
    let nested = [0x30, 0x80].repeat(MAX_RESPONSE / 2);
    let endless = b"-----BEGIN CERTIFICATE-----\n".repeat(MAX_RESPONSE / 28);
    let blank = [vec![0x30, 0x84, 0xff, 0xff, 0xff, 0xff], vec![0; MAX_RESPONSE - 6]].concat();
    for response in [nested, endless, blank, b"MIIB".repeat(MAX_RESPONSE / 4)] {
        assert!(install(&session, &response).is_err());
        bank.soft.snapshot().assert_same_as(&waiting);
    }
}

#[test]
fn a_plain_request_parses_in_openssl_and_verifies() {
    for kind in [Kind::P256, Kind::Rsa2048] {
        let bank = Bank::of(kind, days_from_now(11));
        bank.run(&["request", "--out", "request.pem"]).json();
        let verified = bank.tool("openssl", &["req", "-in", "request.pem", "-noout", "-verify", "-subject"]);
        assert_eq!(verified.exit, 0, "{verified:?}");
        let said = format!("{}{}", verified.stdout, verified.stderr);
        assert!(said.contains("verify OK") && said.contains("BizSOL"), "{said}");
        let request = ParsedRequest::parse(&bank.read("request.pem")).unwrap();
        assert_eq!(request.subject, bank.old.subject, "byte for byte");
    }
}

/// CMS SignedData by the old key over the request, as Microsoft CAs take it.
#[test]
fn a_renewal_request_by_the_old_key_verifies_in_openssl() {
    for kind in [Kind::P256, Kind::Rsa2048] {
        let bank = Bank::of(kind, days_from_now(11));
        let out = ["request", "--form", "cms", "--format", "der", "--out", "request.cms"];
        bank.run(&out).json();
        bank.write("chain.pem", &bank.ca.answer(Form::Bundle, bank.ca.root()));
        bank.write("old.pem", &bank.ca.answer(Form::Pem, &bank.old.certificate));
        let verify = ["cms", "-verify", "-inform", "DER", "-in", "request.cms", "-purpose", "any"];
        let against = ["-CAfile", "chain.pem"];
        let outputs = ["-binary", "-out", "content.der", "-signer", "signer.pem"];
        let said = bank.tool("openssl", &[&verify[..], &against, &outputs].concat());
        assert_eq!(said.exit, 0, "{said:?}");
        // The signer is the old certificate, which came along; the content is the request for the new key.
        assert_eq!(text(&bank.read("signer.pem")), text(&bank.read("old.pem")));
        let content = bank.read("content.der");
        let request = ParsedRequest::parse(&content).unwrap();
        assert_eq!(request.subject, bank.old.subject);
        assert_ne!(request.spki, bank.old.spki);
        let shown = bank
            .tool("openssl", &["req", "-inform", "DER", "-in", "content.der", "-noout", "-text", "-verify"]);
        assert_eq!(shown.exit, 0, "{shown:?}");
        assert!(shown.stdout.contains("1.3.6.1.4.1.311.13.1"), "{}", shown.stdout);
        let old = content.windows(bank.old.certificate.len()).any(|bytes| bytes == bank.old.certificate);
        assert!(old, "the attribute holds the old certificate");

        // One bit of the signature is enough to be refused.
        let mut broken = bank.read("request.cms");
        let last = broken.len() - 1;
        broken[last] ^= 1;
        bank.write("request.cms", &broken);
        assert_ne!(bank.tool("openssl", &[&verify[..], &against, &outputs].concat()).exit, 0);

        bank.assert_old_works();
        bank.write("answer.der", &bank.ca.issue_for(&content).der());
        bank.run(&["install", "answer.der"]).json();
        bank.assert_one_new_credential();
    }
}

#[test]
fn a_first_request_has_no_old_key_to_sign_it() {
    let bank = Bank::new();
    let session = bank.session();
    let first = Renewal::first("CN=Yamada".parse().unwrap())
        .policy(&policy(|p| p.key = KeyRule::Kind(usbtoken::pki::KeyKind::P256)));
    refused(first.form(RequestForm::SignedByOldKey).begin(&session, &run()), Code::BadArgument);
    bank.soft.snapshot().assert_same_as(&bank.before);
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn base64(bytes: &[u8]) -> Vec<u8> {
    let mut command = Command::new("openssl");
    let mut child =
        command.arg("base64").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("openssl");
    child.stdin.take().unwrap().write_all(bytes).unwrap();
    child.wait_with_output().unwrap().stdout
}

/// A certificate with a private key, as some pages send it.
fn pfx(bank: &Bank, leaf: &[u8]) -> Vec<u8> {
    let key = SoftKey::generate(Kind::P256);
    let certificate = bank.ca.issue(&bank.old.subject, &key.spki()).der();
    assert_ne!(certificate, leaf);
    bank.write("pfx.key", key.to_pem().as_bytes());
    bank.write("pfx.pem", &bank.ca.answer(Form::Pem, &certificate));
    let arguments =
        ["pkcs12", "-export", "-inkey", "pfx.key", "-in", "pfx.pem", "-passout", "pass:x", "-out", "pfx"];
    let made = bank.tool("openssl", &arguments);
    assert_eq!(made.exit, 0, "{made:?}");
    bank.read("pfx")
}

/// A CMC full response (RFC 5272 §3.2.2) whose only control says success (0), or failed (2).
fn cmc(status: u8, certificates: &[&[u8]]) -> Vec<u8> {
    fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
        let contents = parts.concat();
        let length = u16::try_from(contents.len()).unwrap().to_be_bytes();
        let header = match length {
            [0, short @ 0..0x80] => vec![tag, short],
            [0, byte] => vec![tag, 0x81, byte],
            [high, low] => vec![tag, 0x82, high, low],
        };
        [header, contents].concat()
    }
    // id-cmc-statusInfoV2, 1.3.6.1.5.5.7.7.25; id-cct-PKIResponse, 1.3.6.1.5.5.7.12.3; id-signedData.
    let status_info = [0x06, 8, 0x2b, 6, 1, 5, 5, 7, 7, 25];
    let pki_response = [0x06, 8, 0x2b, 6, 1, 5, 5, 7, 12, 3];
    let signed_data = [0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2];
    let body = tlv(0x30, &[&[0x02, 1, 1]]);
    let failed: &[u8] = if status == 0 { &[] } else { &[0x02, 1, 2] };
    let status = tlv(0x30, &[&[0x02, 1, status], &body, failed]);
    let control = tlv(0x30, &[&[0x02, 1, 1], &status_info, &tlv(0x31, &[&status])]);
    let response = tlv(0x30, &[&tlv(0x30, &[&control]), &[0x30, 0], &[0x30, 0]]);
    let content = tlv(0x30, &[&pki_response, &tlv(0xa0, &[&tlv(0x04, &[&response])])]);
    let certificates = if certificates.is_empty() { Vec::new() } else { tlv(0xa0, certificates) };
    let signed = tlv(0x30, &[&[0x02, 1, 3], &[0x31, 0], &content, &certificates, &[0x31, 0]]);
    tlv(0x30, &[&signed_data, &tlv(0xa0, &[&signed])])
}
