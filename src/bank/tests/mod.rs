//! Profiles that are good, and every way in which one is not.

mod files;
mod rules;
mod schema;

use std::time::{Duration, SystemTime};

use super::Bank;
use crate::error::{Code, Error, Fact};

/// The shortest profile.
const SHORT: &str = r#"version = 1
[bank]
name = { ja = "銀行", en = "Bank" }
[[token]]
uri = ["pkcs11:token=BANK"]
"#;

/// The example of the documentation.
const EXAMPLE: &str = include_str!("../../../examples/banks/manual-bank.toml");

fn with(more: &str) -> String {
    format!("{SHORT}{more}\n")
}

fn bank(text: &str) -> Bank {
    Bank::parse(text.as_bytes()).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn refusal(text: &str) -> Error {
    match Bank::parse(text.as_bytes()) {
        Err(error) => error,
        Ok(_) => panic!("was taken:\n{text}"),
    }
}

fn fact(error: &Error, wanted: Fact) -> String {
    error.facts().find(|(fact, _)| *fact == wanted).map(|(_, value)| value.to_owned()).unwrap_or_default()
}

/// Code, line, column and key of what is wrong first.
fn place(text: &str) -> (Code, String, String, String) {
    let error = refusal(text);
    (error.code(), fact(&error, Fact::Line), fact(&error, Fact::Column), fact(&error, Fact::Key))
}

fn at(text: &str) -> SystemTime {
    text.parse::<jiff::Timestamp>().unwrap().into()
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[test]
fn the_example_is_a_profile_and_says_what_the_manual_says() {
    let bank = bank(EXAMPLE);
    assert_eq!(bank.window().days, 40);
    assert_eq!(bank.anchors.len(), 2);
    let numbers = (bank.tokens.len(), bank.origins.len(), bank.contacts.len());
    assert_eq!(numbers, (1, 1, 1));
    let pattern = bank.claims("BANK", "SoftHSM project", "SoftHSM v2", "0123").unwrap();
    assert_eq!(pattern.to_string(), "pkcs11:token=BANK;manufacturer=SoftHSM%20project");
    assert!(bank.claims("BANK", "Another maker", "SoftHSM v2", "0123").is_none());
}

/// What is put behind the shortest profile, and what is wrong with it: code, line, column.
const BAD: &[(&str, Code, &str, &str)] = &[
    ("[ca\n", Code::ProfileSyntax, "6", "4"),
    ("[ca]\nanchor = []", Code::ProfileUnknownKey, "7", "1"),
    ("[calendar]\nopens_days_before = \"40\"", Code::ProfileWrongType, "7", "21"),
    ("[calendar]\nopens_days_before = 0", Code::ProfileBadValue, "7", "21"),
    ("[calendar]\nopens_days_before = 367", Code::ProfileBadValue, "7", "21"),
    ("[calendar]\nopens_days_before = -40", Code::ProfileBadValue, "7", "21"),
    ("[calendar]\nlast_day_until = \"8:59\"", Code::ProfileBadValue, "7", "18"),
    ("[calendar]\nlast_day_until = \"24:00\"", Code::ProfileBadValue, "7", "18"),
    ("[calendar]\nlast_day_until = \"08:60\"", Code::ProfileBadValue, "7", "18"),
    ("[calendar]\nlast_day_until = \"-8:59\"", Code::ProfileBadValue, "7", "18"),
    ("[calendar]\ncloses_days_before = 0", Code::ProfileBadValue, "7", "22"),
    ("[calendar]\nopens_days_before = 7\ncloses_days_before = 7", Code::ProfileContradiction, "8", "22"),
    ("[calendar]\nopens_days_before = 1\ncloses_hours_before = 24", Code::ProfileContradiction, "8", "23"),
    ("[calendar]\ncloses_days_before = 1\ncloses_hours_before = 24", Code::ProfileContradiction, "8", "23"),
    ("[calendar]\nservice_ends = 2027-13-01", Code::ProfileSyntax, "7", "16"),
    ("[calendar]\nservice_ends = 08:59:00", Code::ProfileBadValue, "7", "16"),
    ("[calendar]\nservice_ends = \"2027-03-31\"", Code::ProfileWrongType, "7", "16"),
    ("[calendar]\nholidays = [\"2027-01-11\"]", Code::ProfileWrongType, "7", "13"),
    ("[calendar]\nholidays = [2027-01-11, 2027-01-11]", Code::ProfileBadValue, "7", "25"),
    ("[calendar]\nholidays = [2027-01-11T09:00:00]", Code::ProfileBadValue, "7", "13"),
    ("[calendar]\nreminders = [7, 7]", Code::ProfileBadValue, "7", "17"),
    ("[calendar]\nreminders = [367]", Code::ProfileBadValue, "7", "14"),
    ("[calendar]\nreminders = [7]\nreminders = [7]", Code::ProfileSyntax, "8", "1"),
    ("[ca]\n[ca]", Code::ProfileSyntax, "7", "2"),
    ("[words]\npin = { ja = \"a\", ja = \"b\", en = \"c\" }", Code::ProfileSyntax, "7", "19"),
    ("[words]\npin = { ja = \"\u{0}\", en = \"PIN\" }", Code::ProfileSyntax, "7", "15"),
    ("[words]\npin = { ja = \"\\u0000\", en = \"PIN\" }", Code::ProfileBadValue, "7", "14"),
    ("[ca]\nanswers = [\"pdf\"]", Code::ProfileBadValue, "7", "12"),
    ("[ca]\nanswers = [\"pkcs7\", \"pkcs7\"]", Code::ProfileBadValue, "7", "21"),
    ("[ca]\nrequest_encoding = \"base64\"", Code::ProfileBadValue, "7", "20"),
    ("[renewal]\nother_users = \"ask\"", Code::ProfileBadValue, "7", "15"),
    ("[calendar]\nservice_ends = 2027-02-29", Code::ProfileSyntax, "7", "16"),
    ("[calendar]\nservice_ends = 2027-02-28T10:00:00", Code::ProfileBadValue, "7", "16"),
    ("[calendar]\nreminders = [7, 30]", Code::ProfileBadValue, "7", "17"),
    ("[calendar]\nbegins_to_work = \"later\"", Code::ProfileBadValue, "7", "18"),
    (
        "[too_late]\nthen = \"form\"\nrenewable_days = 90\n[calendar]\nlast_day_until = \"08:59\"",
        Code::ProfileContradiction,
        "8",
        "18",
    ),
    ("[too_late]\nwords = { ja = \"a\", en = \"b\" }", Code::ProfileMissingKey, "7", "16"),
    ("[too_late]\nthen = \"words\"", Code::ProfileMissingKey, "7", "8"),
    ("[ca]\nsubject = \"same\"", Code::ProfileBadValue, "7", "11"),
    ("[ca]\nissuers = [\"no name\"]", Code::ProfileBadValue, "7", "12"),
    ("[ca]\nextended_key_usage = [\"clientAuth\"]", Code::ProfileBadValue, "7", "23"),
    ("[ca]\nextended_key_usage = [\"1.40.1\"]", Code::ProfileBadValue, "7", "23"),
    ("[issuer]\nhelper = \"/opt/../ask\"", Code::ProfileBadValue, "7", "10"),
    ("[pages]\norigins = [\"https://bank.example.jp.\"]", Code::ProfileOriginMalformed, "7", "12"),
    ("[pages]\nlogin_url = \"https://192.0.2.1/\"", Code::ProfileBadValue, "7", "13"),
    ("[pages]\nlogin_url = \"https://bank.example.jp:65536/\"", Code::ProfileBadValue, "7", "13"),
    ("[pages]\nlogin_url = \"https://bank.example.jp:0/\"", Code::ProfileBadValue, "7", "13"),
    ("[ca]\nanchors = [\"\"]", Code::ProfileAnchorUnreadable, "7", "12"),
    ("[renewal]\nold = \"remove-after-confirmation\"", Code::ProfileContradiction, "7", "7"),
    ("[renewal]\nkey = \"old-again\"\nold = \"remove\"", Code::ProfileContradiction, "8", "7"),
    ("[renewal]\nkey = \"rsa1024\"", Code::ProfileBadValue, "7", "7"),
    ("[issuer]\nhelper = \"ask-ca\"", Code::ProfileBadValue, "7", "10"),
    ("[issuer]\nhelper = \"/a\"\ncommand = \"b\"", Code::ProfileContradiction, "8", "11"),
    ("[issuer]\ncommand = \"b\"\nproxy = \"http://u:p@h\"", Code::ProfileBadValue, "8", "9"),
    ("[issuer]\nproxy = \"https://h:8080\"", Code::ProfileBadValue, "7", "9"),
    ("[issuer]\nproxy = \"http://h:0\"", Code::ProfileBadValue, "7", "9"),
    ("[issuer]\nproxy = \"http://h:99999\"", Code::ProfileBadValue, "7", "9"),
    ("[issuer]\nproxy = \"http://h:80/path\"", Code::ProfileBadValue, "7", "9"),
    ("[pages]\nproxy = \"http://:8080\"", Code::ProfileBadValue, "7", "9"),
    ("[pages]\nproxy = \"http://a b:8080\"", Code::ProfileBadValue, "7", "9"),
    ("[pages]\norigins = [\"http://bank.example.jp\"]", Code::ProfileOriginInsecure, "7", "12"),
    ("[pages]\norigins = [\"https://bank.example.jp/\"]", Code::ProfileOriginMalformed, "7", "12"),
    (
        "[pages]\nlogin_url = \"https://a.jp/\"\nafter_login = \"https://b.jp/menu\"",
        Code::ProfileContradiction,
        "8",
        "15",
    ),
    ("[pages]\nafter_login = \"http://a.jp/menu\"", Code::ProfileOriginInsecure, "7", "15"),
    ("[pages]\nlogin_url = \"https://u@bank.example.jp/login\"", Code::ProfileBadValue, "7", "13"),
    ("[pages]\nlogin_url = \"bank.example.jp/login\"", Code::ProfileBadValue, "7", "13"),
    ("[pages]\nlogin_url = \"http://bank.example.jp/login\"", Code::ProfileOriginInsecure, "7", "13"),
    ("[[words.next]]\nerror = \"no_such\"\nja = \"あ\"\nen = \"a\"", Code::ProfileBadValue, "7", "9"),
    ("[words]\npin = { ja = \"\", en = \"PIN\" }", Code::ProfileBadValue, "7", "14"),
    ("[words]\npin = { ja = \"\\u202E\", en = \"PIN\" }", Code::ProfileBadValue, "7", "14"),
];

#[test]
fn every_kind_of_bad_input_is_an_error_of_its_own_with_its_place() {
    for (more, code, line, column) in BAD {
        let (found, at_line, at_column, _) = place(&with(more));
        assert_eq!((found, at_line.as_str(), at_column.as_str()), (*code, *line, *column), "{more}");
    }
}

#[test]
fn a_column_counts_characters() {
    let (code, line, column, key) =
        place(&SHORT.replace("name = { ja = \"銀行\", en", "name = { ja = \"銀行\", EN"));
    assert_eq!((code, line.as_str(), column.as_str()), (Code::ProfileUnknownKey, "3", "21"));
    assert_eq!(key, "bank.name.EN");
}

/// Also where the reader of TOML found it, which names the last part alone or nothing.
#[test]
fn every_error_of_a_key_names_it_with_its_tables() {
    for (more, code, named) in [
        ("[renewal]\nkex = \"a\"", Code::ProfileUnknownKey, "renewal.kex"),
        ("extra = 1", Code::ProfileUnknownKey, "token[0].extra"),
        (
            "[[token]]\nuri = []\n[[token.driver]]\nnamed = 1",
            Code::ProfileUnknownKey,
            "token[1].driver[0].named",
        ),
        ("[pags]", Code::ProfileUnknownKey, "pags"),
        ("[calendar]\nopens_days_before = \"40\"", Code::ProfileWrongType, "calendar.opens_days_before"),
        ("[calendar]\nholidays = [2027-01-11, 1]", Code::ProfileWrongType, "calendar.holidays[1]"),
        ("[words]\npin = 1", Code::ProfileWrongType, "words.pin"),
        ("[words]\npin = { ja = \"a\" }", Code::ProfileMissingKey, "words.pin.en"),
        ("[[bank.contact]]\ntelephone = \"110\"", Code::ProfileMissingKey, "bank.contact[0].name"),
        ("[[token]]\n[token.name]\nja = \"a\"\nen = \"b\"", Code::ProfileMissingKey, "token[1].uri"),
        ("[[words.next]]\nja = \"a\"\nen = \"b\"", Code::ProfileMissingKey, "words.next[0].error"),
    ] {
        let (found, _, _, key) = place(&with(more));
        assert_eq!((found, key.as_str()), (code, named), "{more}");
    }
    assert_eq!(place(&SHORT.replace("version = 1", "")).3, "version");
}

#[test]
fn all_that_is_wrong_is_said_at_once_in_the_order_of_the_file() {
    let text = with(
        "[calendar]\nopens_days_before = 0\n[ca]\nsubject = \"x\"\n[pages]\norigins = [\"http://a.jp\"]",
    );
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bank.toml");
    std::fs::write(&file, text).unwrap();
    let codes: Vec<Code> = Bank::problems(&file).iter().map(Error::code).collect();
    let expected = [Code::ProfileBadValue, Code::ProfileBadValue, Code::ProfileOriginInsecure];
    assert_eq!(codes, expected);
}

#[test]
fn a_pattern_means_some_tokens_and_nothing_but_tokens() {
    let pattern = |uri: &str| place(&SHORT.replace("pkcs11:token=BANK", uri)).0;
    for all in [
        "pkcs11:",
        "pkcs11:?module-name=x",
        "pkcs11:?module-path=/lib/p11.so",
        "pkcs11:token=*",
        "pkcs11:token=%2A",
        "pkcs11:token=*;manufacturer=%2a%2A",
        "pkcs11:token=%25",
        "pkcs11:slot-id=0",
        "pkcs11:slot-description=USB%20reader",
        "pkcs11:library-manufacturer=SoftHSM",
        "pkcs11:type=cert",
        "pkcs11:object=x;id=%01",
    ] {
        assert_eq!(pattern(all), Code::ProfileMatchesAll, "{all}");
    }
    assert_eq!(place(&SHORT.replace("[\"pkcs11:token=BANK\"]", "[]")).0, Code::ProfileMatchesAll);
    for bad in [
        "",
        "token=BANK",
        "pkcs11:token=",
        "pkcs11:token=BANK%2A",
        "pkcs11:token=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "pkcs11:token=%E9%8A%80%E9%8A%80%E9%8A%80%E9%8A%80%E9%8A%80%E9%8A%80%E9%8A%80%E9%8A%80%E9%8A%80%E9%8A%80%E9%8A%80",
        "pkcs11:manufacturer=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "pkcs11:model=AAAAAAAAAAAAAAAAA",
        "pkcs11:token=BANK;serial=01234567890123456",
        "pkcs11:token=%20",
        "pkcs11:token=%20BANK",
        "pkcs11:token=BANK;model=*",
        "pkcs11:token=A;token=B",
        "pkcs11:token=A;slot-id=1",
        "pkcs11:token=A;object=x",
        "pkcs11:token=A;id=%01",
        "pkcs11:token=A;type=cert",
        "pkcs11:token=A;x-vendor=1",
        "pkcs11:token=A?pin-value=1234",
        "pkcs11:token=A?pin-source=/pin",
        "pkcs11:token=A?module-path=/lib/p11.so",
    ] {
        assert_eq!(pattern(bad), Code::ProfileBadValue, "{bad}");
    }
    let error = refusal(&SHORT.replace("pkcs11:token=BANK", "pkcs11:token=A?pin-value=1234"));
    assert!(error.facts().all(|(_, value)| !value.contains("1234")), "{error}");
}

#[test]
fn an_address_is_an_origin_and_nothing_more() {
    let origin = |origin: &str| with(&format!("[pages]\norigins = [{origin:?}]"));
    for good in ["https://bank.example.jp", "HTTPS://Bank.Example.JP:8443"] {
        let bank = bank(&origin(good));
        assert_eq!(bank.origins[0].to_string(), good.to_ascii_lowercase());
    }
    for bad in [
        "https://bank.example.jp/path",
        "https://bank.example.jp?q",
        "https://bank.example.jp#f",
        "https://user@bank.example.jp",
        "https://*.example.jp",
        "https://bank.example.jp:0",
        "https://bank.example.jp:443x",
        "https://192.0.2.1",
        "https://[::1]",
        "https://bank_example.jp",
        "https://",
        "https://銀行.jp",
        // A Cyrillic а, a full-width ｂ, and a dot that some take for one.
        "https://b\u{430}nk.example.jp",
        "https://\u{ff42}ank.example.jp",
        "https://bank\u{3002}example.jp",
        "https://user:pass@bank.example.jp",
        "https://bank.example.jp:",
        "https://bank.example.jp:65536",
        "https://bank.example.jp:443:443",
        "https://bank.example.jp.",
        "https://.example.jp",
        "https://bank..example.jp",
        "https://bank.example.*",
        "https://0x7f.1",
        "https:/bank.example.jp",
        "https://bank.example.jp\n",
        "https://bank%2Eexample.jp",
        "https://bank.example.jp\\x",
        "bank.example.jp",
        " https://bank.example.jp",
        "*",
        "",
    ] {
        assert_eq!(place(&origin(bad)).0, Code::ProfileOriginMalformed, "{bad}");
    }
    for bad in ["http://bank.example.jp", "file:///etc", "ftp://bank.example.jp", "null://"] {
        assert_eq!(place(&origin(bad)).0, Code::ProfileOriginInsecure, "{bad}");
    }
    let twice = with("[pages]\norigins = [\"https://a.jp\", \"https://A.jp:443\"]");
    assert_eq!(place(&twice).0, Code::ProfileBadValue);
}

#[test]
fn an_anchor_is_one_certificate_of_a_ca_that_lives() {
    use usbtoken_testkit::{Kind, SoftKey, TestCa, manual_subject};

    let pem = |der: &[u8]| crate::pki::Certificate::from_der(der).unwrap().to_pem();
    let anchors = |texts: &[&str]| {
        let listed: Vec<String> = texts.iter().map(|text| format!("'''\n{text}'''")).collect();
        with(&format!("[ca]\nanchors = [{}]", listed.join(", ")))
    };
    let ca = TestCa::new();
    let root = pem(ca.root());
    assert_eq!(bank(&anchors(&[&root])).anchors.len(), 1);
    // A byte of a key before it, twice, two in one text, cut short.
    let garbage = root.replace("MII", "MXX");
    for bad in [&format!("{root}{root}"), "-----BEGIN CERTIFICATE-----\n", &garbage] {
        assert_eq!(place(&anchors(&[bad])).0, Code::ProfileAnchorUnreadable);
    }
    let twice = refusal(&anchors(&[&root, &root]));
    assert_eq!((twice.code(), fact(&twice, Fact::Expected).as_str()), (Code::ProfileBadValue, "once"));
    let key = SoftKey::generate(Kind::P256);
    let leaf = ca.issue(&manual_subject().to_der(), &key.spki());
    assert_eq!(place(&anchors(&[&pem(&leaf.der())])).0, Code::ProfileAnchorNotCa);
    let signs_nothing = ca.issue(&manual_subject().to_der(), &key.spki()).ca(true).usage_without_signing();
    assert_eq!(place(&anchors(&[&pem(&signs_nothing.der())])).0, Code::ProfileAnchorNotCa);
    let end = crate::pki::Certificate::from_der(ca.root()).unwrap().not_after();
    let late = Bank::parse_at(anchors(&[&root]).as_bytes(), end + DAY).unwrap_err();
    assert_eq!(late.code(), Code::ProfileAnchorExpired);
    assert!(!fact(&late, Fact::Date).is_empty() && !fact(&late, Fact::Subject).is_empty());
}

#[test]
fn a_later_version_is_said_before_its_keys() {
    let later = with("[novelty]\nx = 1").replace("version = 1", "version = 2");
    assert_eq!(place(&later).0, Code::ProfileVersion);
    assert_eq!(place(&SHORT.replace("version = 1\n", "")).0, Code::ProfileMissingKey);
    assert_eq!(place(&SHORT.replace("version = 1", "version = \"1\"")).0, Code::ProfileWrongType);
}

#[test]
fn bytes_that_are_no_text_are_refused_where_they_stand() {
    let refused = |bytes: &[u8]| Bank::parse(bytes).unwrap_err();
    let bom = [b"\xef\xbb\xbf".as_slice(), SHORT.as_bytes()].concat();
    assert_eq!(refused(&bom).code(), Code::ProfileHasBom);
    let (shift_jis, _, _) = encoding_rs::SHIFT_JIS.encode(SHORT);
    let error = refused(&shift_jis);
    assert_eq!((error.code(), fact(&error, Fact::Line)), (Code::ProfileNotUtf8, "3".to_owned()));
    assert_eq!(fact(&error, Fact::Column), "16");
    let utf16: Vec<u8> = SHORT.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let code = refused(&utf16).code();
    assert!(matches!(code, Code::ProfileNotUtf8 | Code::ProfileSyntax), "{code:?}");
    assert_eq!(refused(&vec![b'#'; 10 << 20]).code(), Code::ProfileTooLarge);
    for empty in [&b""[..], b"\n", b"# nothing\n", b"\0\0\0\0"] {
        let code = refused(empty).code();
        assert!(matches!(code, Code::ProfileMissingKey | Code::ProfileSyntax), "{code:?}");
    }
}

#[test]
fn hostile_toml_ends_soon() {
    let deep = format!("x = {}{}", "[".repeat(100_000), "]".repeat(100_000));
    let dotted = format!("{} = 1", vec!["a"; 100_000].join("."));
    let keys: String = (0..20_000).map(|n| format!("k{n} = {n}\n")).collect();
    let tables: String = (0..20_000).map(|_| "[[token]]\n").collect();
    let long = with(&format!("[words]\npin = {{ ja = \"{}\", en = \"x\" }}", "長".repeat(50_000)));
    let begin = std::time::Instant::now();
    for text in [deep, dotted, keys, tables, long] {
        assert!(Bank::parse(text.as_bytes()).is_err());
    }
    assert!(begin.elapsed() < Duration::from_secs(60));
}
