//! Asking drivers side by side, so that one that sleeps or hangs holds up none of the others.

use super::candidates::Candidate;
use super::late::Late;
use super::left::{self, Left, is_left_behind};
use super::meant::matches;
use crate::driver::Cancel;
use crate::driver::Module;
use crate::driver::Token;
use crate::driver::{Loading, is_busy, lock};
use crate::error::{Code, Error, Result, Step};
use crate::uri::TokenUri;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

/// A candidate, and what came of loading it and asking for its tokens.
#[derive(Debug)]
pub struct Probed {
    /// The file, and who named it.
    pub candidate: Candidate,
    /// What the driver showed, or why it could not be used; [`Code::DriverTimeout`] when it took too long.
    pub outcome: Result<Loaded>,
}

/// A driver that works, and the tokens it sees.
#[derive(Debug)]
pub struct Loaded {
    /// The driver.
    pub module: Module,
    /// How long it took to check, load and initialise it.
    pub took: Duration,
    /// The tokens, blank ones too, in the order of their slots.
    pub tokens: Vec<Token>,
    /// Why slots with a token in them were passed over.
    pub skipped: Vec<Error>,
}

/// How candidates are probed.
#[derive(Clone, Debug)]
pub(super) struct Limits {
    pub(super) loading: Loading,
    /// How long a driver may take to be initialised and to list its tokens.
    pub(super) time: Duration,
}

/// Loads every candidate and asks it for its tokens, each in a thread of its own. Where a token is meant, only its slots are
/// read; and as soon as one is there that is named whole, what the others would show is not waited for and not told.
///
/// # Errors
/// [`Code::Cancelled`]; [`Code::OutOfMemory`] when the system gives no thread. What a driver does wrong is in its
/// outcome.
pub(super) fn probe(
    candidates: Vec<Candidate>,
    limits: &Limits,
    meant: Option<&TokenUri>,
    cancel: &Cancel,
) -> Result<Vec<Probed>> {
    let started: Vec<Arc<AtomicBool>> = candidates.iter().map(|_| Arc::default()).collect();
    let tasks = candidates
        .iter()
        .zip(&started)
        .map(|(candidate, started)| {
            let (path, loading, started) =
                (candidate.path.clone(), limits.loading.clone(), Arc::clone(started));
            let meant = meant.cloned().unwrap_or_default();
            // A call of this very thread returns only after this search.
            let own_call = is_busy(&path, true);
            let work = move || own_call.map_or_else(|| load(&path, &loading, &meant, &started), Err);
            DriverTask { driver: candidate.path.clone(), work: Box::new(work) }
        })
        .collect();
    let whole = meant.filter(|uri| uri.names_whole_token());
    let is_there = |outcome: &Result<Loaded>| match (whole, outcome) {
        (Some(uri), Ok(loaded)) => loaded.tokens.iter().any(|token| matches(uri, token)),
        _ => false,
    };
    let outcomes = side_by_side_until(tasks, Instant::now() + limits.time, cancel, is_there)?;
    let found = outcomes.iter().flatten().any(is_there);
    let probed = candidates.into_iter().zip(started).zip(outcomes);
    let probed = probed.filter_map(|((candidate, started), outcome)| {
        let step = step_of_search(started.load(Ordering::Relaxed));
        let outcome = match outcome {
            Err(_) if found => return None,
            outcome => outcome.unwrap_or_else(|late| Err(late.error(&candidate.path, step, limits.time))),
        };
        Some(Probed { candidate, outcome })
    });
    Ok(probed.collect())
}

/// How long a driver may take to end while it is waited for.
pub(super) const GRACE: Duration = Duration::from_millis(100);

/// Lets drivers go, each in a thread of its own: C_Finalize takes its time, and may hang. What is left behind ends by itself,
/// or never.
pub(super) fn end(drivers: Vec<Module>) {
    if drivers.len() < 2 {
        return;
    }
    let task = |module: Module| DriverTask {
        driver: module.path().to_owned(),
        work: Box::new(move || drop(module)),
    };
    let_go(drivers.into_iter().map(task).collect(), Instant::now() + GRACE);
}

/// What a driver is asked for in a search, before it is initialised and after that.
const fn step_of_search(is_started: bool) -> Step {
    if is_started { Step::FindToken } else { Step::InitializeDriver }
}

fn load(path: &Path, loading: &Loading, meant: &TokenUri, started: &AtomicBool) -> Result<Loaded> {
    let begin = Instant::now();
    let (module, first) = Module::load_with(path, loading)?;
    started.store(true, Ordering::Relaxed);
    let took = begin.elapsed();
    // A driver that somebody initialised a while ago searches for new slots only when it is told to.
    let (tokens, skipped) =
        module.tokens(!first, |slot| meant.may_mean_slot(slot), |token| matches(meant, token))?;
    Ok(Loaded { module, took, tokens, skipped })
}

