//! What a program is told of a job of its own, and what counts as one: begun here, or found on the token.

#[path = "../common/mod.rs"]
mod common;

use common::{Bank, DAY, at, install, policy, read, refused, run};
use usbtoken::bank::{KeyRule, OldCredential};
use usbtoken::error::{Fact, Notice, Point};
use usbtoken::pki::{Closing, ProofLevel, ResponseForm, SubjectRule, jst_date};
use usbtoken::places::OldCertificate;
use usbtoken::renewal::{PendingKey, PendingState, PointResult, Preflight, Retire};
use usbtoken::{Code, Install, Installed, Policy, Renewal, Response, Session};
use usbtoken_testkit::{Kind, NameDer, Text, days_from_now, serial_hex};

fn has(installed: &Installed, notice: Notice) -> bool {
    installed.notices.iter().any(|warning| *warning == notice)
}

/// Who keeps the label and the day beside the identifier knows the job again.
#[test]
fn a_program_is_told_the_day_and_the_label_of_its_job() {
    let bank = Bank::new();
    let (session, old) = bank.open();
    let day = std::time::SystemTime::now() - 3 * DAY;
    let pending = Renewal::of(&old).outside_window().begin(&session, &at(day)).unwrap();
    let waiting = bank.soft.snapshot();
    let label = waiting.added_since(&bank.before)[0].label.clone();
    assert_eq!((pending.since(), pending.label()), (jst_date(day), Some(label.as_bytes())));
    assert_eq!(pending.label_not_taken(), None);
    // Another process has it from the token.
    let key = session.pending().unwrap().remove(0);
    let resumed = Renewal::of(&old).resume(&session, &key, &run()).unwrap();
    assert_eq!((resumed.since(), resumed.label()), (jst_date(day), Some(label.as_bytes())));
    // With the old key there is no record, and so no label of the job.
    let reuse = policy(|p| p.key = KeyRule::OldAgain);
    let again =
        Renewal::of(&old).beside_pending().outside_window().policy(&reuse).begin(&session, &run()).unwrap();
    assert_eq!((again.label(), again.label_not_taken()), (None, None));
}

/// By the request itself, though the session in which it was installed is closed, and another one has read nothing.
#[test]
fn what_was_installed_in_another_session_is_not_written_again() {
    let bank = Bank::new();
    let (session, old) = bank.open();
    let pending = Renewal::of(&old).begin(&session, &run()).unwrap();
    let answer = read(&bank.certify(&pending));
    let installed = Install::new(&answer).run_for(&session, &pending, &run()).unwrap();
    assert!(!installed.was_there && !has(&installed, Notice::LabelShared));
    drop(session);
    let done = bank.soft.snapshot();
    assert!(Install::new(&answer).run_for(&bank.session(), &pending, &run()).unwrap().was_there);
    bank.soft.snapshot().assert_same_as(&done);
}

/// Before anything old goes it is searched for what came meanwhile.
#[test]
fn what_another_process_has_installed_is_not_written_again() {
    let bank = Bank::new();
    let (session, old) = bank.open();
    let removes = policy(|p| p.old = OldCredential::Remove);
    let pending = Renewal::of(&old).policy(&removes).begin(&session, &run()).unwrap();
    let answer = bank.certify(&pending);
    drop(session);
    bank.write("answer.der", &answer);
    bank.run(&["install", "answer.der"]).json();
    let done = bank.soft.snapshot();
    assert!(Install::new(&read(&answer)).run_for(&bank.session(), &pending, &run()).unwrap().was_there);
    bank.soft.snapshot().assert_same_as(&done);
}

/// The CA changes the common name: the program that has made the key knows whose place it takes; of one that was found on the token
/// only the record says it, which may be a copy.
#[test]
fn a_changed_name_takes_the_place_unasked_where_the_job_was_begun_here() {
    let name = NameDer::new()
        .country("JP")
        .organization(Text::Printable, "(9936)NTT DATA CORPORATION")
        .unit(Text::Utf8, "(9936)ANSER-WEB(BizSOL) TEST CA - G4")
        .unit(Text::Printable, "USB TOKEN")
        .common(Text::Printable, "login031 A001 202611271200 1");
    for begun_here in [true, false] {
        let bank = Bank::new();
        let mut policy = bank.anchored();
        policy.demand_subject(SubjectRule::CommonNameMayChange);
        let (session, old) = bank.open();
        let renewal = Renewal::of(&old).policy(&policy);
        let mut pending = renewal.begin(&session, &run()).unwrap();
        if !begun_here {
            let key = session.pending().unwrap().remove(0);
            pending = renewal.resume(&session, &key, &run()).unwrap();
        }
        let answer = bank.ca.issue_for(pending.request().to_der()).subject(&name.to_der()).der();
        let installed = Install::new(&read(&answer)).run_for(&session, &pending, &run()).unwrap();
        let both = bank.soft.snapshot();
        let removed = Retire::replaced_by(&installed).unwrap().run(&session, &run());
        match begun_here {
            true => assert!(removed.unwrap().key_removed),
            false => {
                refused(removed, Code::SuccessorDoubtful);
                bank.soft.snapshot().assert_same_as(&both);
            }
        }
    }
}

