/* The enrolment facade, mostly where it says no: enroll MODULE URI PIN CA-COMMAND */
#include "check.h"

#define BANK "https://www.bank.example"

struct host {
    const char *pin;
    int consents, pins, answer, asked;
    int64_t choice;
    const char *waits_for;
    uint32_t operation;
    usbtoken_enroll *back;
};

static int32_t consent(void *user, const char *origin, uint32_t operation)
{
    struct host *host = user;
    CHECK(strcmp(origin, BANK) == 0);
    host->consents++;
    host->operation = operation;
    if (host->back != NULL)
        CHECK(usbtoken_enroll_abandon(host->back) == USBTOKEN_HR_BUSY);
    return host->answer;
}

/* What is to become of the keys that wait: shown with whom they are for. */
static int64_t waiting(void *user, const char *origin, const usbtoken_pending_list *list)
{
    struct host *host = user;
    CHECK(strcmp(origin, BANK) == 0);
    CHECK(usbtoken_pending_list_count(list) > 0);
    usbtoken_pending *key = NULL;
    CHECK(usbtoken_pending_list_at(list, 0, &key) == USBTOKEN_OK);
    if (host->waits_for != NULL)
        CHECK(strcmp(usbtoken_pending_text(key, USBTOKEN_PENDING_FOR_WHOM), host->waits_for) == 0);
    CHECK(usbtoken_pending_number(key, USBTOKEN_PENDING_BEGUN_BY) == USBTOKEN_BEGUN_BY_PAGE);
    usbtoken_pending_free(&key);
    host->asked++;
    return host->choice;
}

static usbtoken_status pin(void *user, const usbtoken_pin_request *request, usbtoken_pin_reply *reply)
{
    struct host *host = user;
    CHECK(request->origin != NULL && strcmp(request->origin, BANK) == 0);
    CHECK(request->origin_utf16[0] == 'h' && request->origin_utf16[strlen(BANK)] == 0);
    host->pins++;
    if (host->pin == NULL)
        return USBTOKEN_PIN_CANCELLED;
    reply->length = strlen(host->pin);
    memcpy(reply->pin, host->pin, reply->length);
    return USBTOKEN_OK;
}

static usbtoken_enroll *page(usbtoken_context *context, struct host *host)
{
    usbtoken_enroll *enroll = NULL;
    EXPECT(USBTOKEN_HR_OK, context, usbtoken_enroll_new(context, BANK "/BSM5003", NUL, &enroll));
    EXPECT(USBTOKEN_HR_OK, enroll, usbtoken_enroll_set_consent(enroll, consent, host));
    EXPECT(USBTOKEN_HR_OK, enroll, usbtoken_enroll_set_waiting(enroll, waiting, host));
    return enroll;
}

static void origins(usbtoken_context *context)
{
    usbtoken_enroll *enroll = NULL;
    EXPECT(USBTOKEN_HR_ACCESS_DENIED, context, usbtoken_enroll_new(context, BANK, NUL, &enroll));
    OK(context, usbtoken_context_allow_origin(context, BANK, NUL));
    EXPECT(USBTOKEN_BAD_ARGUMENT, context, usbtoken_context_allow_origin(context, "http://www.bank.example", NUL));
    EXPECT(USBTOKEN_BAD_ARGUMENT, context, usbtoken_context_allow_origin(context, "https://*.example", NUL));
    static const char *const others[] = {
        "http://www.bank.example", "https://bank.example", "https://www.bank.example.evil.example",
        "https://www.bank.example:8443", "https://www.bank.example@evil.example", "", "null",
    };
    for (size_t at = 0; at < sizeof others / sizeof *others; at++)
        EXPECT(USBTOKEN_HR_ACCESS_DENIED, context, usbtoken_enroll_new(context, others[at], NUL, &enroll));
    usbtoken_error *error = NULL;
    OK(context, usbtoken_last_error(context, &error));
    CHECK(usbtoken_error_number(error, USBTOKEN_ERROR_CODE) == USBTOKEN_ORIGIN_REFUSED);
    usbtoken_error_free(&error);
    CHECK(enroll == NULL);
    uint16_t wide[64];
    size_t length = strlen(BANK);
    for (size_t at = 0; at < length; at++)
        wide[at] = (uint16_t)BANK[at];
    EXPECT(USBTOKEN_HR_OK, context, usbtoken_enroll_new_utf16(context, wide, length, &enroll));
    usbtoken_enroll_free(&enroll);
    wide[8] = 'v'; /* https://vww.bank.example */
    EXPECT(USBTOKEN_HR_ACCESS_DENIED, context, usbtoken_enroll_new_utf16(context, wide, length, &enroll));
    OK(context, usbtoken_context_allow_origin_utf16(context, wide, length));
    EXPECT(USBTOKEN_HR_OK, context, usbtoken_enroll_new_utf16(context, wide, length, &enroll));
    usbtoken_enroll_free(&enroll);
    wide[4] = 'x';
    EXPECT(USBTOKEN_HR_ACCESS_DENIED, context, usbtoken_enroll_new_utf16(context, wide, length, &enroll));
}

