//! What drivers cost that refuse, or show more than there is: calls that a token has to answer (docs/calls.md).

use usbtoken_testkit::{Kind, days_from_now};

use crate::common::Bank;

/// Searches, reads and certificates written by one renewal. Each search is four calls.
#[test]
fn what_is_refused_or_shown_beside_costs_little() {
    for (ways, costs) in [
        ("", [2, 7, 1]),
        // Nothing is read for it: what came is a pair that is no certificate, and the certificate that was written.
        ("category-refused", [3, 7, 3]),
        // Two of them, and one search for what is stored.
        ("mechanism-objects=100", [3, 9, 1]),
        // Where that does not even find what is known to be there, or finds nothing else, one for each class.
        ("mechanism-objects=100,stored-unsearchable=1", [6, 9, 1]),
        ("mechanism-objects=100,stored-unsearchable=2", [6, 9, 1]),
    ] {
        let bank = Bank::alone(Kind::P256, days_from_now(11));
        bank.renew_oddly(ways, &[]).json();
        assert_eq!(["search", "read", "write"].map(|what| bank.noted(what)), costs, "{ways}");
        bank.assert_one_new_credential();
    }
}
