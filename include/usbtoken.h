/*
 * usbtoken: renews the certificate on the USB token that a bank gave its customer.
 *
 * Made by `cargo xtask header` from the crate usbtoken-ffi. Do not edit.
 *
 * RULES, kept by every function:
 *
 *  1. Handles. Every object is an opaque handle with exactly one owner: you. Free each with the function of its
 *     own type, which takes the address of your pointer, sets it to NULL and accepts NULL. A handle is not an
 *     address: a freed one, one of another type, or a stray pointer is recognised (USBTOKEN_BAD_HANDLE) and never
 *     followed. Objects are independent: they may be freed in any order.
 *
 *  2. Results. A call that can fail returns a usbtoken_status: USBTOKEN_OK or a number that will never mean
 *     anything else. (The functions usbtoken_enroll_* return a usbtoken_hresult.) Outputs are written only on
 *     success; there are no in/out parameters. Functions that return a number or a pointer cannot fail: they
 *     return 0, USBTOKEN_UNKNOWN or NULL for what does not exist and for a handle that is not a living one.
 *
 *  3. Details of an error are kept by the handle that was the call's first argument, not by the thread:
 *     usbtoken_last_error. Calls that succeed leave them. Threads that share a context and want to know the
 *     details of their own errors make a handle of their own with usbtoken_context_clone. A call without a handle
 *     (usbtoken_context_new) has the status alone.
 *
 *  4. Pointers that go in are read during the call only, and never kept. They may be NULL where it says so, and
 *     are else answered with USBTOKEN_BAD_ARGUMENT. Text is UTF-8 with its length in bytes, or
 *     USBTOKEN_NUL_TERMINATED instead of the length; functions ending in _utf16 take UTF-16 and count code units.
 *     Text that is not valid in its encoding, and lengths beyond any sense, are refused. Callbacks are given UTF-8;
 *     what a PIN dialog shows and writes stands beside it in UTF-16. Structs begin with struct_size: set it to
 *     sizeof the struct, and what you do not use to 0. Flags and kinds are integers, and an unknown one is refused.
 *
 *  5. Pointers that come out of a function that returns text or bytes belong to the handle and live as long as it
 *     does. Text is NUL-terminated.
 *
 *  6. Threads. Every function may be called from every thread. A session and an enrolment object do one call at a
 *     time: a second one meanwhile is answered with USBTOKEN_BUSY. Callbacks run on the thread of the call that
 *     needs them, before it returns. Freeing a handle during a call on it is allowed; the call ends undisturbed.
 *     Inside each call a thread cannot be cancelled: pthread_cancel takes effect after it. Cancellation of the type
 *     PTHREAD_CANCEL_ASYNCHRONOUS must be off, as for nearly every function there is.
 *
 *  7. Nothing is thrown. A panic inside becomes USBTOKEN_PANIC. Your callbacks must not throw either.
 *
 *  8. PINs are copied into memory that is wiped, and appear in no text, log or error. Wipe your own copies.
 *
 *  9. fork: a child must not use handles of its parent; the calls answer USBTOKEN_FORKED where they would touch
 *     the driver. The driver stays initialised by whoever initialised it first: a host that uses the same driver
 *     keeps it. Free every handle before unloading this library.
 *
 * 10. Times are seconds since 1970-01-01 00:00:00 UTC; 0 is the clock's time. Days are counted by calendar date in
 *     Japan.
 */


#ifndef USBTOKEN_H
#define USBTOKEN_H

#include <stddef.h>
#include <stdint.h>

/** Instead of a length: the text ends at its NUL. */
#define USBTOKEN_NUL_TERMINATED SIZE_MAX

/** A number that is not known, or does not exist. */
#define USBTOKEN_UNKNOWN INT64_MIN

/* usbtoken_status: what went wrong. */

/** An argument is wrong. */
#define USBTOKEN_BAD_ARGUMENT 101
/** The token's PKCS#11 URI cannot be read. */
#define USBTOKEN_BAD_URI 102
/** A PKCS#11 URI must not contain the PIN. */
#define USBTOKEN_PIN_IN_URI 103
/** The file cannot be read. */
#define USBTOKEN_FILE_UNREADABLE 104
/** The file cannot be written. */
#define USBTOKEN_FILE_UNWRITABLE 105
/** The subject name cannot be read. */
#define USBTOKEN_BAD_SUBJECT 106
/** No PIN could be read from the place that was named. */
#define USBTOKEN_PIN_SOURCE_UNUSABLE 107
/** An invalid handle was passed. */
#define USBTOKEN_BAD_HANDLE 108
/** The folder that keeps requests and answers cannot be used. */
#define USBTOKEN_JOURNAL_UNUSABLE 109
/** The trust anchors that were given hold no certificate of a CA. */
#define USBTOKEN_ANCHOR_UNUSABLE 110
/** There is no place on this computer where this job could keep others from the token meanwhile. */
#define USBTOKEN_LOCK_UNUSABLE 111
/** The bank's profile that was asked for is not in its folder. */
#define USBTOKEN_PROFILE_NOT_FOUND 112
/** Several banks' profiles are installed and none was named. */
#define USBTOKEN_PROFILE_AMBIGUOUS 113
/** Others can change the bank's profile. */
#define USBTOKEN_PROFILE_UNTRUSTED 114
/** The file is too large for a bank's profile. */
#define USBTOKEN_PROFILE_TOO_LARGE 115
/** The bank's profile is not in UTF-8. */
#define USBTOKEN_PROFILE_NOT_UTF8 116
/** The bank's profile begins with a byte order mark. */
#define USBTOKEN_PROFILE_HAS_BOM 117
/** The bank's profile is not well-formed TOML. */
#define USBTOKEN_PROFILE_SYNTAX 118
/** The bank's profile has a key that does not exist. */
#define USBTOKEN_PROFILE_UNKNOWN_KEY 119
/** A value in the bank's profile is of the wrong type. */
#define USBTOKEN_PROFILE_WRONG_TYPE 120
/** The bank's profile lacks a key. */
#define USBTOKEN_PROFILE_MISSING_KEY 121
/** A value in the bank's profile cannot be used. */
#define USBTOKEN_PROFILE_BAD_VALUE 122
/** Two values in the bank's profile contradict each other. */
#define USBTOKEN_PROFILE_CONTRADICTION 123
/** This program does not read profiles of this version. */
#define USBTOKEN_PROFILE_VERSION 124
/** A pattern in the bank's profile matches every token. */
#define USBTOKEN_PROFILE_MATCHES_ALL 125
/** Two banks' profiles claim the same token. */
#define USBTOKEN_PROFILE_OVERLAP 126
/** This USB token is another bank's, by a profile that is installed on this computer. */
#define USBTOKEN_TOKEN_OF_OTHER_BANK 145
/** The USB token that was named is not one that this bank's profile describes. */
#define USBTOKEN_TOKEN_NOT_THE_BANKS 146
/** A trust anchor in the bank's profile cannot be read. */
#define USBTOKEN_PROFILE_ANCHOR_UNREADABLE 127
/** A trust anchor in the bank's profile has expired. */
#define USBTOKEN_PROFILE_ANCHOR_EXPIRED 128
/** A trust anchor in the bank's profile is not the certificate of a CA. */
#define USBTOKEN_PROFILE_ANCHOR_NOT_CA 129
/** An address in the bank's profile is not HTTPS. */
#define USBTOKEN_PROFILE_ORIGIN_INSECURE 130
/** A page's address in the bank's profile is not of the form https://host. */
#define USBTOKEN_PROFILE_ORIGIN_MALFORMED 131
/** The pin-source of a PKCS#11 URI is not followed. */
#define USBTOKEN_PIN_SOURCE_IN_URI 132
/** The address of the login is missing, or it is none that can be used. */
#define USBTOKEN_LOGIN_URL_UNUSABLE 133
/** The file holds no certificate that could be renewed. */
#define USBTOKEN_OLD_FILE_UNUSABLE 134
/** The file with the certificate (PKCS#12) can only be read with its password. */
#define USBTOKEN_PKCS12_PASSWORD_NEEDED 135
/** The password is not the one of the file with the certificate (PKCS#12). */
#define USBTOKEN_PKCS12_PASSWORD_WRONG 136
/** The file with the certificate (PKCS#12) is damaged or cut off. */
#define USBTOKEN_PKCS12_DAMAGED 137
/** The file with the certificate (PKCS#12) is protected in a way that is not read. */
#define USBTOKEN_PKCS12_UNSUPPORTED 138
/** The file is too large to be one with a certificate. */
#define USBTOKEN_OLD_FILE_TOO_LARGE 139
/** The library that reads the certificates of Firefox and Thunderbird (NSS softokn) was not found on this computer. */
#define USBTOKEN_NSS_MISSING 140
/** The folder is no Firefox or NSS profile that can be read. */
#define USBTOKEN_NSS_PROFILE_UNUSABLE 141
/** There is no such place for certificates on this computer. */
#define USBTOKEN_PLACE_UNSUPPORTED 142
/** This computer's store of certificates cannot be read. */
#define USBTOKEN_STORE_UNREADABLE 143
/** The names of two installed profiles differ in upper and lower case only. */
#define USBTOKEN_PROFILE_NAMES_ALIKE 144
/** The token's driver (PKCS#11 module) was not found. */
#define USBTOKEN_DRIVER_MISSING 201
/** The path of the driver is relative. */
#define USBTOKEN_DRIVER_PATH_RELATIVE 202
/** The file is not a driver (shared library). */
#define USBTOKEN_DRIVER_NOT_LIBRARY 203
/** The driver's file is damaged: it ends in the middle. */
#define USBTOKEN_DRIVER_TRUNCATED 204
/** The driver is 32-bit and this program 64-bit, or the other way round. */
#define USBTOKEN_DRIVER_WRONG_BITNESS 205
/** The driver is made for another operating system or processor. */
#define USBTOKEN_DRIVER_WRONG_PLATFORM 206
/** The library is not a PKCS#11 driver: it has no C_GetFunctionList. */
#define USBTOKEN_DRIVER_NO_ENTRY 207
/** The system cannot load the driver. */
#define USBTOKEN_DRIVER_UNLOADABLE 208
/** The driver did not start. */
#define USBTOKEN_DRIVER_INIT_FAILED 209
/** It is not certain that no other user of this computer can replace the driver's file. */
#define USBTOKEN_DRIVER_UNTRUSTED 210
/** The driver did not answer in time. */
#define USBTOKEN_DRIVER_TIMEOUT 211
/** The driver crashed. */
#define USBTOKEN_DRIVER_CRASHED 212
/** The program in which drivers run (usbtoken-driver) cannot be used. */
#define USBTOKEN_DRIVER_HOST_UNUSABLE 213
/** The driver cannot be kept from other files and programs, as was asked for; it was not loaded. */
#define USBTOKEN_DRIVER_NOT_CONFINED 214
/** The driver asks something at the terminal, and has none in a process of its own. */
#define USBTOKEN_DRIVER_ASKS_AT_TERMINAL 215
/** No USB token is inserted. */
#define USBTOKEN_TOKEN_NOT_PRESENT 220
/** This driver does not know the token that is inserted. */
#define USBTOKEN_TOKEN_NOT_RECOGNIZED 221
/** The USB token has not been initialised. */
#define USBTOKEN_TOKEN_NOT_INITIALIZED 222
/** No USB token matches what was asked for. */
#define USBTOKEN_TOKEN_NOT_FOUND 223
/** More than one USB token matches. */
#define USBTOKEN_TOKEN_AMBIGUOUS 224
/** The USB token was not inserted in time. */
#define USBTOKEN_WAIT_TIMED_OUT 225
/** The token holds no certificate that matches. */
#define USBTOKEN_CREDENTIAL_NOT_FOUND 230
/** More than one certificate matches. */
#define USBTOKEN_CREDENTIAL_AMBIGUOUS 231
/** The token holds no pending key that matches. */
#define USBTOKEN_PENDING_NOT_FOUND 232
/** More than one pending key matches. */
#define USBTOKEN_PENDING_AMBIGUOUS 233
/** The certificate's private key is not on the token. */
#define USBTOKEN_KEY_MISSING 234
/** This answer belongs to a request that was made on another token. */
#define USBTOKEN_ANSWER_FOR_OTHER_TOKEN 235
/** There is a certificate on the token that cannot be read, and no other one matches. */
#define USBTOKEN_CREDENTIAL_UNREADABLE 236
/** This request is finished: its key is in use with the certificate shown, and this is another one for it. */
#define USBTOKEN_REQUEST_FINISHED 237
/** No certificate that matches can be seen without the PIN. */
#define USBTOKEN_CREDENTIAL_NOT_SEEN 238
/** The certificate that is to be renewed is not in the place that was named. */
#define USBTOKEN_OLD_NOT_FOUND 250
/** Several certificates in the place that was named may be meant. */
#define USBTOKEN_OLD_AMBIGUOUS 251
/** The driver did not give an object on the token; what was looked for may be that one. */
#define USBTOKEN_OBJECT_UNREADABLE 239
/** The PIN is wrong. */
#define USBTOKEN_PIN_INCORRECT 301
/** The PIN is locked. */
#define USBTOKEN_PIN_LOCKED 302
/** One more wrong PIN locks the token. */
#define USBTOKEN_PIN_FINAL_TRY 303
/** The PIN is shorter or longer than this token takes, as far as it states. */
#define USBTOKEN_PIN_LENGTH 304
/** The PIN has characters that the token does not take. */
#define USBTOKEN_PIN_CHARACTERS 305
/** The PIN must be changed first. */
#define USBTOKEN_PIN_EXPIRED 306
/** No PIN has been set on the token. */
#define USBTOKEN_PIN_NOT_SET 307
/** The login failed, and may have counted as a wrong PIN. */
#define USBTOKEN_PIN_UNCERTAIN 308
/** This needs the PIN. */
#define USBTOKEN_PIN_REQUIRED 309
/** The PIN entry was cancelled. */
#define USBTOKEN_PIN_CANCELLED 310
/** The PIN is not correct. One more wrong PIN locks the token. */
#define USBTOKEN_PIN_INCORRECT_FINAL_TRY 311
/** The token states that its PIN is entered at its own keys, and it was not taken there. No PIN of this computer was used; one that was entered at those keys may have counted as wrong. */
#define USBTOKEN_PIN_PAD_REFUSED 313
/** The PIN of an earlier run was wrong, or that run ended before the token had answered, so nothing was tried: repeated by a program a wrong PIN would lock the token. */
#define USBTOKEN_PIN_WRONG_BEFORE 312
/** The token refused the length or the characters of the PIN that it was sent. That may have counted as a wrong PIN. */
#define USBTOKEN_PIN_FORM_REFUSED 314
/** The token refused the new PIN. The old one still holds. */
#define USBTOKEN_NEW_PIN_REFUSED 315
/** The new PIN is shorter or longer than this token takes, as far as it states. The PIN was not changed. */
#define USBTOKEN_NEW_PIN_LENGTH 316
/** Whether the PIN was changed is not known: either the old or the new one holds. It may also have counted as a wrong old PIN. */
#define USBTOKEN_PIN_CHANGE_UNCERTAIN 317
/** The new PIN is the old one. The PIN was not changed. */
#define USBTOKEN_NEW_PIN_SAME 318
/** This driver does not change PINs. The old one still holds. */
#define USBTOKEN_PIN_CHANGE_UNSUPPORTED 319
/** The PIN looks like a slip of the keyboard and was not sent. No try was counted. */
#define USBTOKEN_PIN_DOUBTFUL 320
/** The new PIN looks like a slip of the keyboard and was not sent. The PIN was not changed. */
#define USBTOKEN_NEW_PIN_DOUBTFUL 321
/** There is no room left on the token. */
#define USBTOKEN_TOKEN_FULL 401
/** The token cannot be written. */
#define USBTOKEN_WRITE_PROTECTED 402
/** The token lacks a cryptographic mechanism that is needed. */
#define USBTOKEN_MECHANISM_UNSUPPORTED 403
/** The token does not make keys of this size. */
#define USBTOKEN_KEY_SIZE_UNSUPPORTED 404
/** The token refused to make the key pair. */
#define USBTOKEN_TEMPLATE_REFUSED 405
/** The new private key could have left the token, so it was destroyed. */
#define USBTOKEN_KEY_EXPORTABLE 406
/** The proof that the private key cannot leave the token is weaker than demanded. */
#define USBTOKEN_PROOF_INSUFFICIENT 407
/** A signature made by the token does not verify. */
#define USBTOKEN_SIGNATURE_INVALID 408
/** The certificate read back from the token is not the one written. */
#define USBTOKEN_READ_BACK_DIFFERS 409
/** The token refused to store the certificate. */
#define USBTOKEN_CERTIFICATE_REFUSED 410
/** Objects could not be removed from the token. */
#define USBTOKEN_DESTROY_FAILED 411
/** The token refused the operation. */
#define USBTOKEN_TOKEN_REFUSED 412
/** The driver lacks this function. */
#define USBTOKEN_FUNCTION_UNSUPPORTED 413
/** The token takes no further connection. */
#define USBTOKEN_SESSION_LIMIT 414
/** The operation was cancelled at the token. */
#define USBTOKEN_OPERATION_CANCELLED 415
/** The public key that the token reports is malformed. */
#define USBTOKEN_PUBLIC_KEY_INVALID 416
/** Another kind of user is logged in to the token. */
#define USBTOKEN_LOGGED_IN_ELSEWHERE 417
/** The driver denies that the new key is protected, as some do until they are started anew. */
#define USBTOKEN_PROOF_UNDECIDED 418
/** The token does not let it be said that a new key is as it has to be, and did not make it so. The key was removed again. */
#define USBTOKEN_KEY_UNFIT 420
/** The CA's answer is empty. */
#define USBTOKEN_ANSWER_EMPTY 501
/** The CA's answer is too large. */
#define USBTOKEN_ANSWER_TOO_LARGE 502
/** The CA's answer cannot be read. */
#define USBTOKEN_ANSWER_UNREADABLE 503
/** The CA's answer ends in the middle. */
#define USBTOKEN_ANSWER_TRUNCATED 504
/** A PKCS#12 (PFX) file is refused, because it would import a private key. */
#define USBTOKEN_ANSWER_IS_PFX 505
/** The CA's answer holds no certificate. */
#define USBTOKEN_ANSWER_NO_CERTIFICATE 506
/** No certificate in the answer belongs to a pending key on this token. */
#define USBTOKEN_ANSWER_NO_LEAF 507
/** This certificate is on the token already. */
#define USBTOKEN_ALREADY_INSTALLED 508
/** The certificate that came has expired. */
#define USBTOKEN_CERTIFICATE_EXPIRED 509
/** The subject of the certificate differs from the one requested. */
#define USBTOKEN_SUBJECT_DIFFERS 511
/** The new certificate does not end later than the old one. */
#define USBTOKEN_NOT_LATER_THAN_OLD 512
/** The new certificate has the serial number of the old one. */
#define USBTOKEN_SERIAL_SAME 513
/** This is the certificate of a CA, not yours. */
#define USBTOKEN_IS_CA_CERTIFICATE 514
/** The certificate does not allow client authentication. */
#define USBTOKEN_PURPOSE_MISSING 515
/** The certificate does not allow signing. */
#define USBTOKEN_USAGE_MISSING 516
/** No valid chain leads from the certificate to a given trust anchor. */
#define USBTOKEN_CHAIN_UNTRUSTED 518
/** The CA refused the request. */
#define USBTOKEN_CMC_FAILED 519
/** The program that asks the CA failed. */
#define USBTOKEN_ISSUER_FAILED 520
/** This is a certificate request, not the CA's answer. */
#define USBTOKEN_ANSWER_IS_REQUEST 521
/** The certificate cannot be read. */
#define USBTOKEN_CERTIFICATE_UNREADABLE 522
/** The certificate belongs to another key than the one that waits on this token. */
#define USBTOKEN_KEY_MISMATCH 523
/** The CA rejected the request. */
#define USBTOKEN_ISSUER_REJECTED 524
/** The CA cannot be reached. */
#define USBTOKEN_ISSUER_UNREACHABLE 525
/** The program that asks the CA is not set up for this. */
#define USBTOKEN_ISSUER_MISCONFIGURED 526
/** The program that asks the CA did not end in time. */
#define USBTOKEN_ISSUER_TIMEOUT 527
/** The CA did not accept login ID and password. */
#define USBTOKEN_AUTHORISATION_REJECTED 528
/** This certificate is on the token already; it is not the one that the pending request waits for. */
#define USBTOKEN_CERTIFICATE_NOT_AWAITED 529
/** The certificate is not signed by the CA that it names. */
#define USBTOKEN_ISSUER_SIGNATURE_INVALID 530
/** The chain cannot be checked: a certificate is signed with an algorithm that is not supported. */
#define USBTOKEN_CHAIN_ALGORITHM_UNSUPPORTED 531
/** This is a web page, not a certificate. */
#define USBTOKEN_ANSWER_IS_WEB_PAGE 533
/** This is a mail without a certificate in it. */
#define USBTOKEN_ANSWER_IS_MAIL 534
/** This is an archive, not a certificate. */
#define USBTOKEN_ANSWER_IS_ARCHIVE 535
/** This is a document or an image, not a certificate. */
#define USBTOKEN_ANSWER_IS_DOCUMENT 536
/** This is a private key, not a certificate. */
#define USBTOKEN_ANSWER_IS_PRIVATE_KEY 537
/** This is a public key without a certificate. */
#define USBTOKEN_ANSWER_IS_PUBLIC_KEY 538
/** This is a list of revoked certificates (CRL), not a certificate. */
#define USBTOKEN_ANSWER_IS_CRL 539
/** This is an encrypted message. */
#define USBTOKEN_ANSWER_ENCRYPTED 540
/** This may be a certificate, but it is written in a form that is not read here. */
#define USBTOKEN_ANSWER_FORM_UNSUPPORTED 541
/** This is a SCEP response, and the certificate in it is encrypted for the requesting program. */
#define USBTOKEN_ANSWER_IS_CERT_REP 542
/** The new certificate comes from another CA than those that the bank names. */
#define USBTOKEN_ISSUER_UNEXPECTED 543
/** The CA's response is not in a form that the bank names. */
#define USBTOKEN_ANSWER_FORM_UNEXPECTED 544
/** The USB token was removed while it was in use. */
#define USBTOKEN_TOKEN_REMOVED 601
/** The token or its driver reports a fault. */
#define USBTOKEN_DEVICE_FAULT 602
/** The connection to the token was lost. */
#define USBTOKEN_SESSION_LOST 603
/** The process was forked after the driver was started. */
#define USBTOKEN_FORKED 604
/** Another token is in the slot now. */
#define USBTOKEN_TOKEN_CHANGED 605
/** The login ended in the middle of the job: another program used the token, or it was reset. */
#define USBTOKEN_LOGIN_LOST 606
/** An internal error occurred. */
#define USBTOKEN_INTERNAL 701
/** The driver answered against the specification. */
#define USBTOKEN_DRIVER_MISBEHAVED 702
/** The program failed inside and stopped the operation. */
#define USBTOKEN_PANIC 703
/** This computer is out of memory. */
#define USBTOKEN_OUT_OF_MEMORY 704
/** This certificate cannot be renewed yet. */
#define USBTOKEN_NOT_YET_RENEWABLE 801
/** This certificate has expired and cannot be renewed. */
#define USBTOKEN_EXPIRED 802
/** A renewal of this certificate, or a request for a first one, is pending. */
#define USBTOKEN_PENDING_EXISTS 803
/** Another job is at work on this token. */
#define USBTOKEN_BUSY 804
/** The date or time of this computer does not look right. */
#define USBTOKEN_CLOCK_IMPLAUSIBLE 805
/** It is the only usable certificate on the token, so it is not removed. */
#define USBTOKEN_RETIRE_ONLY_CREDENTIAL 806
/** It is not a complete pair of key and certificate, so it is not removed. */
#define USBTOKEN_RETIRE_NOT_OURS 807
/** The new certificate's key has not signed yet, so the old one is not removed. */
#define USBTOKEN_RETIRE_NOT_PROVEN 808
/** The key is not a pending key made by this program. */
#define USBTOKEN_NOT_PENDING 810
/** The operation was cancelled. */
#define USBTOKEN_CANCELLED 811
/** This web site is not allowed to work with certificates. */
#define USBTOKEN_ORIGIN_REFUSED 812
/** The operation on certificates was not allowed. */
#define USBTOKEN_CONSENT_DENIED 813
/** This certificate is renewed already. The new one is on this token, and its key has signed; or it was put onto the other token that is shown. */
#define USBTOKEN_ALREADY_RENEWED 814
/** The request that was sent is not kept on this computer, and one that is signed anew would differ from it. */
#define USBTOKEN_REQUEST_WOULD_DIFFER 815
/** No certificate on the token is known to take the place of this one, so it is not removed. */
#define USBTOKEN_RETIRE_NO_SUCCESSOR 816
/** The new certificate is not valid yet, so the old one is not removed. */
#define USBTOKEN_RETIRE_NOT_BEGUN 817
/** Neither the old one's CA nor a given trust anchor is shown to have issued the new certificate, so the old one is not removed. */
#define USBTOKEN_RETIRE_ISSUER_NOT_SHOWN 818
/** The old key is of a kind that cannot be made here, so the renewal does not choose one by itself. */
#define USBTOKEN_KEY_KIND_NOT_MADE 819
/** It is not certain that this object on the token is ours, so nothing more is removed. */
#define USBTOKEN_REMOVAL_DOUBTFUL 820
/** The certificate that this one has replaced is still on the token, so this one is not removed yet. */
#define USBTOKEN_RETIRE_OLDER_FIRST 821
/** The old certificate was not removed: a bank's server may refuse the new one. */
#define USBTOKEN_RETIRE_DOUBTFUL 822
/** Another program or a web page began this pending renewal. */
#define USBTOKEN_PENDING_OF_OTHER 823
/** Many requests of this web page wait on the token for their answers, so no further key is made. */
#define USBTOKEN_TOO_MANY_PENDING 824
/** The bank's profile does not let this be changed. */
#define USBTOKEN_OVERRIDE_REFUSED 825
/** The bank takes no more renewals of this certificate. */
#define USBTOKEN_RENEWAL_CLOSED 826
/** The bank's service has ended, and its certificates are renewed no more. */
#define USBTOKEN_SERVICE_ENDED 827
/** The old certificate is kept until a login with the new one is confirmed. */
#define USBTOKEN_RETIRE_NOT_CONFIRMED 828
/** The new certificate does not work at the bank yet, so the old one is not removed. */
#define USBTOKEN_NOT_IN_USE_YET 829
/** Another user's certificate is on the USB token, or a request of theirs waits there. At this bank each user needs a token of their own. */
#define USBTOKEN_OTHER_USER_ON_TOKEN 830
/** The rules of this renewal keep the old certificate. */
#define USBTOKEN_RETIRE_KEPT 831
/** The certificate that was issued as the renewal of this one has the name of another user on this token. */
#define USBTOKEN_RENEWED_FOR_ANOTHER 832
/** Two private keys have the same identifier and the same record, so the identifier does not say which one is to go. */
#define USBTOKEN_KEYS_ALIKE 833
/** What seems to take the place of this certificate is in another name, or comes from another CA. */
#define USBTOKEN_SUCCESSOR_DOUBTFUL 834
/** What is left of the old certificate may be a copy that another program has made, so it is not removed. */
#define USBTOKEN_OLD_IS_COPY 835
/** The new certificate does not have the identifier (CKA_ID) of its key on the token, so programs that go by that would find no credential. The old one is not removed. */
#define USBTOKEN_SUCCESSOR_NOT_BESIDE_KEY 836
/** The new certificate was ordered before the bank renews the old one, so the old one stays until it ends. */
#define USBTOKEN_RETIRE_BEFORE_WINDOW 844
/** The certificate is a CA's, and not a customer's. */
#define USBTOKEN_OLD_IS_CA 840
/** It was not said onto which USB token the certificate is to be renewed. */
#define USBTOKEN_TOKEN_NOT_NAMED 841
/** The certificate that was given is not the one that this request renews. */
#define USBTOKEN_OLD_NOT_OF_JOB 842
/** The old private key would have to sign, and it is not on this token. */
#define USBTOKEN_OLD_KEY_ELSEWHERE 843
/** This certificate was renewed long ago: the one that took its place can be renewed itself by now, or has ended. Nothing was written. */
#define USBTOKEN_SUCCESSOR_DUE 860
/** A private key that was made to renew this certificate, or for a first one, does not show on the token, and nothing says that it is gone. Nothing was written and nothing ordered. */
#define USBTOKEN_KEY_NOT_SHOWN 861
/** Another program has renewed this certificate, not usbtoken, and nobody has named it, so it is not removed. */
#define USBTOKEN_RENEWED_BY_ANOTHER_PROGRAM 895
/** What was signed with the old private key does not verify with the old certificate. */
#define USBTOKEN_OLD_KEY_SIGNATURE_INVALID 865
/** What keeps other jobs from this token was removed or replaced during this job, so it has stopped: another job may be at work. */
#define USBTOKEN_LOCK_LOST 885
/** Another program, such as a running Firefox, is using this profile, so its certificates cannot be read now. */
#define USBTOKEN_NSS_PROFILE_BUSY 850
/** The CA has not issued the certificate yet. */
#define USBTOKEN_NOT_YET_ISSUED 901
/** The CA has taken the request and has not decided yet. */
#define USBTOKEN_RESPONSE_PENDING 902
/** It is done, but the result could not be printed. */
#define USBTOKEN_RESULT_NOT_PRINTED 1001
/** The new key is on the token and waits, but its request could not be written. */
#define USBTOKEN_REQUEST_NOT_WRITTEN 1002
/** The bank's server did not accept the new certificate. */
#define USBTOKEN_LOGIN_REFUSED 1101
/** The server asked for no certificate, so it is not known whether the new one works. */
#define USBTOKEN_LOGIN_NOT_ASKED 1102
/** The server answers those without a certificate in the same way, so it is not known whether the new one works. */
#define USBTOKEN_LOGIN_NOT_DEMANDED 1103
/** The server points to another server, to which no connection is made. */
#define USBTOKEN_LOGIN_REDIRECTED 1104
/** The server's answer does not show whether the new certificate works. */
#define USBTOKEN_LOGIN_UNEXPECTED 1105
/** The bank's server cannot be reached. */
#define USBTOKEN_LOGIN_UNREACHABLE 1106
/** The bank's server did not answer in time. */
#define USBTOKEN_LOGIN_TIMEOUT 1107
/** The bank's server broke the connection off, or sent what cannot be read. */
#define USBTOKEN_LOGIN_BROKEN_OFF 1108
/** No TLS connection to the bank's server can be made. */
#define USBTOKEN_LOGIN_TLS_FAILED 1109
/** The server's certificate leads to no trusted CA, so the connection was given up. */
#define USBTOKEN_SERVER_UNTRUSTED 1110
/** The server's certificate is for another name than the address, so the connection was given up. */
#define USBTOKEN_SERVER_NAME_DIFFERS 1111
/** The server's certificate is not valid now, so the connection was given up. */
#define USBTOKEN_SERVER_EXPIRED 1112
/** The proxy did not connect to the bank's server. */
#define USBTOKEN_LOGIN_PROXY_REFUSED 1113
/** The token does not sign in any way that the server takes. */
#define USBTOKEN_LOGIN_SIGNATURE_UNSUPPORTED 1114
/** The server asked for no certificate while the connection was made, and refused the page. It seems to want the certificate only once a page is asked for, which cannot be followed here. */
#define USBTOKEN_LOGIN_ASKED_LATER 1115
/** The server led on to a page that is not named as the one after the login. It may be what those see who are refused, so the login is not confirmed. */
#define USBTOKEN_LOGIN_LED_ON 1116

