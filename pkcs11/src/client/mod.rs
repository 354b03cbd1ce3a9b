//! A driver in a host of its own, as its caller sees it: one call at a time, each with its deadline.

mod link;
mod own;
mod patience;
mod process;

use crate::failure::{Failure, LoadFailure, Outcome};
use crate::kept::{KeptFiles, LetGo};
use crate::options::HostOptions;
use crate::types::{CKR_CRYPTOKI_NOT_INITIALIZED, CKR_OK};
use crate::wire::Bytes;
use crate::wire::frame::{FromHost, NotLoaded, ToHost, VERSION, decode, encode};
use crate::wire::message::{Reply, Request};
use link::{Link, Lost};
use own::Own;
use patience::{GivenUp, Patience};
use process::Process;
use std::borrow::Cow;
use std::fs::File;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::ThreadId;

/// What a crash while the driver loads is told of: the first function that is called then.
const LOADING: &str = "C_GetFunctionList";

/// What is told where no function of the driver is called.
const KEEPING: &str = "usbtoken-driver";

/// Room for most messages, beside a PIN; all of it is wiped. Others grow, and a PIN is not in them.
const USUAL_MESSAGE: usize = 512;

/// A driver in a host.
pub(crate) struct Client {
    options: HostOptions,
    driver: PathBuf,
    state: Mutex<State>,
    free: Condvar,
    /// How many hosts there have been.
    number: AtomicU64,
    /// The process that has started the present one; 0 where there is none.
    started_by: AtomicU32,
    /// Whether the call that is waited for is waited for no longer.
    given_up: Arc<AtomicBool>,
    /// What each host keeps open, by name: one that takes the place of another is given the same.
    kept: Mutex<Vec<(u64, Vec<Own>)>>,
}

#[derive(Default)]
struct State {
    host: Option<Host>,
    /// Who is in a call.
    caller: Option<ThreadId>,
    /// The function of that call.
    function: Option<&'static str>,
    /// Whether it may take minutes.
    lasts: bool,
    /// Why the last host ended, where it did not by C_Finalize.
    ended: Option<Failure>,
}

/// A host that runs.
struct Host {
    link: Link,
    process: Process,
    given_up: Arc<AtomicBool>,
}

impl Client {
    pub(crate) fn new(options: HostOptions, driver: &Path) -> Self {
        let driver = driver.to_owned();
        Client {
            options,
            driver,
            state: Mutex::default(),
            free: Condvar::new(),
            number: AtomicU64::new(0),
            started_by: AtomicU32::new(0),
            given_up: Arc::default(),
            kept: Mutex::default(),
        }
    }

    /// Starts a host and has it load the driver, unless one runs.
    pub(crate) fn start(&self) -> Result<(), LoadFailure> {
        let mut turn = self.turn(LOADING).map_err(LoadFailure::NoList)?;
        if turn.host.is_some() {
            return Ok(());
        }
        let (process, socket) = Process::start(&self.options)?;
        self.started_by.store(std::process::id(), Ordering::SeqCst);
        let given_up = Arc::clone(&self.given_up);
        let host = turn.host.insert(Host { link: Link::new(socket), process, given_up });
        if let Err(failure) = self.introduce(host) {
            turn.end(None);
            return Err(failure);
        }
        lock(&self.state).function = Some(LOADING);
        let patience = Patience::for_loading(&self.options.deadlines, LOADING);
        let load = ToHost::Load { driver: bytes(&self.driver) };
        match host.ask(&load, &[], patience, |answer| loaded(&answer)) {
            Ok(Ok(())) => {
                turn.ended = None;
                self.number.fetch_add(1, Ordering::SeqCst);
                self.give_kept(&mut turn).map_err(LoadFailure::NoList)
            }
            Ok(Err(failure)) => {
                turn.end(None);
                Err(failure)
            }
            Err(failure) => {
                turn.end(None);
                Err(LoadFailure::NoList(failure))
            }
        }
    }

