use super::*;
use std::fs;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _, symlink};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Two folders of its own, of which the one for all users is there when `installed`.
struct Machine {
    folder: tempfile::TempDir,
}

impl Machine {
    fn new() -> Self {
        Machine { folder: tempfile::tempdir().unwrap() }
    }

    fn installed() -> Self {
        let machine = Machine::new();
        for file in place::machine_lock_files() {
            let file = machine.common().join(file.file_name().unwrap());
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(&file, "").unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o444)).unwrap();
        }
        machine
    }

    fn places(&self) -> Places {
        let home = self.folder.path().join("home");
        fs::create_dir_all(&home).unwrap();
        let user = Some(UserPlace::new(&home, "lock"));
        // What a test makes is this user's.
        let administrator = nix::unistd::getuid().as_raw();
        Places { machine: MachinePlace::new(self.common(), administrator), user }
    }

    fn common(&self) -> PathBuf {
        self.folder.path().join("locks")
    }

    fn homeless(&self) -> Places {
        Places { user: None, ..self.places() }
    }

    fn user(&self) -> UserPlace {
        self.places().user.unwrap()
    }

    fn file(&self, token: &TokenIdentity) -> PathBuf {
        self.user().folder().join(token.name())
    }
}

fn token(serial: &str) -> TokenIdentity {
    let serial = if serial.is_empty() { String::new() } else { format!("{serial}-{}", std::process::id()) };
    TokenIdentity { label: "L".into(), manufacturer: "M".into(), model: "T".into(), serial }
}

fn refused(places: &Places, token: &TokenIdentity) -> Error {
    TokenLock::take_in(places, token).expect_err("it should have been refused")
}

fn fact(error: &Error, wanted: Fact) -> Option<String> {
    error.facts().find(|(fact, _)| *fact == wanted).map(|(_, value)| value.to_owned())
}

#[test]
fn one_at_a_time_and_nothing_stays() {
    let machine = Machine::new();
    let one = TokenLock::take_in(&machine.places(), &token("1")).unwrap();
    let error = refused(&machine.places(), &token("1"));
    assert_eq!((error.code(), fact(&error, Fact::Holder).as_deref()), (Code::Busy, Some("this_program")));
    let other = TokenLock::take_in(&machine.places(), &token("2")).unwrap();
    assert!(machine.file(&token("1")).exists());
    drop(one);
    assert!(!machine.file(&token("1")).exists());
    drop(TokenLock::take_in(&machine.places(), &token("1")).unwrap());
    drop(other);
}

#[test]
fn many_threads_never_hold_it_together() {
    let machine = Machine::new();
    let (inside, taken) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..300 {
                    // Past the list of this process, as another program comes.
                    let name = token("3").name();
                    if let Ok(file) = place::take_user(&machine.user(), &name) {
                        assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                        taken.fetch_add(1, Ordering::SeqCst);
                        inside.fetch_sub(1, Ordering::SeqCst);
                        drop(file);
                    }
                }
            });
        }
    });
    assert!(taken.load(Ordering::SeqCst) > 0);
}

/// Drivers give one token other labels, and pad its serial number as they like.
#[test]
fn one_token_has_one_name_through_every_driver() {
    let named = |serial: &str, label: &str| {
        let (manufacturer, model) = (label.to_owned(), label.to_owned());
        TokenIdentity { label: label.into(), manufacturer, model, serial: serial.into() }.name()
    };
    assert_eq!(named("00ab12", "BANK"), named(" 00AB12\0\0", "BANK (User PIN)"));
    assert_ne!(named("00ab12", "BANK"), named("00ab13", "BANK"));
    assert_ne!(named("", "BANK"), named("  ", "OTHER"), "without a serial number the rest has to do");
}