/* Steps of the job. */

/** Looking for drivers */
#define USBTOKEN_STEP_FIND_DRIVERS 1
/** Loading the driver */
#define USBTOKEN_STEP_LOAD_DRIVER 2
/** Starting the driver */
#define USBTOKEN_STEP_INITIALIZE_DRIVER 3
/** Looking for the token */
#define USBTOKEN_STEP_FIND_TOKEN 4
/** Waiting for the token to be inserted */
#define USBTOKEN_STEP_WAIT_FOR_TOKEN 5
/** Connecting to the token */
#define USBTOKEN_STEP_OPEN_SESSION 6
/** Reading the certificates */
#define USBTOKEN_STEP_READ_OBJECTS 7
/** Checking whether the renewal can work */
#define USBTOKEN_STEP_PREFLIGHT 8
/** Logging in */
#define USBTOKEN_STEP_LOG_IN 9
/** Generating the new key on the token */
#define USBTOKEN_STEP_GENERATE_KEY_PAIR 10
/** Reading the new public key */
#define USBTOKEN_STEP_READ_PUBLIC_KEY 11
/** Checking that the private key cannot leave the token */
#define USBTOKEN_STEP_PROVE_KEY 12
/** Signing the request */
#define USBTOKEN_STEP_SIGN_REQUEST 13
/** Asking the CA */
#define USBTOKEN_STEP_ASK_ISSUER 14
/** Reading the CA's answer */
#define USBTOKEN_STEP_READ_ANSWER 15
/** Checking the new certificate */
#define USBTOKEN_STEP_CHECK_CERTIFICATE 16
/** Writing the certificate */
#define USBTOKEN_STEP_WRITE_CERTIFICATE 17
/** Reading the certificate back */
#define USBTOKEN_STEP_READ_BACK 18
/** Checking that the new key signs */
#define USBTOKEN_STEP_SIGN_CHALLENGE 19
/** Completing the new certificate */
#define USBTOKEN_STEP_COMPLETE 20
/** Removing the old certificate */
#define USBTOKEN_STEP_RETIRE 21
/** Removing the pending key */
#define USBTOKEN_STEP_ABANDON 22
/** Listing the devices that are plugged in */
#define USBTOKEN_STEP_LIST_DEVICES 23
/** Reading the bank's profile */
#define USBTOKEN_STEP_READ_PROFILE 24
/** Logging in at the bank's server with the new certificate */
#define USBTOKEN_STEP_CONFIRM 25
/** Waiting for the driver, which is still working */
#define USBTOKEN_STEP_STILL_WORKING 26
/** Changing the PIN */
#define USBTOKEN_STEP_CHANGE_PIN 29
/** Reading the old certificate */
#define USBTOKEN_STEP_READ_PLACE 27

/* Warnings. */

/** A wrong PIN was entered since the last right one. */
#define USBTOKEN_NOTICE_PIN_COUNT_LOW 1
/** One more wrong PIN locks the token. */
#define USBTOKEN_NOTICE_PIN_FINAL_TRY 2
/** The token wants its PIN changed. */
#define USBTOKEN_NOTICE_PIN_TO_BE_CHANGED 3
/** The token does not tell how much memory is free. */
#define USBTOKEN_NOTICE_MEMORY_UNKNOWN 4
/** Little memory is free on the token. */
#define USBTOKEN_NOTICE_MEMORY_LOW 5
/** The token does not tell which kinds of key it supports. */
#define USBTOKEN_NOTICE_MECHANISM_UNKNOWN 6
/** It is outside the renewal period; the renewal goes on as asked. */
#define USBTOKEN_NOTICE_WINDOW_FORCED 7
/** The date or time of this computer may be wrong. */
#define USBTOKEN_NOTICE_CLOCK_UNCERTAIN 8
/** A renewal of this certificate is pending. */
#define USBTOKEN_NOTICE_PENDING_EXISTS 9
/** Other certificates on the token have the same subject. */
#define USBTOKEN_NOTICE_SAME_SUBJECT 10
/** Only the driver's claim says that the private key cannot leave the token. */
#define USBTOKEN_NOTICE_PROOF_CLAIMED 11
/** The token took the certificate only with the fewest attributes. */
#define USBTOKEN_NOTICE_MINIMAL_CERTIFICATE 12
/** The old certificate was kept on the token. */
#define USBTOKEN_NOTICE_OLD_KEPT 14
/** A certificate on the token cannot be read. */
#define USBTOKEN_NOTICE_CERTIFICATE_UNREADABLE 16
/** The old key was used again, as asked. */
#define USBTOKEN_NOTICE_KEY_REUSED 17
/** Which CA issued the certificate was not checked: no trust anchor was given. */
#define USBTOKEN_NOTICE_CHAIN_NOT_CHECKED 19
/** Not every CA certificate of the answer could be written to the token. */
#define USBTOKEN_NOTICE_CHAIN_NOT_WRITTEN 22
/** A token is plugged in, its driver is installed, and the driver does not see it. */
#define USBTOKEN_NOTICE_DEVICE_NOT_SEEN 23
/** Several tokens of one kind are plugged in, and the drivers do not see all of them. */
#define USBTOKEN_NOTICE_DEVICES_PARTLY_SEEN 24
/** A card reader or token is plugged in that is not known here, and no driver sees a token in it. */
#define USBTOKEN_NOTICE_SMART_CARD_UNKNOWN 25
/** The token holds no certificate that can be seen without the PIN. */
#define USBTOKEN_NOTICE_NO_CERTIFICATE 26
/** The request could not be kept on this computer. */
#define USBTOKEN_NOTICE_REQUEST_NOT_KEPT 27
/** The CA changed the subject of the certificate. */
#define USBTOKEN_NOTICE_SUBJECT_CHANGED 28
/** The new certificate begins later than the clock of this computer says. */
#define USBTOKEN_NOTICE_NOT_YET_VALID 29
/** The new certificate comes from another CA than the old one. */
#define USBTOKEN_NOTICE_ANOTHER_ISSUER 30
/** This certificate was installed before and works; nothing was written. */
#define USBTOKEN_NOTICE_ALREADY_INSTALLED 31
/** The certificate names no purpose but 'any' (anyExtendedKeyUsage): a bank's server may refuse it. */
#define USBTOKEN_NOTICE_PURPOSE_ONLY_ANY 32
/** The certificate has a critical extension that is not known here: a bank's server may refuse it. */
#define USBTOKEN_NOTICE_UNKNOWN_CRITICAL 33
/** An extension of the certificate cannot be read: a bank's server may refuse it. */
#define USBTOKEN_NOTICE_EXTENSION_UNREADABLE 34
/** The certificate's key usage allows signing certificates, which only a CA's may. */
#define USBTOKEN_NOTICE_USAGE_OF_CA 36
/** The new key will be of another size than the old one. */
#define USBTOKEN_NOTICE_KEY_KIND_CHANGES 35
/** A part of the CA's response could not be read and was passed over. */
#define USBTOKEN_NOTICE_RESPONSE_PARTLY_USED 37
/** This program was logged in to the token already, so the token did not check the PIN. */
#define USBTOKEN_NOTICE_PIN_NOT_CHECKED 40
/** This certificate is renewed already; it is renewed once more as asked for. */
#define USBTOKEN_NOTICE_RENEWED 38
/** This certificate seems to be renewed already. */
#define USBTOKEN_NOTICE_SAID_RENEWED 39
/** What seems to take the place of this certificate is in another name, or comes from another CA. */
#define USBTOKEN_NOTICE_SUCCESSOR_DOUBTFUL 110
/** The token does not state that it is initialised. */
#define USBTOKEN_NOTICE_INITIALIZED_NOT_STATED 41
/** The token does not state that its PIN is set. */
#define USBTOKEN_NOTICE_PIN_NOT_STATED 42
/** The token states that it is write-protected. */
#define USBTOKEN_NOTICE_WRITE_PROTECTION_STATED 43
/** The token does not list what this kind of key needs. */
#define USBTOKEN_NOTICE_MECHANISM_NOT_LISTED 44
/** The token states that it makes keys of other sizes only. */
#define USBTOKEN_NOTICE_KEY_SIZE_NOT_STATED 45
/** The token made the new certificate private: it is seen after the login only. */
#define USBTOKEN_NOTICE_CERTIFICATE_PRIVATE 46
/** The new certificate or its key has no label of its own: a program that chooses by label may take the wrong one. */
#define USBTOKEN_NOTICE_LABEL_SHARED 47
/** The token shows the new certificate and its key under different ids (CKA_ID): some programs may not find the key. */
#define USBTOKEN_NOTICE_ID_DIFFERS 48
/** Of the certificates that show without the PIN none can be renewed now. */
#define USBTOKEN_NOTICE_MORE_AFTER_LOGIN 55
/** A renewal of this certificate was begun on this token. Whether it is finished shows after the login only. */
#define USBTOKEN_NOTICE_BEGUN_BEFORE 56
/** The token states that its PIN is entered at its own keys. */
#define USBTOKEN_NOTICE_PIN_PAD_STATED 85
/** The token states PIN lengths that the PIN may not have. */
#define USBTOKEN_NOTICE_PIN_LENGTH_STATED 86
/** The token gives keys labels of its own, so nothing on it says that this key belongs to a renewal. */
#define USBTOKEN_NOTICE_KEY_LABEL_CHOSEN 57
/** The token holds one certificate for a key: the new one has taken the old one's place. */
#define USBTOKEN_NOTICE_OLD_CERTIFICATE_REPLACED 76
/** The new certificate does not work at the bank yet. */
#define USBTOKEN_NOTICE_WORKS_LATER 51
/** None of the tokens that are plugged in is the one that the bank distributed. */
#define USBTOKEN_NOTICE_BANK_TOKEN_ABSENT 52
/** None of the drivers that the bank names is on this computer. */
#define USBTOKEN_NOTICE_BANK_DRIVER_ABSENT 53
/** A trust anchor of the bank's profile ends soon. */
#define USBTOKEN_NOTICE_BANK_ANCHOR_ENDS 54
/** The token's key cannot sign for TLS 1.3, so the login went by TLS 1.2. */
#define USBTOKEN_NOTICE_LOGIN_BY_TLS12 64
/** A copy that other software on this computer keeps still has the old certificate. */
#define USBTOKEN_NOTICE_COPY_SHOWS_OLD 65
/** The confirmed login could not be recorded on this computer. */
#define USBTOKEN_NOTICE_CONFIRMATION_NOT_KEPT 66
/** The server does not name the new certificate's CA among those that it accepts. */
#define USBTOKEN_NOTICE_ISSUER_NOT_NAMED 67
/** A certificate on the USB token, or a request that waits there, seems to be another user's. At this bank each user needs a token of their own. */
#define USBTOKEN_NOTICE_OTHER_USER_SEEN 70
/** The certificate ends soon. */
#define USBTOKEN_NOTICE_RENEWAL_DUE 71
/** This USB token comes with an initial PIN. */
#define USBTOKEN_NOTICE_INITIAL_PIN 72
/** This USB token comes without a certificate: the first one is to be issued, not renewed. */
#define USBTOKEN_NOTICE_DELIVERED_EMPTY 73
/** A device that may be the bank's USB token is plugged in, and no driver sees it. */
#define USBTOKEN_NOTICE_BANK_DEVICE_NOT_SEEN 74
/** Other users of this computer can read the file that holds the PIN. */
#define USBTOKEN_NOTICE_PIN_FILE_READABLE 103
/** The PIN began with a byte order mark, which was left out. */
#define USBTOKEN_NOTICE_PIN_FILE_MARK 104
/** The bank's profile does not call this token its own; it is used because it was named. */
#define USBTOKEN_NOTICE_NOT_THE_BANKS_TOKEN 93
/** The old certificate is where it was. Nothing is removed from there. */
#define USBTOKEN_NOTICE_OLD_STAYS_ELSEWHERE 94
/** The old certificate is not on the token and was not given, so the new one was not compared with it. */
#define USBTOKEN_NOTICE_OLD_NOT_COMPARED 95
/** The renewal of this certificate was ordered on another token too. */
#define USBTOKEN_NOTICE_ORDERED_ON_OTHER_TOKEN 145
/** The certificate that is renewed is not valid yet. */
#define USBTOKEN_NOTICE_OLD_NOT_YET_VALID 146
/** The old certificate is not any more where it was. This program has not removed it. */
#define USBTOKEN_NOTICE_OLD_NOT_WHERE_IT_WAS 147
/** The token shown seems to hold the renewal of this certificate already. */
#define USBTOKEN_NOTICE_RENEWED_ON_OTHER_TOKEN 149
/** This certificate was renewed onto the token shown. That token is plugged in, and the new certificate is not on it any more. */
#define USBTOKEN_NOTICE_RENEWAL_GONE 169
/** Whether the old certificate is still where it was could not be seen. This program has removed nothing there. */
#define USBTOKEN_NOTICE_OLD_NOT_SEEN 148
/** A place could not be read, and the certificates there are not shown. */
#define USBTOKEN_NOTICE_PLACE_SKIPPED 96
/** This login was not at the bank's address and by the bank's rules, so no old certificate is removed because of it. */
#define USBTOKEN_NOTICE_LOGIN_NOT_AT_BANK 108
/** The program in which drivers run (usbtoken-driver) is not in the same folder, or cannot be used: drivers run inside this program. */
#define USBTOKEN_NOTICE_DRIVER_IN_PROCESS 120
/** By this profile the bank renews nothing any more: its service has ended. */
#define USBTOKEN_NOTICE_PROFILE_SERVICE_ENDED 135
/** A reminder in this profile comes before the day from which on a certificate can be renewed. */
#define USBTOKEN_NOTICE_PROFILE_REMINDER_EARLY 136
/** This profile names an issuer that no anchor is, while an anchor has the same name in the other order. */
#define USBTOKEN_NOTICE_PROFILE_ISSUER_REVERSED 137
/** Nothing old was removed: no certificate on the token is known to be replaced by this one. */
#define USBTOKEN_NOTICE_NOTHING_REPLACED 138
/** A copy of the old certificate is left on the token. Another program may have made it, so it is not removed. */
#define USBTOKEN_NOTICE_COPY_KEPT 111
/** A certificate is on the token more than once. It counts as one. */
#define USBTOKEN_NOTICE_CERTIFICATE_TWICE 173
/** The renewal is done. The old certificate is still kept, for the reason that was told before. */
#define USBTOKEN_NOTICE_OLD_STILL_KEPT 112
/** The old certificate was removed, and its key is left on the token: another certificate is for it, or may be. */
#define USBTOKEN_NOTICE_OLD_KEY_STAYS 163
/** A public key is left on the token. It seems to belong to the old certificate, but may be another program's, so it is not removed. */
#define USBTOKEN_NOTICE_PUBLIC_KEY_KEPT 181
/** Another program had stored the new certificate under another id (CKA_ID) than its key's. It was stored under its key's id as well, where every program finds it. */
#define USBTOKEN_NOTICE_CERTIFICATE_APART 164
/** The day of the installation could not be kept on this computer, so a later run does not know it. */
#define USBTOKEN_NOTICE_INSTALLATION_NOT_KEPT 139

