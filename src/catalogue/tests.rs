use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::*;
use crate::error::{Code, Fact};

fn machine(os: Os, bits: u32, environment: &[(&str, &str)]) -> Machine {
    let environment = environment.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    Machine { os, bits, multiarch: "x86_64-linux-gnu".into(), environment }
}

fn windows(bits: u32) -> Machine {
    machine(Os::Windows, bits, &[("SYSTEMROOT", r"C:\Windows"), ("ProgramFiles", r"C:\Program Files")])
}

fn usb(text: &str) -> UsbId {
    text.parse().unwrap()
}

fn ids(families: Vec<&Family>) -> Vec<&str> {
    families.into_iter().map(|family| family.id.as_str()).collect()
}

/// That every entry names known sources is checked whenever the file is parsed.
#[test]
fn the_built_in_catalogue_is_consistent() {
    let catalogue = Catalogue::builtin();
    let mut devices = BTreeMap::<UsbId, Vec<bool>>::new();
    let mut names = Vec::new();
    for family in catalogue.families() {
        assert!(!family.modules.is_empty(), "{} has no driver", family.id);
        assert!(family.id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'));
        assert!(Profile::builtin().iter().any(|p| p.name == family.profile), "{}", family.profile);
        names.push(&family.id);
        let mut within: Vec<_> = family.devices.iter().map(|device| device.usb).collect();
        within.dedup();
        assert_eq!(within.len(), family.devices.len(), "{}", family.id);
        for device in &family.devices {
            devices.entry(device.usb).or_default().push(device.shared);
            assert!(!device.name.is_empty(), "{}", device.usb);
            assert!(device.class != Class::Unknown || device.uncertain, "{}", device.usb);
        }
        for module in &family.modules {
            let suffixes: &[&str] = match module.os {
                Os::Windows => &[".dll"],
                Os::Macos => &[".dylib", ".so"],
                Os::Linux => &[".so", ".so.1.0.0"],
            };
            assert!(suffixes.iter().any(|suffix| module.file.ends_with(suffix)), "{}", module.file);
            assert!(!module.file.contains(['/', '\\']), "{}", module.file);
        }
    }
    names.sort();
    names.dedup();
    assert_eq!(names.len(), catalogue.families().len());
    for (usb, shared) in devices {
        assert!(shared.len() == 1 || shared.iter().all(|shared| *shared), "{usb} stands twice, not shared");
    }
    assert_eq!(Profile::builtin().iter().find(|p| p.name == "generic"), Some(&Profile::generic()));
}

#[test]
fn every_folder_is_absolute_on_its_system() {
    for machine in [windows(64), windows(32), machine(Os::Macos, 64, &[]), machine(Os::Linux, 64, &[])] {
        for family in Catalogue::builtin().families() {
            let modules = family.modules.iter().filter(|module| module.os == machine.os);
            let fitting =
                modules.filter(|module| module.bits.is_none_or(|bits| bits == machine.bits)).count();
            let wanted = Catalogue::builtin().wanted(family, &machine);
            assert_eq!(wanted.len(), fitting);
            for folder in wanted.iter().flat_map(|wanted| &wanted.folders) {
                let folder = folder.to_str().unwrap();
                assert!(machine.is_absolute(folder), "{}: {folder}", family.id);
                assert!(!folder.contains(['%', '{']) && !folder.contains(".."), "{folder}");
            }
            assert!(wanted.iter().all(|wanted| !wanted.folders.is_empty()));
        }
    }
}

#[test]
fn every_family_of_the_market_is_there() {
    let catalogue = Catalogue::builtin();
    for (device, family) in [
        ("0529:0620", "safenet-etoken"),
        ("08e6:34cc", "safenet-etoken-idprime"),
        ("08e6:8141", "gemalto-idprime"),
        ("096e:0807", "feitian-epass2003"),
        ("096e:0702", "feitian-epass-older"),
        ("072f:90db", "acs-cryptomate"),
        ("25dd:2341", "bit4id"),
        ("0dc3:0900", "athena-idprotect"),
        ("163c:0406", "watchdata"),
    ] {
        assert_eq!(ids(catalogue.families_of(usb(device))), [family]);
    }
    assert_eq!(ids(catalogue.families_of(usb("163c:0417"))), ["watchdata", "watchdata-proxkey"]);
    assert!(catalogue.families_of(usb("1234:5678")).is_empty());
    assert_eq!(catalogue.vendor(0x0529), Some("Aladdin Knowledge Systems"));
    assert_eq!(catalogue.vendor(0x1234), None);
}

#[test]
fn drivers_are_known_by_their_file_names() {
    let catalogue = Catalogue::builtin();
    let of = |file| ids(catalogue.families_of_driver(file));
    assert_eq!(of("libeToken.so"), ["safenet-etoken"]);
    assert_eq!(of("libeToken.so.10.8.28"), ["safenet-etoken"]);
    assert_eq!(of("ETPKCS11.DLL"), ["safenet-etoken", "safenet-etoken-idprime"]);
    assert_eq!(of("opensc-pkcs11.so"), ["opensc"]);
    for unknown in ["libeTokens.so", "LIBETOKEN.SO", "libsofthsm2.so", "", "xlibeToken.so"] {
        assert!(of(unknown).is_empty(), "{unknown}");
    }
}

#[test]
fn a_32_bit_program_looks_for_other_files_in_other_folders() {
    let catalogue = Catalogue::builtin();
    let family = catalogue.families_of(usb("08e6:34cf"))[0];
    let look = |machine: &Machine| catalogue.wanted(family, machine);
    let wide = look(&windows(64));
    let files: Vec<_> = wide.iter().map(|wanted| wanted.file.as_str()).collect();
    assert_eq!(files, ["eTPKCS11.dll", "IDPrimePKCS1164.dll"]);
    assert_eq!(wide[0].folders, [PathBuf::from(r"C:\Windows\System32")]);
    assert_eq!(
        wide[1].folders,
        [r"C:\Program Files\SafeNet\Authentication\SAC\x64", r"C:\Windows\System32"].map(PathBuf::from)
    );
    let narrow = look(&windows(32));
    assert_eq!(narrow[1].file, "IDPrimePKCS11.dll");
    assert_eq!(narrow[0].folders[0], PathBuf::from(r"C:\Windows\SysWOW64"));
    // Without the environment there is no folder to look in.
    assert!(look(&machine(Os::Windows, 64, &[])).iter().all(|wanted| wanted.folders.is_empty()));
    let linux = look(&machine(Os::Linux, 64, &[]));
    assert_eq!(linux.len(), 1);
    assert!(linux[0].folders.contains(&"/usr/lib/x86_64-linux-gnu".into()));
}

#[test]
fn a_profile_is_chosen_by_what_token_and_driver_say() {
    let choose =
        |token, library: &str, driver| Profile::of(token, || library.to_owned(), driver).name.clone();
    assert_eq!(choose("SafeNet, Inc.", "", ""), "safenet");
    assert_eq!(choose("", "feitian technologies", ""), "feitian");
    assert_eq!(choose("Gemalto", "SafeNet, Inc.", "libeToken.so"), "idprime");
    // The file tells which of a maker's, but nothing by itself or against the maker.
    assert_eq!(choose("", "SafeNet, Inc.", "libIDPrimePKCS11.so"), "idprime");
    assert_eq!(choose("", "", "libbit4opki.so"), "generic");
    assert_eq!(choose("", "SoftHSM", "libbit4opki.so"), "generic");
    // Two families with different profiles share this file.
    assert_eq!(choose("", "SafeNet, Inc.", "eTPKCS11.dll"), "safenet");
    assert_eq!(choose("SoftHSM project", "SoftHSM", "libsofthsm2.so"), "generic");
    assert_eq!(choose("", "", ""), "generic");
    assert_eq!(choose("Ф", "Saf", "x"), "generic");
    assert!(Profile::of("EnterSafe", String::new, "").public_key_in_session);
}

/// What no implementation of docs/tokens.md shows is marked.
#[test]
fn every_profile_but_the_usual_one_is_uncertain() {
    let certain = Profile::builtin().iter().filter(|profile| !profile.uncertain);
    assert_eq!(certain.map(|profile| &*profile.name).collect::<Vec<_>>(), ["generic"]);
}

#[test]
fn the_driver_is_asked_only_when_the_token_does_not_tell() {
    let asked = || unreachable!("the token said it");
    assert_eq!(Profile::of("Aladdin Ltd.", asked, "").name, "safenet");
}

fn with_user(contents: &[u8]) -> Result<Catalogue> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("drivers.toml");
    fs::write(&file, contents).unwrap();
    Catalogue::builtin().with_user_file(&file)
}