#[test]
fn where_both_places_are_both_are_held() {
    let machine = Machine::installed();
    let (token, name) = (token("4"), token("4").name());
    let held = TokenLock::take_in(&machine.places(), &token).unwrap();
    let user = place::take_user(&machine.user(), &name).unwrap_err();
    assert!(matches!(user, Refused::Held(Some(Holder::ThisProgram))), "{user:?}");
    let all = place::take_machine(&machine.places().machine, &name).unwrap_err();
    assert!(matches!(all, Refused::Held(Some(Holder::ThisProgram))), "{all:?}");
    drop(held);
    drop(TokenLock::take_in(&machine.places(), &token).unwrap());
}

/// As when an installer comes while a job is at work.
#[test]
fn one_common_place_is_enough_to_meet() {
    let (before, after) = (Machine::new(), Machine::installed());
    let name = token("5").name();
    let early = place::take_user(&before.user(), &name).unwrap();
    let late = Places { user: before.places().user, ..after.places() };
    assert_eq!(refused(&late, &token("5")).code(), Code::Busy);
    drop(early);
    drop(TokenLock::take_in(&late, &token("5")).unwrap());
}

#[test]
fn who_has_no_home_meets_the_others_where_the_installer_says() {
    let machine = Machine::installed();
    let name = token("6").name();
    let held = place::take_machine(&machine.places().machine, &name).unwrap();
    assert_eq!(refused(&machine.homeless(), &token("6")).code(), Code::Busy);
    drop(held);
    drop(TokenLock::take_in(&machine.homeless(), &token("6")).unwrap());
}

#[test]
fn without_any_place_no_job_begins() {
    let machine = Machine::new();
    let error = refused(&machine.homeless(), &token("7"));
    assert_eq!(error.code(), Code::LockUnusable);
    assert_eq!(fact(&error, Fact::Path), Some(machine.common().display().to_string()));
    assert_eq!(fact(&error, Fact::Reason).as_deref(), Some("no_home"));
    // And the next one is not told that somebody is at work.
    assert_eq!(refused(&machine.homeless(), &token("7")).code(), Code::LockUnusable);
}

/// What somebody else could have put in the way, or what would let others in.
#[test]
fn a_place_that_is_not_this_users_alone_is_not_used() {
    let elsewhere = tempfile::tempdir().unwrap();
    type Spoil<'a> = (&'a str, &'a dyn Fn(&Path));
    let spoil: [Spoil<'_>; 6] = [
        ("a link", &|folder| symlink(elsewhere.path(), folder).unwrap()),
        ("a file", &|folder| fs::write(folder, "").unwrap()),
        ("open to others", &|folder| {
            fs::create_dir(folder).unwrap();
            fs::set_permissions(folder, fs::Permissions::from_mode(0o777)).unwrap();
        }),
        ("a link in its place", &|folder| {
            fs::DirBuilder::new().mode(0o700).create(folder).unwrap();
            symlink(elsewhere.path().join("file"), folder.join(token("8").name())).unwrap();
        }),
        ("a pipe in its place", &|folder| {
            fs::DirBuilder::new().mode(0o700).create(folder).unwrap();
            let pipe = folder.join(token("8").name());
            assert!(std::process::Command::new("mkfifo").arg(pipe).status().unwrap().success());
        }),
        ("a folder in its place", &|folder| {
            fs::DirBuilder::new().mode(0o700).create(folder).unwrap();
            fs::create_dir(folder.join(token("8").name())).unwrap();
        }),
    ];
    for (what, put) in spoil {
        let machine = Machine::new();
        put(machine.user().folder());
        assert_eq!(refused(&machine.places(), &token("8")).code(), Code::LockUnusable, "{what}");
    }
    assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 0, "nothing was made behind the link");
}

/// The folder for all users is there, and this one may not use it: others may be at work.
#[test]
fn a_folder_of_the_machine_that_is_damaged_stops_the_job() {
    let machine = Machine::installed();
    for file in fs::read_dir(machine.common()).unwrap() {
        fs::remove_file(file.unwrap().path()).unwrap();
    }
    assert_eq!(refused(&machine.places(), &token("9")).code(), Code::LockUnusable);
}

