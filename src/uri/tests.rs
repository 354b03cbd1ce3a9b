use super::*;
use crate::error::{Code, Error, Fact};

fn parse(text: &str) -> TokenUri {
    text.parse().unwrap_or_else(|error: Error| panic!("{text}: {:?}", error.facts().collect::<Vec<_>>()))
}

fn refused(text: &str) -> Error {
    text.parse::<TokenUri>().expect_err(text)
}

fn found(error: &Error) -> Option<&str> {
    error.facts().find(|(fact, _)| *fact == Fact::Found).map(|(_, value)| value)
}

/// The examples of RFC 7512 §3 without pin-value and pin-source.
const EXAMPLES: [&str; 11] = [
    "pkcs11:",
    "pkcs11:object=my-pubkey;type=public",
    "pkcs11:object=my-key;type=private",
    "pkcs11:token=The%20Software%20PKCS%2311%20Softtoken;manufacturer=Snake%20Oil,%20Inc.;model=1.0;object=my-certificate;type=cert;id=%69%95%3E%5C%F4%BD%EC%91;serial=",
    "pkcs11:object=my-sign-key;type=private?module-name=mypkcs11",
    "pkcs11:object=my-sign-key;type=private?module-path=/mnt/libmypkcs11.so.1",
    "pkcs11:slot-description=Sun%20Metaslot",
    "pkcs11:library-manufacturer=Snake%20Oil,%20Inc.;library-description=Soft%20Token%20Library;library-version=1.23",
    "pkcs11:token=My%20token%25%20created%20by%20Joe;library-version=3;id=%01%02%03%Ba%dd%Ca%fe%04%05%06",
    "pkcs11:token=A%20name%20with%20a%20substring%20%25%3B;object=my-certificate;type=cert",
    "pkcs11:token=Name%20with%20a%20small%20A%20with%20acute:%20%C3%A1;object=my-certificate;type=cert",
];

#[test]
fn the_examples_of_the_rfc_parse_and_round_trip() {
    for text in EXAMPLES {
        let uri = parse(text);
        let printed = uri.to_string();
        assert_eq!(parse(&printed), uri, "{text} printed as {printed}");
        assert_eq!(parse(&printed).to_string(), printed);
    }
    let uri = parse(EXAMPLES[3]);
    assert_eq!(uri.token(), Some("The Software PKCS#11 Softtoken"));
    assert_eq!(uri.manufacturer(), Some("Snake Oil, Inc."));
    assert_eq!(uri.serial(), Some(""));
    assert_eq!(uri.object(), Some("my-certificate"));
    assert_eq!(uri.object_type(), Some(ObjectType::Certificate));
    assert_eq!(uri.id(), Some(&[0x69, 0x95, 0x3e, 0x5c, 0xf4, 0xbd, 0xec, 0x91][..]));
    assert_eq!(parse(EXAMPLES[4]).module_name(), Some("mypkcs11"));
    assert_eq!(parse(EXAMPLES[5]).module_path(), Some("/mnt/libmypkcs11.so.1"));
    assert_eq!(parse(EXAMPLES[8]).token(), Some("My token% created by Joe"));
    assert_eq!(parse(EXAMPLES[9]).token(), Some("A name with a substring %;"));
    assert_eq!(parse(EXAMPLES[10]).token(), Some("Name with a small A with acute: á"));
}

/// RFC 7512 §3's last example, whose attribute is not ours to know.
#[test]
fn an_unknown_path_attribute_matches_nothing_and_an_unknown_query_attribute_is_ignored() {
    let uri =
        parse("pkcs11:token=my-token;object=my-certificate;type=cert;vendor-aaa=value-a?vendor-bbb=value-b");
    assert_eq!(uri.unrecognized[0].0, "vendor-aaa");
    assert!(!uri.matches_token("my-token", "", "", "", 0));
    assert!(!uri.matches_library("", "", (1, 0)));
    assert_eq!(parse(&uri.to_string()), uri);

    let uri = parse("pkcs11:token=my-token?vendor-bbb=1&vendor-bbb=2&x-c=%FF");
    assert!(uri.matches_token("my-token", "", "", "", 0));
    assert_eq!(uri.to_string(), "pkcs11:token=my-token?vendor-bbb=1&vendor-bbb=2&x-c=%FF");
}

#[test]
fn the_printed_form_is_canonical() {
    let uri = parse("PKCS11:id=ab%2e;serial=%30%31;token=a:b&c;library-version=3?module-path=/a%20b/c.so");
    assert_eq!(
        uri.to_string(),
        "pkcs11:token=a%3Ab%26c;serial=01;library-version=3.0;id=%61%62%2E?module-path=/a%20b/c.so"
    );
    let uri = TokenUri {
        id: Some(vec![0, 255]),
        object_type: Some(ObjectType::Private),
        ..TokenUri::of_token("銀行 BANK", "", "M", "0;1")
    };
    assert_eq!(
        uri.to_string(),
        "pkcs11:token=%E9%8A%80%E8%A1%8C%20BANK;serial=0%3B1;model=M;type=private;id=%00%FF"
    );
    assert_eq!(parse(&uri.to_string()), uri);
}

