//! What a program has kept of its renewals, held against what a token shows.

use super::run::Run;
use crate::contents::Credentials;

impl Credentials {
    /// The same list, in which those are said to be renewed as well of which the token says nothing and this program's own records do
    /// ([`Run::installations_in`], [`Run::installations`], [`Run::replaced`]): another one took the place of what had taken theirs, and what was
    /// between them has gone, as with another program's copy of a certificate that was renewed twice. It is for showing;
    /// [`Renewal::begin`](crate::Renewal::begin) goes by the same records once the key of what follows has signed.
    #[must_use]
    pub fn known_to(self, run: &Run<'_>) -> Self {
        if self.is_empty() {
            return self;
        }
        self.said_renewed(&run.all_replaced())
    }
}
