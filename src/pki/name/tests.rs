//! Names in every encoding that was ever issued.

use super::*;
use crate::pki::asn1::oid;
use crate::pki::asn1::tlv;

fn name(values: &[(&str, u8, &[u8])]) -> Name {
    let rdns: Vec<Vec<u8>> = values
        .iter()
        .map(|(oid, tag, value)| {
            let oid = oid::encode(der::asn1::ObjectIdentifier::new(oid).unwrap());
            tlv::encode(SET, &[&tlv::encode(SEQUENCE, &[&oid, &tlv::encode(*tag, &[value])])])
        })
        .collect();
    let parts: Vec<&[u8]> = rdns.iter().map(Vec::as_slice).collect();
    Name::from_der(&tlv::encode(SEQUENCE, &parts)).unwrap()
}

fn common_name(tag: u8, value: &[u8]) -> String {
    name(&[("2.5.4.3", tag, value)]).common_name().unwrap().to_owned()
}

#[test]
fn five_string_types_are_read() {
    assert_eq!(common_name(tlv::PRINTABLE_STRING, b"(9936)NTT DATA"), "(9936)NTT DATA");
    assert_eq!(common_name(tlv::UTF8_STRING, "山田".as_bytes()), "山田");
    assert_eq!(common_name(tlv::BMP_STRING, &[0x5c, 0x71, 0x75, 0x30]), "山田");
    assert_eq!(common_name(tlv::UNIVERSAL_STRING, &[0, 0, 0x5c, 0x71, 0, 1, 0xf6, 0]), "山😀");
    assert_eq!(common_name(tlv::TELETEX_STRING, b"plain"), "plain");
}

#[test]
fn a_type_of_a_uuid_is_read_back() {
    let uuid = "2.25.329800735698586629295641978511506172918";
    let text = format!("CN=c,{uuid}=x+UID=u");
    let name: Name = text.parse().unwrap();
    assert_eq!(name.attributes()[1].kind, uuid);
    assert_eq!(name.to_string().parse::<Name>().unwrap(), name);
    assert!("2.25.340282366920938463463374607431768211456=x".parse::<Name>().is_err());
    assert!("CN=a+CN=a".parse::<Name>().is_err(), "twice in one set");
}

#[test]
fn teletex_is_whatever_the_ca_meant() {
    assert_eq!(common_name(tlv::TELETEX_STRING, &[0x8e, 0x52, 0x93, 0x63]), "山田");
    assert_eq!(common_name(tlv::TELETEX_STRING, &[0xd4, 0xcf, 0xc0, 0xde]), "ﾔﾏﾀﾞ");
    assert_eq!(common_name(tlv::TELETEX_STRING, b"Fran\xe7ois M\xfcller"), "François Müller");
    assert_eq!(common_name(tlv::TELETEX_STRING, "山田".as_bytes()), "山田");
}

#[test]
fn teletex_by_its_escapes_or_by_what_decodes_whole() {
    let of = |bytes: &[u8]| {
        let name = name(&[("2.5.4.3", tlv::TELETEX_STRING, bytes)]);
        (name.common_name().unwrap().to_owned(), name.is_guess())
    };
    let in_charset =
        |charset: &'static encoding_rs::Encoding, text: &str| charset.encode(text).0.into_owned();
    for text in ["営業部", "山田太郎", "株式会社ひまわり銀行", "㈱アンサー", "東京都千代田区1-2-3"]
    {
        let iso = of(&in_charset(encoding_rs::ISO_2022_JP, text));
        assert!(iso == (text.to_owned(), false) || text.contains('㈱'), "{iso:?}");
        assert_eq!(of(&in_charset(encoding_rs::SHIFT_JIS, text)), (text.to_owned(), true));
        assert_eq!(of(&in_charset(encoding_rs::EUC_JP, text)), (text.to_owned(), true));
        assert_eq!(of(text.as_bytes()), (text.to_owned(), true));
    }
    for text in ["MÜLLER", "Pérez", "Søren Kierkegård", "ÉCOLE"] {
        let latin: Vec<u8> = text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
        assert_eq!(of(&latin), (text.to_owned(), true));
    }
    assert_eq!(of(&in_charset(encoding_rs::SHIFT_JIS, "ｶ)ｱﾝｻｰ")), ("ｶ)ｱﾝｻｰ".to_owned(), true));
    assert_eq!(of(b"plain"), ("plain".to_owned(), false));
}

