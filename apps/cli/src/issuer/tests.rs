use super::ran::TAIL;
use super::*;

fn shell_issuer(command: &str) -> Issuer {
    let program = Program::Shell(command.to_owned());
    Issuer { program, timeout: Duration::from_secs(60), show: false, hidden: Vec::new(), proxy: None }
}

fn ask_with(issuer: &Issuer, request: &str) -> std::result::Result<Vec<u8>, Failed> {
    let question = Question {
        request,
        input: request.as_bytes(),
        old: None,
        cookie: None,
        reference: None,
        again: false,
    };
    issuer.ask(&question, &mut io::sink()).0.map(|reply| match reply {
        Reply::Answer(answer) => answer,
        other => panic!("{other:?}"),
    })
}

fn ask(command: &str, request: &str) -> std::result::Result<Vec<u8>, Failed> {
    ask_with(&shell_issuer(command), request)
}

fn fact(failed: &Failed, wanted: Fact) -> String {
    failed.error.facts().filter(|(fact, _)| *fact == wanted).map(|(_, value)| value).collect()
}

#[test]
fn the_request_goes_in_and_the_answer_comes_out() {
    assert_eq!(ask("tr a-z A-Z", "request\n").unwrap(), b"REQUEST\n");
}

#[test]
fn a_command_need_not_read_the_request() {
    let long = "x".repeat(1 << 20);
    assert_eq!(ask("printf answer", &long).unwrap(), b"answer");
    assert_eq!(ask("wc -c", &long).unwrap().trim_ascii(), b"1048576", "or it may, all of it");
}

#[test]
fn a_failure_shows_status_and_the_end_of_what_was_said_and_keeps_what_was_printed() {
    let failed = ask("printf half; seq 1 100000 >&2; echo 'curl: (22) 403' >&2; exit 22", "r").unwrap_err();
    assert_eq!((failed.error.code(), failed.error.step()), (Code::IssuerFailed, Some(Step::AskIssuer)));
    assert_eq!(fact(&failed, Fact::Found), "exit status: 22");
    let said = fact(&failed, Fact::Detail);
    assert!(said.ends_with("100000\ncurl: (22) 403") && said.len() <= TAIL, "{said}");
    assert_eq!(failed.output, b"half");
}

#[test]
fn a_silent_failure_and_a_signal_are_failures() {
    assert_eq!(fact(&ask("exit 3", "r").unwrap_err(), Fact::Detail), "");
    assert_eq!(ask("kill -9 $$", "r").unwrap_err().error.code(), Code::IssuerFailed);
    assert_eq!(ask("/nonexistent/issuer", "r").unwrap_err().error.code(), Code::IssuerFailed);
}

#[test]
fn an_endless_answer_ends() {
    assert_eq!(ask("yes", "r").unwrap_err().error.code(), Code::AnswerTooLarge);
    let stubborn = ask("trap '' TERM; exec yes", "r").unwrap_err();
    assert_eq!(stubborn.error.code(), Code::AnswerTooLarge);
}

#[test]
fn an_answer_of_the_largest_size_is_left_to_the_library() {
    let largest = usbtoken::pki::MAX_RESPONSE;
    assert_eq!(ask(&format!("head -c {largest} /dev/zero"), "r").unwrap().len(), largest);
}

#[test]
fn who_takes_too_long_is_ended_and_what_it_printed_is_kept() {
    let mut issuer = shell_issuer("printf part; exec sleep 600");
    issuer.timeout = Duration::from_millis(300);
    let failed = ask_with(&issuer, "r").unwrap_err();
    assert_eq!((failed.error.code(), failed.output.as_slice()), (Code::IssuerTimeout, &b"part"[..]));
}

/// The child outlives the shell and keeps the pipes open.
#[test]
fn a_child_that_stays_behind_holds_nothing_up() {
    let issuer = shell_issuer("sleep 600 & echo $! >&2; echo answer");
    let asked = std::time::Instant::now();
    assert_eq!(ask_with(&issuer, "r").unwrap(), b"answer\n");
    assert!(asked.elapsed() < Duration::from_secs(60));
}

