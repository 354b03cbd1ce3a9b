//! What is told of a driver that ended: what it was in, once, and nothing that did not happen.

use usbtoken::Code;

use crate::bank;

/// A driver that ends before C_Login has had no PIN.
#[test]
fn a_pin_that_was_not_sent_has_not_counted() {
    for function in ["C_GetMechanismList", "C_GetMechanismInfo"] {
        for (way, code) in [("crash", Code::DriverCrashed), ("hang", Code::DriverTimeout)] {
            let bank = bank();
            let issuer = bank.issuer("");
            let renew = ["renew", "--driver-limit", "1", "--issuer", &issuer];
            let error = bank.run_hosted(&format!("{way}:{function}:1"), &renew).failed(code);
            assert_eq!(error["facts"]["function"][0], function, "{error:#}");
            assert!(!error.to_string().contains("pin_may_have_counted"), "{error:#}");
            assert!(!error.to_string().contains("--pin-corrected"), "{error:#}");
            assert!(bank.noted().iter().all(|(name, _)| name != "C_Login"), "{way} {function}");
            bank.soft.snapshot().assert_same_as(&bank.before);
            let said = bank.run_hosted("", &renew);
            assert_eq!(said.exit, 0, "{way} {function}: {said:?}");
            bank.assert_one_new_credential();
        }
    }
}