    /// Has a program that was just started say that it is our host, which is confined before it does anything.
    fn introduce(&self, host: &mut Host) -> Result<(), LoadFailure> {
        let confine = self.options.confined.as_ref().map(|reach| {
            let own = self.driver.parent();
            let reads = reach.reads.iter().map(PathBuf::as_path).chain(own).map(bytes).collect();
            ToHost::Confine { reads, writes: reach.writes.iter().map(|path| bytes(path)).collect() }
        });
        let greet = ToHost::Greet { version: VERSION, parent: std::process::id() };
        for message in confine.iter().chain([&greet]) {
            let patience = Patience::for_greeting(&self.options.deadlines, LOADING);
            let answered = host.ask(message, &[], patience, |answer| done(&answer));
            done_by(answered).map_err(|failure| failure.of(&self.options.program))?;
        }
        Ok(())
    }

    pub(crate) fn perform(&self, request: &Request<'_>) -> Outcome<Reply<'static>> {
        let function = request.function();
        let mut turn = self.turn(function)?;
        {
            let mut state = lock(&self.state);
            (state.function, state.lasts) = (Some(function), request.may_last());
        }
        let Some(host) = &mut turn.host else {
            return Err(turn.ended.clone().map_or(
                Failure::Returned { function, rv: CKR_CRYPTOKI_NOT_INITIALIZED },
                Failure::not_called,
            ));
        };
        let patience = Patience::for_call(&self.options.deadlines, request);
        let answered =
            host.ask(&ToHost::Call(Cow::Borrowed(request)), &[], patience, |answer| match answer {
                FromHost::Reply(reply) if reply.answer.fits(request, reply.rv == CKR_OK) => {
                    Some(Ok(reply.owned(request)))
                }
                FromHost::Missing => Some(Err(Failure::Missing { function })),
                _ => None,
            });
        let answered = answered.and_then(|answer| answer.ok_or_else(|| lies(function)));
        let answered = answered
            .map_err(|failure| if failure.function() == KEEPING { failure.not_called() } else { failure });
        match answered {
            Ok(outcome) => {
                if matches!(request, Request::Finalize) {
                    turn.finish();
                }
                outcome
            }
            Err(failure) => {
                turn.end(Some(failure.clone()));
                Err(failure)
            }
        }
    }

    /// Ends the host, which is of no use.
    pub(crate) fn end(&self) {
        if let Ok(mut turn) = self.turn(LOADING) {
            let why = turn.ended.take();
            turn.end(why);
        }
    }

    /// Has the host keep these files open too, and any that takes its place.
    pub(crate) fn keep(&self, files: Vec<File>) -> Outcome<KeptFiles<'_>> {
        static NAMES: AtomicU64 = AtomicU64::new(1);
        let name = NAMES.fetch_add(1, Ordering::Relaxed);
        let mut turn = self.turn(KEEPING)?;
        // A program may close them, and open something else under their numbers.
        let files: Vec<Own> = files.into_iter().map(|file| Own::new(file.into())).collect();
        turn.tell(&ToHost::Keep(name), &files)?;
        lock(&self.kept).push((name, files));
        Ok(KeptFiles::by(self, name))
    }

    /// Gives a new host what the one before kept.
    fn give_kept(&self, turn: &mut Turn<'_>) -> Outcome<()> {
        for (name, files) in lock(&self.kept).iter() {
            turn.tell(&ToHost::Keep(*name), files)?;
        }
        Ok(())
    }

    /// Whether there was a host, and it ended before C_Finalize.
    pub(crate) fn has_ended(&self) -> bool {
        lock(&self.state).ended.is_some()
    }

    /// The function that a thread is in, and that thread.
    pub(crate) fn call(&self) -> Option<(&'static str, ThreadId)> {
        let state = lock(&self.state);
        state.function.zip(state.caller)
    }

    /// The same where it may take minutes.
    pub(crate) fn lasting_call(&self) -> Option<(&'static str, ThreadId)> {
        let state = lock(&self.state);
        state.function.zip(state.caller).filter(|_| state.lasts)
    }

