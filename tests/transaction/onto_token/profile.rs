//! The old certificate is in the profile of a browser.

use super::*;
use std::time::SystemTime;

fn read_nss(profile: &Path, name: &str) -> Result<places::InPlace> {
    places::read_nss(profile, name, &Loading::default())
}

/// A profile as Firefox has it, with a primary password: its certificates are read without it, and nothing in it changes.
#[test]
fn a_certificate_in_a_browsers_profile_is_read() {
    let desk = Desk::new();
    let old = desk.old_until("old", days_from_now(11));
    let p12 = desk.export("old", "geheim", &["-name", "山田の証明書"]);
    let profile = desk.file("x.default 'profil'");
    std::fs::create_dir(&profile).unwrap();
    std::fs::write(desk.file("primary"), "primary-1\n").unwrap();
    let nss = |program: &str, words: &[&str]| {
        let folder = format!("sql:{}", profile.display());
        let output =
            Command::new(program).args(words).args(["-d", &folder]).current_dir(desk.files.path()).output();
        let output = output.expect("libnss3-tools: `cargo xtask test` installs it");
        assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    };
    nss("certutil", &["-N", "-f", "primary"]);
    let error = refused(read_nss(&profile, "").and_then(places::InPlace::only), Code::OldNotFound);
    assert!(error.facts().any(|(fact, _)| fact.name() == "place"), "{error}");
    nss("pk12util", &["-i", p12.to_str().unwrap(), "-W", "geheim", "-k", "primary"]);
    let files = ["cert9.db", "key4.db", "pkcs11.txt"].map(|name| profile.join(name));
    let before = files.each_ref().map(|file| std::fs::read(file).unwrap());
    for name in ["", "山田の証明書"] {
        let found = read_nss(&profile, name).unwrap().only().unwrap();
        assert_eq!(found.certificate(), &old);
        assert!(found.place().to_string().ends_with("#山田の証明書"), "{}", found.place());
    }
    let error = refused(read_nss(&profile, "somebody"), Code::OldNotFound);
    assert!(
        error.facts().any(|(fact, value)| fact.name() == "candidate" && value == "山田の証明書"),
        "{error}"
    );
    let kept = read_nss(&profile, "").unwrap().only().unwrap();
    assert_eq!(places::is_there(&kept, &Loading::default()), Some(true));
    assert_eq!(files.each_ref().map(|file| std::fs::read(file).unwrap()), before);
    assert_eq!(std::fs::read_dir(&profile).unwrap().count(), 3, "nothing was added");

    // What NSS exports, in BER and with rounds of its own, is read as a file.
    nss("pk12util", &["-o", "exported.p12", "-n", "山田の証明書", "-W", "geheim", "-k", "primary"]);
    let exported = read_file(&desk.file("exported.p12"), "geheim").unwrap().only().unwrap();
    assert_eq!(exported.certificate(), &old);

    nss("certutil", &["-F", "-n", "山田の証明書", "-f", "primary"]);
    assert_eq!(places::is_there(&kept, &Loading::default()), Some(false));

    let old_form = desk.file("old-form");
    std::fs::create_dir(&old_form).unwrap();
    refused(read_nss(&old_form, ""), Code::NssProfileUnusable);
    std::fs::write(old_form.join("cert8.db"), b"x").unwrap();
    let error = refused(read_nss(&old_form, ""), Code::NssProfileUnusable);
    assert!(error.facts().any(|(_, value)| value == "nss_old_form"), "{error}");
    std::fs::write(old_form.join("cert9.db"), b"no database").unwrap();
    let error = read_nss(&old_form, "").and_then(places::InPlace::only).unwrap_err();
    assert!(matches!(error.code(), Code::NssProfileUnusable | Code::OldNotFound), "{error}");

    // Of what cannot be opened it is said what is wrong.
    let [cert9, key4] = ["cert9.db", "key4.db"].map(|name| std::fs::read(profile.join(name)).unwrap());
    let broken = desk.file("broken");
    std::fs::create_dir(&broken).unwrap();
    std::fs::write(broken.join("key4.db"), key4).unwrap();
    let noise = [&cert9[..100], &[0xa5; 924]].concat();
    for cert9 in [b"no database, and long enough to be none", &cert9[..100], b"", &noise] {
        std::fs::write(broken.join("cert9.db"), cert9).unwrap();
        let error = refused(read_nss(&broken, ""), Code::NssProfileUnusable);
        assert!(error.facts().any(|(_, value)| value == "nss_damaged"), "{error}");
    }
    let huge = std::fs::File::create(broken.join("cert9.db")).unwrap();
    huge.set_len((64 << 20) + 512).unwrap();
    let error = refused(read_nss(&broken, ""), Code::NssProfileUnusable);
    assert!(error.facts().any(|(_, value)| value == "nss_too_large"), "{error}");
}

