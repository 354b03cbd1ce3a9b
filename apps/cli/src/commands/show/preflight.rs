//! `usbtoken preflight`: whether a renewal can work, without writing, and without PIN where the certificate shows so.

use std::time::SystemTime;

use serde_json::{Value, json};
use usbtoken::error::{Fact, Notice, Point, Warning};
use usbtoken::pki::{KeyAlgorithm, jst_time};
use usbtoken::renewal::{BeforeLogin, PointResult, PreflightPoint};
use usbtoken::text::{Phrase, printable};
use usbtoken::{Credential, Credentials, Renewal, Result, Token};

use crate::args;
use crate::commands::chosen::{self, Chosen};
use crate::commands::{from, select};
use crate::kept::Keeper;
use crate::output::{self, Outcome, error_json, notice_json, notice_text, notices_json, view};
use crate::pin::Source;
use crate::run::Run;
use crate::words::Words;

/// Shows every point. A blocker is no error of this command, but decides its exit code.
pub fn run(run: &Run, args: &args::Preflight) -> Result<Outcome> {
    let elsewhere = from::old(run, &args.old, &args.which)?;
    let token = elsewhere.as_ref().map_or_else(|| run.token(), |old| from::onto(run, old))?;
    let seen = BeforeLogin::read(&token)?;
    let all = seen.credentials();
    let unreadable: Vec<view::Unreadable> =
        all.unreadable().iter().map(|one| view::Unreadable::of(token.identity(), one)).collect();
    let choice = |all: Credentials| {
        select::credential(all.named_by(token.found_by())?, &args.which, args.key.force, run)
    };
    let is_named = args.which.is_given() || token.found_by().names_object();
    let explain = |error| run.explain(error, &token);
    let pin_at_hand = !Source::of(&run.global).is_interactive();
    let chosen = match elsewhere {
        Some(old) => Ok(Chosen { value: old, settled: true }),
        None => choice(all).map(|chosen| Chosen { value: chosen.value.into(), settled: chosen.settled }),
    };
    let (old, only_seen) = match chosen {
        Ok(chosen) if chosen.settled => (chosen.value, false),
        Ok(chosen) if !pin_at_hand => (chosen.value, true),
        Err(error) if !(pin_at_hand && chosen::may_change(&error, is_named)) => return Err(explain(error)),
        // What shows after the login only is checked too.
        _ => {
            let all = run.login(token.clone())?.credentials()?;
            (choice(all).map_err(explain)?.value.into(), false)
        }
    };
    let policy = select::policy(run, &args.key, None);
    let renewal = select::forced(Renewal::of(&old), &args.key).policy(&policy);
    let on_other = from::seen_on_other(run, &token, &old, &args.key);
    let call = run.call().passed(Keeper::of_user().passed());
    let mut preflight = run.accepted(renewal.preflight_on(&token, Some(&seen), &call));
    let remarks = |found: &PreflightPoint| matches!(&found.state, PointResult::Warning(warning) if *warning == Notice::RenewedOnOtherToken);
    if let Some((other, _)) = on_other
        && !preflight.points.iter().any(remarks)
    {
        // In place of the point that found nothing beside it.
        let speaks = |found: &PreflightPoint| {
            found.point != Point::SubjectUnique || !matches!(found.state, PointResult::Ok)
        };
        preflight.points.retain(speaks);
        let warning = Warning::from(Notice::RenewedOnOtherToken).fact(Fact::Token, other);
        preflight
            .points
            .push(PreflightPoint { point: Point::SubjectUnique, state: PointResult::Warning(warning) });
    }
    if let Some(doubt) = run.doubts_of_pin(&token) {
        // In place of the point that found nothing against the PIN.
        let speaks = |found: &PreflightPoint| {
            found.point != Point::PinUsable || !matches!(found.state, PointResult::Ok)
        };
        preflight.points.retain(speaks);
        preflight.points.push(PreflightPoint { point: Point::PinUsable, state: PointResult::Warning(doubt) });
    }

    let now = run.now();
    let when = (run.policy().window, now);
    let shown = old
        .on_token()
        .map(|old| view::Credential::of(token.identity(), old, None, when).reminded(run.bank(), now));
    run.tell(shown.as_ref().and_then(view::Credential::reminding).as_slice());
    let from = old.on_token().is_none().then(|| view::Elsewhere::of(&old, when));
    let mut lines = vec![view::Token::of(token.identity()).heading(run.lang)];
    lines.extend(shown.as_ref().map(|shown| shown.line(run.lang)));
    lines.extend(from.as_ref().map(|from| from.line(run.lang)));
    let kind = renewal.key_kind().ok().filter(|_| !args.key.reuse_key);
    lines.extend(
        kind.map(|kind| format!("  {}", Words::NewKey(&KeyAlgorithm::from(kind).to_string()).text(run.lang))),
    );
    lines.extend(unreadable.iter().map(|one| one.entry(run.lang)));
    lines.extend(preflight.points.iter().map(|finding| point_text(finding, (&token, now), run)));
    let by = old.on_token().and_then(Credential::successor);
    let said = |finding: &PreflightPoint| matches!(&finding.state, PointResult::Warning(warning) if matches!(warning.notice, Notice::SaidRenewed | Notice::RenewedOnOtherToken));
    let is_said = preflight.points.iter().any(said);
    let seems_renewed = (by.is_some() || is_said) && !args.key.force && !args.key.although_renewed;
    let can_renew = preflight.can_begin() && !seems_renewed;
    // None that can be renewed is seen: that is not none.
    let is_unknown = only_seen && !preflight.can_begin() && preflight.points.iter().all(is_of_certificate);
    let verdict = match preflight.can_begin() {
        false if is_unknown => Words::NotKnownWithoutPin,
        true if seems_renewed => Words::SeemsRenewed,
        true if preflight.points.iter().any(is_begun) => Words::MayBeFinished,
        true => Words::CanRenew,
        false => Words::CannotRenew,
    };
    lines.push(verdict.text(run.lang));
    if only_seen {
        lines.push(notice_text(&Notice::MoreAfterLogin.into(), run.tongue()));
    }
    let points = || preflight.points.iter().map(|finding| point_json(finding, run)).collect::<Vec<Value>>();
    let json = run.for_programs(|| {
        json!({
            "credential": shown,
            "from": from,
            "can_renew": (!is_unknown).then_some(can_renew),
            "key_kind": kind,
            "unreadable": unreadable,
            "stated_pin_length": token.stated_pin_length(),
            "looked_at": if only_seen { "without_pin" } else { "all" },
            "now": view::Moment(now),
            "points": points(),
            "notices": notices_json(&run.noted(), run.tongue()),
        })
    });
    let mut outcome = Outcome::new(lines.join("\n"), json);
    if !is_unknown {
        outcome.exit = preflight.into_notices().err().map(|blocker| blocker.code().family());
    }
    Ok(outcome)
}

