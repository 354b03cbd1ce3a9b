//! Examining everything, without login.

use super::diagnosis::Diagnosis;
use super::presence::{DeviceFinding, InstalledDrivers, SeenToken, presence};
use super::problem::{Problems, Severity, Tokens};
use super::report::{
    CredentialReport, DeviceReport, DriverReport, DriverWorks, FreeSpace, KindReport, Platform, TokenReport,
};
use crate::discovery::devices;
use crate::discovery::{DriverTask, Finder, Late, Loaded, Probed, matches, side_by_side};
use crate::driver::{Cancel, InUse, Token};
use crate::error::{Code, Error, Fact, Notice, Point, Result, Step, Warning};
use crate::pki::{KeyKind, Window, has_no_end};
use crate::renewal::{BeforeLogin, Credential, PointResult, Preflight, Renewal, Run, Unreadable};
use crate::uri::TokenUri;
use base16ct::lower::encode_string as hex;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

/// How long a driver may take to show its tokens and their certificates. A certificate is one call, and on a USB
/// token a call takes 10 to 50 ms.
const TIME_LIMIT: Duration = Duration::from_secs(60);

/// Examines the devices, the drivers and the tokens of this computer.
///
/// # Errors
/// [`Code::OutOfMemory`] when the system gives no thread. Everything else that goes wrong is what is searched for, and
/// stands in the diagnosis.
pub fn examine(finder: &Finder, now: SystemTime) -> Result<Diagnosis> {
    examine_for(finder, &TokenUri::default(), now)
}

/// The same for the token that is meant: what is wrong with others stands in the way of nothing.
///
/// # Errors
/// As [`examine`].
pub fn examine_for(finder: &Finder, meant: &TokenUri, now: SystemTime) -> Result<Diagnosis> {
    examine_by(finder, meant, &Run::default().at(now))
}

/// The same by the clock of this run, and with what its program has kept of its renewals ([`Credentials::known_to`](crate::Credentials::known_to)).
///
/// # Errors
/// As [`examine`].
pub fn examine_by(finder: &Finder, meant: &TokenUri, run: &Run<'_>) -> Result<Diagnosis> {
    let now = run.now();
    let asked = Arc::new(Asked { meant: meant.clone(), replaced: run.all_replaced(), now });
    let survey = finder.survey()?;
    let mut problems = Problems::default();
    let examined = examine_drivers(survey.drivers, &asked)?;

    let (mut drivers, mut tokens, mut seen) = (Vec::new(), Vec::new(), Vec::new());
    let mut of_tokens = Problems::default();
    let is_there = examined.iter().flat_map(|one| &one.tokens).any(|one| one.is_meant);
    for one in examined {
        drivers.push(one.driver);
        seen.extend(one.seen);
        of_tokens.extend(one.problems);
        for ExaminedToken { token, problems, is_meant } in one.tokens {
            of_tokens.extend(if is_there && !is_meant { problems.into_remarks() } else { problems });
            let known = |other: &TokenReport| other.info.identity == token.info.identity;
            if token.info.identity.serial.is_empty() || !tokens.iter().any(known) {
                tokens.push(token);
            }
        }
    }
    let plugged_in = devices::devices();
    plugged_in.skipped.into_iter().for_each(|error| problems.error(Severity::Warns, error));
    let installed: Vec<PathBuf> =
        drivers.iter().filter(|driver| is_installed(driver)).map(|driver| driver.path.clone()).collect();
    let installed = InstalledDrivers {
        catalogue: &survey.listing.catalogue,
        machine: &survey.paths.machine,
        drivers: &installed,
        tokens: &seen,
    };
    let devices = report_devices(&plugged_in.devices, &installed);

    let there = match (tokens.is_empty(), seen.is_empty()) {
        (false, _) => Tokens::Some,
        (true, false) => Tokens::Blank,
        (true, true) => Tokens::None,
    };
    problems.of_places(&drivers, &devices, there);
    problems.extend(of_tokens);
    if let Some(error) = survey.listing.user_file_error {
        problems.error(Severity::Warns, error);
    }
    problems.of_configuration(&survey.listing.skipped);
    Ok(Diagnosis {
        version: env!("CARGO_PKG_VERSION"),
        platform: Platform::current(),
        taken: now,
        problems: problems.sorted(),
        drivers,
        skipped: survey.listing.skipped,
        devices,
        tokens,
        banks: Vec::new(),
        pin: None,
    })
}