/// What a killed program leaves is an empty file, which holds nothing.
#[test]
fn a_file_that_was_left_holds_nothing() {
    let machine = Machine::new();
    drop(place::take_user(&machine.user(), "other").unwrap());
    fs::write(machine.file(&token("10")), "").unwrap();
    drop(TokenLock::take_in(&machine.places(), &token("10")).unwrap());
}

/// Somebody tidies up while a job is at work: a new job takes a new file, which the old one leaves where it is.
#[test]
fn a_lock_whose_file_is_not_there_any_more_is_lost() {
    let machine = Machine::installed();
    type Spoil<'a> = (&'a str, &'a str, &'a dyn Fn(&Path));
    let spoil: [Spoil<'_>; 5] = [
        ("removed", "lock_removed", &|file| fs::remove_file(file).unwrap()),
        ("its folder removed", "lock_removed", &|file| fs::remove_dir_all(file.parent().unwrap()).unwrap()),
        ("its folder renamed", "lock_removed", &|file| {
            let folder = file.parent().unwrap();
            fs::rename(folder, folder.with_extension("away")).unwrap();
        }),
        ("replaced", "lock_replaced", &|file| {
            fs::write(file.with_extension("new"), "").unwrap();
            fs::rename(file.with_extension("new"), file).unwrap();
        }),
        ("a link in its place", "lock_replaced", &|file| {
            fs::rename(file, file.with_extension("away")).unwrap();
            symlink(file.with_extension("away"), file).unwrap();
        }),
    ];
    for (what, why, spoil) in spoil {
        let lock = TokenLock::take_in(&machine.places(), &token("11")).unwrap();
        lock.check_files().unwrap();
        let file = machine.file(&token("11"));
        spoil(&file);
        let lost = lock.check_files().unwrap_err();
        assert_eq!(
            (lost.code(), fact(&lost, Fact::Detail).as_deref()),
            (Code::LockLost, Some(why)),
            "{what}"
        );
        assert_eq!(fact(&lost, Fact::Path), Some(file.display().to_string()), "{what}");
        if why == "lock_removed" {
            let new = place::take_user(&machine.user(), &token("11").name()).unwrap();
            drop(lock);
            assert!(file.exists(), "{what}: the new one's is left alone");
            drop(new);
        } else {
            drop(lock);
            assert!(file.symlink_metadata().is_ok(), "{what}: what is another's is left alone");
            fs::remove_file(&file).unwrap();
        }
    }
    let lock = TokenLock::take_in(&machine.homeless(), &token("11")).unwrap();
    lock.check_files().unwrap();
    fs::rename(machine.common(), machine.folder.path().join("away")).unwrap();
    assert_eq!(lock.check_files().unwrap_err().code(), Code::LockLost);
}

/// The turn to log in is one for each token, waits for its holder, and is not that of a job.
#[test]
fn the_turn_to_log_in_is_waited_for() {
    let machine = Machine::new();
    let (one, other) = (token("turn 1"), token("turn 2"));
    let take = |token, at_most| turn::LoginTurn::take_in(&machine.user(), token, at_most);
    let held = take(&one, Duration::ZERO).unwrap();
    assert_eq!(take(&one, Duration::from_millis(60)).unwrap_err().code(), Code::Busy);
    drop(take(&other, Duration::ZERO).unwrap());
    drop(TokenLock::take_in(&machine.places(), &one).unwrap());
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| take(&one, Duration::from_secs(60)).map(drop));
        drop(held);
        waiting.join().unwrap().unwrap();
    });
    // Nothing is left behind.
    assert_eq!(fs::read_dir(machine.user().folder()).unwrap().count(), 0);
    fs::write(machine.folder.path().join("file"), "").unwrap();
    let homeless = UserPlace::new(machine.folder.path(), "file");
    let error = turn::LoginTurn::take_in(&homeless, &one, Duration::ZERO).unwrap_err();
    assert_eq!(error.code(), Code::LockUnusable);
}
