//! The fault sweep: every job is run again and again, each time with one fault at one of its calls, and each time
//! fresh processes examine what is on the token.
//!
//! The plan is SQLite's: fail the first call, inspect, fail the second, inspect, until a run comes to its end unharmed;
//! each kind of fault once, and from then on. `docs/testing.md` has the promises and how to run one case again.

mod case;
mod fault;
mod keys;
mod play;
mod scene;
mod seen;
mod stage;
mod verdict;

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

pub use case::{Case, CaseName};
pub use fault::{CHANGED, FAULTS, Fault};
pub use keys::Keys;
pub use play::{NEW_PIN, PIN};
pub use scene::Scene;
pub use seen::Seen;
pub use stage::{Made, provision, strangers};

use play::{Hang, Kills, Place, Told, WRONG_PIN};
use scene::Goal;
use stage::{Begin, Stage};
use verdict::Findings;

/// How much is swept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// Every call, every kind of fault, once and sticky, on P-256; most kinds over what mends an interrupted job;
    /// on RSA every call with a few kinds.
    Whole,
    /// Every call with one kind of fault, in turns, and the cases that once found a defect.
    Slice,
}

/// The kinds that are run on RSA too: there the calls take long and are the same.
const RSA: &[&str] = &["general-error", "lose", "kill-after"];

/// The kinds from which the slice takes one for each call in turn.
const TURNS: &[&str] =
    &["lose", "device-error", "kill-after", "removed", "general-error", "host-kill", "no-way-back"];

/// A second job comes at the worst moment: after the first has read the token, right before it writes or destroys.
const COMPANY: &[&str] = &[
    "renew/ec/C_GenerateKeyPair#1/second-job/once",
    "renew/ec/C_CreateObject#1/second-job-kill/once",
    "install/ec/C_CreateObject#1/second-job/once",
    "install-among/ec/C_CreateObject#1/second-job/once",
    "abandon/ec/C_DestroyObject#1/second-job/once",
    "abandon-among/ec/C_DestroyObject#2/second-job-kill/once",
    "retire/ec/C_DestroyObject#1/second-job/once",
    "retire-among/ec/C_DestroyObject#2/second-job-kill/once",
];

/// Cases that found a defect once; see `docs/testing.md`.
const REGRESSIONS: &[&str] = &[
    // The token that could not be read was named as one that is not meant.
    "renew/ec/C_GetTokenInfo#1/device-error/once",
    // What an interrupted removal left looked like a key that can be gone on with.
    "abandon/ec/C_DestroyObject#2/removed/once",
    // The private key could not be known again, so its public half was removed alone.
    "abandon/ec/C_GetAttributeValue#19/truncated/once",
    "abandon/ec/C_GetAttributeValue#20/truncated/once",
    "abandon/ec/C_GetAttributeValue#21/truncated/once",
    "abandon/ec/C_GetAttributeValue#22/truncated/once",
    // A device that failed was taken for a new key that does not sign.
    "retire/ec/C_SignInit#1/general-error/once",
    // Half a certificate was passed over, and a second one written beside it.
    "install-written/ec/C_GetAttributeValue#9/truncated/once",
    "install-written/ec/C_GetAttributeValue#10/truncated/once",
    "install-written/ec/C_GetAttributeValue#11/truncated/once",
    "install-written/ec/C_GetAttributeValue#12/truncated/once",
    // Half a public key was passed over as a stranger's, and left by a removal that said it was done.
    "retire/ec/C_GetAttributeValue#12/truncated/once",
    "abandon/ec/C_GetAttributeValue#16/truncated/once",
    // A key of which the driver gives no attribute was said to be missing, and the person sent to the bank.
    "install-written/ec/C_GetAttributeValue#10/unavailable/sticky",
    // The old credential was said to be without its key where the key could not be read.
    "renew/ec/C_GetAttributeValue#6/device-error/sticky",
    // An identifier that was read in half once was given to the public key.
    "renew/ec/C_GetAttributeValue#15/truncated/once",
    // Keys that the token did not let be read were taken for a login that had ended.
    "abandon-among/ec/C_GetAttributeValue#22/device-error/sticky",
];

