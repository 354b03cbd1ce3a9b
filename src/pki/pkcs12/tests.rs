//! Files that openssl wrote, right and wrong ones.

use super::*;
use crate::pki::openssl::OpenSsl;
use std::time::{Duration, Instant};

const PASSWORD: &str = "ひみつ🗝鍵1";

/// A leaf with its key, its CA, and the password in a file.
fn issued() -> (OpenSsl, Certificate, Certificate) {
    let openssl = OpenSsl::new();
    let ca = openssl.ca("ca");
    openssl.key("leaf", "P-256");
    let leaf = openssl.leaf("leaf", "ca");
    openssl.write("password", format!("{PASSWORD}\n"));
    (openssl, leaf, ca)
}

fn export(openssl: &OpenSsl, options: &str) -> Vec<u8> {
    openssl.run(&format!(
        "pkcs12 -export -in leaf.pem -inkey leaf.key -certfile ca.pem -passout file:password -out leaf.p12 {options}"
    ));
    openssl.read("leaf.p12")
}

fn refused(bytes: &[u8], password: Option<&str>) -> Code {
    Pkcs12::read(bytes, password).unwrap_err().code()
}

#[test]
fn every_way_in_which_programs_export_is_read() {
    let (openssl, leaf, ca) = issued();
    let old = "-legacy -certpbe PBE-SHA1-RC2-40 -keypbe PBE-SHA1-3DES -macalg sha1";
    for options in [
        "",
        old,
        "-legacy -certpbe PBE-SHA1-3DES",
        "-legacy -certpbe PBE-SHA1-2DES",
        "-legacy -certpbe PBE-SHA1-RC2-128",
        "-certpbe AES-128-CBC -macalg sha512 -iter 10000",
        "-certpbe DES-EDE3-CBC -macalg sha384",
        "-certpbe NONE -keypbe NONE",
        "-nomaciter -noiter",
    ] {
        let file = export(&openssl, options);
        assert!(Pkcs12::is_one(&file), "{options}");
        let read = Pkcs12::read(&file, Some(PASSWORD)).unwrap_or_else(|error| panic!("{options}: {error}"));
        assert_eq!(read.certificates().len(), 2, "{options}");
        assert!(read.certificates().contains(&ca), "{options}");
        assert_eq!(read.with_key().collect::<Vec<_>>(), [&leaf], "{options}");
        assert_eq!(refused(&file, Some("falsch")), Code::Pkcs12PasswordWrong, "{options}");
        assert_eq!(refused(&file, None), Code::Pkcs12PasswordNeeded, "{options}");
        let empty = refused(&file, Some(""));
        assert_eq!(empty, Code::Pkcs12PasswordWrong, "{options}");
    }
    // openssl leaves the certificates open there.
    let open = export(&openssl, "-nomac");
    assert_eq!(Pkcs12::read(&open, None).unwrap().certificates().len(), 2);
}

#[test]
fn the_empty_password_is_one() {
    let (openssl, leaf, _) = issued();
    openssl.write("password", "\n");
    for options in ["", "-legacy -certpbe PBE-SHA1-3DES"] {
        let file = export(&openssl, options);
        for password in [None, Some("")] {
            let read = Pkcs12::read(&file, password).unwrap();
            assert_eq!(read.with_key().collect::<Vec<_>>(), [&leaf], "{options}");
        }
    }
}

