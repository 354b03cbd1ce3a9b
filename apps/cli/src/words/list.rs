//! Everything that the command says.

/// Words of the command. Values in them are printed as they are: pass what comes from outside through
/// [`usbtoken::text::printable`].
#[derive(Clone, Copy, Debug)]
pub enum Words<'a> {
    /// How many days ago something was made.
    Age(i64),
    /// Behind a value whose bytes may stand for other characters.
    Guess,

    /// Heading: a token.
    Token,
    /// Label: the serial number of a token.
    TokenSerial,
    /// Label: how well the private key is protected.
    Protection,
    /// Label: the serial number of the certificate that a pending key will replace, or belonged to.
    Concerns,
    /// Label: how far something got.
    Status,
    /// Label: the day on which it began.
    Since,
    /// Title: a first issue, without an old certificate.
    FirstIssue,

    /// The key is proven not to be exportable.
    ProofProven,
    /// The driver claims that the key is not exportable.
    ProofClaimed,
    /// The key may be exportable.
    ProofRefused,
    /// Not known before login.
    ProofUnknown,

    /// State of a pending key: the CA's answer is awaited.
    AwaitingAnswer,
    /// An object of the job was never wholly written.
    HalfWritten,
    /// State of a pending key: whether its certificate is there, only a signature would say.
    NotConfirmed,
    /// Title of a pending key whose old certificate is not on the token.
    OldCertificateGone,
    /// State of a pending key: the removal of an old credential stopped in the middle.
    RetireInterrupted,
    /// State of a pending key: only a public key is left.
    PublicKeyOnly,
    /// There is no pending key on the token.
    NoPending,
    /// The order's number is not known, and nothing of its job is kept here.
    NumberNotHere,

    /// Title of a certificate object that cannot be read.
    UnreadableCertificate,
    /// Label: CKA_LABEL.
    Label,
    /// Label: a number of bytes.
    Size,
    /// Label: the extensions of a certificate that cannot be read.
    UnreadableExtensions,
    /// Heading: the certificates that are not on a token.
    OnThisComputer,
    /// That a certificate on this computer can be renewed onto a token.
    RenewableOnto,
    /// By which credential on which token a certificate on this computer seems to be renewed.
    RenewedOnto(&'a str),
    /// Asks for the password of a file with a certificate.
    FilePassword(&'a str),
    /// Hint: which list gives the numbers.
    HintNth,
    /// On which tokens the renewal of a certificate on this computer waits for its CA.
    WaitsOnto(&'a str),
    /// Hint: the old certificate is not to be named.
    HintWithoutFrom,
    /// Hint: where the old certificate is.
    HintFrom,
    /// Hint: the password of a file.
    HintFromPassword,
    /// The kind of a key that is in use.
    KeyInUse(&'a str),
    /// The kind of key that a renewal makes.
    NewKey(&'a str),

    /// Label: what the bank reminds its customers of.
    Reminder,
    /// From that date on the bank reminds its customers.
    RemindsFrom(&'a str),
    /// A reminder that is due, with the days that are left and the date of the next one.
    ReminderDue {
        /// The days left until the expiry date.
        days: u32,
        /// The date from which on the next reminder is due.
        next: &'a str,
    },
    /// The last reminder, with the days that are left.
    ReminderLast(u32),

    /// Prompt for the PIN of that token.
    PinPrompt(&'a str),
    /// The PIN is entered at the token itself.
    PinPad(&'a str),
    /// The place that says whether the PIN was wrong before cannot be used.
    PinMarkUnusable(&'a str),
    /// A change of the PIN had no answer: which PIN may hold.
    ChangeInterrupted,
    HintPinPlace,
    /// An order for the key in use is forgotten; the token is as it was.
    OrderForgotten,
    /// Prompt for the login ID at the CA.
    LoginIdPrompt,
    /// Prompt for the password that goes with it.
    PasswordPrompt,
    /// What keys enter nothing at the prompt.
    KeysIgnored,
    /// The program was stopped at the prompt and goes on: what was typed before is gone.
    TypedAnew,
    /// Question before a PIN with full-width characters is sent; the answer is the word `yes`.
    ConfirmFullWidth,
    /// Question before a PIN with a blank at an edge is sent; the answer is the word `yes`.
    ConfirmBlank,
    /// What is said before the PIN of that token is changed at this terminal.
    ChangeBegins(&'a str),
    /// Prompt for the present PIN of that token.
    OldPinPrompt(&'a str),
    /// Prompt for its new PIN.
    NewPinPrompt(&'a str),
    /// Prompt for the new PIN, once more.
    NewPinAgain,
    /// The new PINs that were typed differ.
    NewPinsDiffer,
    /// The new PIN is the present one.
    NewPinIsOld,
    /// Both PINs are entered at that token.
    ChangeAtPad(&'a str),
    /// After Ctrl-C: a driver is in a call.
    Stopping,
    /// The same while the PIN is changed.
    StoppingChange,
    /// The PIN was changed.
    PinChanged,
    /// Question whether the PIN is changed before the job; the answer is the word `yes`.
    ConfirmChange,
    /// Hint of the command: change the PIN.
    HintPinChange,
    /// Hint of the command: how to find out which PIN holds.
    HintPinHolds,
    /// Question before what may be the last attempt at the PIN; the answer is the word `yes`.
    ConfirmFinalTry,
    /// Question before the PIN is sent although the token states that it is locked; the answer is the word `yes`.
    ConfirmStatedLocked,
    /// Question before a PIN of another length than the token states is sent; the answer is the word `yes`.
    ConfirmPinLength {
        /// The shortest PIN that the token states, in bytes.
        shortest: u64,
        /// The longest.
        longest: u64,
        /// The length of the PIN that was typed.
        length: usize,
    },
    /// Question before a credential or key is removed; the answer is the word `yes`.
    ConfirmRemoval,
    /// Question whether the old credential is removed though the new one has another name; the answer is the word `yes`.
    ConfirmNewName {
        /// The subject of the old certificate.
        old: &'a str,
        /// The subject of the new one.
        new: &'a str,
    },
    /// Question whether a certificate is written under the identifier of another; the answer is the word `yes`.
    ConfirmSharedId,

    /// A certificate was issued and installed.
    Installed,
    /// What to do for the browser to see the new certificate.
    RestartBrowsers,
    /// The request was written to that file.
    RequestWritten(&'a str),
    /// What to do with the request.
    SendRequest,
    /// The old credential was removed.
    Retired,
    /// It had been removed before.
    RetiredBefore,
    /// The bank's server has taken the certificate.
    Confirmed,
    /// The command that makes sure that it does.
    HowToConfirm(&'a str),
    /// Which certificate to choose in a browser's window.
    ChooseInBrowser {
        /// The last digits of its serial number.
        serial: &'a str,
        /// The day on which it ends, in Japan.
        ends: &'a str,
    },
    /// Which one is the old one there.
    OldInBrowser {
        /// The last digits of its serial number.
        serial: &'a str,
        /// The day on which it ends, in Japan.
        ends: &'a str,
    },
    /// What to do where other software still shows the old one.
    CopiesElsewhere,
    /// The bank keeps the old certificate on the token.
    KeptByBank,
    /// The command that removes an old certificate now.
    MayRetire(&'a str),
    /// The credential is renewed already, and nothing was written.
    AlreadyRenewed {
        /// The certificate that takes its place.
        follower: &'a str,
        /// The day from which that can be renewed.
        from: &'a str,
    },
    /// The pending key was removed.
    Abandoned,
    AbandonedBefore,
    /// Label of why it is not certain that a key is ours.
    Doubt,
    /// Label of what to do then.
    WhatToDo,
    /// What to do with a doubtful key for which this computer has made the request.
    DoubtfulOurs(&'a str),
    /// What to do with one that is another program's.
    DoubtfulOthers,
    /// What to do with any other.
    DoubtfulUnknown(&'a str),
    /// What to do where a certificate object cannot be read.
    DoubtfulUnread(&'a str),
    /// Question whether to go on with the key that is pending; the answer is the word `yes`.
    ConfirmResume,

    /// Question whether to sign a request anew; the answer is the word `yes`.
    ConfirmSignAgain,

    /// Nothing is wrong with that profile.
    ProfileFine(&'a str),
    /// No profile is in that folder.
    NoProfiles(&'a str),
    /// Label: a bank's name.
    ProfileBank,
    /// Label: a trust anchor.
    ProfileAnchor,
    /// Label: how many days before the end a certificate can be renewed.
    ProfileOpens,
    /// Label: what options may override.
    ProfileOverrides,
    /// Label: whom to call.
    ProfileContact,

    /// State of a point: in order.
    Fine,
    /// All points allow the renewal.
    CanRenew,
    /// At least one point forbids the renewal.
    CannotRenew,
    /// What shows without the PIN cannot be renewed; another one may show with it.
    NotKnownWithoutPin,
    /// A renewal was begun before; whether it is finished shows after the login.
    MayBeFinished,
    /// There seems to be nothing to renew.
    SeemsRenewed,
    /// The commands that finish a renewal that was begun.
    HowToFinish,

    /// Hint of the command: name the driver.
    HintModule,
    /// Hint of the command: name the token.
    HintToken,
    /// Hint of the command: name the credential.
    HintCredential,
    /// The same where none was found: it may be in a file.
    HintCredentialOrFrom,
    /// Hint of the command: the pending keys.
    HintPending,
    /// Hint of the command: a key that is gone for good.
    HintKeyGone,
    /// Hint of the command: renew what another token holds renewed.
    HintAgain,
    HintSuccessorDue,
    /// Hint of the command: renew outside the window.
    HintForce,
    /// Hint of the command: a renewal that was begun in time is finished later too.
    HintBegun,
    /// Hint of the command: name the CA's certificate.
    HintAnchor,
    /// Hint of the command: name the page after the login.
    HintAfterLogin,
    /// Hint of the command: confirm a login first.
    HintConfirm,
    /// Hint of the command: only the removal is left; a second renewal would be a second order.
    HintInstalled,
    /// Hint of the command: name the bank.
    HintBank,
    /// Hint of the command: name the kind of key.
    HintKey,
    /// Hint of the command: the old key is used again.
    HintOldKeyElsewhere,
    HintReuseKey,
    /// Hint of the command: see what is on the token.
    HintSee,
    /// The same, and that the command asked for again reads it anew.
    HintReadAgain,
    /// Hint of the command: remove the old certificate later.
    HintRetire,
    /// Hint of the command: name the certificate that takes the other one's place.
    HintSuccessor,
    /// Hint of the command: say of a doubtful successor that it is meant, or that it is not.
    HintSuccessorDoubtful,
    /// Hint of the command: confirm the last attempt.
    HintFinalTry,
    /// Hint of the command: send the PIN although the token states that it is locked.
    HintStatedLocked,
    /// Hint of the command: send the PIN as it is.
    HintPinAsTyped,
    /// Hint of the command: the PIN was not sent, since the token states keys of its own.
    HintPinPad,
    /// Hint of the command: drivers inside this program.
    HintInProcess,
    /// How long a driver is waited for can be said.
    HintDriverLimit,
    /// Hint of the command: load the driver all the same.
    HintTrustDriver,
    /// Hint of the command: jobs of other callers.
    HintAnyCaller,
    /// Label: who began a job.
    BegunBy,
    /// A web page began the job.
    ByPage,
    /// A program began the job.
    ByProgram,
    /// Hint of the command: the PIN was put right.
    HintPinCorrected,
    /// Hint of the command: where the PIN may come from.
    HintPin,
    /// Hint of the command: overwrite a file.
    HintOverwrite,
    /// Hint of the command: sign the request anew.
    HintSignAgain,
    /// Hint of the command: name the file for the answer.
    HintSaveAnswer,
    /// Hint of the command: what chooses the folder for state.
    HintStatePlace,
    /// Hint of the command: another file for the answer.
    HintOtherFile,
    /// The place of an answer that no file took.
    OnStandardError,
    /// Hint of the command: say beforehand that something may be removed.
    HintYes,
}
