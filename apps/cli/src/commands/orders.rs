//! Orders for the keys of certificates that are in use: this computer alone knows of them.

use base16ct::lower::encode_string as hex;
use usbtoken::error::{Fact, Step};
use usbtoken::renewal::PendingKey;
use usbtoken::{Code, Credential, Error, Result, Session};

use super::select;
use crate::args::Hex;
use crate::journal::JournalEntry;
use crate::kept::Keeper;
use crate::run::Run;

/// One that waits for its certificate.
pub struct OrderInUse {
    pub kept: JournalEntry,
    /// The certificate that is to be renewed; its key is the one that the order is for.
    pub old: Credential,
}

/// Those of this token, as far as its URI names what is meant. The token is read again only where there is any.
///
/// # Errors
/// What the token returns.
pub fn in_use(keeper: &Keeper, session: &Session) -> Result<Vec<OrderInUse>> {
    let kept = keeper.orders_for_keys_in_use(session.token().identity());
    if kept.is_empty() {
        return Ok(Vec::new());
    }
    let credentials = match session.credentials() {
        Err(error) if error.code() == Code::CredentialNotFound => return Ok(Vec::new()),
        credentials => credentials?,
    };
    let waits = |kept: JournalEntry| {
        let is_its = |one: &&Credential| hex(one.id()) == kept.key_id && kept.is_for_key_of(one);
        let old = credentials.iter().filter(|one| one.successor().is_none()).find(is_its)?.clone();
        Some(OrderInUse { kept, old })
    };
    Ok(kept.into_iter().filter_map(waits).collect())
}

/// A job that waits.
pub enum Meant {
    Key(Box<PendingKey>),
    Order(Box<OrderInUse>),
}

/// The pending key or the order with that id; without an id the only one, of the keys the only one that is accepted.
///
/// # Errors
/// [`Code::PendingNotFound`]; [`Code::PendingAmbiguous`], which lists the candidates.
pub fn meant(
    run: &Run,
    keeper: &Keeper,
    session: &Session,
    id: Option<&Hex>,
    accept: impl Fn(&PendingKey) -> bool,
) -> Result<Meant> {
    let is_named = |key: &PendingKey| id.is_some() || select::names(session.token().found_by(), key.id());
    let key = match select::pending(run, session, id, accept) {
        Err(error) if error.code() != Code::PendingNotFound => return Err(error),
        // Nobody has named it, and it may be another program's.
        Ok(key) if !(is_named(&key) || select::may_be_offered(session, keeper, &key)) => {
            let error = Error::new(Code::PendingAmbiguous).during(Step::ReadObjects);
            let reason = key.doubt().unwrap_or("request_of_another_key");
            let candidate = select::candidate(&keeper.known(session, key));
            return Err(error.fact(Fact::Candidate, candidate).fact(Fact::Reason, reason));
        }
        key => key,
    };
    let mut orders = in_use(keeper, session)?;
    orders.retain(|order| id.is_none_or(|id| order.old.id() == id.0));
    match (key, orders.pop(), orders.is_empty()) {
        (Ok(key), None, _) => Ok(Meant::Key(Box::new(key))),
        (Err(_), Some(order), true) => Ok(Meant::Order(Box::new(order))),
        (Err(error), None, _) => session.explained(Err(error)),
        (key, Some(last), _) => {
            let error = Error::new(Code::PendingAmbiguous).during(Step::ReadObjects);
            let key = key.ok().map(|key| select::candidate(&key));
            let orders = orders.iter().chain([&last]).map(|order| {
                let serial = order.old.certificate().serial();
                format!("{} ({}, serial {serial})", order.kept.key_id, order.kept.since)
            });
            Err(key.into_iter().chain(orders).fold(error, |error, one| error.fact(Fact::Candidate, one)))
        }
    }
}
