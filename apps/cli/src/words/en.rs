//! The command's own words, in English.

use super::list::Words;

pub(super) fn words(words: &Words<'_>) -> String {
    let fixed = match *words {
        Words::Guess => " (characters guessed)",
        Words::Age(..=0) => "made today",
        Words::Age(1) => "made yesterday",
        Words::Age(days) => return format!("made {days} days ago"),
        Words::Token => "Token",
        Words::TokenSerial => "serial number",
        Words::Protection => "Private key",
        Words::Concerns => "For serial number",
        Words::Status => "State",
        Words::Since => "Begun",
        Words::FirstIssue => "first issue",
        Words::ProofProven => "cannot leave the token (proven)",
        Words::ProofClaimed => "cannot leave the token (as the driver claims)",
        Words::ProofRefused => "may be able to leave the token",
        Words::ProofUnknown => "unknown (log in to see)",
        Words::HalfWritten => "something was written in part; resume, install or abandon clears it",
        Words::AwaitingAnswer => "waits for the CA's answer",
        Words::NotConfirmed => "a certificate seems to be there, not confirmed: install the answer again",
        Words::OldCertificateGone => "renewal of a certificate that is not on the token",
        Words::RetireInterrupted => "the removal of an old certificate stopped in the middle",
        Words::PublicKeyOnly => "only a public key is left; it can be abandoned",
        Words::UnreadableCertificate => "A certificate that cannot be read",
        Words::Label => "Label",
        Words::Size => "Size in bytes",
        Words::UnreadableExtensions => "Extensions that cannot be read",
        Words::OnThisComputer => "Certificates on this computer, not on a token",
        Words::RenewableOnto => "can be renewed onto a USB token",
        Words::RenewedOnto(by) => return format!("seems to be renewed onto a USB token: {by}"),
        Words::WaitsOnto(tokens) => {
            return format!("its renewal onto a USB token waits for the CA: {tokens}");
        }
        Words::HintNth => {
            "The numbers are those of \"usbtoken list --everywhere\" without --also; with --token a number counts only where \"usbtoken list\" with the same --token gives it to the same certificate. \"limit\" is the last one. Or name the certificate with --serial or --from."
        }
        Words::FilePassword(file) => return format!("Password of the file {file}: "),
        Words::HintWithoutFrom => "Run the command again without --from.",
        Words::HintFrom => {
            "Name the old certificate's place with --from file:FILE; of several, choose one with --serial."
        }
        Words::HintFromPassword => {
            "Answer when you are asked for it, or name a file with it in its first line with --from-password."
        }
        Words::KeyInUse(kind) => return format!("{kind}, in use and used again"),
        Words::NewKey(kind) => return format!("New key: {kind}"),
        Words::NumberNotHere => {
            "not known on this computer, which keeps nothing of this request; \"usbtoken pending --reference NUMBER\" notes it"
        }
        Words::NoPending => "There is no pending key.",
        Words::Reminder => "Reminder",
        Words::RemindsFrom(date) => return format!("from {date} on"),
        Words::ReminderDue { days, next } => {
            return format!("{}: renew soon (next reminder: {next})", days_left(days));
        }
        Words::ReminderLast(0) => "it expires today: renew at once (last reminder)",
        Words::ReminderLast(days) => {
            return format!("{}: renew at once (last reminder)", days_left(days));
        }
        Words::PinPrompt(token) => return format!("PIN of {token}: "),
        Words::PinMarkUnusable(place) => {
            return format!(
                "Warning: the place that keeps a wrong PIN in mind cannot be used ({place}). Programs do not log in until it is put right."
            );
        }
        Words::ChangeInterrupted => {
            "A change of the PIN was interrupted: the NEW PIN may hold. Enter the new one first, and if it is wrong, the old one. Try no others."
        }
        Words::HintPinPlace => {
            "Make the place that is named one of this user alone (folder 0700, file 0600), with free space, or log in at a terminal. It is below the home of this user; who has none needs a folder in XDG_STATE_HOME."
        }
        Words::OrderForgotten => "The order is forgotten on this computer. Nothing on the token was changed.",
        Words::PinPad(token) => {
            return format!("Enter the PIN of {token} on the keys of the token or its reader.");
        }
        Words::LoginIdPrompt => "Login ID: ",
        Words::PasswordPrompt => "Password: ",
        Words::ConfirmSignAgain => {
            "The request that was made first is not on this computer, and one that is signed anew differs: the CA may take it for a second order. To go on all the same, type yes: "
        }
        Words::KeysIgnored => {
            "(Arrows, a keypad without NumLock and the like enter nothing. What was typed before is kept; Ctrl-U clears it.)"
        }
        Words::TypedAnew => "(What was typed before the stop is gone. Start from the first character.)",
        Words::ConfirmFullWidth => {
            "The PIN has full-width characters. Press Enter to type it again with the input method off. To send it as it is, type yes: "
        }
        Words::ConfirmBlank => {
            "The PIN begins or ends with a blank. Press Enter to type it again. To send it as it is, type yes: "
        }
        Words::ChangeBegins(token) => {
            return format!(
                "The PIN of {token} is changed. A wrong present PIN may cost a try. Esc leaves everything as it is."
            );
        }
        Words::OldPinPrompt(token) => return format!("Present PIN of {token}: "),
        Words::NewPinPrompt(token) => return format!("New PIN of {token}: "),
        Words::NewPinAgain => "New PIN once more: ",
        Words::NewPinsDiffer => "They differ. Nothing was changed yet; type the new PIN again.",
        Words::NewPinIsOld => "That is the present PIN. Type another one.",
        Words::ChangeAtPad(token) => {
            return format!(
                "The PIN of {token} is changed: enter the present PIN and the new one on the keys of the token or its reader. A wrong present PIN may cost a try."
            );
        }
        Words::Stopping => {
            "Stopping. The token's driver is still in a call and is ended if it does not return within two seconds, or ten where the call may write to the token; Ctrl-C again ends this program at once."
        }
        Words::StoppingChange => {
            "Stopping. The token's driver is still changing the PIN and is ended if it does not return within ten seconds; Ctrl-C again ends this program at once. If it is ended now, either PIN may hold: log in once with the new one (\"usbtoken pending\", for example), and if it is wrong, with the old one."
        }
        Words::PinChanged => {
            "The PIN was changed. Use the new one from now on, also in files and settings that hold it."
        }
        Words::ConfirmChange => "To change the PIN now, type yes: ",
        Words::HintPinChange => "\"usbtoken pin change\" changes the PIN.",
        Words::HintPinHolds => {
            "To find out which, log in once with the new PIN (\"usbtoken pending\", for example); if it is wrong, the old one is next. A login with the right PIN ends the count of wrong ones. Without a terminal add --pin-corrected to each of the two."
        }
        Words::ConfirmFinalTry => "To enter it all the same, type yes: ",
        Words::ConfirmStatedLocked => {
            "The token states that its PIN is locked. To have the PIN sent all the same, type yes: "
        }
        Words::ConfirmPinLength { shortest, longest, length } => {
            return format!(
                "The token states that PINs have {shortest} to {longest} characters; this one has {length}. To send it, type yes: "
            );
        }
        Words::ConfirmResume => "A renewal of this certificate is pending. To go on with it, type yes: ",
        Words::ConfirmSharedId => {
            "With the old key the new certificate is stored under the old one's id. A token that holds one certificate for a key overwrites the old one. To go on, type yes: "
        }
        Words::ConfirmNewName { old, new } => {
            return format!(
                "The new certificate is in another name:\n  old: {old}\n  new: {new}\nIf it is the same user's and the old one is to be removed, type yes: "
            );
        }
        Words::ConfirmRemoval => "This cannot be undone. To remove it, type yes: ",
        Words::Installed => "The certificate was issued and installed.",
        Words::RestartBrowsers => "To make it effective, close every browser window once.",
        Words::RequestWritten(file) => return format!("The request was written to {file}."),
        Words::SendRequest => "Send it to the CA, then install the answer with \"usbtoken install FILE\".",
        Words::Confirmed => "The bank's server accepted a login with this certificate.",
        Words::HowToConfirm(line) => {
            return format!("To see whether the bank's server takes the new certificate: {line}");
        }
        Words::ChooseInBrowser { serial, ends } => {
            return format!(
                "In the browser's window choose the one whose serial number ends in {serial} and which expires on {ends}."
            );
        }
        Words::OldInBrowser { serial, ends } => {
            return format!("The one that ends in {serial} and expires on {ends} is the old one.");
        }
        Words::CopiesElsewhere if cfg!(windows) => {
            "If the new one is not offered there, close every browser and plug the token in again. If only the old one is, it is the copy in Windows' store: certmgr.msc, Personal. The token stays as it is."
        }
        Words::CopiesElsewhere => {
            "If the new one is not offered there, close every browser and plug the token in again."
        }
        Words::KeptByBank => {
            "The old certificate stays on the token, as the bank says; there is no need to remove it."
        }
        Words::MayRetire(line) => return format!("To remove the old one: {line}"),
        Words::Retired => "The old certificate was removed.",
        Words::RetiredBefore => "The old certificate was removed before. This one has taken its place:",
        Words::AlreadyRenewed { follower, from } => {
            return format!(
                "This certificate is renewed already, by {follower}. Nothing was written. The next renewal is possible from {from} on."
            );
        }
        Words::Abandoned => "The pending key was removed.",
        Words::Doubt => "Doubtful",
        Words::WhatToDo => "What to do",
        Words::DoubtfulOurs(id) => {
            return format!(
                "This computer made its request for this key: go on with it (\"usbtoken resume --id {id}\"), or remove it (\"usbtoken abandon --id {id}\")."
            );
        }
        Words::DoubtfulOthers => {
            "Leave it to the program that it belongs to; nothing goes on with it unasked. A renewal makes a key of its own."
        }
        Words::DoubtfulUnknown(id) => {
            return format!(
                "Make sure whose it is, for example on the computer that made the request. Only \"usbtoken abandon --id {id}\" removes it."
            );
        }
        Words::DoubtfulUnread(id) => {
            return format!(
                "It may have its certificate, which another driver may show (\"usbtoken list --module FILE\"). Only \"usbtoken abandon --id {id}\" removes it."
            );
        }
        Words::AbandonedBefore => "The pending key was removed before; nothing of it is on the token.",
        Words::ProfileFine(value) => return format!("This profile is in order: {}", value),
        Words::NoProfiles(value) => return format!("There is no bank's profile in {}", value),
        Words::ProfileBank => "Bank",
        Words::ProfileAnchor => "Trust anchor",
        Words::ProfileOpens => "Renewable from so many days before the end",
        Words::ProfileOverrides => "Options may override",
        Words::ProfileContact => "Contact",
        Words::Fine => "ok",
        Words::CanRenew => "The renewal can work.",
        Words::CannotRenew => "The renewal cannot work like this.",
        Words::NotKnownWithoutPin => "Whether another certificate can be renewed shows with the PIN.",
        Words::MayBeFinished => {
            "A renewal of it was begun before. `usbtoken renew` looks after the login how far that came: it writes nothing where it is finished, and goes on with what waits with --resume, or where it can be no second order."
        }
        Words::SeemsRenewed => {
            "It seems to be renewed already. \"usbtoken renew\" makes sure after the login, and writes nothing if it is."
        }
        Words::HowToFinish => "usbtoken resume, or usbtoken install FILE",
        Words::HintModule => "Name the driver with --module and its absolute path.",
        Words::HintToken => "Name the token, for example with --token 'pkcs11:serial=…'.",
        Words::HintCredential => {
            "List the certificates with \"usbtoken list\" and name one with --id or --serial, with both, or with the fingerprint that --json shows (--serial sha256:…). Some tokens show them only after the login (--pin-file, --pin-env)."
        }
        Words::HintCredentialOrFrom => {
            "List the certificates with \"usbtoken list\" and name one with --id or --serial, with both, or with the fingerprint that --json shows (--serial sha256:…). Some tokens show them only after the login (--pin-file, --pin-env). Where the old certificate is in a file and not on the token, renew, request, resume and install take --from file:FILE."
        }
        Words::HintPending => {
            "See \"usbtoken pending\"; \"usbtoken resume\" goes on with it, \"usbtoken abandon --id ID\" removes it."
        }
        Words::HintKeyGone => {
            "Only if the key is gone for good: \"usbtoken abandon --id ID --key-gone\" gives up its job. A new certificate is then a new order."
        }
        Words::HintSuccessorDue => {
            "\"usbtoken renew\" with --token for its token, without --from, and with --serial where there are several, renews it."
        }
        Words::HintAgain => "A certificate on a token is renewed all the same with --although-renewed.",
        Words::HintForce => "To renew before the period begins, add --force.",
        Words::HintBegun => {
            "If a request was made in time, \"usbtoken resume\" or \"usbtoken install FILE\" finishes it."
        }
        Words::HintAnchor => "Run \"usbtoken retire\" with the CA's certificate: --trust-anchor FILE.",
        Words::HintAfterLogin => "--after-login URL names the page after the login.",
        Words::HintConfirm => {
            "\"usbtoken confirm\" does that; with --retire-old it then removes the old certificate."
        }
        Words::HintInstalled => {
            "The new certificate IS installed. Do not renew again: that would be a second order."
        }
        Words::HintBank => "Name the bank with --bank.",
        Words::HintKey => "The kind of key is named with --key.",
        Words::HintOldKeyElsewhere => "Leave out --form cms and --reuse-key.",
        Words::HintReuseKey => "The old key is used again with --reuse-key.",
        Words::HintSee => {
            "\"usbtoken pending\" shows what waits for an answer, \"usbtoken list\" the certificates."
        }
        Words::HintReadAgain => {
            "\"usbtoken list\" and \"usbtoken pending\" show what is there. The same command again reads the token anew, and goes on unless the object is read otherwise again."
        }
        Words::HintRetire => "The old certificate is removed with \"usbtoken retire\".",
        Words::HintSuccessor => {
            "The certificate that takes its place is named with \"usbtoken retire --successor\"."
        }
        Words::HintSuccessorDoubtful => {
            "If it is right: \"usbtoken retire --successor\", or --trust-anchor. If it is wrong: \"usbtoken renew --although-renewed\" with --id or --serial of this one."
        }
        Words::HintFinalTry => "To go on with what may be the last attempt, add --final-try.",
        Words::HintStatedLocked => "If the PIN is not locked, add --final-try to have it sent.",
        Words::HintPinAsTyped => "To have the PIN sent as it is, add --pin-as-typed.",
        Words::HintPinPad => {
            "No PIN of this computer was used. Where the token has no keys of its own, add --pin-as-typed to have it sent."
        }
        Words::HintInProcess => "To run drivers inside this program, add --in-process.",
        Words::HintDriverLimit => "To wait longer for a slow driver, add --driver-limit 120 (seconds).",
        Words::HintTrustDriver => "To load it all the same, add --trust-driver.",
        Words::HintAnyCaller => {
            "Where the page or program that began it cannot go on any more, add --any-caller."
        }
        Words::BegunBy => "Begun by",
        Words::ByPage => "a web page",
        Words::ByProgram => "another program",
        Words::HintPinCorrected => {
            "Log in once at a terminal, for example with \"usbtoken list --pin-file FILE\"; or, where the PIN was put right, run once with --pin-corrected."
        }
        Words::HintPin => "The PIN may come from --pin-file, --pin-env or the terminal.",
        Words::HintOverwrite => "To overwrite the file, add --overwrite.",
        Words::HintSignAgain => "To sign it anew, add --sign-again.",
        Words::HintSaveAnswer => "To name a file for the answer yourself, add --save-answer FILE.",
        Words::HintStatePlace => {
            "The folder is in the one that XDG_STATE_HOME names, else below HOME: let it be one of this user alone (0700)."
        }
        Words::HintOtherFile => {
            "Name a new file in a folder that can be written with --save-answer, or leave that option out."
        }
        Words::OnStandardError => {
            "standard error: the lines from BEGIN CA ANSWER to END CA ANSWER, which install takes"
        }
        Words::HintYes => "Nobody can be asked here: to remove it without a question, add -y (--yes).",
    };
    super::with_bank(fixed)
}

fn days_left(days: u32) -> String {
    if days == 1 { "1 day is left".to_owned() } else { format!("{days} days are left") }
}
