//! What went wrong and what to do next, in English.

use crate::text::message::code_words;

code_words! {
    BadArgument "An argument is wrong."
        "Look at the values shown and correct the argument.";
    BadUri "The token's PKCS#11 URI cannot be read."
        "Write it as pkcs11:token=LABEL and percent-encode special characters.";
    PinInUri "A PKCS#11 URI must not contain the PIN."
        "Remove pin-value from the URI and enter the PIN at the prompt or from a PIN file.";
    PinSourceInUri "The pin-source of a PKCS#11 URI is not followed."
        "Remove pin-source from the URI and enter the PIN at the prompt or name the PIN file in its own option.";
    FileUnreadable "The file cannot be read."
        "Check the path and the permission to read it.";
    FileUnwritable "The file cannot be written."
        "Check the folder, the permission to write, and whether the file already exists.";
    BadSubject "The subject name cannot be read."
        "Write it as CN=NAME,O=ORGANIZATION (RFC 4514).";
    PinSourceUnusable "No PIN could be read from the place that was named."
        "Check the PIN file, the environment variable or the terminal that it should come from.";
    BadHandle "An invalid handle was passed."
        "Report the number in brackets to the maker of the application.";
    JournalUnusable "The folder that keeps requests and answers cannot be used."
        "Check the owner, the permissions and the free space; move a damaged file out of the way.";
    AnchorUnusable "The trust anchors that were given hold no certificate of a CA."
        "Give the CA's certificate as a PEM or DER file; the bank or the CA's web page offers it.";
    LockUnusable "There is no place on this computer where this job could keep others from the token meanwhile."
        "A folder in the home: let it belong to this user, and let nobody else write to it. The installer's folder, which is for all \
         users: the administrator runs the installer again, which makes it or puts it right. Do not give it to another user.";
    ProfileNotFound "The bank's profile that was asked for is not in its folder."
        "Check the folder and the name; an administrator puts the file that the bank distributes into the folder shown.";
    ProfileAmbiguous "Several banks' profiles are installed and none was named."
        "Name the bank that is meant; the candidates are shown.";
    ProfileNamesAlike "The names of two installed profiles differ in upper and lower case only."
        "Which one is meant cannot be told: ask the administrator to rename or remove one of the files shown.";
    ProfileUntrusted "Others can change the bank's profile."
        "Have the administrator set owner and mode of the file or folder shown.";
    ProfileTooLarge "The file is too large for a bank's profile."
        "Make sure that it is the file that the bank distributed.";
    ProfileNotUtf8 "The bank's profile is not in UTF-8."
        "Save it as UTF-8 without byte order mark; the place of the first wrong byte is shown.";
    ProfileHasBom "The bank's profile begins with a byte order mark."
        "Save it as UTF-8 without byte order mark.";
    ProfileSyntax "The bank's profile is not well-formed TOML."
        "Mend it at the line and column shown.";
    ProfileUnknownKey "The bank's profile has a key that does not exist."
        "Check how the key at the line shown is spelt, and which table it stands in.";
    ProfileWrongType "A value in the bank's profile is of the wrong type."
        "Write the value at the place shown in the type that is expected.";
    ProfileMissingKey "The bank's profile lacks a key."
        "Add the key to the table at the line shown.";
    ProfileBadValue "A value in the bank's profile cannot be used."
        "Mend the value at the place shown.";
    ProfileContradiction "Two values in the bank's profile contradict each other."
        "Mend or remove one of those shown.";
    ProfileVersion "This program does not read profiles of this version."
        "Update the program, or ask the bank for a profile of a version that is read here.";
    ProfileMatchesAll "A pattern in the bank's profile matches every token."
        "Add the label, manufacturer or model that only the bank's tokens have.";
    ProfileOverlap "Two banks' profiles claim the same token."
        "Tell the banks that distributed them which two patterns these are; nothing was done to a token.";
    TokenOfOtherBank "This USB token is another bank's, by a profile that is installed on this computer."
        "Use the profile of the bank shown: its rules hold for this token. Nothing was done to the token.";
    TokenNotTheBanks "The USB token that was named is not one that this bank's profile describes."
        "Plug in the token that the bank has sent and name that one, or use the profile of the bank whose token this is. Nothing was done to the token.";
    ProfileAnchorUnreadable "A trust anchor in the bank's profile cannot be read."
        "Put exactly one CA certificate in PEM at the place shown.";
    ProfileAnchorExpired "A trust anchor in the bank's profile has expired."
        "Check this computer's date; if it is right, ask the bank for a new profile.";
    ProfileAnchorNotCa "A trust anchor in the bank's profile is not the certificate of a CA."
        "Put the CA's own certificate at the place shown.";
    ProfileOriginInsecure "An address in the bank's profile is not HTTPS."
        "Write an address that begins with https://.";
    ProfileOriginMalformed "A page's address in the bank's profile is not of the form https://host."
        "Leave only the host, and the port where it is not 443: no path, user name or wildcard.";
    DriverMissing "The token's driver (PKCS#11 module) was not found."
        "Install the driver that belongs to the token, or name the driver's file.";
    DriverPathRelative "The path of the driver is relative."
        "Name the driver's file by its absolute path.";
    DriverNotLibrary "The file is not a driver (shared library)."
        "Check where the driver was installed and name that file.";
    DriverTruncated "The driver's file is damaged: it ends in the middle."
        "Install the driver again.";
    DriverWrongBitness "The driver is 32-bit and this program 64-bit, or the other way round."
        "Install the driver that has the bitness of this program, or the program that is named as needed, in its place.";
    DriverWrongPlatform "The driver is made for another operating system or processor."
        "Install the driver for this computer.";
    DriverNoEntry "The library is not a PKCS#11 driver: it has no C_GetFunctionList."
        "Look up the PKCS#11 driver's file in the token's manual and name that.";
    DriverUnloadable "The system cannot load the driver."
        "Install the driver and the software it needs again.";
    DriverInitFailed "The driver did not start."
        "Close other programs that use the token and try again; if it stays, reinstall the driver.";
    DriverUntrusted "It is not certain that no other user of this computer can replace the driver's file."
        "Have an administrator correct what is shown. If you know that the file is the right one, say that it is to be trusted.";
    DriverTimeout "The driver did not answer in time."
        "Unplug the token, plug it in and try again; if it stays, restart the computer.";
    DriverCrashed "The driver crashed."
        "Unplug the token, plug it in and try again; if it stays, tell the maker of the driver, with the lines below.";
    DriverHostUnusable "The program in which drivers run (usbtoken-driver) cannot be used."
        "Install this program again. Where it may start no other program, have drivers run inside it.";
    DriverNotConfined "The driver cannot be kept from other files and programs, as was asked for; it was not loaded."
        "Correct the path that is shown. Confinement needs Linux 6.2 with Landlock and a driver in a process of its own; without it the driver runs as before.";
    DriverAsksAtTerminal "The driver asks something at the terminal, and has none in a process of its own."
        "Have the driver run inside this program, and answer there.";
    TokenNotPresent "No USB token is inserted."
        "Insert the USB token and try again.";
    TokenNotRecognized "This driver does not know the token that is inserted."
        "Install the driver that belongs to the token and name it.";
    TokenNotInitialized "The USB token has not been initialised."
        "Do not initialise it yourself; ask the bank's branch that you deal with, which replaces it by one that can be used.";
    TokenNotFound "No USB token matches what was asked for."
        "Check which token is inserted and how it was named.";
    TokenAmbiguous "More than one USB token matches."
        "Leave only the right token inserted, or name it by its serial number too.";
    WaitTimedOut "The USB token was not inserted in time."
        "Insert the USB token, then try again.";
    CredentialUnreadable "There is a certificate on the token that cannot be read, and no other one matches."
        "Send the lines shown to the bank's branch or to support; nothing was changed on the token.";
    CredentialNotFound "The token holds no certificate that matches."
        "List the certificates and check what was asked for.";
    CredentialNotSeen "No certificate that matches can be seen without the PIN."
        "Some tokens show certificates only after the login: list them with the PIN, and if it is not there then, check what was asked for.";
    ObjectUnreadable "The driver did not give an object on the token; what was looked for may be that one."
        "Take the token out, insert it again and try again; if it happens again, send the lines shown to support.";
    CredentialAmbiguous "More than one certificate matches."
        "Name the certificate by its id or its serial number.";
    PendingNotFound "The token holds no pending key that matches."
        "Make sure that this is the token that the request was made on, and list its pending keys.";
    RequestFinished "This request is finished: its key is in use with the certificate shown, and this is another one for it."
        "Use the certificate shown. If that is not in your name, ask the bank's branch. If the old key was to be used again, say so for the installation too.";
    PendingAmbiguous "More than one pending key matches."
        "List the pending keys and name one by its id.";
    KeyMissing "The certificate's private key is not on the token."
        "This certificate cannot be used; ask the bank's branch for a reissue.";
    AnswerForOtherToken "This answer belongs to a request that was made on another token."
        "Insert the token that is shown and install the same answer there; do not request again.";
    PinIncorrect "The PIN is wrong."
        "Make sure of the PIN before you try again; repeated mistakes lock the token.";
    PinLocked "The PIN is locked."
        "Entering the PIN again cannot unlock it. Contact the bank's branch that you deal with: the bank unlocks or replaces the token.";
    PinFinalTry "One more wrong PIN locks the token."
        "Make sure of the PIN, then try again and confirm that this may be the last attempt.";
    PinLength "The PIN is shorter or longer than this token takes, as far as it states."
        "Check its length and enter it again. If it is right all the same, say that it is to be sent as typed.";
    PinCharacters "The PIN has characters that the token does not take."
        "Check the keyboard layout and the input mode, then enter the PIN again.";
    PinExpired "The PIN must be changed first."
        "Change the PIN, then try again. An initial PIN stands on the bank's letter.";
    PinNotSet "No PIN has been set on the token."
        "The bank sets it before it hands the token out: ask the bank's branch for one whose PIN is set.";
    PinUncertain "The login failed, and may have counted as a wrong PIN."
        "Make sure of the PIN first; do not try again and again. If it is surely right, report the line in brackets to support.";
    PinPadRefused "The token states that its PIN is entered at its own keys, and it was not taken there. No PIN of this computer was used; one that was entered at those keys may have counted as wrong."
        "Where there are keys, make sure of the PIN and enter it there; where there are none, say that the PIN typed here is to be sent.";
    PinFormRefused "The token refused the length or the characters of the PIN that it was sent. That may have counted as a wrong PIN."
        "Check length, keyboard layout and input mode; do not try again and again without being sure of the PIN.";
    NewPinRefused "The token refused the new PIN. The old one still holds."
        "Choose another one, of another length or other characters and not easily guessed, and change it again.";
    NewPinLength "The new PIN is shorter or longer than this token takes, as far as it states. The PIN was not changed."
        "Choose a PIN of a length that is stated. If this one is wanted all the same, say that it is to be sent as typed.";
    PinChangeUncertain "Whether the PIN was changed is not known: either the old or the new one holds. It may also have counted as a wrong old PIN."
        "Log in once with the new PIN and, if it is wrong, with the old one. Try no others.";
    NewPinSame "The new PIN is the old one. The PIN was not changed."
        "Choose a PIN that differs from the old one.";
    PinChangeUnsupported "This driver does not change PINs. The old one still holds."
        "Change it with the token's own software, or ask the bank's branch.";
    PinDoubtful "The PIN looks like a slip of the keyboard and was not sent. No try was counted."
        "Switch the input method off, leave blanks at the edges out, and enter it again. If it is right all the same, say that it is to be sent as typed.";
    NewPinDoubtful "The new PIN looks like a slip of the keyboard and was not sent. The PIN was not changed."
        "Switch the input method off, leave blanks at the edges out, and enter it again. If it is wanted all the same, say that it is to be sent as typed.";
    LoginLost "The login ended in the middle of the job: another program used the token, or it was reset."
        "Close other programs that use the token, then run it once more: what was begun is gone on with, and where nothing was, it begins anew.";
    PinRequired "This needs the PIN."
        "Enter the PIN, or name the place that it should be read from.";
    PinIncorrectFinalTry "The PIN is not correct. One more wrong PIN locks the token."
        "Make sure of the PIN before you try again; if in doubt, ask the bank's branch.";
    PinWrongBefore "The PIN of an earlier run was wrong, or that run ended before the token had answered, so nothing was tried: repeated by a program a wrong PIN would lock the token."
        "Make sure of the PIN and put it right. Once somebody has logged in with it, programs may log in again.";
    PinCancelled "The PIN entry was cancelled."
        "To go on, start again and enter the PIN.";
    TokenFull "There is no room left on the token."
        "Remove an expired certificate that is no longer needed, or ask the bank's branch.";
    WriteProtected "The token cannot be written."
        "Lift its write protection, or ask the bank's branch.";
    MechanismUnsupported "The token lacks a cryptographic mechanism that is needed."
        "Ask for another kind of key, or ask the bank's branch.";
    KeySizeUnsupported "The token does not make keys of this size."
        "Ask for a key size that the token supports.";
    TemplateRefused "The token refused to make the key pair."
        "Ask for another kind of key; if it stays, report the line in brackets to support.";
    KeyExportable "The new private key could have left the token, so it was destroyed."
        "This token is not safe to use for it; ask the bank's branch.";
    ProofInsufficient "The proof that the private key cannot leave the token is weaker than demanded."
        "Demand a lower level, or ask the maker of the token.";
    SignatureInvalid "A signature made by the token does not verify."
        "Replug the token and try again; if it stays, contact the bank's branch.";
    ReadBackDiffers "The certificate read back from the token is not the one written."
        "The old certificate still works; replug the token and install the answer again.";
    CertificateRefused "The token refused to store the certificate."
        "The pending key is still there; remove the cause and install the answer again.";
    DestroyFailed "Objects could not be removed from the token."
        "Replug the token, then run it once more.";
    TokenRefused "The token refused the operation."
        "Replug the token and try again; if it stays, report the line in brackets to support.";
    FunctionUnsupported "The driver lacks this function."
        "Update the driver if there is a newer one.";
    SessionLimit "The token takes no further connection."
        "Close other programs that use the token and try again.";
    OperationCancelled "The operation was cancelled at the token."
        "To go on, start it again.";
    PublicKeyInvalid "The public key that the token reports is malformed."
        "Replug the token and try again; if it stays, contact the bank's branch.";
    LoggedInElsewhere "Another kind of user is logged in to the token."
        "Close other programs that use the token, then try again.";
    KeyUnfit "The token does not let it be said that a new key is as it has to be, and did not make it so. The key was removed again."
        "Keys cannot be made with this token and driver so far: ask the bank's branch, with the line in brackets.";
    ProofUndecided "The driver denies that the new key is protected, as some do until they are started anew."
        "The key was kept. End the program that uses the driver, then resume the renewal: the key is judged anew.";
    AnswerEmpty "The CA's answer is empty."
        "Check the file that came from the CA and install it again.";
    AnswerTooLarge "The CA's answer is too large."
        "Save the certificate alone, such as the attachment of the mail or the text from BEGIN to END, as a file of its own and install that.";
    AnswerUnreadable "The CA's answer cannot be read."
        "Check that the file is a certificate or PKCS#7 file from the CA.";
    AnswerTruncated "The CA's answer ends in the middle."
        "Fetch the answer again and install that.";
    AnswerIsPfx "A PKCS#12 (PFX) file is refused, because it would import a private key."
        "Ask the CA for the certificate without a private key.";
    AnswerNoCertificate "The CA's answer holds no certificate."
        "Ask the CA how far the issuance is.";
    AnswerNoLeaf "No certificate in the answer belongs to a pending key on this token."
        "Check that this is the token that made the request and the answer to that request.";
    AlreadyInstalled "This certificate is on the token already."
        "See in the list of certificates how long it is valid; if the CA sent another file, install that.";
    CertificateExpired "The certificate that came has expired."
        "Check the date of this computer; if it is right, ask the CA to issue it again.";
    SubjectDiffers "The subject of the certificate differs from the one requested."
        "It was not installed; ask the CA what it issued.";
    NotLaterThanOld "The new certificate does not end later than the old one."
        "Check that the file is not an old one.";
    SerialSame "The new certificate has the serial number of the old one."
        "Ask the CA whether a new certificate was issued.";
    IsCaCertificate "This is the certificate of a CA, not yours."
        "Install the certificate that the CA issued to you.";
    PurposeMissing "The certificate does not allow client authentication."
        "Ask the CA to issue it again with the right purpose.";
    UsageMissing "The certificate does not allow signing."
        "Ask the CA to issue it again with the right key usage.";
    ChainUntrusted "No valid chain leads from the certificate to a given trust anchor."
        "Read the reason and which certificate it is about. If a CA's certificate is missing, give it as a \
             trust anchor or together with the answer; otherwise ask the CA.";
    CmcFailed "The CA refused the request."
        "Read what the CA said and ask the CA.";
    IssuerFailed "The program that asks the CA failed."
        "Look at what it said; the key is kept, so the renewal can be resumed.";
    AnswerIsRequest "This is a certificate request, not the CA's answer."
        "Send the request to the CA and install what comes back.";
    ChainAlgorithmUnsupported "The chain cannot be checked: a certificate is signed with an algorithm that is not supported."
        "The certificate may be right: ask the bank, or install it without a trust anchor.";
    KeyMismatch "The certificate belongs to another key than the one that waits on this token."
        "Make sure that this is the token of the request, or fetch the right certificate from the CA.";
    CertificateNotAwaited "This certificate is on the token already; it is not the one that the pending request waits for."
        "The request still waits: install the file that the CA sent for it.";
    IssuerSignatureInvalid "The certificate is not signed by the CA that it names."
        "It was not installed and the request still waits; fetch the answer from the CA once more.";
    CertificateUnreadable "The certificate cannot be read."
        "Fetch the file again; if it stays, ask the CA.";
    IssuerRejected "The CA rejected the request."
        "Look at its reason and ask the bank's branch; the key is kept on the token.";
    IssuerUnreachable "The CA cannot be reached."
        "Check the network and try again later; what is on the token stays.";
    IssuerMisconfigured "The program that asks the CA is not set up for this."
        "Set it up as it says, then run it again; what is on the token stays.";
    IssuerTimeout "The program that asks the CA did not end in time."
        "The key is kept on the token; go on with the command shown.";
    AuthorisationRejected "The CA did not accept login ID and password."
        "Make sure of both before you try again; no key was made and the token is unchanged.";
    AnswerIsWebPage "This is a web page, not a certificate."
        "Open it in a browser and read it: it may say why there is no certificate; else save the certificate from there.";
    AnswerIsMail "This is a mail without a certificate in it."
        "Look for the mail with the certificate, or save its attachment and install that.";
    AnswerIsArchive "This is an archive, not a certificate."
        "Unpack it first and install the certificate that was in it.";
    AnswerIsDocument "This is a document or an image, not a certificate."
        "Read it: it may say where the certificate is; install the certificate's own file.";
    AnswerIsPrivateKey "This is a private key, not a certificate."
        "Keep it secret and send it to nobody; install the certificate that the CA issued.";
    AnswerIsPublicKey "This is a public key without a certificate."
        "Install the certificate that the CA issued.";
    AnswerIsCrl "This is a list of revoked certificates (CRL), not a certificate."
        "Install the certificate that the CA issued; the list is not needed here.";
    AnswerEncrypted "This is an encrypted message."
        "Open it with the program and the key that it was sent for, save the certificate from it and install that.";
    AnswerFormUnsupported "This may be a certificate, but it is written in a form that is not read here."
        "Ask the CA for it in PEM or DER, or convert it; the form is shown.";
    AnswerIsCertRep "This is a SCEP response, and the certificate in it is encrypted for the requesting program."
        "Ask the CA for the certificate itself, in PEM, DER or PKCS#7.";
    IssuerUnexpected "The new certificate comes from another CA than those that the bank names."
        "Do not use this response; make sure that it is the one the bank sent, and if in doubt ask the bank's branch.";
    AnswerFormUnexpected "The CA's response is not in a form that the bank names."
        "Make sure that it is the file the bank sent; if in doubt ask the bank's branch.";
    TokenRemoved "The USB token was removed while it was in use."
        "Insert it, look at the pending keys, then go on.";
    DeviceFault "The token or its driver reports a fault."
        "Replug the token and try once more; if it stays, contact the bank's branch.";
    SessionLost "The connection to the token was lost."
        "Check that the token is inserted and try again.";
    Forked "The process was forked after the driver was started."
        "Report the number in brackets to the maker of the program; it must start the driver after the fork.";
    TokenChanged "Another token is in the slot now."
        "Insert the token that was used at first and try again.";
    Internal "An internal error occurred."
        "Try again; if it stays, report the line in brackets to support.";
    DriverMisbehaved "The driver answered against the specification."
        "Update the driver if there is a newer one; else report the line in brackets to support.";
    Panic "The program failed inside and stopped the operation."
        "Restart the application; if it stays, report the line in brackets to support.";
    OutOfMemory "This computer is out of memory."
        "Close other programs and try again.";
    NotYetRenewable "This certificate cannot be renewed yet."
        "Try again on or after the date shown.";
    Expired "This certificate has expired and cannot be renewed."
        "If this computer's time is wrong, set it and try again; else ask the bank's branch for a reissue.";
    PendingExists "A renewal of this certificate, or a request for a first one, is pending."
        "Resume or abandon what is pending first.";
    Busy "Another job is at work on this token."
        "Wait until it has finished, then try again.";
    ClockImplausible "The date or time of this computer does not look right."
        "Set date and time, then try again. If they are right, ask the bank's branch.";
    RetireOnlyCredential "It is the only usable certificate on the token, so it is not removed."
        "Install the new certificate first.";
    RetireNotOurs "It is not a complete pair of key and certificate, so it is not removed."
        "Look at it with the token's own software.";
    RemovalDoubtful "It is not certain that this object on the token is ours, so nothing more is removed."
        "See what waits for an answer, and which certificates there are. A key that is surely to go can be named by its id.";
    KeysAlike "Two private keys have the same identifier and the same record, so the identifier does not say which one is to go."
        "With the token's own software, give the key that is needed another identifier (CKA_ID), or remove the one that is not needed. Then try again.";
    RetireOlderFirst "The certificate that this one has replaced is still on the token, so this one is not removed yet."
        "Remove the older one first; the error names it.";
    RetireNotProven "The new certificate's key has not signed yet, so the old one is not removed."
        "Finish installing the new certificate first, then try again.";
    NotPending "The key is not a pending key made by this program."
        "List the pending keys and name one of them.";
    Cancelled "The operation was cancelled."
        "To go on, run the command that is shown; where none is shown, start again.";
    OriginRefused "This web site is not allowed to work with certificates."
        "Check that the address is the bank's.";
    ConsentDenied "The operation on certificates was not allowed."
        "To go on, start again and answer the confirmation with yes.";
    RetireNoSuccessor "No certificate on the token is known to take the place of this one, so it is not removed."
        "It does no harm there. To be rid of it, log in with the new one, then name that as the successor.";
    RetireNotBegun "The new certificate is not valid yet, so the old one is not removed."
        "Use the old one until then, and remove it later; if this computer's time is wrong, set it.";
    RetireIssuerNotShown "Neither the old one's CA nor a given trust anchor is shown to have issued the new certificate, so the old one is not removed."
        "Log in with the new one; to remove the old one, name the CA's certificate as trust anchor.";
    AlreadyRenewed "This certificate is renewed already. The new one is on this token, and its key has signed; or it was put onto the other token that is shown."
        "Use the new one. The error says which it is, and from when that can be renewed.";
    SuccessorDue "This certificate was renewed long ago: the one that took its place can be renewed itself by now, or has ended. Nothing was written."
        "Renew the one that is shown, on its token. Change a command or a scheduler that still names the old one.";
    PendingOfOther "Another program or a web page began this pending renewal."
        "Go on with the program or page that began it. If that is not possible any more, say explicitly that jobs of other callers may be acted on.";
    TooManyPending "Many requests of this web page wait on the token for their answers, so no further key is made."
        "Abandon the requests that are not needed, then request again. If in doubt which these are, ask the bank's branch.";
    RequestWouldDiffer "The request that was sent is not kept on this computer, and one that is signed anew would differ from it."
        "Go on at the computer that made it. If it was never sent, or the CA agrees, say that it may be signed anew.";
    KeyKindNotMade "The old key is of a kind that cannot be made here, so the renewal does not choose one by itself."
        "Ask the bank which kind of key it takes, then name it.";
    RetireDoubtful "The old certificate was not removed: a bank's server may refuse the new one."
        "Log in with the new one; if that works, retire the old one.";
    OverrideRefused "The bank's profile does not let this be changed."
        "Leave the option out; if it is needed, ask the bank's branch.";
    RenewalClosed "The bank takes no more renewals of this certificate."
        "If this computer's time is right, ask the bank's branch for a reissue; until it expires the certificate works as before.";
    ServiceEnded "The bank's service has ended, and its certificates are renewed no more."
        "Ask the bank's branch what takes its place.";
    RetireNotConfirmed "The old certificate is kept until a login with the new one is confirmed."
        "Confirm a login with the new certificate first, then remove the old one.";
    NotInUseYet "The new certificate does not work at the bank yet, so the old one is not removed."
        "Once the day that is shown has come and a login with the new one works, remove the old one.";
    OldIsCopy "What is left of the old certificate may be a copy that another program has made, so it is not removed."
        "If it is to go too, name it by its id. The new certificate works all the same.";
    RenewedByAnother "Another program has renewed this certificate, not usbtoken, and nobody has named it, so it is not removed."
        "If it is yours and is to go, name it. If it belongs to another program, leave it alone.";
    KeyNotShown "A private key that was made to renew this certificate, or for a first one, does not show on the token, and nothing says that it is gone. Nothing was written and nothing ordered."
        "Unplug the token, plug it in again, and try again. Only if the key is gone for good, give its job up and begin anew.";
    SuccessorNotBesideKey "The new certificate does not have the identifier (CKA_ID) of its key on the token, so programs that go by that would find no credential. The old one is not removed."
        "Check which program has stored the new certificate. If your programs work with it, name it as the successor when the old one is removed.";
    RetireBeforeWindow "The new certificate was ordered before the bank renews the old one, so the old one stays until it ends."
        "Leave the old certificate where it is; it can be removed once it has ended. If it has to go before, ask the bank's branch.";
    OtherUserOnToken "Another user's certificate is on the USB token, or a request of theirs waits there. At this bank each user needs a token of their own."
        "Insert your own USB token; if you have none, ask the bank's branch. A request of your own is finished or abandoned first.";
    RetireKept "The rules of this renewal keep the old certificate."
        "Leave the old certificate where it is; if it has to go, ask the bank's branch.";
    SuccessorDoubtful "What seems to take the place of this certificate is in another name, or comes from another CA."
        "Check whose certificate that is and who issued it. If it is right, name it as the successor when this one is removed, or name its CA's certificate as trust anchor; if it is wrong, renew this one and say that you want that although it seems to be renewed.";
    RenewedForAnother "The certificate that was issued as the renewal of this one has the name of another user on this token."
        "Check whose certificate it is. If the name is wrong, ask the bank's branch; this one stays until then.";
    NotYetIssued "The CA has not issued the certificate yet."
        "The key waits on the token; go on later with the command shown.";
    ResultNotPrinted "It is done, but the result could not be printed."
        "Do not run it again; list what is on the token to see the result.";
    RequestNotWritten "The new key is on the token and waits, but its request could not be written."
        "Make room or choose another place, then go on with the command shown.";
    ResponsePending "The CA has taken the request and has not decided yet."
        "The key waits on the token: install the response that comes when the certificate is issued; do not request again.";
    LoginRefused "The bank's server did not accept the new certificate."
        "Nothing was changed on the token. A new one may need some time at the bank: try again later; if it goes on, tell the bank's branch what is shown.";
    LoginNotAsked "The server asked for no certificate, so it is not known whether the new one works."
        "Check that the address is that of the login with a certificate; if in doubt, ask the bank's branch.";
    LoginNotDemanded "The server answers those without a certificate in the same way, so it is not known whether the new one works."
        "Give the address of a page that cannot be opened without a certificate; else log in with the new one in a browser, or ask the bank's branch.";
    LoginRedirected "The server points to another server, to which no connection is made."
        "Check that the address shown is the bank's; if the certificate is asked for there, give that address. If in doubt, ask the bank's branch.";
    LoginUnexpected "The server's answer does not show whether the new certificate works."
        "Look at the HTTP status shown: if the server is in trouble, try again later; if the address is wrong, give the right one; if it goes on, ask the bank's branch.";
    LoginUnreachable "The bank's server cannot be reached."
        "Check the network, the address and the proxy. Nothing was written to the token.";
    LoginTimeout "The bank's server did not answer in time."
        "Try again later; if it goes on, check the network and the proxy.";
    LoginBrokenOff "The bank's server broke the connection off, or sent what cannot be read."
        "Try again later. If it ends each time the new certificate is shown, the server may not accept it: ask the bank's branch. Nothing was changed on the token.";
    LoginTlsFailed "No TLS connection to the bank's server can be made."
        "Check address and port; TLS 1.2 or 1.3 is needed. A proxy or a virus scanner on the way may be in the way.";
    ServerUntrusted "The server's certificate leads to no trusted CA, so the connection was given up."
        "Check that the address is the bank's. If a proxy or virus scanner decrypts connections, have the administrator except the bank's server. The certificate was not shown to it.";
    ServerNameDiffers "The server's certificate is for another name than the address, so the connection was given up."
        "Check that the address is the bank's. The certificate was not shown to it.";
    ServerExpired "The server's certificate is not valid now, so the connection was given up."
        "Check this computer's date and time; if they are right, tell the bank's branch. The certificate was not shown to the server.";
    LoginProxyRefused "The proxy did not connect to the bank's server."
        "Check the proxy's address, and with the network's administrator whether connections to the bank's server are allowed.";
    LoginSignatureUnsupported "The token does not sign in any way that the server takes."
        "Both are shown: tell the bank's branch. Nothing was changed on the token.";
    LoginAskedLater "The server asked for no certificate while the connection was made, and refused the page. It seems to want the certificate only once a page is asked for, which cannot be followed here."
        "Log in with a browser to see whether the new certificate works. Where it has to be confirmed here, ask the bank's branch for an address that demands the certificate while the connection is made. Nothing was changed on the token.";
    LoginLedOn "The server led on to a page that is not named as the one after the login. It may be what those see who are refused, so the login is not confirmed."
        "Look at that address in a browser. If it is the page after the login, name it as that and confirm again (pages.after_login in a bank's profile). If in doubt, ask the bank's branch. Nothing was changed on the token.";
    LoginUrlUnusable "The address of the login is missing, or it is none that can be used."
        "Give the address of the login page, which begins with https://; in a bank's profile it is pages.login_url.";
    OldFileUnusable "The file holds no certificate that could be renewed."
        "Look at the file, and name one with the certificate (.cer, .crt, .pem, .p12, .pfx).";
    Pkcs12PasswordNeeded "The file with the certificate (PKCS#12) can only be read with its password."
        "Enter the password that was chosen when the certificate was exported. It is not the token's PIN.";
    Pkcs12PasswordWrong "The password is not the one of the file with the certificate (PKCS#12)."
        "Enter the password that was chosen when the certificate was exported; a file is not locked by wrong ones. It is not the token's PIN.";
    Pkcs12Damaged "The file with the certificate (PKCS#12) is damaged or cut off."
        "Copy the file again, or export the certificate once more from where it is.";
    Pkcs12Unsupported "The file with the certificate (PKCS#12) is protected in a way that is not read."
        "Look at the algorithm shown, and export the file again with a password and AES or 3DES, or give a file with the certificate alone (.cer). The old private key is not needed for the renewal.";
    OldFileTooLarge "The file is too large to be one with a certificate."
        "Make sure that it is the right file.";
    NssMissing "The library that reads the certificates of Firefox and Thunderbird (NSS softokn) was not found on this computer."
        "Install Firefox, or export the certificate in Firefox to a file and name that file.";
    NssProfileUnusable "The folder is no Firefox or NSS profile that can be read."
        "Look for the profile's folder with cert9.db, and whether it may be read. Or, as with the old form (cert8.db), export the certificate in Firefox to a file and name that file.";
    PlaceUnsupported "There is no such place for certificates on this computer."
        "Export the certificate to a file and name that file.";
    StoreUnreadable "This computer's store of certificates cannot be read."
        "Sign in as the user whose certificate it is. If it cannot be read then either, export the certificate to a file and name that file.";
    OldNotFound "The certificate that is to be renewed is not in the place that was named."
        "Look at the place and the candidates shown, and name it again. A file that was moved is named by its new path.";
    OldAmbiguous "Several certificates in the place that was named may be meant."
        "Choose one of the candidates shown by its serial number.";
    OldIsCa "The certificate is a CA's, and not a customer's."
        "Name the certificate that was issued to the customer.";
    TokenNotNamed "It was not said onto which USB token the certificate is to be renewed."
        "Make sure which token the bank has sent, and name it from the candidates shown. Nothing was written to a token.";
    OldNotOfJob "The certificate that was given is not the one that this request renews."
        "Give the old certificate that was given when the request was made, and none where it was a first request. The pending key stays on the token.";
    OldKeyElsewhere "The old private key would have to sign, and it is not on this token."
        "Request in the form that the old key does not sign (PKCS#10). If the CA wants the old key's signature, ask your branch. Nothing was written to the token.";
    OldKeySignatureInvalid "What was signed with the old private key does not verify with the old certificate."
        "The application that signs for the old certificate used another key or another algorithm: contact its maker. The key that was made for this request was removed again.";
    LockLost "What keeps other jobs from this token was removed or replaced during this job, so it has stopped: another job may be at work."
        "Let nothing clear the file that is shown while a job runs. Then see what is on the token, since another job may have changed it, \
         and go on from there.";
    NssProfileBusy "Another program, such as a running Firefox, is using this profile, so its certificates cannot be read now."
        "Close Firefox, Thunderbird and Chrome, and try again. Nothing in the profile was changed.";
}