/// Lists the devices that are, or may be, tokens, and whether a driver for them is installed. No driver is loaded, so
/// none is known to see a token: [`DeviceState::Seen`](super::DeviceState::Seen) is never the answer.
///
/// # Errors
/// [`Code::DeviceFault`] when the system refuses to list them and nothing else is known of them.
pub fn plugged_in(finder: &Finder) -> Result<Vec<DeviceReport>> {
    let (listing, paths) = finder.listing_of_all();
    // The one who names a driver has others installed all the same.
    let candidates = listing.candidates.into_iter().chain(paths.list(&[]).candidates);
    let mut drivers: Vec<PathBuf> = Vec::new();
    for path in candidates.map(|candidate| candidate.path).filter(|path| path.exists()) {
        if !drivers.contains(&path) {
            drivers.push(path);
        }
    }
    let installed = InstalledDrivers {
        catalogue: &listing.catalogue,
        machine: &paths.machine,
        drivers: &drivers,
        tokens: &[],
    };
    let mut listed = devices::devices();
    match listed.skipped.pop() {
        Some(error) if listed.devices.is_empty() => Err(error),
        _ => Ok(report_devices(&listed.devices, &installed)),
    }
}

fn report_devices(devices: &[devices::Device], installed: &InstalledDrivers<'_>) -> Vec<DeviceReport> {
    let report = |finding: DeviceFinding<'_>| DeviceReport {
        device: finding.device.clone(),
        name: finding.name,
        families: finding.families.iter().map(|family| family.id.clone()).collect(),
        state: finding.state,
    };
    presence(devices, installed).into_iter().map(report).collect()
}

fn is_installed(driver: &DriverReport) -> bool {
    !matches!(&driver.outcome, Err(error) if error.code() == Code::DriverMissing)
}

/// What is asked of each driver.
struct Asked {
    meant: TokenUri,
    /// What took the place of which certificate, as the caller has kept it.
    replaced: HashMap<String, String>,
    now: SystemTime,
}

/// A driver with everything that was seen through it.
struct Examined {
    driver: DriverReport,
    tokens: Vec<ExaminedToken>,
    seen: Vec<SeenToken>,
    problems: Problems,
}

/// A token, what is wrong with it, and whether it is the one that is meant.
struct ExaminedToken {
    token: TokenReport,
    problems: Problems,
    is_meant: bool,
}

/// The drivers that work, side by side, so that one that hangs now costs its own tokens only.
fn examine_drivers(drivers: Vec<Probed>, asked: &Arc<Asked>) -> Result<Vec<Examined>> {
    let mut jobs = Vec::new();
    let mut places = Vec::new();
    for Probed { candidate, outcome } in drivers {
        let outcome = match outcome {
            Ok(loaded) => {
                let (path, asked) = (candidate.path.clone(), Arc::clone(asked));
                jobs.push(DriverTask {
                    driver: path.clone(),
                    work: Box::new(move || through(&path, loaded, &asked)),
                });
                None
            }
            Err(error) => Some(Arc::new(error)),
        };
        places.push((candidate, outcome));
    }
    let mut answers = side_by_side(jobs, Instant::now() + TIME_LIMIT, &Cancel::new())?.into_iter();
    let examined = places.into_iter().map(|(candidate, failed)| {
        let report =
            |outcome| DriverReport { path: candidate.path.clone(), origin: candidate.origin, outcome };
        let answer = match failed {
            Some(error) => Err(error),
            // There is one answer for each driver that did not fail.
            None => answers
                .next()
                .ok_or(Late::default())
                .flatten()
                .map_err(|late| Arc::new(late.error(&candidate.path, Step::ReadObjects, TIME_LIMIT))),
        };
        match answer {
            Ok((works, tokens, seen, problems)) => {
                Examined { driver: report(Ok(works)), tokens, seen, problems }
            }
            Err(error) => Examined {
                driver: report(Err(error)),
                tokens: Vec::new(),
                seen: Vec::new(),
                problems: Problems::default(),
            },
        }
    });
    Ok(examined.collect())
}

type Through = (DriverWorks, Vec<ExaminedToken>, Vec<SeenToken>, Problems);

/// What one driver shows.
fn through(path: &Path, loaded: Loaded, asked: &Asked) -> Through {
    let Loaded { module, took, tokens, skipped } = loaded;
    let works = DriverWorks {
        info: module.info().ok(),
        took,
        slots: module.slot_count().unwrap_or(tokens.len()),
        tokens: tokens.len(),
    };
    let seen = tokens
        .iter()
        .map(|token| SeenToken {
            driver: path.to_owned(),
            slot_description: token.slot_description().unwrap_or_default(),
        })
        .collect();
    let mut problems = Problems::default();
    skipped.into_iter().for_each(|error| problems.error(Severity::Warns, error));
    let most = tokens.iter().map(|token| token.info().in_use()).max().unwrap_or(InUse::Blank);
    let reports = tokens
        .iter()
        .filter(|token| token.info().in_use() == most && most > InUse::Blank)
        .map(|token| {
            let (mut problems, is_meant) = (Problems::default(), matches(&asked.meant, token));
            let token = examine_token(path, token, is_meant, asked, &mut problems);
            ExaminedToken { token, problems, is_meant }
        })
        .collect();
    (works, reports, seen, problems)
}