/* Points of the preflight, each with what is said when it is in order. */

/** The token is initialised. */
#define USBTOKEN_POINT_TOKEN_INITIALIZED 1
/** The token can be written. */
#define USBTOKEN_POINT_TOKEN_WRITABLE 2
/** No flag speaks against the PIN. */
#define USBTOKEN_POINT_PIN_USABLE 3
/** There is room on the token. */
#define USBTOKEN_POINT_MEMORY 4
/** The token supports the kind of key. */
#define USBTOKEN_POINT_MECHANISM 5
/** The certificate can be renewed now. */
#define USBTOKEN_POINT_WINDOW 6
/** No certificate on the token contradicts the date of this computer. */
#define USBTOKEN_POINT_CLOCK 7
/** No renewal is pending. */
#define USBTOKEN_POINT_NOTHING_PENDING 8
/** No other certificate has the same subject. */
#define USBTOKEN_POINT_SUBJECT_UNIQUE 9
/** The private key of the present certificate is there. */
#define USBTOKEN_POINT_OLD_KEY 10
/** The new key will be of the kind of the old one. */
#define USBTOKEN_POINT_KEY_KIND 11
/** There is no other user's certificate on the token. */
#define USBTOKEN_POINT_ONLY_USER 12

/* What the facts of an error mean. */

/** file */
#define USBTOKEN_FACT_PATH 1
/** expected */
#define USBTOKEN_FACT_EXPECTED 2
/** found */
#define USBTOKEN_FACT_FOUND 3
/** candidate */
#define USBTOKEN_FACT_CANDIDATE 4
/** token */
#define USBTOKEN_FACT_TOKEN 5
/** limit */
#define USBTOKEN_FACT_LIMIT 6
/** id */
#define USBTOKEN_FACT_ID 7
/** date (JST) */
#define USBTOKEN_FACT_DATE 8
/** detail */
#define USBTOKEN_FACT_DETAIL 9
/** driver */
#define USBTOKEN_FACT_DRIVER 10
/** subject */
#define USBTOKEN_FACT_SUBJECT 11
/** serial number */
#define USBTOKEN_FACT_SERIAL 12
/** days */
#define USBTOKEN_FACT_DAYS 13
/** device */
#define USBTOKEN_FACT_DEVICE 14
/** answer kept in */
#define USBTOKEN_FACT_SAVED_ANSWER 15
/** to go on */
#define USBTOKEN_FACT_GO_ON 16
/** seconds */
#define USBTOKEN_FACT_SECONDS 17
/** size (bytes) */
#define USBTOKEN_FACT_SIZE 18
/** first line */
#define USBTOKEN_FACT_FIRST_LINE 19
/** this computer's time */
#define USBTOKEN_FACT_NOW 20
/** valid from */
#define USBTOKEN_FACT_BEGINS 21
/** algorithm */
#define USBTOKEN_FACT_ALGORITHM 24
/** issuers compared */
#define USBTOKEN_FACT_ISSUER_CONTINUITY 25
/** stated by the token */
#define USBTOKEN_FACT_STATED 27
/** PKCS#11 URI */
#define USBTOKEN_FACT_URI 28
/** who is at work */
#define USBTOKEN_FACT_HOLDER 26
/** reason */
#define USBTOKEN_FACT_REASON 31
/** Line */
#define USBTOKEN_FACT_LINE 32
/** Column */
#define USBTOKEN_FACT_COLUMN 33
/** Key */
#define USBTOKEN_FACT_KEY 34
/** Bank's profile */
#define USBTOKEN_FACT_BANK 35
/** Contact */
#define USBTOKEN_FACT_CONTACT 36
/** certificate */
#define USBTOKEN_FACT_CERTIFICATE 40
/** looked at */
#define USBTOKEN_FACT_SEEN 41
/** address */
#define USBTOKEN_FACT_URL 50
/** HTTP status */
#define USBTOKEN_FACT_HTTP_STATUS 51
/** TLS alert */
#define USBTOKEN_FACT_ALERT 52
/** accepted by the server */
#define USBTOKEN_FACT_ACCEPTED 53
/** old certificate, still on the token */
#define USBTOKEN_FACT_STILL_THERE 65
/** works at the bank from (JST) */
#define USBTOKEN_FACT_WORKS_FROM 105
/** new certificate ordered on (JST) */
#define USBTOKEN_FACT_ORDERED_ON 106
/** renewed from (JST) */
#define USBTOKEN_FACT_WINDOW_OPENS 107
/** place */
#define USBTOKEN_FACT_PLACE 81
/** Reference number */
#define USBTOKEN_FACT_REFERENCE 54
/** Function */
#define USBTOKEN_FACT_FUNCTION 70
/** program needed */
#define USBTOKEN_FACT_DRIVER_HOST 71
/** Serial number of the new certificate */
#define USBTOKEN_FACT_SUCCESSOR 89
/** Serial number of the older certificate */
#define USBTOKEN_FACT_OLDER 120
/** CKA_ID of its key */
#define USBTOKEN_FACT_KEY_ID 121


/**
 * No flag of the token speaks against the PIN. Drivers may leave flags unset, so this proves nothing.
 */
#define USBTOKEN_PIN_STATE_USABLE 0

/**
 * A wrong PIN was entered since the last right one.
 */
#define USBTOKEN_PIN_STATE_COUNT_LOW 1

/**
 * One wrong PIN more locks the token.
 */
#define USBTOKEN_PIN_STATE_FINAL_TRY 2

/**
 * The token wants its PIN changed.
 */
#define USBTOKEN_PIN_STATE_TO_BE_CHANGED 3

/**
 * No PIN was ever set.
 */
#define USBTOKEN_PIN_STATE_NOT_SET 4

/**
 * The PIN is locked.
 */
#define USBTOKEN_PIN_STATE_LOCKED 5

/**
 * Log: a call failed; the text is the whole report on one line.
 */
#define USBTOKEN_LOG_ERROR 1

/**
 * Log: a warning.
 */
#define USBTOKEN_LOG_WARNING 2

/**
 * Log: a step begins.
 */
#define USBTOKEN_LOG_INFO 3

/**
 * usbtoken_error_text: what went wrong, as one sentence.
 */
#define USBTOKEN_ERROR_SENTENCE 1

/**
 * usbtoken_error_text: what the person should do next.
 */
#define USBTOKEN_ERROR_NEXT_ACTION 2

/**
 * usbtoken_error_text: all of it, in several lines.
 */
#define USBTOKEN_ERROR_REPORT 3

/**
 * usbtoken_error_text: all of it on one line.
 */
#define USBTOKEN_ERROR_ONE_LINE 4

/**
 * usbtoken_error_text: what support wants to know, the same in every language.
 */
#define USBTOKEN_ERROR_SUPPORT 5

/**
 * usbtoken_error_text: the name of the code, such as "pin_locked".
 */
#define USBTOKEN_ERROR_CODE_NAME 6

/**
 * usbtoken_error_text: the name of the step, such as "log_in"; NULL when none is known.
 */
#define USBTOKEN_ERROR_STEP_NAME 7

/**
 * usbtoken_error_text: the PKCS#11 function that failed, such as "C_Login"; NULL when none did.
 */
#define USBTOKEN_ERROR_FUNCTION 8

/**
 * usbtoken_error_text: the name of what it returned, such as "CKR_PIN_LOCKED"; NULL when none failed.
 */
#define USBTOKEN_ERROR_RETURN_VALUE_NAME 9

/**
 * usbtoken_error_text: what the library beneath said; NULL when nothing.
 */
#define USBTOKEN_ERROR_CAUSE 10

/**
 * The language of the environment (LC_ALL, LC_MESSAGES, LANG): Japanese if that names it, else English.
 */
#define USBTOKEN_LANGUAGE_DEFAULT 0

/**
 * Japanese.
 */
#define USBTOKEN_LANGUAGE_JA 1

/**
 * English.
 */
#define USBTOKEN_LANGUAGE_EN 2

/**
 * usbtoken_bank_text: the name under which the profile is installed.
 */
#define USBTOKEN_BANK_ID 1

/**
 * usbtoken_bank_text: the bank's name, in English.
 */
#define USBTOKEN_BANK_NAME 2

/**
 * usbtoken_bank_text: the bank's name, in Japanese.
 */
#define USBTOKEN_BANK_NAME_JA 3

/**
 * usbtoken_bank_text: whom its customers call, one a line, in English; NULL when the profile names no one.
 */
#define USBTOKEN_BANK_CONTACTS 4

/**
 * usbtoken_bank_text: the same in Japanese.
 */
#define USBTOKEN_BANK_CONTACTS_JA 5

/**
 * usbtoken_bank_text: where a customer logs in with the certificate; NULL when the profile does not say.
 */
#define USBTOKEN_BANK_LOGIN_URL 6

/**
 * usbtoken_bank_text: the origins whose pages may use the enrolment facade, one a line.
 */
#define USBTOKEN_BANK_ORIGINS 7

/**
 * usbtoken_bank_text: what a customer may override, one a line.
 */
#define USBTOKEN_BANK_MAY_OVERRIDE 8

/**
 * usbtoken_bank_text: what the PIN is called on the bank's letter, in English, for your PIN dialog; NULL when the profile
 * does not say.
 */
#define USBTOKEN_BANK_PIN 9

/**
 * usbtoken_bank_text: the same in Japanese.
 */
#define USBTOKEN_BANK_PIN_JA 10

/**
 * usbtoken_bank_text: what the bank calls its tokens, one a line, in English; NULL when the profile does not say.
 */
#define USBTOKEN_BANK_TOKEN_NAMES 11

/**
 * usbtoken_bank_text: the same in Japanese.
 */
#define USBTOKEN_BANK_TOKEN_NAMES_JA 12

/**
 * usbtoken_bank_text: what else is to be done with a new certificate, to be shown after usbtoken_install, in English; NULL when
 * the profile does not say.
 */
#define USBTOKEN_BANK_AFTER_INSTALLATION 13

/**
 * usbtoken_bank_text: the same in Japanese.
 */
#define USBTOKEN_BANK_AFTER_INSTALLATION_JA 14

/**
 * usbtoken_bank_text: how the old certificate ends at the bank, in English; NULL when the profile does not say.
 */
#define USBTOKEN_BANK_OLD_CERTIFICATE 15

/**
 * usbtoken_bank_text: the same in Japanese.
 */
#define USBTOKEN_BANK_OLD_CERTIFICATE_JA 16

/**
 * usbtoken_bank_text: what is to be done when it is too late to renew, in English; NULL when the profile does not say.
 */
#define USBTOKEN_BANK_TOO_LATE 17

/**
 * usbtoken_bank_text: the same in Japanese.
 */
#define USBTOKEN_BANK_TOO_LATE_JA 18

/**
 * usbtoken_bank_text: the program that asks the CA, by its path; NULL when the profile names none.
 */
#define USBTOKEN_BANK_ISSUER_HELPER 19

/**
 * usbtoken_bank_text: the shell command that asks the CA; NULL when the profile names none.
 */
#define USBTOKEN_BANK_ISSUER_COMMAND 20

/**
 * usbtoken_bank_text: the proxy through which the CA is asked, as a URL; NULL when the profile names none.
 */
#define USBTOKEN_BANK_ISSUER_PROXY 21

/**
 * usbtoken_bank_text: on how many days before the expiry date a customer is reminded, one number a line; NULL for none.
 */
#define USBTOKEN_BANK_REMINDERS 22

/**
 * usbtoken_bank_number: how many days before the expiry the window opens.
 */
#define USBTOKEN_BANK_WINDOW_DAYS 1

/**
 * usbtoken_bank_number: how many seconds the CA may take; USBTOKEN_UNKNOWN when the profile does not say.
 */
#define USBTOKEN_BANK_ISSUER_SECONDS 2

/**
 * usbtoken_bank_number: the format that the bank wants of a renewal's request, USBTOKEN_FORMAT_…. A first certificate is asked
 * for with PKCS#10 all the same.
 */
#define USBTOKEN_BANK_REQUEST_FORMAT 3

/**
 * usbtoken_bank_number: what becomes of the old credential, USBTOKEN_BANK_OLD_….
 */
#define USBTOKEN_BANK_OLD_CREDENTIAL 4

/**
 * USBTOKEN_BANK_OLD_CREDENTIAL: it stays. usbtoken_session_retire is refused unless the profile lets it be overridden.
 */
#define USBTOKEN_BANK_OLD_KEEP 0

/**
 * USBTOKEN_BANK_OLD_CREDENTIAL: the person is asked.
 */
#define USBTOKEN_BANK_OLD_ASK 1

/**
 * USBTOKEN_BANK_OLD_CREDENTIAL: it goes once the new one is installed.
 */
#define USBTOKEN_BANK_OLD_REMOVE 2

/**
 * USBTOKEN_BANK_OLD_CREDENTIAL: it goes after a login with the new one (usbtoken_confirm, usbtoken_session_retire_with).
 */
#define USBTOKEN_BANK_OLD_REMOVE_AFTER_CONFIRMATION 3

/**
 * usbtoken_options: accept drivers that other users of the machine could replace. Not for production.
 */
#define USBTOKEN_OPTION_TRUST_ANY_OWNER 1

/**
 * usbtoken_options: ask none of the drivers that p11-kit's configuration names.
 */
#define USBTOKEN_OPTION_WITHOUT_P11_KIT 2

/**
 * usbtoken_devices_text: its name: what it tells itself, else what is known of it.
 */
#define USBTOKEN_DEVICE_NAME 1

/**
 * usbtoken_devices_text: its USB numbers, such as "0529:0620".
 */
#define USBTOKEN_DEVICE_USB_ID 2

/**
 * usbtoken_devices_text: the maker's name, as the device tells it.
 */
#define USBTOKEN_DEVICE_MANUFACTURER 3

/**
 * usbtoken_devices_text: the product's name, as the device tells it.
 */
#define USBTOKEN_DEVICE_PRODUCT 4

/**
 * usbtoken_devices_text: the device's serial number, which is not the token's.
 */
#define USBTOKEN_DEVICE_SERIAL 5

/**
 * usbtoken_devices_text: the stable names of the families of tokens it may belong to, one a line.
 */
#define USBTOKEN_DEVICE_FAMILIES 6

/**
 * usbtoken_devices_text: the drivers: those that are installed, or those that are wanted, one a line.
 */
#define USBTOKEN_DEVICE_DRIVERS 7

/**
 * usbtoken_devices_state: there is no such device.
 */
#define USBTOKEN_DEVICE_NONE 0

/**
 * usbtoken_devices_state: a driver for it is installed; it was not asked.
 */
#define USBTOKEN_DEVICE_DRIVER_INSTALLED 1

/**
 * usbtoken_devices_state: its driver is not installed.
 */
#define USBTOKEN_DEVICE_DRIVER_MISSING 2

/**
 * usbtoken_devices_state: a smart-card interface that is not known: a card reader, or a token of another maker.
 */
#define USBTOKEN_DEVICE_UNKNOWN 3

/**
 * usbtoken_devices_state: a driver sees its token. Only a diagnosis knows.
 */
#define USBTOKEN_DEVICE_SEEN 4

/**
 * usbtoken_devices_state: several such devices are plugged in, and the drivers see fewer tokens. Only a diagnosis
 * knows.
 */
#define USBTOKEN_DEVICE_SOME_SEEN 5

/**
 * usbtoken_devices_state: a driver for it is installed, and does not see it. Only a diagnosis knows.
 */
#define USBTOKEN_DEVICE_NOT_SEEN 6

/**
 * usbtoken_diagnosis_text: a page to read, the problems first.
 */
#define USBTOKEN_DIAGNOSIS_PAGE 1

/**
 * usbtoken_diagnosis_text: the same as JSON.
 */
#define USBTOKEN_DIAGNOSIS_JSON 2

/**
 * usbtoken_diagnosis_text: everything in one text for a support desk: the page in both languages, and the JSON.
 * Names and serial numbers of tokens and certificates are in it, and paths of this computer; nothing secret is.
 */
#define USBTOKEN_DIAGNOSIS_BUNDLE 3

/**
 * usbtoken_diagnosis_problem_number: how much it weighs, USBTOKEN_WEIGHT_….
 */
#define USBTOKEN_PROBLEM_WEIGHT 1

/**
 * usbtoken_diagnosis_problem_number: the usbtoken_status; USBTOKEN_UNKNOWN for a warning.
 */
#define USBTOKEN_PROBLEM_STATUS 2

/**
 * usbtoken_diagnosis_problem_number: the warning, USBTOKEN_NOTICE_…; USBTOKEN_UNKNOWN for an error.
 */
#define USBTOKEN_PROBLEM_NOTICE 3

/**
 * usbtoken_diagnosis_problem_text: the stable name, such as "driver_missing".
 */
#define USBTOKEN_PROBLEM_NAME 1

/**
 * usbtoken_diagnosis_problem_text: what is wrong, as one sentence.
 */
#define USBTOKEN_PROBLEM_SENTENCE 2

/**
 * usbtoken_diagnosis_problem_text: what the person should do next.
 */
#define USBTOKEN_PROBLEM_NEXT_ACTION 3

/**
 * usbtoken_diagnosis_problem_text: what goes with it: devices, drivers, tokens; one a line.
 */
#define USBTOKEN_PROBLEM_FACTS 4

/**
 * A problem's severity: nothing works before it is solved.
 */
#define USBTOKEN_WEIGHT_BLOCKS 1

/**
 * A problem's severity: it may be what is searched for.
 */
#define USBTOKEN_WEIGHT_WARNS 2

/**
 * A problem's severity: good to know.
 */
#define USBTOKEN_WEIGHT_REMARKS 3

/**
 * usbtoken_drivers_text: the path, as it was named.
 */
#define USBTOKEN_DRIVER_PATH 1

/**
 * usbtoken_drivers_text: who named it: "explicit", "environment", "p11_kit", "user" or "catalogue".
 */
#define USBTOKEN_DRIVER_ORIGIN 2

/**
 * usbtoken_drivers_text: the file of p11-kit's configuration, or the entry of a catalogue, that names it.
 */
#define USBTOKEN_DRIVER_NAMED_IN 3

/**
 * usbtoken_drivers_text: who made the driver.
 */
#define USBTOKEN_DRIVER_MANUFACTURER 4

/**
 * usbtoken_drivers_text: what the driver calls itself.
 */
#define USBTOKEN_DRIVER_DESCRIPTION 5

/**
 * usbtoken_drivers_text: the driver's own version, such as "2.6".
 */
#define USBTOKEN_DRIVER_VERSION 6

/**
 * usbtoken_drivers_text: the version of PKCS#11 that it speaks, such as "2.40".
 */
#define USBTOKEN_DRIVER_PKCS11_VERSION 7

/**
 * usbtoken_drivers_number: how many tokens it sees, blank ones too.
 */
#define USBTOKEN_DRIVER_TOKENS 1

/**
 * usbtoken_drivers_number: how many milliseconds it took to check, load and initialise it.
 */
#define USBTOKEN_DRIVER_MILLISECONDS 2

/**
 * usbtoken_context_confine_drivers: drivers may read the path, a file or a folder.
 */
#define USBTOKEN_DRIVER_READS 1

/**
 * usbtoken_context_confine_drivers: drivers may read and change the path, a file, a folder, a device or a socket.
 */
#define USBTOKEN_DRIVER_WRITES 2

/**
 * usbtoken_overview_text: the subject.
 */
#define USBTOKEN_OVERVIEW_SUBJECT 1

/**
 * usbtoken_overview_text: the common name.
 */
#define USBTOKEN_OVERVIEW_COMMON_NAME 2

/**
 * usbtoken_overview_text: the issuer.
 */
#define USBTOKEN_OVERVIEW_ISSUER 3

/**
 * usbtoken_overview_text: the serial number, in lower-case hexadecimal.
 */
#define USBTOKEN_OVERVIEW_SERIAL 4

/**
 * usbtoken_overview_text: SHA-1 over the certificate, in hexadecimal: what Windows calls its thumbprint.
 */
#define USBTOKEN_OVERVIEW_THUMBPRINT 5

/**
 * usbtoken_overview_text: where it is: "pkcs11:…" for a token, "file:…", "nss:…", "windows:…".
 */
#define USBTOKEN_OVERVIEW_PLACE 6

/**
 * usbtoken_overview_text: the label of the token that it is on; NULL for one on this computer.
 */
#define USBTOKEN_OVERVIEW_TOKEN_LABEL 7

/**
 * usbtoken_overview_text: the serial number of that token.
 */
#define USBTOKEN_OVERVIEW_TOKEN_SERIAL 8

/**
 * usbtoken_overview_text: the serial number of the certificate that is said to take its place.
 */
#define USBTOKEN_OVERVIEW_RENEWED_BY 9

/**
 * usbtoken_overview_text: the label of the token that that one is on.
 */
#define USBTOKEN_OVERVIEW_RENEWED_ON 10

/**
 * usbtoken_overview_number: the expiry, in seconds since 1970-01-01 00:00:00 UTC.
 */
#define USBTOKEN_OVERVIEW_NOT_AFTER 1

/**
 * usbtoken_overview_number: the days until then, counted by calendar date in Japan.
 */
#define USBTOKEN_OVERVIEW_DAYS_LEFT 2

/**
 * usbtoken_overview_number: why it cannot be renewed now, as a status: USBTOKEN_NOT_YET_RENEWABLE, USBTOKEN_EXPIRED,
 * USBTOKEN_ALREADY_RENEWED …; USBTOKEN_OK when it can.
 */
