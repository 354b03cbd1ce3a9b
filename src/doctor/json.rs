//! The diagnosis for programs. The names are stable.

use super::diagnosis::Diagnosis;
use super::presence::DeviceState;
use super::problem::{Problem, ProblemKind};
use super::report::BankReport;
use super::report::{CredentialReport, DeviceReport, DriverReport, FreeSpace, TokenReport};
use crate::error::{Code, Error, Fact};
use crate::pki::jst_rfc3339;
use crate::renewal::{Renewable, Unreadable};
use crate::text::{Lang, printable_json};
use serde_json::{Map, Value, json};
use std::path::PathBuf;

impl Diagnosis {
    /// The diagnosis as JSON, with sentences in that language.
    pub fn to_json(&self, lang: Lang) -> Value {
        let list = |values: Vec<Value>| Value::Array(values);
        json!({
            "version": self.version,
            "platform": {
                "os": self.platform.os,
                "system": self.platform.system,
                "processor": self.platform.processor,
                "bits": self.platform.bits,
            },
            "taken": jst_rfc3339(self.taken),
            "problems": list(self.problems.iter().map(|one| self.problem(one, lang)).collect()),
            "drivers": list(self.drivers.iter().map(|one| driver(one, lang)).collect()),
            "skipped": self.skipped.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "devices": list(self.devices.iter().map(device).collect()),
            "tokens": list(self.tokens.iter().map(token).collect()),
            "banks": list(self.banks.iter().map(bank).collect()),
        })
    }

    /// Everything in one text, to be sent to a support desk: the page in both languages, and the JSON. Names and
    /// serial numbers of tokens and certificates are in it, and paths of this computer; nothing secret is.
    pub fn bundle(&self, lang: Lang) -> String {
        let pages: Map<String, Value> =
            Lang::ALL.iter().map(|lang| (lang.to_string(), self.page(*lang).into())).collect();
        let bundle = json!({"page": pages, "diagnosis": self.to_json(lang)});
        printable_json(&format!("{bundle:#}\n")).into_owned()
    }

    fn problem(&self, problem: &Problem, lang: Lang) -> Value {
        let kind = &problem.kind;
        let (number, name) = kind.code();
        let message = kind.message(lang);
        let mut value = json!({
            "weight": problem.severity.to_string(),
            "kind": match kind {
                ProblemKind::Error(_) => "error",
                ProblemKind::Warning(_) => "notice",
            },
            "code": number,
            "name": name,
            "sentence": self.say(message.sentence, lang),
            "next": self.say(message.next_action, lang),
            "facts": facts(kind.facts().into_iter()),
        });
        if let (ProblemKind::Error(error), Some(object)) = (kind, value.as_object_mut()) {
            object.insert("support".into(), error.report(lang).support.into());
        }
        value
    }
}

/// `usable` is false where the profile cannot be used; why stands among the problems.
fn bank(report: &BankReport) -> Value {
    let Ok(bank) = &report.outcome else { return json!({"id": report.id, "usable": false}) };
    let drivers =
        bank.drivers.iter().map(|(path, there)| json!({"path": path.display().to_string(), "there": there}));
    let anchors =
        bank.anchors.iter().map(|(subject, end)| json!({"subject": subject, "not_after": jst_rfc3339(*end)}));
    json!({
        "id": report.id,
        "usable": true,
        "tokens": bank.tokens,
        "devices": bank.devices,
        "drivers": drivers.collect::<Vec<_>>(),
        "anchors": anchors.collect::<Vec<_>>(),
    })
}

/// Each kind of fact is an array, since some stand several times.
fn facts<'a>(facts: impl Iterator<Item = (Fact, &'a str)>) -> Value {
    let mut map = Map::new();
    for (fact, value) in facts {
        if let Value::Array(values) = map.entry(fact.name()).or_insert_with(|| json!([])) {
            values.push(value.into());
        }
    }
    Value::Object(map)
}

fn driver(driver: &DriverReport, lang: Lang) -> Value {
    let works = driver.outcome.as_ref().ok();
    json!({
        "path": driver.path.display().to_string(),
        "origin": driver.origin.to_string(),
        "named_in": driver.origin.named_in(),
        "info": works.and_then(|works| works.info.as_ref()),
        "initialize_ms": works.map(|works| u64::try_from(works.took.as_millis()).unwrap_or(u64::MAX)),
        "slots": works.map(|works| works.slots),
        "tokens": works.map(|works| works.tokens),
        "error": driver.outcome.as_ref().err().map(|error| failure(error, lang)),
    })
}

fn failure(error: &Error, lang: Lang) -> Value {
    let report = error.report(lang);
    json!({
        "code": error.code().number(),
        "name": error.code().name(),
        "sentence": report.sentence,
        "next": report.next_action,
        "support": report.support,
        "facts": facts(error.facts()),
    })
}

fn device(device: &DeviceReport) -> Value {
    let paths = |paths: &[PathBuf]| json!(paths.iter().map(|p| p.display().to_string()).collect::<Vec<_>>());
    let (state, drivers, wanted) = match &device.state {
        DeviceState::Seen { driver } => ("seen", paths(std::slice::from_ref(driver)), json!([])),
        DeviceState::SomeSeen { .. } => ("partly_seen", json!([]), json!([])),
        DeviceState::NotSeen { drivers } => ("not_seen", paths(drivers), json!([])),
        DeviceState::DriverMissing { wanted } => {
            let wanted = wanted.iter().map(|one| json!({"file": one.file, "folders": paths(&one.folders)}));
            ("driver_missing", json!([]), Value::Array(wanted.collect()))
        }
        DeviceState::UnknownSmartCard { drivers } => ("unknown_smart_card", paths(drivers), json!([])),
    };
    json!({
        "name": device.name,
        "usb": device.device.usb.to_string(),
        "classes": device.device.classes,
        "manufacturer": device.device.manufacturer,
        "product": device.device.product,
        "families": device.families,
        "state": state,
        "drivers": drivers,
        "looked_for": wanted,
    })
}

fn token(token: &TokenReport) -> Value {
    let free_space = match token.free_space {
        FreeSpace::Fits => "fits",
        FreeSpace::MayNotFit => "may_not_fit",
        FreeSpace::NotTold => "unknown",
    };
    let kinds: Map<String, Value> =
        token.kinds.iter().map(|kind| (kind.kind.to_string(), kind.supported.into())).collect();
    json!({
        "driver": token.driver.display().to_string(),
        "info": token.info,
        "profile": token.profile,
        "mechanisms": token.mechanisms,
        "key_kinds": kinds,
        "one_more_pair": free_space,
        "credentials": token.credentials.iter().map(credential).collect::<Vec<_>>(),
        "unreadable_certificates": token.unreadable.len(),
        "unreadable": token.unreadable.iter().map(unreadable).collect::<Vec<_>>(),
    })
}

fn unreadable(one: &Unreadable) -> Value {
    json!({
        "id": base16ct::lower::encode_string(&one.id),
        "label": one.label,
        "size": one.size,
        "reason": one.reason,
    })
}

fn credential(one: &CredentialReport) -> Value {
    json!({
        "subject": one.subject,
        "serial": one.serial,
        "id": one.id,
        "key_algorithm": one.key,
        "not_after": jst_rfc3339(one.not_after),
        "days_left": one.days_left,
        "renewable": one.renewable == Renewable::Yes,
        "not_renewable_because": one.renewable.code().map(Code::name),
        "successor": one.successor,
        "renewal_pending": one.has_pending_renewal,
        "renewable_from": one.renewable_from,
    })
}
