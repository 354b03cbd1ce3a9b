//! English.

mod errors;
mod phrases;
mod values;

pub(super) use errors::code;
pub(super) use phrases::phrase;
pub(super) use values::fact_value;

use super::message::Message;
use crate::error::{Fact, Notice, Point, Step};

const fn w(sentence: &'static str, next: &'static str) -> Message {
    Message { sentence, next_action: next }
}

pub(super) const fn notice(notice: Notice) -> Message {
    match notice {
        Notice::PinCountLow => w(
            "A wrong PIN was entered since the last right one.",
            "Repeated mistakes lock the token: make sure of the PIN before you enter it.",
        ),
        Notice::PinFinalTry => w(
            "One more wrong PIN locks the token.",
            "If you are not certain of the PIN, do not enter it; ask the bank's branch.",
        ),
        Notice::PinToBeChanged => w("The token wants its PIN changed.", "Change the PIN before you renew."),
        Notice::MemoryUnknown => w(
            "The token does not tell how much memory is free.",
            "You can go on; if it is too little, the renewal stops and the old certificate stays.",
        ),
        Notice::MemoryLow => w(
            "Little memory is free on the token.",
            "If it holds expired certificates, remove them after the renewal.",
        ),
        Notice::MechanismUnknown => w(
            "The token does not tell which kinds of key it supports.",
            "You can go on; if it lacks the kind, the renewal stops and the old certificate stays.",
        ),
        Notice::WindowForced => w(
            "It is outside the renewal period; the renewal goes on as asked.",
            "Make sure that the CA accepts it.",
        ),
        Notice::ClockUncertain => {
            w("The date or time of this computer may be wrong.", "Check date and time.")
        }
        Notice::PendingExists => {
            w("A renewal of this certificate is pending.", "Resume it, or abandon the pending key.")
        }
        Notice::SameSubject => w(
            "Other certificates on the token have the same subject.",
            "Compare serial number and expiry to be sure of the one you renew.",
        ),
        Notice::ProofClaimed => w(
            "Only the driver's claim says that the private key cannot leave the token.",
            "You can use it; whether a claim is enough is for the bank's rules to say.",
        ),
        Notice::MinimalCertificate => w(
            "The token took the certificate only with the fewest attributes.",
            "Check that the browser offers the certificate.",
        ),
        Notice::CertificateTwice => w(
            "A certificate is on the token more than once. It counts as one.",
            "Nothing has to be done. Another program, or a second installation, may have written the copy; one that nobody needs can be deleted with the token's own software.",
        ),
        Notice::CopyKept => w(
            "A copy of the old certificate is left on the token. Another program may have made it, so it is not removed.",
            "If it is to go too, name it by its id.",
        ),
        Notice::PublicKeyKept => w(
            "A public key is left on the token. It seems to belong to the old certificate, but may be another program's, so it is not removed.",
            "Nothing has to be done: a public key alone harms nobody.",
        ),
        Notice::OldKeyStays => w(
            "The old certificate was removed, and its key is left on the token: another certificate is for it, or may be.",
            "Nothing has to be done. The key goes with the last certificate that is for it.",
        ),
        Notice::OldStillKept => w(
            "The renewal is done. The old certificate is still kept, for the reason that was told before.",
            "If the old one is to go too, check name and issuer of the new one, then remove it as shown.",
        ),
        Notice::OldKept => w(
            "The old certificate was kept on the token.",
            "Log in with the new one first; then retire the old one if the bank wants that.",
        ),
        Notice::CertificateUnreadable => w(
            "A certificate on the token cannot be read.",
            "If yours is missing from the list, send what is shown of it to the bank's branch.",
        ),
        Notice::KeyReused => {
            w("The old key was used again, as asked.", "Let the next renewal generate a new key.")
        }
        Notice::ChainNotChecked => w(
            "Which CA issued the certificate was not checked: no trust anchor was given.",
            "To have it checked, give the CA's certificate as trust anchor.",
        ),
        Notice::DeviceNotSeen => w(
            "A token is plugged in, its driver is installed, and the driver does not see it.",
            "Replug the token; if that does not help, restart the computer, then reinstall the driver.",
        ),
        Notice::DevicesPartlySeen => w(
            "Several tokens of one kind are plugged in, and the drivers do not see all of them.",
            "Leave only the token inserted that you want to use.",
        ),
        Notice::SmartCardUnknown => w(
            "A card reader or token is plugged in that is not known here, and no driver sees a token in it.",
            "If it is your token, install the driver that came with it; if it is a reader, insert the card.",
        ),
        Notice::ResponsePartlyUsed => w(
            "A part of the CA's response could not be read and was passed over.",
            "The certificate itself is complete; if the bank needs the CA's certificates too, ask for them.",
        ),
        Notice::PinNotChecked => w(
            "This program was logged in to the token already, so the token did not check the PIN.",
            "A wrong PIN would not have been noticed. A login after all sessions were closed shows whether it is right.",
        ),
        Notice::Renewed => w(
            "This certificate is renewed already; it is renewed once more as asked for.",
            "Stop if the new one that is there is to be used: to go on is a second order.",
        ),
        Notice::SuccessorDoubtful => w(
            "What seems to take the place of this certificate is in another name, or comes from another CA.",
            "Check whose certificate that is and who issued it. If it is wrong, renew this one all the same.",
        ),
        Notice::SaidRenewed => w(
            "This certificate seems to be renewed already.",
            "Use the one that is shown. A renewal makes sure after the login, and writes nothing if it is so.",
        ),
        Notice::NoCertificate => w(
            "The token holds no certificate that can be seen without the PIN.",
            "Some tokens show certificates only after the login: list them with the PIN. If there is none then, ask the bank's branch.",
        ),
        Notice::SubjectChanged => w(
            "The CA changed the subject of the certificate.",
            "If the new subject is not yours, ask the bank's branch; the old certificate stays.",
        ),
        Notice::NotYetValid => w(
            "The new certificate begins later than the clock of this computer says.",
            "Check date and time; if they are right, use the old certificate until the new one begins.",
        ),
        Notice::AnotherIssuer => w(
            "The new certificate comes from another CA than the old one.",
            "If you do not know that CA, ask the bank's branch before you use the new one.",
        ),
        Notice::AlreadyInstalled => w(
            "This certificate was installed before and works; nothing was written.",
            "You can log in with it.",
        ),
        Notice::PurposeOnlyAny => w(
            "The certificate names no purpose but 'any' (anyExtendedKeyUsage): a bank's server may refuse it.",
            "Log in with it before the old one is removed; if that fails, ask the CA for one for client authentication.",
        ),
        Notice::UnknownCritical => w(
            "The certificate has a critical extension that is not known here: a bank's server may refuse it.",
            "Log in with it before the old one is removed; if that fails, ask the CA.",
        ),
        Notice::ExtensionUnreadable => w(
            "An extension of the certificate cannot be read: a bank's server may refuse it.",
            "Log in with it before the old one is removed; if that fails, ask the CA.",
        ),
        Notice::UsageOfCa => w(
            "The certificate's key usage allows signing certificates, which only a CA's may.",
            "It can be used; tell the CA.",
        ),
        Notice::KeyKindChanges => w(
            "The new key will be of another size than the old one.",
            "If the bank demands a certain size, name it.",
        ),
        Notice::ChainNotWritten => w(
            "Not every CA certificate of the answer could be written to the token.",
            "The new certificate works without them; if a program needs them, install them in its own store.",
        ),
        Notice::InitializedNotStated => w(
            "The token does not state that it is initialised.",
            "You can go on: what it cannot do, it refuses then. Do not initialise it yourself.",
        ),
        Notice::PinNotStated => w(
            "The token does not state that its PIN is set.",
            "You can go on; if it has none, the login is refused.",
        ),
        Notice::WriteProtectionStated => w(
            "The token states that it is write-protected.",
            "You can go on; if it really is, the renewal stops and the old certificate stays.",
        ),
        Notice::MechanismNotListed => w(
            "The token does not list what this kind of key needs.",
            "You can go on; if it lacks it, the renewal stops and the old certificate stays. Or ask for another kind of key.",
        ),
        Notice::KeySizeNotStated => w(
            "The token states that it makes keys of other sizes only.",
            "You can go on; if it refuses, the renewal stops and the old certificate stays. Or ask for another size.",
        ),
        Notice::CertificatePrivate => w(
            "The token made the new certificate private: it is seen after the login only.",
            "It works; programs that list certificates may ask for the PIN first.",
        ),
        Notice::OldCertificateReplaced => w(
            "The token holds one certificate for a key: the new one has taken the old one's place.",
            "Log in with the new one now. If that fails, ask the bank's branch: the old one is not on the token any more.",
        ),
        Notice::LabelShared => w(
            "The new certificate or its key has no label of its own: a program that chooses by label may take the wrong one.",
            "In such a program, name the new one by the PKCS#11 URI that is shown.",
        ),
        Notice::CertificateApart => w(
            "Another program had stored the new certificate under another id (CKA_ID) than its key's. It was stored under its key's id as well, where every program finds it.",
            "Nothing has to be done. What the other program has stored was left as it is.",
        ),
        Notice::IdDiffers => w(
            "The token shows the new certificate and its key under different ids (CKA_ID): some programs may not find the key.",
            "Log in with it before the old one is removed.",
        ),
        Notice::MoreAfterLogin => w(
            "Of the certificates that show without the PIN none can be renewed now.",
            "Some tokens show certificates only after the login: with the PIN all are looked at.",
        ),
        Notice::BegunBefore => w(
            "A renewal of this certificate was begun on this token. Whether it is finished shows after the login only.",
            "List the certificates or what is pending with the PIN.",
        ),
        Notice::PinPadStated => w(
            "The token states that its PIN is entered at its own keys.",
            "You can go on. Where there are no such keys, the PIN that is typed here can be sent all the same.",
        ),
        Notice::PinLengthStated => w(
            "The token states PIN lengths that the PIN may not have.",
            "You can go on: what it states may be wrong, and a PIN that is surely right can be sent as it is.",
        ),
        Notice::KeyLabelChosen => w(
            "The token gives keys labels of its own, so nothing on it says that this key belongs to a renewal.",
            "Finish the renewal on this computer, which remembers the key; another one does not find it. If it is never used, remove it with the token's own software.",
        ),
        Notice::WorksLater => {
            w("The new certificate does not work at the bank yet.", "Log in with the old one until it does.")
        }
        Notice::BankTokenAbsent => w(
            "None of the tokens that are plugged in is the one that the bank distributed.",
            "Plug in the bank's USB token.",
        ),
        Notice::BankDriverAbsent => w(
            "None of the drivers that the bank names is on this computer.",
            "Install the driver that the bank tells you to.",
        ),
        Notice::BankAnchorEnds => w(
            "A trust anchor of the bank's profile ends soon.",
            "See whether the bank has distributed a newer profile.",
        ),
        Notice::LoginByTls12 => w(
            "The token's key cannot sign for TLS 1.3, so the login went by TLS 1.2.",
            "It does not work at servers that take TLS 1.3 only. If a browser cannot log in, see that it has TLS 1.2 on.",
        ),
        Notice::CopyShowsOld => w(
            "A copy that other software on this computer keeps still has the old certificate.",
            "Close the browsers and plug the token in again. If the new certificate is not offered, delete the file shown; the token stays as it is.",
        ),
        Notice::ConfirmationNotKept => w(
            "The confirmed login could not be recorded on this computer.",
            "The old certificate cannot be removed by it: check the folder shown, then confirm once more.",
        ),
        Notice::IssuerNotNamed => w(
            "The server does not name the new certificate's CA among those that it accepts.",
            "The login worked, but browsers may not offer the certificate. If so, ask the bank's branch.",
        ),
        Notice::OtherUserSeen => w(
            "A certificate on the USB token, or a request that waits there, seems to be another user's. At this bank each user needs a token of their own.",
            "See whether it is your own token. This is checked after the login, and no renewal begins if it is another user's.",
        ),
        Notice::RenewalDue => w("The certificate ends soon.", "Renew it in time."),
        Notice::InitialPin => w(
            "This USB token comes with an initial PIN.",
            "If it was not changed yet, change it before you renew. The initial PIN stands on the bank's letter.",
        ),
        Notice::DeliveredEmpty => w(
            "This USB token comes without a certificate: the first one is to be issued, not renewed.",
            "Have the first certificate issued, as the bank's letter says.",
        ),
        Notice::BankDeviceNotSeen => w(
            "A device that may be the bank's USB token is plugged in, and no driver sees it.",
            "Install the driver that the bank names, and plug the token in again.",
        ),
        Notice::LoginNotAtBank => w(
            "This login was not at the bank's address and by the bank's rules, so no old certificate is removed because of it.",
            "Where the bank wants a confirmed login before the old one goes, confirm one at the address of its profile.",
        ),
        Notice::ProfileServiceEnded => w(
            "By this profile the bank renews nothing any more: its service has ended.",
            "Correct the date if that is not meant; else nothing is to be done.",
        ),
        Notice::DriverInProcess => w(
            "The program in which drivers run (usbtoken-driver) is not in the same folder, or cannot be used: drivers run inside this program.",
            "You can go on, but should a driver hang or crash, so does this program. Installing it again mends that.",
        ),
        Notice::ProfileReminderEarly => w(
            "A reminder in this profile comes before the day from which on a certificate can be renewed.",
            "Correct one of the two if that is not meant: who is reminded so early cannot renew yet.",
        ),
        Notice::ProfileIssuerReversed => w(
            "This profile names an issuer that no anchor is, while an anchor has the same name in the other order.",
            "Write the name as RFC 4514 has it, the common name first; else the CA's certificates are refused.",
        ),
        Notice::PinFileReadable => w(
            "Other users of this computer can read the file that holds the PIN.",
            "Let only yourself read it (chmod go-rwx). If somebody may have read it, change the PIN.",
        ),
        Notice::PinFileMark => w(
            "The PIN began with a byte order mark, which was left out.",
            "Save it as UTF-8 without byte order mark.",
        ),
        Notice::NothingReplaced => w(
            "Nothing old was removed: no certificate on the token is known to be replaced by this one.",
            "If you confirmed an old one, confirm the new one; one that another program has renewed is removed by naming both.",
        ),
        Notice::InstallationNotKept => w(
            "The day of the installation could not be kept on this computer, so a later run does not know it.",
            "Remove the old certificate only once you can log in at the bank with the new one.",
        ),
        Notice::NotTheBanksToken => w(
            "The bank's profile does not call this token its own; it is used because it was named.",
            "Make sure that it is the token that the bank has sent.",
        ),
        Notice::OldStaysElsewhere => w(
            "The old certificate is where it was. Nothing is removed from there.",
            "It is valid until the date shown, though the bank may end it earlier. Where the browser offers both, choose the new one by its serial number.",
        ),
        Notice::OrderedOnOtherToken => w(
            "The renewal of this certificate was ordered on another token too.",
            "Go on with the order on the token shown, or cancel one of the two. Do not send both requests to the CA.",
        ),
        Notice::OldNotYetValid => w(
            "The certificate that is renewed is not valid yet.",
            "Make sure that the date of this computer is right, and that the certificate is the one that is meant.",
        ),
        Notice::RenewedOnOtherToken => w(
            "The token shown seems to hold the renewal of this certificate already.",
            "Use that one. If you go on, the CA is asked for a second certificate.",
        ),
        Notice::RenewalGone => w(
            "This certificate was renewed onto the token shown. That token is plugged in, and the new certificate is not on it any more.",
            "Nothing is to be done where this certificate is to be renewed anew. If the new one is in use on another token, cancel.",
        ),
        Notice::OldNotSeen => w(
            "Whether the old certificate is still where it was could not be seen. This program has removed nothing there.",
            "Where it is, it is valid until the date shown, though the bank may end it earlier. Where the browser offers both, choose the new one by its serial number.",
        ),
        Notice::OldNotWhereItWas => w(
            "The old certificate is not any more where it was. This program has not removed it.",
            "Where it is now, it is valid until the date shown, though the bank may end it earlier. Where the browser offers both, choose the new one by its serial number.",
        ),
        Notice::OldNotCompared => w(
            "The old certificate is not on the token and was not given, so the new one was not compared with it.",
            "Look at the subject and the end of the new certificate.",
        ),
        Notice::PlaceSkipped => w(
            "A place could not be read, and the certificates there are not shown.",
            "Look at the reason. To renew a certificate from there, name the place.",
        ),
        Notice::RequestNotKept => w(
            "The request could not be kept on this computer.",
            "The renewal goes on; if you send the request yourself, keep its file.",
        ),
    }
}

