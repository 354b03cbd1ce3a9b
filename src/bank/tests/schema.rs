//! The schema of the documentation and the code say the same.

use std::collections::BTreeSet;
use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::{Map, Value, json};

use super::{EXAMPLE, refusal};
use crate::bank::Bank;
use crate::error::{Code, Fact};

fn schema() -> Value {
    serde_json::from_str(include_str!("../../../docs/bank-profile.schema.json")).unwrap()
}

/// A profile in which every key stands, but for those that contradict others.
fn full() -> Value {
    let both = json!({"ja": "あ", "en": "a"});
    json!({
        "version": 1,
        "bank": {
            "name": both,
            "contact": [{"name": both, "telephone": "0120-000-000", "hours": both}],
            "may_override": ["drivers"],
        },
        "token": [{
            "name": both, "uri": ["pkcs11:token=BANK"], "usb": ["0529:0620"], "families": ["safenet-etoken"],
            "delivered": "empty",
            "driver": [{"system": "linux", "bits": 64, "path": "/lib/p11.so", "name": "p11"}],
        }],
        "ca": {
            "anchors": [], "issuers": ["CN=CA"], "subject": "any", "relax": ["purpose"],
            "extended_key_usage": ["1.3.6.1.5.5.7.3.2"], "request": "cms", "request_encoding": "der",
            "answers": ["pkcs7"],
        },
        "calendar": {
            "opens_days_before": 30, "last_day_until": "08:59", "begins_to_work": "at-once", "reminders": [7],
        },
        "too_late": {"then": "words", "words": both},
        "renewal": {
            "key": "p256", "proof": "proven", "clock_tolerance_days": 1, "old": "keep", "other_users": "refuse",
            "write_ca_certificates": true,
        },
        "issuer": {"helper": "/opt/ask", "timeout_seconds": 60, "proxy": "http://proxy:8080"},
        "pages": {
            "origins": ["https://bank.example.jp"], "login_url": "https://bank.example.jp/login",
            "after_login": "https://bank.example.jp/menu",
            "login_anchors": [], "proxy": "http://proxy.example.jp:8080",
        },
        "words": {
            "pin": both, "after_installation": both, "old_certificate": both,
            "next": [{"error": "pin_locked", "ja": "あ", "en": "a"}],
        },
    })
}

/// What `full` leaves out, since it contradicts something there or is no JSON.
const APART: [(&str, &str, &str); 6] = [
    ("/calendar", "closes_days_before", "1"),
    ("/calendar", "closes_hours_before", "24"),
    ("/calendar", "service_ends", "2027-03-31"),
    ("/calendar", "holidays", "[2027-01-11, 2027-02-11]"),
    ("/too_late", "renewable_days", "90"),
    ("/issuer", "command", "\"ask\""),
];

