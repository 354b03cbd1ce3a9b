//! What counts as the same name, and what as another.

use super::*;
use crate::pki::asn1::tlv::{
    BMP_STRING, IA5_STRING, PRINTABLE_STRING, TELETEX_STRING, UNIVERSAL_STRING, UTF8_STRING, encode,
};

const O: &[u8] = &[0x55, 4, 10];
const OU: &[u8] = &[0x55, 4, 11];
const CN: &[u8] = COMMON_NAME;
const SERIAL: &[u8] = &[0x55, 4, 5];

type Attribute<'a> = (&'a [u8], u8, &'a [u8]);

fn name(rdns: &[&[Attribute<'_>]]) -> Name {
    let attribute = |(kind, tag, value): &Attribute<'_>| {
        encode(SEQUENCE, &[&encode(OID, &[kind]), &encode(*tag, &[value])])
    };
    let rdns = rdns.iter().map(|rdn| {
        let attributes: Vec<Vec<u8>> = rdn.iter().map(attribute).collect();
        encode(SET, &attributes.iter().map(Vec::as_slice).collect::<Vec<_>>())
    });
    let rdns: Vec<Vec<u8>> = rdns.collect();
    Name::from_der(&encode(SEQUENCE, &rdns.iter().map(Vec::as_slice).collect::<Vec<_>>())).unwrap()
}

/// One attribute, UTF8String.
fn utf8<'a>(kind: &'a [u8], value: &'a str) -> Attribute<'a> {
    (kind, UTF8_STRING, value.as_bytes())
}

fn organization(tag: u8, value: &[u8]) -> Name {
    name(&[&[(O, tag, value)]])
}

#[track_caller]
fn same(one: &Name, other: &Name) {
    assert!(one.matches(other) && other.matches(one), "{one} | {other}");
    assert!(SubjectRule::CommonNameMayChange.allows(one, other));
}

#[track_caller]
fn another(one: &Name, other: &Name) {
    assert!(!one.matches(other) && !other.matches(one), "{one} | {other}");
}

#[test]
fn types_of_string_case_and_blanks_are_no_difference() {
    let plain = organization(PRINTABLE_STRING, b"NTT DATA Corporation");
    let bmp: Vec<u8> = "NTT DATA Corporation".encode_utf16().flat_map(u16::to_be_bytes).collect();
    let universal: Vec<u8> =
        "NTT DATA Corporation".chars().flat_map(|c| u32::from(c).to_be_bytes()).collect();
    for (tag, value) in [
        (UTF8_STRING, &b"NTT DATA Corporation"[..]),
        (TELETEX_STRING, b"NTT DATA Corporation"),
        (IA5_STRING, b"NTT DATA Corporation"),
        (BMP_STRING, &bmp),
        (UNIVERSAL_STRING, &universal),
        (UTF8_STRING, b"ntt data CORPORATION"),
        (UTF8_STRING, b"  NTT  DATA \t Corporation "),
        (UTF8_STRING, "NTT\u{3000}DATA\u{a0}Corporation".as_bytes()),
        (UTF8_STRING, "N\u{200b}TT DA\u{ad}TA Corporation".as_bytes()),
        (UTF8_STRING, "ＮＴＴ ＤＡＴＡ Corporation".as_bytes()),
    ] {
        same(&plain, &organization(tag, value));
    }
    for value in ["NTTDATA Corporation", "NTT DATA Corporatio", "NTT DATA Corporation.", ""] {
        another(&plain, &organization(UTF8_STRING, value.as_bytes()));
    }
}

#[test]
fn case_is_folded_beyond_ascii() {
    for (one, other) in
        [("Straße", "STRASSE"), ("ΣΊΣΥΦΟΣ", "σίσυφος"), ("営業ｶ", "営業カ"), ("が", "か\u{3099}")]
    {
        same(&organization(UTF8_STRING, one.as_bytes()), &organization(UTF8_STRING, other.as_bytes()));
    }
    another(&organization(UTF8_STRING, "営業部".as_bytes()), &organization(UTF8_STRING, "営業郡".as_bytes()));
    // The Teletex of old Japanese CAs is Shift_JIS.
    let (shift_jis, _, _) = encoding_rs::SHIFT_JIS.encode("営業部");
    same(&organization(UTF8_STRING, "営業部".as_bytes()), &organization(TELETEX_STRING, &shift_jis));
}

/// Where bytes are no characters nothing is replaced, so that two different ones do not become one.
#[test]
fn what_cannot_be_decoded_is_compared_byte_for_byte() {
    for tag in [UTF8_STRING, BMP_STRING, UNIVERSAL_STRING, 0x03] {
        let (one, other) = (organization(tag, b"\xffa\xff"), organization(tag, b"\xffb\xff"));
        another(&one, &other);
        same(&one, &organization(tag, b"\xffa\xff"));
    }
    another(&organization(UTF8_STRING, "\u{fffd}".as_bytes()), &organization(UTF8_STRING, b"\xff"));
}

#[test]
fn order_and_number_of_units_count_and_the_order_within_a_set_does_not() {
    let units = |values: &[&str]| {
        let rdns: Vec<[Attribute<'_>; 1]> = values.iter().map(|value| [utf8(OU, value)]).collect();
        name(&rdns.iter().map(|rdn| &rdn[..]).collect::<Vec<_>>())
    };
    same(&units(&["a", "b"]), &units(&["A", "b "]));
    for other in [&["b", "a"][..], &["a"], &["a", "b", "b"], &["a", "a", "b"]] {
        another(&units(&["a", "b"]), &units(other));
    }
    let (a, b) = (utf8(OU, "a"), utf8(O, "b"));
    same(&name(&[&[a, b]]), &name(&[&[b, a]]));
    another(&name(&[&[a, b]]), &name(&[&[a], &[b]]));
    another(&name(&[&[a]]), &name(&[&[utf8(O, "a")]]));
}

/// One user by another spelling is the same user, whatever a request or a CA made of the name.
#[test]
fn who_is_named_does_not_hang_on_order_sets_and_repetition() {
    let (o, ou, cn) = (utf8(O, "Manual Bank"), utf8(OU, "sales"), utf8(CN, "Taro"));
    let old = name(&[&[o], &[ou], &[cn]]);
    for same in [
        name(&[&[cn], &[ou], &[o]]),
        name(&[&[ou], &[cn], &[o]]),
        name(&[&[o, ou, cn]]),
        name(&[&[cn, o], &[ou]]),
        name(&[&[o], &[ou], &[ou], &[cn]]),
        name(&[&[utf8(CN, " TARO ")], &[(O, PRINTABLE_STRING, b"manual  bank")], &[utf8(OU, "Sales")]]),
        name(&[&[o], &[ou], &[utf8(OU, " \u{3000}")], &[cn]]),
    ] {
        assert!(old.has_same_attributes(&same) && same.has_same_attributes(&old), "{same}");
    }
    for another in [
        name(&[&[o], &[cn]]),
        name(&[&[o], &[ou], &[utf8(OU, "tokyo")], &[cn]]),
        name(&[&[o], &[ou], &[utf8(CN, "Jiro")]]),
        name(&[&[o], &[utf8(CN, "sales")], &[utf8(OU, "Taro")]]),
        name(&[&[o], &[ou], &[cn, utf8(SERIAL, "1")]]),
        name(&[]),
    ] {
        assert!(!old.has_same_attributes(&another) && !another.has_same_attributes(&old), "{another}");
    }
}

#[test]
fn the_common_name_may_change_and_nothing_else() {
    let rule = SubjectRule::CommonNameMayChange;
    let (o, ou, cn) = (utf8(O, "firm"), utf8(OU, "CA - G4"), utf8(CN, "202003041536"));
    let old = name(&[&[o], &[ou], &[cn]]);
    let new_cn = utf8(CN, "202103041536");
    let allowed = [
        name(&[&[o], &[ou], &[new_cn]]),
        name(&[&[(O, PRINTABLE_STRING, b"FIRM")], &[ou], &[new_cn]]),
        name(&[&[new_cn], &[o], &[ou]]),
        name(&[&[o], &[ou, new_cn]]),
    ];
    for new in &allowed {
        assert!(rule.allows(&old, new), "{new}");
        assert!(!SubjectRule::Exact.allows(&old, new) && SubjectRule::Any.allows(&old, new));
    }
    let refused = [
        name(&[&[o], &[ou]]),
        name(&[&[o], &[ou], &[cn], &[new_cn]]),
        name(&[&[o], &[ou], &[utf8(CN, "")]]),
        name(&[&[o], &[ou], &[utf8(CN, " \u{3000} ")]]),
        name(&[&[o], &[new_cn]]),
        name(&[&[utf8(O, "other")], &[ou], &[new_cn]]),
        name(&[&[o], &[utf8(OU, "CA - G5")], &[new_cn]]),
        name(&[&[o], &[ou], &[ou], &[new_cn]]),
        name(&[&[ou], &[o], &[new_cn]]),
        name(&[&[o], &[ou], &[new_cn, utf8(SERIAL, "1")]]),
        name(&[]),
    ];
    for new in &refused {
        assert!(!rule.allows(&old, new), "{new}");
    }
    // In a set with others the rest of the set stays.
    let joined = name(&[&[o], &[cn, utf8(SERIAL, "1")]]);
    assert!(rule.allows(&joined, &name(&[&[o], &[utf8(SERIAL, "1"), new_cn]])));
    assert!(!rule.allows(&joined, &name(&[&[o], &[utf8(SERIAL, "2"), new_cn]])));
    // Some CAs put two units into one set, which has no order.
    let (a, b) = (utf8(OU, "a"), utf8(OU, "b"));
    assert!(rule.allows(&name(&[&[o], &[b], &[a], &[cn]]), &name(&[&[o], &[a, b], &[new_cn]])));
    assert!(!rule.allows(&name(&[&[o], &[b], &[a], &[cn]]), &name(&[&[o], &[a, a], &[new_cn]])));
    assert!(!rule.allows(&name(&[&[o], &[b], &[a], &[cn]]), &name(&[&[o], &[a], &[b], &[new_cn]])));
    // A name of nothing but a common name may not become one of nothing.
    assert!(!rule.allows(&name(&[&[cn]]), &name(&[])) && rule.allows(&name(&[]), &name(&[])));
    assert!(rule.allows(&name(&[&[o]]), &name(&[&[o], &[cn]])), "one may come where there was none");
}

#[test]
fn names_of_rules_are_read_back() {
    for rule in SubjectRule::ALL {
        assert_eq!(rule.to_string().parse::<SubjectRule>().unwrap(), *rule);
    }
    assert_eq!("CN=exact".parse::<SubjectRule>().unwrap_err().code(), Code::BadArgument);
    assert_eq!(SubjectRule::default(), SubjectRule::CommonNameMayChange);
}
