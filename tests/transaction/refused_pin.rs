//! What a refused PIN means: the token is asked for its state once more, and what it stated before says nothing of it.

#[path = "../common/mod.rs"]
mod common;

use common::Bank;
use usbtoken::Code;

/// Refuses the login, and lies from the first reading of the token after it.
fn refused(bank: &Bank, answer: &str, lie: &str) -> serde_json::Value {
    bank.run_with_faults("C_Login:exit", &["pending"]);
    let called = bank.called();
    let looks = called.iter().filter(|function| *function == "C_GetTokenInfo").count();
    let lie = if lie.is_empty() {
        String::new()
    } else {
        format!("; C_GetTokenInfo#{}:lie={lie},sticky", looks + 1)
    };
    // The first run has left its PIN without an answer.
    let said = bank.run_with_faults(&format!("C_Login:ckr={answer}{lie}"), &["pending", "--pin-corrected"]);
    assert_ne!(said.exit, 0, "{said:?}");
    serde_json::from_str(&said.stderr[said.stderr.find('{').unwrap()..]).unwrap()
}

#[test]
fn after_a_refused_pin_the_token_says_how_it_stands() {
    for (answer, lie, code) in [
        ("CKR_PIN_INCORRECT", "", Code::PinIncorrect),
        ("CKR_PIN_INCORRECT", "final-try", Code::PinIncorrectFinalTry),
        ("CKR_PIN_INCORRECT", "locked", Code::PinLocked),
        ("CKR_GENERAL_ERROR", "", Code::PinUncertain),
        ("CKR_GENERAL_ERROR", "final-try", Code::PinIncorrectFinalTry),
        ("CKR_GENERAL_ERROR", "locked", Code::PinLocked),
    ] {
        let bank = Bank::new();
        let error = refused(&bank, answer, lie);
        assert_eq!(error["error"]["name"], code.name(), "{answer} {lie}: {error:#}");
        bank.soft.snapshot().assert_same_as(&bank.before);
    }
}
