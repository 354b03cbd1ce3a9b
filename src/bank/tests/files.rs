//! Files on the disk: who can write them, and what the folder of installed profiles makes of them.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::{SHORT, fact};
use crate::bank::{Bank, Installed};
use crate::driver::TokenIdentity;
use crate::error::{Code, Error, Fact};

/// A folder with these profiles.
fn folder(profiles: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in profiles {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn other(label: &str) -> String {
    SHORT.replace("token=BANK", label)
}

fn code(result: Result<Bank, Error>) -> Code {
    result.map(|_| ()).unwrap_err().code()
}

#[test]
fn a_file_is_named_in_every_error() {
    let folder = folder(&[("a.toml", "version = 3")]);
    let file = folder.path().join("a.toml");
    let error = Bank::open(&file).unwrap_err();
    assert_eq!(error.code(), Code::ProfileVersion);
    assert_eq!(fact(&error, Fact::Path), file.display().to_string());
    assert_eq!(code(Bank::open(&folder.path().join("none.toml"))), Code::ProfileNotFound);
    assert_eq!(code(Bank::open(folder.path())), Code::FileUnreadable);
    fs::write(&file, vec![b' '; 10 << 20]).unwrap();
    assert_eq!(code(Bank::open(&file)), Code::ProfileTooLarge);
    fs::write(&file, SHORT).unwrap();
    let bank = Bank::open(&file).unwrap();
    assert_eq!((bank.id.as_str(), Bank::problems(&file).len()), ("a", 0));
}

#[cfg(unix)]
fn chmod(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[cfg(unix)]
#[test]
fn a_profile_that_others_can_write_is_refused_with_the_reason() {
    let outer = folder(&[]);
    let inner = outer.path().join("banks.d");
    fs::create_dir(&inner).unwrap();
    let file = inner.join("a.toml");
    fs::write(&file, SHORT).unwrap();
    for (path, mode, right) in [(&file, 0o666, 0o644), (&inner, 0o777, 0o755)] {
        chmod(path, mode);
        let error = Bank::open(&file).unwrap_err();
        assert_eq!(error.code(), Code::ProfileUntrusted);
        assert!(fact(&error, Fact::Found).starts_with(&format!("{}: mode", path.display())), "{error}");
        assert_eq!(fact(&error, Fact::Expected), "o-w");
        assert_eq!(Bank::problems(&file)[0].code(), Code::ProfileUntrusted);
        chmod(path, right);
    }
    assert!(Bank::open(&file).is_ok());
}

/// Others change nothing in a sticky folder that is not theirs, and what they add is a profile all the same.
#[cfg(unix)]
#[test]
fn a_folder_to_which_others_can_add_holds_no_profiles() {
    let folder = folder(&[("a.toml", SHORT)]);
    let installed = Installed::in_folder(folder.path());
    for (mode, expected) in [(0o1777, Some("o-w")), (0o1703, Some("o-w")), (0o1755, None), (0o755, None)] {
        chmod(folder.path(), mode);
        assert!(Bank::open(&folder.path().join("a.toml")).is_ok(), "{mode:o}");
        for opened in [installed.named("a"), installed.only().map(Option::unwrap)] {
            let Some(expected) = expected else {
                assert!(opened.is_ok(), "{mode:o}");
                continue;
            };
            let error = opened.unwrap_err();
            assert_eq!(error.code(), Code::ProfileUntrusted);
            assert!(
                fact(&error, Fact::Found).ends_with(&format!("mode {mode:o}, group {}", gid(folder.path())))
            );
            assert_eq!(fact(&error, Fact::Expected), expected);
        }
    }
}

#[cfg(unix)]
fn gid(path: &Path) -> u32 {
    use std::os::unix::fs::MetadataExt;
    path.metadata().unwrap().gid()
}

#[cfg(unix)]
#[test]
fn a_link_is_as_good_as_both_its_ends() {
    let outer = folder(&[("a.toml", SHORT)]);
    let loose = outer.path().join("loose");
    fs::create_dir(&loose).unwrap();
    let link = loose.join("b.toml");
    std::os::unix::fs::symlink(outer.path().join("a.toml"), &link).unwrap();
    assert!(Bank::open(&link).is_ok());
    chmod(&loose, 0o777);
    assert_eq!(
        code(Bank::open(&link)),
        Code::ProfileUntrusted,
        "who can write the folder can replace the link"
    );
    chmod(&loose, 0o755);
    chmod(&outer.path().join("a.toml"), 0o666);
    assert_eq!(code(Bank::open(&link)), Code::ProfileUntrusted);
}

#[cfg(unix)]
#[test]
fn a_pipe_or_a_device_is_no_profile_and_holds_nothing_up() {
    let folder = folder(&[]);
    let pipe = folder.path().join("a.toml");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    assert_eq!(code(Bank::open(&pipe)), Code::FileUnreadable);
    assert_eq!(code(Bank::open(Path::new("/dev/zero"))), Code::FileUnreadable);
}

#[test]
fn the_only_profile_is_the_default() {
    // A folder that was named is meant: without it no rule would hold.
    let only = |folder: &Path| Installed::in_folder(folder).only().unwrap_err().code();
    assert_eq!(only(Path::new("/nowhere/banks.d")), Code::FileUnreadable);
    assert_eq!(only(folder(&[]).path()), Code::ProfileNotFound);
    let one = folder(&[("a.toml", SHORT), ("a.toml.bak", "x"), (".hidden.toml", "x"), ("-x.toml", "x")]);
    let installed = Installed::in_folder(one.path());
    assert_eq!(installed.names().unwrap(), ["a"]);
    assert_eq!(installed.only().unwrap().unwrap().id, "a");
    assert_eq!(installed.named("a").unwrap().id, "a");

    fs::write(one.path().join("b.toml"), other("token=OTHER")).unwrap();
    let several = installed.only().unwrap_err();
    assert_eq!(several.code(), Code::ProfileAmbiguous);
    let candidates: Vec<&str> =
        several.facts().filter(|(fact, _)| *fact == Fact::Candidate).map(|(_, value)| value).collect();
    assert_eq!(candidates, ["a", "b"]);
    assert_eq!(installed.named("b").unwrap().id, "b");
    for missing in ["c", "", "..", "../a", "a.toml", ".hidden"] {
        assert_eq!(code(installed.named(missing)), Code::ProfileNotFound, "{missing}");
    }
}

#[test]
fn two_profiles_that_claim_one_token_are_refused() {
    let claims = |label: &str| {
        let folder = folder(&[("a.toml", SHORT), ("b.toml", &other(label))]);
        Installed::in_folder(folder.path()).named("a").map(|_| ())
    };
    for same in ["token=BANK", "token=BANK;model=X", "token=BANK;manufacturer=M;serial=1"] {
        let error = claims(same).unwrap_err();
        assert_eq!(error.code(), Code::ProfileOverlap, "{same}");
        let candidates: Vec<String> = error
            .facts()
            .filter(|(fact, _)| *fact == Fact::Candidate)
            .map(|(_, value)| value.to_owned())
            .collect();
        assert_eq!(candidates[0], "a: pkcs11:token=BANK");
        assert!(candidates[1].starts_with("b: pkcs11:token=BANK"), "{candidates:?}");
    }
    for apart in ["token=OTHER", "token=OTHER;model=X", "token=bank", "token=BANK2;manufacturer=M"] {
        assert!(claims(apart).is_ok(), "{apart}");
    }
}

/// The rules of a profile that claims it hold for a token, also where another profile is read and the token is named.
#[test]
fn a_token_that_an_installed_profile_claims_is_no_other_banks() {
    let own = folder(&[("mine.toml", &other("token=MINE")), ("copy.toml", SHORT)]);
    let installed = folder(&[("a.toml", SHORT), ("b.toml", &other("token=OTHER"))]);
    let (all, file) = (Installed::in_folder(installed.path()), own.path().join("mine.toml"));
    let mine = Bank::open(&file).unwrap();
    let token = |label: &str| TokenIdentity {
        label: label.to_owned(),
        manufacturer: "M".to_owned(),
        model: "X".to_owned(),
        serial: "1".to_owned(),
    };
    let refused = |bank: &Bank, label: &str| {
        all.check_token(bank, &token(label))
            .err()
            .map(|error| (error.code(), fact(&error, Fact::Bank).to_owned()))
    };
    assert_eq!(refused(&mine, "BANK"), Some((Code::TokenOfOtherBank, "a".to_owned())));
    assert_eq!(refused(&mine, "OTHER"), Some((Code::TokenOfOtherBank, "b".to_owned())));
    assert_eq!((refused(&mine, "MINE"), refused(&mine, "NOBODY'S")), (None, None));
    let a = all.named("a").unwrap();
    assert_eq!((refused(&a, "BANK"), refused(&a, "OTHER").is_some()), (None, true));
    // A copy and one that is in no file are others, whatever they say; a link is the file itself.
    for copy in [Bank::open(&own.path().join("copy.toml")).unwrap(), Bank::parse(SHORT.as_bytes()).unwrap()] {
        assert!(refused(&copy, "BANK").is_some() && all.admit(&copy).is_err());
    }
    #[cfg(unix)]
    {
        let link = own.path().join("link.toml");
        std::os::unix::fs::symlink(installed.path().join("a.toml"), &link).unwrap();
        let linked = Bank::open(&link).unwrap();
        assert!(refused(&linked, "BANK").is_none() && all.admit(&linked).is_ok());
    }
}

/// One names the label, the other the model: a token may have both.
#[test]
fn two_profiles_that_could_claim_one_token_are_refused_from_both_sides() {
    let code = |one: &str, other_one: &str| {
        let folder = folder(&[("a.toml", &other(one)), ("b.toml", &other(other_one))]);
        let installed = Installed::in_folder(folder.path());
        let both = ["a", "b"].map(|name| installed.named(name).map(|bank| bank.id));
        assert_eq!(both[0].is_ok(), both[1].is_ok(), "{one} {other_one}");
        both.into_iter().find_map(Result::err).map(|error| error.code())
    };
    for (one, other) in [
        ("token=BANK", "model=X"),
        ("token=BANK;manufacturer=M", "token=BANK;model=X"),
        ("manufacturer=M", "serial=1"),
        ("manufacturer=M;model=X", "token=BANK;model=X;serial=1"),
    ] {
        assert_eq!(code(one, other), Some(Code::ProfileOverlap), "{one} {other}");
    }
    for (one, other) in [
        ("token=BANK;manufacturer=M", "manufacturer=N;model=X"),
        ("token=BANK;model=X", "model=Y;serial=1"),
        ("serial=1", "serial=01"),
    ] {
        assert_eq!(code(one, other), None, "{one} {other}");
    }
}

/// One person's "Bank" is another's "bank", and on some systems both are one file.
#[test]
fn names_that_differ_in_case_only_are_ambiguous() {
    let folder = folder(&[("a.toml", SHORT), ("A.toml", &other("token=OTHER"))]);
    let installed = Installed::in_folder(folder.path());
    if installed.names().unwrap().len() == 2 {
        assert_eq!(code(installed.named("a")), Code::ProfileNamesAlike);
    }
}

#[cfg(unix)]
#[test]
fn a_folder_above_that_others_can_write_spoils_what_is_in_it() {
    let outer = folder(&[]);
    let inner = outer.path().join("one/two/banks.d");
    fs::create_dir_all(&inner).unwrap();
    fs::write(inner.join("a.toml"), SHORT).unwrap();
    assert!(Bank::open(&inner.join("a.toml")).is_ok());
    chmod(&outer.path().join("one"), 0o777);
    let error = Bank::open(&inner.join("a.toml")).unwrap_err();
    assert_eq!(error.code(), Code::ProfileUntrusted);
    assert!(fact(&error, Fact::Found).contains("/one: mode"), "{error}");
    // A link into it is no way around it.
    let link = outer.path().join("b.toml");
    std::os::unix::fs::symlink(inner.join("a.toml"), &link).unwrap();
    assert_eq!(code(Bank::open(&link)), Code::ProfileUntrusted);
    chmod(&outer.path().join("one"), 0o755);
    assert!(Bank::open(&link).is_ok());
    // Nor is a folder in the place of the file, nor a link that leads nowhere or in a circle.
    fs::create_dir(outer.path().join("c.toml")).unwrap();
    assert_eq!(code(Bank::open(&outer.path().join("c.toml"))), Code::FileUnreadable);
    let circle = outer.path().join("d.toml");
    std::os::unix::fs::symlink(&circle, &circle).unwrap();
    assert_eq!(code(Bank::open(&circle)), Code::FileUnreadable);
    let nowhere = outer.path().join("e.toml");
    std::os::unix::fs::symlink(outer.path().join("none"), &nowhere).unwrap();
    assert_eq!(code(Bank::open(&nowhere)), Code::ProfileNotFound);
}

/// The kernel keeps the list in an extended attribute (acl(5)): user 1 may write.
#[cfg(target_os = "linux")]
#[test]
fn a_user_whom_an_access_list_lets_write_is_somebody_else() {
    let folder = folder(&[("a.toml", SHORT)]);
    let file = folder.path().join("a.toml");
    let entry = |tag: u16, permissions: u16, id: u32| {
        [&tag.to_le_bytes()[..], &permissions.to_le_bytes(), &id.to_le_bytes()].concat()
    };
    let nobody = u32::MAX;
    let list = [
        2_u32.to_le_bytes().to_vec(),
        entry(0x01, 6, nobody),
        entry(0x02, 6, 1),
        entry(0x04, 4, nobody),
        entry(0x10, 6, nobody),
        entry(0x20, 4, nobody),
    ]
    .concat();
    let set = rustix::fs::setxattr(&file, "system.posix_acl_access", &list, rustix::fs::XattrFlags::empty());
    if matches!(set, Err(rustix::io::Errno::OPNOTSUPP)) {
        eprintln!("this file system keeps no access lists: nothing was shown");
        return;
    }
    set.unwrap();
    let error = Bank::open(&file).unwrap_err();
    assert_eq!(error.code(), Code::ProfileUntrusted);
    assert!(fact(&error, Fact::Found).contains("list: user 1"), "{error}");
}

#[test]
fn a_broken_neighbour_spoils_no_bank() {
    let folder = folder(&[("a.toml", SHORT), ("b.toml", "nonsense")]);
    let installed = Installed::in_folder(folder.path());
    assert_eq!(installed.named("a").unwrap().id, "a");
    assert_eq!(code(installed.named("b")), Code::ProfileSyntax);
    let all = installed.all().unwrap();
    assert_eq!(all.iter().map(|(_, result)| result.is_ok()).collect::<Vec<_>>(), [true, false]);
    // Which one is meant is asked all the same.
    let several = installed.only().unwrap_err();
    assert_eq!(several.code(), Code::ProfileAmbiguous);
    assert_eq!(fact(&several, Fact::Detail), "b: profile_syntax");
}

#[test]
fn a_file_in_place_of_the_folder_is_said() {
    let folder = folder(&[("a.toml", SHORT)]);
    let file: PathBuf = folder.path().join("a.toml");
    assert_eq!(Installed::in_folder(file).names().unwrap_err().code(), Code::FileUnreadable);
}
