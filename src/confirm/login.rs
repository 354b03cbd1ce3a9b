//! The confirmation as a whole.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, SyncSender};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use jiff::civil::Date;
use rustls::ProtocolVersion;
use rustls::sign::CertifiedKey;

use super::address::{Address, Proxy};
use super::attempt::Client;
use super::line::Limit;
use super::trust;
use super::visit::Visit;
use crate::bank::Bank;
use crate::contents::{Credential, about};
use crate::driver::Session;
use crate::error::{Code, Error, Fact, Notice, Result, Step, Warning};
use crate::pki::{Certificate, Name, SignatureAlgorithm};
use crate::renewal::{Confirmation, Run};
use crate::tls::{TlsKey, chain, schemes};

/// How long a confirmation may take where no one says.
const TIMEOUT: Duration = Duration::from_secs(60);
/// How often it is looked whether the caller wants to stop.
const POLL: Duration = Duration::from_millis(100);
/// How much longer than its deadline the other thread is waited for: the resolver of names knows no deadline.
const GRACE: Duration = Duration::from_secs(1);
/// How many of the CAs that a server names are told.
const NAMED: usize = 20;

/// A login with a client certificate, to see whether the bank's server takes it.
#[derive(Clone, Debug)]
pub struct Confirm {
    address: Address,
    proxy: Option<Proxy>,
    alone: Vec<Certificate>,
    further: Vec<Certificate>,
    known: Vec<Certificate>,
    timeout: Duration,
    after_login: Option<Address>,
    /// By whose profile alone it is done.
    bank: Option<Box<Bank>>,
}

/// A login that worked.
#[derive(Clone, Debug)]
pub struct Confirmed {
    record: Confirmation,
    redirections: Vec<String>,
    accepted: Vec<String>,
    notices: Vec<Warning>,
}

impl Confirmed {
    /// What is to be kept of it, for the removal of the old one ([`Retire::confirmed`](crate::renewal::Retire::confirmed)).
    pub fn record(&self) -> &Confirmation {
        &self.record
    }

    /// The version of TLS: `TLS 1.2` or `TLS 1.3`.
    pub fn tls(&self) -> &str {
        self.record.tls()
    }

    /// The status line of the server's answer.
    pub fn http_status(&self) -> &str {
        self.record.http_status()
    }

    /// Where the server handed on to, in this order.
    pub fn redirections(&self) -> &[String] {
        &self.redirections
    }

    /// The names of the CAs that the server says it accepts; none where it does not say.
    pub fn accepted_issuers(&self) -> &[String] {
        &self.accepted
    }

    /// What the person should know, though it stopped nothing.
    pub fn notices(&self) -> &[Warning] {
        &self.notices
    }
}

impl Confirm {
    /// A login at this address, `https://host/path`.
    ///
    /// # Errors
    /// [`Code::LoginUrlUnusable`].
    pub fn at(url: &str) -> Result<Self> {
        let address = Address::read(url).ok_or_else(|| unusable(url))?;
        let (alone, further, known) = Default::default();
        let (proxy, after_login, bank) = Default::default();
        Ok(Confirm { address, proxy, alone, further, known, timeout: TIMEOUT, after_login, bank })
    }

    /// A login where the bank's customers log in ([`Bank::login_url`]).
    ///
    /// # Errors
    /// [`Code::LoginUrlUnusable`] where the profile names no address.
    pub fn at_bank(bank: &Bank) -> Result<Self> {
        let Some(url) = &bank.login_url else {
            return Err(unusable("").fact(Fact::Bank, &bank.id));
        };
        Confirm::at(url)?.for_bank(bank)
    }

    /// Goes through the bank's proxy, trusts the CAs of its servers, and shows the server the bank's CAs above the
    /// certificate where they are known. At the bank's own address it has to end at the page that the profile names.
    ///
    /// # Errors
    /// [`Code::LoginUrlUnusable`] for a proxy that is not spoken to over plain HTTP.
    pub fn for_bank(mut self, bank: &Bank) -> Result<Self> {
        let own = bank.login_url.as_deref().and_then(Address::read);
        self.bank = None;
        if let Some(own) = own.filter(|own| own.is_same(&self.address)) {
            self.address = own;
            self.bank = Some(Box::new(bank.clone()));
            if let Some(page) = &bank.after_login {
                self.after_login = Some(Address::read(page).ok_or_else(|| unusable(page))?);
            }
        }
        self.alone.clone_from(&bank.login_anchors);
        self.further.clone_from(&bank.anchors);
        self.known.clone_from(&bank.anchors);
        match bank.login_proxy() {
            Some(proxy) => self.proxy(proxy),
            None => Ok(self),
        }
    }

