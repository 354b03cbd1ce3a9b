//! What is asserted after a run: fresh processes examine the token, and the run's own words are read.

use serde_json::Value;
use usbtoken_shim::trace::Call;
use usbtoken_testkit::Object;

use super::play::{NEW_PIN, PIN, WRONG_PIN};
use super::play::{Place, Run};
use super::scene::{Goal, Scene};
use super::seen::Seen;
use super::stage::{Begin, KILLED, Stage, has_record, is_old};

/// What was found against the promises; empty when they were kept.
pub type Findings = Vec<String>;

/// Judges a run by what is on the token and by what it said.
pub fn judge(stage: &Stage, scene: Scene, begin: &Begin, place: &Place, run: &Run) -> Findings {
    let mut findings = words(run);
    if run.outlived {
        findings.push("the driver's process did not end with the command".to_owned());
    }
    findings.extend(secrets(place, run));
    if scene.goal() == Goal::PinChanged {
        findings.extend(pins(stage, begin, place, run));
        return findings;
    }
    match place.inspect(&stage.programs) {
        Ok(seen) => {
            let judge = Judge { stage, scene, begin, kept: begin.kept(scene.retires()) };
            findings.extend(judge.token(place, run, &seen));
        }
        Err(problem) => findings.push(format!("the token cannot be seen: {problem}")),
    }
    findings
}

/// Whether the run ended as programs should, and said what is promised when it failed.
fn words(run: &Run) -> Findings {
    let mut findings = Findings::new();
    let logins = run.trace.calls.iter().filter(|call| call.function == "C_Login").count();
    if logins > 1 {
        findings.push(format!("{logins} logins"));
    }
    match (run.exit, run.signal, run.endless) {
        (_, _, true) => findings.push("the run did not end".to_owned()),
        (Some(0 | KILLED), ..) | (None, Some(9), _) => {}
        (Some(exit), ..) => findings.extend(error_words(run, exit)),
        (None, signal, _) => findings.push(format!("ended by signal {signal:?}: {}", run.err)),
    }
    findings
}

fn error_words(run: &Run, exit: i32) -> Findings {
    // A prompt for a person may stand before it.
    let json = run.err.find("{\n").and_then(|at| run.err.get(at..)).unwrap_or_default();
    let documents = serde_json::Deserializer::from_str(json).into_iter::<Value>();
    let error = documents.filter_map(Result::ok).find(|document| document.get("error").is_some());
    let Some(error) = error.as_ref().and_then(|document| document.get("error")) else {
        return vec![format!("exit status {exit} without an error in JSON: {}", run.err)];
    };
    let mut findings = Findings::new();
    let has = |name: &str| error[name].as_str().is_some_and(|text| !text.is_empty());
    for name in ["step", "sentence", "next"] {
        if !has(name) {
            findings.push(format!("the error names no {name}: {error}"));
        }
    }
    if error["exit_code"] != exit {
        findings.push(format!("exit status {exit}, but the error says {}", error["exit_code"]));
    }
    // The driver said no: then the error says which function and how. What is returned with a lie, or after another job went first, is the driver's own.
    let said_no = |call: &&Call| {
        let own = |fault: &String| {
            ["lie=", "otherwise=changed", "hang", "exit"].iter().any(|kind| fault.contains(kind))
        };
        // A slot that the driver lists as empty is asked too: that it is, the error says.
        let is_empty_slot = (call.function.as_str(), call.rv.as_str())
            == ("C_GetTokenInfo", "CKR_TOKEN_NOT_PRESENT")
            && error["name"] == "token_not_present";
        call.rv != "CKR_OK" && !is_empty_slot && call.fault.as_ref().is_some_and(|fault| !own(fault))
    };
    let refused = run.trace.calls.iter().find(said_no);
    if let Some(refused) = refused
        && !(has("function") && has("ckr"))
    {
        findings.push(format!(
            "{} returned {}; the error does not say so: {error}",
            refused.function, refused.rv
        ));
    }
    // The driver lied, or its process ended: then the error at least names the function.
    let names = ["driver_misbehaved", "driver_crashed", "driver_timeout"];
    let function = [&error["function"], &error["facts"]["function"]];
    if names.iter().any(|name| error["name"] == *name) && function.iter().all(|said| said.is_null()) {
        findings.push(format!("the error names no function: {error}"));
    }
    if error["name"] == "internal" || error["name"] == "panic" {
        findings.push(format!("an internal error: {error}"));
    }
    findings
}

