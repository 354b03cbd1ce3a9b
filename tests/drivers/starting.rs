//! Drivers that do not start as others do: the arguments of C_Initialize, and the thread that called it.

use usbtoken_testkit::{Kind, days_from_now};

use crate::common::Bank;

/// Whatever a driver answers to arguments that it does not take, it is asked more gently.
#[test]
fn a_driver_that_refuses_the_arguments_is_started_without() {
    let bank = Bank::alone(Kind::P256, days_from_now(11));
    let answers = ["0x2", "0x5", "0x6", "0x7", "0x8", "0x9", "0xa", "0x30", "0x54", "0x80000001"];
    let refused = answers.iter().map(|answer| format!("without-arguments={answer}"));
    let plain = ["0x9", "0x30"].iter().map(|answer| format!("plain-arguments={answer}"));
    // It has started all the same.
    let started = ["answers-start=0x30".to_owned()];
    for ways in refused.chain(plain).chain(started) {
        let listed = bank.odd(&ways, &["list"]);
        assert_eq!(listed.exit, 0, "{ways}: {listed:?}");
        assert_eq!(listed.json().as_array().unwrap().len(), 1);
    }
    bank.renew_oddly("without-arguments=0x9", &[]).json();
    bank.assert_one_new_credential();
}

/// In the process of the program there are more threads than one; a driver that knows the first of them alone is told of the
/// others, whatever it answers them.
#[test]
fn a_driver_that_knows_one_thread_is_told_of_another() {
    for answer in ["0x5", "0x6", "0x30", "0xb3", "0x190"] {
        let bank = Bank::alone(Kind::P256, days_from_now(11));
        let ways = format!("one-thread={answer}");
        assert_eq!(bank.odd(&ways, &["list"]).json().as_array().unwrap().len(), 1, "{ways}");
        let said = bank.renew_oddly(&ways, &[]);
        assert_eq!(said.exit, 0, "{ways}: {said:?}");
        bank.assert_one_new_credential();
        assert_eq!(bank.noted("pair"), 1, "{ways}");
    }
}
