//! Two at once on one token: one wins, the other is told, and the token ends with one new credential.

#[path = "../common/mod.rs"]
mod common;

use std::path::PathBuf;
use std::sync::Barrier;

use common::{Bank, Said, credential, facts, install, read, refused, run};
use sha2::{Digest as _, Sha256};
use usbtoken::driver::PinChange;
use usbtoken::error::{Fact, Step};
use usbtoken::{Code, Install, Renewal, Session};
use usbtoken_testkit::{Kind, SoftKey, days_from_now};

/// Real processes, started together, again and again until chance has had its way.
#[test]
fn two_processes_make_one_new_credential() {
    for turn in 0..6 {
        let bank = Bank::new();
        // A CA that takes its time, or a slow second process would come when all is done.
        let issuer = format!("sleep 2; {}", bank.issuer(""));
        let renew = ["renew", "--issuer", &issuer];
        let children = [bank.start(&renew), bank.start(&renew)];
        let said = children.map(|child| Said::of(child.wait_with_output().unwrap()));
        let winners = said.iter().filter(|said| said.exit == 0).count();
        assert_eq!(winners, 1, "turn {turn}: {said:?}");
        for loser in said.iter().filter(|said| said.exit != 0) {
            let known = [Code::Busy, Code::PendingExists, Code::AlreadyRenewed];
            assert_eq!(loser.exit, 9, "{loser:?}");
            assert!(known.iter().any(|code| loser.stderr.contains(code.name())), "{loser:?}");
        }
        bank.assert_old_works();
        bank.assert_one_new_credential();
        assert!(bank.session().pending().unwrap().is_empty());
    }
}

/// The second starts while the first waits for the CA.
#[test]
fn the_second_process_is_told_that_the_first_is_at_work() {
    let bank = Bank::new();
    let answer = bank.file("answer");
    let first = bank.start(&["renew", "--issuer", &waiting_issuer(&bank)]);
    wait_until_asked(&bank);
    let waiting = bank.soft.snapshot();
    for second in [
        vec!["renew", "--issuer", "false"],
        vec!["abandon", "--yes"],
        vec!["resume", "--out", "again.pem"],
        vec!["retire", "--yes", "--id", "01"],
    ] {
        let error = bank.run(&second).failed(Code::Busy);
        assert!(error["next"].as_str().is_some_and(|next| next.contains("again")), "{error:#}");
        bank.soft.snapshot().assert_same_as(&waiting);
    }
    // Looking is free.
    bank.run(&["list"]).json();
    assert_eq!(bank.run(&["pending"]).json()[0]["state"], "awaiting_answer");
    std::fs::write(&answer, "").unwrap();
    Said::of(first.wait_with_output().unwrap()).json();
    bank.assert_old_works();
    bank.assert_one_new_credential();
}

/// Before the other job's key shows: what acts on a job says that another is at work, and who, before it says that there is none, and
/// before a PIN is asked for.
#[test]
fn what_waits_is_not_known_while_another_job_is_at_work() {
    let bank = Bank::new();
    let spki = SoftKey::generate(Kind::P256).spki();
    bank.write("answer.der", &bank.ca.issue(&bank.old.subject, &spki).not_after(days_from_now(200)).der());
    let held = bank.token().reserve().unwrap();
    for second in [
        &["abandon", "--yes"][..],
        &["abandon", "--yes", "--id", "77"],
        &["resume", "--out", "again.pem"],
        &["resume", "--id", "77", "--issuer", "false"],
        &["install", "answer.der"],
        &["pending", "--reference", "4711"],
    ] {
        let without_pin = Said::of(bank.command_without_pin(&bank.soft.module(), second).output().unwrap());
        for said in [bank.run(second), without_pin] {
            let error = said.failed(Code::Busy);
            let holder = error["facts"]["holder"][0].as_str().unwrap_or_default();
            assert!(holder.contains(&std::process::id().to_string()), "{second:?}: {error:#}");
        }
        bank.soft.snapshot().assert_same_as(&bank.before);
    }
    assert_eq!(bank.run(&["pending"]).json(), serde_json::json!([]), "looking is free");
    drop(held);
    bank.run(&["abandon", "--yes"]).failed(Code::PendingNotFound);
}