/// Whether a PIN stands anywhere.
fn secrets(place: &Place, run: &Run) -> Findings {
    let mut findings = Findings::new();
    for (name, text) in [("output", &run.out), ("error", &run.err), ("trace", &run.trace_text)] {
        if [PIN, WRONG_PIN, NEW_PIN].iter().any(|pin| text.contains(pin)) {
            findings.push(format!("the PIN stands in the {name}"));
        }
    }
    let files = place.files_with(&[PIN, WRONG_PIN, NEW_PIN]);
    findings.extend(files.into_iter().map(|file| format!("the PIN stands in {}", file.display())));
    findings
}

/// Exactly one of the two PINs logs in, what the run said of them is so, and what was on the token is there.
fn pins(stage: &Stage, begin: &Begin, place: &Place, run: &Run) -> Findings {
    let (old, new) = (place.inspect(&stage.programs), place.inspect_with_new_pin(&stage.programs));
    let holds = (old.is_ok(), new.is_ok());
    let mut findings = Findings::new();
    match (&old, &new) {
        (Ok(seen), Err(_)) | (Err(_), Ok(seen)) if *seen == begin.seen => {}
        (Ok(_), Ok(_)) => findings.push("both PINs log in".to_owned()),
        (Err(old), Err(new)) => findings.push(format!("neither PIN logs in: {old}; {new}")),
        _ => findings.push("the token does not hold what it held".to_owned()),
    }
    let uncertain = run.err.contains("\"pin_change_uncertain\"");
    let said = match run.exit {
        Some(0) => holds == (false, true),
        Some(KILLED) | None => true,
        Some(_) => uncertain || holds == (true, false),
    };
    if !said {
        findings.push(format!(
            "the old and the new PIN hold: {holds:?}, but it said: {:?} {}",
            run.exit, run.err
        ));
    }
    let changes = run.trace.calls.iter().filter(|call| call.function == "C_SetPIN").count();
    if changes > 1 {
        findings.push(format!("{changes} changes of the PIN"));
    }
    findings
}

struct Judge<'a> {
    stage: &'a Stage,
    scene: Scene,
    begin: &'a Begin,
    kept: Seen,
}

/// What is on the token beside what no one may touch.
enum Rest<'s> {
    Nothing,
    /// A certificate and both keys, with their final labels; the key signs.
    Complete,
    /// The credential that is to be removed, untouched.
    Old,
    Unfinished(Vec<&'s Object>),
}