/// Whether nothing but what is known of the one certificate that was examined can stand against the renewal.
fn is_of_certificate(finding: &PreflightPoint) -> bool {
    match &finding.state {
        PointResult::Blocker(error) => chosen::may_be_private(error),
        PointResult::Ok | PointResult::Warning(_) => true,
    }
}

fn is_begun(finding: &PreflightPoint) -> bool {
    matches!(&finding.state, PointResult::Warning(warning) if *warning == Notice::BegunBefore)
}

fn point_text(finding: &PreflightPoint, (token, now): (&Token, SystemTime), run: &Run) -> String {
    let lang = run.lang;
    let say = |text: &str| run.tongue().say(text);
    let own = |code| run.bank().and_then(|bank| bank.next_step(code, lang));
    let (state, sentence, next) = match &finding.state {
        PointResult::Ok => (Words::Fine.text(lang), finding.point.sentence(lang), None),
        PointResult::Warning(warning) => {
            let message = warning.notice.message(lang);
            (Phrase::Warning.text(lang), message.sentence, Some(message.next_action.to_owned()))
        }
        PointResult::Blocker(error) => {
            let code = error.code();
            let next = own(code).unwrap_or_else(|| code.message(lang).next_action.to_owned());
            (Phrase::Blocker.text(lang), code.message(lang).sentence, Some(next))
        }
    };
    let mut text = format!("  [{state}] {}", say(sentence));
    let mut put = |(fact, value): (Fact, &str)| {
        text.push_str(&format!("\n      {}", output::fact_text(fact, value, run.tongue())));
    };
    match &finding.state {
        PointResult::Blocker(error) => error.facts().for_each(&mut put),
        PointResult::Warning(warning) => warning.facts().for_each(&mut put),
        PointResult::Ok if finding.point == Point::Clock => put((Fact::Now, &jst_time(now))),
        PointResult::Ok if finding.point == Point::PinUsable => {
            if let Some((shortest, longest)) = token.stated_pin_length() {
                put((Fact::Stated, &format!("{shortest}–{longest}")));
            }
        }
        PointResult::Ok => {}
    }
    let hint = match &finding.state {
        PointResult::Blocker(error) => output::hint(error, run.bank()),
        PointResult::Warning(warning) => output::notice_hint(warning.notice),
        PointResult::Ok => None,
    };
    let next = next.map(|next| say(&next)).into_iter().chain(hint.map(|hint| run.tongue().text(hint)));
    text.extend(next.map(|next| format!("\n      {}", printable(&next))));
    text
}

fn point_json(finding: &PreflightPoint, run: &Run) -> Value {
    let (lang, bank) = (run.lang, run.bank());
    let (state, notice, error) = match &finding.state {
        PointResult::Ok => ("ok", Value::Null, Value::Null),
        PointResult::Warning(warning) => ("warning", notice_json(warning, run.tongue()), Value::Null),
        PointResult::Blocker(error) => {
            ("blocker", Value::Null, error_json(error, lang, bank)["error"].take())
        }
    };
    json!({
        "number": finding.point.number(),
        "point": finding.point.name(),
        "state": state,
        "notice": notice,
        "error": error,
    })
}
