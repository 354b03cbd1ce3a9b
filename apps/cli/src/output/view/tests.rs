use super::*;
use serde_json::json;

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

/// A certificate as on the bank's screen; it ends at 08:59:59 on 5 March 2027 in Japan.
fn credential() -> Credential {
    Credential {
        token: Token {
            label: "BANK".into(),
            manufacturer: "Maker".into(),
            model: "Model".into(),
            serial: "12ab".into(),
        },
        id: "0a0b".into(),
        subject: Subject {
            text: "O=(9936)NTT DATA CORPORATION,CN=logic A001".parse().unwrap(),
            organizations: vec!["(9936)NTT DATA CORPORATION".into()],
            organizational_units: vec!["(9936)ANSER-WEB(BizSOL) TEST CA - G4".into(), "1031".into()],
            common_name: Some("logic 1031 A001 202003041536".into()),
            guessed: false,
        },
        issuer: "CN=CA".parse().unwrap(),
        serial: "5b83e869e2bc4b2225302f34a4ada65184e0".into(),
        sha256: Certificate::from_der(usbtoken_testkit::TestCa::new().issuing()).unwrap(),
        not_before: Moment(at(1_772_668_800)),
        not_after: Moment(at(1_804_204_799)),
        not_after_unix: 1_804_204_799,
        days_left: Some(11),
        has_begun: true,
        renewable: true,
        not_renewable_because: None,
        successor: None,
        renewed_by: None,
        onto: None,
        reminds_from: None,
        reminder: None,
        reminds: false,
        by: None,
        window: Window::default(),
        renewal_pending: false,
        renewable_from: Some("2027-01-24".into()),
        key_algorithm: "RSA 2048".into(),
        proof_level: None,
        stored_as: Vec::new(),
        unreadable_extensions: Vec::new(),
    }
}

#[test]
fn the_result_is_that_of_the_banks_screen() {
    assert_eq!(
        credential().result(Lang::Ja),
        "電子証明書の発行とインストールが完了しました。\n  \
         Organization = (9936)NTT DATA CORPORATION\n  \
         Organization Unit = (9936)ANSER-WEB(BizSOL) TEST CA - G4\n  \
         Organization Unit = 1031\n  \
         Common Name = logic 1031 A001 202003041536\n  \
         証明書シリアル番号 = 5b83e869e2bc4b2225302f34a4ada65184e0\n  \
         有効期限 = 2027年3月5日 08:59:59（日本時間）\n  \
         秘密鍵の保護 = 未確認（ログインすると確認できます）"
    );
}

#[test]
fn the_json_has_stable_names_and_japanese_time() {
    let value = serde_json::to_value(credential()).unwrap();
    assert_eq!(value["not_after"], json!("2027-03-05T08:59:59+09:00"));
    assert_eq!(value["not_after_unix"], json!(1_804_204_799));
    assert_eq!(value["proof_level"], json!(null), "unknown without login");
    let mut names: Vec<_> = value.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "days_left",
            "id",
            "issuer",
            "key_algorithm",
            "not_after",
            "not_after_unix",
            "not_before",
            "not_renewable_because",
            "proof_level",
            "reminder",
            "reminds_from",
            "renewable",
            "renewable_from",
            "renewal_pending",
            "serial",
            "sha256",
            "subject",
            "successor",
            "token",
            "unreadable_extensions"
        ]
    );
}

#[test]
fn why_it_cannot_be_renewed_is_said() {
    let mut it = credential();
    assert!(it.entry(1, Lang::Ja).contains("更新 = 更新できます"));
    it.renewable = false;
    for (code, said) in [
        (Code::NotYetRenewable, "possible from 2027-01-24 on"),
        (Code::Expired, "it has expired"),
        (Code::KeyMissing, "its private key is missing"),
    ] {
        it.not_renewable_because = Some(code);
        assert!(it.entry(1, Lang::En).contains(said), "{}", it.entry(1, Lang::En));
    }
}

#[test]
fn a_certificate_that_has_not_begun_shows_when_it_does() {
    let mut it = credential();
    assert!(!it.entry(1, Lang::En).contains("valid from"));
    it.has_begun = false;
    assert!(it.entry(1, Lang::En).contains("valid from = 2026-03-05"), "{}", it.entry(1, Lang::En));
}

#[test]
fn a_name_cannot_forge_a_line() {
    let mut it = credential();
    it.subject.common_name = Some("a\n     Certificate serial number = 00\x1b[1A".into());
    let lines = it.entry(1, Lang::En).lines().count();
    assert_eq!(lines, credential().entry(1, Lang::En).lines().count());
    assert!(!it.result(Lang::En).contains('\x1b'));
}

#[test]
fn a_moment_beyond_the_calendar_is_null() {
    let far = UNIX_EPOCH + Duration::from_secs(1 << 50);
    assert_eq!(serde_json::to_value(Moment(far)).unwrap(), json!(null));
    assert_eq!(unix(UNIX_EPOCH - Duration::from_secs(5)), -5);
}