#define USBTOKEN_OVERVIEW_NOT_RENEWABLE 3

/**
 * usbtoken_overview_number: 1 when a CA that the bank's profile names may have issued it; also where it names none.
 */
#define USBTOKEN_OVERVIEW_MAY_BE_BANKS 4

/**
 * usbtoken_token_text: the label.
 */
#define USBTOKEN_TOKEN_LABEL 1

/**
 * usbtoken_token_text: the manufacturer.
 */
#define USBTOKEN_TOKEN_MANUFACTURER 2

/**
 * usbtoken_token_text: the model.
 */
#define USBTOKEN_TOKEN_MODEL 3

/**
 * usbtoken_token_text: the serial number.
 */
#define USBTOKEN_TOKEN_SERIAL 4

/**
 * usbtoken_token_text: a PKCS#11 URI (RFC 7512) that names this token.
 */
#define USBTOKEN_TOKEN_URI 5

/**
 * usbtoken_token_text: the path of its driver.
 */
#define USBTOKEN_TOKEN_DRIVER_PATH 6

/**
 * usbtoken_token_text: who made the driver.
 */
#define USBTOKEN_TOKEN_DRIVER_MANUFACTURER 7

/**
 * usbtoken_token_text: what the driver calls itself.
 */
#define USBTOKEN_TOKEN_DRIVER_DESCRIPTION 8

/**
 * usbtoken_token_text: all that the token says of itself, as JSON.
 */
#define USBTOKEN_TOKEN_JSON 9

/**
 * usbtoken_token_number: the state of the PIN, USBTOKEN_PIN_STATE_….
 */
#define USBTOKEN_TOKEN_PIN_STATE 1

/**
 * usbtoken_token_number: 1 when the PIN is entered at the token or its reader.
 */
#define USBTOKEN_TOKEN_PIN_PAD 2

/**
 * usbtoken_token_number: 1 when the token refuses every write.
 */
#define USBTOKEN_TOKEN_WRITE_PROTECTED 3

/**
 * usbtoken_token_number: the shortest PIN in bytes that the token claims to take.
 */
#define USBTOKEN_TOKEN_PIN_SHORTEST 4

/**
 * usbtoken_token_number: the longest PIN in bytes that the token claims to take.
 */
#define USBTOKEN_TOKEN_PIN_LONGEST 5

/**
 * usbtoken_token_number: free memory in bytes for public objects, where the token tells.
 */
#define USBTOKEN_TOKEN_FREE_PUBLIC_MEMORY 6

/**
 * usbtoken_token_number: free memory in bytes for private objects, where the token tells.
 */
#define USBTOKEN_TOKEN_FREE_PRIVATE_MEMORY 7

/**
 * usbtoken_confirmed_text: the record to keep, in JSON. usbtoken_session_retire_with takes it, where the bank lets an old
 * credential go after a confirmed login only. There is nothing secret in it.
 */
#define USBTOKEN_CONFIRMED_RECORD 1

/**
 * usbtoken_confirmed_text: the address at which the login was asked for.
 */
#define USBTOKEN_CONFIRMED_URL 2

/**
 * usbtoken_confirmed_text: the status line of the server's answer.
 */
#define USBTOKEN_CONFIRMED_HTTP_STATUS 3

/**
 * usbtoken_confirmed_text: the version of TLS, `TLS 1.2` or `TLS 1.3`.
 */
#define USBTOKEN_CONFIRMED_TLS 4

/**
 * usbtoken_confirmed_text: where the server handed on to, one a line; NULL where it did not.
 */
#define USBTOKEN_CONFIRMED_REDIRECTIONS 5

/**
 * usbtoken_confirmed_text: the CAs that the server says it accepts, one a line; NULL where it does not say.
 */
#define USBTOKEN_CONFIRMED_ACCEPTED_ISSUERS 6

/**
 * usbtoken_confirmed_number: when the server answered, in seconds since 1970.
 */
#define USBTOKEN_CONFIRMED_AT 1

/**
 * usbtoken_credential_text: the whole subject (RFC 4514).
 */
#define USBTOKEN_CREDENTIAL_SUBJECT 1

/**
 * usbtoken_credential_text: the common name.
 */
#define USBTOKEN_CREDENTIAL_COMMON_NAME 2

/**
 * usbtoken_credential_text: the organizations, one a line.
 */
#define USBTOKEN_CREDENTIAL_ORGANIZATIONS 3

/**
 * usbtoken_credential_text: the organizational units, one a line.
 */
#define USBTOKEN_CREDENTIAL_ORGANIZATIONAL_UNITS 4

/**
 * usbtoken_credential_text: the whole issuer (RFC 4514).
 */
#define USBTOKEN_CREDENTIAL_ISSUER 5

/**
 * usbtoken_credential_text: the serial number, in lower-case hexadecimal.
 */
#define USBTOKEN_CREDENTIAL_SERIAL 6

/**
 * usbtoken_credential_text: CKA_ID, in lower-case hexadecimal.
 */
#define USBTOKEN_CREDENTIAL_ID 7

/**
 * usbtoken_credential_text: CKA_LABEL.
 */
#define USBTOKEN_CREDENTIAL_LABEL 8

/**
 * usbtoken_credential_text: the kind of key, such as "RSA 2048" or "P-256".
 */
#define USBTOKEN_CREDENTIAL_KEY_ALGORITHM 9

/**
 * usbtoken_credential_text: Organization, Organization Unit, Common Name and serial number, one a line, as the
 * bank's own screen shows them after a renewal.
 */
#define USBTOKEN_CREDENTIAL_SUMMARY 10

/**
 * usbtoken_credential_text: SHA-1 over the certificate, in hexadecimal: what Windows calls its thumbprint.
 */
#define USBTOKEN_CREDENTIAL_THUMBPRINT 11

/**
 * usbtoken_credential_text: the extensions of the certificate that cannot be read, by name or in dotted form, one a
 * line; empty when all can be read.
 */
#define USBTOKEN_CREDENTIAL_UNREADABLE_EXTENSIONS 12

/**
 * usbtoken_credential_text: CKA_ID of the credential that takes this one's place, in lower-case hexadecimal; NULL when
 * none is known.
 */
#define USBTOKEN_CREDENTIAL_SUCCESSOR_ID 13

/**
 * usbtoken_credential_text: the serial number of that credential's certificate, in lower-case hexadecimal.
 */
#define USBTOKEN_CREDENTIAL_SUCCESSOR_SERIAL 14

/**
 * usbtoken_credential_text: the day in Japan from which the one in use can be renewed, in the window of 40 days:
 * "2027-01-24".
 */
#define USBTOKEN_CREDENTIAL_SUCCESSOR_RENEWABLE_FROM 15

/**
 * usbtoken_credentials_unreadable_text: CKA_ID, in lower-case hexadecimal.
 */
#define USBTOKEN_UNREADABLE_ID 1

/**
 * usbtoken_credentials_unreadable_text: CKA_LABEL.
 */
#define USBTOKEN_UNREADABLE_LABEL 2

/**
 * usbtoken_credentials_unreadable_text: the length of CKA_VALUE in bytes, in decimal.
 */
#define USBTOKEN_UNREADABLE_SIZE 3

/**
 * usbtoken_credentials_unreadable_text: why it cannot be read, in English.
 */
#define USBTOKEN_UNREADABLE_REASON 4

/**
 * usbtoken_credentials_unreadable_text: why it cannot be read, in Japanese.
 */
#define USBTOKEN_UNREADABLE_REASON_JA 5

/**
 * usbtoken_credential_number: the first second of validity, counted from 1970-01-01 00:00:00 UTC.
 */
#define USBTOKEN_CREDENTIAL_NOT_BEFORE 1

/**
 * usbtoken_credential_number: the last second of validity, counted from 1970-01-01 00:00:00 UTC.
 */
#define USBTOKEN_CREDENTIAL_NOT_AFTER 2

/**
 * usbtoken_credential_number: USBTOKEN_PRIVATE_KEY_….
 */
#define USBTOKEN_CREDENTIAL_PRIVATE_KEY 3

/**
 * usbtoken_credential_number: how many other certificates on the token have the same subject; copies of this one are none.
 */
#define USBTOKEN_CREDENTIAL_TWINS 4

/**
 * usbtoken_credential_number: how many other objects on the token hold this very certificate, as far as they show. Copies count as one
 * credential; those with another CKA_ID or CKA_LABEL have an entry of their own in the list.
 */
#define USBTOKEN_CREDENTIAL_COPIES 8

/**
 * usbtoken_credential_number: USBTOKEN_RENEWED_….
 */
#define USBTOKEN_CREDENTIAL_RENEWED 5

/**
 * usbtoken_credential_number: the last second of validity of the credential that takes this one's place, counted from
 * 1970-01-01 00:00:00 UTC.
 */
#define USBTOKEN_CREDENTIAL_SUCCESSOR_NOT_AFTER 6

/**
 * usbtoken_credential_number: 1 when a key waits for the certificate that is to take this one's place, as far as that is
 * seen: in a list of a session.
 */
#define USBTOKEN_CREDENTIAL_RENEWAL_PENDING 7

/**
 * No credential on the token is known to take the place of this one.
 */
#define USBTOKEN_RENEWED_NO 0

/**
 * Public objects say that one does, which anybody can write on some tokens, or the record on the key of a certificate with
 * another subject. A renewal asks the private key.
 */
#define USBTOKEN_RENEWED_SAID 1

/**
 * One does: the record on its private key says so, that key has signed, and both certificates have one subject.
 */
#define USBTOKEN_RENEWED_PROVEN 2

/**
 * No one logged in, so private keys cannot be seen.
 */
#define USBTOKEN_PRIVATE_KEY_NOT_LOOKED_FOR 0

/**
 * The private key is on the token.
 */
#define USBTOKEN_PRIVATE_KEY_PRESENT 1

/**
 * The private key is not on the token.
 */
#define USBTOKEN_PRIVATE_KEY_MISSING 2

/**
 * usbtoken_credential_renewable: it cannot be said; the handle is not a living one, or the time makes no sense.
 */
#define USBTOKEN_RENEWABLE_UNKNOWN 0

/**
 * usbtoken_credential_renewable: it can be renewed now.
 */
#define USBTOKEN_RENEWABLE_YES 1

/**
 * usbtoken_credential_renewable: the window is not open yet.
 */
#define USBTOKEN_RENEWABLE_NOT_YET 2

/**
 * usbtoken_credential_renewable: it has expired; it has to be issued anew.
 */
#define USBTOKEN_RENEWABLE_EXPIRED 3

/**
 * usbtoken_credential_renewable: its private key is not on the token.
 */
#define USBTOKEN_RENEWABLE_KEY_MISSING 4

/**
 * usbtoken_credential_renewable: it is renewed; see USBTOKEN_CREDENTIAL_SUCCESSOR_ID.
 */
#define USBTOKEN_RENEWABLE_RENEWED 5

/**
 * usbtoken_credential_renewable: public objects say that it is renewed. Whether it is, usbtoken_renewal_begin asks.
 */
#define USBTOKEN_RENEWABLE_SAID_RENEWED 6

/**
 * usbtoken_credential_renewable: it works still, and the bank renews it no more.
 */
#define USBTOKEN_RENEWABLE_CLOSED 7

/**
 * usbtoken_install_params.relax: accept another subject than the one requested.
 */
#define USBTOKEN_RELAX_SUBJECT 1

/**
 * usbtoken_install_params.relax: accept a certificate that is not valid now.
 */
#define USBTOKEN_RELAX_VALIDITY 2

/**
 * usbtoken_install_params.relax: accept one that does not end later than the old one.
 */
#define USBTOKEN_RELAX_LATER_THAN_OLD 4

/**
 * usbtoken_install_params.relax: accept the old one's serial number.
 */
#define USBTOKEN_RELAX_SERIAL 8

/**
 * usbtoken_install_params.relax: accept a CA's certificate.
 */
#define USBTOKEN_RELAX_NOT_CA 16

/**
 * usbtoken_install_params.relax: accept one that is not for client authentication.
 */
#define USBTOKEN_RELAX_PURPOSE 32

/**
 * usbtoken_install_params.relax: accept one whose key usage does not allow signing.
 */
#define USBTOKEN_RELAX_USAGE 64

/**
 * usbtoken_install_params.flags: write the CA certificates of the answer to the token too.
 */
#define USBTOKEN_INSTALL_CA_CERTIFICATES 1

/**
 * usbtoken_install_params.flags: accept a certificate for the key of the old credential.
 */
#define USBTOKEN_INSTALL_REUSE_KEY 2

/**
 * usbtoken_installed_text: what the driver says about the exportability of the key, as JSON, for your audit.
 */
#define USBTOKEN_INSTALLED_PROOF_JSON 1

/**
 * usbtoken_installed_text: the day in Japan from which on the certificate works at the bank, "2026-11-30"; NULL where it works at
 * once, and without a bank's profile. Until then nothing old is removed.
 */
#define USBTOKEN_INSTALLED_WORKS_FROM 2

/**
 * usbtoken_installed_text: the order's reference number; NULL where usbtoken_context_note_order had noted none.
 */
#define USBTOKEN_INSTALLED_REFERENCE 3

/**
 * usbtoken_installed_text: the record of the day, for usbtoken_context_note_installation in a later process; NULL where the
 * certificate was there already and nobody knows the day.
 */
#define USBTOKEN_INSTALLED_RECORD 4

/**
 * usbtoken_installed_number: USBTOKEN_PROOF_….
 */
#define USBTOKEN_INSTALLED_PROOF 1

/**
 * usbtoken_installed_number: 1 when the certificate is for the old key.
 */
#define USBTOKEN_INSTALLED_KEY_REUSED 2

/**
 * usbtoken_installed_number: USBTOKEN_ISSUER_….
 */
#define USBTOKEN_INSTALLED_ISSUER 3

/**
 * usbtoken_installed_number: 1 when the certificate was on the token already, complete: nothing was written.
 */
#define USBTOKEN_INSTALLED_WAS_THERE 4

/**
 * Who issued a certificate: a valid chain leads to an anchor that was given.
 */
#define USBTOKEN_ISSUER_VERIFIED_BY_ANCHOR 1

/**
 * Who issued a certificate: one CA key verifies the signatures of the old and the new one.
 */
#define USBTOKEN_ISSUER_SAME 2

/**
 * Who issued a certificate: it could not be told.
 */
#define USBTOKEN_ISSUER_NOT_CHECKED 3

/**
 * Who issued a certificate: another CA than the old one's.
 */
#define USBTOKEN_ISSUER_ANOTHER 4

/**
 * How far the new subject may differ from the old one: the usual rule.
 */
#define USBTOKEN_SUBJECT_DEFAULT 0

/**
 * How far the new subject may differ from the old one: the common name may change, compared by RFC 5280 §7.1. A
 * certificate that breaks this rule is installed with a warning.
 */
#define USBTOKEN_SUBJECT_COMMON_NAME_MAY_CHANGE 1

/**
 * How far the new subject may differ from the old one: not by a byte. Another one is refused.
 */
#define USBTOKEN_SUBJECT_EXACT 2

/**
 * How far the new subject may differ from the old one: any subject is taken.
 */
#define USBTOKEN_SUBJECT_ANY 3

/**
 * usbtoken_login: the person was told that a wrong PIN now locks the token, and said yes.
 */
#define USBTOKEN_LOGIN_ACCEPT_FINAL_TRY 1

/**
 * usbtoken_login: send the PIN as it is, even when the token states that PINs are shorter or longer or that it has a PIN pad.
 */
#define USBTOKEN_LOGIN_PIN_AS_TYPED 2

/**
 * How the old key signs: RSASSA-PKCS1-v1_5 with SHA-256.
 */
#define USBTOKEN_SIGNATURE_RSA_SHA256 1

/**
 * How the old key signs: ECDSA on P-256 with SHA-256; the signature in DER, a SEQUENCE of r and s.
 */
#define USBTOKEN_SIGNATURE_ECDSA_SHA256 2

/**
 * How the old key signs: ECDSA on P-384 with SHA-384; the signature in DER, a SEQUENCE of r and s.
 */
#define USBTOKEN_SIGNATURE_ECDSA_SHA384 3

/**
 * usbtoken_pending_text: CKA_ID, in lower-case hexadecimal.
 */
#define USBTOKEN_PENDING_ID 1

/**
 * usbtoken_pending_text: the serial number of the certificate that the job renews or retires; NULL for a first
 * key, and when that certificate is no longer on the token.
 */
#define USBTOKEN_PENDING_CONCERNS 2

/**
 * usbtoken_pending_text: the day on which the job began, by the calendar in Japan: "2026-11-22".
 */
#define USBTOKEN_PENDING_SINCE 3

/**
 * usbtoken_pending_text: for whom the certificate was asked, to be shown: the subject of the one that is renewed, or the
 * common name of a first one; NULL where the token does not tell.
 */
#define USBTOKEN_PENDING_FOR_WHOM 4

/**
 * usbtoken_pending_text: what makes it doubtful that the key is ours, a stable name, such as "same_record"; NULL where
 * nothing does.
 */
#define USBTOKEN_PENDING_DOUBT 5

/**
 * usbtoken_pending_text: the order's reference number; NULL where usbtoken_context_note_order has noted none.
 */
#define USBTOKEN_PENDING_REFERENCE 6

/**
 * usbtoken_pending_number: USBTOKEN_PENDING_AWAITS_ANSWER ….
 */
#define USBTOKEN_PENDING_STATE 1

/**
 * usbtoken_pending_number: whole days since the job began.
 */
#define USBTOKEN_PENDING_AGE_DAYS 2

/**
 * usbtoken_pending_number: USBTOKEN_BEGUN_BY_….
 */
#define USBTOKEN_PENDING_BEGUN_BY 3

/**
 * USBTOKEN_PENDING_BEGUN_BY: the command.
 */
#define USBTOKEN_BEGUN_BY_COMMAND 1

/**
 * USBTOKEN_PENDING_BEGUN_BY: a program.
 */
#define USBTOKEN_BEGUN_BY_PROGRAM 2

/**
 * USBTOKEN_PENDING_BEGUN_BY: a web page.
 */
#define USBTOKEN_BEGUN_BY_PAGE 3

/**
 * USBTOKEN_PENDING_BEGUN_BY: the previous release, which did not keep it.
 */
#define USBTOKEN_BEGUN_BY_PREVIOUS_RELEASE 4

/**
 * USBTOKEN_PENDING_STATE: the key pair is there; the CA's answer is not.
 */
#define USBTOKEN_PENDING_AWAITS_ANSWER 1

/**
 * USBTOKEN_PENDING_STATE: not reported any more. A key whose certificate is written and signs is complete.
 */
#define USBTOKEN_PENDING_CERTIFICATE_WRITTEN 2

/**
 * USBTOKEN_PENDING_STATE: the key of an old credential whose removal stopped in the middle.
 */
#define USBTOKEN_PENDING_HALF_RETIRED 3

/**
 * USBTOKEN_PENDING_STATE: only a public key is left; it can only be removed.
 */
#define USBTOKEN_PENDING_REMNANT 4

/**
 * USBTOKEN_PENDING_STATE: a certificate seems to be there; whether it is the key's own, only its signature says, for which
 * the token wants the PIN. Install the answer again.
 */
#define USBTOKEN_PENDING_NOT_CONFIRMED 5

/**
 * usbtoken_change_pin: send the new PIN as it is, even when the token states that PINs are shorter or longer, or it looks like a slip.
 */
#define USBTOKEN_CHANGE_NEW_PIN_AS_TYPED 4

/**
 * A point of the preflight: nothing speaks against the renewal.
 */
#define USBTOKEN_FINDING_OK 0

/**
 * A point of the preflight: the renewal can go on; the person should know.
 */
#define USBTOKEN_FINDING_WARNING 1

/**
 * A point of the preflight: the renewal cannot begin.
 */
#define USBTOKEN_FINDING_BLOCKER 2

/**
 * How sure it must be that the key cannot be exported: as sure as the library always demands.
 */
#define USBTOKEN_PROOF_DEFAULT 0

/**
 * How sure it is: the key can be exported. Such a key is destroyed.
 */
#define USBTOKEN_PROOF_REFUSED 1

/**
 * How sure it is: sensitive, not extractable, its value refused; where it came from is not reported.
 */
#define USBTOKEN_PROOF_CLAIMED 2

/**
 * How sure it is: all of that, and generated on the token, and never otherwise since. The driver's word, not an
 * attestation by the token's maker.
 */
#define USBTOKEN_PROOF_PROVEN 3

/**
 * usbtoken_renewal_params: renew although the window is not open, or the certificate has expired.
 */
#define USBTOKEN_RENEW_OUTSIDE_WINDOW 1

/**
 * usbtoken_renewal_params: make another key although one is pending for the same credential.
 */
#define USBTOKEN_RENEW_BESIDE_PENDING 2

/**
 * usbtoken_renewal_params: request a certificate for the old key.
 */
#define USBTOKEN_RENEW_REUSE_KEY 4

/**
 * usbtoken_renewal_params: let the old key sign the request too, as Microsoft CAs take it (MS-WCCE
 * §3.1.1.4.3.2.1). It can then be had as CMS.
 */
#define USBTOKEN_RENEW_SIGNED_BY_OLD_KEY 8

/**
 * usbtoken_renewal_params: send the request although the driver denies that the new key is protected, and cannot be started
 * anew because your program has it in use (USBTOKEN_PROOF_UNDECIDED). The installation judges the key again.
 */
#define USBTOKEN_RENEW_ALTHOUGH_DENIED 16

/**
 * usbtoken_renewal_params: renew although another certificate on the token takes the place of this one, or seems to
 * (USBTOKEN_ALREADY_RENEWED, USBTOKEN_SUCCESSOR_DOUBTFUL, USBTOKEN_RENEWED_FOR_ANOTHER): a person has seen which one that is, and says
 * that this one is to be renewed all the same.
 */
#define USBTOKEN_RENEW_ALTHOUGH_RENEWED 32

/**
 * usbtoken_renewal_text: CKA_ID of the new pair, in lower-case hexadecimal.
 */
#define USBTOKEN_RENEWAL_ID 1

/**
 * usbtoken_renewal_text: the subject of the request (RFC 4514).
 */
#define USBTOKEN_RENEWAL_SUBJECT 2

/**
 * usbtoken_renewal_text: what the driver says about the exportability of the key, as JSON, for your audit.
 */
#define USBTOKEN_RENEWAL_PROOF_JSON 3

/**
 * usbtoken_renewal_number: USBTOKEN_PROOF_….
 */
#define USBTOKEN_RENEWAL_PROOF 1

/**
 * usbtoken_renewal_number: 1 when the request is for the old key.
 */
#define USBTOKEN_RENEWAL_KEY_REUSED 2