static void properties(usbtoken_context *context, struct host *host, const char *uri)
{
    usbtoken_enroll *e = page(context, host);
    EXPECT(USBTOKEN_HR_ACCESS_DENIED, e, usbtoken_enroll_set_number(e, USBTOKEN_ENROLL_EXPORT_POLICY, 1));
    EXPECT(USBTOKEN_HR_ACCESS_DENIED, e, usbtoken_enroll_set_number(e, USBTOKEN_ENROLL_EXPORT_POLICY, 2));
    EXPECT(USBTOKEN_HR_ACCESS_DENIED, e, usbtoken_enroll_set_number(e, USBTOKEN_ENROLL_MACHINE_CONTEXT, 1));
    EXPECT(USBTOKEN_HR_INVALID_ARGUMENT, e, usbtoken_enroll_set_number(e, USBTOKEN_ENROLL_KEY_SPEC, 3));
    EXPECT(USBTOKEN_HR_INVALID_ARGUMENT, e, usbtoken_enroll_set_number(e, USBTOKEN_ENROLL_LENGTH, 1024));
    EXPECT(USBTOKEN_HR_INVALID_ARGUMENT, e, usbtoken_enroll_set_number(e, USBTOKEN_ENROLL_LENGTH, -1));
    EXPECT(USBTOKEN_HR_INVALID_ARGUMENT, e, usbtoken_enroll_set_number(e, 77, 0));
    EXPECT(USBTOKEN_HR_OK, e, usbtoken_enroll_set_number(e, USBTOKEN_ENROLL_PROVIDER_TYPE, 24));
    EXPECT(USBTOKEN_HR_OK, e, usbtoken_enroll_set_number(e, USBTOKEN_ENROLL_KEY_PROTECTION, 2));
    EXPECT(USBTOKEN_HR_OK, e, usbtoken_enroll_set_number(e, USBTOKEN_ENROLL_KEY_USAGE, 0xffffff));
    EXPECT(USBTOKEN_HR_INVALID_ARGUMENT, e, usbtoken_enroll_set_text(e, USBTOKEN_ENROLL_ALGORITHM, "DES", NUL));
    EXPECT(USBTOKEN_HR_OK, e, usbtoken_enroll_set_text(e, USBTOKEN_ENROLL_ALGORITHM, "1.3.132.0.34", NUL));
    EXPECT(USBTOKEN_HR_INVALID_ARGUMENT, e, usbtoken_enroll_set_text(e, USBTOKEN_ENROLL_ALGORITHM, "1.3.132.0.35", NUL));
    EXPECT(USBTOKEN_HR_OK, e, usbtoken_enroll_set_text(e, USBTOKEN_ENROLL_ALGORITHM, "", NUL));
    EXPECT(USBTOKEN_HR_INVALID_ARGUMENT, e, usbtoken_enroll_set_text(e, USBTOKEN_ENROLL_SUBJECT, "nonsense", NUL));
    EXPECT(USBTOKEN_HR_INVALID_ARGUMENT, e, usbtoken_enroll_set_text(e, 77, "x", NUL));

    /* A page cannot name a token, and above all no driver, by itself. */
    EXPECT(USBTOKEN_HR_PROVIDER_UNKNOWN, e, usbtoken_enroll_set_text(e, USBTOKEN_ENROLL_PROVIDER_NAME, uri, NUL));
    EXPECT(USBTOKEN_HR_PROVIDER_UNKNOWN, e,
           usbtoken_enroll_set_text(e, USBTOKEN_ENROLL_PROVIDER_NAME, "pkcs11:?module-path=/tmp/evil.so", NUL));
    OK(context, usbtoken_context_add_provider(context, "Bank Provider", NUL, uri, NUL));
    uint16_t name_utf16[] = { 'E', 'l', 's', 'e', 'w', 'h', 'e', 'r', 'e', 0 };
    uint16_t uri_utf16[] = { 'p', 'k', 'c', 's', '1', '1', ':', 't', 'o', 'k', 'e', 'n', '=', 'E', 'L', 'S', 'E' };
    OK(context, usbtoken_context_add_provider_utf16(context, name_utf16, NUL, uri_utf16, 17));
    EXPECT(USBTOKEN_BAD_URI, context, usbtoken_context_add_provider_utf16(context, name_utf16, NUL, name_utf16, NUL));
    EXPECT(USBTOKEN_BAD_URI, context, usbtoken_context_add_provider(context, "x", NUL, "not a uri", NUL));
    EXPECT(USBTOKEN_HR_OK, e, usbtoken_enroll_set_text(e, USBTOKEN_ENROLL_PROVIDER_NAME, "bank PROVIDER", NUL));
    uint16_t wide[] = { 'E', 'l', 's', 'e', 'w', 'h', 'e', 'r', 'e' };
    uint32_t bits = 99;
    EXPECT(USBTOKEN_HR_OK, e, usbtoken_enroll_probe(e, &bits));
    CHECK(bits == (USBTOKEN_PROBE_TOKEN | USBTOKEN_PROBE_RENEWABLE));
    EXPECT(USBTOKEN_HR_OK, e, usbtoken_enroll_set_text_utf16(e, USBTOKEN_ENROLL_PROVIDER_NAME, wide, 9));
    EXPECT(USBTOKEN_HR_OK, e, usbtoken_enroll_probe(e, &bits));
    CHECK(bits == 0 && host->consents == 0 && host->pins == 0);

    static const char *const names[] = { "usbtoken", "Bank Provider", "Elsewhere" };
    for (size_t at = 0; at < 4; at++) {
        usbtoken_buffer *name = NULL;
        EXPECT(USBTOKEN_HR_OK, e, usbtoken_enroll_provider_name(e, at, &name));
        CHECK((name == NULL) == (at == 3));
        CHECK(name == NULL || strcmp(usbtoken_buffer_text(name), names[at]) == 0);
        usbtoken_buffer_free(&name);
    }
    usbtoken_enroll_free(&e);
}

