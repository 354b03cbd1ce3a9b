//! What a run knows of installations: by records that were given to it, and by those in a folder.

use sha2::{Digest as _, Sha256};
use usbtoken_testkit::TestCa;

use super::*;

fn certificate() -> Certificate {
    Certificate::from_der(TestCa::new().root()).unwrap()
}

fn days_ago(days: i64) -> Date {
    today().checked_sub(jiff::Span::new().days(days)).unwrap()
}

fn given(records: &[&Installation]) -> Installations {
    let mut known = Installations::default();
    known.give(records.iter().copied().cloned());
    known
}

/// The folder is made when something is kept in it, for this user alone.
fn in_folder(place: &tempfile::TempDir) -> Installations {
    let mut known = Installations::default();
    known.keep_in(place.path().join("state"));
    known
}

fn file(place: &tempfile::TempDir, certificate: &Certificate) -> PathBuf {
    place.path().join("state").join(format!("{}.installed", fingerprint(certificate)))
}

/// The names of the files and the field say to other programs which certificate it is.
#[test]
fn a_record_names_its_certificate_by_the_sha_256() {
    let new = certificate();
    let record = Installation::new(&new, days_ago(1));
    assert_eq!(record.fingerprint(), hex(&Sha256::digest(new.der())));
    assert!(record.is_of(&new) && !record.is_of(&certificate()));
    assert!(!Installation { version: VERSION + 1, ..record }.is_of(&new));
}

/// By whichever way the record came, it says of this pair what it says, and nothing of any other.
#[test]
fn what_was_issued_in_whose_place_is_known_by_each_way() {
    let (old, new, other) = (certificate(), certificate(), certificate());
    let plain = Installation::new(&new, days_ago(1));
    assert_eq!(given(&[&plain]).of(&new), Some(plain.clone()));
    for one_issuer in [true, false] {
        let record = plain.clone().in_place_of(&old, one_issuer);
        let folder = tempfile::tempdir().unwrap();
        let kept = in_folder(&folder);
        kept.keep(&record, &new).ok().unwrap();
        for known in [given(&[&record]), given(&[&plain, &record]), kept, in_folder(&folder)] {
            assert!(known.shows(&old, &new));
            // Told once more, it is the same.
            assert_eq!(known.of(&new), Some(record.clone()));
            assert!(known.of(&other).is_none());
            assert_eq!(known.shows_one_issuer(&old, &new), one_issuer);
            for (old, new) in [(&new, &old), (&other, &new), (&old, &other)] {
                assert!(!known.shows(old, new) && !known.shows_one_issuer(old, new));
            }
        }
        let newer = Installation { version: VERSION + 1, ..record };
        assert!(!given(&[&newer]).shows(&old, &new) && !given(&[&newer]).shows_one_issuer(&old, &new));
    }
    assert!(!given(&[&plain]).shows(&old, &new) && !given(&[]).shows(&old, &new));
}

#[test]
fn the_latest_day_that_is_known_counts() {
    let (new, folder) = (certificate(), tempfile::tempdir().unwrap());
    let installed = |days| Installation::new(&new, days_ago(days));
    let other = Installation::new(&certificate(), days_ago(1));
    assert_eq!(given(&[]).day_of(&new), None);
    assert_eq!(given(&[&other]).day_of(&new), None);
    assert_eq!(given(&[&installed(5), &other, &installed(3)]).day_of(&new), Some(days_ago(3)));

    in_folder(&folder).keep(&installed(4), &new).ok().unwrap();
    assert_eq!(in_folder(&folder).day_of(&new), Some(days_ago(4)));
    assert_eq!(in_folder(&folder).day_of(&certificate()), None);
    for (days, latest) in [(3, 3), (6, 4)] {
        let mut both = in_folder(&folder);
        both.give([installed(days)]);
        assert_eq!(both.day_of(&new), Some(days_ago(latest)));
    }
}

/// A clock that was ahead, or a program that is newer, has written it: that the certificate was installed is sure, the day is not.
#[test]
fn a_day_that_cannot_be_true_counts_as_today() {
    let new = certificate();
    let record = Installation::new(&new, days_ago(5));
    let untrue = [
        Installation { day: days_ago(-3), ..record.clone() },
        Installation { version: VERSION + 1, ..record },
    ];
    for record in untrue {
        let before = today();
        let day = given(&[&record]).day_of(&new).unwrap();
        assert!((before..=today()).contains(&day), "{day}");
    }
}

/// The first day stays, whatever is installed again later.
#[test]
fn what_is_kept_is_not_kept_anew() {
    let (new, folder) = (certificate(), tempfile::tempdir().unwrap());
    for days in [5, 1] {
        in_folder(&folder).keep(&Installation::new(&new, days_ago(days)), &new).ok().unwrap();
    }
    assert_eq!(in_folder(&folder).day_of(&new), Some(days_ago(5)));
    // Without a folder nothing is kept, and nothing is wrong.
    given(&[]).keep(&Installation::new(&new, days_ago(1)), &new).ok().unwrap();
}

/// Tomorrow it has to be a day old, else the bank's next business day would never come.
#[test]
fn what_cannot_be_believed_is_kept_as_of_the_day_on_which_it_was_found() {
    let (new, folder) = (certificate(), tempfile::tempdir().unwrap());
    let path = file(&folder, &new);
    in_folder(&folder).keep(&Installation::new(&new, days_ago(3)), &new).ok().unwrap();
    std::fs::write(&path, b"spoilt").unwrap();
    let before = today();
    let day = in_folder(&folder).day_of(&new).unwrap();
    assert!((before..=today()).contains(&day), "{day}");
    let kept: Installation = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    assert_eq!(kept, Installation::new(&new, day));
    // An installation in its place is kept with its own day.
    std::fs::write(&path, b"spoilt").unwrap();
    in_folder(&folder).keep(&Installation::new(&new, days_ago(2)), &new).ok().unwrap();
    assert_eq!(in_folder(&folder).day_of(&new), Some(days_ago(2)));
}

/// Who is told that it could not be kept is told where.
#[cfg(unix)]
#[test]
fn a_folder_that_keeps_nothing_is_named() {
    use std::os::unix::fs::PermissionsExt as _;

    let (new, folder) = (certificate(), tempfile::tempdir().unwrap());
    let state = folder.path().join("state");
    std::fs::create_dir(&state).unwrap();
    std::fs::set_permissions(&state, std::fs::Permissions::from_mode(0o755)).unwrap();
    let failed = in_folder(&folder).keep(&Installation::new(&new, days_ago(1)), &new).unwrap_err();
    assert_eq!(failed.path, file(&folder, &new));
    assert_eq!(failed.error.to_string(), "open_to_others");
    assert_eq!(in_folder(&folder).day_of(&new), None);
}