/// The functions that change something on a token.
const WRITING: &[&str] =
    &["C_GenerateKeyPair", "C_CreateObject", "C_SetAttributeValue", "C_DestroyObject", "C_SetPIN"];

/// What a sweep did.
#[derive(Debug)]
pub struct Report {
    rows: Vec<Row>,
    failed: Vec<(String, Findings)>,
    took: Duration,
}

/// The size of one scene's sweep.
#[derive(Debug)]
struct Row {
    name: String,
    calls: usize,
    kinds: usize,
    modes: usize,
    runs: usize,
}

impl Report {
    /// The cases against which something was found, with what was found.
    pub fn failed(&self) -> &[(String, Findings)] {
        &self.failed
    }

    /// How many runs there were.
    pub fn runs(&self) -> usize {
        self.rows.iter().map(|row| row.runs).sum()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Row { name, calls, kinds, modes, runs } in &self.rows {
            writeln!(f, "{name:20} {calls:4} calls × {kinds:2} kinds × {modes} modes: {runs:5} runs")?;
        }
        let calls: usize = self.rows.iter().map(|row| row.calls).sum();
        let kinds = self.rows.iter().map(|row| row.kinds).max().unwrap_or_default();
        let modes = self.rows.iter().map(|row| row.modes).max().unwrap_or_default();
        write!(
            f,
            "sweep: {} scenes, {calls} calls × up to {kinds} kinds × {modes} modes: {} runs in {:.0} s; {} failed",
            self.rows.len(),
            self.runs(),
            self.took.as_secs_f64(),
            self.failed.len()
        )
    }
}

/// What is played on: the programs, the start states, the calls of each scene.
pub struct Sweep {
    stage: Stage,
    /// Only every so many-th case, from this one on.
    part: (usize, usize),
    /// Only these kinds of fault; all, when there is none.
    kinds: Vec<&'static str>,
}

/// A scene without faults: its calls' functions in order.
struct Base {
    begin: Arc<Begin>,
    calls: Vec<String>,
}

impl Base {
    /// Whether a call changes something on the token.
    fn writes(&self, call: u64) -> bool {
        let function = usize::try_from(call - 1).ok().and_then(|at| self.calls.get(at));
        function.is_some_and(|name| WRITING.contains(&name.as_str()))
    }
}

impl Sweep {
    /// Prepares it. `program` is the program `sweep`, whose parts run in processes of their own.
    pub fn new(program: &Path) -> Sweep {
        Sweep { stage: Stage::new(program), part: (1, 1), kinds: Vec::new() }
    }

    /// Leaves the other parts of so many to other machines, or to another day.
    #[must_use]
    pub fn part(mut self, part: usize, of: usize) -> Sweep {
        self.part = (part.max(1), of.max(1));
        self
    }