    /// Has the call of this thread, where it only reads, end now with its host. Returns whether the thread is in a call.
    pub(crate) fn give_up(&self, thread: ThreadId) -> bool {
        let state = lock(&self.state);
        let is_in_call = state.caller == Some(thread);
        if is_in_call {
            self.given_up.store(true, Ordering::SeqCst);
        }
        is_in_call
    }

    /// Which host this is.
    pub(crate) fn number(&self) -> u64 {
        self.number.load(Ordering::SeqCst)
    }

    /// Waits until nobody is in a call. Nothing is locked meanwhile: who watches a call may use other drivers. A forked child has no
    /// turn with what its parent has started: not to let go of what that keeps either.
    fn turn(&self, function: &'static str) -> Outcome<Turn<'_>> {
        let started_by = self.started_by.load(Ordering::SeqCst);
        if started_by != 0 && started_by != std::process::id() {
            return Err(Failure::Forked { function });
        }
        let this = std::thread::current().id();
        let mut state = lock(&self.state);
        loop {
            match state.caller {
                None => break,
                Some(caller) if caller == this => return Err(Failure::InCall { function }),
                Some(_) => state = self.free.wait(state).unwrap_or_else(PoisonError::into_inner),
            }
        }
        state.caller = Some(this);
        self.given_up.store(false, Ordering::SeqCst);
        let (host, ended) = (state.host.take(), state.ended.take());
        Ok(Turn { client: self, host, ended })
    }
}

impl LetGo for Client {
    /// One that has ended has closed them.
    fn let_go(&self, name: u64) {
        lock(&self.kept).retain(|(kept, _)| *kept != name);
        if let Ok(mut turn) = self.turn(KEEPING) {
            let _ = turn.tell(&ToHost::LetGo(name), &[]);
        }
    }
}

/// Locks it. Nothing that these locks guard is half-done while one is held.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The one who is in a call. What is left of the host goes back when this goes.
struct Turn<'a> {
    client: &'a Client,
    host: Option<Host>,
    ended: Option<Failure>,
}

impl Turn<'_> {
    /// Says what calls no function.
    fn tell(&mut self, message: &ToHost<'_>, files: &[Own]) -> Outcome<()> {
        let ended = self.ended.clone();
        let Some(host) = &mut self.host else { return ended.map_or(Ok(()), |ended| Err(ended.not_called())) };
        let patience = Patience::for_loading(&self.client.options.deadlines, KEEPING);
        let told = host.ask(message, files, patience, |answer| matches!(answer, FromHost::Done));
        let told = told.and_then(|done| if done { Ok(()) } else { Err(lies(KEEPING)) });
        if let Err(failure) = &told {
            self.end(Some(failure.clone()));
        }
        told
    }

    /// Ends the host, for this reason.
    fn end(&mut self, why: Option<Failure>) {
        if let Some(mut host) = self.host.take() {
            host.process.end();
        }
        self.ended = why;
    }

    /// Lets the host end by itself, which it does when nobody is there any more.
    fn finish(&mut self) {
        if let Some(Host { link, mut process, .. }) = self.host.take() {
            drop(link);
            process.finish();
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if self.host.is_none() {
            self.client.started_by.store(0, Ordering::SeqCst);
        }
        let mut state = lock(&self.client.state);
        *state = State { host: self.host.take(), ended: self.ended.take(), ..State::default() };
        drop(state);
        self.client.free.notify_one();
    }
}

