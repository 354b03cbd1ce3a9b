//! The transaction as a model: one token, two of our processes, a foreign program, an end of any process before any call.
//!
//! Every state that can be reached is visited, breadth first, so the first counterexample is a shortest one. What a process
//! decides is decided by the real code: the objects of the state go into [`Contents`], and what comes out is the plan that
//! the process carries out call by call, while the token changes under it. Right before each removal it reads the object
//! again, as `driver/session/remove` does.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::rc::Rc;
use std::result::Result;

use super::*;
use crate::pki::Response;

/// Whose key, or whose certificate, an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Of {
    Old,
    /// The key of the first or of the second job.
    Job(usize),
    Foreign,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Class {
    Certificate,
    Private,
    Public,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Text {
    Old,
    Record(usize),
    Foreign,
}

/// An object: its handle, what it is, its CKA_ID (as whose it was given), its CKA_LABEL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Thing {
    handle: u32,
    class: Class,
    of: Of,
    id: Of,
    label: Text,
}

type Token = BTreeSet<Thing>;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Command {
    Begin(usize),
    Install(usize),
    Abandon(usize),
    Retire,
}

/// One call of a process.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Call {
    Generate(usize),
    Write(usize, Of),
    /// The new key, by this handle, has to sign for its certificate; else that is taken back.
    Sign(u32, usize),
    /// Reads an object again: it must be what was planned, or be gone.
    Read(Thing),
    Destroy(Thing),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Process {
    command: Command,
    /// What is left to do; nothing is planned before the token was read.
    plan: Option<VecDeque<Call>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct State {
    token: Token,
    processes: Vec<Process>,
    /// How many processes may still begin, and what the foreign program may still do.
    starts: usize,
    foreign: usize,
}

/// What is the same in all states.
struct World {
    keys: HashMap<Of, PublicKey>,
    certificates: HashMap<Of, Certificate>,
    records: Vec<Record>,
    with_lock: bool,
}

impl World {
    fn new(with_lock: bool) -> Self {
        let (ca, stranger) = (TestCa::new(), TestCa::new());
        let (mut keys, mut certificates) = (HashMap::new(), HashMap::new());
        let all = [
            (Of::Old, &ca, 11, 5),
            (Of::Job(0), &ca, 376, 6),
            (Of::Job(1), &ca, 377, 7),
            (Of::Foreign, &stranger, 500, 5),
        ];
        for (of, ca, days, serial) in all {
            let (public, spki) = key();
            keys.insert(of, public);
            certificates.insert(of, certificate(ca, &spki, days, &[serial]));
        }
        let records = (0..2).map(|_| record_for(Some(&certificates[&Of::Old]))).collect();
        World { keys, certificates, records, with_lock }
    }

    fn start() -> State {
        let old = |handle, class| Thing { handle, class, of: Of::Old, id: Of::Old, label: Text::Old };
        let token = [(1, Class::Certificate), (2, Class::Private), (3, Class::Public)];
        let token = token.map(|(handle, class)| old(handle, class)).into();
        State { token, processes: Vec::new(), starts: 3, foreign: 1 }
    }

    fn label(&self, text: Text) -> Vec<u8> {
        match text {
            Text::Old => b"bank".to_vec(),
            Text::Record(job) => self.records[job].label().to_vec(),
            Text::Foreign => b"somebody's".to_vec(),
        }
    }

    /// The objects as the driver gives them.
    fn made(&self, token: &Token) -> Made {
        let id = |of: Of| format!("{of:?}").into_bytes();
        token.iter().fold(Made::default(), |made, thing| {
            let (id, label, key) = (id(thing.id), self.label(thing.label), &self.keys[&thing.of]);
            match thing.class {
                Class::Certificate => {
                    let label = String::from_utf8(label).unwrap();
                    made.certificate(thing.handle, &id, &label, self.certificates[&thing.of].der())
                }
                Class::Private => made.private(thing.handle, &id, &label, key, None),
                Class::Public => {
                    let mut made = made;
                    made.public.push(made_up::public_key(thing.handle, &id, &label, key.clone()));
                    made
                }
            }
        })
    }

    /// What a process does that reads this token: decided by the code that is tested.
    fn plan(&self, token: &Token, command: Command) -> Option<VecDeque<Call>> {
        let made = self.made(token);
        let mut contents = made.contents();
        let pending = contents.pending(&made).unwrap();
        let of_job = |job: usize| pending.iter().find(|key| key.record() == &self.records[job]);
        let removal = match command {
            Command::Begin(job) => {
                let there = token.iter().any(|thing| thing.of == Of::Job(job));
                return (!there && pending.is_empty()).then(|| [Call::Generate(job)].into());
            }
            Command::Install(job) => {
                let response = Response::parse(self.certificates[&Of::Job(job)].der()).unwrap();
                let (_, key) = contents.answered(&made, &response, &pending).ok()??;
                let handle = made_up::number(key.private()?);
                let id = token.iter().find(|thing| thing.handle == handle)?.id;
                return Some([Call::Write(job, id), Call::Sign(handle, job)].into());
            }
            Command::Abandon(job) => contents.abandonment(&made, of_job(job)?, Meant::Listed).ok()?,
            Command::Retire => {
                let old = &self.certificates[&Of::Old];
                let follower = contents.followers(&made, old).unwrap().pop()?;
                let credentials = contents.credentials();
                let old = credentials.iter().find(|one| one.certificate() == old)?.clone();
                contents.retirement(&made, &old, &follower, false, OfCopies::Chosen, &|_| false).ok()?.removal
            }
        };
        let handles = removal.planned().into_iter().map(|planned| {
            let digits: String = planned.chars().filter(char::is_ascii_digit).collect();
            digits.parse::<u32>().unwrap()
        });
        let thing = |handle| *token.iter().find(|thing| thing.handle == handle).unwrap();
        Some(handles.map(thing).flat_map(|thing| [Call::Read(thing), Call::Destroy(thing)]).collect())
    }

    /// Whether a certificate and the private key for it are there.
    fn works(token: &Token, of: Of) -> bool {
        let there = |class| token.iter().any(|thing| thing.class == class && thing.of == of);
        there(Class::Certificate) && there(Class::Private)
    }
}

/// A step of one process; what is promised about it.
fn call(token: &mut Token, call: &Call) -> Result<bool, String> {
    match call {
        Call::Generate(job) => {
            let half = |handle, class| Thing {
                handle,
                class,
                of: Of::Job(*job),
                id: Of::Job(*job),
                label: Text::Record(*job),
            };
            let number = 10 * (*job as u32 + 1);
            token.extend([half(number + 2, Class::Private), half(number + 3, Class::Public)]);
        }
        Call::Write(job, id) => {
            let handle = 10 * (*job as u32 + 1) + 1;
            let (of, label) = (Of::Job(*job), Text::Record(*job));
            token.insert(Thing { handle, class: Class::Certificate, of, id: *id, label });
        }
        Call::Sign(handle, job) => {
            let signs = token.iter().any(|thing| thing.handle == *handle && thing.of == Of::Job(*job));
            if !signs {
                token.retain(|thing| !(thing.class == Class::Certificate && thing.of == Of::Job(*job)));
            }
            return Ok(signs);
        }
        // What is gone already counts as removed; what is something else now stops the removal.
        Call::Read(thing) => {
            let now = token.iter().find(|now| now.handle == thing.handle);
            return Ok(now.is_none_or(|now| now == thing));
        }
        Call::Destroy(thing) => {
            let there = token.iter().find(|now| now.handle == thing.handle).copied();
            let Some(there) = there else { return Ok(true) };
            let foreign = there.of == Of::Foreign || there.label == Text::Foreign;
            let lost = there.class == Class::Private
                && matches!(there.of, Of::Job(_))
                && World::works(token, there.of);
            token.remove(&there);
            if foreign {
                return Err(format!("{there:?}, which is not ours, was destroyed"));
            }
            if lost {
                return Err(format!("{there:?} was destroyed, and its certificate is there"));
            }
        }
    }
    Ok(true)
}

/// What another program does: pairs, certificates and copies with any identifier and label that is on the token; our public
/// halves taken away.
fn foreign(token: &Token) -> Vec<Token> {
    let mut after = Vec::new();
    let names: BTreeSet<(Of, Text)> = token.iter().map(|thing| (thing.id, thing.label)).collect();
    let with = |things: &[Thing]| token.iter().chain(things).copied().collect::<Token>();
    for (id, label) in names {
        for label in [label, Text::Foreign] {
            let thing = |handle, class| Thing { handle, class, of: Of::Foreign, id, label };
            // A private key with our record is a forgery, of which the record's own tests speak.
            if label == Text::Foreign || label == Text::Old {
                after.push(with(&[thing(32, Class::Private), thing(33, Class::Public)]));
            }
            after.push(with(&[thing(31, Class::Certificate)]));
        }
    }
    for half in token.iter().filter(|thing| thing.class == Class::Public) {
        // With the old credential's own identifier as well, a copy counts as part of it.
        let id = if half.of == Of::Old { Of::Foreign } else { half.id };
        after.push(with(&[Thing { handle: 34, label: Text::Foreign, id, ..*half }]));
        after.push(token.iter().filter(|thing| *thing != half).copied().collect());
    }
    after
}

/// What can come after a state, with what was done.
fn steps(
    world: &World,
    state: &State,
    plan: &mut impl FnMut(&Token, Command) -> Plan,
) -> Vec<(String, Outcome)> {
    let mut after = Vec::new();
    let room = if world.with_lock { 1 } else { 2 };
    if state.starts > 0 && state.processes.len() < room {
        let jobs = (0..2).flat_map(|job| [Command::Begin(job), Command::Install(job), Command::Abandon(job)]);
        for command in jobs.chain([Command::Retire]) {
            let mut next = state.clone();
            next.starts -= 1;
            next.processes.push(Process { command, plan: None });
            after.push((format!("{command:?} begins"), Ok(next)));
        }
    }
    for at in 0..state.processes.len() {
        let mut ended = state.clone();
        let Process { command, plan: left } = ended.processes.remove(at);
        after.push((format!("{command:?} is killed"), Ok(ended.clone())));
        let Some(mut left) = left else {
            let read = plan(&state.token, command);
            let mut next = ended;
            if let Some(calls) = read.as_ref() {
                next.processes.push(Process { command, plan: Some(calls.clone()) });
            }
            after.push((format!("{command:?} reads"), Ok(next)));
            continue;
        };
        let mut next = ended;
        let Some(now) = left.pop_front() else {
            after.push((format!("{command:?} ends"), Ok(next)));
            continue;
        };
        let outcome = call(&mut next.token, &now).map(|goes_on| {
            if goes_on {
                next.processes.push(Process { command, plan: Some(left) });
            }
            next
        });
        after.push((format!("{command:?}: {now:?}"), outcome));
    }
    if state.foreign > 0 {
        for token in foreign(&state.token) {
            let next = State { token, foreign: state.foreign - 1, ..state.clone() };
            after.push(("another program".to_owned(), Ok(next)));
        }
    }
    after
}

type Plan = Rc<Option<VecDeque<Call>>>;
type Outcome = Result<State, String>;

/// What is promised about a state.
fn promised(world: &World, state: &State) -> Result<(), String> {
    if ![Of::Old, Of::Job(0), Of::Job(1)].iter().any(|of| World::works(&state.token, *of)) {
        return Err("neither the old credential works nor a new one".to_owned());
    }
    if !state.processes.is_empty() {
        return Ok(());
    }
    let made = world.made(&state.token);
    let pending = made.contents().pending(&made).unwrap();
    for thing in state.token.iter().filter(|thing| thing.class == Class::Private) {
        let Of::Job(job) = thing.of else { continue };
        let listed = pending.iter().any(|key| key.record() == &world.records[job]);
        if listed == World::works(&state.token, thing.of) {
            return Err(format!("{thing:?} is {} as pending", if listed { "listed" } else { "not listed" }));
        }
    }
    Ok(())
}

/// Visits every state. How many there are, or what goes wrong, and how.
fn explore(world: &World) -> Result<usize, String> {
    let mut plans: HashMap<(Token, Command), Plan> = HashMap::new();
    let mut plan = |token: &Token, command| {
        let known = plans.entry((token.clone(), command));
        Rc::clone(known.or_insert_with(|| Rc::new(world.plan(token, command))))
    };
    let mut quiet = HashSet::new();
    let mut came_from: HashMap<State, Option<(State, String)>> = HashMap::from([(World::start(), None)]);
    let mut open = VecDeque::from([World::start()]);
    let trace = |came_from: &HashMap<State, Option<(State, String)>>, state: &State, last: String| {
        let mut way = vec![last];
        let mut at = state;
        while let Some(Some((before, step))) = came_from.get(at) {
            way.push(step.clone());
            at = before;
        }
        way.into_iter().rev().collect::<Vec<_>>().join("\n    ")
    };
    while let Some(state) = open.pop_front() {
        for (step, outcome) in steps(world, &state, &mut plan) {
            let next = outcome.map_err(|broken| trace(&came_from, &state, format!("{step}: {broken}")))?;
            if came_from.contains_key(&next) {
                continue;
            }
            if !next.processes.is_empty() || quiet.insert(next.token.clone()) {
                promised(world, &next)
                    .map_err(|broken| trace(&came_from, &state, format!("{step}: {broken}")))?;
            }
            came_from.insert(next.clone(), Some((state.clone(), step)));
            open.push_back(next);
        }
    }
    Ok(came_from.len())
}

/// With the lock: nothing foreign is destroyed, a credential always works, no complete one loses its key, and what waits
/// is listed, whatever another program does and wherever a process ends.
#[test]
fn with_the_lock_nothing_is_lost() {
    let states = explore(&World::new(true)).unwrap_or_else(|way| panic!("a counterexample:\n    {way}"));
    println!("{states} states");
    assert!(states > 2_000, "the model reaches only {states} states");
}

/// Without it two of our own processes do each other harm: that is what it is for.
#[test]
fn without_the_lock_a_key_is_lost() {
    let way = explore(&World::new(false)).expect_err("two processes that write at once should do harm");
    println!("{way}");
    assert!(way.contains("its certificate is there") || way.contains("neither"), "{way}");
}
