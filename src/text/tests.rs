use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

use super::printable::is_unsafe_to_print;
use super::*;
use crate::error::{Call, Error};

/// Every sentence and next action, with the name of what it belongs to.
fn all_words(lang: Lang) -> Vec<(String, &'static str)> {
    let mut words = Vec::new();
    for code in Code::ALL {
        words.push((format!("{} sentence", code.name()), code.message(lang).sentence));
        words.push((format!("{} next", code.name()), code.message(lang).next_action));
    }
    for notice in Notice::ALL {
        words.push((format!("{} sentence", notice.name()), notice.message(lang).sentence));
        words.push((format!("{} next", notice.name()), notice.message(lang).next_action));
    }
    words.extend(Point::ALL.iter().map(|point| (format!("point {}", point.name()), point.sentence(lang))));
    words
}

fn is_japanese(text: &str) -> bool {
    text.chars().any(|c| matches!(c, '\u{3040}'..='\u{30ff}' | '\u{4e00}'..='\u{9fff}'))
}

#[test]
fn every_sentence_is_whole_and_in_its_language() {
    for (name, text) in all_words(Lang::Ja) {
        assert!(is_japanese(text), "{name}: {text}");
        assert!(text.ends_with('。'), "{name}: {text}");
        assert!(!text.contains("認証書"), "{name} uses a word that Japanese banks do not: {text}");
        assert!(!text.contains(['\n', '　']), "{name}: {text}");
    }
    for (name, text) in all_words(Lang::En) {
        assert!(text.is_ascii() && text.ends_with('.'), "{name}: {text}");
        assert!(text.starts_with(|c: char| c.is_ascii_uppercase()), "{name}: {text}");
    }
}

/// A desktop program shows these sentences too; its customers know nothing of the command.
#[test]
fn no_sentence_names_the_command_or_its_options() {
    for lang in Lang::ALL {
        for (name, text) in all_words(lang) {
            assert!(!text.contains("--") && !text.contains("usbtoken "), "{name}: {text}");
        }
    }
}

#[test]
fn no_two_codes_say_the_same() {
    for lang in Lang::ALL {
        let sentences: HashSet<_> = Code::ALL.iter().map(|code| code.message(lang).sentence).collect();
        assert_eq!(sentences.len(), Code::ALL.len());
        let notices: HashSet<_> = Notice::ALL.iter().map(|notice| notice.message(lang).sentence).collect();
        assert_eq!(notices.len(), Notice::ALL.len());
        let points: HashSet<_> = Point::ALL.iter().map(|point| point.sentence(lang)).collect();
        assert_eq!(points.len(), Point::ALL.len());
        let steps: HashSet<_> = Step::ALL.iter().map(|step| step.sentence(lang)).collect();
        assert_eq!(steps.len(), Step::ALL.len());
        let facts: HashSet<_> = Fact::ALL.iter().map(|fact| fact.label(lang)).collect();
        assert_eq!(facts.len(), Fact::ALL.len());
    }
}

#[test]
fn a_next_action_adds_to_its_sentence() {
    for lang in Lang::ALL {
        for code in Code::ALL {
            assert_ne!(code.message(lang).sentence, code.message(lang).next_action, "{}", code.name());
        }
    }
}

/// No token tells how many tries are left, so no sentence about the PIN may hold a number.
#[test]
fn no_count_of_pin_tries_is_invented() {
    for lang in Lang::ALL {
        for (name, text) in all_words(lang).into_iter().filter(|(name, _)| name.starts_with("pin")) {
            let text = text.replace("PKCS#11", "").replace("UTF-8", "").replace("UTF-16", "");
            assert!(!text.contains(|c: char| c.is_numeric()), "{name}: {text}");
            assert!(!text.contains("残り") && !text.contains("回"), "{name}: {text}");
        }
    }
}

#[test]
fn progress_is_said_as_going_on() {
    for step in Step::ALL {
        let ja = step.sentence(Lang::Ja);
        assert!(ja.ends_with("います"), "{ja}");
        assert!(step.sentence(Lang::En).split(' ').next().unwrap().ends_with("ing"));
    }
}

fn locked() -> Error {
    Error::new(Code::PinLocked)
        .during(Step::LogIn)
        .call(Call { function: "C_Login", rv: 0xa4, name: "CKR_PIN_LOCKED" })
        .fact(Fact::Token, "BANK (serial 12ab)")
}

#[test]
fn a_report_has_sentence_facts_next_action_and_support_line() {
    assert_eq!(
        locked().report(Lang::Ja).to_string(),
        "PIN(暗証番号)がロックされています。\n  トークン: BANK (serial 12ab)\n\
         何度入力しても解除されません。お取引店にご連絡ください。銀行がロックを解除するか、USBトークンを交換します。\n\
         [302 pin_locked; log_in; C_Login: CKR_PIN_LOCKED (0xa4)]"
    );
    assert_eq!(
        locked().to_string(),
        "The PIN is locked. (token: BANK (serial 12ab)) Entering the PIN again cannot \
         unlock it. Contact the bank's branch that you deal with: the bank unlocks or replaces the token. [302 pin_locked; log_in; C_Login: CKR_PIN_LOCKED (0xa4)]"
    );
}

