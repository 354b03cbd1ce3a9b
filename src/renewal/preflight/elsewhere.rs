//! What is asked of a renewal whose old certificate is not on the token.

use super::{PointResult, PreflightPoint};
use crate::bank::RequestForm;
use crate::contents::{Credentials, Identified as _};
use crate::error::{Code, Error, Point, Step};
use crate::places::OldCertificate;
use crate::renewal::renewal::Renewal;
use crate::renewal::run::Run;

/// How many credentials on the token have the subject of a certificate that is elsewhere.
pub(super) fn with_subject_of(credentials: &Credentials, old: &OldCertificate) -> usize {
    credentials.iter().filter(|one| one.subject().der() == old.subject().der()).count()
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