/// JSON as TOML: one line a key, tables inline.
fn toml(value: &Value) -> String {
    let inline = |map: &Map<String, Value>| {
        map.iter().map(|(key, value)| format!("{key} = {}", toml(value))).collect::<Vec<_>>().join(", ")
    };
    match value {
        Value::Object(map) => format!("{{ {} }}", inline(map)),
        Value::Array(all) => format!("[{}]", all.iter().map(toml).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}

fn document(value: &Value) -> String {
    let map = value.as_object().unwrap();
    map.iter().map(|(key, value)| format!("{key} = {}\n", toml(value))).collect()
}

/// Every place of the schema, with the pointer into `full` at which it applies.
fn places(schema: &Value, whole: &Value, pointer: &str, out: &mut Vec<(String, Value)>) {
    let schema = match schema["$ref"].as_str() {
        Some(reference) => whole.pointer(reference.trim_start_matches('#')).unwrap(),
        None => schema,
    };
    out.push((pointer.to_owned(), schema.clone()));
    for (key, one) in schema["properties"].as_object().into_iter().flatten() {
        places(one, whole, &format!("{pointer}/{key}"), out);
    }
    if schema["items"].is_object() {
        places(&schema["items"], whole, &format!("{pointer}/0"), out);
    }
}

fn all_places() -> Vec<(String, Value)> {
    let schema = schema();
    let mut out = Vec::new();
    places(&schema, &schema, "", &mut out);
    out
}

#[test]
fn the_profile_with_every_key_is_one() {
    Bank::parse(document(&full()).as_bytes()).unwrap();
    let full = full();
    for (pointer, _) in all_places() {
        let apart = APART.iter().any(|(at, key, _)| pointer.starts_with(&format!("{at}/{key}")));
        let anchor = ["/ca/anchors/0", "/pages/login_anchors/0"].contains(&pointer.as_str());
        assert!(apart || anchor || full.pointer(&pointer).is_some(), "{pointer}");
    }
    for (table, key, value) in APART {
        let mut without = full.clone();
        let at = without.pointer_mut(table).unwrap().as_object_mut().unwrap();
        at.retain(|other, _| !["last_day_until", "helper"].contains(&other.as_str()));
        at.insert(key.to_owned(), json!("PLACE"));
        if key == "renewable_days" {
            without["calendar"].as_object_mut().unwrap().remove("last_day_until");
        }
        let text = document(&without).replace("\"PLACE\"", value);
        Bank::parse(text.as_bytes()).unwrap_or_else(|error| panic!("{key}: {error}"));
    }
}

#[test]
fn the_keys_are_the_same() {
    for (pointer, schema) in all_places() {
        let Some(properties) = schema["properties"].as_object() else { continue };
        assert_eq!(schema["additionalProperties"], json!(false), "{pointer}");
        let mut changed = full();
        changed.pointer_mut(&pointer).unwrap()["zzz"] = json!(1);
        let error = refusal(&document(&changed));
        assert_eq!(error.code(), Code::ProfileUnknownKey, "{pointer}");
        // The reader says which keys it knows.
        let message = super::fact(&error, Fact::Detail);
        let known: BTreeSet<&str> =
            message.split('`').skip(1).step_by(2).filter(|name| *name != "zzz").collect();
        assert_eq!(known, properties.keys().map(String::as_str).collect(), "{pointer}: {message}");
    }
}

#[test]
fn the_types_are_the_same() {
    let all = [json!("x"), json!(1), json!(true), json!(["x"]), json!({"x": 1}), json!(1.5)];
    let names = |value: &Value| match value {
        Value::String(_) => "string",
        Value::Number(number) if number.is_i64() => "integer",
        Value::Number(_) => "number",
        Value::Bool(_) => "boolean",
        Value::Array(_) => "array",
        _ => "object",
    };
    for (pointer, schema) in all_places() {
        let right = schema["type"].as_str().unwrap_or_else(|| panic!("{pointer} has no type"));
        for wrong in all.iter().filter(|value| names(value) != right) {
            let mut changed = full();
            let Some(at) = changed.pointer_mut(&pointer).filter(|_| !pointer.is_empty()) else { continue };
            *at = wrong.clone();
            let code = refusal(&document(&changed)).code();
            // An array may be read as a table whose keys come in order, and then lacks some.
            let as_fields = wrong.is_array() && right == "object";
            let right_code = code == Code::ProfileWrongType || as_fields && code == Code::ProfileBadValue;
            assert!(right_code, "{pointer} = {wrong}: {code:?}");
        }
    }
}

#[test]
fn what_is_required_and_which_words_there_are_is_the_same() {
    for (pointer, schema) in all_places() {
        let full = full();
        if full.pointer(&pointer).is_none() {
            continue;
        }
        for key in schema["properties"].as_object().into_iter().flat_map(Map::keys) {
            let required = schema["required"].as_array().is_some_and(|all| all.contains(&json!(key)));
            let mut changed = full.clone();
            changed.pointer_mut(&pointer).unwrap().as_object_mut().unwrap().remove(key);
            if key == "login_url" {
                // It is on that one's server, and nothing without it.
                changed["pages"].as_object_mut().unwrap().remove("after_login");
            }
            let parsed = Bank::parse(document(&changed).as_bytes());
            // It follows from another.
            let follows = ["/too_late/words", "/too_late/then"].contains(&&*format!("{pointer}/{key}"));
            match parsed {
                Ok(_) => assert!(!required && !follows, "{pointer}/{key}"),
                Err(error) => {
                    assert!(required || follows, "{pointer}/{key}: {error}");
                    assert_eq!(error.code(), Code::ProfileMissingKey, "{pointer}/{key}");
                }
            }
        }
        for word in schema["enum"].as_array().into_iter().flatten() {
            let mut changed = full.clone();
            *changed.pointer_mut(&pointer).unwrap() = word.clone();
            if word != "words" {
                changed["too_late"].as_object_mut().unwrap().remove("words");
                changed["too_late"]["then"] =
                    if pointer == "/too_late/then" { word.clone() } else { json!("form") };
            }
            if word == "windows" {
                changed["token"][0]["driver"][0]["path"] = json!("C:\\p11.dll");
            }
            Bank::parse(document(&changed).as_bytes()).unwrap_or_else(|error| panic!("{pointer}: {error}"));
            let mut changed = full.clone();
            let other = if word.is_string() { json!("no-such-word") } else { json!(7) };
            *changed.pointer_mut(&pointer).unwrap() = other;
            assert_eq!(refusal(&document(&changed)).code(), Code::ProfileBadValue, "{pointer}");
        }
    }
}

#[test]
fn the_bounds_are_the_same() {
    for (pointer, schema) in all_places() {
        let bounds = (schema["minimum"].as_i64(), schema["maximum"].as_i64());
        let (Some(least), Some(most)) = bounds else { continue };
        if full().pointer(&pointer).is_none() {
            continue;
        }
        for (value, fits) in [(least, true), (most, true), (least - 1, false), (most + 1, false)] {
            let mut changed = full();
            *changed.pointer_mut(&pointer).unwrap() = json!(value);
            assert_eq!(Bank::parse(document(&changed).as_bytes()).is_ok(), fits, "{pointer} = {value}");
        }
    }
}

/// What a validator that no one here wrote says of these profiles; `None` where a text is no TOML.
fn judged(texts: &[String]) -> Vec<Option<bool>> {
    const JUDGE: &str = "
import json, sys, tomllib, jsonschema
schema = jsonschema.Draft202012Validator(json.load(open(sys.argv[1])), format_checker=jsonschema.FormatChecker())
schema.check_schema(schema.schema)
for text in json.load(sys.stdin):
    try:
        value = json.loads(json.dumps(tomllib.loads(text), default=str))
        print('fits' if schema.is_valid(value) else 'does not')
    except ValueError:
        print('no TOML')
";
    let schema = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/bank-profile.schema.json");
    let mut child = Command::new("python3")
        .args(["-c", JUDGE, schema])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3");
    child.stdin.take().unwrap().write_all(serde_json::to_string(texts).unwrap().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "python3-jsonschema: `cargo xtask test` installs it");
    let said = String::from_utf8(output.stdout).unwrap();
    let judged: Vec<Option<bool>> =
        said.lines().map(|line| (line != "no TOML").then_some(line == "fits")).collect();
    assert_eq!(judged.len(), texts.len());
    judged
}

/// What only the program can tell: numbers that contradict each other, their order, names that stand elsewhere, a date in
/// quotation marks, which is one in JSON, and what a certificate is.
const BEYOND: [&str; 7] =
    ["b.jp/menu", "closes_", "service_ends = \"", "holidays = [\"", "[7, 30]", "no_such", "BEGIN"];

#[test]
fn what_the_program_refuses_the_schema_refuses_and_what_it_takes_that_takes() {
    let mut good = vec![EXAMPLE.to_owned(), super::SHORT.to_owned(), document(&full())];
    for more in [
        "[issuer]\ntimeout_seconds = 60",
        "[issuer]\nproxy = \"http://[::1]:8080\"",
        "[issuer]\ncommand = \"b\"\nproxy = \"http://10.0.0.1/\"",
        "[too_late]\nthen = \"form\"\nrenewable_days = 90",
        "[too_late]\nrenewable_days = 90",
        "[ca]\nextended_key_usage = [\"2.39.9\", \"1.3.6.1.4.1.311.20.2.2\", \"0.0.7\"]",
        "[pages]\norigins = [\"https://Bank-1.example.jp:00443\", \"https://a\", \"https://b.jp:65535\"]",
        "[issuer]\nhelper = \"/opt/a..b/..c/ask\"\nproxy = \"http://p.example:65535/\"",
        "[[token]]\nuri = [\"pkcs11:token=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA;serial=0123456789abcdef\"]",
        "[[token]]\nuri = [\"pkcs11:manufacturer=%E9%8A%80A%20B&c=d%2Fe;model=x:y@z[1]'\"]",
        "[calendar]\nservice_ends = 2027-03-31\ncloses_hours_before = 24",
        "[renewal]\nkey = \"old-again\"\nold = \"keep\"",
        "[renewal]\nold = \"remove-after-confirmation\"\n[pages]\nlogin_url = \"https://a.jp/login?x=1\"",
    ] {
        good.push(super::with(more));
    }
    for text in &good {
        super::bank(text);
    }
    for (text, fits) in good.iter().zip(judged(&good)) {
        assert_eq!(fits, Some(true), "{text}");
    }
    let is_within = |more: &&str| BEYOND.iter().all(|beyond| !more.contains(beyond));
    let bad: Vec<&str> = super::BAD.iter().map(|(more, ..)| *more).filter(is_within).collect();
    let texts: Vec<String> = bad.iter().map(|more| super::with(more)).collect();
    for (text, fits) in texts.iter().zip(judged(&texts)) {
        assert_ne!(fits, Some(true), "{text}");
    }
    assert!(bad.len() > 40, "{}", bad.len());
}

#[test]
fn the_example_fits_the_schema_as_far_as_its_keys_go() {
    let parsed: toml::Table = ::toml::from_str(EXAMPLE).unwrap();
    let known: BTreeSet<String> = schema()["properties"].as_object().unwrap().keys().cloned().collect();
    assert!(parsed.keys().all(|key| known.contains(key)));
}