impl Host {
    /// Says something and hears the answer.
    fn ask<R>(
        &mut self,
        message: &ToHost<'_>,
        files: &[Own],
        patience: Patience,
        read: impl FnOnce(FromHost<'_>) -> R,
    ) -> Outcome<R> {
        let mut patience = patience.with(self.process.id(), &self.given_up);
        let function = patience.function();
        // A PIN is as long as it is, and stands in memory that does not move.
        let room = USUAL_MESSAGE + message.pin_length();
        let frame = encode(message, room).map_err(|_| lies(function))?;
        let files: Vec<_> = files.iter().filter_map(Own::get).collect();
        let sent = self.link.send(&frame, &files, &mut patience);
        drop(frame);
        // A host that has not had the whole message calls no function.
        let function = if sent.is_ok() { function } else { KEEPING };
        let exchanged = sent.and_then(|()| self.link.receive(&mut patience));
        match exchanged {
            Ok(answer) => decode::<FromHost<'_>>(&answer).map(read).map_err(|_| lies(function)),
            Err(Lost::GivenUp(GivenUp::Late(limit))) => Err(Failure::TimedOut { function, limit }),
            Err(Lost::GivenUp(GivenUp::AtTerminal)) => Err(Failure::AtTerminal { function }),
            Err(Lost::GivenUp(GivenUp::Cancelled { writes })) => Err(Failure::Cancelled { function, writes }),
            Err(Lost::TooLong) => Err(lies(function)),
            Err(Lost::Closed | Lost::GivenUp(GivenUp::Ended)) => {
                Err(Failure::Crashed { function, how: self.process.how_it_ended() })
            }
        }
    }
}

/// Why a program is no host, or not one that can be used.
enum Unfit {
    Other(String),
    Exhausted,
    NotConfined(String),
}

impl Unfit {
    fn of(self, program: &Path) -> LoadFailure {
        let program = program.display();
        match self {
            Unfit::Other(why) => LoadFailure::NoHost(format!("{program}: {why}")),
            Unfit::Exhausted => LoadFailure::Exhausted(format!("{program}: no thread")),
            Unfit::NotConfined(why) => LoadFailure::NotConfined(why),
        }
    }
}

/// Whether a program says that it has done what only a host does.
fn done(answer: &FromHost<'_>) -> Result<(), Unfit> {
    Err(match answer {
        FromHost::Done => return Ok(()),
        FromHost::OtherVersion(version) => Unfit::Other(format!("version {version}")),
        FromHost::Exhausted => Unfit::Exhausted,
        FromHost::NotConfined(why) => Unfit::NotConfined(String::from_utf8_lossy(&why.0).into_owned()),
        FromHost::NotLoaded(_) | FromHost::Reply(_) | FromHost::Missing => {
            Unfit::Other("malformed answer".into())
        }
    })
}

/// The same, where it may have said nothing.
fn done_by(answered: Outcome<Result<(), Unfit>>) -> Result<(), Unfit> {
    answered.unwrap_or_else(|failure| {
        Err(Unfit::Other(match failure {
            Failure::Crashed { how, .. } => how,
            Failure::TimedOut { limit, .. } => format!("> {} s", limit.as_secs_f64()),
            failure => failure.function().into(),
        }))
    })
}

fn bytes(path: &Path) -> Bytes<'_> {
    path.as_os_str().as_bytes().into()
}

fn loaded(answer: &FromHost<'_>) -> Result<(), LoadFailure> {
    let misbehaved = |how: String| Failure::Misbehaved { function: LOADING, rv: CKR_OK, how };
    match answer {
        FromHost::Done => Ok(()),
        FromHost::NotLoaded(why) => Err(match why {
            NotLoaded::Unloadable(why) => {
                LoadFailure::Unloadable(String::from_utf8_lossy(&why.0).into_owned())
            }
            NotLoaded::NoEntry => LoadFailure::NoEntry,
            NotLoaded::Returned(rv) => LoadFailure::NoList(Failure::Returned { function: LOADING, rv: *rv }),
            NotLoaded::Misbehaved(how) => {
                LoadFailure::NoList(misbehaved(String::from_utf8_lossy(&how.0).into_owned()))
            }
        }),
        _ => Err(LoadFailure::NoList(lies(LOADING))),
    }
}

/// What a host says is no answer: whatever the driver has done to it, nothing more is to be had from it.
fn lies(function: &'static str) -> Failure {
    Failure::Crashed { function, how: "malformed answer".into() }
}