/**
 * usbtoken_retire_params.flags: remove it although nothing shows that one CA has issued both (USBTOKEN_RETIRE_ISSUER_NOT_SHOWN): a person has
 * named the successor, which `successor` has to be, and looked who has issued it. Where there are anchors, in the params or in the bank's
 * profile, these say it all the same.
 */
#define USBTOKEN_RETIRE_ALTHOUGH_ISSUER_NOT_SHOWN 1

/**
 * usbtoken_error_number: the usbtoken_status.
 */
#define USBTOKEN_ERROR_CODE 1

/**
 * usbtoken_error_number: the step, USBTOKEN_STEP_…; USBTOKEN_UNKNOWN when none is known.
 */
#define USBTOKEN_ERROR_STEP 2

/**
 * usbtoken_error_number: the CK_RV that the PKCS#11 function returned; USBTOKEN_UNKNOWN when none failed.
 */
#define USBTOKEN_ERROR_RETURN_VALUE 3

/**
 * usbtoken_error_number: how many facts there are.
 */
#define USBTOKEN_ERROR_FACT_COUNT 4

/**
 * usbtoken_renewal_request: PKCS#10 (RFC 2986), DER.
 */
#define USBTOKEN_FORMAT_DER 1

/**
 * usbtoken_renewal_request: PKCS#10, PEM.
 */
#define USBTOKEN_FORMAT_PEM 2

/**
 * usbtoken_renewal_request: CMS SignedData by the old key around the PKCS#10, DER. Needs
 * USBTOKEN_RENEW_SIGNED_BY_OLD_KEY.
 */
#define USBTOKEN_FORMAT_CMS_DER 3

/**
 * usbtoken_renewal_request: the same, PEM.
 */
#define USBTOKEN_FORMAT_CMS_PEM 4

/**
 * A kind of key: the old one's kind; for a first certificate, RSA 2048.
 */
#define USBTOKEN_KEY_AS_OLD 0

/**
 * A kind of key: RSA, 2048 bits.
 */
#define USBTOKEN_KEY_RSA_2048 1

/**
 * A kind of key: RSA, 3072 bits.
 */
#define USBTOKEN_KEY_RSA_3072 2

/**
 * A kind of key: RSA, 4096 bits.
 */
#define USBTOKEN_KEY_RSA_4096 3

/**
 * A kind of key: NIST P-256.
 */
#define USBTOKEN_KEY_P256 4

/**
 * A kind of key: NIST P-384.
 */
#define USBTOKEN_KEY_P384 5

/**
 * The version of the interface: each release that adds something raises it by one, and the first release has 1. What is there stays
 * as it is while the major version of the shared library (its soname) stays.
 */
#define USBTOKEN_ABI_VERSION 1

/**
 * The library's version: major.
 */
#define USBTOKEN_VERSION_MAJOR 0

/**
 * The library's version: minor.
 */
#define USBTOKEN_VERSION_MINOR 1

/**
 * The library's version: patch.
 */
#define USBTOKEN_VERSION_PATCH 0

/**
 * usbtoken_text: a usbtoken_status.
 */
#define USBTOKEN_TEXT_STATUS 1

/**
 * usbtoken_text: a step of the job, USBTOKEN_STEP_….
 */
#define USBTOKEN_TEXT_STEP 2

/**
 * usbtoken_text: a warning, USBTOKEN_NOTICE_….
 */
#define USBTOKEN_TEXT_NOTICE 3

/**
 * usbtoken_text: a point of the preflight, USBTOKEN_POINT_….
 */
#define USBTOKEN_TEXT_POINT 4

/**
 * usbtoken_text: a usbtoken_hresult of the enrolment facade.
 */
#define USBTOKEN_TEXT_HRESULT 5

/**
 * usbtoken_text: the stable name, the same in every language.
 */
#define USBTOKEN_TEXT_NAME 1

/**
 * usbtoken_text: one sentence.
 */
#define USBTOKEN_TEXT_SENTENCE 2

/**
 * usbtoken_text: what the person should do next; statuses and warnings have it.
 */
#define USBTOKEN_TEXT_NEXT_ACTION 3

/**
 * EncodingType: base64 with the header of a certificate.
 */
#define USBTOKEN_ENCODING_BASE64_HEADER 0

/**
 * EncodingType: base64 without a header; CertEnroll's default.
 */
#define USBTOKEN_ENCODING_BASE64 1

/**
 * EncodingType: the bytes themselves.
 */
#define USBTOKEN_ENCODING_BINARY 2

/**
 * EncodingType: base64 with the header of a certificate request.
 */
#define USBTOKEN_ENCODING_BASE64_REQUEST_HEADER 3

/**
 * EncodingType: hexadecimal, 16 bytes a line.
 */
#define USBTOKEN_ENCODING_HEX 4

/**
 * EncodingType, for what comes in only: base64 with or without a header.
 */
#define USBTOKEN_ENCODING_BASE64_ANY 6

/**
 * EncodingType, for what comes in only: base64 with or without a header, or bytes.
 */
#define USBTOKEN_ENCODING_ANY 7

/**
 * EncodingType: hexadecimal in one piece.
 */
#define USBTOKEN_ENCODING_HEX_RAW 12

/**
 * EncodingType, or-ed: no line ends at all.
 */
#define USBTOKEN_ENCODING_NO_CRLF 1073741824

/**
 * EncodingType, or-ed: LF instead of CR LF.
 */
#define USBTOKEN_ENCODING_NO_CR 2147483648

/**
 * What a page wants to do: make a key pair and a certificate request.
 */
#define USBTOKEN_ENROLL_CREATE_REQUEST 1

/**
 * What a page wants to do: install the CA's response.
 */
#define USBTOKEN_ENROLL_INSTALL_RESPONSE 2

/**
 * What a page wants to do: give up a request that was made, and remove its key.
 */
#define USBTOKEN_ENROLL_ABANDON 3

/**
 * What a page wants to do: make a key pair and a request although another certificate on the token seems to take the place of
 * the one that it renews, in another name or from another CA. Asked after the login, besides
 * USBTOKEN_ENROLL_CREATE_REQUEST; the warning `successor_doubtful`, told just before, has both names.
 */
#define USBTOKEN_ENROLL_RENEW_DOUBTFUL 4

/**
 * usbtoken_enroll_set_number: KeySpec: 0, 1 (exchange) or 2 (signature). The key signs in any case.
 */
#define USBTOKEN_ENROLL_KEY_SPEC 1

/**
 * usbtoken_enroll_set_number: Length of the key in bits; 0 is as the old one. 256 and 384 are for ECDSA.
 */
#define USBTOKEN_ENROLL_LENGTH 2

/**
 * usbtoken_enroll_set_number: ExportPolicy: only 0 is accepted.
 */
#define USBTOKEN_ENROLL_EXPORT_POLICY 3

/**
 * usbtoken_enroll_set_number: KeyProtection: 0, 1 or 2. The token protects the key in any case.
 */
#define USBTOKEN_ENROLL_KEY_PROTECTION 4

/**
 * usbtoken_enroll_set_number: KeyUsage. The key signs, whatever a page says.
 */
#define USBTOKEN_ENROLL_KEY_USAGE 5

/**
 * usbtoken_enroll_set_number: ProviderType. The token is chosen by ProviderName alone; one whose keys
 * are RSA keys (1, 2, 12, 24) goes with no other kind.
 */
#define USBTOKEN_ENROLL_PROVIDER_TYPE 6

/**
 * usbtoken_enroll_set_number: MachineContext: only 0 is accepted.
 */
#define USBTOKEN_ENROLL_MACHINE_CONTEXT 7

/**
 * usbtoken_enroll_set_text: ProviderName: one that usbtoken_context_add_provider listed, or "usbtoken" or empty
 * for the only token that is plugged in.
 */
#define USBTOKEN_ENROLL_PROVIDER_NAME 1

/**
 * usbtoken_enroll_set_text: Algorithm: "RSA", "ECDSA_P256" or "ECDSA_P384", or the OID that CObjectId's Value has for it;
 * empty is as the old one where a key like the old one is asked for, else RSA.
 */
#define USBTOKEN_ENROLL_ALGORITHM 2

/**
 * usbtoken_enroll_set_text: Subject, as IX500DistinguishedName::Encode takes it; not after
 * InitializeFromCertificate.
 */
#define USBTOKEN_ENROLL_SUBJECT 3

/**
 * X509CertificateEnrollmentContext: the user. The only one that a page may have.
 */
#define USBTOKEN_ENROLL_CONTEXT_USER 1

/**
 * X509RequestInheritOptions: a new key of the default kind.
 */
#define USBTOKEN_INHERIT_NEW_DEFAULT_KEY 1

/**
 * X509RequestInheritOptions: a new key of the old one's kind.
 */
#define USBTOKEN_INHERIT_NEW_SIMILAR_KEY 2

/**
 * InstallResponseRestrictionFlags: the chain must lead to an anchor of the context, where it has any.
 */
#define USBTOKEN_ALLOW_NONE 0

/**
 * InstallResponseRestrictionFlags: the chain is not checked.
 */
#define USBTOKEN_ALLOW_UNTRUSTED_ROOT 4

/**
 * usbtoken_enroll_probe, or-ed: a token is there.
 */
#define USBTOKEN_PROBE_TOKEN 1

/**
 * usbtoken_enroll_probe, or-ed: a certificate on it, or elsewhere and onto it, can be renewed now.
 */
#define USBTOKEN_PROBE_RENEWABLE 2

/**
 * usbtoken_enroll_probe, or-ed: a certificate seems to be renewed already. Beside USBTOKEN_PROBE_RENEWABLE there is
 * another one that is not.
 */
#define USBTOKEN_PROBE_RENEWED 4

/**
 * Make a new key.
 */
#define USBTOKEN_WAITING_NEW_KEY -1

/**
 * Stop.
 */
#define USBTOKEN_WAITING_CANCEL -2

/**
 * A bank's profile: its tokens, its CA, its rules and its words.
 */
typedef struct usbtoken_bank usbtoken_bank;

/**
 * Bytes or text that the library made.
 */
typedef struct usbtoken_buffer usbtoken_buffer;

/**
 * A login that worked.
 */
typedef struct usbtoken_confirmed usbtoken_confirmed;

/**
 * Drivers, language, callbacks. Everything else is made from a context, and lives on when the context is freed.
 */
typedef struct usbtoken_context usbtoken_context;

/**
 * A certificate on a token, with its private key where that can be seen.
 */
typedef struct usbtoken_credential usbtoken_credential;

/**
 * The credentials of a token, CA certificates left out.
 */
typedef struct usbtoken_credentials usbtoken_credentials;

/**
 * The devices that are plugged in and may be tokens.
 */
typedef struct usbtoken_devices usbtoken_devices;

/**
 * What was seen on this computer, and what is wrong with it.
 */
typedef struct usbtoken_diagnosis usbtoken_diagnosis;

/**
 * The drivers (PKCS#11 modules) that were asked, those that cannot be used among them.
 */
typedef struct usbtoken_drivers usbtoken_drivers;

/**
 * What one page works with: made for its origin, and gone with it.
 */
typedef struct usbtoken_enroll usbtoken_enroll;

/**
 * The details of a call that failed. It stays as it is, whatever becomes of the handle it was taken from.
 */
typedef struct usbtoken_error usbtoken_error;

/**
 * A credential that was written, read back and has signed.
 */
typedef struct usbtoken_installed usbtoken_installed;

/**
 * What can be renewed, wherever it is.
 */
typedef struct usbtoken_overview usbtoken_overview;

/**
 * A key of ours on the token whose job is not finished.
 */
typedef struct usbtoken_pending usbtoken_pending;

/**
 * The pending keys of a token.
 */
typedef struct usbtoken_pending_list usbtoken_pending_list;

/**
 * What a preflight found, point by point.
 */
typedef struct usbtoken_preflight usbtoken_preflight;

/**
 * A new key pair on the token, and its request.
 */
typedef struct usbtoken_renewal usbtoken_renewal;

/**
 * A session of the logged-in user. One call at a time: any thread may make it, and a second one at the same time
 * gets USBTOKEN_BUSY.
 */
typedef struct usbtoken_session usbtoken_session;

/**
 * A token, as it was when it was found. It is told by what it says of itself, never by its slot.
 */
typedef struct usbtoken_token usbtoken_token;

/**
 * The tokens that the drivers see, and what was passed over.
 */
typedef struct usbtoken_tokens usbtoken_tokens;

/**
 * What a call returns: USBTOKEN_OK, or one of the codes below. The hundreds are the family: 1 the call itself,
 * 2 not found or not unique, 3 the PIN, 4 the token refused, 5 the CA's answer was refused, 6 the device is
 * gone, 7 internal, 8 a rule of renewal forbids it now.
 */
typedef int32_t usbtoken_status;

/**
 * Options of a context. Set struct_size to sizeof(usbtoken_options) and the rest to 0 or what you want.
 */
typedef struct usbtoken_options {
    /**
     * The size of this struct in bytes.
     */
    uint32_t struct_size;
    /**
     * USBTOKEN_LANGUAGE_…: for what the callbacks are told.
     */
    uint32_t language;
    /**
     * USBTOKEN_OPTION_TRUST_ANY_OWNER, USBTOKEN_OPTION_WITHOUT_P11_KIT or 0.
     */
    uint32_t flags;
    /**
     * How many milliseconds a driver may take to be initialised and to list its tokens; 0 is 10 seconds.
     */
    uint32_t driver_milliseconds;
} usbtoken_options;

/**
 * What a PIN dialog needs to know. Valid during the callback only.
 */
typedef struct usbtoken_pin_request {
    /**
     * The size of this struct in bytes.
     */
    uint32_t struct_size;
    /**
     * USBTOKEN_PIN_STATE_USABLE, USBTOKEN_PIN_STATE_COUNT_LOW, USBTOKEN_PIN_STATE_FINAL_TRY or USBTOKEN_PIN_STATE_TO_BE_CHANGED.
     */
    uint32_t pin_state;
    /**
     * 1: the token states that the PIN is entered at it or its reader, say so; what is written to the reply is sent only when
     * pin_as_typed is set.
     */
    uint32_t pin_pad;
    /**
     * The shortest PIN in bytes that the token claims to take; a hint.
     */
    uint32_t shortest;
    /**
     * The longest PIN in bytes that the token claims to take; a hint, 0 when it claims nonsense.
     */
    uint32_t longest;
    /**
     * The label of the token.
     */
    const char *token_label;
    /**
     * The serial number of the token.
     */
    const char *token_serial;
    /**
     * The origin of the page for which the enrolment facade asks; NULL otherwise.
     */
    const char *origin;
    /**
     * The label of the token, in UTF-16.
     */
    const uint16_t *token_label_utf16;
    /**
     * The serial number of the token, in UTF-16.
     */
    const uint16_t *token_serial_utf16;
    /**
     * The origin, in UTF-16; NULL otherwise.
     */
    const uint16_t *origin_utf16;
} usbtoken_pin_request;

/**
 * Where a PIN dialog writes. The library owns the memory and wipes it after use.
 */
typedef struct usbtoken_pin_reply {
    /**
     * The size of this struct in bytes.
     */
    uint32_t struct_size;
    /**
     * Set to 1 when pin_state is USBTOKEN_PIN_STATE_FINAL_TRY, the person was told that a wrong PIN now locks the token,
     * and said yes. Without it the last try is refused.
     */
    uint32_t accept_final_try;
    /**
     * Where the PIN goes, in UTF-8.
     */
    char *pin;
    /**
     * How many bytes fit there.
     */
    size_t capacity;
    /**
     * How many bytes were written; set it.
     */
    size_t length;
    /**
     * Where the PIN goes in UTF-16, in place of `pin`. The token is sent it in UTF-8.
     */
    uint16_t *pin_utf16;
    /**
     * How many code units fit there.
     */
    size_t capacity_utf16;
    /**
     * How many code units were written; set it when you wrote there.
     */
    size_t length_utf16;
    /**
     * Set to 1 when the person wants the PIN sent as it is, although it is shorter than `shortest` or longer than `longest`,
     * or although the token states a PIN pad. Without it such a PIN is not sent.
     */
    uint32_t pin_as_typed;
} usbtoken_pin_reply;

/**
 * Asks a person for the PIN. Returns USBTOKEN_OK, or USBTOKEN_PIN_CANCELLED when there will be none.
 */
typedef usbtoken_status (*usbtoken_pin_callback)(void *user,
                                                 const struct usbtoken_pin_request *request,
                                                 struct usbtoken_pin_reply *reply);

/**
 * Receives each step as it begins: its number USBTOKEN_STEP_… and a sentence in the context's language.
 */
typedef void (*usbtoken_progress_callback)(void *user, uint32_t step, const char *sentence);

/**
 * Is asked before each step of a renewal that begins, resumes or installs, from a page too, and while usbtoken_wait
 * waits; anything but 0 stops the job with USBTOKEN_CANCELLED. Other calls do not ask, so that what was stopped can be
 * examined and abandoned. It is asked too, ten times a second, while a call of such a step or of a login into a driver that
 * runs in a process of its own has not returned (a PIN pad, a driver that hangs); one that does not return within two
 * seconds is ended then, with the driver. In this process a driver is not interrupted.
 */
typedef int32_t (*usbtoken_cancel_callback)(void *user);

/**
 * Is given one line for a log, without PIN or key material: its level USBTOKEN_LOG_… and the text.
 */
typedef void (*usbtoken_log_callback)(void *user, uint32_t level, const char *line);

/**
 * The functions of a program that the library calls, on the thread of the call that needs them. They must
 * return: no exception and no longjmp may leave them. They may call the library, but not with the handle whose
 * call is under way: a session answers USBTOKEN_BUSY then.
 */
typedef struct usbtoken_callbacks {
    /**
     * The size of this struct in bytes.
     */
    uint32_t struct_size;
    /**
     * Handed to each of them. May be NULL.
     */
    void *user;
    /**
     * Asks for the PIN. May be NULL.
     */
    usbtoken_pin_callback pin;
    /**
     * Receives each step. May be NULL.
     */
    usbtoken_progress_callback progress;
    /**
     * Is asked whether to stop. May be NULL.
     */
    usbtoken_cancel_callback cancel;
    /**
     * Is given lines for a log. May be NULL.
     */
    usbtoken_log_callback log;
} usbtoken_callbacks;

/**
 * Bytes of the caller.
 */
typedef struct usbtoken_bytes {
    /**
     * Where they are.
     */
    const uint8_t *data;
    /**
     * How many.
     */
    size_t size;
} usbtoken_bytes;

/**
 * How to log in. Set struct_size to sizeof(usbtoken_confirm_params) and the rest to 0 or what you want.
 */
typedef struct usbtoken_confirm_params {
    /**
     * The size of this struct in bytes.
     */
    uint32_t struct_size;
    /**
     * How long it may take, in seconds; 0 is 60.
     */
    uint32_t timeout_seconds;
    /**
     * The address of a page that only those with a certificate can open, `https://host/path`; NULL for that of the bank.
     */
    const char *url;
    /**
     * The length of the address in bytes, or USBTOKEN_NUL_TERMINATED.
     */
    size_t url_length;
    /**
     * The proxy, `http://host:port`; NULL for that of the bank. Variables such as https_proxy are not examined.
     */
    const char *proxy;
    /**
     * The length of the proxy in bytes, or USBTOKEN_NUL_TERMINATED.
     */
    size_t proxy_length;
    /**
     * CA certificates to one of which the server's must lead, in place of the system's: each in DER, or a file as it is.
     */
    const struct usbtoken_bytes *server_anchors;
    /**
     * How many there are.
     */
    size_t server_anchor_count;
    /**
     * CA certificates above the one to log in with, which are shown to the server with it.
     */
    const struct usbtoken_bytes *issuers;
    /**
     * How many there are.
     */
    size_t issuer_count;
    /**
     * The page, on the same server, to which it leads whom it lets in, `https://host/path`; NULL for that of the bank. Without
     * one the login is at the address itself.
     */
    const char *after_login;
    /**
     * Its length in bytes, or USBTOKEN_NUL_TERMINATED.
     */
    size_t after_login_length;
} usbtoken_confirm_params;

/**
 * How to install. Set struct_size to sizeof(usbtoken_install_params) and the rest to 0 or what you want.
 */
typedef struct usbtoken_install_params {
    /**
     * The size of this struct in bytes.
     */
    uint32_t struct_size;
    /**
     * USBTOKEN_RELAX_…, or-ed: checks to leave out. That the certificate belongs to the key is always checked.
     */
    uint32_t relax;
    /**
     * USBTOKEN_INSTALL_…, or-ed.
     */
    uint32_t flags;
    /**
     * USBTOKEN_PROOF_DEFAULT, USBTOKEN_PROOF_CLAIMED or USBTOKEN_PROOF_PROVEN.
     */
    uint32_t required_proof;
    /**
     * Seconds since 1970; 0 is the clock's time.
     */
    int64_t now;
    /**
     * CA certificates, to one of which a valid chain must lead: each in DER, or a file as it is, PEM with several or
     * PKCS#7, up to 4 MiB. Without any, the chain is not checked.
     */
    const struct usbtoken_bytes *anchors;
    /**
     * How many anchors there are.
     */
    size_t anchor_count;
    /**
     * USBTOKEN_SUBJECT_….
     */
    uint32_t subject_rule;
    /**
     * 0.
     */
    uint32_t reserved;
} usbtoken_install_params;

/**
 * What the old key is to sign, and where the signature goes. Valid during the callback only.
 */
typedef struct usbtoken_sign_request {
    /**
     * The size of this struct in bytes.
     */
    uint32_t struct_size;
    /**
     * USBTOKEN_SIGNATURE_….
     */
    uint32_t algorithm;
    /**
     * The message, which the function hashes itself.
     */
    const uint8_t *message;
    /**
     * Its length in bytes.
     */
    size_t message_length;
    /**
     * Where the signature goes.
     */
    uint8_t *signature;
    /**
     * How many bytes fit there.
     */
    size_t capacity;
    /**
     * How many bytes were written; set it.
     */
    size_t signature_length;
} usbtoken_sign_request;

/**
 * Signs with the old key, wherever it is; the key stays there. Returns USBTOKEN_OK, or a status that says why not, such as
 * USBTOKEN_CANCELLED. The signature is verified with the old certificate: a false one is
 * USBTOKEN_OLD_KEY_SIGNATURE_INVALID.
 */
typedef usbtoken_status (*usbtoken_sign_callback)(void *user, struct usbtoken_sign_request *request);

/**
 * The old certificate, where it is not on the token. Set struct_size to sizeof(usbtoken_old_certificate) and the rest to 0 or what
 * you want.
 */
