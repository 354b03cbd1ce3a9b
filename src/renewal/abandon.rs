//! Abandoning an unfinished job: exactly its pair goes, nothing else.

use super::installation::BegunAbandonment;
use super::run::Run;
use crate::contents::{Contents, Credentials, Meant, PendingKey};
use crate::driver::{Session, doubt};
use crate::error::{Code, Result, Step};
use crate::pki::PublicKey;

impl Session {
    /// As [`Session::pending`], with what the caller knows by its own records ([`Run::requests`], [`Run::installations_in`]): a job waits
    /// too for whose key somebody else has written a certificate, under our label, though the request was made here and no answer was
    /// installed.
    ///
    /// # Errors
    /// What reading the token returns.
    pub fn pending_known(&self, run: &Run<'_>) -> Result<Vec<PendingKey>> {
        let pending = Contents::read(self).and_then(|contents| contents.knowing(run.known()).pending(self));
        let mut pending = self.explained(pending)?;
        pending.retain(|key| key.is_named_by(self.token().found_by()));
        Ok(pending)
    }

    /// The same, wherever the URI names an object, and the credentials beside them, from one reading of the token.
    ///
    /// # Errors
    /// What reading the token returns.
    pub fn pending_and_credentials(&self, run: &Run<'_>) -> Result<(Vec<PendingKey>, Credentials)> {
        let mut contents = Contents::read(self)?.knowing(run.known());
        let pending = self.explained(contents.pending(self))?;
        self.explained(contents.prove_successors(self))?;
        Ok((pending, contents.credentials()))
    }

    /// Removes a pending key with its public half, after the key has signed for none of the certificates on the token.
    ///
    /// The public key goes first, the private key last: it carries the record by which an interrupted removal is found
    /// again.
    ///
    /// # Errors
    /// [`Code::PendingOfOther`](crate::error::Code::PendingOfOther) when another caller began the job;
    /// [`Code::Busy`](crate::error::Code::Busy); [`Code::NotPending`](crate::error::Code::NotPending) when the token no
    /// longer holds it as a pending key; [`Code::RemovalDoubtful`](crate::error::Code::RemovalDoubtful) when it is not
    /// certain that the key is ours, it is another one than that of the request which was made on this computer
    /// ([`Run::installations_in`](crate::Run::installations_in)), or an object is not what it was; [`Code::DestroyFailed`](crate::error::Code::DestroyFailed) when
    /// the token kept something although it said that it was removed; and what the token returns.
    pub fn abandon(&self, pending: &PendingKey, run: &Run<'_>) -> Result<()> {
        self.take_away(pending, Meant::Listed, run)
    }

    /// As [`Session::abandon`], for a key that a person has named by its identifier: it goes although it is doubtful, or
    /// does not sign; then alone.
    ///
    /// # Errors
    /// As [`Session::abandon`].
    pub fn abandon_named(&self, pending: &PendingKey, run: &Run<'_>) -> Result<()> {
        self.take_away(pending, Meant::Named, run)
    }

    /// As [`Session::abandon`], for a job that nobody has chosen, such as the only one that waits: it goes only when its key
    /// signs for the public key of the request that the caller has made. What has our record, and no request that is known,
    /// may be the key of another program that gave it that record: it has to be named.
    ///
    /// # Errors
    /// As [`Session::abandon`].
    pub fn abandon_requested(
        &self,
        pending: &PendingKey,
        requested: Option<&PublicKey>,
        run: &Run<'_>,
    ) -> Result<()> {
        self.take_away(pending, Meant::Requested(requested), run)
    }

    /// As [`Session::abandon_named`], where a person has said that the private key is gone for good: what is left of the pair goes, though nothing
    /// signs for it, and what is kept of the request counts as ended. A key that a driver only does not show would lose its public half.
    ///
    /// # Errors
    /// As [`Session::abandon`]; [`Code::NotPending`](crate::error::Code::NotPending) where the private key shows.
    pub fn abandon_without_key(&self, pending: &PendingKey, run: &Run<'_>) -> Result<()> {
        self.take_away(pending, Meant::KeyGone(None), run)
    }

    /// Whether a removal that has begun here ([`Run::begun_abandonments`]) has come to its end: nothing is left of the key on this token, and
    /// the token would show it. Then it is kept no longer that it has begun, but for the command ([`Run::end_abandonment`]).
    ///
    /// # Errors
    /// [`Code::Busy`](crate::error::Code::Busy), and what the token returns.
    pub fn was_abandoned(&self, begun: &BegunAbandonment, run: &Run<'_>) -> Result<bool> {
        run.watching(|| {
            self.explained((|| {
                self.reserve()?;
                run.enter(Step::Abandon)?;
                let gone = self.shows_that_it_went(&mut Contents::read(self)?, begun)?;
                if gone {
                    run.abandonment_ended(self.token().identity(), begun);
                }
                Ok(gone)
            })())
        })
    }