#[test]
fn hexadecimal_is_shown_as_it_is_written() {
    // GeneralString; and characters that only look alike.
    let name = name(&[("2.5.4.3", 0x1b, b"a"), ("2.5.4.10", tlv::UTF8_STRING, b"#1b")]);
    assert_eq!(name.to_string(), r"O=\#1b,CN=#1b0161");
    let uuid = der::asn1::ObjectIdentifier::from_bytes(
        &base16ct::lower::decode_vec("6983f09da7ebcfdee0c7a1a7b2c0948cc8f9d776").unwrap(),
    );
    assert!(uuid.is_err(), "der reads it now: asn1/oid.rs can use it");
}

#[test]
fn broken_text_is_shown_as_well_as_can_be() {
    assert_eq!(common_name(tlv::UTF8_STRING, &[b'a', 0xff]), "a\u{fffd}");
    assert_eq!(common_name(tlv::BMP_STRING, &[0x5c, 0x71, 0x75]), "山\u{fffd}");
    assert_eq!(common_name(tlv::BMP_STRING, &[0xd8, 0x00]), "\u{fffd}");
    assert_eq!(common_name(tlv::UNIVERSAL_STRING, &[0xff, 0, 0, 0]), "\u{fffd}");
    assert_eq!(common_name(tlv::OCTET_STRING, &[1, 2]), "#04020102");
}

#[test]
fn repeated_units_keep_their_order() {
    let name = name(&[
        ("2.5.4.10", tlv::PRINTABLE_STRING, b"Org"),
        ("2.5.4.11", tlv::PRINTABLE_STRING, b"second by alphabet"),
        ("2.5.4.11", tlv::PRINTABLE_STRING, b"first"),
        ("2.5.4.3", tlv::PRINTABLE_STRING, b"Taro"),
    ]);
    assert_eq!(name.values("OU").collect::<Vec<_>>(), ["second by alphabet", "first"]);
    assert_eq!(name.values("O").collect::<Vec<_>>(), ["Org"]);
    assert_eq!(name.to_string(), "CN=Taro,OU=first,OU=second by alphabet,O=Org");
}

#[test]
fn text_is_read_back() {
    for text in [
        "CN=TARO YAMADA,OU=(9936)ANSER-WEB(BizSOL) TEST CA - G4,O=(9936)NTT DATA CORPORATION",
        "CN=山田 太郎,O=伊予,C=JP",
        r#"CN=a\,b\+c\\d\<\>\;e\",O=\#x\ "#,
        "CN=a+OU=b,DC=example,DC=jp",
        "1.2.3.4=x",
        "emailAddress=a@b.jp,CN=x",
        r"CN=\0ab",
    ] {
        assert_eq!(text.parse::<Name>().unwrap().to_string(), text);
    }
    assert_eq!(
        " cn = a b , o=\"x, y\" ; E=z@b".parse::<Name>().unwrap().to_string(),
        r"CN=a b,O=x\, y,emailAddress=z@b"
    );
    assert_eq!(r"CN=\E5\B1\B1".parse::<Name>().unwrap().common_name(), Some("山"));
    assert_eq!("CN=#0c0161".parse::<Name>().unwrap().common_name(), Some("a"));
}

#[test]
fn values_are_printable_strings_where_they_can_be() {
    let name: Name = "CN=x_y,O=(9936)NTT DATA".parse().unwrap();
    let organization = [&[tlv::PRINTABLE_STRING, 14], &b"(9936)NTT DATA"[..]].concat();
    assert!(name.der().windows(16).any(|bytes| bytes == organization));
    assert!(name.der().ends_with(&[tlv::UTF8_STRING, 3, b'x', b'_', b'y']));
}

#[test]
fn what_is_no_name_is_refused() {
    for text in [
        "",
        " ",
        "CN",
        "=x",
        "CN=",
        "CN=a,",
        "CN=a,,O=b",
        "XX=a",
        "CN=a\"b",
        "CN=\"a",
        r"CN=a\",
        r"CN=a\z",
        "C=日本",
        "CN=#04",
        "CN=#0",
        "DC=é",
        r"CN=\ff",
    ] {
        let error = text.parse::<Name>().unwrap_err();
        assert_eq!(error.code(), Code::BadSubject, "{text}");
    }
}

#[test]
fn openssl_reads_what_is_written() {
    let openssl = crate::pki::openssl::OpenSsl::new();
    let name: Name = "CN=山田 太郎,OU=b,OU=a,O=(9936)NTT DATA CORPORATION".parse().unwrap();
    openssl.write("name", name.der());
    let said = openssl.run("asn1parse -inform DER -in name");
    assert_eq!(said.matches("PRINTABLESTRING").count(), 3, "{said}");
    assert_eq!(said.matches("UTF8STRING").count(), 1, "{said}");
    let at = |text: &str| said.find(text).unwrap();
    assert!(at("NTT DATA") < at(":a") && at(":a") < at(":b"), "{said}");
}
