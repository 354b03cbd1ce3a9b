/*
 * One page, in a process of its own: page MODULE URI PIN CA-COMMAND ORIGIN STEP [WORD [FILE]]
 *
 *   request SUBJECT FILE    Initialize, Subject, CreateRequest
 *   renew WHICH FILE        InitializeFromCertificate, CreateRequest; WHICH is - for the only one, @FILE of a certificate in DER, or
 *                           a serial number or thumbprint in hexadecimal
 *   probe [WHICH]           the bits that a page learns
 *   install WHICH FILE      Initialize or InitializeFromCertificate, InstallResponse
 *   abandon [SUBJECT]       Initialize, Subject, and give up what was not made here
 *   abandon-named ID        for a key that the person has named
 *   forget ID [named]       no page: the program gives up the job of any caller
 *   begin SERIAL [although]  no page: the program begins a renewal, of one that seems to be renewed where it says so
 *   retire SERIAL [SERIAL]  no page: the program removes an old credential, whose place the second one takes
 *   answer - FILE           no page: the program installs what the CA answered
 *   list                    no page: the credentials, and whether another has taken their place
 *
 * Prints the HRESULT or status, the code, and how often the person was asked: for consent, for the PIN, for a key that waits; before
 * that the keys that a person was shown, and what an error and an installation say.
 * USBTOKEN_TEST_BANK is a bank's profile, USBTOKEN_TEST_ANCHOR a CA that the program names besides; with
 * USBTOKEN_TEST_PROVIDER the page names the token of URI. The person chooses the key of USBTOKEN_TEST_CHOICE, and says no to a
 * renewal beside a doubtful follower where there is USBTOKEN_TEST_NO.
 */
#include "check.h"

static struct {
    const char *pin, *choice;
    int consents, pins, waited;
} person;

static int32_t consent(void *user, const char *origin, uint32_t operation)
{
    (void)user;
    (void)origin;
    person.consents++;
    return operation != USBTOKEN_ENROLL_RENEW_DOUBTFUL || getenv("USBTOKEN_TEST_NO") == NULL;
}

static int64_t waiting(void *user, const char *origin, const usbtoken_pending_list *list)
{
    (void)user;
    (void)origin;
    person.waited++;
    for (size_t at = 0; at < usbtoken_pending_list_count(list); at++) {
        usbtoken_pending *key = NULL;
        OK(list, usbtoken_pending_list_at(list, at, &key));
        printf("shown %s\n", usbtoken_pending_text(key, USBTOKEN_PENDING_ID));
        usbtoken_pending_free(&key);
    }
    return person.choice == NULL ? USBTOKEN_WAITING_NEW_KEY : atoll(person.choice);
}

static usbtoken_status pin(void *user, const usbtoken_pin_request *request, usbtoken_pin_reply *reply)
{
    (void)user;
    (void)request;
    person.pins++;
    reply->length = strlen(person.pin);
    memcpy(reply->pin, person.pin, reply->length);
    return USBTOKEN_OK;
}

static size_t bytes_of(const char *hex, uint8_t *bytes, size_t room)
{
    size_t count = strlen(hex) / 2;
    CHECK(count <= room);
    for (size_t at = 0; at < count; at++) {
        unsigned one = 0;
        CHECK(sscanf(hex + 2 * at, "%2x", &one) == 1);
        bytes[at] = (uint8_t)one;
    }
    return count;
}

static void put(const char *file, const usbtoken_buffer *buffer)
{
    FILE *stream = fopen(file, "wb");
    size_t size = usbtoken_buffer_size(buffer);
    CHECK(stream != NULL && fwrite(usbtoken_buffer_data(buffer), 1, size, stream) == size && fclose(stream) == 0);
}

static void report(const char *what, long long result, const void *handle)
{
    usbtoken_error *error = NULL;
    long long code = 0;
    if (result != 0 && usbtoken_last_error(handle, &error) == USBTOKEN_OK && error != NULL) {
        code = usbtoken_error_number(error, USBTOKEN_ERROR_CODE);
        printf("error %s\n", usbtoken_error_text(error, USBTOKEN_ERROR_ONE_LINE, USBTOKEN_LANGUAGE_EN));
    }
    printf("%s %08X code %lld consent %d pin %d waiting %d\n", what, (unsigned)result, code, person.consents, person.pins,
           person.waited);
    usbtoken_error_free(&error);
}