pub(super) const fn step(step: Step) -> &'static str {
    match step {
        Step::FindDrivers => "Looking for drivers",
        Step::LoadDriver => "Loading the driver",
        Step::InitializeDriver => "Starting the driver",
        Step::FindToken => "Looking for the token",
        Step::WaitForToken => "Waiting for the token to be inserted",
        Step::OpenSession => "Connecting to the token",
        Step::ReadObjects => "Reading the certificates",
        Step::Preflight => "Checking whether the renewal can work",
        Step::LogIn => "Logging in",
        Step::GenerateKeyPair => "Generating the new key on the token",
        Step::ReadPublicKey => "Reading the new public key",
        Step::ProveKey => "Checking that the private key cannot leave the token",
        Step::SignRequest => "Signing the request",
        Step::AskIssuer => "Asking the CA",
        Step::ReadAnswer => "Reading the CA's answer",
        Step::CheckCertificate => "Checking the new certificate",
        Step::WriteCertificate => "Writing the certificate",
        Step::ReadBack => "Reading the certificate back",
        Step::SignChallenge => "Checking that the new key signs",
        Step::Complete => "Completing the new certificate",
        Step::Retire => "Removing the old certificate",
        Step::Abandon => "Removing the pending key",
        Step::ListDevices => "Listing the devices that are plugged in",
        Step::ReadProfile => "Reading the bank's profile",
        Step::StillWorking => "Waiting for the driver, which is still working",
        Step::Confirm => "Logging in at the bank's server with the new certificate",
        Step::ChangePin => "Changing the PIN",
        Step::ReadPlace => "Reading the old certificate",
    }
}