#[test]
fn a_users_own_drivers_come_first() {
    let text = b"[[driver]]\nname = \"B\"\npath = \"/opt/b/libb.so\"\nusb = [\"0529:0620\", \"ABCD:0001\"]\n";
    let catalogue = with_user(text).unwrap();
    assert_eq!(catalogue.families()[0].id, "user:B");
    assert_eq!(catalogue.families().len(), Catalogue::builtin().families().len() + 1);
    assert_eq!(ids(catalogue.families_of(usb("0529:0620"))), ["user:B", "safenet-etoken"]);
    assert_eq!(ids(catalogue.families_of(usb("abcd:0001"))), ["user:B"]);
    let wanted = catalogue.wanted(&catalogue.families()[0], &Machine::current());
    assert_eq!(wanted, [Wanted { file: "libb.so".into(), folders: vec!["/opt/b".into()] }]);
    assert_eq!(with_user(b"").unwrap().families().len(), Catalogue::builtin().families().len());
}

#[test]
fn a_users_file_that_is_missing_adds_nothing_and_one_that_cannot_be_read_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let missing = Catalogue::builtin().with_user_file(&folder.path().join("no.toml")).unwrap();
    assert_eq!(missing.families().len(), Catalogue::builtin().families().len());
    let error = Catalogue::builtin().with_user_file(folder.path()).unwrap_err();
    assert_eq!(error.code(), Code::FileUnreadable);
    assert_eq!(with_user(b"\xff\xfe").unwrap_err().code(), Code::FileUnreadable);
    assert_eq!(with_user(&vec![b' '; (1 << 20) + 1]).unwrap_err().code(), Code::FileUnreadable);
}

