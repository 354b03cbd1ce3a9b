//! Objects as other programs leave them: right by the letter and unusual, or not even that.

use cryptoki::object::{Attribute, CertificateType, KeyType, ObjectClass};
use cryptoki::types::Date;

use super::folder::SoftToken;
use super::inspector::Inspector;
use crate::ca::{NameDer, TestCa, Text};
use crate::clock::days_from_now;
use crate::key::{Kind, SoftKey};

/// A record of ours on what is no key; the day and the digest mean nothing.
const RECORD: &str = "ut2oCdkmc5xQL1FejSvvfVmXjwECAwQF";

impl SoftToken {
    /// Objects that can be read, and that a program may have trouble with.
    pub fn odd_objects(&self, ca: &TestCa) {
        let subject = |name: &str| NameDer::new().common(Text::Utf8, name).to_der();
        let spki = || SoftKey::generate(Kind::P256).spki();
        let plain = |name: &str| ca.issue(&subject(name), &spki()).not_after(days_from_now(200)).der();
        let with = |name: &str, oid: &str, critical: bool, value: &[u8]| {
            ca.issue(&subject(name), &spki())
                .not_after(days_from_now(200))
                .extension(oid, critical, value)
                .der()
        };
        let numbered = |name: &str, serial: &[u8]| {
            ca.issue(&subject(name), &spki()).not_after(days_from_now(200)).serial(serial).der()
        };
        let date = |year: &[u8; 4]| Date::new(*year, *b"01", *b"01");
        self.inspect(|inspector| {
            let labels: [(&[u8], &[u8]); 5] = [
                (&[0xa0], b"\x89\x63\x8b\xc6\x95\x94"),
                (&[0xa1], b"\xfe\xff\x55\xb6\x69\x6d\x90\xe8"),
                (&[0xa2], b"a\0b\0"),
                (&[0xa3], &[b'L'; 2000]),
                (&[0xa4], b""),
            ];
            for (id, label) in labels {
                inspector.write_certificate(&plain(&format!("label {id:02x?}")), id, "x");
                inspector.relabel(id, label);
            }
            for (id, label) in [(&[][..], "no identifier"), (&[], ""), (&[b'I'; 100], "long identifier")] {
                inspector.write_certificate(&plain(label), id, label);
            }
            let large = with("large", "1.2.392.1.2", false, &[0x55; 70_000]);
            let unknown = with("critical", "1.2.392.1.3", true, &[0xff, 0xff]);
            let padded = [plain("padded"), vec![0; 40], b"more".to_vec()].concat();
            let negative = numbered("negative", &[0x81, 7]);
            let long = numbered("long", &[0x7f; 24]);
            let several = [large, unknown, padded, negative, long];
            for (value, id) in several.iter().zip(0xb0..) {
                inspector.write_as_certificate(value, &[id], "odd");
            }
            let dated = Attribute::Value(plain("dated"));
            inspector.create_odd(
                ObjectClass::CERTIFICATE,
                &[0xb8],
                "dates",
                [
                    Attribute::CertificateType(CertificateType::X_509),
                    Attribute::Subject(vec![0x30, 0]),
                    Attribute::StartDate(date(b"9999")),
                    Attribute::EndDate(date(b"0000")),
                    dated,
                ],
            );
            // What is no certificate and no key of a pair, under our identifier or with our record.
            for (id, label) in [([1], "bank"), ([0xc0], RECORD)] {
                let value = [Attribute::KeyType(KeyType::AES), Attribute::Value(vec![7; 16])];
                inspector.create_odd(ObjectClass::SECRET_KEY, &id, label, value);
            }
            inspector.write_data(RECORD, &plain("data"));
            inspector.write_data("bank", b"");
        });
    }

    /// Certificate objects that hold no certificate, or more than any program reads.
    pub fn broken_objects(&self, ca: &TestCa) {
        let subject = NameDer::new().common(Text::Utf8, "cut").to_der();
        let der = ca.issue(&subject, &SoftKey::generate(Kind::P256).spki()).der();
        let garbage = [&[0x30, 0x82, 0x01, 0xf0][..], &[0x5a; 496]].concat();
        let cut = der.get(..200).expect("a certificate is longer");
        let vast = [&[0x30, 0x83, 0x18, 0, 0][..], &[0; 0x18_0000]].concat();
        let all = [&[][..], &garbage, cut, b"\x30\x03abc", b"not DER at all", &vast];
        self.inspect(|inspector| {
            for (value, id) in all.into_iter().zip(0xd0..) {
                inspector.write_as_certificate(value, &[id], "broken");
            }
        });
    }
}

impl Inspector {
    fn create_odd(
        &self,
        class: ObjectClass,
        id: &[u8],
        label: &str,
        more: impl IntoIterator<Item = Attribute>,
    ) {
        let mut template = vec![
            Attribute::Class(class),
            Attribute::Token(true),
            Attribute::Private(class == ObjectClass::SECRET_KEY),
            Attribute::Id(id.to_vec()),
            Attribute::Label(label.as_bytes().to_vec()),
        ];
        template.extend(more);
        self.session.create_object(&template).expect("C_CreateObject of an odd object");
    }
}