#[test]
fn no_status_is_no_failure() {
    let ran =
        |output: &[u8]| Ran { output: output.to_vec(), said: Vec::new(), reference: None, end: End::Unknown };
    assert_eq!(answered(ran(b"answer")).unwrap(), Reply::Answer(b"answer".to_vec()));
    // Of a helper it may as well be a cookie.
    assert_eq!(helper::answered(ran(b"cookie")).unwrap_err().error.code(), Code::IssuerFailed);
}

/// HOME stands for the variable that holds the PIN: it is surely set here.
#[test]
fn the_variable_with_the_pin_is_not_inherited() {
    let mut issuer = shell_issuer("echo ${HOME-unset}");
    assert_ne!(ask_with(&issuer, "r").unwrap(), b"unset\n");
    issuer.hidden = vec!["HOME".into()];
    assert_eq!(ask_with(&issuer, "r").unwrap(), b"unset\n");
}

/// The environment of the tests has no proxy of its own.
#[test]
fn the_banks_proxy_is_in_the_variables_that_programs_look_for() {
    let mut issuer = shell_issuer("echo $USBTOKEN_PROXY $http_proxy $https_proxy $HTTP_PROXY $HTTPS_PROXY");
    issuer.proxy = Some("http://proxy:8080".to_owned());
    let shown = ask_with(&issuer, "r").unwrap();
    assert_eq!(String::from_utf8(shown).unwrap().trim(), ["http://proxy:8080"; 5].join(" "));
}

#[test]
fn a_helpers_exit_status_says_what_its_output_is() {
    let (exited, rejected) = (|status, output: &[u8]| helped(status, output), Code::IssuerRejected);
    let not_yet =
        |cookie: Option<&str>, seconds| Reply::NotYet { cookie: cookie.map(str::to_owned), seconds };
    assert_eq!(exited(0, b"answer").unwrap(), Reply::Answer(b"answer".to_vec()));
    assert_eq!(exited(1, b"cookie\n").unwrap(), not_yet(Some("cookie"), None));
    assert_eq!(exited(1, b"").unwrap(), not_yet(None, None));
    assert_eq!(exited(5, b"3600\nco\nokie\n").unwrap(), not_yet(Some("co\nokie"), Some(3600)));
    assert_eq!(exited(5, b"60").unwrap(), not_yet(None, Some(60)));
    for (status, code) in [
        (2, rejected),
        (3, Code::IssuerUnreachable),
        (4, Code::IssuerMisconfigured),
        (6, Code::IssuerMisconfigured),
        (7, Code::IssuerFailed),
        (16, Code::IssuerFailed),
    ] {
        let failed = exited(status, b"a reason\nmore").unwrap_err();
        assert_eq!(failed.error.code(), code, "{status}");
        assert_eq!(failed.output, b"a reason\nmore", "{status}");
    }
    assert_eq!(fact(&exited(2, b"no such customer\n").unwrap_err(), Fact::Detail), "no such customer");
    let long = vec![b'x'; 65 * 1024];
    for (status, bad) in
        [(5, &b"soon\ncookie"[..]), (5, b""), (5, b"-1\nx"), (1, b"a\0b"), (1, b"\xff\xfe"), (1, &long)]
    {
        let failed = exited(status, bad).unwrap_err();
        assert_eq!((failed.error.code(), failed.output.as_slice()), (Code::IssuerFailed, bad));
    }
}

fn helped(status: i32, output: &[u8]) -> std::result::Result<Reply, Failed> {
    use std::os::unix::process::ExitStatusExt as _;
    let end = End::Exit(std::process::ExitStatus::from_raw(status << 8));
    helper::answered(Ran { output: output.to_vec(), said: Vec::new(), reference: None, end })
}

#[test]
fn what_is_no_answer_is_shown_short_and_harmless() {
    assert_eq!(first_line(b"\r\n <html>\r\nmore"), "<html>");
    assert_eq!(first_line(b"\x1b[2Ja\xe2\x80\xaeb"), "\\u{1b}[2Ja\\u{202e}b");
    assert_eq!(first_line(b""), "");
    assert_eq!(first_line(b"0\x0a\x06\x09"), "", "no text");
    let long = first_line(&[b'x'; 5000]);
    assert!(long.ends_with('…') && long.chars().count() == 121, "{long}");
    assert!(first_line(&[0xff; 9]).chars().all(|c| !c.is_control()));
}