    /// Leaves the other kinds of fault out.
    #[must_use]
    pub fn kinds(mut self, kinds: &[&'static str]) -> Sweep {
        self.kinds = kinds.to_vec();
        self
    }

    /// Sweeps these scenes (all, when none is named) with this many workers.
    pub fn run(&self, extent: Extent, only: &[Scene], workers: usize) -> Report {
        let start = Instant::now();
        let mut rows = Vec::new();
        let mut failed = Vec::new();
        let mut plan = VecDeque::new();
        for keys in [Keys::Ec, Keys::Rsa] {
            for scene in Scene::ALL {
                let wanted = only.is_empty() || only.contains(&scene);
                let on_rsa = matches!(scene, Scene::Renew | Scene::Install | Scene::Retire);
                if !wanted || (keys == Keys::Rsa && (!on_rsa || extent == Extent::Slice)) {
                    continue;
                }
                match self.base(scene, keys) {
                    Ok(base) => {
                        let lost = regressions(scene, keys).filter(|name| name.case(&base.calls).is_none());
                        failed.extend(
                            lost.map(|name| (name.to_string(), vec!["there is no such call now".to_owned()])),
                        );
                        let (part, of) = self.part;
                        let cases = cases(extent, scene, keys, &base);
                        let wanted =
                            |case: &Case| self.kinds.is_empty() || self.kinds.contains(&case.fault.name);
                        let cases = cases.into_iter().filter(wanted).skip(part - 1).step_by(of);
                        let cases: Vec<Case> = cases.collect();
                        rows.push(row(scene, keys, &base, &cases));
                        let base = Arc::new(base);
                        plan.extend(cases.into_iter().map(|case| (case, Arc::clone(&base))));
                    }
                    Err(findings) => failed.push((format!("{}/{}", scene.name(), keys.name()), findings)),
                }
            }
        }
        failed.extend(self.play_all(plan, workers));
        Report { rows, failed, took: start.elapsed() }
    }

    /// Runs one case.
    ///
    /// # Errors
    /// What was found against the promises.
    pub fn one(&self, name: &CaseName) -> Result<Case, Vec<String>> {
        let base = self.base(name.scene(), name.keys())?;
        let case = name.case(&base.calls);
        let case = case.ok_or_else(|| vec![format!("{name}: there is no such call")])?;
        self.play(&case, &base).map(|()| case)
    }

    /// Runs the scene without a fault, through the shim: it reaches its goal, and its calls are counted. A fault at
    /// the call after the last does no harm: so no call is left out.
    fn base(&self, scene: Scene, keys: Keys) -> Result<Base, Findings> {
        let begin = self.stage.begin(scene.start(), keys);
        let functions = |spec: &str| -> Result<Vec<String>, Findings> {
            let place = self.stage.place(&format!("{}-{}-base", scene.name(), keys.name()));
            let run = self.scene(scene, &begin, &place, Told { spec, hang: None, is_hosted: false });
            let mut findings = verdict::judge(&self.stage, scene, &begin, &place, &run);
            let well = (scene == Scene::WrongPin) != (run.exit == Some(0));
            if run.trace.calls.iter().any(|call| call.function == "C_SetAttributeValue") {
                findings.push("it changes an object; many tokens refuse that".to_owned());
            }
            if !well || run.trace.calls.iter().any(|call| call.fault.is_some()) {
                findings.push(format!("a run without faults: {:?} {}", run.exit, run.err));
            }
            place.clear();
            let counted = run.trace.calls.iter().filter(|call| call.n > 0);
            if findings.is_empty() {
                Ok(counted.map(|call| call.function.clone()).collect())
            } else {
                Err(findings)
            }
        };
        let calls = functions("")?;
        let again = functions(&FAULTS[0].spec(calls.len() as u64 + 1, true))?;
        match again == calls {
            true => Ok(Base { begin, calls }),
            false => Err(vec![format!("two runs make different calls: {calls:?} {again:?}")]),
        }
    }

    fn play_all(&self, plan: VecDeque<(Case, Arc<Base>)>, workers: usize) -> Vec<(String, Findings)> {
        let total = plan.len();
        let (plan, failed) = (Mutex::new(plan), Mutex::new(Vec::new()));
        let next = || {
            let mut plan = plan.lock().unwrap_or_else(PoisonError::into_inner);
            let next = plan.pop_front();
            let done = total - plan.len();
            if next.is_some() && done.is_multiple_of(500) {
                eprintln!("{done} of {total} cases");
            }
            next
        };
        std::thread::scope(|scope| {
            for _ in 0..workers.max(1) {
                scope.spawn(|| {
                    while let Some((case, base)) = next() {
                        if let Err(findings) = self.play(&case, &base) {
                            eprintln!("{case}:\n    {}", findings.join("\n    "));
                            let mut failed = failed.lock().unwrap_or_else(PoisonError::into_inner);
                            failed.push((case.to_string(), findings));
                        }
                    }
                });
            }
        });
        failed.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    fn play(&self, case: &Case, base: &Base) -> Result<(), Findings> {
        let place = self.stage.place(&case.to_string());
        let company = RefCell::new(Findings::new());
        let meanwhile = || {
            if case.fault.has_company() {
                company.borrow_mut().extend(self.company(case.scene, &base.begin, &place));
            }
        };
        let kills = match case.fault {
            fault if fault.kills_host() => Kills::Host,
            fault if fault.never_ends() => Kills::Command,
            _ => Kills::Nothing,
        };
        let hang = Hang { call: case.call, meanwhile: &meanwhile, kills };
        // A process of its own is ended at a limit, but where it writes: then the command is killed.
        let is_hosted = case.fault.is_hosted();
        let ends = is_hosted && !case.fault.kills_host() && !base.writes(case.call);
        let hang = Some(hang).filter(|_| case.fault.hangs() && !ends);
        let told = Told { spec: &case.spec(), hang, is_hosted };
        let run = self.scene(case.scene, &base.begin, &place, told);
        let mut findings = verdict::judge(&self.stage, case.scene, &base.begin, &place, &run);
        findings.extend(reached(case, base, &run));
        if case.scene.abandons() && run.exit != Some(0) && !case.fault.has_company() {
            findings.extend(self.given_up_again(&base.begin, &place));
        }
        findings.extend(company.into_inner());
        place.clear();
        if findings.is_empty() { Ok(()) } else { Err(findings) }
    }

    /// A removal that left nothing, and did not say that it was done, is done when it is asked for again.
    fn given_up_again(&self, begin: &Begin, place: &Place) -> Findings {
        let is_gone = |seen: Seen| !seen.snapshot.objects().iter().any(stage::has_record);
        if !place.inspect(&self.stage.programs).is_ok_and(is_gone) {
            return Findings::new();
        }
        let waiting = begin.waiting();
        let run =
            place.play(&self.stage.programs, &["abandon", "--yes", "--token", &waiting], None, play::PIN);
        match run.exit {
            Some(0) => Findings::new(),
            exit => vec![format!("it has left nothing, and asked for again: {exit:?} {}", run.err)],
        }
    }

    /// A second job, while the first is at work: it does its own or is told why not.
    fn company(&self, scene: Scene, begin: &Begin, place: &Place) -> Findings {
        let words = scene.company(&begin.made.old_serial, &self.stage.anchor(), &begin.waiting());
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let output = place.play_beside(&self.stage.programs, &words);
        let said = String::from_utf8_lossy(&output.stderr);
        match output.status.code() {
            Some(0) => Findings::new(),
            Some(_) if said.contains("\"sentence\"") => Findings::new(),
            exit => vec![format!("the second job: {exit:?} {said}")],
        }
    }

    fn scene(&self, scene: Scene, begin: &Begin, place: &Place, told: Told<'_>) -> play::Run {
        place.copy_token(&begin.folder, &begin.made.serial);
        let (issuer, anchor, serial) = (self.stage.issuer(), self.stage.anchor(), &begin.made.old_serial);
        let mut words = scene.words(&issuer, &begin.answer, serial, &anchor, place.path());
        if scene.abandons() {
            words.extend(["--token".into(), begin.waiting()]);
        }
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let pin = if scene == Scene::WrongPin { WRONG_PIN } else { PIN };
        place.play(&self.stage.programs, &words, Some(told), pin)
    }
}

/// A case in which nothing could go wrong would pass for nothing: up to the fault the calls are the base's, and
/// the fault is in the trace, or the process ended there, or there was nothing to lie about.
fn reached(case: &Case, base: &Base, run: &play::Run) -> Findings {
    // A process that takes the place of one that has ended counts anew.
    let first = run.trace.calls.first().map(|call| call.pid);
    let counted = || run.trace.calls.iter().filter(|call| call.n > 0 && Some(call.pid) == first);
    let before = counted().take_while(|call| call.n < case.call).map(|call| &call.function);
    let expected = base.calls.iter().take(case.call as usize - 1);
    if !before.eq(expected) {
        return vec!["other calls before the fault than without it".to_owned()];
    }
    let host_ended =
        case.fault.is_hosted() && counted().map(|call| call.n).max().unwrap_or_default() == case.call - 1;
    let ended = run.exit == Some(stage::KILLED) || run.signal == Some(9) || host_ended;
    let triggered = run.trace.calls.iter().any(|call| call.fault.is_some());
    let faithful = ["lie=", "otherwise="].iter().any(|kind| case.spec().contains(kind));
    if ended || triggered || faithful { Vec::new() } else { vec!["the fault was not triggered".to_owned()] }
}

fn regressions(scene: Scene, keys: Keys) -> impl Iterator<Item = CaseName> {
    let known = REGRESSIONS.iter().chain(COMPANY).filter_map(|name| name.parse::<CaseName>().ok());
    known.filter(move |name| (name.scene(), name.keys()) == (scene, keys))
}

fn cases(extent: Extent, scene: Scene, keys: Keys, base: &Base) -> Vec<Case> {
    let calls = || base.calls.iter().zip(1_u64..);
    let case = |call, fault, sticky| Case { scene, keys, call, fault, sticky };
    // Where removing is the job, removing cannot be what fails after a failure.
    let removes = |call: u64| base.calls.iter().take(call as usize - 1).any(|name| name == "C_DestroyObject");
    // What another program has given another label is not ours any more: that it stays is asked of removals.
    let strays = |case: &Case| case.fault.name == CHANGED && scene.goal() != Goal::Removed;
    let sensible = |case: &Case| (case.fault.name != "no-way-back" || !removes(case.call)) && !strays(case);
    let mut cases = match extent {
        Extent::Whole => {
            let kinds = |fault: &&Fault| match keys {
                Keys::Ec => !scene.is_compound() || fault.is_compound(),
                Keys::Rsa => RSA.contains(&fault.name),
            };
            let mut cases = Vec::new();
            for (function, call) in calls() {
                for fault in FAULTS.iter().filter(kinds).filter(|fault| fault.fits(function)) {
                    cases.push(case(call, fault, false));
                    if fault.can_stay() && keys == Keys::Ec {
                        cases.push(case(call, fault, true));
                    }
                }
            }
            cases
        }
        Extent::Slice => {
            let turn = |call: u64| TURNS[(call as usize + scene as usize) % TURNS.len()];
            let mut cases: Vec<Case> =
                calls().filter_map(|(_, call)| Some(case(call, Fault::named(turn(call))?, false))).collect();
            cases.extend(regressions(scene, keys).filter_map(|name| name.case(&base.calls)));
            cases
        }
    };
    cases.retain(sensible);
    cases
}

fn row(scene: Scene, keys: Keys, base: &Base, cases: &[Case]) -> Row {
    let kinds: std::collections::BTreeSet<&str> = cases.iter().map(|case| case.fault.name).collect();
    let modes: std::collections::BTreeSet<bool> = cases.iter().map(|case| case.sticky).collect();
    Row {
        name: format!("{}/{}", scene.name(), keys.name()),
        calls: base.calls.len(),
        kinds: kinds.len(),
        modes: modes.len(),
        runs: cases.len() + 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_regression_and_every_turn_is_known() {
        for name in REGRESSIONS {
            name.parse::<CaseName>().unwrap();
        }
        for name in TURNS.iter().chain(RSA) {
            assert!(Fault::named(name).is_some(), "{name}");
        }
    }
}