#[test]
fn every_byte_round_trips_in_an_id_and_every_character_in_a_label() {
    let label: String = ('\u{1}'..'\u{200}').collect();
    let uri = TokenUri { id: Some((0..=255).collect()), ..TokenUri::of_token(&label, "", "", "") };
    assert_eq!(parse(&uri.to_string()), uri);
}

/// p11tool and pkcs11-tool print a field as the driver pads it; a driver may write another alphabet than UTF-8 there.
#[test]
fn a_padded_field_in_a_uri_is_stripped_as_the_drivers_is() {
    for text in ["BANK%00%00", "BANK%20%20", "BANK%20%00", "BANK%00rest%20of%20memory", "BANK"] {
        let uri = parse(&format!("pkcs11:token={text};serial=0001%00"));
        assert!(uri.matches_token("BANK", "", "", "0001", 0), "{text}");
        assert!(!uri.matches_token("BANK2", "", "", "0001", 0), "{text}");
    }
    for bytes in [&b"Rainbow \xa9"[..], b"\xd2\xf8\xd0\xd0", b"\x8b\xe2\x8d\x73", "銀行".as_bytes()] {
        let driver = usbtoken_pkcs11::text::unpadded(bytes);
        let escaped: String = bytes.iter().map(|byte| format!("%{byte:02X}")).collect();
        let uri = parse(&format!("pkcs11:manufacturer={escaped}"));
        assert!(uri.matches_token("", &driver, "", "", 0), "{escaped}");
        assert_eq!(parse(&uri.to_string()), uri);
    }
    // Other programs compare bytes, so those are printed: in the alphabet of the driver, and with its padding.
    for text in ["BANK%00%00", "%D2%F8%D0%D0", "M%FCller%20%C3%BC"] {
        assert_eq!(parse(&format!("pkcs11:token={text}")).to_string(), format!("pkcs11:token={text}"));
    }
    assert_eq!(parse("pkcs11:token=BANK%20%20").to_string(), "pkcs11:token=BANK");
    let fields = [None, Some(&b"M\xfcller"[..]), Some(b""), Some(b"1\0\0")];
    assert_eq!(TokenUri::of_fields(fields).to_string(), "pkcs11:manufacturer=M%FCller;serial=1%00%00");
    assert!(!parse("pkcs11:token=%D2%F8").matches_token("\u{b9}\u{ab}", "", "", "", 0));
}

#[test]
fn an_empty_path_matches_every_token_and_each_attribute_narrows() {
    for text in ["pkcs11:", "pkcs11:?module-path=/x.so", "pkcs11:?"] {
        assert!(parse(text).matches_token("L", "M", "T", "S", 3), "{text}");
        assert!(parse(text).matches_library("M", "D", (1, 2)), "{text}");
        assert!(parse(text).matches_slot("D", "M", 3), "{text}");
    }
    assert!(parse("pkcs11:object=x;type=cert;id=%01").matches_token("L", "M", "T", "S", 3));
    let full = "pkcs11:token=L;manufacturer=M;model=T;serial=S;slot-id=3";
    assert!(parse(full).matches_token("L", "M", "T", "S", 3));
    for (label, manufacturer, model, serial, slot) in [
        ("l", "M", "T", "S", 3),
        ("L", "", "T", "S", 3),
        ("L", "M", "TT", "S", 3),
        ("L", "M", "T", "S ", 3),
        ("L", "M", "T", "S", 4),
    ] {
        assert!(!parse(full).matches_token(label, manufacturer, model, serial, slot));
    }
    assert!(parse("pkcs11:token=").matches_token("", "", "", "", 0));
    assert!(!parse("pkcs11:token=").matches_token("L", "", "", "", 0));
}

#[test]
fn libraries_and_slots_match_by_their_own_attributes() {
    let uri = parse("pkcs11:library-manufacturer=A;library-description=B;library-version=3");
    assert!(uri.matches_library("A", "B", (3, 0)));
    assert!(!uri.matches_library("A", "B", (3, 1)));
    assert!(!uri.matches_library("A", "", (3, 0)));
    assert!(!uri.matches_library("", "B", (3, 0)));
    assert!(parse("pkcs11:library-version=255.10").matches_library("", "", (255, 10)));
    let uri = parse("pkcs11:slot-description=D;slot-manufacturer=E;slot-id=9");
    assert!(uri.matches_slot("D", "E", 9));
    assert!(!uri.matches_slot("D", "E", 8) && !uri.matches_slot("", "E", 9) && !uri.matches_slot("D", "", 9));
}