static usbtoken_hresult made(usbtoken_enroll *page, const char *file)
{
    usbtoken_buffer *request = NULL;
    usbtoken_hresult result = usbtoken_enroll_create_request(page, USBTOKEN_ENCODING_BINARY, &request);
    if (result == USBTOKEN_HR_OK)
        put(file, request);
    usbtoken_buffer_free(&request);
    return result;
}

static size_t bytes_in(const char *file, uint8_t *bytes, size_t room)
{
    FILE *stream = fopen(file, "rb");
    CHECK(stream != NULL);
    size_t size = fread(bytes, 1, room, stream);
    CHECK(fclose(stream) == 0);
    return size;
}

static void say(const usbtoken_installed *installed)
{
    for (size_t at = 0; usbtoken_installed_notice(installed, at) != 0; at++)
        printf("notice %u\n", usbtoken_installed_notice(installed, at));
}

static usbtoken_hresult from_certificate(usbtoken_enroll *page, const char *which)
{
    static uint8_t der[1 << 16];
    uint32_t user = USBTOKEN_ENROLL_CONTEXT_USER;
    if (which == NULL)
        return usbtoken_enroll_initialize_from_certificate(page, user, NULL, 0, USBTOKEN_ENCODING_BASE64, 0);
    if (which[0] != '@')
        return usbtoken_enroll_initialize_from_certificate(page, user, (const uint8_t *)which, strlen(which),
                                                           USBTOKEN_ENCODING_HEX_RAW, 0);
    size_t size = bytes_in(which + 1, der, sizeof der);
    return usbtoken_enroll_initialize_from_certificate(page, user, der, size, USBTOKEN_ENCODING_BINARY, 0);
}

static usbtoken_hresult play(usbtoken_enroll *page, const char *step, const char *word, const char *file)
{
    uint32_t user = USBTOKEN_ENROLL_CONTEXT_USER;
    if (strcmp(step, "abandon-named") == 0) {
        uint8_t id[64];
        return usbtoken_enroll_abandon_named(page, id, bytes_of(word, id, sizeof id));
    }
    if (strcmp(step, "renew") == 0) {
        usbtoken_hresult result = from_certificate(page, word);
        return result == USBTOKEN_HR_OK ? made(page, file) : result;
    }
    if (strcmp(step, "give-up") == 0) {
        usbtoken_hresult result = from_certificate(page, word);
        return result == USBTOKEN_HR_OK ? usbtoken_enroll_abandon(page) : result;
    }
    if (strcmp(step, "probe") == 0) {
        uint32_t bits = 0;
        usbtoken_hresult result = word == NULL ? USBTOKEN_HR_OK : from_certificate(page, word);
        if (result == USBTOKEN_HR_OK)
            result = usbtoken_enroll_probe(page, &bits);
        printf("bits %u\n", (unsigned)bits);
        return result;
    }
    if (strcmp(step, "install") == 0 && word != NULL)
        EXPECT(USBTOKEN_HR_OK, page, from_certificate(page, word));
    else
        EXPECT(USBTOKEN_HR_OK, page, usbtoken_enroll_initialize(page, user));
    if (strcmp(step, "install") == 0) {
        static uint8_t answer[1 << 18];
        size_t size = bytes_in(file, answer, sizeof answer);
        usbtoken_installed *installed = NULL;
        usbtoken_hresult result = usbtoken_enroll_install_response(page, USBTOKEN_ALLOW_UNTRUSTED_ROOT, answer, size,
                                                                   USBTOKEN_ENCODING_ANY, NULL, 0);
        if (result == USBTOKEN_HR_OK) {
            EXPECT(USBTOKEN_HR_OK, page, usbtoken_enroll_installed(page, &installed));
            say(installed);
            usbtoken_installed_free(&installed);
        }
        return result;
    }
    if (word != NULL)
        EXPECT(USBTOKEN_HR_OK, page, usbtoken_enroll_set_text(page, USBTOKEN_ENROLL_SUBJECT, word, NUL));
    EXPECT(USBTOKEN_HR_OK, page, usbtoken_enroll_set_text(page, USBTOKEN_ENROLL_ALGORITHM, "ECDSA_P256", NUL));
    return strcmp(step, "abandon") == 0 ? usbtoken_enroll_abandon(page) : made(page, file);
}