pub(super) const fn point(point: Point) -> &'static str {
    match point {
        Point::TokenInitialized => "The token is initialised.",
        Point::TokenWritable => "The token can be written.",
        Point::PinUsable => "No flag speaks against the PIN.",
        Point::Memory => "There is room on the token.",
        Point::Mechanism => "The token supports the kind of key.",
        Point::Window => "The certificate can be renewed now.",
        Point::Clock => "No certificate on the token contradicts the date of this computer.",
        Point::NothingPending => "No renewal is pending.",
        Point::SubjectUnique => "No other certificate has the same subject.",
        Point::OldKey => "The private key of the present certificate is there.",
        Point::KeyKind => "The new key will be of the kind of the old one.",
        Point::OnlyUser => "There is no other user's certificate on the token.",
    }
}

pub(super) const fn fact(fact: Fact) -> &'static str {
    match fact {
        Fact::Path => "file",
        Fact::Expected => "expected",
        Fact::Found => "found",
        Fact::Candidate => "candidate",
        Fact::Token => "token",
        Fact::Limit => "limit",
        Fact::Id => "id",
        Fact::Date => "date (JST)",
        Fact::Detail => "detail",
        Fact::Driver => "driver",
        Fact::Subject => "subject",
        Fact::Serial => "serial number",
        Fact::Days => "days",
        Fact::Device => "device",
        Fact::SavedAnswer => "answer kept in",
        Fact::GoOn => "to go on",
        Fact::Seconds => "seconds",
        Fact::Size => "size (bytes)",
        Fact::FirstLine => "first line",
        Fact::Now => "this computer's time",
        Fact::Begins => "valid from",
        Fact::Algorithm => "algorithm",
        Fact::Stated => "stated by the token",
        Fact::Uri => "PKCS#11 URI",
        Fact::Successor => "Serial number of the new certificate",
        Fact::Older => "Serial number of the older certificate",
        Fact::KeyId => "CKA_ID of its key",
        Fact::Reason => "reason",
        Fact::Certificate => "certificate",
        Fact::Seen => "looked at",
        Fact::Function => "Function",
        Fact::DriverHost => "program needed",
        Fact::Reference => "Reference number",
        Fact::IssuerContinuity => "issuers compared",
        Fact::Holder => "who is at work",
        Fact::Line => "Line",
        Fact::Column => "Column",
        Fact::Key => "Key",
        Fact::Bank => "Bank's profile",
        Fact::Contact => "Contact",
        Fact::Url => "address",
        Fact::HttpStatus => "HTTP status",
        Fact::Alert => "TLS alert",
        Fact::Place => "place",
        Fact::OrderedOn => "new certificate ordered on (JST)",
        Fact::WindowOpens => "renewed from (JST)",
        Fact::WorksFrom => "works at the bank from (JST)",
        Fact::StillThere => "old certificate, still on the token",
        Fact::Accepted => "accepted by the server",
    }
}