#[test]
fn a_pin_is_refused_wherever_it_stands_and_never_repeated() {
    for text in [
        "pkcs11:token=A?pin-value=98431",
        "pkcs11:token=Software%20PKCS%2311%20softtoken;manufacturer=Snake%20Oil,%20Inc.?pin-value=98431",
        "pkcs11:token=A?pin-source=/x&pin-value=98431",
        "pkcs11:?pin-value=98431&pin-value=98431",
        "pkcs11:pin-value=98431",
        "pkcs11:token=A;pin-value=98431",
        "pkcs11:token=A;PIN-Value=98431",
        "pkcs11:token=%zz?pin-value=98431",
        "pkcs11:token=A?pin%2Dvalue=98431",
        "pkcs11:token=A? pin-value=98431",
        "pkcs11:token=A?pin_value=98431",
        "pkcs11:token=A&pin-value=98431",
        "pin-value=98431",
        "token=A?pin-value=98431",
    ] {
        let error = refused(text);
        assert_eq!(error.code(), Code::PinInUri, "{text}");
        assert!(!format!("{error:?} {error}").contains("98431"), "{text}");
    }
    // A PIN in the wrong attribute of the query is not repeated either.
    assert!(!format!("{:?}", refused("pkcs11:?98431")).contains("98431"));
}

#[test]
fn a_source_of_the_pin_is_refused_and_not_repeated() {
    for text in [
        "pkcs11:token=A?pin-source=file:/etc/98431",
        "pkcs11:token=A?pin-source=|/bin/98431",
        "pkcs11:token=A;pin-source=98431",
        "pkcs11:token=A?PIN-SOURCE=98431#",
        "pkcs11:token=A?module-name=m&pin-source=98431",
    ] {
        let error = refused(text);
        assert_eq!(error.code(), Code::PinSourceInUri, "{text}");
        assert!(!format!("{error:?} {error}").contains("98431"), "{text}");
    }
}

#[test]
fn what_is_no_pkcs11_uri_is_refused() {
    for text in [
        "",
        "pkcs11",
        "BANK",
        "pkcs12:token=A",
        "https://example.jp/",
        "pkcs11:token",
        "pkcs11:=A",
        "pkcs11:;token=A",
        "pkcs11:token=A;",
        "pkcs11:token=A;;serial=1",
        "pkcs11:token=A&b;token=A",
        "pkcs11:tok%65n=A",
        "pkcs11:to ken=A",
        "pkcs11:token=A B",
        "pkcs11:token=銀行",
        "pkcs11:token=A#b",
        "pkcs11:token=A/b",
        "pkcs11:token=A|b",
        "pkcs11:token=\"A\"",
        "pkcs11:token=A\n",
        "pkcs11:token=%",
        "pkcs11:token=%4",
        "pkcs11:token=%4g",
        "pkcs11:token=%+1",
        "pkcs11:id=%1",
        "pkcs11:id=あ",
        "pkcs11:type=certificate",
        "pkcs11:type=",
        "pkcs11:slot-id=",
        "pkcs11:slot-id=-1",
        "pkcs11:slot-id=+1",
        "pkcs11:slot-id=0x1",
        "pkcs11:slot-id=18446744073709551616",
        "pkcs11:library-version=",
        "pkcs11:library-version=1.",
        "pkcs11:library-version=.1",
        "pkcs11:library-version=256",
        "pkcs11:library-version=1.2.3",
        "pkcs11:?module-path",
        "pkcs11:?module-path=/a;b",
        "pkcs11:?module-path=%FF",
        "pkcs11:?&",
        "pkcs11:?module-path=/a&",
    ] {
        assert_eq!(refused(text).code(), Code::BadUri, "{text:?}");
    }
}

#[test]
fn an_attribute_may_stand_once() {
    for name in
        ["token", "manufacturer", "model", "serial", "object", "slot-description", "slot-manufacturer"]
            .into_iter()
            .chain(["library-manufacturer", "library-description", "id", "x-unknown"])
    {
        let error = refused(&format!("pkcs11:{name}=A;{name}=A"));
        assert_eq!(error.code(), Code::BadUri);
        assert_eq!(found(&error), Some(format!("2 × {name}").as_str()));
    }
    for text in ["slot-id=1;slot-id=1", "type=cert;type=cert", "library-version=1;library-version=1"] {
        assert_eq!(refused(&format!("pkcs11:{text}")).code(), Code::BadUri);
    }
    for name in ["module-path", "module-name"] {
        assert_eq!(refused(&format!("pkcs11:?{name}=A&{name}=A")).code(), Code::BadUri);
    }
}

#[test]
fn an_error_names_the_attribute_and_how_to_write_it() {
    let error = refused("pkcs11:serial=1;token=My Token");
    assert_eq!(found(&error), Some("token=My Token"));
    assert!(error.facts().any(|fact| fact == (Fact::Expected, "%20")));
    let error = refused("pkcs11:token=銀");
    assert!(error.facts().any(|fact| fact == (Fact::Expected, "%E9%8A%80")));
}