impl Judge<'_> {
    fn token(&self, place: &Place, run: &Run, seen: &Seen) -> Findings {
        if was_changed(run) {
            return self.among_changes(seen);
        }
        let mut findings = self.untouched(seen);
        let whole = |object: &Object| is_ours(object) && seen.signs(object);
        if !seen.snapshot.objects().iter().any(whole) {
            findings.push("neither the old credential signs nor a new one".to_owned());
        }
        if run.exit == Some(0) {
            findings.extend(self.goal(seen));
        }
        // A token as it was at the beginning was judged at the beginning.
        if *seen != self.begin.seen
            && let Rest::Unfinished(objects) = self.rest(seen)
        {
            findings.extend(self.finish(place, &objects));
        }
        findings
    }

    /// Another program has given an object of ours another label meanwhile: that one stays, whatever else goes.
    fn among_changes(&self, seen: &Seen) -> Findings {
        let changed = |object: &&Object| object.label == CHANGED_LABEL;
        let now: Vec<&Object> = seen.snapshot.objects().iter().filter(changed).collect();
        let same = |kept: &Object| now.iter().any(|one| (&one.class, &one.id) == (&kept.class, &kept.id));
        let lost = seen.lost(&self.kept).into_iter().filter(|object| !same(object));
        let mut findings: Findings = lost.map(|lost| format!("lost or changed: {lost}")).collect();
        if now.is_empty() {
            findings.push("an object that another program had changed was removed".to_owned());
        }
        findings
    }

    fn untouched(&self, seen: &Seen) -> Findings {
        seen.lost(&self.kept).into_iter().map(|lost| format!("lost or changed: {lost}")).collect()
    }

    fn rest<'s>(&self, seen: &'s Seen) -> Rest<'s> {
        let mut rest = seen.beyond(&self.kept);
        // A driver that loses every answer keeps a certificate for each attempt: they are one.
        let value = |object: &Object| object.bytes("Value").map(<[u8]>::to_vec);
        let same = |a: &Object, b: &Object| (&a.id, &a.label, value(a)) == (&b.id, &b.label, value(b));
        let is_certificate = |object: &Object| object.class == "CKO_CERTIFICATE";
        rest.dedup_by(|a, b| is_certificate(a) && is_certificate(b) && same(a, b));
        // So it does for the attempt that leaves the label to the token.
        let copies = rest.clone();
        let has_labelled = |one: &Object| {
            copies
                .iter()
                .any(|copy| !copy.label.is_empty() && (&copy.id, value(copy)) == (&one.id, value(one)))
        };
        rest.retain(|one| !(is_certificate(one) && one.label.is_empty() && has_labelled(one)));
        let class = |name: &str| rest.iter().filter(|object| object.class == name).count();
        let one_of_each = rest.len() == 3
            && ["CKO_CERTIFICATE", "CKO_PRIVATE_KEY", "CKO_PUBLIC_KEY"].iter().all(|name| class(name) == 1);
        let one_id = rest.iter().all(|object| object.id == rest[0].id);
        let signs = rest.iter().any(|object| seen.signs(object));
        let one_label = rest.iter().all(|object| object.label == rest[0].label);
        match rest.is_empty() {
            true => Rest::Nothing,
            false if one_of_each && one_id && signs && one_label => {
                if is_old(rest[0]) {
                    Rest::Old
                } else {
                    Rest::Complete
                }
            }
            false => Rest::Unfinished(rest),
        }
    }

    /// A run that says that it succeeded has reached its goal.
    fn goal(&self, seen: &Seen) -> Findings {
        let reached = match (self.scene.goal(), self.rest(seen)) {
            (Goal::Renewed, Rest::Complete) => true,
            (Goal::Removed, Rest::Nothing) => true,
            (Goal::Pending, Rest::Unfinished(objects)) => {
                objects.iter().all(|object| has_record(object) && object.class != "CKO_CERTIFICATE")
            }
            _ => false,
        };
        if reached {
            return Findings::new();
        }
        let there: Vec<String> = seen.beyond(&self.kept).iter().map(|object| object.to_string()).collect();
        vec![format!("it says that it went well, but on the token are: {}", there.join("; "))]
    }

    /// An unfinished job is listed, can be gone on with to the end, and can be given up without a trace.
    fn finish(&self, place: &Place, objects: &[&Object]) -> Findings {
        let objects: Vec<String> = objects.iter().map(|object| object.to_string()).collect();
        let left = |problem: String| format!("{problem}; on the token are: {}", objects.join("; "));
        let mut findings = Findings::new();
        if self.scene.retires() {
            findings.extend(self.retire_again(place).err().map(left));
            return findings;
        }
        match self.pending(place) {
            Ok(listed) if listed.is_empty() => findings.push(left("nothing is listed as pending".to_owned())),
            Ok(listed) => {
                let same = place.same("forward");
                findings.extend(self.go_on(&same, &listed).err().map(left));
                same.clear();
                let same = place.same("back");
                findings.extend(self.give_up(&same, &listed).err().map(left));
                same.clear();
            }
            Err(problem) => findings.push(left(problem)),
        }
        findings
    }

    fn pending(&self, place: &Place) -> Result<Vec<Value>, String> {
        let run = self.run(place, &["pending"])?;
        let listed: Value = serde_json::from_str(&run.out).map_err(|error| error.to_string())?;
        listed.as_array().cloned().ok_or_else(|| format!("no list: {listed}"))
    }

    fn go_on(&self, place: &Place, listed: &[Value]) -> Result<(), String> {
        let mut open = false;
        for key in listed {
            let id = key["id"].as_str().unwrap_or_default();
            match key["state"].as_str() {
                Some("awaiting_answer") => {
                    let issuer = self.stage.issuer();
                    self.run(place, &["resume", "--sign-again", "--id", id, "--issuer", &issuer])?;
                    open = true;
                }
                Some("remnant") => {
                    self.run(place, &["abandon", "--yes", "--id", id])?;
                }
                state => return Err(format!("unknown state {state:?}")),
            }
        }
        let seen = place.inspect(&self.stage.programs)?;
        if let Some(finding) = self.untouched(&seen).pop() {
            return Err(format!("after going on: {finding}"));
        }
        match self.rest(&seen) {
            Rest::Complete if open => Ok(()),
            // The public half was what an interrupted removal had taken; nothing needs it.
            Rest::Unfinished(objects) if open && works_without_public_key(&seen, &objects) => Ok(()),
            Rest::Nothing if !open => Ok(()),
            _ => Err(format!("after going on: {}", self.shown(&seen))),
        }
    }

    fn give_up(&self, place: &Place, listed: &[Value]) -> Result<(), String> {
        for key in listed {
            self.run(place, &["abandon", "--yes", "--id", key["id"].as_str().unwrap_or_default()])?;
        }
        let seen = place.inspect(&self.stage.programs)?;
        if let Some(finding) = self.untouched(&seen).pop() {
            return Err(format!("after giving up: {finding}"));
        }
        match self.rest(&seen) {
            Rest::Nothing => Ok(()),
            _ => Err(format!("after giving up: {}", self.shown(&seen))),
        }
    }

    /// A removal that stopped is ended by asking for it once more, as long as the old certificate is there.
    fn retire_again(&self, place: &Place) -> Result<(), String> {
        let (anchor, serial) = (self.stage.anchor(), self.begin.made.old_serial.as_str());
        let words = self.scene.retire_words(serial, &anchor);
        self.run(place, &words.iter().map(String::as_str).collect::<Vec<_>>())?;
        let seen = place.inspect(&self.stage.programs)?;
        if let Some(finding) = self.untouched(&seen).pop() {
            return Err(format!("after ending the removal: {finding}"));
        }
        match self.rest(&seen) {
            Rest::Nothing => Ok(()),
            _ => Err(format!("after ending the removal: {}", self.shown(&seen))),
        }
    }

    fn shown(&self, seen: &Seen) -> String {
        seen.beyond(&self.kept).iter().map(|object| object.to_string()).collect::<Vec<_>>().join("; ")
    }

    /// Runs the command without the shim; it has to succeed.
    fn run(&self, place: &Place, words: &[&str]) -> Result<Run, String> {
        let run = place.play(&self.stage.programs, words, None, PIN);
        match run.exit {
            Some(0) => Ok(run),
            exit => Err(format!("`{}` afterwards: {exit:?}: {}", words.join(" "), run.err)),
        }
    }
}

/// Whether another program has changed an object of ours during the run.
fn was_changed(run: &Run) -> bool {
    run.trace
        .calls
        .iter()
        .any(|call| call.fault.as_ref().is_some_and(|fault| fault.contains("otherwise=changed")))
}

/// The label that the shim's other program gives.
const CHANGED_LABEL: &str = "changed by another program";

/// Certificates of the old and the new credential; the foreign ones have other identifiers and no key that signs.
fn is_ours(certificate: &Object) -> bool {
    is_old(certificate) || certificate.id.len() == 20 || has_record(certificate)
}

/// Whether this is a certificate and its private key, which signs.
fn works_without_public_key(seen: &Seen, objects: &[&Object]) -> bool {
    let [one, other] = objects else { return false };
    let is = |object: &Object, class: &str| object.class == class;
    let both = is(one, "CKO_CERTIFICATE") && is(other, "CKO_PRIVATE_KEY");
    both && (&one.id, &one.label) == (&other.id, &other.label) && objects.iter().any(|one| seen.signs(one))
}