fn told(preflight: &Preflight, of: Point) -> Result<Option<Notice>, Code> {
    match &preflight.points.iter().find(|found| found.point == of).unwrap().state {
        PointResult::Ok => Ok(None),
        PointResult::Warning(warning) => Ok(Some(warning.notice)),
        PointResult::Blocker(error) => Err(error.code()),
    }
}

/// Before the login too: the window forbids what would be begun now, and no job that was begun in time.
#[test]
fn what_was_begun_in_time_is_not_forbidden_before_the_login() {
    let bank = Bank::new();
    let (session, old) = bank.open();
    let closed = policy(|p| p.window.closes = Closing::HoursBefore(30 * 24));
    let ended = old.certificate().not_after() + DAY;
    let window = |policy: &Policy, now| {
        let renewal = Renewal::of(&old).policy(policy);
        told(&renewal.preflight_before_login(session.token(), &at(now)), Point::Window)
    };
    let now = std::time::SystemTime::now();
    assert_eq!(window(&Policy::default(), ended), Err(Code::Expired));
    assert_eq!(window(&closed, now), Err(Code::RenewalClosed));
    Renewal::of(&old).begin(&session, &run()).unwrap();
    assert_eq!(window(&Policy::default(), ended), Ok(Some(Notice::BegunBefore)));
    assert_eq!(window(&closed, now), Ok(Some(Notice::BegunBefore)));
    assert_eq!(window(&Policy::default(), now), Ok(None));
    refused(Renewal::of(&old).policy(&closed).begin(&session, &run()), Code::PendingExists);
}

/// A key that wants the PIN for each signature is not asked by a list: its certificate may be its own. The answer says so again, and the
/// key signs then.
#[test]
fn the_answer_confirms_what_was_written_for_a_key_that_asks() {
    for (signs, label_is_ours) in [(true, true), (false, true), (false, false)] {
        let bank = Bank::new();
        let (session, old) = bank.open();
        let pending = Renewal::of(&old).begin(&session, &run()).unwrap();
        let label = String::from_utf8(pending.label().unwrap().to_vec()).unwrap();
        session.abandon(pending.key().unwrap(), &run()).unwrap();
        drop(session);
        let stored_as = if label_is_ours { &label } else { "somebody" };
        let answer = bank.soft.inspect(|inspector| {
            inspector.generate_pair_that_asks(Kind::P256, b"asks", &label);
            let own = inspector.public_key(b"asks");
            inspector.generate_pair(Kind::P256, b"other", "other");
            let public = if signs { own } else { inspector.public_key(b"other") };
            let der = bank.ca.issue(&bank.old.subject, &public).not_after(days_from_now(376)).der();
            inspector.write_certificate(&der, b"asks", stored_as);
            der
        });
        if !signs {
            bank.pkcs11_tool(&[
                "--delete-object",
                "--type",
                "pubkey",
                "--id",
                &base16ct::lower::encode_string(b"asks"),
            ]);
            bank.soft.inspect(|inspector| inspector.copy_public_key(b"other", b"asks", &label));
        }
        let written = bank.soft.snapshot();
        let session = bank.session();
        let states: Vec<PendingState> = session.pending().unwrap().iter().map(|key| key.state()).collect();
        assert_eq!(states, [PendingState::NotConfirmed]);
        let confirmed = install(&session, &answer);
        if signs {
            let done = confirmed.unwrap();
            assert!(done.was_there && has(&done, Notice::AlreadyInstalled));
            assert_eq!((done.credential.id(), done.credential.certificate().der()), (&b"asks"[..], &*answer));
            assert_eq!(done.replaced.as_ref().unwrap().id(), bank.old.id);
            assert!(done.record().is_some(), "the day on which it was seen to work counts");
            bank.soft.snapshot().assert_same_as(&written);
            // The same where the old one is elsewhere.
            bank.soft.inspect(|inspector| inspector.destroy(&bank.old.id));
            let elsewhere = OldCertificate::given(&bank.old.certificate).unwrap();
            let done = Install::new(&read(&answer)).old(&elsewhere).run(&session, &run()).unwrap();
            assert_eq!(done.old_elsewhere.unwrap().certificate().der(), bank.old.certificate);
        } else {
            refused(confirmed, Code::SignatureInvalid);
            let now = bank.soft.snapshot();
            let left = now.of_class("CKO_CERTIFICATE").filter(|one| one.id == b"asks").count();
            assert_eq!(left, usize::from(!label_is_ours), "what is not ours stays");
            assert_eq!(now.objects().len() + usize::from(label_is_ours), written.objects().len());
        }
    }
}