    /// Goes through this proxy, `http://host:port` (RFC 9110 §9.3.6). Nothing of the environment is examined.
    ///
    /// # Errors
    /// [`Code::LoginUrlUnusable`].
    pub fn proxy(mut self, url: &str) -> Result<Self> {
        self.proxy = Some(Proxy::read(url).ok_or_else(|| unusable(url).fact(Fact::Expected, "proxy_url"))?);
        Ok(self)
    }

    /// The server's certificate must lead to one of these CAs, and the system's count no more. Where they are not the ones
    /// of a bank, what comes of it is no record of the bank's: others have vouched for the server.
    #[must_use]
    pub fn server_anchors(mut self, anchors: Vec<Certificate>) -> Self {
        if anchors != self.alone {
            self.bank = None;
        }
        self.alone = anchors;
        self
    }

    /// Certificates of CAs among which those above the certificate may be: they are shown to the server with it.
    #[must_use]
    pub fn issuers(mut self, known: &[Certificate]) -> Self {
        self.known.extend_from_slice(known);
        self
    }

    /// The page, on the same server, to which it leads whom it lets in. With a query it must be that one, without one it is
    /// any. Where it is not the one of a bank, what comes of it is no record of the bank's.
    ///
    /// # Errors
    /// [`Code::LoginUrlUnusable`].
    pub fn after_login(mut self, url: &str) -> Result<Self> {
        let page =
            Address::read(url).filter(|page| page.is_at(&self.address)).ok_or_else(|| unusable(url))?;
        if !self.after_login.as_ref().is_some_and(|known| known.is_same(&page)) {
            self.bank = None;
        }
        self.after_login = Some(page);
        Ok(self)
    }

    /// How long it may take; a minute where this is not said.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The address, as it is asked for.
    pub fn url(&self) -> String {
        self.address.to_string()
    }

    /// Logs in with the key of this credential. Nothing is written to the token.
    ///
    /// # Errors
    /// Of the family of logins ([`Family::Login`](crate::error::Family::Login)): [`Code::LoginRefused`] when the server does
    /// not accept the certificate, and why else nothing is confirmed; [`Code::AnchorUnusable`] when no CA is trusted for
    /// servers; [`Code::Cancelled`]; and what the token returns when it signs.
    pub fn run(&self, session: &Session, credential: &Credential, run: &Run<'_>) -> Result<Confirmed> {
        run.enter(Step::Confirm)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = trust::verifier(&self.alone, &self.further, &provider)?;
        let schemes = schemes(session, credential)?;
        session.drop_pin_unless_wanted_by(credential.private_key()?);
        let now = Instant::now();
        let deadline = now.checked_add(self.timeout).unwrap_or_else(|| now + TIMEOUT);
        let stop = Arc::new(AtomicBool::new(false));
        let limit = Limit { deadline, stop: Arc::clone(&stop) };
        let client = Client { verifier, provider, proxy: self.proxy.clone(), limit };

        let (post, inbox) = mpsc::channel();
        let sign = remote(post.clone());
        let key = TlsKey::new(schemes, Arc::new(sign));
        let identity = Arc::new(CertifiedKey::new(chain(credential, &self.known), Arc::new(key)));
        let (start, last) = (self.address.clone(), self.after_login.clone());
        // What waits for the network waits there; this thread alone speaks with the token, and can be stopped.
        let work = move || {
            let visit = |identity| Visit::make(&client, &start, last.as_ref(), identity);
            let with = visit(Some(&identity));
            let without = is_welcome(&with).then(|| visit(None));
            let _ = post.send(Post::Done(Box::new((with, without))));
        };
        let spawned = thread::Builder::new().name("usbtoken-confirm".to_owned()).spawn(work);
        spawned.map_err(|error| Error::out_of_threads(Step::Confirm, error))?;
        let ended = serve(&inbox, session, credential, run, deadline);
        stop.store(true, Ordering::Relaxed);
        let told = ended.and_then(|(visits, refused)| self.judge(*visits, refused, session, credential, run));
        told.map_err(|error| self.named(error, session, credential, run))
    }

    fn named(&self, error: Error, session: &Session, credential: &Credential, run: &Run<'_>) -> Error {
        let error = about(error.during(Step::Confirm), credential).fact(Fact::Url, &self.address);
        let olds = old_ones(session, credential);
        let error = olds.iter().fold(error, |error, old| error.fact(Fact::StillThere, described(old)));
        match error.code() {
            Code::LoginRefused => self
                .works_from(credential, &olds, run)
                .iter()
                .fold(error, |error, day| error.fact(Fact::WorksFrom, day)),
            Code::LoginTimeout => error.fact(Fact::Seconds, self.timeout.as_secs()),
            _ => error,
        }
    }