static void refusals(usbtoken_context *context, struct host *host)
{
    usbtoken_buffer *request = NULL;
    usbtoken_installed *installed = NULL;
    usbtoken_enroll *e = page(context, host);
    const uint8_t *any = (const uint8_t *)"MIIB";
    uint32_t user = USBTOKEN_ENROLL_CONTEXT_USER;

    EXPECT(USBTOKEN_HR_BLANK, e, usbtoken_enroll_create_request(e, 1, &request));
    EXPECT(USBTOKEN_HR_BLANK, e, usbtoken_enroll_install_response(e, 0, any, 4, 1, NULL, 0));
    EXPECT(USBTOKEN_HR_BLANK, e, usbtoken_enroll_installed(e, &installed));
    EXPECT(USBTOKEN_HR_ACCESS_DENIED, e, usbtoken_enroll_initialize(e, 2));
    EXPECT(USBTOKEN_HR_ACCESS_DENIED, e, usbtoken_enroll_initialize_from_certificate(e, 3, NULL, 0, 1, 0));
    EXPECT(USBTOKEN_HR_INVALID_ARGUMENT, e, usbtoken_enroll_initialize_from_certificate(e, user, NULL, 0, 1, 3));
    /* InheritNone, which would have no effect. */
    EXPECT(USBTOKEN_HR_INVALID_ARGUMENT, e, usbtoken_enroll_initialize_from_certificate(e, user, NULL, 0, 1, 0x12));
    EXPECT(USBTOKEN_HR_INVALID_ARGUMENT, e, usbtoken_enroll_initialize_from_certificate(e, user, any, 4, 99, 0));
    EXPECT(USBTOKEN_HR_BAD_RESPONSE, e,
           usbtoken_enroll_initialize_from_certificate(e, user, (const uint8_t *)"junk", 4, USBTOKEN_ENCODING_BINARY, 0));
    usbtoken_error *why = NULL;
    OK(e, usbtoken_last_error(e, &why));
    CHECK(usbtoken_error_number(why, USBTOKEN_ERROR_CODE) == USBTOKEN_OLD_FILE_UNUSABLE);
    usbtoken_error_free(&why);
    EXPECT(USBTOKEN_HR_OK, e, usbtoken_enroll_initialize(e, user));
    EXPECT(USBTOKEN_HR_ALREADY_INITIALIZED, e, usbtoken_enroll_initialize(e, user));
    EXPECT(USBTOKEN_HR_PROPERTY_EMPTY, e, usbtoken_enroll_create_request(e, 1, &request));
    EXPECT(USBTOKEN_HR_OK, e, usbtoken_enroll_set_text(e, USBTOKEN_ENROLL_SUBJECT, "O=bank, CN=first", NUL));
    EXPECT(USBTOKEN_HR_INVALID_ARGUMENT, e, usbtoken_enroll_create_request(e, USBTOKEN_ENCODING_ANY, &request));
    EXPECT(USBTOKEN_HR_INVALID_ARGUMENT, e, usbtoken_enroll_create_request(e, 99, &request));
    EXPECT(USBTOKEN_HR_OK, e, usbtoken_enroll_set_number(e, USBTOKEN_ENROLL_LENGTH, 2048));
    EXPECT(USBTOKEN_HR_OK, e, usbtoken_enroll_set_text(e, USBTOKEN_ENROLL_ALGORITHM, "ECDSA_P256", NUL));
    EXPECT(USBTOKEN_HR_INVALID_ARGUMENT, e, usbtoken_enroll_create_request(e, 1, &request));
    EXPECT(USBTOKEN_HR_OK, e, usbtoken_enroll_set_number(e, USBTOKEN_ENROLL_LENGTH, 256));
    /* A provider of RSA keys, or none named: no key of 256 or 384 bits. */
    EXPECT(USBTOKEN_HR_OK, e, usbtoken_enroll_set_number(e, USBTOKEN_ENROLL_PROVIDER_TYPE, 24));
    EXPECT(USBTOKEN_HR_INVALID_ARGUMENT, e, usbtoken_enroll_create_request(e, 1, &request));
    EXPECT(USBTOKEN_HR_OK, e, usbtoken_enroll_set_number(e, USBTOKEN_ENROLL_PROVIDER_TYPE, 0));
    EXPECT(USBTOKEN_HR_OK, e, usbtoken_enroll_set_text(e, USBTOKEN_ENROLL_ALGORITHM, "", NUL));
    EXPECT(USBTOKEN_HR_INVALID_ARGUMENT, e, usbtoken_enroll_create_request(e, 1, &request));
    EXPECT(USBTOKEN_HR_OK, e, usbtoken_enroll_set_text(e, USBTOKEN_ENROLL_ALGORITHM, "ECDSA_P256", NUL));
    /* What no CA takes. */
    EXPECT(USBTOKEN_HR_INVALID_ARGUMENT, e, usbtoken_enroll_set_text(e, USBTOKEN_ENROLL_SUBJECT, "C=Japan", NUL));
    for (uint32_t wrong = 1; wrong < 8; wrong++)
        if (wrong != USBTOKEN_ALLOW_UNTRUSTED_ROOT)
            EXPECT(USBTOKEN_HR_ACCESS_DENIED, e, usbtoken_enroll_install_response(e, wrong, any, 4, 1, NULL, 0));
    EXPECT(USBTOKEN_HR_ACCESS_DENIED, e, usbtoken_enroll_install_response(e, 0, any, 4, 1, "secret", NUL));
    EXPECT(USBTOKEN_HR_BAD_RESPONSE, e, usbtoken_enroll_install_response(e, 0, any, 4, 1, "", NUL));
    EXPECT(USBTOKEN_HR_BAD_RESPONSE, e, usbtoken_enroll_install_response(e, 0, any, SIZE_MAX / 2, 1, NULL, 0));
    /* A PFX, as far as its first fields show. */
    static const uint8_t pfx[] = { 0x30, 0x16, 0x02, 0x01, 0x03, 0x30, 0x11, 0x06, 0x09, 0x2a, 0x86, 0x48,
                                   0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01, 0xa0, 0x04, 0x04, 0x02, 0x30, 0x00 };
    EXPECT(USBTOKEN_HR_ACCESS_DENIED, e, usbtoken_enroll_install_response(e, 0, pfx, sizeof pfx, 2, NULL, 0));
    CHECK(host->consents == 0 && host->pins == 0);

    /* A no is a no, and nobody who could be asked is one too. */
    host->answer = 0;
    EXPECT(USBTOKEN_HR_CANCELLED, e, usbtoken_enroll_create_request(e, 1, &request));
    /* It holds for this page: one that asks again and again is not asked for again. */
    host->answer = 1;
    EXPECT(USBTOKEN_HR_CANCELLED, e, usbtoken_enroll_create_request(e, 1, &request));
    CHECK(host->consents == 1);
    EXPECT(USBTOKEN_HR_OK, e, usbtoken_enroll_set_consent(e, consent, host));
    host->answer = 2;
    EXPECT(USBTOKEN_HR_CANCELLED, e, usbtoken_enroll_create_request(e, 1, &request));
    CHECK(host->consents == 2 && host->operation == USBTOKEN_ENROLL_CREATE_REQUEST);
    EXPECT(USBTOKEN_HR_CANCELLED, e, usbtoken_enroll_abandon(e));
    CHECK(host->operation == USBTOKEN_ENROLL_ABANDON);
    EXPECT(USBTOKEN_HR_OK, e, usbtoken_enroll_set_consent(e, NULL, NULL));
    EXPECT(USBTOKEN_HR_ACCESS_DENIED, e, usbtoken_enroll_create_request(e, 1, &request));
    CHECK(host->consents == 3 && host->pins == 0 && request == NULL);

    EXPECT(USBTOKEN_HR_OK, e, usbtoken_enroll_set_consent(e, consent, host));
    host->answer = 1;
    const char *right = host->pin;
    host->pin = NULL;
    EXPECT(USBTOKEN_HR_PIN_CANCELLED, e, usbtoken_enroll_create_request(e, 1, &request));
    host->pin = "999999";
    EXPECT(USBTOKEN_HR_PIN_WRONG, e, usbtoken_enroll_create_request(e, 1, &request));
    host->pin = right;
    CHECK(host->pins == 2);

    /* A first certificate; then given up, 「中断して閉じる」. */
    host->back = e;
    EXPECT(USBTOKEN_HR_OK, e, usbtoken_enroll_create_request(e, USBTOKEN_ENCODING_HEX_RAW, &request));
    host->back = NULL;
    CHECK(strncmp(usbtoken_buffer_text(request), "30", 2) == 0);
    usbtoken_buffer_free(&request);
    EXPECT(USBTOKEN_HR_OK, e, usbtoken_enroll_abandon(e));
    EXPECT(USBTOKEN_HR_NOT_FOUND, e, usbtoken_enroll_abandon(e));
    usbtoken_enroll_free(&e);

    /* A subject beside the one that is inherited would have no effect, before or after. */
    e = page(context, host);
    EXPECT(USBTOKEN_HR_OK, e, usbtoken_enroll_initialize_from_certificate(e, user, NULL, 0, 1, 0));
    EXPECT(USBTOKEN_HR_INVALID_ARGUMENT, e, usbtoken_enroll_set_text(e, USBTOKEN_ENROLL_SUBJECT, "CN=x", NUL));
    usbtoken_enroll_free(&e);
    e = page(context, host);
    EXPECT(USBTOKEN_HR_OK, e, usbtoken_enroll_set_text(e, USBTOKEN_ENROLL_SUBJECT, "CN=x", NUL));
    EXPECT(USBTOKEN_HR_INVALID_ARGUMENT, e, usbtoken_enroll_initialize_from_certificate(e, user, NULL, 0, 1, 0));
    usbtoken_enroll_free(&e);
}

