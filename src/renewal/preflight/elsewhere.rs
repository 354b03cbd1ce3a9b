//! What is asked of a renewal whose old certificate is not on the token.

use super::{PointResult, PreflightPoint};
use crate::bank::RequestForm;
use crate::contents::{Credentials, Identified as _, Successor};
use crate::error::{Code, Error, Fact, Point, Step};
use crate::places::OldCertificate;
use crate::renewal::renewal::Renewal;
use crate::renewal::run::Run;

/// How many credentials on the token have the subject of a certificate that is elsewhere.
pub(super) fn with_subject_of(credentials: &Credentials, old: &OldCertificate) -> usize {
    credentials.iter().filter(|one| one.subject().der() == old.subject().der()).count()
}

/// Whether what took its place has the name of another user whose credential is on the token: a CA mistook one for the other.
pub(super) fn is_for_another(
    credentials: &Credentials,
    old: &OldCertificate,
    by: &Successor,
    run: &Run<'_>,
) -> bool {
    let new = &by.certificate;
    let mut others = credentials.of_others_than(old.subject(), run.now());
    others.any(|other| other != new && other.subject().has_same_attributes(new.subject()))
}

pub(super) fn renewed_for_another(old: &OldCertificate, by: &Successor) -> Error {
    let error = old.identify(Error::new(Code::RenewedForAnother).during(Step::Preflight));
    error.fact(Fact::Candidate, by)
}

/// Who wants the old key has to have it: it is not on the token where its certificate is elsewhere.
pub(super) fn old_key(renewal: &Renewal, run: &Run<'_>) -> Option<PreflightPoint> {
    let old = renewal.old_elsewhere()?;
    let signs = renewal.request_form() == RequestForm::SignedByOldKey;
    if !(renewal.policy.reuses_key() || signs && run.signer_of_old().is_none()) {
        return None;
    }
    let error = old.identify(Error::new(Code::OldKeyElsewhere)).during(Step::Preflight);
    Some(PreflightPoint { point: Point::OldKey, state: PointResult::Blocker(error) })
}