/// How long drivers that would be preferred are waited for at most, once there is enough.
pub(super) const PREFERRED: Duration = Duration::from_millis(100);

/// Something to be done with a driver.
pub(crate) struct DriverTask<R> {
    pub(crate) driver: PathBuf,
    pub(crate) work: Box<dyn FnOnce() -> R + Send>,
}

/// Where the thread of a task is, agreed between it and the one who waits for it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Running,
    LeftBehind,
    Done,
}

/// Does every task in a thread of its own and returns the results in the order of the tasks; [`Late`] for those that
/// were not done in time.
///
/// The thread of a driver that hangs in this process cannot be ended: it is left behind, and holds nothing that anyone else waits
/// for. When the driver comes back after all, the result is dropped there and the driver may be asked again. One that hangs in a
/// process of its own is ended with that, when its time is over.
pub(crate) fn side_by_side<R: Send + 'static>(
    tasks: Vec<DriverTask<R>>,
    until: Instant,
    cancel: &Cancel,
) -> Result<Vec<std::result::Result<R, Late>>> {
    side_by_side_until(tasks, until, cancel, |_| false)
}

/// The same until a result is there that is enough.
fn side_by_side_until<R: Send + 'static>(
    tasks: Vec<DriverTask<R>>,
    until: Instant,
    cancel: &Cancel,
    is_enough: impl Fn(&R) -> bool,
) -> Result<Vec<std::result::Result<R, Late>>> {
    let Done { results, left, is_enough } = all(tasks, until, cancel, is_enough)?;
    // What is slower than one that is enough may go on.
    if !is_enough {
        left::stop(left);
    }
    Ok(results)
}

/// Does the last that is done with drivers, of which nothing comes: what is not done by then goes on behind.
pub(super) fn let_go(tasks: Vec<DriverTask<()>>, until: Instant) {
    let _ = all(tasks, until, &Cancel::new(), |()| false);
}

/// What came of tasks.
struct Done<R> {
    results: Vec<std::result::Result<R, Late>>,
    /// Those whose thread was left behind.
    left: Vec<Left>,
    /// Whether one of them was enough.
    is_enough: bool,
}

/// Does every task until a result is there that is enough. Of the tasks before it, which would be preferred, those still count that are
/// done in about the same time.
fn all<R: Send + 'static>(
    tasks: Vec<DriverTask<R>>,
    mut until: Instant,
    cancel: &Cancel,
    is_enough: impl Fn(&R) -> bool,
) -> Result<Done<R>> {
    /// How long it may take until a cancelled search ends.
    const ATTENTION: Duration = Duration::from_millis(20);
    /// How long a driver that was left behind earlier gets to come back.
    const RETURN: Duration = Duration::from_secs(1);
    let mut results: Vec<Option<R>> = tasks.iter().map(|_| None).collect();
    let (tell, told) = mpsc::channel();
    let mut running = Vec::new();
    let mut waiting: Vec<(usize, DriverTask<R>)> = tasks.into_iter().enumerate().collect();
    let back_by = until.min(Instant::now() + RETURN);
    let mut missing = waiting.len();
    let mut ended = Ok(());
    let begin = Instant::now();
    let mut enough = results.len();
    while missing > 0 && ended.is_ok() && results.iter().take(enough).any(Option::is_none) {
        let away = |task: &DriverTask<R>| is_left_behind(&task.driver);
        for (index, task) in waiting.extract_if(.., |(_, task)| !away(task)) {
            running.push((index, task.driver.clone(), start(index, task, tell.clone())?));
        }
        let now = Instant::now();
        if now >= back_by {
            missing -= waiting.drain(..).count();
        }
        match told.recv_timeout(until.saturating_duration_since(now).min(ATTENTION)) {
            Ok((index, result)) => {
                if index < enough && is_enough(&result) {
                    enough = index;
                    until = until.min(Instant::now() + begin.elapsed().min(PREFERRED));
                }
                if let Some(place) = results.get_mut(index) {
                    *place = Some(result);
                }
                missing -= 1;
            }
            Err(_) if now >= until => break,
            Err(_) => {}
        }
        if cancel.is_cancelled() {
            ended = Err(Error::new(Code::Cancelled).during(Step::FindToken));
        }
    }
    let mut functions = vec![None; results.len()];
    let mut left = Vec::new();
    for (index, driver, thread) in running {
        let Some(behind) = thread.end(driver) else { continue };
        if let Some(function) = functions.get_mut(index) {
            *function = behind.call();
        }
        left.push(behind);
    }
    // Those that finished in the last moment.
    for (index, result) in told.try_iter() {
        if let Some(place) = results.get_mut(index) {
            *place = Some(result);
        }
    }
    ended?;
    let is_enough = enough < results.len();
    let results = results.into_iter().zip(functions);
    let results = results.map(|(result, function)| result.ok_or(Late { function })).collect();
    Ok(Done { results, left, is_enough })
}