static usbtoken_credential *renewable(usbtoken_context *context, const char *uri)
{
    usbtoken_token *token = NULL;
    usbtoken_credentials *list = NULL;
    usbtoken_credential *old = NULL;
    OK(context, usbtoken_find(context, uri, NUL, &token));
    OK(token, usbtoken_token_credentials(token, &list));
    OK(list, usbtoken_credentials_renewable(list, 0, 0, &old));
    usbtoken_token_free(&token);
    usbtoken_credentials_free(&list);
    return old;
}

/* By the old certificate, by its serial number; loaded anew; answered in UTF-16 in another page. */
static void renew(usbtoken_context *context, struct host *host, const char *uri, const char *ca)
{
    uint32_t user = USBTOKEN_ENROLL_CONTEXT_USER;
    usbtoken_credential *old = renewable(context, uri);
    usbtoken_buffer *der = NULL, *request = NULL, *again = NULL;
    OK(old, usbtoken_credential_certificate(old, &der));
    usbtoken_enroll *e = page(context, host);
    EXPECT(USBTOKEN_HR_OK, e,
           usbtoken_enroll_initialize_from_certificate(e, user, usbtoken_buffer_data(der),
                                                       usbtoken_buffer_size(der), USBTOKEN_ENCODING_BINARY,
                                                       USBTOKEN_INHERIT_NEW_SIMILAR_KEY | 0x80 | 0x100));
    EXPECT(USBTOKEN_HR_OK, e, usbtoken_enroll_create_request(e, USBTOKEN_ENCODING_BINARY, &request));
    CHECK(usbtoken_buffer_text(request) == NULL);
    usbtoken_enroll_free(&e);
    usbtoken_buffer_free(&der);

    uint16_t serial[64];
    const char *text = usbtoken_credential_text(old, USBTOKEN_CREDENTIAL_SERIAL);
    size_t length = strlen(text);
    for (size_t at = 0; at < length; at++)
        serial[at] = (uint16_t)text[at];
    e = page(context, host);
    EXPECT(USBTOKEN_HR_OK, e,
           usbtoken_enroll_initialize_from_certificate_utf16(e, user, serial, length, USBTOKEN_ENCODING_HEX_RAW, 0));
    EXPECT(USBTOKEN_HR_OK, e,
           usbtoken_enroll_create_request(e, USBTOKEN_ENCODING_BASE64 | USBTOKEN_ENCODING_NO_CRLF, &again));
    CHECK(strpbrk(usbtoken_buffer_text(again), "\r\n-") == NULL);
    usbtoken_enroll_free(&e);
    usbtoken_buffer_free(&again);

    /* The same by its thumbprint: the same key signs again. A thumbprint of nothing is found nowhere. */
    const char *thumbprint = usbtoken_credential_text(old, USBTOKEN_CREDENTIAL_THUMBPRINT);
    CHECK(strlen(thumbprint) == 40);
    e = page(context, host);
    EXPECT(USBTOKEN_HR_OK, e,
           usbtoken_enroll_initialize_from_certificate(e, user, (const uint8_t *)thumbprint, 40,
                                                       USBTOKEN_ENCODING_HEX_RAW, 0));
    EXPECT(USBTOKEN_HR_OK, e, usbtoken_enroll_create_request(e, USBTOKEN_ENCODING_BASE64, &again));
    usbtoken_enroll_free(&e);
    e = page(context, host);
    EXPECT(USBTOKEN_HR_OK, e,
           usbtoken_enroll_initialize_from_certificate(e, user, (const uint8_t *)"00112233445566778899"
                                                       "00112233445566778899", 40, USBTOKEN_ENCODING_HEX_RAW, 0));
    usbtoken_buffer *none = NULL;
    EXPECT(USBTOKEN_HR_NOT_FOUND, e, usbtoken_enroll_create_request(e, USBTOKEN_ENCODING_BASE64, &none));
    usbtoken_enroll_free(&e);
    usbtoken_credential_free(&old);

    size_t size = 0;
    char *answer = ask_command(ca, (const char *)usbtoken_buffer_data(request), usbtoken_buffer_size(request), &size);
    usbtoken_buffer_free(&request);
    usbtoken_buffer_free(&again);
    uint16_t *wide = malloc((size + 1) * sizeof *wide);
    CHECK(wide != NULL);
    for (size_t at = 0; at <= size; at++)
        wide[at] = (unsigned char)answer[at];
    e = page(context, host);
    EXPECT(USBTOKEN_HR_OK, e, usbtoken_enroll_initialize(e, user));
    EXPECT(USBTOKEN_HR_OK, e,
           usbtoken_enroll_install_response_utf16(e, USBTOKEN_ALLOW_UNTRUSTED_ROOT, wide, NUL, 1, NULL, 0));
    CHECK(host->operation == USBTOKEN_ENROLL_INSTALL_RESPONSE);
    /* As CertEnroll, whose pending request is gone. */
    EXPECT(USBTOKEN_HR_NOT_FOUND, e,
           usbtoken_enroll_install_response_utf16(e, USBTOKEN_ALLOW_UNTRUSTED_ROOT, wide, NUL, 1, NULL, 0));
    usbtoken_installed *installed = NULL;
    EXPECT(USBTOKEN_HR_OK, e, usbtoken_enroll_installed(e, &installed));
    CHECK(usbtoken_installed_number(installed, USBTOKEN_INSTALLED_PROOF) == USBTOKEN_PROOF_PROVEN);
    usbtoken_installed_free(&installed);
    usbtoken_enroll_free(&e);
    free(wide);
    free(answer);
}