/* Without a page: what the program's own window offers. */
static void forget(usbtoken_context *context, const char *uri, const char *id, int named)
{
    usbtoken_token *token = NULL;
    usbtoken_session *session = NULL;
    usbtoken_pending_list *list = NULL;
    OK(context, usbtoken_context_set_any_caller(context, 1));
    OK(context, usbtoken_find(context, uri, NUL, &token));
    OK(token, usbtoken_login(token, person.pin, NUL, 0, &session));
    OK(session, usbtoken_session_pending(session, &list));
    for (size_t at = 0; at < usbtoken_pending_list_count(list); at++) {
        usbtoken_pending *key = NULL;
        OK(list, usbtoken_pending_list_at(list, at, &key));
        const char *doubt = usbtoken_pending_text(key, USBTOKEN_PENDING_DOUBT);
        if (strcmp(usbtoken_pending_text(key, USBTOKEN_PENDING_ID), id) == 0) {
            printf("doubt %s\n", doubt == NULL ? "none" : doubt);
            usbtoken_status status = named ? usbtoken_session_abandon_named(session, key)
                                           : usbtoken_session_abandon(session, key);
            report("forget", status, session);
        }
        usbtoken_pending_free(&key);
    }
    usbtoken_pending_list_free(&list);
    usbtoken_session_free(&session);
    usbtoken_token_free(&token);
}

static void answer(usbtoken_context *context, const char *uri, const char *file)
{
    static uint8_t bytes[1 << 18];
    usbtoken_token *token = NULL;
    usbtoken_session *session = NULL;
    usbtoken_installed *installed = NULL;
    OK(context, usbtoken_context_set_any_caller(context, 1));
    OK(context, usbtoken_find(context, uri, NUL, &token));
    OK(token, usbtoken_login(token, person.pin, NUL, 0, &session));
    usbtoken_status status =
        usbtoken_install(session, NULL, bytes, bytes_in(file, bytes, sizeof bytes), NULL, &installed);
    if (status == USBTOKEN_OK)
        say(installed);
    report("answer", status, session);
    usbtoken_installed_free(&installed);
    usbtoken_session_free(&session);
    usbtoken_token_free(&token);
}

static void list(usbtoken_context *context, const char *uri)
{
    usbtoken_token *token = NULL;
    usbtoken_session *session = NULL;
    usbtoken_credentials *all = NULL;
    OK(context, usbtoken_find(context, uri, NUL, &token));
    OK(token, usbtoken_login(token, person.pin, NUL, 0, &session));
    OK(session, usbtoken_session_credentials(session, &all));
    for (size_t at = 0; at < usbtoken_credentials_count(all); at++) {
        usbtoken_credential *one = NULL;
        OK(all, usbtoken_credentials_at(all, at, &one));
        printf("%s renewed %lld\n", usbtoken_credential_text(one, USBTOKEN_CREDENTIAL_SERIAL),
               (long long)usbtoken_credential_number(one, USBTOKEN_CREDENTIAL_RENEWED));
        printf("copies %lld\n", (long long)usbtoken_credential_number(one, USBTOKEN_CREDENTIAL_COPIES));
        usbtoken_credential_free(&one);
    }
    usbtoken_credentials_free(&all);
    usbtoken_session_free(&session);
    usbtoken_token_free(&token);
}