/// Every file of a folder: its name, its bytes, and when it was written.
fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>, SystemTime)> {
    let each = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut all: Vec<_> = each
        .map(|path| {
            let modified = path.metadata().unwrap().modified().unwrap();
            let bytes = if path.is_file() { std::fs::read(&path).unwrap() } else { Vec::new() };
            (path, bytes, modified)
        })
        .collect();
    all.sort();
    all
}

/// In whatever state a browser has left its databases, the certificate is read and nothing in the folder changes. What is copied
/// for that stays nowhere.
#[test]
fn a_profile_is_read_in_every_state_and_stays_as_it_is() {
    let desk = Desk::new();
    let old = desk.old_until("old", days_from_now(11));
    let p12 = desk.export("old", "geheim", &["-name", "own"]);
    let profile = desk.file("profile");
    std::fs::create_dir(&profile).unwrap();
    let run = |program: &str, words: &[&str]| {
        let output = Command::new(program).args(words).current_dir(&profile).output().unwrap();
        assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    };
    run("certutil", &["-N", "-d", "sql:.", "--empty-password"]);
    run("pk12util", &["-i", p12.to_str().unwrap(), "-d", "sql:.", "-W", "geheim", "-K", ""]);
    // Other tests have copies there too, so this one is known by its key.
    let spki = old.public_key().spki_der();
    let key = &spki[spki.len() - 32..];
    let has_it = |folder: &Path| {
        let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let contents = files.filter_map(|file| std::fs::read(file.path()).ok());
        contents.into_iter().any(|bytes| bytes.windows(key.len()).any(|part| part == key))
    };
    assert!(has_it(&profile), "the profile's own file");
    let copies = |folder: &str| {
        let folders = std::fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path());
        let is_copy =
            |path: &PathBuf| path.file_name().unwrap().to_string_lossy().starts_with("usbtoken-nss-");
        folders.filter(is_copy).filter(|folder| has_it(folder)).count()
    };
    let is_read = |state: &str| {
        let before = files(&profile);
        let found = read_nss(&profile, "own").and_then(places::InPlace::only);
        assert_eq!(found.unwrap().certificate(), &old, "{state}");
        assert!(files(&profile) == before, "{state}: the folder was changed");
    };
    is_read("as NSS made it");

    // Another program has written into the log beside the database, or was killed while it wrote into the database itself.
    let ended = |state: &str, statements: &str| {
        let script = format!(
            "import os, sqlite3; db = sqlite3.connect('cert9.db', isolation_level=None)\n\
             [db.execute(one).fetchall() for one in '{statements}'.split(';')]; os._exit(0)"
        );
        run("python3", &["-c", &script]);
        is_read(state);
    };
    ended("log", "pragma journal_mode=wal;create table other(x);insert into other values(1)");
    assert!(profile.join("cert9.db-wal").metadata().unwrap().len() > 0);
    run(
        "python3",
        &["-c", "import sqlite3; sqlite3.connect('cert9.db').execute('pragma journal_mode=delete')"],
    );
    ended(
        "unfinished",
        "pragma cache_size=1;begin;create table more(x);delete from nssPublic;\
         insert into more with recursive c(x) as (select 1 union all select x+1 from c limit 20000) select x from c",
    );
    assert!(profile.join("cert9.db-journal").metadata().unwrap().len() > 0);

    // The private keys are not needed.
    let keys = profile.join("key4.db");
    std::fs::rename(&keys, desk.file("key4.db")).unwrap();
    is_read("no keys");
    std::fs::create_dir(&keys).unwrap();
    is_read("a folder in the place of the keys");
    std::fs::remove_dir(&keys).unwrap();
    run("mkfifo", &["key4.db"]);
    is_read("a pipe in the place of the keys");
    std::fs::remove_file(&keys).unwrap();
    std::fs::write(&keys, "no database").unwrap();
    is_read("no database in the place of the keys");
    std::fs::remove_file(&keys).unwrap();
    std::os::unix::fs::symlink(desk.file("key4.db"), &keys).unwrap();
    is_read("keys behind a link");
    std::fs::remove_file(profile.join("cert9.db")).unwrap();
    run("mkfifo", &["cert9.db"]);
    let error = refused(read_nss(&profile, ""), Code::NssProfileUnusable);
    assert!(error.facts().any(|(_, value)| value == "nss_damaged"), "{error}");

    assert_eq!(copies("/dev/shm") + copies("/tmp"), 0);
}