/// Does a task in a thread of its own, which tells its result with this number.
pub(super) fn start<R: Send + 'static>(
    index: usize,
    task: DriverTask<R>,
    tell: mpsc::Sender<(usize, R)>,
) -> Result<Running> {
    let stage = Arc::new(Mutex::new(Stage::Running));
    let own = Arc::clone(&stage);
    let run = move || {
        let result = (task.work)();
        let mut stage = lock(&own);
        if *stage == Stage::LeftBehind {
            left::is_back(&task.driver);
        }
        *stage = Stage::Done;
        // No one waits for one that was left behind.
        let _ = tell.send((index, result));
    };
    let spawned = thread::Builder::new().name("usbtoken-driver".into()).spawn(run);
    let thread = spawned.map_err(|error| Error::out_of_threads(Step::LoadDriver, error))?;
    Ok(Running { stage, thread })
}

/// The thread of a task.
pub(super) struct Running {
    stage: Arc<Mutex<Stage>>,
    thread: thread::JoinHandle<()>,
}

impl Running {
    /// Leaves the thread behind, or waits for its end when its task is done: what the driver's libraries have tied to the thread
    /// (pthread_key_create(3)) is given back there, and crashes when the program ends or unloads the driver meanwhile.
    pub(super) fn end(self, driver: PathBuf) -> Option<Left> {
        /// A driver may hang there too.
        const LONGEST: Duration = Duration::from_secs(1);
        let mut stage = lock(&self.stage);
        if *stage == Stage::Running {
            *stage = Stage::LeftBehind;
            return Some(Left::behind(driver, self.thread.thread().id()));
        }
        drop(stage);
        let (tell, told) = mpsc::channel();
        let wait = move || {
            // What the task has panicked with was its own.
            let _ = self.thread.join();
            let _ = tell.send(());
        };
        // Without another thread there is no end to wait for: the program is about to say so anyway.
        let _ = thread::Builder::new().name("usbtoken-wait".into()).spawn(wait);
        let _ = told.recv_timeout(LONGEST);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(name: &str, sleep: u64) -> DriverTask<String> {
        let name = name.to_owned();
        let work = move |text: String| {
            thread::sleep(Duration::from_millis(sleep));
            text
        };
        DriverTask { driver: name.clone().into(), work: Box::new(move || work(name)) }
    }

    fn soon(millis: u64) -> Instant {
        Instant::now() + Duration::from_millis(millis)
    }

    #[test]
    fn slow_jobs_take_as_long_as_the_slowest() {
        let begin = Instant::now();
        let tasks = (0..10).map(|n| task(&format!("s{n}"), 200)).collect();
        let results = side_by_side(tasks, soon(10_000), &Cancel::new()).unwrap();
        let expected: Vec<_> = (0..10).map(|n| Ok(format!("s{n}"))).collect();
        assert_eq!(results, expected);
        assert!(begin.elapsed() < Duration::from_millis(1_000), "{:?}", begin.elapsed());
    }

    #[test]
    fn one_that_hangs_is_left_behind_and_asked_again_only_when_it_is_back() {
        let begin = Instant::now();
        let both = || vec![task("h1", 600), task("h2", 0)];
        let results = side_by_side(both(), soon(100), &Cancel::new()).unwrap();
        assert_eq!(results, [Err(Late { function: None }), Ok("h2".to_owned())]);
        let again = side_by_side(both(), soon(100), &Cancel::new()).unwrap();
        assert_eq!(again, [Err(Late { function: None }), Ok("h2".to_owned())]);
        assert!(begin.elapsed() < Duration::from_millis(550));
        // It comes back soon enough to be asked again.
        let results = side_by_side(both(), soon(5_000), &Cancel::new()).unwrap();
        assert_eq!(results[0].as_deref(), Ok("h1"));
        assert!(
            begin.elapsed() >= Duration::from_millis(1_200),
            "it was asked again, in a thread of its own"
        );
    }

    #[test]
    fn a_search_can_be_cancelled() {
        let cancel = Cancel::new();
        let other = cancel.clone();
        let begin = Instant::now();
        thread::spawn(move || {
            thread::sleep(Duration::from_millis(50));
            other.cancel();
        });
        let error = side_by_side(vec![task("c", 1_000)], soon(10_000), &cancel).unwrap_err();
        assert_eq!(error.code(), Code::Cancelled);
        assert!(begin.elapsed() < Duration::from_millis(800));
    }
}