typedef struct usbtoken_old_certificate {
    /**
     * The size of this struct in bytes.
     */
    uint32_t struct_size;
    /**
     * 0.
     */
    uint32_t reserved;
    /**
     * The certificate, or a file as it is: DER, PEM, PKCS#7 or PKCS#12, up to 4 MiB. Its private key is not needed, and is never
     * opened.
     */
    const uint8_t *data;
    /**
     * Its length in bytes.
     */
    size_t length;
    /**
     * The password of a PKCS#12 file in UTF-8; NULL without one. Wipe it when the call is over.
     */
    const char *password;
    /**
     * The length of the password in bytes, or USBTOKEN_NUL_TERMINATED.
     */
    size_t password_length;
    /**
     * Signs with the old key, for requests that it signs too (USBTOKEN_RENEW_SIGNED_BY_OLD_KEY, or the bank's profile). May be NULL:
     * such a request is then USBTOKEN_OLD_KEY_ELSEWHERE.
     */
    usbtoken_sign_callback sign;
    /**
     * Handed to it. May be NULL.
     */
    void *sign_user;
    /**
     * Which of several certificates in data is meant: its serial number, in hexadecimal. NULL: the only one that can be renewed now;
     * USBTOKEN_OLD_AMBIGUOUS where there are several of these, and where there are several and none can be renewed.
     */
    const char *serial;
    /**
     * The length of the serial number in bytes, or USBTOKEN_NUL_TERMINATED.
     */
    size_t serial_length;
} usbtoken_old_certificate;

/**
 * How to renew. Set struct_size to sizeof(usbtoken_renewal_params) and the rest to 0 or what you want.
 */
typedef struct usbtoken_renewal_params {
    /**
     * The size of this struct in bytes.
     */
    uint32_t struct_size;
    /**
     * USBTOKEN_KEY_….
     */
    uint32_t key_kind;
    /**
     * How many days before the expiry the window opens; 0 is 40.
     */
    uint32_t window_days;
    /**
     * USBTOKEN_RENEW_…, or-ed.
     */
    uint32_t flags;
    /**
     * USBTOKEN_PROOF_DEFAULT, USBTOKEN_PROOF_CLAIMED or USBTOKEN_PROOF_PROVEN.
     */
    uint32_t required_proof;
    /**
     * 0.
     */
    uint32_t reserved;
    /**
     * Seconds since 1970; 0 is the clock's time.
     */
    int64_t now;
    /**
     * For a first certificate: its subject (RFC 4514), such as "CN=…,O=…". NULL otherwise.
     */
    const char *subject;
    /**
     * The length of the subject in bytes, or USBTOKEN_NUL_TERMINATED.
     */
    size_t subject_length;
    /**
     * The subject in UTF-16, in place of `subject`. NULL otherwise.
     */
    const uint16_t *subject_utf16;
    /**
     * Its length in code units, or USBTOKEN_NUL_TERMINATED.
     */
    size_t subject_utf16_length;
} usbtoken_renewal_params;

/**
 * How to remove an old credential. Set struct_size to sizeof(usbtoken_retire_params) and the rest to 0 or what you
 * want.
 */
typedef struct usbtoken_retire_params {
    /**
     * The size of this struct in bytes.
     */
    uint32_t struct_size;
    /**
     * USBTOKEN_SUBJECT_….
     */
    uint32_t subject_rule;
    /**
     * Seconds since 1970; 0 is the clock's time.
     */
    int64_t now;
    /**
     * CA certificates (DER). A valid chain from the successor to one of them shows that it comes from the right CA.
     */
    const struct usbtoken_bytes *anchors;
    /**
     * How many anchors there are.
     */
    size_t anchor_count;
    /**
     * Records of confirmed logins (USBTOKEN_CONFIRMED_RECORD), for a bank that lets an old credential go after one only. One
     * of the successor at the bank's address counts, for 30 days.
     */
    const struct usbtoken_bytes *confirmations;
    /**
     * How many there are.
     */
    size_t confirmation_count;
    /**
     * The credential that takes the old one's place, named by a person; NULL where the record on its key says so. One that other
     * programs have made has none (USBTOKEN_RETIRE_NO_SUCCESSOR), and where a record and the names differ a person has to say it
     * (USBTOKEN_SUCCESSOR_DOUBTFUL, USBTOKEN_REMOVAL_DOUBTFUL). It stays the caller's.
     */
    const struct usbtoken_credential *successor;
    /**
     * USBTOKEN_RETIRE_….
     */
    uint32_t flags;
    /**
     * 0.
     */
    uint32_t reserved;
} usbtoken_retire_params;

/**
 * What the functions of the enrolment facade return: an HRESULT of Windows, negative for failures, as pages
 * know it from e.number.
 */
typedef int32_t usbtoken_hresult;

/**
 * Asks a person whether this page may do this: 「Webアクセスの確認」. Gets the origin, such as
 * "`https://www.bank.example`", and USBTOKEN_ENROLL_CREATE_REQUEST …. 1 is yes; anything else is no. Asked before
 * every operation, and before the PIN; USBTOKEN_ENROLL_RENEW_DOUBTFUL after it. To an operation that your program does not know the
 * answer is no.
 */
typedef int32_t (*usbtoken_consent_callback)(void *user, const char *origin, uint32_t operation);

/**
 * Asks a person, after consent and PIN, whether a request is to be made again for one of the keys of this origin that
 * wait for the same certificate: its place in the list, from 0, USBTOKEN_WAITING_NEW_KEY or USBTOKEN_WAITING_CANCEL. The
 * list, whose keys say for whom and since when they wait (USBTOKEN_PENDING_FOR_WHOM, USBTOKEN_PENDING_SINCE), is valid
 * until the function returns.
 */
typedef int64_t (*usbtoken_waiting_callback)(void *user,
                                             const char *origin,
                                             const struct usbtoken_pending_list *waiting);

/**
 * The call succeeded.
 */
#define USBTOKEN_OK 0

/**
 * The call succeeded (S_OK).
 */
#define USBTOKEN_HR_OK 0

/**
 * Not allowed: the origin, the operation from a page, or the person said no (E_ACCESSDENIED, 0x80070005).
 */
#define USBTOKEN_HR_ACCESS_DENIED -2147024891

/**
 * A parameter is wrong (E_INVALIDARG, 0x80070057).
 */
#define USBTOKEN_HR_INVALID_ARGUMENT -2147024809

/**
 * A pointer is NULL or a handle is not a living one (E_POINTER, 0x80004003).
 */
#define USBTOKEN_HR_POINTER -2147467261

/**
 * Something went wrong inside (E_UNEXPECTED, 0x8000FFFF).
 */
#define USBTOKEN_HR_UNEXPECTED -2147418113

/**
 * Something went wrong (E_FAIL, 0x80004005).
 */
#define USBTOKEN_HR_FAIL -2147467259

/**
 * Memory ran out (E_OUTOFMEMORY, 0x8007000E).
 */
#define USBTOKEN_HR_OUT_OF_MEMORY -2147024882

/**
 * The object is not initialised (OLE_E_BLANK, 0x80040007).
 */
#define USBTOKEN_HR_BLANK -2147221497

/**
 * A property that is needed is not set (CERTSRV_E_PROPERTY_EMPTY, 0x80094004).
 */
#define USBTOKEN_HR_PROPERTY_EMPTY -2146877436

/**
 * The object is initialised already (ERROR_ALREADY_INITIALIZED, 0x800704DF).
 */
#define USBTOKEN_HR_ALREADY_INITIALIZED -2147023649

/**
 * The certificate or a pending key is there already (ERROR_FILE_EXISTS, 0x80070050).
 */
#define USBTOKEN_HR_EXISTS -2147024816

/**
 * Another program or call is at work on the token (ERROR_BUSY, 0x800700AA).
 */
#define USBTOKEN_HR_BUSY -2147024726

/**
 * The person cancelled (ERROR_CANCELLED, 0x800704C7).
 */
#define USBTOKEN_HR_CANCELLED -2147023673

/**
 * The person cancelled the PIN entry (SCARD_W_CANCELLED_BY_USER, 0x8010006E).
 */
#define USBTOKEN_HR_PIN_CANCELLED -2146434962

/**
 * No token is plugged in (SCARD_E_NO_SMARTCARD, 0x8010000C).
 */
#define USBTOKEN_HR_NO_TOKEN -2146435060

/**
 * The token was removed (SCARD_W_REMOVED_CARD, 0x80100069).
 */
#define USBTOKEN_HR_TOKEN_REMOVED -2146434967

/**
 * The driver for the token is not there (SCARD_E_NO_SERVICE, 0x8010001D).
 */
#define USBTOKEN_HR_NO_DRIVER -2146435043

/**
 * The PIN is wrong (SCARD_W_WRONG_CHV, 0x8010006B).
 */
#define USBTOKEN_HR_PIN_WRONG -2146434965

/**
 * The PIN is locked (SCARD_W_CHV_BLOCKED, 0x8010006C).
 */
#define USBTOKEN_HR_PIN_BLOCKED -2146434964

/**
 * The PIN cannot be asked for (NTE_SILENT_CONTEXT, 0x80090022).
 */
#define USBTOKEN_HR_SILENT -2146893790

/**
 * No room on the token (NTE_TOKEN_KEYSET_STORAGE_FULL, 0x80090023).
 */
#define USBTOKEN_HR_TOKEN_FULL -2146893789

/**
 * The private key is missing (NTE_BAD_KEYSET, 0x80090016).
 */
#define USBTOKEN_HR_KEY_MISSING -2146893802

/**
 * The token cannot do it (NTE_NOT_SUPPORTED, 0x80090029).
 */
#define USBTOKEN_HR_UNSUPPORTED -2146893783

/**
 * No token goes by this provider name, or several do (NTE_KEYSET_NOT_DEF, 0x80090019).
 */
#define USBTOKEN_HR_PROVIDER_UNKNOWN -2146893799

/**
 * The certificate that is to be renewed, or the pending key, is not on the token (CRYPT_E_NOT_FOUND, 0x80092004).
 */
#define USBTOKEN_HR_NOT_FOUND -2146885628

/**
 * The response cannot be read (CRYPT_E_ASN1_BADTAG, 0x8009310B).
 */
#define USBTOKEN_HR_BAD_RESPONSE -2146881269

/**
 * No valid chain leads to a trusted root (CERT_E_CHAINING, 0x800B010A).
 */
#define USBTOKEN_HR_CHAIN -2146762486

/**
 * The certificate or the renewal window is not valid now (CERT_E_EXPIRED, 0x800B0101).
 */
#define USBTOKEN_HR_NOT_VALID_NOW -2146762495

/**
 * The certificate is not the one that was requested (CERT_E_ROLE, 0x800B0103).
 */
#define USBTOKEN_HR_WRONG_CERTIFICATE -2146762493

/**
 * A signature of the token does not verify (NTE_BAD_SIGNATURE, 0x80090006).
 */
#define USBTOKEN_HR_BAD_SIGNATURE -2146893818

/**
 * The key could leave the token (NTE_BAD_KEY_STATE, 0x8009000B).
 */
#define USBTOKEN_HR_KEY_EXPORTABLE -2146893813

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * Opens a bank's profile: by the name under which it is installed, by the path of its file when there is a slash or a
 * backslash in it, or, when it is empty, the only one that is installed. A file that others can write is refused.
 */
usbtoken_status usbtoken_bank_open(const struct usbtoken_context *context,
                                   const char *name,
                                   size_t name_length,
                                   struct usbtoken_bank **out);

/**
 * As usbtoken_bank_open, in UTF-16; the length is in code units.
 */
usbtoken_status usbtoken_bank_open_utf16(const struct usbtoken_context *context,
                                         const uint16_t *name,
                                         size_t name_length,
                                         struct usbtoken_bank **out);

/**
 * Has everything that is made from this context go by the bank's rules: its drivers and tokens, its window, kind of key,
 * proof, subject and anchors, its pages' origins, and its words in errors. What a call asks for besides is refused with
 * USBTOKEN_OVERRIDE_REFUSED unless the profile lists it. To be called once, before a token is searched for. A context that was not given
 * a bank goes by no bank's rules, also on a token that an installed profile claims.
 */
usbtoken_status usbtoken_context_use_bank(const struct usbtoken_context *context,
                                          const struct usbtoken_bank *bank);

/**
 * A text about the bank: `field` is USBTOKEN_BANK_ID …. NULL for what the profile does not have.
 */
const char *usbtoken_bank_text(const struct usbtoken_bank *bank, uint32_t field);

/**
 * As usbtoken_bank_text, in UTF-16.
 */
const uint16_t *usbtoken_bank_text_utf16(const struct usbtoken_bank *bank, uint32_t field);

/**
 * A number about the bank: `field` is USBTOKEN_BANK_WINDOW_DAYS ….
 */
int64_t usbtoken_bank_number(const struct usbtoken_bank *bank, uint32_t field);

/**
 * Ends the handle and sets the pointer to NULL. Accepts NULL. A context that uses the bank goes on.
 */
void usbtoken_bank_free(struct usbtoken_bank **bank);

/**
 * Makes a context. `options` may be NULL. No driver is touched yet.
 */
usbtoken_status usbtoken_context_new(const struct usbtoken_options *options, struct usbtoken_context **out);

/**
 * Makes one more handle on the same context, with a last error of its own. A thread that shares a context with
 * others, and wants to know the details of its own errors, works with such a handle.
 */
usbtoken_status usbtoken_context_clone(const struct usbtoken_context *context,
                                       struct usbtoken_context **out);

/**
 * Adds a driver (PKCS#11 module) by its absolute path, in UTF-8. It is loaded when a token is searched for. Without
 * any, every driver that is known on this machine is asked.
 */
usbtoken_status usbtoken_context_add_driver(const struct usbtoken_context *context,
                                            const char *path,
                                            size_t path_length);

/**
 * As usbtoken_context_add_driver, in UTF-16; the length is in code units.
 */
usbtoken_status usbtoken_context_add_driver_utf16(const struct usbtoken_context *context,
                                                  const uint16_t *path,
                                                  size_t path_length);

/**
 * Reads the drivers that were added on this machine from this file (UTF-8 path) in place of the person's own, so that a
 * program can bring its list along. An empty path: from no file. The file is read when a token is searched for.
 */
usbtoken_status usbtoken_context_use_drivers_file(const struct usbtoken_context *context,
                                                  const char *path,
                                                  size_t path_length);

/**
 * As usbtoken_context_use_drivers_file, in UTF-16; the length is in code units.
 */
usbtoken_status usbtoken_context_use_drivers_file_utf16(const struct usbtoken_context *context,
                                                        const uint16_t *path,
                                                        size_t path_length);

/**
 * Sets the functions that the library calls; NULL for none. They may be called as long as a handle lives that
 * was made from this context.
 */
usbtoken_status usbtoken_context_set_callbacks(const struct usbtoken_context *context,
                                               const struct usbtoken_callbacks *callbacks);

/**
 * Names this program: jobs that it begins are its own by this name, and another program's are not. Without a name it is
 * the file's of the program that has loaded the library.
 */
usbtoken_status usbtoken_context_set_program(const struct usbtoken_context *context,
                                             const char *name,
                                             size_t name_length);

/**
 * As usbtoken_context_set_program, in UTF-16; the length is in code units.
 */
usbtoken_status usbtoken_context_set_program_utf16(const struct usbtoken_context *context,
                                                   const uint16_t *name,
                                                   size_t name_length);

/**
 * 1: a person wants that pending jobs are resumed, installed and abandoned which a page, the command or another program
 * began. 0, as it is at first: such a job is USBTOKEN_PENDING_OF_OTHER. Pages act on their own jobs in any case.
 */
usbtoken_status usbtoken_context_set_any_caller(const struct usbtoken_context *context,
                                                uint32_t any_caller);

/**
 * Allows pages of this origin to use the enrolment facade: "https://host", "https://host:port", or
 * "https://" with "*.domain" for every host beneath a domain of at least two labels. Nothing is allowed unless it was
 * added here.
 */
usbtoken_status usbtoken_context_allow_origin(const struct usbtoken_context *context,
                                              const char *origin,
                                              size_t origin_length);

/**
 * As usbtoken_context_allow_origin, in UTF-16; the length is in code units.
 */
usbtoken_status usbtoken_context_allow_origin_utf16(const struct usbtoken_context *context,
                                                    const uint16_t *origin,
                                                    size_t origin_length);

/**
 * Lets pages name a token by the name of a provider: what they set as ProviderName, and the PKCS#11 URI of the
 * token that it stands for. Letter case does not matter. Pages cannot name tokens by anything else.
 */
usbtoken_status usbtoken_context_add_provider(const struct usbtoken_context *context,
                                              const char *name,
                                              size_t name_length,
                                              const char *uri,
                                              size_t uri_length);

/**
 * As usbtoken_context_add_provider, in UTF-16; the lengths are in code units.
 */
usbtoken_status usbtoken_context_add_provider_utf16(const struct usbtoken_context *context,
                                                    const uint16_t *name,
                                                    size_t name_length,
                                                    const uint16_t *uri,
                                                    size_t uri_length);

/**
 * Adds the CA certificates to one of which the chain of a page's response must lead: one in DER, or a file as it is,
 * PEM with several or PKCS#7, up to 4 MiB. Without any, chains are not checked.
 */
usbtoken_status usbtoken_context_add_anchor(const struct usbtoken_context *context,
                                            const uint8_t *certificate,
                                            size_t certificate_length);

/**
 * Ends the handle and sets the pointer to NULL. Accepts NULL.
 */
void usbtoken_context_free(struct usbtoken_context **context);

/**
 * Lists the devices on the USB ports that may be tokens. No device is opened, no driver is loaded;
 * usbtoken_diagnosis_devices tells which of them a driver sees.
 */
usbtoken_status usbtoken_list_devices(const struct usbtoken_context *context, struct usbtoken_devices **out);

/**
 * How many devices the list has.
 */
size_t usbtoken_devices_count(const struct usbtoken_devices *devices);

/**
 * What is to be said about the device at this place, from 0: USBTOKEN_DEVICE_DRIVER_INSTALLED ….
 */
uint32_t usbtoken_devices_state(const struct usbtoken_devices *devices, size_t index);

/**
 * A text about the device at this place, from 0: `field` is USBTOKEN_DEVICE_NAME …. NULL for what it does not
 * tell.
 */
const char *usbtoken_devices_text(const struct usbtoken_devices *devices,
                                  size_t index,
                                  uint32_t field);

/**
 * As usbtoken_devices_text, in UTF-16.
 */
const uint16_t *usbtoken_devices_text_utf16(const struct usbtoken_devices *devices,
                                            size_t index,
                                            uint32_t field);

/**
 * Ends the handle and sets the pointer to NULL. Accepts NULL.
 */
void usbtoken_devices_free(struct usbtoken_devices **devices);

/**
 * Examines devices, drivers, tokens and certificates, and says what is wrong. No one is asked for a PIN, nothing is
 * written to a token. Problems are what is searched for, not a failure of the call. `now` is in seconds since 1970, 0
 * is the clock's time.
 */
usbtoken_status usbtoken_diagnose(const struct usbtoken_context *context,
                                  int64_t now,
                                  struct usbtoken_diagnosis **out);

/**
 * The whole diagnosis as one text: `field` is USBTOKEN_DIAGNOSIS_PAGE …, `language` is USBTOKEN_LANGUAGE_….
 */
const char *usbtoken_diagnosis_text(const struct usbtoken_diagnosis *diagnosis,
                                    uint32_t field,
                                    uint32_t language_number);

/**
 * As usbtoken_diagnosis_text, in UTF-16.
 */
const uint16_t *usbtoken_diagnosis_text_utf16(const struct usbtoken_diagnosis *diagnosis,
                                              uint32_t field,
                                              uint32_t language_number);

/**
 * How many problems there are, the weightiest first.
 */
size_t usbtoken_diagnosis_problem_count(const struct usbtoken_diagnosis *diagnosis);

/**
 * A number about the problem at this place, from 0: `field` is USBTOKEN_PROBLEM_WEIGHT ….
 */
int64_t usbtoken_diagnosis_problem_number(const struct usbtoken_diagnosis *diagnosis,
                                          size_t index,
                                          uint32_t field);

/**
 * A text about the problem at this place, from 0: `field` is USBTOKEN_PROBLEM_NAME …, `language` is
 * USBTOKEN_LANGUAGE_…. NULL after the last.
 */
const char *usbtoken_diagnosis_problem_text(const struct usbtoken_diagnosis *diagnosis,
                                            size_t index,
                                            uint32_t field,
                                            uint32_t language_number);

/**
 * As usbtoken_diagnosis_problem_text, in UTF-16.
 */
const uint16_t *usbtoken_diagnosis_problem_text_utf16(const struct usbtoken_diagnosis *diagnosis,
                                                      size_t index,
                                                      uint32_t field,
                                                      uint32_t language_number);

/**
 * The devices that are plugged in, and which of them a driver sees.
 */
usbtoken_status usbtoken_diagnosis_devices(const struct usbtoken_diagnosis *diagnosis,
                                           struct usbtoken_devices **out);

/**
 * Ends the handle and sets the pointer to NULL. Accepts NULL.
 */
void usbtoken_diagnosis_free(struct usbtoken_diagnosis **diagnosis);

/**
 * Loads every driver that would be asked for tokens, and tells what came of it. A driver that cannot be used is in
 * the list with the reason; a list without any driver is no failure of the call.
 */
usbtoken_status usbtoken_list_drivers(const struct usbtoken_context *context,
                                      struct usbtoken_drivers **out);

/**
 * How many drivers the list has.
 */
size_t usbtoken_drivers_count(const struct usbtoken_drivers *drivers);

/**
 * A text about the driver at this place, from 0: `field` is USBTOKEN_DRIVER_PATH …. NULL for what it does not tell.
 */
const char *usbtoken_drivers_text(const struct usbtoken_drivers *drivers,
                                  size_t index,
                                  uint32_t field);

/**
 * As usbtoken_drivers_text, in UTF-16.
 */
const uint16_t *usbtoken_drivers_text_utf16(const struct usbtoken_drivers *drivers,
                                            size_t index,
                                            uint32_t field);

/**
 * A number about the driver at this place, from 0: `field` is USBTOKEN_DRIVER_TOKENS …. USBTOKEN_UNKNOWN for a driver
 * that cannot be used.
 */
int64_t usbtoken_drivers_number(const struct usbtoken_drivers *drivers,
                                size_t index,
                                uint32_t field);

/**
 * Why the driver at this place cannot be used; writes NULL when it can, and after the last.
 */
usbtoken_status usbtoken_drivers_error(const struct usbtoken_drivers *drivers,
                                       size_t index,
                                       struct usbtoken_error **out);

/**
 * Ends the handle and sets the pointer to NULL. Accepts NULL.
 */
void usbtoken_drivers_free(struct usbtoken_drivers **drivers);