    fn take_away(&self, pending: &PendingKey, meant: Meant<'_>, run: &Run<'_>) -> Result<()> {
        run.watching(|| self.explained(self.take_away_logged_in(pending, meant, run)))
    }

    fn take_away_logged_in(&self, pending: &PendingKey, meant: Meant<'_>, run: &Run<'_>) -> Result<()> {
        self.reserve()?;
        run.may_act_on(pending)?;
        run.enter(Step::Abandon)?;
        let token = self.token().identity();
        // Read again: the record decides, and it may have changed since the list was made.
        let mut contents = Contents::read(self)?.knowing(run.known());
        // What was listed before a removal that nobody saw to end.
        if let Some(begun) = run.begun_abandonment(token, pending)
            && self.shows_that_it_went(&mut contents, &begun)?
        {
            run.abandonment_ended(token, &begun);
            return Ok(());
        }
        if pending.private().is_some() && !contents.has_private_keys() {
            // This one did show. What could not be read may be it; else another program has ended the login, and the driver
            // does not say so.
            let code = if contents.was_read_whole() { Code::LoginLost } else { Code::PendingNotFound };
            return Err(pending.error(code).during(Step::Abandon));
        }
        // Another program may have given our record to a key of its own, and the job's own may have gone.
        let known = self.request_of(pending, run);
        let meant = match (meant, &known) {
            (Meant::KeyGone(_), Some(known)) => Meant::KeyGone(Some(&known.public_key)),
            (Meant::Listed, Some(known)) => Meant::Requested(Some(&known.public_key)),
            (Meant::Named, Some(known)) if known.id.as_deref() == Some(pending.id()) => {
                // Once that was seen to go, what does not sign is not it.
                let has_gone = run.begun_abandonment(token, pending).is_some_and(|begun| begun.is_ended());
                let public = &known.public_key;
                if has_gone { Meant::Requested(Some(public)) } else { Meant::NamedOf(public) }
            }
            (meant, _) => meant,
        };
        if pending.private().is_none() && !matches!(meant, Meant::KeyGone(_)) {
            self.make_sure_key_would_show(&contents, pending, run)?;
        }
        let removal = contents.abandonment(self, pending, meant)?;
        // Before the first object goes: when the last one has gone, nothing on the token says whose it was.
        let public_key = contents.public_key_of(pending);
        let begun = BegunAbandonment::of(pending, public_key, contents.has_several_private_keys());
        run.begin_abandonment(token, &begun);
        match pending.private() {
            Some(_) => self.remove(&removal)?,
            // Without a login its private key would not show either.
            None => self.remove_logged_in(&removal)?,
        }
        run.abandonment_ended(token, &begun);
        Ok(())
    }

    /// The request of this key's job, where this computer has made it: as the token was given it, or as it is kept.
    fn request_of(&self, pending: &PendingKey, run: &Run<'_>) -> Option<Requested> {
        let label = pending.record().label();
        let by_token = self.token().job_with(label);
        let by_token =
            by_token.map(|(id, public)| Requested { id: Some(id.to_vec()), public_key: public.clone() });
        by_token.or_else(|| {
            let public_key = run.requested(pending.record())?;
            let kept = run.kept_request(self.token().identity(), pending.record());
            Some(Requested { id: kept.map(|kept| kept.id().to_vec()), public_key })
        })
    }

    /// A public key is left alone where its private key has gone, and where a driver does not show that: then the pair waits. It is not
    /// known to have gone where no private key shows at all, or this computer keeps its request.
    fn make_sure_key_would_show(
        &self,
        contents: &Contents,
        pending: &PendingKey,
        run: &Run<'_>,
    ) -> Result<()> {
        let kept = run.kept_request(self.token().identity(), pending.record());
        let why = match contents.has_private_keys() {
            false => "no_private_key_shows",
            true if kept.is_some_and(|kept| !kept.is_ended()) => "request_kept_here",
            true => return Ok(()),
        };
        Err(doubt(Step::Abandon, pending.id(), why))
    }

    /// Whether nothing is left of it where private keys show: another one does, or none was there besides and the driver says that the
    /// user is logged in.
    pub(super) fn shows_that_it_went(
        &self,
        contents: &mut Contents,
        begun: &BegunAbandonment,
    ) -> Result<bool> {
        let shows = contents.has_private_keys() || !begun.beside_other_keys() && self.is_logged_in();
        Ok(shows && contents.has_nothing_of(self, begun.id(), begun.record(), begun.public_key())?)
    }
}

/// The request of a job, as far as this computer knows it.
struct Requested {
    /// The CKA_ID of its key.
    id: Option<Vec<u8>>,
    public_key: PublicKey,
}