/// Of the token that is meant, the credentials are those that its URI names, as in a list.
fn examine_token(
    driver: &Path,
    token: &Token,
    is_meant: bool,
    asked: &Asked,
    problems: &mut Problems,
) -> TokenReport {
    let now = asked.now;
    let name = token.identity().to_string();
    let about = |notice| Warning::from(notice).fact(Fact::Token, &name);
    let kinds = kinds(token);
    let run = Run::default().at(now);
    let seen = BeforeLogin::read(token);
    let findings = Preflight::of_token(token, seen.as_ref().ok(), &run).points;
    let memory = findings.iter().find(|finding| finding.point == Point::Memory);
    let free_space = memory.map_or(FreeSpace::NotTold, |finding| match &finding.state {
        PointResult::Ok => FreeSpace::Fits,
        PointResult::Warning(warning) if *warning == Notice::MemoryUnknown => FreeSpace::NotTold,
        _ => FreeSpace::MayNotFit,
    });
    problems.of_preflight(findings, &name, &[]);
    // Which kind of key is wanted is not known here; a token without any is a problem.
    if kinds.iter().all(|kind| kind.supported == Some(false)) {
        problems.warning(Severity::Warns, about(Notice::MechanismNotListed));
    }
    let credentials = seen.map(|seen| {
        let all = seen.credentials().said_renewed(&asked.replaced);
        if all.is_empty() {
            problems.warning(Severity::Warns, about(Notice::NoCertificate));
        }
        if !all.unreadable().is_empty() {
            let named = all.unreadable().iter().flat_map(Unreadable::facts);
            let unreadable = about(Notice::CertificateUnreadable);
            let unreadable = named.fold(unreadable, |warning, (fact, value)| warning.fact(fact, value));
            problems.warning(Severity::Warns, unreadable);
        }
        let all = match is_meant.then(|| all.clone().named_by(&asked.meant)) {
            Some(Ok(named)) => named,
            Some(Err(error)) => {
                problems.error(Severity::Warns, error.fact(Fact::Token, &name));
                all
            }
            None => all,
        };
        of_credentials(token, &seen, all.iter().as_slice(), now, problems);
        (all.iter().map(|one| credential(one, now)).collect(), all.unreadable().to_vec())
    });
    let (credentials, unreadable) = credentials.unwrap_or_else(|error| {
        problems.error(Severity::Warns, error.fact(Fact::Token, &name));
        (Vec::new(), Vec::new())
    });
    TokenReport {
        driver: driver.to_owned(),
        info: token.info().clone(),
        profile: token.profile_name().to_owned(),
        mechanisms: token.mechanism_names(),
        kinds,
        free_space,
        credentials,
        unreadable,
    }
}

fn of_credentials(
    token: &Token,
    seen: &BeforeLogin,
    all: &[Credential],
    now: SystemTime,
    problems: &mut Problems,
) {
    let name = token.identity().to_string();
    let expired = |one: &Credential| one.certificate().not_after() < now;
    let superseded = all.iter().any(|one| !expired(one));
    for one in all {
        // What concerns the token was said; an expired certificate beside a good one was not cleared away yet.
        let mut skip = vec![Point::TokenInitialized, Point::TokenWritable, Point::PinUsable, Point::Memory];
        if superseded && expired(one) {
            skip.push(Point::Window);
            let error = Error::new(Code::Expired).during(Step::Preflight).fact(Fact::Subject, one.subject());
            problems.error(Severity::Remarks, error.fact(Fact::Serial, one.certificate().serial()));
        }
        let findings = Renewal::of(one).preflight_on(token, Some(seen), &Run::default().at(now)).points;
        problems.of_preflight(findings, &name, &skip);
    }
}

fn kinds(token: &Token) -> Vec<KindReport> {
    let supported = |kind| match token.supports(kind) {
        Ok(true) => Some(true),
        Ok(false) => None,
        Err(error) if matches!(error.code(), Code::MechanismUnsupported | Code::KeySizeUnsupported) => {
            Some(false)
        }
        Err(_) => None,
    };
    KeyKind::ALL.iter().map(|&kind| KindReport { kind, supported: supported(kind) }).collect()
}

fn credential(one: &Credential, now: SystemTime) -> CredentialReport {
    let certificate = one.certificate();
    let ends = !has_no_end(certificate.not_after());
    CredentialReport {
        subject: one.subject().to_string(),
        common_name: one.subject().common_name().map(str::to_owned),
        serial: certificate.serial().to_string(),
        id: hex(one.id()),
        key: one.key_algorithm().to_string(),
        not_after: certificate.not_after(),
        days_left: ends.then(|| one.days_left(now)),
        renewable: one.renewable(Window::default(), now),
        renewable_from: ends.then(|| Window::default().opens_on(certificate.not_after()).to_string()),
        successor: one.successor().cloned(),
        has_pending_renewal: one.has_pending_renewal(),
    }
}