/**
 * Runs the drivers of this context in processes of their own, whose program is this usbtoken-driver, by its absolute path in
 * UTF-8. Without this the one in the folder of the library is used, where it is there (usbtoken_context_is_in_process). A driver that hangs is then ended with its process (USBTOKEN_DRIVER_TIMEOUT), one that crashes ends nothing else
 * (USBTOKEN_DRIVER_CRASHED), and none is initialised in this process. An empty path: in this process. Linux only; drivers that
 * are in use already stay where they are.
 */
usbtoken_status usbtoken_context_set_driver_host(const struct usbtoken_context *context,
                                                 const char *path,
                                                 size_t path_length);

/**
 * Keeps the drivers of this context, in processes of their own, from everything but the system's programs and settings, their
 * own folders, and the paths that are added so, one with each call (absolute, in UTF-8). `access` is USBTOKEN_DRIVER_READS or
 * USBTOKEN_DRIVER_WRITES. An empty path adds none: what a driver gets is then the system's alone. There is no way back. Where
 * drivers cannot be confined (no Landlock, Linux before 6.2, in this process), none is loaded: USBTOKEN_DRIVER_NOT_CONFINED.
 */
usbtoken_status usbtoken_context_confine_drivers(const struct usbtoken_context *context,
                                                 uint32_t access,
                                                 const char *path,
                                                 size_t path_length);

/**
 * As usbtoken_context_confine_drivers, in UTF-16; the length is in code units.
 */
usbtoken_status usbtoken_context_confine_drivers_utf16(const struct usbtoken_context *context,
                                                       uint32_t access,
                                                       const uint16_t *path,
                                                       size_t path_length);

/**
 * Writes 1 where the drivers of this context run in this process, and 0 where each has a process of its own, as it is where
 * usbtoken-driver is installed beside the library or was named. Linux only; elsewhere it is always 1.
 */
usbtoken_status usbtoken_context_is_in_process(const struct usbtoken_context *context,
                                               int32_t *out);

/**
 * As usbtoken_context_set_driver_host, in UTF-16; the length is in code units.
 */
usbtoken_status usbtoken_context_set_driver_host_utf16(const struct usbtoken_context *context,
                                                       const uint16_t *path,
                                                       size_t path_length);

/**
 * Reads what can be renewed, and what cannot and why: on every token that is plugged in, in the profiles of this user's browsers, on
 * Windows in the user's store, and in the places in `also`, one a line: "file:/home/user/old.pem". NULL is none. By the end of
 * each, the first to end first. Nothing is changed, no one logs in, and no password is asked for.
 */
usbtoken_status usbtoken_overview_read(const struct usbtoken_context *context,
                                       const char *also,
                                       size_t also_length,
                                       struct usbtoken_overview **out);

/**
 * How many certificates the list has.
 */
size_t usbtoken_overview_count(const struct usbtoken_overview *overview);

/**
 * A text about the certificate at this place, from 0: `field` is USBTOKEN_OVERVIEW_SUBJECT …. NULL for what is not known.
 */
const char *usbtoken_overview_text(const struct usbtoken_overview *overview,
                                   size_t index,
                                   uint32_t field);

/**
 * As usbtoken_overview_text, in UTF-16.
 */
const uint16_t *usbtoken_overview_text_utf16(const struct usbtoken_overview *overview,
                                             size_t index,
                                             uint32_t field);

/**
 * A number about the certificate at this place, from 0: `field` is USBTOKEN_OVERVIEW_NOT_AFTER …. USBTOKEN_UNKNOWN for what is
 * not known.
 */
int64_t usbtoken_overview_number(const struct usbtoken_overview *overview,
                                 size_t index,
                                 uint32_t field);

/**
 * The certificate at this place, from 0, in DER: the `data` of a usbtoken_old_certificate, for a renewal onto a token.
 */
usbtoken_status usbtoken_overview_certificate(const struct usbtoken_overview *overview,
                                              size_t index,
                                              struct usbtoken_buffer **out);

/**
 * Why a driver, a token or a place was passed over, from index 0; writes NULL after the last.
 */
usbtoken_status usbtoken_overview_skipped(const struct usbtoken_overview *overview,
                                          size_t index,
                                          struct usbtoken_error **out);

/**
 * Ends the handle and sets the pointer to NULL. Accepts NULL.
 */
void usbtoken_overview_free(struct usbtoken_overview **overview);

/**
 * Finds the one token that a PKCS#11 URI (RFC 7512) names, such as "pkcs11:token=BANK". NULL is any token,
 * provided there is only one. Several that match are an error, which lists them.
 */
usbtoken_status usbtoken_find(const struct usbtoken_context *context,
                              const char *uri_text,
                              size_t uri_length,
                              struct usbtoken_token **out);

/**
 * As usbtoken_find, with the URI in UTF-16; the length is in code units.
 */
usbtoken_status usbtoken_find_utf16(const struct usbtoken_context *context,
                                    const uint16_t *uri_text,
                                    size_t uri_length,
                                    struct usbtoken_token **out);

/**
 * Waits until the token that the URI names is there, at most so many milliseconds. The cancel callback is asked
 * meanwhile, on this thread. A token that was pulled is waited for with its own URI, USBTOKEN_TOKEN_URI; what was
 * made from it before is dead, log in anew. When no driver can be used at the beginning, the driver's error is
 * returned at once: waiting would not help.
 */
usbtoken_status usbtoken_wait(const struct usbtoken_context *context,
                              const char *uri_text,
                              size_t uri_length,
                              uint32_t milliseconds,
                              struct usbtoken_token **out);

/**
 * As usbtoken_wait, with the URI in UTF-16; the length is in code units.
 */
usbtoken_status usbtoken_wait_utf16(const struct usbtoken_context *context,
                                    const uint16_t *uri_text,
                                    size_t uri_length,
                                    uint32_t milliseconds,
                                    struct usbtoken_token **out);

/**
 * Lists every initialised token that the drivers see.
 */
usbtoken_status usbtoken_list_tokens(const struct usbtoken_context *context, struct usbtoken_tokens **out);

/**
 * How many tokens the list has.
 */
size_t usbtoken_tokens_count(const struct usbtoken_tokens *tokens);

/**
 * The token at this place of the list, from 0.
 */
usbtoken_status usbtoken_tokens_at(const struct usbtoken_tokens *tokens,
                                   size_t index,
                                   struct usbtoken_token **out);

/**
 * Why a driver or a slot was passed over, from 0; writes NULL after the last. One bad neighbour does not spoil
 * the search.
 */
usbtoken_status usbtoken_tokens_passed_over(const struct usbtoken_tokens *tokens,
                                            size_t index,
                                            struct usbtoken_error **out);

/**
 * Ends the handle and sets the pointer to NULL. Accepts NULL.
 */
void usbtoken_tokens_free(struct usbtoken_tokens **tokens);

/**
 * A text about the token: `field` is USBTOKEN_TOKEN_LABEL …. NULL for what it does not tell.
 */
const char *usbtoken_token_text(const struct usbtoken_token *token, uint32_t field);

/**
 * As usbtoken_token_text, in UTF-16.
 */
const uint16_t *usbtoken_token_text_utf16(const struct usbtoken_token *token, uint32_t field);

/**
 * A number about the token: `field` is USBTOKEN_TOKEN_PIN_STATE …. USBTOKEN_UNKNOWN for what it does not tell.
 */
int64_t usbtoken_token_number(const struct usbtoken_token *token,
                              uint32_t field);

/**
 * Asks the token anew what it says of itself, and gives that as one more handle.
 */
usbtoken_status usbtoken_token_refresh(const struct usbtoken_token *token, struct usbtoken_token **out);

/**
 * Whether the token can make keys of this kind (USBTOKEN_KEY_…) and sign with them. Writes 1, or 0 when the
 * token does not tell; USBTOKEN_MECHANISM_UNSUPPORTED or USBTOKEN_KEY_SIZE_UNSUPPORTED when it cannot.
 */
usbtoken_status usbtoken_token_supports(const struct usbtoken_token *token, uint32_t key_kind, int32_t *out);

/**
 * Takes the token for a job that writes, before its certificates are read, so that no other program of this person
 * that asks the same renews what is about to be renewed here; USBTOKEN_BUSY when another has it. The next login on
 * this handle takes it over for its session; when that login fails, and when this handle is freed, the token is free
 * again. Asked once more on the same handle it says whether the token is still kept from others: USBTOKEN_LOCK_LOST
 * where its file was removed. A renewal reserves the token anyway, and then reads the certificates once more.
 */
usbtoken_status usbtoken_reserve(const struct usbtoken_token *token);

/**
 * Ends the handle and sets the pointer to NULL. Accepts NULL. When no handle from a driver is left, the driver
 * is finalised, if it was this library that initialised it.
 */
void usbtoken_token_free(struct usbtoken_token **token);

/**
 * Logs in at the bank's server with the key of a credential, to see whether the certificate is accepted: TLS 1.2 or 1.3 with
 * a client certificate, and one page that is asked for. Nothing is written to the token, and nothing is connected to but
 * the server and the proxy that are named. `credential` is one that this session has listed.
 *
 * USBTOKEN_LOGIN_REFUSED and its family (11xx) when nothing is confirmed; what the server said is in the error's facts.
 * `params` may be NULL where the context goes by a bank. The progress callback can stop it.
 */
usbtoken_status usbtoken_confirm(const struct usbtoken_session *session,
                                 const struct usbtoken_credential *credential,
                                 const struct usbtoken_confirm_params *params,
                                 struct usbtoken_confirmed **out);

/**
 * A text about the login: `field` is USBTOKEN_CONFIRMED_RECORD …. NULL for what there is not.
 */
const char *usbtoken_confirmed_text(const struct usbtoken_confirmed *confirmed, uint32_t field);

/**
 * As usbtoken_confirmed_text, in UTF-16.
 */
const uint16_t *usbtoken_confirmed_text_utf16(const struct usbtoken_confirmed *confirmed, uint32_t field);

/**
 * A number about the login: `field` is USBTOKEN_CONFIRMED_AT.
 */
int64_t usbtoken_confirmed_number(const struct usbtoken_confirmed *confirmed, uint32_t field);

/**
 * A warning about the login, USBTOKEN_NOTICE_…, from index 0; 0 after the last.
 */
uint32_t usbtoken_confirmed_notice(const struct usbtoken_confirmed *confirmed, size_t index);

/**
 * Ends the handle and sets the pointer to NULL. Accepts NULL.
 */
void usbtoken_confirmed_free(struct usbtoken_confirmed **confirmed);

/**
 * How many credentials the list has.
 */
size_t usbtoken_credentials_count(const struct usbtoken_credentials *credentials);

/**
 * The credential at this place of the list, from 0.
 */
usbtoken_status usbtoken_credentials_at(const struct usbtoken_credentials *credentials,
                                        size_t index,
                                        struct usbtoken_credential **out);

/**
 * The one credential that can be renewed now. `window_days` 0 is 40 days; `now` is in seconds since 1970, 0 is
 * the clock's time. Several are an error that lists them; none is USBTOKEN_ALREADY_RENEWED, USBTOKEN_NOT_YET_RENEWABLE,
 * USBTOKEN_EXPIRED or USBTOKEN_KEY_MISSING, or USBTOKEN_CREDENTIAL_NOT_FOUND where there is nothing at all. Some tokens show
 * certificates after the login only: from a list that was read before it none is USBTOKEN_CREDENTIAL_NOT_SEEN, every error
 * has the fact USBTOKEN_FACT_SEEN, and a list of the session may have one; of one that was chosen before the login
 * usbtoken_renewal_begin makes sure that there is no second (USBTOKEN_CREDENTIAL_AMBIGUOUS).
 */
usbtoken_status usbtoken_credentials_renewable(const struct usbtoken_credentials *credentials,
                                               uint32_t window_days,
                                               int64_t now,
                                               struct usbtoken_credential **out);

/**
 * The one credential with this CKA_ID.
 */
usbtoken_status usbtoken_credentials_by_id(const struct usbtoken_credentials *credentials,
                                           const uint8_t *id,
                                           size_t id_length,
                                           struct usbtoken_credential **out);

/**
 * The one credential whose certificate has this serial number, in hexadecimal; letter case, colons and leading zeros do
 * not matter. "sha256:" and the fingerprint in hexadecimal names one of several with the same number.
 */
usbtoken_status usbtoken_credentials_by_serial(const struct usbtoken_credentials *credentials,
                                               const char *serial,
                                               size_t serial_length,
                                               struct usbtoken_credential **out);

/**
 * As usbtoken_credentials_by_serial, in UTF-16; the length is in code units.
 */
usbtoken_status usbtoken_credentials_by_serial_utf16(const struct usbtoken_credentials *credentials,
                                                     const uint16_t *serial,
                                                     size_t serial_length,
                                                     struct usbtoken_credential **out);

/**
 * How many certificate objects on the token cannot be read as a certificate.
 */
size_t usbtoken_credentials_unreadable(const struct usbtoken_credentials *credentials);

/**
 * A text about the certificate object at this place, from 0, of those that cannot be read: `field` is
 * USBTOKEN_UNREADABLE_ID …. NULL after the last.
 */
const char *usbtoken_credentials_unreadable_text(const struct usbtoken_credentials *credentials,
                                                 size_t index,
                                                 uint32_t field);

/**
 * As usbtoken_credentials_unreadable_text, in UTF-16.
 */
const uint16_t *usbtoken_credentials_unreadable_text_utf16(const struct usbtoken_credentials *credentials,
                                                           size_t index,
                                                           uint32_t field);

/**
 * Ends the handle and sets the pointer to NULL. Accepts NULL.
 */
void usbtoken_credentials_free(struct usbtoken_credentials **credentials);

/**
 * A text about the credential: `field` is USBTOKEN_CREDENTIAL_SUBJECT …. NULL for what it does not have.
 */
const char *usbtoken_credential_text(const struct usbtoken_credential *credential, uint32_t field);

/**
 * As usbtoken_credential_text, in UTF-16.
 */
const uint16_t *usbtoken_credential_text_utf16(const struct usbtoken_credential *credential, uint32_t field);

/**
 * A number about the credential: `field` is USBTOKEN_CREDENTIAL_NOT_BEFORE ….
 */
int64_t usbtoken_credential_number(const struct usbtoken_credential *credential, uint32_t field);

/**
 * The days until the certificate expires, counted by calendar date in Japan; negative after it, INT64_MAX for a
 * certificate without an end (99991231235959Z). `now` is in seconds since 1970, 0 is the clock's time.
 */
int64_t usbtoken_credential_days_left(const struct usbtoken_credential *credential,
                                      int64_t now);

/**
 * Whether the credential can be renewed: USBTOKEN_RENEWABLE_…. `window_days` 0 is the bank's window, or 40 days; `now` is in seconds
 * since 1970, 0 is the clock's time.
 */
uint32_t usbtoken_credential_renewable(const struct usbtoken_credential *credential,
                                       uint32_t window_days,
                                       int64_t now);

/**
 * The certificate, in DER.
 */
usbtoken_status usbtoken_credential_certificate(const struct usbtoken_credential *credential,
                                                struct usbtoken_buffer **out);

/**
 * Ends the handle and sets the pointer to NULL. Accepts NULL.
 */
void usbtoken_credential_free(struct usbtoken_credential **credential);

/**
 * Lists the credentials on the token without a PIN: certificates are public, their keys cannot be seen.
 */
usbtoken_status usbtoken_token_credentials(const struct usbtoken_token *token,
                                           struct usbtoken_credentials **out);

/**
 * Tells the context on which day a certificate was installed in an earlier process: `record` is its USBTOKEN_INSTALLED_RECORD,
 * which the program has kept. Where the bank takes a new certificate on the next business day only, that counts from this day
 * too: usbtoken_session_retire and the like answer USBTOKEN_NOT_IN_USE_YET until then. What was installed on this computer by this
 * user is known without it: the day is kept in the user's folder for state ($XDG_STATE_HOME/usbtoken, ~/.local/state/usbtoken;
 * %LOCALAPPDATA%), where the command and the enrolment facade keep and find it too. A day that has not come yet counts as today.
 */
usbtoken_status usbtoken_context_note_installation(const struct usbtoken_context *context,
                                                   const char *record,
                                                   size_t record_length);

/**
 * Installs the CA's answer, in whatever form it came: checks the certificate, writes it beside its key, reads it
 * back and lets the new key sign.
 *
 * `renewal` is the one that this process began, or NULL: then the pending key on the token is found by the public
 * key in the certificate, days later and in another process. `params` and `out` may be NULL. After a failure the
 * token holds what it held before. An answer that was installed before is proven once more, and nothing is written.
 */
usbtoken_status usbtoken_install(const struct usbtoken_session *session,
                                 const struct usbtoken_renewal *renewal,
                                 const uint8_t *answer_data,
                                 size_t answer_length,
                                 const struct usbtoken_install_params *params,
                                 struct usbtoken_installed **out);

/**
 * The new credential.
 */
usbtoken_status usbtoken_installed_credential(const struct usbtoken_installed *installed,
                                              struct usbtoken_credential **out);

/**
 * The credential that the new one takes the place of, where that is still on the token; writes NULL otherwise.
 */
usbtoken_status usbtoken_installed_replaced(const struct usbtoken_installed *installed,
                                            struct usbtoken_credential **out);

/**
 * A text about the installation: `field` is USBTOKEN_INSTALLED_PROOF_JSON ….
 */
const char *usbtoken_installed_text(const struct usbtoken_installed *installed, uint32_t field);

/**
 * As usbtoken_installed_text, in UTF-16.
 */
const uint16_t *usbtoken_installed_text_utf16(const struct usbtoken_installed *installed, uint32_t field);

/**
 * A number about the installation: `field` is USBTOKEN_INSTALLED_PROOF ….
 */
int64_t usbtoken_installed_number(const struct usbtoken_installed *installed, uint32_t field);

/**
 * A warning about the installation, USBTOKEN_NOTICE_…, from index 0; 0 after the last.
 */
uint32_t usbtoken_installed_notice(const struct usbtoken_installed *installed, size_t index);

/**
 * What a value of the warning at `index` means, USBTOKEN_FACT_…; 0 after the last.
 */
uint32_t usbtoken_installed_notice_fact_kind(const struct usbtoken_installed *installed,
                                             size_t index,
                                             size_t fact);

/**
 * A value of the warning at `index`, such as the subject before and the new one; NULL after the last.
 */
const char *usbtoken_installed_notice_fact(const struct usbtoken_installed *installed,
                                           size_t index,
                                           size_t fact);

/**
 * As usbtoken_installed_notice_fact, in UTF-16.
 */
const uint16_t *usbtoken_installed_notice_fact_utf16(const struct usbtoken_installed *installed,
                                                     size_t index,
                                                     size_t fact);

/**
 * Ends the handle and sets the pointer to NULL. Accepts NULL.
 */
void usbtoken_installed_free(struct usbtoken_installed **installed);

/**
 * Logs in, with one C_Login and never a second.
 *
 * `pin` is UTF-8. NULL: the PIN callback is asked, or the token's PIN pad. `flags` is
 * USBTOKEN_LOGIN_ACCEPT_FINAL_TRY, USBTOKEN_LOGIN_PIN_AS_TYPED, both or 0. The library wipes its own copies; wipe yours.
 */
usbtoken_status usbtoken_login(const struct usbtoken_token *token,
                               const char *pin,
                               size_t pin_length,
                               uint32_t flags,
                               struct usbtoken_session **out);

/**
 * As usbtoken_login, with the PIN in UTF-16; the length is in code units. The token is sent it in UTF-8.
 */
usbtoken_status usbtoken_login_utf16(const struct usbtoken_token *token,
                                     const uint16_t *pin,
                                     size_t pin_length,
                                     uint32_t flags,
                                     struct usbtoken_session **out);

/**
 * As usbtoken_renewal_preflight, for a certificate that is not on the token: whether its renewal onto this token can work.
 */
usbtoken_status usbtoken_renewal_preflight_from(const struct usbtoken_token *token,
                                                const struct usbtoken_old_certificate *old,
                                                const struct usbtoken_renewal_params *params,
                                                struct usbtoken_preflight **out);

/**
 * As usbtoken_renewal_begin, for a certificate that is not on the token: the new key is made on the token of the session, and the
 * new certificate goes there. The old one stays where it is.
 *
 * USBTOKEN_ALREADY_RENEWED: the token holds the renewed one, and nothing was written.
 */
usbtoken_status usbtoken_renewal_begin_from(const struct usbtoken_session *session,
                                            const struct usbtoken_old_certificate *old,
                                            const struct usbtoken_renewal_params *params,
                                            struct usbtoken_renewal **out);

/**
 * As usbtoken_renewal_resume, for a key whose job renews this certificate, which is not on the token. USBTOKEN_OLD_NOT_OF_JOB: the key was
 * made for another.
 */
usbtoken_status usbtoken_renewal_resume_from(const struct usbtoken_session *session,
                                             const struct usbtoken_pending *pending,
                                             const struct usbtoken_old_certificate *old,
                                             const struct usbtoken_renewal_params *params,
                                             struct usbtoken_renewal **out);

/**
 * As usbtoken_install without a renewal of this process, for a key whose job renews this certificate, which is not on the token: the
 * new one is compared with it. USBTOKEN_OLD_NOT_OF_JOB: the key was made for another.
 */
usbtoken_status usbtoken_install_from(const struct usbtoken_session *session,
                                      const struct usbtoken_old_certificate *old,
                                      const uint8_t *answer_data,
                                      size_t answer_length,
                                      const struct usbtoken_install_params *params,
                                      struct usbtoken_installed **out);

/**
 * Notes the order's reference number of the pending key with this identifier (USBTOKEN_PENDING_ID, USBTOKEN_RENEWAL_ID):
 * one line of at most 100 characters, in UTF-8. From then on USBTOKEN_PENDING_REFERENCE has it, and so does the report of
 * every error that is about this key, or about none while this number is the only one. `reference` NULL forgets it.
 *
 * The library keeps nothing of it beyond the context: the program keeps the number with its order, and notes it again in
 * another process. The command `usbtoken` keeps its own.
 */
usbtoken_status usbtoken_context_note_order(const struct usbtoken_context *context,
                                            const char *pending_id,
                                            size_t pending_id_length,
                                            const char *reference,
                                            size_t reference_length);

/**
 * Writes the order's reference number that was noted for the key with this identifier: USBTOKEN_PENDING_ID,
 * USBTOKEN_RENEWAL_ID, and once its certificate is installed USBTOKEN_CREDENTIAL_ID. It is a text (usbtoken_buffer_text,
 * usbtoken_buffer_text_utf16), and `*out` is NULL where none was noted.
 */
usbtoken_status usbtoken_context_order(const struct usbtoken_context *context,
                                       const char *key_id,
                                       size_t key_id_length,
                                       struct usbtoken_buffer **out);

/**
 * As usbtoken_context_note_order, in UTF-16; lengths are in code units.
 */