#[test]
fn a_key_that_is_used_again_shares_its_label() {
    let bank = Bank::new();
    let (session, old) = bank.open();
    let reuse = policy(|p| p.key = KeyRule::OldAgain);
    let pending = Renewal::of(&old).policy(&reuse).begin(&session, &run()).unwrap();
    let installed = Install::new(&read(&bank.certify(&pending))).run_for(&session, &pending, &run()).unwrap();
    assert!(has(&installed, Notice::LabelShared) && has(&installed, Notice::KeyReused));
    assert!(!has(&installed, Notice::OldCertificateReplaced));
}

/// Two jobs, by the identifiers of their keys, and one file with the answers to both.
fn two_jobs(bank: &Bank, session: &Session) -> ([Vec<u8>; 2], Response) {
    let jobs = ["Alice", "Bob"].map(|common| {
        let name = NameDer::new().organization(Text::Utf8, "firm").common(Text::Utf8, common);
        let renewal = Renewal::first(usbtoken::pki::Name::from_der(&name.to_der()).unwrap());
        let pending = renewal.beside_pending().begin(session, &run()).unwrap();
        let pem = usbtoken::Certificate::from_der(&bank.certify(&pending)).unwrap().to_pem();
        (pending.key_id().to_vec(), pem)
    });
    let both = read(jobs.iter().map(|(_, pem)| pem.as_str()).collect::<String>().as_bytes());
    (jobs.map(|(id, _)| id), both)
}

/// One file with the answers to two jobs: the caller says which job is meant.
#[test]
fn of_several_answers_the_one_is_installed_that_is_meant() {
    for which in [0, 1] {
        let bank = Bank::new();
        let (session, _) = bank.open();
        let (ids, both) = two_jobs(&bank, &session);
        let wanted = |key: &PendingKey| key.id() == ids[which];
        let waiting = bank.soft.snapshot();
        refused(Install::new(&both).run(&session, &run()), Code::PendingAmbiguous);
        bank.soft.snapshot().assert_same_as(&waiting);
        let installed = Install::new(&both).meant(&wanted).run(&session, &run()).unwrap();
        assert_eq!(installed.credential.id(), ids[which]);
        bank.soft.snapshot().assert_keeps(&waiting);
    }
}

/// A URI that names the very key has the word before the caller.
#[test]
fn of_several_answers_the_one_is_installed_whose_key_the_uri_names() {
    let bank = Bank::new();
    let (session, _) = bank.open();
    let (ids, both) = two_jobs(&bank, &session);
    drop(session);
    let id: String = ids[1].iter().map(|byte| format!("%{byte:02x}")).collect();
    let uri = format!("{};id={id}", bank.soft.uri()).parse().unwrap();
    let token = usbtoken::Finder::new().module(bank.soft.module()).find(&uri).unwrap();
    let session = bank.login(&token);
    let other = |key: &PendingKey| key.id() == ids[0];
    let installed = Install::new(&both).meant(&other).run(&session, &run()).unwrap();
    assert_eq!(installed.credential.id(), ids[1]);
}

/// In another process too: what the bank's CA does not answer in is refused, and nothing is written.
#[test]
fn an_answer_in_another_form_than_the_banks_is_refused() {
    let bank = Bank::new();
    let (session, old) = bank.open();
    let pending = Renewal::of(&old).begin(&session, &run()).unwrap();
    let answer = read(&bank.certify(&pending));
    drop(pending);
    let waiting = bank.soft.snapshot();
    let install =
        |form| Install::new(&answer).policy(&policy(|p| p.answers = vec![form])).run(&session, &run());
    refused(install(ResponseForm::Pkcs7), Code::AnswerFormUnexpected);
    bank.soft.snapshot().assert_same_as(&waiting);
    install(ResponseForm::Certificate).unwrap();
}