/// A desktop and a cron job of one user: no variable moves the lock, and the error says who is at work.
#[test]
fn two_jobs_in_different_environments_meet() {
    let bank = Bank::new();
    let surroundings = |name: &str| {
        let folder = bank.file(name);
        std::fs::create_dir_all(&folder).unwrap();
        let variables =
            ["HOME", "TMPDIR", "XDG_RUNTIME_DIR", "XDG_STATE_HOME", "XDG_CACHE_HOME", "USER", "LOGNAME"];
        variables.map(|variable| (variable, folder.clone()))
    };
    let mut desktop = bank.command(&bank.soft.module(), &["renew", "--issuer", &waiting_issuer(&bank)]);
    let first = desktop.envs(surroundings("desktop")).spawn().unwrap();
    wait_until_asked(&bank);
    let waiting = bank.soft.snapshot();
    for second in [&["abandon", "--yes"][..], &["renew", "--issuer", "false"]] {
        let mut cron = bank.command(&bank.soft.module(), second);
        cron.envs(surroundings("cron"))
            .env_remove("USER")
            .env_remove("XDG_RUNTIME_DIR")
            .env_remove("LOGNAME");
        let error = Said::of(cron.output().unwrap()).failed(Code::Busy);
        let holder = error["facts"]["holder"][0].as_str().unwrap_or_else(|| panic!("{error:#}"));
        assert!(holder.contains(&first.id().to_string()) && holder.contains("usbtoken"), "{holder}");
        bank.soft.snapshot().assert_same_as(&waiting);
    }
    std::fs::write(bank.file("answer"), "").unwrap();
    Said::of(first.wait_with_output().unwrap()).json();
    bank.assert_one_new_credential();
}

/// What the issuer leaves running has none of our files, the lock's least of all.
#[test]
fn a_child_of_the_issuer_that_stays_holds_nothing() {
    let bank = Bank::new();
    let stays = "sleep 600 > /dev/null 2>&1 < /dev/null & echo $! > stays; false";
    bank.run(&["renew", "--issuer", stays]).failed(Code::IssuerFailed);
    let stays = String::from_utf8(bank.read("stays")).unwrap();
    let running = std::path::Path::new("/proc").join(stays.trim());
    assert!(running.exists(), "it is still there");
    bank.run(&["resume", "--issuer", &bank.issuer("")]).json();
    assert!(running.exists());
    std::process::Command::new("kill").arg(stays.trim()).status().unwrap();
    bank.assert_one_new_credential();
}

/// An issuer that says in the file `asked` that it was asked, and answers when the file `answer` is there.
fn waiting_issuer(bank: &Bank) -> String {
    let (asked, answer) = (bank.file("asked"), bank.file("answer"));
    format!(
        "cat > request; touch '{}'; while [ ! -e '{}' ]; do sleep 0.05; done; {} < request",
        asked.display(),
        answer.display(),
        bank.issuer("")
    )
}