/// A label on a token is chosen by whoever initialised it.
#[test]
fn values_from_outside_cannot_forge_lines_or_move_the_cursor() {
    let error = Error::new(Code::TokenAmbiguous).fact(Fact::Candidate, "A\x1b[2J\u{202e}B\r\nC");
    let report = error.report(Lang::En);
    assert!(!report.one_line().contains(is_unsafe_to_print), "{}", report.one_line());
    let shown = report.to_string();
    assert!(!shown.replace('\n', "").contains(is_unsafe_to_print), "{shown}");
    assert!(shown.contains("\n    C\n"), "a second line is indented under its label: {shown}");
    assert!(matches!(printable("(9936)伊予 太郎"), Cow::Borrowed(_)));
}

#[test]
fn the_language_is_read_from_locale_names() {
    for locale in ["ja", "ja_JP", "ja_JP.UTF-8", "ja-JP", "ja_JP@x", "JA_jp"] {
        assert_eq!(Lang::from_locale(locale), Lang::Ja, "{locale}");
    }
    for locale in ["", "C", "POSIX", "C.UTF-8", "en_US.UTF-8", "jam_JM", "de"] {
        assert_eq!(Lang::from_locale(locale), Lang::En, "{locale}");
    }
    assert_eq!("ja".parse::<Lang>().unwrap(), Lang::Ja);
    assert_eq!("fr".parse::<Lang>().unwrap_err().code(), Code::BadArgument);
}

#[test]
fn dates_are_japanese_dates_with_the_zone_named() {
    // 2027-03-04T23:59:59Z is the next morning in Japan.
    let moment = SystemTime::UNIX_EPOCH + Duration::from_secs(1_804_204_799);
    assert_eq!(Phrase::Moment(moment).text(Lang::En), "2027-03-05 08:59:59 JST");
    assert_eq!(Phrase::Moment(moment).text(Lang::Ja), "2027年3月5日 08:59:59（日本時間）");
    assert_eq!(Phrase::Day("2027-03-05").text(Lang::Ja), "2027年3月5日");
    assert_eq!(Phrase::RenewableFrom("2027-03-05").text(Lang::Ja), "2027年3月5日から更新できます");
    assert_eq!(Phrase::DaysLeft(11).text(Lang::Ja), "残り11日");
    assert_eq!(Phrase::DaysLeft(-3).text(Lang::Ja), "3日前に期限切れ");
    assert_eq!(Phrase::DaysLeft(1).text(Lang::En), "1 day left");
}

/// `docs/errors.md` is made from the code. To make it anew: `UPDATE=1 cargo test -p usbtoken errors_document`.
#[test]
fn the_errors_document_is_up_to_date() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/errors.md");
    let document = errors_document();
    if std::env::var_os("UPDATE").is_some() {
        std::fs::create_dir_all(concat!(env!("CARGO_MANIFEST_DIR"), "/docs")).unwrap();
        std::fs::write(path, &document).unwrap();
    }
    let on_disk = std::fs::read_to_string(path).unwrap_or_default().replace("\r\n", "\n");
    assert!(
        on_disk == document,
        "docs/errors.md differs from the code; run: UPDATE=1 cargo test -p usbtoken errors_document"
    );
}

fn errors_document() -> String {
    let mut out = String::from(
        "# Errors, warnings, steps\n\n\
         Made from `src/error/` and `src/text/` by a test; to make it anew after a change there, run\n\
         `UPDATE=1 cargo test -p usbtoken errors_document`.\n\n\
         Numbers and names are stable. A number that is retired is never used again. The hundreds of an error's\n\
         number are its family, and the family decides the exit code of the command `usbtoken`.\n\n\
         ## Errors\n",
    );
    let mut family = None;
    for code in Code::ALL {
        if family != Some(code.family()) {
            family = Some(code.family());
            write!(out, "\n### {:?}: exit code {}\n\n", code.family(), code.family() as u8).unwrap();
            out.push_str("| No. | name | 日本語 | English |\n|---|---|---|---|\n");
        }
        row(&mut out, code.number(), code.name(), |lang| {
            format!("{}<br>→ {}", code.message(lang).sentence, code.message(lang).next_action)
        });
    }
    out.push_str("\n## Warnings\n\n| No. | name | 日本語 | English |\n|---|---|---|---|\n");
    for notice in Notice::ALL {
        row(&mut out, notice.number(), notice.name(), |lang| {
            format!("{}<br>→ {}", notice.message(lang).sentence, notice.message(lang).next_action)
        });
    }
    out.push_str("\n## Steps\n\n| No. | name | 日本語 | English |\n|---|---|---|---|\n");
    for step in Step::ALL {
        row(&mut out, step.number(), step.name(), |lang| step.sentence(lang).to_owned());
    }
    out.push_str("\n## Points of the preflight\n\n| No. | name | 日本語 | English |\n|---|---|---|---|\n");
    for point in Point::ALL {
        row(&mut out, point.number(), point.name(), |lang| point.sentence(lang).to_owned());
    }
    out.push_str(
        "\n## Values that go with an error\n\n| No. | name | 日本語 | English |\n|---|---|---|---|\n",
    );
    for fact in Fact::ALL {
        row(&mut out, fact.number(), fact.name(), |lang| fact.label(lang).to_owned());
    }
    out
}

fn row(out: &mut String, number: u16, name: &str, words: impl Fn(Lang) -> String) {
    writeln!(out, "| {number} | `{name}` | {} | {} |", words(Lang::Ja), words(Lang::En)).unwrap();
}