#[test]
fn a_mistake_in_a_users_file_is_told_with_its_line() {
    for (text, line, what) in [
        ("[[driver]]\nname = \"B\"\n", "1", "path"),
        ("[[driver]]\nname = \"B\"\npath = \"b.so\"\n", "1", "absolute"),
        ("[[driver]]\nname = \"\"\npath = \"/b.so\"\n", "1", "name"),
        ("\n\n[[driver]]\nname = \"B\"\npath = \"/b.so\"\nusb = [\"123\"]\n", "3", "vvvv:pppp"),
        ("[[driver]]\nname = \"B\"\npath = \"/b.so\"\nusb = [\"+123:4567\"]\n", "1", "vvvv:pppp"),
        ("[[driver]]\nname = \"B\"\npath = \"/b.so\"\nlibrary = 1\n", "4", "library"),
        ("[[drivers]]\n", "1", "drivers"),
        ("[[driver]]\nname = B\n", "2", ""),
        ("[[driver]]\nname = \"B\"\npath = \"/\"\n", "1", "absolute"),
    ] {
        let error = with_user(text.as_bytes()).expect_err(text);
        assert_eq!(error.code(), Code::BadArgument, "{text}");
        assert!(error.facts().any(|(fact, value)| fact == Fact::Line && value == line), "{text}: {error}");
        assert!(error.facts().any(|(_, value)| value.contains(what)), "{text}: {error}");
        assert!(error.facts().any(|(fact, value)| fact == Fact::Path && value.ends_with("drivers.toml")));
    }
}

#[test]
fn the_users_file_is_in_the_folder_of_the_platform() {
    let find = |os, environment: &[(&str, &str)]| user_file(&machine(os, 64, environment));
    let path = |text: &str| Some(Path::new(text).to_path_buf());
    let home = ("HOME", "/home/a");
    assert_eq!(find(Os::Linux, &[home]), path("/home/a/.config/usbtoken/drivers.toml"));
    assert_eq!(find(Os::Linux, &[home, ("XDG_CONFIG_HOME", "/c")]), path("/c/usbtoken/drivers.toml"));
    // The XDG specification says that a relative path is ignored.
    assert_eq!(
        find(Os::Linux, &[home, ("XDG_CONFIG_HOME", "c")]),
        path("/home/a/.config/usbtoken/drivers.toml")
    );
    assert_eq!(find(Os::Linux, &[("HOME", "")]), None);
    assert_eq!(find(Os::Macos, &[home]), path("/home/a/Library/Application Support/usbtoken/drivers.toml"));
    let found = find(Os::Windows, &[("AppData", r"C:\Users\a\AppData\Roaming")]).unwrap();
    assert!(found.starts_with(r"C:\Users\a\AppData\Roaming") && found.ends_with("usbtoken/drivers.toml"));
    assert_eq!(find(Os::Windows, &[("APPDATA", "x")]), None);
}

#[test]
fn a_catalogue_without_sources_is_refused() {
    let without = data::BUILTIN.replacen("sources = [\"libccid\", \"usb-ids\"]", "sources = []", 1);
    assert!(Catalogue::parse(&without).unwrap_err().contains("no source"));
    let unknown = data::BUILTIN.replacen("sources = [\"libccid\"]", "sources = [\"hearsay\"]", 1);
    assert!(Catalogue::parse(&unknown).unwrap_err().contains("hearsay"));
    let number = data::BUILTIN.replacen("0529:0620", "529:620", 1);
    assert!(Catalogue::parse(&number).is_err());
}