/// The certificate is there and its key has gone: that one is named, whatever else is on the token.
#[test]
fn an_answer_whose_key_has_gone_names_its_certificate() {
    let bank = Bank::new();
    let (session, old) = bank.open();
    let pending = Renewal::of(&old).begin(&session, &run()).unwrap();
    let answer = bank.certify(&pending);
    let id = base16ct::lower::encode_string(pending.key_id());
    install(&session, &answer).unwrap();
    drop((pending, session));
    for kind in ["privkey", "pubkey"] {
        bank.pkcs11_tool(&["--delete-object", "--type", kind, "--id", &id]);
    }
    let before = bank.soft.snapshot();
    let error = refused(install(&bank.session(), &answer), Code::KeyMissing);
    let serial = serial_hex(&answer);
    assert_eq!(common::facts(&error, Fact::Serial), [serial.as_str()], "{error}");
    bank.soft.snapshot().assert_same_as(&before);
}

/// Somebody's certificate stands under the identifier of our job with its label. A token that refuses ours and keeps it all the same is
/// cleaned of ours alone.
#[test]
fn what_stood_under_the_identifier_before_is_no_rest_of_a_refused_certificate() {
    let bank = Bank::new();
    let (session, old) = bank.open();
    let pending = Renewal::of(&old).begin(&session, &run()).unwrap();
    let (id, label) =
        (pending.key_id().to_vec(), String::from_utf8(pending.label().unwrap().to_vec()).unwrap());
    drop((pending, session));
    bank.soft.inspect(|inspector| {
        inspector.generate_pair(Kind::P256, b"other", "other");
        let name = NameDer::new().common(Text::Utf8, "somebody").to_der();
        let theirs = bank.ca.issue(&name, &inspector.public_key(b"other")).der();
        inspector.write_certificate(&theirs, &id, &label);
    });
    let before = bank.soft.snapshot();
    let issuer = bank.issuer("");
    let said = bank.run_with_faults(
        "C_CreateObject:lose=CKR_FUNCTION_FAILED",
        &["resume", "--sign-again", "--issuer", &issuer],
    );
    let now = bank.soft.snapshot();
    now.assert_keeps(&before);
    assert!(bank.called().iter().any(|name| name == "C_DestroyObject"), "{said:?}");
    said.json();
    assert_eq!(now.added_since(&before).len(), 1);
}

/// The same key again: this program has installed it, so that nobody has to name the old one; of what another program has renewed a person
/// says it.
#[test]
fn what_was_renewed_with_the_same_key_goes_unasked_where_this_program_has_done_it() {
    let bank = Bank::new();
    let state = bank.file("state");
    let kept = || run().installations_in(&state);
    let (session, old) = bank.open();
    let reuse = policy(|p| p.key = KeyRule::OldAgain);
    let pending = Renewal::of(&old).policy(&reuse).begin(&session, &kept()).unwrap();
    Install::new(&read(&bank.certify(&pending))).run_for(&session, &pending, &kept()).unwrap();
    let both = bank.soft.snapshot();
    let removal = Retire::of(&old, &bank.anchored()).unless_copy().unless_renewed_by_another();
    refused(removal.run(&session, &run()), Code::RenewedByAnother);
    bank.soft.snapshot().assert_same_as(&both);
    assert!(!removal.run(&session, &kept()).unwrap().key_removed);
    assert_eq!(bank.soft.snapshot().objects().len() + 1, both.objects().len());
}

/// The CA has changed the name, which makes each of two followers doubtful: the one that this program has installed is the renewal.
#[test]
fn of_two_doubtful_followers_the_one_counts_that_this_program_has_installed() {
    let firm = |common: &str| {
        NameDer::new()
            .country("JP")
            .organization(Text::Printable, "(9936)NTT DATA CORPORATION")
            .unit(Text::Utf8, "(9936)ANSER-WEB(BizSOL) TEST CA - G4")
            .unit(Text::Printable, "USB TOKEN")
            .common(Text::Printable, common)
            .to_der()
    };
    let bank = Bank::new();
    let state = bank.file("state");
    let kept = || run().installations_in(&state);
    let mut policy = bank.anchored();
    policy.demand_subject(SubjectRule::CommonNameMayChange);
    let (session, old) = bank.open();
    let renewal = Renewal::of(&old).policy(&policy);
    let install = |days, common: &str, run: &usbtoken::Run<'_>| {
        let pending = renewal.clone().although_renewed().begin(&session, run).unwrap();
        let issue = bank.ca.issue_for(pending.request().to_der()).subject(&firm(common));
        let answer = read(&issue.not_after(days_from_now(days)).der());
        Install::new(&answer).run_for(&session, &pending, run).unwrap();
    };
    install(300, "login031 A001 202611271200 1", &kept());
    refused(renewal.begin(&session, &kept()), Code::AlreadyRenewed);
    install(400, "login031 A001 202611271200 2", &run());
    refused(renewal.begin(&session, &run()), Code::SuccessorDoubtful);
    refused(renewal.begin(&session, &kept()), Code::AlreadyRenewed);
}