    /// The day before which the bank takes no new certificate, where it says so and that has not come yet.
    fn works_from(&self, new: &Credential, olds: &[Credential], run: &Run<'_>) -> Option<Date> {
        let policy = self.bank.as_ref()?.policy();
        let old_ends = olds.iter().map(|old| old.certificate().not_after()).max();
        let installed = run.installed_on(new.certificate());
        let issued = installed.into_iter().fold(new.not_issued_before(), Date::max);
        policy.not_in_use_before(issued, old_ends, SystemTime::now())
    }

    /// What the visits mean.
    fn judge(
        &self,
        (with, without): Visits,
        refused: Option<Error>,
        session: &Session,
        credential: &Credential,
        run: &Run<'_>,
    ) -> Result<Confirmed> {
        let status = verdict(&with, refused).map_err(|error| {
            accepted(&with).iter().fold(error, |error, name| error.fact(Fact::Accepted, name))
        })?;
        if let Some(without) = &without {
            self.check_demanded(&with, without)?;
        }
        self.check_where_it_ended(&with)?;
        let tls = if with.version == Some(ProtocolVersion::TLSv1_3) { "TLS 1.3" } else { "TLS 1.2" };
        let certificate = credential.certificate();
        let token = session.token().identity();
        let record = Confirmation::new(token, certificate, &self.url(), run.now(), (tls, &status));
        let record = match &self.bank {
            Some(bank) => record.by_bank(bank),
            None => record,
        };
        let mut notices = Vec::new();
        if with.only_tls12 {
            notices.push(Notice::LoginByTls12.into());
        }
        let accepted = accepted(&with);
        if names_others(&with, &chain_issuers(credential, &self.known)) {
            let warning = Warning::from(Notice::IssuerNotNamed).fact(Fact::Expected, certificate.issuer());
            notices.push(accepted.iter().fold(warning, |warning, name| warning.fact(Fact::Accepted, name)));
        }
        Ok(Confirmed { record, redirections: with.redirections, accepted, notices })
    }

    /// Whether the server tells those with the certificate from those without: it has to say that they may not come in, or to
    /// lead them to another page. An answer that has another reason, or none at all, shows nothing.
    fn check_demanded(&self, with: &Visit, without: &Visit) -> Result<()> {
        let head = match &without.answer {
            Ok(head) => head,
            Err(trouble) if trouble.wants_certificate() => return Ok(()),
            Err(trouble) => return Err(without.told(trouble)),
        };
        let told = |code| Err(Error::new(code).fact(Fact::HttpStatus, &head.line));
        let is_same = match &self.after_login {
            Some(page) => page.names(&without.at),
            None => without.at.is_same_page(&with.at),
        };
        match head.status {
            _ if let Some(elsewhere) = &without.elsewhere => match elsewhere.is_other_server {
                true => Ok(()),
                // What is no address, or may be this very server, shows nothing.
                false => {
                    told(Code::LoginUnexpected).map_err(|error| error.fact(Fact::Found, &elsewhere.location))
                }
            },
            // Where those with the certificate have been led on from this very page, it may still be what they are shown first.
            200..=299 if is_same || without.redirections.is_empty() => told(Code::LoginNotDemanded),
            200..=299 => Ok(()),
            status if is_refusal(status) => Ok(()),
            _ => told(Code::LoginUnexpected),
        }
    }

    /// Whoever is not let in may be led to a page, too, and that says 200. So the one after the login is known by its
    /// address: it is the one that was asked for, or the one that was named.
    fn check_where_it_ended(&self, with: &Visit) -> Result<()> {
        let is_there = match &self.after_login {
            Some(page) => page.names(&with.at),
            None => with.redirections.is_empty(),
        };
        if is_there {
            return Ok(());
        }
        let expected = self.after_login.as_ref().unwrap_or(&self.address);
        Err(Error::new(Code::LoginLedOn).fact(Fact::Expected, expected).fact(Fact::Found, &with.at))
    }
}

/// Those on the token whose place this one takes; none where that cannot be read.
fn old_ones(session: &Session, new: &Credential) -> Vec<Credential> {
    session.credentials().map(|all| all.replaced_by(new.certificate())).unwrap_or_default()
}

fn described(one: &Credential) -> String {
    format!("{} (serial {})", one.subject(), one.certificate().serial())
}

/// With the certificate, and without where that worked.
type Visits = (Visit, Option<Visit>);

/// What the thread at the network sends to the one at the token.
enum Post {
    Sign {
        algorithm: SignatureAlgorithm,
        message: Vec<u8>,
        reply: SyncSender<std::result::Result<Vec<u8>, Code>>,
    },
    Done(Box<Visits>),
}

