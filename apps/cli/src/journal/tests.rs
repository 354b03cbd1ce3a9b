use super::*;

fn token(label: &str) -> TokenIdentity {
    let text = |text: &str| text.to_owned();
    TokenIdentity { label: text(label), manufacturer: text("M"), model: text("T"), serial: text(label) }
}

fn entry(label: &str, key_id: &str) -> JournalEntry {
    JournalEntry {
        version: VERSION,
        token: token(label),
        key_id: key_id.to_owned(),
        key_fingerprint: "00".repeat(32),
        since: "2026-11-26".to_owned(),
        old_serial: Some("5b83".to_owned()),
        old: None,
        request: "-----BEGIN CERTIFICATE REQUEST-----\nAA==\n-----END CERTIFICATE REQUEST-----\n".to_owned(),
        signed_by_old_key: false,
        cookie: None,
        demands: Policy::default(),
        asked: None,
        reference: None,
    }
}

fn journal() -> (tempfile::TempDir, Journal) {
    let home = tempfile::tempdir().unwrap();
    let journal = Journal::at(home.path().join("state/usbtoken"));
    (home, journal)
}

fn refused<T: std::fmt::Debug>(result: Result<T>) -> String {
    let error = result.unwrap_err();
    assert_eq!(error.code(), Code::JournalUnusable, "{error}");
    error.to_string()
}

#[test]
fn a_job_comes_back_as_it_was_kept_and_goes_when_it_is_done() {
    let (_home, journal) = journal();
    assert_eq!(journal.entry(&token("A"), &[1]).unwrap(), None, "no folder is no error");
    let (one, other) = (entry("A", "01"), entry("A", "02"));
    journal.prepare().unwrap();
    journal.keep(&one).unwrap();
    journal.keep(&other).unwrap();
    assert_eq!(journal.entry(&token("A"), &[1]).unwrap().unwrap(), one);
    assert_eq!(journal.entry(&token("B"), &[1]).unwrap(), None, "another token");
    let later = one.with_cookie(Some("cookie".to_owned()));
    journal.keep(&later).unwrap();
    assert_eq!(journal.entry(&token("A"), &[1]).unwrap().unwrap().cookie.as_deref(), Some("cookie"));

    journal.keep_answer(&token("A"), &[1], b"one").unwrap();
    journal.keep_answer(&token("A"), &[1], b"two").unwrap();
    let kept: Vec<_> =
        journal.answers(&token("A"), &[1]).unwrap().into_iter().map(|(_, bytes)| bytes).collect();
    assert!(kept.len() == 2 && kept.contains(&b"one".to_vec()) && kept.contains(&b"two".to_vec()));
    journal.remove(&token("A"), &[1]).unwrap();
    assert!(journal.answers(&token("A"), &[1]).unwrap().is_empty());
    assert_eq!(journal.entry(&token("A"), &[1]).unwrap(), None);
    assert_eq!(journal.entry(&token("A"), &[2]).unwrap().unwrap(), other);
    let left = std::fs::read_dir(journal.folder()).unwrap().count();
    assert_eq!(left, 1, "nothing but the other job");
}

#[test]
fn what_is_damaged_is_an_error_and_stays() {
    let (_home, journal) = journal();
    journal.keep(&entry("A", "01")).unwrap();
    let path = journal.folder().join(format!("{}.{RECORD}", name(&token("A"), "01")));
    let good = std::fs::read_to_string(&path).unwrap();
    for bad in [
        String::new(),
        "{".to_owned(),
        good.replace("\"version\": 1", "\"version\": 2"),
        good.replace("\"since\"", "\"until\""),
        good.replace("\"01\"", "\"02\""),
    ] {
        std::fs::write(&path, &bad).unwrap();
        assert!(refused(journal.entry(&token("A"), &[1])).contains(path.to_str().unwrap()));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), bad);
    }
    std::fs::write(&path, "{").unwrap();
    refused(journal.keep(&entry("A", "01")));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "{", "not overwritten");
    let huge = std::fs::File::create(&path).unwrap();
    huge.set_len(1 << 30).unwrap();
    refused(journal.entry(&token("A"), &[1]));
}

#[cfg(unix)]
#[test]
fn only_what_is_ours_alone_is_read() {
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let (home, journal) = journal();
    let kept = journal.keep_answer(&token("A"), &[1], b"answer").unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(journal.folder()), mode(&kept)), (0o700, 0o600));

    set_permissions(&kept, Permissions::from_mode(0o640)).unwrap();
    refused(journal.answers(&token("A"), &[1]));
    set_permissions(&kept, Permissions::from_mode(0o600)).unwrap();
    let elsewhere = home.path().join("elsewhere");
    std::fs::rename(&kept, &elsewhere).unwrap();
    symlink(&elsewhere, &kept).unwrap();
    refused(journal.answers(&token("A"), &[1]));
    std::fs::remove_file(&kept).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, &kept, rustix::fs::Mode::RUSR).unwrap();
    refused(journal.answers(&token("A"), &[1]));

    journal.keep(&entry("A", "01")).unwrap();
    set_permissions(journal.folder(), Permissions::from_mode(0o755)).unwrap();
    refused(journal.entry(&token("A"), &[1]));
    assert_eq!(journal.entry(&token("A"), &[2]).unwrap(), None, "there is nothing to mistrust");
    refused(journal.prepare());
    let link = home.path().join("link");
    symlink(home.path().join("state"), &link).unwrap();
    refused(Journal::at(&link).prepare());
    refused(Journal::at(&elsewhere).prepare());
}