/// The object that was chosen has gone: another one with the same certificate is not taken for it, unless nobody has chosen the very object.
#[test]
fn another_copy_is_not_what_was_chosen() {
    let bank = Bank::new();
    bank.soft.inspect(|inspector| inspector.write_certificate(&bank.old.certificate, &[0x55], "copy"));
    bank.renewed();
    let session = bank.session();
    let copy = session.credentials().unwrap().by_id(&[0x55]).only().unwrap();
    bank.soft.inspect(|inspector| inspector.destroy(&[0x55]));
    let before = bank.soft.snapshot();
    let removal = Retire::of(&copy, &bank.anchored());
    refused(removal.run(&session, &run()), Code::CredentialNotFound);
    bank.soft.snapshot().assert_same_as(&before);
    assert!(removal.unless_copy().run(&session, &run()).unwrap().key_removed);
    assert_eq!(bank.soft.snapshot().with_id(&bank.old.id).count(), 0);
}

/// Whoever has a credential can ask what its driver says of the key.
#[test]
fn the_proof_of_a_credential_is_told() {
    let bank = Bank::new();
    let id = bank.renewed().id().to_vec();
    let session = bank.session();
    let new = session.credentials().unwrap().by_id(&id).only().unwrap();
    assert_eq!(session.proof(&new, &run()).unwrap().unwrap().level, ProofLevel::Proven);
}

/// What is left of the old one is another program's copy; but what the person has to do first is something else.
#[test]
fn a_copy_is_named_only_where_nothing_else_stands_in_the_way() {
    let bank = Bank::new();
    let (session, old) = bank.open();
    let pending = Renewal::of(&old).begin(&session, &run()).unwrap();
    install(&session, &bank.certify(&pending)).unwrap();
    drop(session);
    bank.soft.inspect(|inspector| {
        inspector.write_certificate(&bank.old.certificate, &[0x55], "copy");
        inspector.destroy(&bank.old.id);
    });
    let (session, before) = (bank.session(), bank.soft.snapshot());
    let copy = session.credentials().unwrap().by_id(&[0x55]).only().unwrap();
    let mut policy = bank.anchored();
    policy.old = OldCredential::RemoveAfterConfirmation;
    let unnamed = |policy: &Policy| Retire::of(&copy, policy).unless_copy().run(&session, &run());
    refused(unnamed(&policy), Code::RetireNotConfirmed);
    refused(unnamed(&bank.anchored()), Code::OldIsCopy);
    bank.soft.snapshot().assert_same_as(&before);
}

/// Two keys sign for the old one: only the identifier, named by a person, says which of them goes.
#[test]
fn of_two_keys_that_sign_none_goes_that_nobody_has_named() {
    let bank = Bank::new();
    bank.soft.inspect(|inspector| inspector.copy_private_key(&bank.old.id, &[0x55], "backup"));
    bank.renewed();
    let (session, old) = bank.open();
    let both = bank.soft.snapshot();
    refused(bank.retire(&session, &old), Code::RemovalDoubtful);
    bank.soft.snapshot().assert_same_as(&both);
    assert!(Retire::of(&old, &bank.anchored()).named_by_id().run(&session, &run()).unwrap().key_removed);
    let now = bank.soft.snapshot();
    assert_eq!((now.with_id(&bank.old.id).count(), now.with_id(&[0x55]).count()), (0, 1));
}

/// What is begun is finished first: while a job waits it is told, and no longer the renewal before it.
#[test]
fn a_job_beside_a_renewal_that_is_done_comes_before_it() {
    let bank = Bank::new();
    bank.renewed();
    let (session, old) = bank.open();
    let renewal = Renewal::of(&old);
    refused(renewal.begin(&session, &run()), Code::AlreadyRenewed);
    renewal.clone().although_renewed().begin(&session, &run()).unwrap();
    refused(renewal.begin(&session, &run()), Code::PendingExists);
    renewal.beside_pending().begin(&session, &run()).unwrap();
}