static void work(usbtoken_context *context, const char *uri, const char *step, const char *serial, const char *how)
{
    usbtoken_token *token = NULL;
    usbtoken_session *session = NULL;
    usbtoken_credentials *all = NULL;
    usbtoken_credential *old = NULL, *new = NULL;
    usbtoken_renewal *renewal = NULL;
    OK(context, usbtoken_find(context, uri, NUL, &token));
    OK(token, usbtoken_login(token, person.pin, NUL, 0, &session));
    OK(session, usbtoken_session_credentials(session, &all));
    OK(all, usbtoken_credentials_by_serial(all, serial, NUL, &old));
    if (strcmp(step, "begin") == 0) {
        usbtoken_renewal_params params = { .struct_size = sizeof params };
        params.flags = how == NULL ? 0 : USBTOKEN_RENEW_ALTHOUGH_RENEWED | USBTOKEN_RENEW_BESIDE_PENDING;
        report(step, usbtoken_renewal_begin(session, old, &params, &renewal), session);
    } else {
        usbtoken_retire_params params = { .struct_size = sizeof params };
        if (how != NULL)
            OK(all, usbtoken_credentials_by_serial(all, how, NUL, &new));
        params.successor = new;
        report(step, usbtoken_session_retire_with(session, old, &params, NULL), session);
    }
    usbtoken_renewal_free(&renewal);
    usbtoken_credential_free(&old);
    usbtoken_credential_free(&new);
    usbtoken_credentials_free(&all);
    usbtoken_session_free(&session);
    usbtoken_token_free(&token);
}

int main(int count, char **arguments)
{
    CHECK(count >= 7);
    const char *word = count > 7 && strcmp(arguments[7], "-") != 0 ? arguments[7] : NULL;
    const char *profile = getenv("USBTOKEN_TEST_BANK");
    usbtoken_context *context = NULL;
    usbtoken_enroll *page = NULL;
    person.pin = arguments[3];
    person.choice = getenv("USBTOKEN_TEST_CHOICE");
    CHECK(usbtoken_context_new(NULL, &context) == USBTOKEN_OK);
    if (profile != NULL) {
        usbtoken_bank *bank = NULL;
        OK(context, usbtoken_bank_open(context, profile, NUL, &bank));
        OK(context, usbtoken_context_use_bank(context, bank));
        usbtoken_bank_free(&bank);
        const char *anchor = getenv("USBTOKEN_TEST_ANCHOR");
        if (anchor != NULL) {
            static uint8_t bytes[1 << 14];
            FILE *stream = fopen(anchor, "rb");
            CHECK(stream != NULL);
            size_t size = fread(bytes, 1, sizeof bytes, stream);
            fclose(stream);
            OK(context, usbtoken_context_add_anchor(context, bytes, size));
        }
    } else {
        OK(context, usbtoken_context_add_driver(context, arguments[1], NUL));
        OK(context, usbtoken_context_allow_origin(context, arguments[5], NUL));
    }
    usbtoken_callbacks callbacks = { .struct_size = sizeof callbacks, .pin = pin };
    OK(context, usbtoken_context_set_callbacks(context, &callbacks));
    if (strcmp(arguments[6], "list") == 0) {
        list(context, arguments[2]);
    } else if (strcmp(arguments[6], "answer") == 0) {
        CHECK(count > 8);
        answer(context, arguments[2], arguments[8]);
    } else if (strcmp(arguments[6], "forget") == 0) {
        forget(context, arguments[2], word, count > 8);
    } else if (strcmp(arguments[6], "begin") == 0 || strcmp(arguments[6], "retire") == 0) {
        work(context, arguments[2], arguments[6], word, count > 8 ? arguments[8] : NULL);
    } else {
        EXPECT(USBTOKEN_HR_OK, context, usbtoken_enroll_new(context, arguments[5], NUL, &page));
        EXPECT(USBTOKEN_HR_OK, page, usbtoken_enroll_set_consent(page, consent, NULL));
        EXPECT(USBTOKEN_HR_OK, page, usbtoken_enroll_set_waiting(page, waiting, NULL));
        if (getenv("USBTOKEN_TEST_PROVIDER") != NULL) {
            OK(context, usbtoken_context_add_provider(context, "Bank Provider", NUL, arguments[2], NUL));
            EXPECT(USBTOKEN_HR_OK, page,
                   usbtoken_enroll_set_text(page, USBTOKEN_ENROLL_PROVIDER_NAME, "Bank Provider", NUL));
        }
        report(arguments[6], play(page, arguments[6], word, count > 8 ? arguments[8] : NULL), page);
        usbtoken_enroll_free(&page);
    }
    usbtoken_context_free(&context);
    return 0;
}
