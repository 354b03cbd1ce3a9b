use super::*;
use clap::CommandFactory as _;
use clap::error::ErrorKind;
use usbtoken::Code;
use usbtoken::error::Family;
use usbtoken::pki::SubjectRule;

fn parse(line: &[&str]) -> Result<Cli, ErrorKind> {
    Cli::try_parse_from([&["usbtoken"], line].concat()).map_err(|error| error.kind())
}

#[test]
fn the_definition_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn globals_stand_before_or_after_the_command() {
    for line in [["--json", "list"], ["list", "--json"]] {
        assert!(parse(&line).unwrap().global.json);
    }
    let cli = parse(&["list", "--module", "/a.so", "--module", "/b.so", "--lang", "ja"]).unwrap();
    assert_eq!(cli.global.drivers.module, [PathBuf::from("/a.so"), PathBuf::from("/b.so")]);
    assert_eq!(cli.global.lang, Some(Lang::Ja));
}

#[test]
fn contradictions_are_refused() {
    let conflicts: [&[&str]; 6] = [
        &["list", "--pin-file", "f", "--pin-env", "E"],
        &["renew", "--issuer", "x", "--nth", "1", "--serial", "02"],
        &["renew", "--issuer", "x", "--key", "p256", "--reuse-key"],
        &["request", "--out", "f", "--subject", "CN=a", "--id", "01"],
        &["request", "--out", "f", "--subject", "CN=a", "--reuse-key"],
        &["resume", "--out", "f", "--issuer", "x"],
    ];
    for line in conflicts {
        assert_eq!(parse(line).unwrap_err(), ErrorKind::ArgumentConflict, "{line:?}");
    }
}

#[test]
fn what_is_needed_is_demanded() {
    let short: [&[&str]; 2] = [&["request"], &["install"]];
    for line in short {
        assert_eq!(parse(line).unwrap_err(), ErrorKind::MissingRequiredArgument, "{line:?}");
    }
    assert!(parse(&[]).is_err());
    // A bank may say how the CA is asked, so it is searched for when that is known.
    for line in [&["renew"], &["resume"]] {
        let error = parse(line).unwrap().command.check_issuer().unwrap_err();
        assert_eq!(error.code(), usbtoken::Code::BadArgument, "{line:?}");
    }
}

#[test]
fn there_is_no_option_that_takes_the_pin_itself() {
    for option in ["--pin", "--password", "--pin-value"] {
        assert_eq!(parse(&["list", option, "1234"]).unwrap_err(), ErrorKind::UnknownArgument);
    }
}

#[test]
fn ids_are_hexadecimal() {
    let Command::Retire(retire) = parse(&["retire", "--id", "0A:ff"]).unwrap().command else {
        unreachable!()
    };
    assert_eq!(retire.id, Some(Hex(vec![0x0a, 0xff])));
    let none = parse(&["abandon", "--id", ""]).unwrap().command;
    assert!(
        matches!(none, Command::Abandon(abandon) if abandon.id == Some(Hex(Vec::new()))),
        "some tokens give none"
    );
    for id in ["0", "0x01", "zz", "012", "１２"] {
        assert_eq!(parse(&["retire", "--id", id]).unwrap_err(), ErrorKind::ValueValidation, "{id:?}");
    }
}

#[test]
fn every_name_that_scripts_use_is_there() {
    let names: Vec<_> = Cli::command().get_subcommands().map(|c| c.get_name().to_owned()).collect();
    for name in ["list", "renew", "request", "install", "pending", "resume", "abandon", "retire", "preflight"]
    {
        assert!(names.iter().any(|n| n == name), "{name}");
    }
    assert!(matches!(parse(&["check"]).unwrap().command, Command::Preflight(_)));
    for check in ["subject", "validity", "later_than_old", "serial", "not_ca", "purpose", "usage"] {
        parse(&["install", "f", "--relax", check]).unwrap();
    }
    assert!(parse(&["install", "f", "--relax", "key"]).is_err(), "the key match is never relaxed");
    for level in ["proven", "claimed"] {
        parse(&["install", "f", "--require-proof", level]).unwrap();
    }
    for kind in ["rsa2048", "rsa3072", "rsa4096", "p256", "p384"] {
        parse(&["renew", "--issuer", "x", "--key", kind]).unwrap();
    }
}

#[test]
fn the_help_lists_every_exit_code() {
    for code in Code::ALL {
        let exit = format!("\n  {}  ", code.family() as u8);
        assert!(EXIT_CODES.contains(&exit), "{:?}", code.family());
    }
    assert_eq!(Family::Usage as u8, 2, "clap's own exit code");
}

/// `resume --subject` is the subject of a first certificate or the rule; no name is a rule's.
#[test]
fn a_subject_is_a_name_or_a_rule() {
    let resume = |subjects: &[&str]| {
        let line = ["resume", "--out", "f"].iter().chain(subjects);
        let line: Vec<&str> = line.copied().collect();
        match parse(&line).unwrap().command {
            Command::Resume(resume) => (resume.first_subject().map(str::to_owned), resume.rule()),
            _ => unreachable!(),
        }
    };
    assert_eq!(resume(&[]), (None, None));
    assert_eq!(resume(&["--subject", "exact"]), (None, Some(SubjectRule::Exact)));
    let both = resume(&["--subject", "any", "--subject", "CN=exact"]);
    assert_eq!(both, (Some("CN=exact".to_owned()), Some(SubjectRule::Any)));
    let Command::Retire(retire) = parse(&["retire", "--id", "01", "--subject", "exact"]).unwrap().command
    else {
        unreachable!()
    };
    assert_eq!(retire.subject.subject, Some(SubjectRule::Exact));
    assert_eq!(parse(&["install", "f", "--subject", "CN=x"]).unwrap_err(), ErrorKind::InvalidValue);
}