fn wait_until_asked(bank: &Bank) {
    while !bank.file("asked").exists() {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

/// The file by which this user's jobs exclude each other on the token.
fn lock_file(bank: &Bank) -> PathBuf {
    let serial = bank.token().identity().serial.trim_matches(['\0', ' ']).to_ascii_uppercase();
    let name = base16ct::lower::encode_string(&Sha256::digest(format!("{serial}\0"))[..16]);
    let home = nix::unistd::User::from_uid(nix::unistd::getuid()).unwrap().unwrap().dir;
    home.join(".local/state/usbtoken/lock").join(name)
}

/// Somebody tidies up while a job is at work: at whichever step, it does not write any more.
#[test]
fn a_job_whose_lock_is_gone_writes_nothing() {
    let bank = Bank::new();
    let file = lock_file(&bank);
    let at = |wanted| {
        let file = file.clone();
        move |step| {
            if step == wanted {
                std::fs::remove_file(&file).unwrap();
            }
        }
    };
    let told = |error: &usbtoken::Error, reason: &str| {
        assert_eq!(
            (facts(error, Fact::Path), facts(error, Fact::Detail)),
            (vec![&*file.display().to_string()], vec!["lock_removed"])
        );
        assert_eq!(facts(error, Fact::Reason), [reason], "{error:?}");
    };
    let (session, old) = bank.open();
    let stop = at(Step::GenerateKeyPair);
    let lost = refused(Renewal::of(&old).begin(&session, &run().progress(&stop)), Code::LockLost);
    told(&lost, "nothing_changed");
    bank.soft.snapshot().assert_same_as(&bank.before);
    // It does not take the lock anew, since another job may have been at work meanwhile.
    refused(Renewal::of(&old).begin(&session, &run()), Code::LockLost);
    refused(session.reserve(), Code::LockLost);
    drop(session);

    let (session, old) = bank.open();
    let pending = Renewal::of(&old).begin(&session, &run()).unwrap();
    let (waiting, answer) = (bank.soft.snapshot(), bank.certify(&pending));
    let stop = at(Step::WriteCertificate);
    let response = read(&answer);
    let lost = Install::new(&response).run_for(&session, &pending, &run().progress(&stop));
    told(&refused(lost, Code::LockLost), "new_key_stays");
    bank.soft.snapshot().assert_same_as(&waiting);
    drop(session);

    let (session, _) = bank.open();
    let stop = at(Step::Abandon);
    let lost = refused(session.abandon(pending.key().unwrap(), &run().progress(&stop)), Code::LockLost);
    told(&lost, "nothing_changed");
    bank.soft.snapshot().assert_same_as(&waiting);
    drop(session);

    let (session, old) = bank.open();
    install(&session, &answer).unwrap();
    let installed = bank.soft.snapshot();
    let stop = at(Step::Retire);
    let lost = session.retire(&old, &bank.anchored(), &run().progress(&stop));
    refused(lost, Code::LockLost);
    bank.soft.snapshot().assert_same_as(&installed);
    drop(session);

    let token = bank.token();
    let reservation = token.reserve().unwrap();
    std::fs::remove_file(&file).unwrap();
    let pin = |text: &str| usbtoken::Pin::new(text.into());
    let change = PinChange::to(pin(bank.soft.pin()), pin("another-pin"));
    refused(reservation.change_pin(&change), Code::LockLost);
    refused(reservation.check(), Code::LockLost);
    drop(reservation);
    drop(bank.login(&token));
    bank.assert_old_works();
}

/// The words lead on: what waits is installed by the command that is named.
#[test]
fn a_job_that_lost_its_lock_names_the_way_on() {
    let bank = Bank::new();
    let first = bank.start(&["renew", "--issuer", &waiting_issuer(&bank)]);
    wait_until_asked(&bank);
    let waiting = bank.soft.snapshot();
    std::fs::remove_file(lock_file(&bank)).unwrap();
    std::fs::write(bank.file("answer"), "").unwrap();
    let error = Said::of(first.wait_with_output().unwrap()).failed(Code::LockLost);
    bank.soft.snapshot().assert_same_as(&waiting);
    assert_eq!(error["facts"]["reason"][0], "new_key_stays");
    let (way, saved) = (&error["facts"]["go_on"][0], error["facts"]["saved_answer"][0].as_str().unwrap());
    assert!(way.as_str().is_some_and(|way| way.starts_with("usbtoken install ") && way.ends_with(saved)));
    bank.run(&["install", saved]).json();
    bank.assert_old_works();
    bank.assert_one_new_credential();
}

/// Without its file the lock keeps no one out: the limit that the documents state. What the first one does then is nothing.
#[test]
fn what_another_job_does_meanwhile_is_not_undone() {
    let bank = Bank::new();
    let first = bank.start(&["renew", "--issuer", &waiting_issuer(&bank)]);
    wait_until_asked(&bank);
    std::fs::remove_file(lock_file(&bank)).unwrap();
    let id = bank.run(&["pending"]).json()[0]["id"].as_str().unwrap().to_owned();
    bank.run(&["abandon", "--yes", "--id", &id]).json();
    std::fs::write(bank.file("answer"), "").unwrap();
    Said::of(first.wait_with_output().unwrap()).failed(Code::LockLost);
    bank.soft.snapshot().assert_same_as(&bank.before);
}

/// A process that was killed blocks no one.
#[test]
fn a_killed_process_holds_nothing() {
    let bank = Bank::new();
    let killed = bank.run_with_faults("C_Sign:exit", &["renew", "--issuer", &bank.issuer("")]);
    assert_eq!(killed.exit, 86);
    bank.run(&["resume", "--issuer", &bank.issuer("")]).json();
    bank.assert_old_works();
    bank.assert_one_new_credential();
}

#[test]
fn two_threads_make_one_new_credential() {
    let bank = Bank::new();
    let token = bank.token();
    let old = credential(&token, &bank.old.id);
    let start = Barrier::new(2);
    let results: Vec<Result<(), Code>> = std::thread::scope(|scope| {
        let renew = || {
            let session = token.login(usbtoken::Pin::new(bank.soft.pin().into())).unwrap();
            start.wait();
            let pending = Renewal::of(&old).begin(&session, &run()).map_err(|error| error.code())?;
            let answer = bank.ca.issue_for(pending.request().to_der()).der();
            Install::new(&read(&answer))
                .run_for(&session, &pending, &run())
                .map(drop)
                .map_err(|error| error.code())
        };
        let threads = [scope.spawn(renew), scope.spawn(renew)];
        threads.map(|thread| thread.join().unwrap()).to_vec()
    });
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1, "{results:?}");
    let lost = results.iter().find_map(|result| result.err()).unwrap();
    assert!([Code::Busy, Code::AlreadyRenewed].contains(&lost), "{results:?}");
    bank.assert_old_works();
    bank.assert_one_new_credential();
}

/// A token has one login for all sessions of a process: one that ends must not log the others out.
#[test]
fn a_session_that_ends_leaves_the_others_logged_in() {
    let bank = Bank::new();
    let (first, old) = bank.open();
    let second = bank.session();
    let third: Session = bank.session();
    drop(first);
    let pending = Renewal::of(&old).begin(&second, &run()).unwrap();
    drop(third);
    let answer = bank.certify(&pending);
    Install::new(&read(&answer)).run_for(&second, &pending, &run()).unwrap();
    bank.retire(&second, &old).unwrap();
    drop(second);
    bank.assert_one_new_credential();
    // The last one has logged out: what is private is not to be seen.
    assert!(bank.token().credentials().is_ok());
    let again = bank.session();
    assert_eq!(again.pending().unwrap().len(), 0);
}

/// PKCS#11 has one login for a process: while it lasts every PIN is taken, so the second is told that none was checked.
#[test]
fn a_second_login_says_that_its_pin_was_not_checked() {
    let bank = Bank::new();
    let token = bank.token();
    let wrong = || token.login(usbtoken::Pin::new(b"not-the-pin".to_vec()));
    let first = bank.login(&token);
    assert!(first.pin_was_checked());
    let second = wrong().unwrap();
    assert!(!second.pin_was_checked());
    drop((first, second));
    refused(wrong(), Code::PinIncorrect);
}

#[test]
fn the_second_session_of_a_process_is_told_too() {
    let bank = Bank::new();
    let (first, old) = bank.open();
    let second = bank.session();
    let pending = Renewal::of(&old).begin(&first, &run()).unwrap();
    let waiting = bank.soft.snapshot();
    let busy = refused(Renewal::of(&old).begin(&second, &run()), Code::Busy);
    assert_eq!(facts(&busy, Fact::Holder), ["this_program"], "another thread is not another program");
    refused(second.abandon(pending.key().unwrap(), &run()), Code::Busy);
    refused(install(&second, &bank.certify(&pending)), Code::Busy);
    refused(bank.retire(&second, &old), Code::Busy);
    bank.soft.snapshot().assert_same_as(&waiting);
    drop(first);
    install(&second, &bank.certify(&pending)).unwrap();
    bank.assert_old_works();
    bank.assert_one_new_credential();
}

/// What another process writes may make a token look blank or broken for a moment, which is no reason to send anyone
/// to the bank.
#[test]
fn a_token_that_looks_broken_for_a_moment_is_found() {
    let bank = Bank::new();
    let once = "C_GetTokenInfo:ckr=CKR_GENERAL_ERROR";
    bank.run_with_faults(once, &["preflight"]).json();
    // SoftHSM shows two slots, the token's and a blank one.
    let both = "C_GetTokenInfo:ckr=CKR_DEVICE_ERROR; C_GetTokenInfo#2:ckr=CKR_DEVICE_ERROR";
    bank.run_with_faults(both, &["preflight"]).json();
    let for_good = "C_GetTokenInfo:ckr=CKR_DEVICE_ERROR,sticky";
    bank.run_with_faults(for_good, &["preflight"]).failed(Code::DeviceFault);
    bank.soft.snapshot().assert_same_as(&bank.before);
}