usbtoken_status usbtoken_context_note_order_utf16(const struct usbtoken_context *context,
                                                  const uint16_t *pending_id,
                                                  size_t pending_id_length,
                                                  const uint16_t *reference,
                                                  size_t reference_length);

/**
 * How many pending keys the list has.
 */
size_t usbtoken_pending_list_count(const struct usbtoken_pending_list *list);

/**
 * The pending key at this place of the list, from 0.
 */
usbtoken_status usbtoken_pending_list_at(const struct usbtoken_pending_list *list,
                                         size_t index,
                                         struct usbtoken_pending **out);

/**
 * Ends the handle and sets the pointer to NULL. Accepts NULL.
 */
void usbtoken_pending_list_free(struct usbtoken_pending_list **list);

/**
 * A text about the pending key: `field` is USBTOKEN_PENDING_ID ….
 */
const char *usbtoken_pending_text(const struct usbtoken_pending *pending, uint32_t field);

/**
 * As usbtoken_pending_text, in UTF-16.
 */
const uint16_t *usbtoken_pending_text_utf16(const struct usbtoken_pending *pending, uint32_t field);

/**
 * A number about the pending key: `field` is USBTOKEN_PENDING_STATE ….
 */
int64_t usbtoken_pending_number(const struct usbtoken_pending *pending, uint32_t field);

/**
 * Ends the handle and sets the pointer to NULL. Accepts NULL.
 */
void usbtoken_pending_free(struct usbtoken_pending **pending);

/**
 * Changes the PIN, with one C_SetPIN and never a second, and no login: a wrong old PIN costs one try. End sessions of this token
 * before; they keep the old PIN.
 *
 * `old_pin` and `new_pin` are UTF-8; have the person type the new one twice. Both NULL: they are entered at the token's PIN pad.
 * `flags` is USBTOKEN_LOGIN_ACCEPT_FINAL_TRY and USBTOKEN_LOGIN_PIN_AS_TYPED for the old PIN, USBTOKEN_CHANGE_NEW_PIN_AS_TYPED for the
 * new one, or 0. USBTOKEN_PIN_CHANGE_UNCERTAIN: the old or the new PIN holds; after every other error the old one. The library wipes
 * its own copies; wipe yours.
 */
usbtoken_status usbtoken_change_pin(const struct usbtoken_token *token,
                                    const char *old_pin,
                                    size_t old_pin_length,
                                    const char *new_pin,
                                    size_t new_pin_length,
                                    uint32_t flags);

/**
 * As usbtoken_change_pin, with the PINs in UTF-16; lengths are in code units. The token is sent them in UTF-8.
 */
usbtoken_status usbtoken_change_pin_utf16(const struct usbtoken_token *token,
                                          const uint16_t *old_pin,
                                          size_t old_pin_length,
                                          const uint16_t *new_pin,
                                          size_t new_pin_length,
                                          uint32_t flags);

/**
 * How many points were checked.
 */
size_t usbtoken_preflight_count(const struct usbtoken_preflight *preflight);

/**
 * 1 when nothing blocks the renewal, else 0.
 */
int32_t usbtoken_preflight_can_begin(const struct usbtoken_preflight *preflight);

/**
 * What was checked at this place, from 0: USBTOKEN_POINT_…; 0 after the last.
 */
uint32_t usbtoken_preflight_point(const struct usbtoken_preflight *preflight, size_t index);

/**
 * What came out at this place: USBTOKEN_FINDING_….
 */
uint32_t usbtoken_preflight_state(const struct usbtoken_preflight *preflight, size_t index);

/**
 * The warning at this place, USBTOKEN_NOTICE_…; 0 when there is none.
 */
uint32_t usbtoken_preflight_notice(const struct usbtoken_preflight *preflight, size_t index);

/**
 * The sentence to show for this place, in the context's language; NULL after the last.
 */
const char *usbtoken_preflight_text(const struct usbtoken_preflight *preflight, size_t index);

/**
 * As usbtoken_preflight_text, in UTF-16.
 */
const uint16_t *usbtoken_preflight_text_utf16(const struct usbtoken_preflight *preflight, size_t index);

/**
 * What a value of the warning at this place means, USBTOKEN_FACT_…; 0 after the last.
 */
uint32_t usbtoken_preflight_notice_fact_kind(const struct usbtoken_preflight *preflight,
                                             size_t index,
                                             size_t fact);

/**
 * A value of the warning at this place, such as this computer's time; NULL after the last.
 */
const char *usbtoken_preflight_notice_fact(const struct usbtoken_preflight *preflight,
                                           size_t index,
                                           size_t fact);

/**
 * As usbtoken_preflight_notice_fact, in UTF-16.
 */
const uint16_t *usbtoken_preflight_notice_fact_utf16(const struct usbtoken_preflight *preflight,
                                                     size_t index,
                                                     size_t fact);

/**
 * What blocks at this place; writes NULL when nothing does.
 */
usbtoken_status usbtoken_preflight_blocker(const struct usbtoken_preflight *preflight,
                                           size_t index,
                                           struct usbtoken_error **out);

/**
 * Ends the handle and sets the pointer to NULL. Accepts NULL.
 */
void usbtoken_preflight_free(struct usbtoken_preflight **preflight);

/**
 * Checks, without a PIN, whether a renewal can work. `credential` NULL: a first certificate, for the subject in
 * `params`. `params` may be NULL otherwise. A list with blockers is no failure of the call.
 */
usbtoken_status usbtoken_renewal_preflight(const struct usbtoken_token *token,
                                           const struct usbtoken_credential *credential,
                                           const struct usbtoken_renewal_params *params,
                                           struct usbtoken_preflight **out);

/**
 * Makes a key pair on the token, proves that its private key cannot leave it, and signs the request.
 *
 * `credential` NULL: a first certificate, for the subject in `params`. `params` may be NULL otherwise. From here
 * on the token holds a pending key; the program may end. The old credential is untouched in every case.
 */
usbtoken_status usbtoken_renewal_begin(const struct usbtoken_session *session,
                                       const struct usbtoken_credential *credential,
                                       const struct usbtoken_renewal_params *params,
                                       struct usbtoken_renewal **out);

/**
 * Signs the request again with a pending key, in whatever process. The old credential is found by itself; for a
 * first certificate `params` must have the subject, and may be NULL otherwise.
 */
usbtoken_status usbtoken_renewal_resume(const struct usbtoken_session *session,
                                        const struct usbtoken_pending *pending,
                                        const struct usbtoken_renewal_params *params,
                                        struct usbtoken_renewal **out);

/**
 * The request, in this format: USBTOKEN_FORMAT_….
 */
usbtoken_status usbtoken_renewal_request(const struct usbtoken_renewal *renewal,
                                         uint32_t format,
                                         struct usbtoken_buffer **out);

/**
 * The pending key of the renewal, to abandon it for example.
 */
usbtoken_status usbtoken_renewal_key(const struct usbtoken_renewal *renewal, struct usbtoken_pending **out);

/**
 * A text about the renewal: `field` is USBTOKEN_RENEWAL_ID ….
 */
const char *usbtoken_renewal_text(const struct usbtoken_renewal *renewal, uint32_t field);

/**
 * As usbtoken_renewal_text, in UTF-16.
 */
const uint16_t *usbtoken_renewal_text_utf16(const struct usbtoken_renewal *renewal, uint32_t field);

/**
 * A number about the renewal: `field` is USBTOKEN_RENEWAL_PROOF ….
 */
int64_t usbtoken_renewal_number(const struct usbtoken_renewal *renewal, uint32_t field);

/**
 * A warning about the renewal, USBTOKEN_NOTICE_…, from index 0; 0 after the last.
 */
uint32_t usbtoken_renewal_notice(const struct usbtoken_renewal *renewal, size_t index);

/**
 * Ends the handle and sets the pointer to NULL. Accepts NULL. The pending key stays on the token.
 */
void usbtoken_renewal_free(struct usbtoken_renewal **renewal);

/**
 * Removes an old credential, certificate and key pair, after its successor has signed once more. The token must hold
 * the certificate of the CA that issued both; usbtoken_session_retire_with takes it as an anchor. Writes the
 * successor's credential; `out` may be NULL. `now` is in seconds since 1970, 0 is the clock's time.
 */
usbtoken_status usbtoken_session_retire(const struct usbtoken_session *session,
                                        const struct usbtoken_credential *credential,
                                        int64_t now,
                                        struct usbtoken_credential **out);

/**
 * As usbtoken_session_retire, with anchors by which the successor's CA is known, or a successor that a person names. `params` and `out` may be NULL.
 */
usbtoken_status usbtoken_session_retire_with(const struct usbtoken_session *session,
                                             const struct usbtoken_credential *credential,
                                             const struct usbtoken_retire_params *params,
                                             struct usbtoken_credential **out);

/**
 * Removes the credential that an installation has replaced, by what the installation was given: the rule for the
 * subject, the anchors, the CA certificates of the answer. `out` may be NULL.
 *
 * USBTOKEN_CREDENTIAL_NOT_FOUND when it has replaced none.
 */
usbtoken_status usbtoken_session_retire_replaced(const struct usbtoken_session *session,
                                                 const struct usbtoken_installed *installed,
                                                 struct usbtoken_credential **out);

/**
 * Writes 1 when the token has checked the PIN at this login, else 0: where this process was logged in already, by itself
 * or by another part of it, no PIN is checked, and a wrong one is taken for a right one (warning
 * USBTOKEN_WARNING_PIN_NOT_CHECKED).
 */
usbtoken_status usbtoken_session_pin_was_checked(const struct usbtoken_session *session,
                                                 int32_t *out);

/**
 * Lists the credentials on the token, each with its private key or without.
 */
usbtoken_status usbtoken_session_credentials(const struct usbtoken_session *session,
                                             struct usbtoken_credentials **out);

/**
 * Lists the pending keys: keys of ours on the token whose job is not finished.
 */
usbtoken_status usbtoken_session_pending(const struct usbtoken_session *session,
                                         struct usbtoken_pending_list **out);

/**
 * Removes a pending key with all that belongs to its job, and nothing else. USBTOKEN_REMOVAL_DOUBTFUL where it is not certain
 * that the key is ours, or where it is another one than that of the job's request, which this computer made: then a person names
 * it, usbtoken_session_abandon_named. One that an earlier call has removed, whether or not that call saw it go, is done.
 */
usbtoken_status usbtoken_session_abandon(const struct usbtoken_session *session,
                                         const struct usbtoken_pending *pending);

/**
 * As usbtoken_session_abandon, for a key that a person has named by its identifier (USBTOKEN_PENDING_ID), having seen what
 * is odd about it (USBTOKEN_PENDING_DOUBT): it goes although it is doubtful, or does not sign; then alone.
 */
usbtoken_status usbtoken_session_abandon_named(const struct usbtoken_session *session,
                                               const struct usbtoken_pending *pending);

/**
 * Logs out, ends the handle and sets the pointer to NULL. Accepts NULL. A login that was there before stays.
 */
void usbtoken_session_free(struct usbtoken_session **session);

/**
 * The bytes, or the text in UTF-8; NULL when the handle is not a living one.
 */
const uint8_t *usbtoken_buffer_data(const struct usbtoken_buffer *buffer);

/**
 * How many bytes there are; the NUL that ends a text is not counted.
 */
size_t usbtoken_buffer_size(const struct usbtoken_buffer *buffer);

/**
 * The text, NUL-terminated; NULL when the buffer holds bytes.
 */
const char *usbtoken_buffer_text(const struct usbtoken_buffer *buffer);

/**
 * As usbtoken_buffer_text, in UTF-16.
 */
const uint16_t *usbtoken_buffer_text_utf16(const struct usbtoken_buffer *buffer);

/**
 * Ends the handle and sets the pointer to NULL. Accepts NULL.
 */
void usbtoken_buffer_free(struct usbtoken_buffer **buffer);

/**
 * The error of the last call that failed, among those whose first argument was this handle, of whatever type.
 * Writes NULL when none did. Calls that succeed leave it as it is.
 */
usbtoken_status usbtoken_last_error(const void *handle, struct usbtoken_error **out);

/**
 * A number of the error: `field` is USBTOKEN_ERROR_CODE, USBTOKEN_ERROR_STEP ….
 */
int64_t usbtoken_error_number(const struct usbtoken_error *error, uint32_t field);

/**
 * A text of the error: `field` is USBTOKEN_ERROR_SENTENCE …, `language` is USBTOKEN_LANGUAGE_….
 */
const char *usbtoken_error_text(const struct usbtoken_error *error, uint32_t field, uint32_t language_number);

/**
 * As usbtoken_error_text, in UTF-16.
 */
const uint16_t *usbtoken_error_text_utf16(const struct usbtoken_error *error,
                                          uint32_t field,
                                          uint32_t language_number);

/**
 * What a fact of the error means, USBTOKEN_FACT_…; 0 after the last. A kind may stand several times, as
 * candidates do.
 */
uint32_t usbtoken_error_fact_kind(const struct usbtoken_error *error, size_t index);

/**
 * The value of a fact of the error: a path, a token, a date; NULL after the last.
 */
const char *usbtoken_error_fact(const struct usbtoken_error *error, size_t index);

/**
 * As usbtoken_error_fact, in UTF-16.
 */
const uint16_t *usbtoken_error_fact_utf16(const struct usbtoken_error *error, size_t index);

/**
 * Ends the handle and sets the pointer to NULL. Accepts NULL.
 */
void usbtoken_error_free(struct usbtoken_error **error);

/**
 * The version of the interface that the loaded library has: at least the USBTOKEN_ABI_VERSION of the header
 * that a program was compiled with.
 */
uint32_t usbtoken_abi_version(void);

/**
 * The version of the loaded library, such as "0.1.0".
 */
const char *usbtoken_version(void);

/**
 * The words for a number: `kind` is USBTOKEN_TEXT_STATUS …, `part` is USBTOKEN_TEXT_NAME …, `language` is
 * USBTOKEN_LANGUAGE_…. NULL for what does not exist. The text lives as long as the library is loaded.
 */
const char *usbtoken_text(uint32_t kind, int32_t number, uint32_t part, uint32_t language);

/**
 * As usbtoken_text, in UTF-16.
 */
const uint16_t *usbtoken_text_utf16(uint32_t kind, int32_t number, uint32_t part, uint32_t language);

/**
 * Makes the object for one page of this origin; its address will do, the origin is taken from it. Refused with
 * USBTOKEN_HR_ACCESS_DENIED unless usbtoken_context_allow_origin allowed the origin. The details of a failure are
 * kept on the context.
 */
usbtoken_hresult usbtoken_enroll_new(const struct usbtoken_context *context,
                                     const char *origin,
                                     size_t origin_length,
                                     struct usbtoken_enroll **out);

/**
 * As usbtoken_enroll_new, in UTF-16; the length is in code units.
 */
usbtoken_hresult usbtoken_enroll_new_utf16(const struct usbtoken_context *context,
                                           const uint16_t *origin,
                                           size_t origin_length,
                                           struct usbtoken_enroll **out);

/**
 * Sets the function that asks for consent. Without one, every operation is refused. An operation to which the person said no
 * is not asked for again by this object, unless the function is set anew.
 */
usbtoken_hresult usbtoken_enroll_set_consent(const struct usbtoken_enroll *enroll,
                                             usbtoken_consent_callback consent,
                                             void *user);

/**
 * Sets the function that asks what is to become of keys that wait. Without one each request makes a new key.
 */
usbtoken_hresult usbtoken_enroll_set_waiting(const struct usbtoken_enroll *enroll,
                                             usbtoken_waiting_callback waiting,
                                             void *user);

/**
 * Tells a page, without PIN and consent, whether a token is there and whether a certificate can be renewed onto it:
 * USBTOKEN_PROBE_…, or-ed; 「USBトークンへの更新が可能です」. Where the bank's profile calls the token its own, the certificate may
 * be elsewhere: the one of usbtoken_enroll_initialize_from_certificate, or one on this computer that a CA of the profile may have
 * issued. Names and numbers it does not learn.
 */
usbtoken_hresult usbtoken_enroll_probe(const struct usbtoken_enroll *enroll,
                                       uint32_t *out);

/**
 * The name of a provider that a page may set, from index 0, for its list to choose from; writes NULL after the
 * last.
 */
usbtoken_hresult usbtoken_enroll_provider_name(const struct usbtoken_enroll *enroll,
                                               size_t index,
                                               struct usbtoken_buffer **out);

/**
 * Sets a number that a page sets: USBTOKEN_ENROLL_KEY_SPEC ….
 */
usbtoken_hresult usbtoken_enroll_set_number(const struct usbtoken_enroll *enroll,
                                            uint32_t property,
                                            int64_t value);

/**
 * Sets a text that a page sets: USBTOKEN_ENROLL_PROVIDER_NAME ….
 */
usbtoken_hresult usbtoken_enroll_set_text(const struct usbtoken_enroll *enroll,
                                          uint32_t property,
                                          const char *text,
                                          size_t text_length);

/**
 * As usbtoken_enroll_set_text, in UTF-16; the length is in code units.
 */
usbtoken_hresult usbtoken_enroll_set_text_utf16(const struct usbtoken_enroll *enroll,
                                                uint32_t property,
                                                const uint16_t *text,
                                                size_t text_length);

/**
 * Initialize: for a request with a subject of its own, which has to be set, or for a response alone. The request is for a first
 * certificate, unless the subject is exactly that of the only certificate that can be renewed; or, where the bank's profile says
 * that each user has a token of their own, it is no more than a common name in the place of a whole name: then it
 * renews the only certificate of the token. `enroll_context` is
 * USBTOKEN_ENROLL_CONTEXT_USER.
 */
usbtoken_hresult usbtoken_enroll_initialize(const struct usbtoken_enroll *enroll,
                                            uint32_t enroll_context);

/**
 * InitializeFromCertificate: for a renewal. `certificate` is the old certificate in this encoding, or its serial
 * number or thumbprint with USBTOKEN_ENCODING_HEX_RAW; NULL is the only one that can be renewed. One that is not on the token is
 * renewed onto it (「USBトークンへの更新」), where the bank's profile calls the token its own or ProviderName names it
 * (USBTOKEN_TOKEN_NOT_NAMED otherwise); by its number it is found on another token, in a profile of NSS, or in the user's store on
 * Windows, and NULL finds it there by a bank's profile only. Its key is not needed. `inherit` is 0 or
 * USBTOKEN_INHERIT_…; subject and extensions are always inherited (InheritNone is refused, and so is a Subject of its own), and the key is always
 * new.
 */
usbtoken_hresult usbtoken_enroll_initialize_from_certificate(const struct usbtoken_enroll *enroll,
                                                             uint32_t enroll_context,
                                                             const uint8_t *certificate,
                                                             size_t certificate_length,
                                                             uint32_t encoding,
                                                             uint32_t inherit);

/**
 * As usbtoken_enroll_initialize_from_certificate, with the text in UTF-16; the length is in code units.
 */
usbtoken_hresult usbtoken_enroll_initialize_from_certificate_utf16(const struct usbtoken_enroll *enroll,
                                                                   uint32_t enroll_context,
                                                                   const uint16_t *certificate,
                                                                   size_t certificate_length,
                                                                   uint32_t encoding,
                                                                   uint32_t inherit);

/**
 * CreateRequest: asks for consent and PIN, makes the key pair and gives the request in this encoding
 * (USBTOKEN_ENCODING_…). Each call makes a new key, also when one waits for the same certificate because the page was
 * loaded anew, unless a person chooses to go on with that (usbtoken_enroll_set_waiting). USBTOKEN_HR_EXISTS when four keys
 * of this origin wait already. A key whose record another private key carries too is not offered, and no key is made beside it:
 * USBTOKEN_PENDING_AMBIGUOUS, until the answer is installed or a person names the key (usbtoken_enroll_abandon_named).
 */
usbtoken_hresult usbtoken_enroll_create_request(const struct usbtoken_enroll *enroll,
                                                uint32_t encoding,
                                                struct usbtoken_buffer **out);

/**
 * InstallResponse: asks for consent and PIN, finds the pending key that the response is for, and installs it.
 *
 * `restrictions` is USBTOKEN_ALLOW_NONE or USBTOKEN_ALLOW_UNTRUSTED_ROOT, the only two that a page may have.
 * `encoding` is USBTOKEN_ENCODING_…; what the response is shows from itself. A PFX is refused, with or without
 * its password: it would import a key.
 */
usbtoken_hresult usbtoken_enroll_install_response(const struct usbtoken_enroll *enroll,
                                                  uint32_t restrictions,
                                                  const uint8_t *response,
                                                  size_t response_length,
                                                  uint32_t encoding,
                                                  const char *password,
                                                  size_t password_length);

/**
 * As usbtoken_enroll_install_response, in UTF-16; the lengths are in code units.
 */
usbtoken_hresult usbtoken_enroll_install_response_utf16(const struct usbtoken_enroll *enroll,
                                                        uint32_t restrictions,
                                                        const uint16_t *response,
                                                        size_t response_length,
                                                        uint32_t encoding,
                                                        const uint16_t *password,
                                                        size_t password_length);

/**
 * What was installed, for the page's host to show: Organization, Organization Unit, Common Name, serial number.
 * USBTOKEN_HR_BLANK before usbtoken_enroll_install_response succeeded.
 */
usbtoken_hresult usbtoken_enroll_installed(const struct usbtoken_enroll *enroll,
                                           struct usbtoken_installed **out);

/**
 * Gives up: asks for consent and PIN and removes the pending key that this object made; without one, the only pending key of
 * this origin that waits for what the object was initialised for: this certificate, or the common name of this subject.
 * USBTOKEN_REMOVAL_DOUBTFUL where it is another one than that of the request which was made on this computer. One that an earlier call
 * began to remove, and that has gone without that call seeing it, is done.
 * Another user of the same origin may have made others; see usbtoken_enroll_abandon_named. 「中断して閉じる」.
 */
usbtoken_hresult usbtoken_enroll_abandon(const struct usbtoken_enroll *enroll);

/**
 * As usbtoken_enroll_abandon, for the key of this origin whose identifier (CKA_ID) the person has named: it goes although it
 * is doubtful (USBTOKEN_PENDING_DOUBT) or does not sign. For the host, whose window shows what waits; a page learns no
 * identifiers.
 */
usbtoken_hresult usbtoken_enroll_abandon_named(const struct usbtoken_enroll *enroll,
                                               const uint8_t *id,
                                               size_t id_length);

/**
 * Ends the handle and sets the pointer to NULL. Accepts NULL. What is on the token stays.
 */
void usbtoken_enroll_free(struct usbtoken_enroll **enroll);

/**
 * The HRESULT for a status: what the facade returns for it.
 */
usbtoken_hresult usbtoken_hresult_from_status(usbtoken_status status);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* USBTOKEN_H */