/* A request for this user, from a page that was loaded anew. */
static usbtoken_hresult ask_for(usbtoken_context *context, struct host *host, const char *subject, char *key)
{
    usbtoken_enroll *e = page(context, host);
    usbtoken_buffer *request = NULL;
    EXPECT(USBTOKEN_HR_OK, e, usbtoken_enroll_initialize(e, USBTOKEN_ENROLL_CONTEXT_USER));
    EXPECT(USBTOKEN_HR_OK, e, usbtoken_enroll_set_text(e, USBTOKEN_ENROLL_ALGORITHM, "1.2.840.10045.3.1.7", NUL));
    EXPECT(USBTOKEN_HR_OK, e, usbtoken_enroll_set_text(e, USBTOKEN_ENROLL_SUBJECT, subject, NUL));
    usbtoken_hresult result = usbtoken_enroll_create_request(e, USBTOKEN_ENCODING_HEX_RAW, &request);
    if (result == USBTOKEN_HR_OK) {
        /* The public key: the 65 bytes behind the BIT STRING's 03 42 00 04. */
        const char *found = strstr(usbtoken_buffer_text(request), "03420004");
        CHECK(found != NULL);
        memcpy(key, found, 138);
        key[138] = 0;
    }
    usbtoken_buffer_free(&request);
    usbtoken_enroll_free(&e);
    return result;
}