#[test]
fn a_file_in_text_is_found() {
    let (openssl, leaf, _) = issued();
    let file = export(&openssl, "");
    let pem = pem::encode("PKCS12", &file);
    let alone: String = pem.lines().filter(|line| !line.starts_with('-')).collect::<Vec<_>>().join("\r\n");
    let utf16: Vec<u8> = [0xfeff].into_iter().chain(pem.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    for text in
        [pem.clone().into_bytes(), alone.into_bytes(), utf16, [b"\xef\xbb\xbf", pem.as_bytes()].concat()]
    {
        let found = pfx_in(&text).expect("it is there");
        assert_eq!(Pkcs12::read(&found, Some(PASSWORD)).unwrap().with_key().collect::<Vec<_>>(), [&leaf]);
    }
    assert!(
        pfx_in(leaf.der()).is_none() && pfx_in(leaf.to_pem().as_bytes()).is_none() && pfx_in(b"").is_none()
    );
}

/// Whatever a file says, reading it ends soon and without a panic; one that is cut off is known as that.
#[test]
fn damaged_files_have_their_errors() {
    let (openssl, ..) = issued();
    let file = export(&openssl, "");
    let begun = Instant::now();
    for length in (0..file.len()).step_by(29) {
        let code = refused(&file[..length], Some(PASSWORD));
        assert_eq!(code, Code::Pkcs12Damaged, "{length}");
    }
    for at in (0..file.len()).step_by(11) {
        let mut changed = file.clone();
        changed[at] ^= 0x55;
        if let Err(error) = Pkcs12::read(&changed, Some(PASSWORD)) {
            let known = [Code::Pkcs12Damaged, Code::Pkcs12PasswordWrong, Code::Pkcs12Unsupported];
            assert!(known.contains(&error.code()), "{at}: {error}");
        }
    }
    // Far from tight: without bounds one changed number of rounds takes hours.
    assert!(begun.elapsed() < Duration::from_secs(400), "{:?}", begun.elapsed());
    assert_eq!(refused(&vec![0x30; MAX_FILE + 1], None), Code::Pkcs12Damaged);
    let other = Pkcs12::read(&export(&openssl, "-keypbe NONE -certpbe NONE"), Some(PASSWORD));
    assert!(other.is_ok());
}

#[test]
fn work_is_bounded() {
    let (openssl, ..) = issued();
    // INTEGER 65537, as every program writes it; afterwards 8,388,607, of which one alone would be little enough.
    let (few, many) = ([2, 3, 1, 0, 1], [2, 3, 0x7f, 0xff, 0xff]);
    for options in ["-iter 65537", "-iter 65537 -certpbe PBE-SHA1-3DES -legacy"] {
        let mut file = export(&openssl, options);
        let places: Vec<usize> = (0..file.len()).filter(|at| file[*at..].starts_with(&few)).collect();
        assert!(places.len() > 1, "{places:?}");
        places.iter().for_each(|at| file[*at..*at + many.len()].copy_from_slice(&many));
        // Refused before anything is derived, so that the wrong password does not show.
        let error = Pkcs12::read(&file, Some("wrong")).unwrap_err();
        assert_eq!(error.code(), Code::Pkcs12Unsupported);
        assert!(error.facts().any(|(fact, value)| fact == Fact::Reason && value == "too_many_rounds"));
    }
    assert_eq!(Work::of_a_file().spend(u64::MAX), Err(Trouble::TooMuch));
}

/// RFC 7292 appendix B.2, the values of the test suite of Bouncy Castle.
#[test]
fn keys_are_derived_as_others_do() {
    use super::derive::{Purpose, key};
    let password = as_bmp("smeg");
    let hex = |text: &str| base16ct::lower::decode_vec(text).unwrap();
    let salt = hex("0a58cf64530d823f");
    assert_eq!(
        *key::<Sha1>(Purpose::Encryption, &password, &salt, 1, 24),
        hex("8aaae6297b6cb04642ab5b077851284eb7128f1a2a7fbca3")
    );
    assert_eq!(*key::<Sha1>(Purpose::InitialVector, &password, &salt, 1, 8), hex("79993dfe048d3b76"));
    let salt = hex("3d83c0e4546ac140");
    assert_eq!(
        *key::<Sha1>(Purpose::Mac, &password, &salt, 1, 20),
        hex("8d967d88f6caa9d714800ab3d48051d63f73a312")
    );
}