/// A signer that asks the other thread.
fn remote(post: Sender<Post>) -> impl Fn(SignatureAlgorithm, &[u8]) -> Result<Vec<u8>> + Send + Sync {
    let post = Mutex::new(post);
    move |algorithm, message| {
        let (reply, signed) = mpsc::sync_channel(1);
        let sent =
            crate::driver::lock(&post).send(Post::Sign { algorithm, message: message.to_vec(), reply });
        let signed = sent.ok().and_then(|()| signed.recv().ok());
        // Where nobody answers, nobody waits for this any more.
        signed.unwrap_or(Err(Code::Cancelled)).map_err(Error::new)
    }
}

/// Signs what the other thread wants signed until it is done, the caller stops, or the time is over. Returns what the token
/// refused last, too.
fn serve(
    inbox: &Receiver<Post>,
    session: &Session,
    credential: &Credential,
    run: &Run<'_>,
    deadline: Instant,
) -> Result<(Box<Visits>, Option<Error>)> {
    let mut refused = None;
    loop {
        match inbox.recv_timeout(POLL) {
            Ok(Post::Done(visits)) => return Ok((visits, refused)),
            Ok(Post::Sign { algorithm, message, reply }) => {
                let signed = session.sign_for_tls(credential, algorithm, &message);
                let answer = signed.as_ref().map(Clone::clone).map_err(Error::code);
                refused = signed.err();
                let _ = reply.send(answer);
            }
            Err(RecvTimeoutError::Timeout) if run.is_cancelled() => {
                return Err(Error::new(Code::Cancelled).during(Step::Confirm));
            }
            Err(RecvTimeoutError::Timeout) if Instant::now() < deadline + GRACE => {}
            Err(RecvTimeoutError::Timeout) => return Err(Error::new(Code::LoginTimeout)),
            Err(RecvTimeoutError::Disconnected) => {
                return Err(Error::new(Code::Internal).during(Step::Confirm));
            }
        }
    }
}

/// Whether a visit went well, but for what one without a certificate shows.
fn is_welcome(visit: &Visit) -> bool {
    verdict(visit, None).is_ok()
}

/// The status line of a visit that went well.
fn verdict(visit: &Visit, refused: Option<Error>) -> Result<String> {
    let unsigned = visit.asked.as_ref().filter(|asked| !asked.shown);
    let head = match (&visit.answer, unsigned) {
        (_, Some(asked)) => {
            let error = Error::new(Code::LoginSignatureUnsupported);
            let offered = asked.schemes.iter().map(|scheme| format!("{scheme:?}"));
            return Err(offered.fold(error, |error, scheme| error.fact(Fact::Algorithm, scheme)));
        }
        (Err(trouble), None) => {
            return Err(match (trouble.of_token(), refused) {
                (Some(_), Some(refused)) => refused,
                _ => visit.told(trouble),
            });
        }
        (Ok(head), None) => head,
    };
    let told = |code| Err(Error::new(code).fact(Fact::HttpStatus, &head.line));
    match head.status {
        _ if let Some(to) = &visit.elsewhere => {
            told(Code::LoginRedirected).map_err(|error| error.fact(Fact::Found, &to.location))
        }
        // Whoever does not offer to be asked after the handshake (RFC 8446 §4.2.6) is refused.
        403 if visit.asked.is_none() => told(Code::LoginAskedLater),
        _ if visit.asked.is_none() => told(Code::LoginNotAsked),
        200..=299 => Ok(head.line.clone()),
        status if is_refusal(status) => told(Code::LoginRefused),
        _ => told(Code::LoginUnexpected),
    }
}

/// The answers that refuse somebody; 495 and 496 are nginx's own, for a wrong and for no certificate.
const fn is_refusal(status: u16) -> bool {
    matches!(status, 400 | 401 | 403 | 495 | 496)
}

/// The names of the CAs that the server accepts, as far as they are told.
fn accepted(visit: &Visit) -> Vec<String> {
    let issuers = visit.asked.iter().flat_map(|asked| &asked.issuers).take(NAMED);
    issuers.filter_map(|der| Name::from_der(der).ok()).map(|name| name.to_string()).collect()
}

/// The issuers of the certificate and of those above it that are shown.
fn chain_issuers(credential: &Credential, known: &[Certificate]) -> Vec<Vec<u8>> {
    let shown = chain(credential, known);
    let issuer = |der: &[u8]| Certificate::from_der(der).ok().map(|one| one.issuer().der().to_vec());
    shown.iter().filter_map(|der| issuer(der)).collect()
}

/// Whether the server names CAs and none of these.
fn names_others(visit: &Visit, issuers: &[Vec<u8>]) -> bool {
    let named = visit.asked.as_ref().map(|asked| asked.issuers.as_slice()).unwrap_or_default();
    !named.is_empty() && !named.iter().any(|name| issuers.contains(name))
}

fn unusable(url: &str) -> Error {
    let error = Error::new(Code::LoginUrlUnusable).during(Step::Confirm);
    if url.is_empty() { error } else { error.fact(Fact::Url, url) }
}
