//! Where a PIN is read from: what is no PIN there is refused with its reason, and the PIN is never shown where a name was
//! expected.

mod common;

use common::{Outcome, Stage};

/// Both for people and for programs.
fn list(stage: &Stage, options: &str) -> [Outcome; 2] {
    ["--lang ja", "--json"].map(|how| stage.shell(&format!("usbtoken list {how} {options}")))
}

/// The PIN, or its end alone. In fingerprints, serial numbers and moments four digits may stand by chance.
fn shows_pin(text: &str) -> bool {
    let mut words = text.split(|c: char| !c.is_ascii_alphanumeric());
    words.any(|word| word.contains("648219") || (word.len() < 10 && word.contains("8219")))
}

#[test]
fn a_shown_pin_is_found_and_chance_is_not() {
    for shown in ["P648219", "at 8219.", "a0648219ffee00112233"] {
        assert!(shows_pin(shown), "{shown}");
    }
    assert!(!shows_pin("sha256 9f8219aa00112233445566778899aabb, ends 1796788219"));
}

#[test]
fn a_pin_in_the_place_of_a_name_is_not_shown() {
    let stage = Stage::new();
    let options = [
        "--pin-env 648219",
        "--pin-env P648219",
        "--pin-env=648219",
        "--pin-file 648219",
        "--pin-file=648219",
        "--pin-file 64/8219",
        "648219",
        "--pin-file pin 648219",
        "-- 648219",
        "--pin 648219",
        "--pin=648219",
        "-p648219",
        "-648219",
        "--pin-file648219",
        "--pin-env648219",
        "--pin-file-648219",
        "--pin-as-typed=648219",
    ];
    for option in options {
        for done in list(&stage, option) {
            assert_eq!(done.code, 2, "{option}: {done:?}");
            assert!(!shows_pin(&format!("{}{}", done.stdout, done.stderr)), "{option}: {done:?}");
        }
    }
    for line in ["usbtoken 648219", "usbtoken pin 648219", "usbtoken pin change 648219 111111"] {
        let done = stage.shell(line);
        assert_eq!(done.code, 2, "{line}: {done:?}");
        assert!(!done.stderr.contains("648219") && !done.stderr.contains("1111"), "{line}: {done:?}");
    }
    let places = [
        "preflight --from nss:648219",
        "preflight --from nss:sql:648219",
        "preflight --from=file:648219",
        "preflight --from 648219",
        "preflight --from windows:648219",
        "preflight --from pkcs11:648219",
        "preflight --token 648219",
        "preflight --from file:ca/ca.pem --from-password 648219",
        "renew --issuer true --key 648219",
        "renew --issuer true --key '648219 '",
        "install '648219 '",
        "--648219 list",
        "list --bank 648219",
        "list --banks 648219",
        "list --lang 648219",
        "list --due 648219",
        "install 648219",
        "install ca/ca.pem --trust-anchor 648219",
        "preflight --nth P648219",
        "preflight --module 648219",
        "profile check 648219",
        "list --driver-limit 648219",
        "pending --reference P648219 --id 00",
    ];
    for line in places {
        for how in ["--lang ja", "--json"] {
            let done = stage.shell(&format!("usbtoken {line} {how}"));
            assert_ne!(done.code, 0, "{line}: {done:?}");
            assert!(!shows_pin(&format!("{}{}", done.stdout, done.stderr)), "{line}: {done:?}");
        }
    }
    // What cannot be read of a list hides nothing else.
    for also in ["file:648219", "nss:648219"] {
        for done in list(&stage, &format!("--everywhere --also {also}")) {
            assert!(!shows_pin(&format!("{}{}", done.stdout, done.stderr)), "{also}: {done:?}");
        }
    }
    let [_, done] = list(&stage, "--pin-env 648219");
    assert_eq!(done.failed("pin_source_unusable", 2)["facts"]["reason"][0], "variable_not_set");
    let [_, done] = list(&stage, "--pin-file 648219");
    assert_eq!(done.failed("pin_source_unusable", 2)["facts"]["reason"][0], "file_not_there");
    // What is surely a path is shown.
    let [done, _] = list(&stage, "--pin-file /etc/no-such-file");
    assert!(done.stderr.contains("/etc/no-such-file"), "{done:?}");
}

#[test]
fn what_is_no_pin_is_refused_with_its_reason() {
    let stage = Stage::new();
    let before = stage.token.snapshot();
    let utf16: Vec<u8> = "648219\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let rows: [(&[u8], &str); 7] = [
        (b"648219\n111111\n", "pin_several_lines"),
        (b"648219\n\n", "pin_several_lines"),
        (&utf16, "pin_utf16"),
        (&[b"\xff\xfe", &utf16[..]].concat(), "pin_utf16"),
        (b"648219\t", "pin_control_character"),
        (b"", "empty"),
        (b"\x82\x50\x82\x51", "not_utf8"),
    ];
    for (bytes, reason) in rows {
        stage.write("wrong", bytes);
        let [shown, done] = list(&stage, "--pin-file wrong");
        let error = done.failed("pin_source_unusable", 2);
        assert_eq!(error["facts"]["reason"][0], reason, "{error:#}");
        assert_eq!(error["facts"]["path"][0], "wrong");
        for text in [&shown.stderr, &done.stderr] {
            assert!(!text.contains("648219") && !text.contains("111111"), "{text}");
        }
    }
    for (text, reason) in [("６４８２１９", "full_width"), ("648219 ", "blank_at_edge")] {
        stage.write("wrong", text.as_bytes());
        let [_, done] = list(&stage, "--pin-file wrong");
        assert_eq!(done.failed("pin_doubtful", 4)["facts"]["reason"][0], reason);
    }
    assert!(!stage.mark().exists());
    stage.token.snapshot().assert_same_as(&before);
}

#[test]
fn a_file_that_others_can_read_or_with_a_mark_is_remarked() {
    use std::os::unix::fs::PermissionsExt as _;
    let stage = Stage::new();
    let names = |done: &Outcome| -> Vec<String> {
        let notices = done.json()["notices"].as_array().cloned().unwrap_or_default();
        notices.iter().map(|notice| notice["name"].as_str().unwrap().to_owned()).collect()
    };
    let request = "usbtoken request --json --pin-file own --out r.pem; usbtoken abandon --yes --pin-file own";
    stage.write("own", stage.token.pin().as_bytes());
    for (mode, remarked) in [(0o600, false), (0o640, true), (0o604, true), (0o400, false)] {
        let mode = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(stage.file("own"), mode.clone()).unwrap();
        let done = stage.shell(&format!("{} ", request.split(';').next().unwrap()));
        assert_eq!(names(&done).contains(&"pin_file_readable".to_owned()), remarked, "{mode:?}: {done:?}");
        let done = stage.shell("usbtoken abandon --lang en --yes --pin-file own; rm r.pem");
        assert_eq!(done.succeeded().stderr.contains("chmod go-rwx"), remarked, "{mode:?}: {done:?}");
    }
    std::fs::remove_file(stage.file("own")).unwrap();
    stage.write("own", format!("\u{feff}{}\r\n", stage.token.pin()).as_bytes());
    std::fs::set_permissions(stage.file("own"), std::fs::Permissions::from_mode(0o600)).unwrap();
    let done = stage.shell("usbtoken list --lang en --pin-file own");
    assert!(done.succeeded().stderr.contains("byte order mark"), "{done:?}");
}
