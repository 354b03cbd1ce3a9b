//! Something done with many tokens, those of different drivers side by side.

use super::ask::{DriverTask, side_by_side};
use super::late::Late;
use crate::driver::{Cancel, Token};
use crate::error::{Result, Step};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Does this with every token and returns what came of it, in the order of the tokens. Drivers do not wait for each other;
/// the tokens of one driver come one after another, for not every driver stands two threads. A driver that is not done
/// within this time is left behind: [`Code::DriverTimeout`](crate::Code::DriverTimeout) for each of its tokens.
///
/// ```
/// # use std::time::Duration;
/// # use usbtoken::{Finder, discovery::each};
/// # let soft = usbtoken_testkit::SoftToken::fresh();
/// let tokens = Finder::new().module(soft.module()).tokens()?.tokens;
/// # assert_eq!(tokens.len(), 1);
/// for list in each(tokens, Duration::from_secs(60), |token| token.credentials())? {
///     assert!(list?.is_empty());
/// }
/// # Ok::<(), usbtoken::Error>(())
/// ```
///
/// # Errors
/// [`Code::OutOfMemory`](crate::Code::OutOfMemory) when the system gives no thread. What a token answers is its own result.
pub fn each<R: Send + 'static>(
    tokens: Vec<Token>,
    limit: Duration,
    work: impl Fn(Token) -> Result<R> + Send + Sync + 'static,
) -> Result<Vec<Result<R>>> {
    let mut results: Vec<Option<Result<R>>> = tokens.iter().map(|_| None).collect();
    let mut of_driver: BTreeMap<PathBuf, Vec<(usize, Token)>> = BTreeMap::new();
    for (place, token) in tokens.into_iter().enumerate() {
        of_driver.entry(token.module().path().to_owned()).or_default().push((place, token));
    }
    let places = |tokens: &Vec<(usize, Token)>| tokens.iter().map(|(place, _)| *place).collect::<Vec<_>>();
    let drivers: Vec<_> = of_driver.iter().map(|(driver, tokens)| (driver.clone(), places(tokens))).collect();
    let work = Arc::new(work);
    let task = |(driver, tokens): (PathBuf, Vec<(usize, Token)>)| {
        let work = Arc::clone(&work);
        let all = move || tokens.into_iter().map(|(_, token)| work(token)).collect::<Vec<_>>();
        DriverTask { driver, work: Box::new(all) }
    };
    let tasks = of_driver.into_iter().map(task).collect();
    let done = side_by_side(tasks, Instant::now() + limit, &Cancel::new())?;
    for ((driver, places), done) in drivers.into_iter().zip(done) {
        let late =
            |late: Late| places.iter().map(|_| Err(late.error(&driver, Step::ReadObjects, limit))).collect();
        let done = done.unwrap_or_else(late);
        for (place, one) in places.into_iter().zip(done) {
            if let Some(result) = results.get_mut(place) {
                *result = Some(one);
            }
        }
    }
    Ok(results.into_iter().flatten().collect())
}