static void abandon_all(usbtoken_context *context, const char *uri, const char *pin)
{
    usbtoken_token *token = NULL;
    usbtoken_session *session = NULL;
    usbtoken_pending_list *list = NULL;
    OK(context, usbtoken_find(context, uri, NUL, &token));
    OK(token, usbtoken_login(token, pin, NUL, 0, &session));
    OK(session, usbtoken_session_pending(session, &list));
    for (size_t at = 0; at < usbtoken_pending_list_count(list); at++) {
        usbtoken_pending *key = NULL;
        OK(list, usbtoken_pending_list_at(list, at, &key));
        /* A page's is a page's, until a person says otherwise. */
        EXPECT(USBTOKEN_PENDING_OF_OTHER, session, usbtoken_session_abandon(session, key));
        OK(context, usbtoken_context_set_any_caller(context, 1));
        OK(session, usbtoken_session_abandon(session, key));
        OK(context, usbtoken_context_set_any_caller(context, 0));
        usbtoken_pending_free(&key);
    }
    EXPECT(USBTOKEN_BAD_ARGUMENT, context, usbtoken_context_set_any_caller(context, 2));
    usbtoken_pending_list_free(&list);
    usbtoken_session_free(&session);
    usbtoken_token_free(&token);
}

/* Two users of one origin: neither is given the other's key, and a page does not fill the token. */
static void users(usbtoken_context *context, struct host *host, const char *uri)
{
    char one[139], other[139], again[139];
    uint16_t name[] = { 'h', 'o', 's', 't' };
    OK(context, usbtoken_context_set_program(context, "a host of pages", NUL));
    OK(context, usbtoken_context_set_program_utf16(context, name, 4));
    EXPECT(USBTOKEN_BAD_ARGUMENT, context, usbtoken_context_set_program(context, "", NUL));
    host->asked = 0;
    EXPECT(USBTOKEN_HR_OK, NULL, ask_for(context, host, "O=bank, CN=user one", one));
    EXPECT(USBTOKEN_HR_OK, NULL, ask_for(context, host, "O=bank, CN=user two", other));
    CHECK(strcmp(one, other) != 0 && host->asked == 0);
    /* The first one again: the person goes on with the key that is theirs, stops, or has a new one made. */
    host->waits_for = "user one";
    EXPECT(USBTOKEN_HR_OK, NULL, ask_for(context, host, "O=bank, CN=user one", again));
    CHECK(strcmp(one, again) == 0 && host->asked == 1);
    host->choice = USBTOKEN_WAITING_CANCEL;
    EXPECT(USBTOKEN_HR_CANCELLED, NULL, ask_for(context, host, "O=bank, CN=user one", again));
    host->choice = USBTOKEN_WAITING_NEW_KEY;
    EXPECT(USBTOKEN_HR_OK, NULL, ask_for(context, host, "O=bank, CN=user one", again));
    CHECK(strcmp(one, again) != 0 && strcmp(other, again) != 0);
    /* The fourth, and no fifth. */
    EXPECT(USBTOKEN_HR_OK, NULL, ask_for(context, host, "O=bank, CN=user three", again));
    EXPECT(USBTOKEN_HR_EXISTS, NULL, ask_for(context, host, "O=bank, CN=user four", again));
    host->waits_for = NULL;
    host->choice = 0;
    abandon_all(context, uri, host->pin);
}

int main(int count, char **arguments)
{
    CHECK(count == 5);
    struct host host = { .pin = arguments[3], .answer = 1 };
    usbtoken_context *context = NULL;
    CHECK(usbtoken_context_new(NULL, &context) == USBTOKEN_OK);
    OK(context, usbtoken_context_add_driver(context, arguments[1], NUL));
    usbtoken_callbacks callbacks = { .struct_size = sizeof callbacks, .user = &host, .pin = pin };
    OK(context, usbtoken_context_set_callbacks(context, &callbacks));
    origins(context);
    properties(context, &host, arguments[2]);
    refusals(context, &host);
    EXPECT(USBTOKEN_ANCHOR_UNUSABLE, context, usbtoken_context_add_anchor(context, (const uint8_t *)"x", 1));
    users(context, &host, arguments[2]);
    renew(context, &host, arguments[2], arguments[4]);
    usbtoken_context_free(&context);
    return 0;
}
