/*
 * A renewal onto a token of a certificate that is not there:
 *   onto_token MODULE URI PIN CA-COMMAND FILE PASSWORD OTHER-FILE SIGNING-COMMAND SERIAL SEVERAL-FILE LATER-SERIAL
 */
#include "check.h"

static uint8_t *contents(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    uint8_t *bytes = malloc(1 << 20);
    CHECK(file != NULL && bytes != NULL);
    *size = fread(bytes, 1, 1 << 20, file);
    CHECK(fclose(file) == 0);
    return bytes;
}

/* The old key signs where it is; ours is openssl's. */
static struct {
    const char *command;
    usbtoken_status answer;
    int asked, spoil;
} signer;

static usbtoken_status sign(void *user, usbtoken_sign_request *request)
{
    size_t size = 0;
    CHECK(user == &signer && request->algorithm == USBTOKEN_SIGNATURE_ECDSA_SHA256);
    signer.asked++;
    if (signer.answer != USBTOKEN_OK)
        return signer.answer;
    char *signature = ask_command(signer.command, (const char *)request->message, request->message_length, &size);
    CHECK(size <= request->capacity);
    memcpy(request->signature, signature, size);
    request->signature[size - 1] ^= (uint8_t)signer.spoil;
    request->signature_length = size;
    free(signature);
    return USBTOKEN_OK;
}

static void signed_by_old_key(usbtoken_session *session, usbtoken_old_certificate old)
{
    usbtoken_renewal *renewal = NULL;
    usbtoken_pending *key = NULL;
    usbtoken_renewal_params params = { .struct_size = sizeof params, .flags = USBTOKEN_RENEW_SIGNED_BY_OLD_KEY };
    EXPECT(USBTOKEN_OLD_KEY_ELSEWHERE, session, usbtoken_renewal_begin_from(session, &old, &params, &renewal));
    old.sign = sign;
    old.sign_user = &signer;
    signer.answer = USBTOKEN_CANCELLED;
    EXPECT(USBTOKEN_CANCELLED, session, usbtoken_renewal_begin_from(session, &old, &params, &renewal));
    signer.answer = USBTOKEN_OK;
    signer.spoil = 1;
    EXPECT(USBTOKEN_OLD_KEY_SIGNATURE_INVALID, session, usbtoken_renewal_begin_from(session, &old, &params, &renewal));
    signer.spoil = 0;
    OK(session, usbtoken_renewal_begin_from(session, &old, &params, &renewal));
    CHECK(signer.asked == 3);
    /* A program of the time before these fields is served as before. */
    usbtoken_old_certificate shorter = old;
    shorter.struct_size = (uint32_t)offsetof(usbtoken_old_certificate, sign);
    EXPECT(USBTOKEN_OLD_KEY_ELSEWHERE, session, usbtoken_renewal_begin_from(session, &shorter, &params, &renewal));
    /* One that has no room for the certificate is a slip. */
    for (shorter.struct_size = 4; shorter.struct_size < offsetof(usbtoken_old_certificate, password); shorter.struct_size += 4)
        EXPECT(USBTOKEN_BAD_ARGUMENT, session, usbtoken_renewal_begin_from(session, &shorter, &params, &renewal));
    OK(renewal, usbtoken_renewal_key(renewal, &key));
    OK(session, usbtoken_session_abandon(session, key));
    usbtoken_pending_free(&key);
    usbtoken_renewal_free(&renewal);
}

/* One list over the token, the places that are named and those that are known: where this certificate is in it, from 0. */
static size_t listed(usbtoken_context *context, const char *also, const char *serial, usbtoken_overview **overview)
{
    OK(context, usbtoken_overview_read(context, also, NUL, overview));
    int64_t last = 0;
    size_t found = SIZE_MAX, count = usbtoken_overview_count(*overview);
    for (size_t at = 0; at < count; at++) {
        CHECK(usbtoken_overview_number(*overview, at, USBTOKEN_OVERVIEW_NOT_AFTER) >= last);
        last = usbtoken_overview_number(*overview, at, USBTOKEN_OVERVIEW_NOT_AFTER);
        if (strcmp(usbtoken_overview_text(*overview, at, USBTOKEN_OVERVIEW_SERIAL), serial) == 0)
            found = at;
    }
    CHECK(found != SIZE_MAX && usbtoken_overview_text(*overview, count, USBTOKEN_OVERVIEW_SERIAL) == NULL);
    return found;
}

/* A file with one that can be renewed now, one that cannot yet, and one more: which is meant. */
static void of_several(usbtoken_token *token, const char *path, const char *later, const char *second)
{
    usbtoken_preflight *preflight = NULL;
    size_t size = 0;
    uint8_t *file = contents(path, &size);
    /* The last of the three is in PEM, as the others are. */
    size_t two = (size_t)(strstr(strstr((char *)file, "-----END") + 1, "-----END") - (char *)file) + strlen("-----END CERTIFICATE-----");
    usbtoken_old_certificate old = { .struct_size = sizeof old, .data = file, .length = two };
    OK(token, usbtoken_renewal_preflight_from(token, &old, NULL, &preflight));
    usbtoken_preflight_free(&preflight);
    old.length = size;
    EXPECT(USBTOKEN_OLD_AMBIGUOUS, token, usbtoken_renewal_preflight_from(token, &old, NULL, &preflight));
    old.serial = second;
    old.serial_length = NUL;
    OK(token, usbtoken_renewal_preflight_from(token, &old, NULL, &preflight));
    CHECK(usbtoken_preflight_can_begin(preflight));
    usbtoken_preflight_free(&preflight);
    old.serial = later;
    OK(token, usbtoken_renewal_preflight_from(token, &old, NULL, &preflight));
    CHECK(!usbtoken_preflight_can_begin(preflight));
    usbtoken_preflight_free(&preflight);
    old.serial = "00ff";
    EXPECT(USBTOKEN_OLD_NOT_FOUND, token, usbtoken_renewal_preflight_from(token, &old, NULL, &preflight));
    free(file);
}

static void everything(usbtoken_context *context, const char *file, const char *serial, int renewed)
{
    char also[4096];
    usbtoken_overview *overview = NULL;
    usbtoken_buffer *der = NULL;
    usbtoken_error *skipped = NULL;
    snprintf(also, sizeof also, "file:%s\nfile:/nowhere/old.p12", file);
    size_t at = listed(context, also, serial, &overview);
    CHECK(strstr(usbtoken_overview_text(overview, at, USBTOKEN_OVERVIEW_PLACE), file) != NULL);
    CHECK(usbtoken_overview_text_utf16(overview, at, USBTOKEN_OVERVIEW_PLACE)[0] == 'f');
    CHECK(usbtoken_overview_text(overview, at, USBTOKEN_OVERVIEW_TOKEN_LABEL) == NULL);
    CHECK(usbtoken_overview_number(overview, at, USBTOKEN_OVERVIEW_DAYS_LEFT) == 11);
    CHECK(usbtoken_overview_number(overview, at, USBTOKEN_OVERVIEW_NOT_RENEWABLE) ==
          (renewed ? USBTOKEN_ALREADY_RENEWED : USBTOKEN_OK));
    CHECK((usbtoken_overview_text(overview, at, USBTOKEN_OVERVIEW_RENEWED_BY) != NULL) == renewed);
    CHECK(usbtoken_overview_number(overview, at, USBTOKEN_OVERVIEW_MAY_BE_BANKS) == 1);
    CHECK(usbtoken_overview_number(overview, at, 99) == USBTOKEN_UNKNOWN);
    OK(overview, usbtoken_overview_certificate(overview, at, &der));
    CHECK(usbtoken_buffer_data(der)[0] == 0x30);
    EXPECT(USBTOKEN_BAD_ARGUMENT, overview, usbtoken_overview_certificate(overview, 99, &der));
    OK(overview, usbtoken_overview_skipped(overview, 0, &skipped));
    CHECK(usbtoken_error_number(skipped, USBTOKEN_ERROR_CODE) == USBTOKEN_FILE_UNREADABLE);
    usbtoken_error_free(&skipped);
    OK(overview, usbtoken_overview_skipped(overview, 1, &skipped));
    CHECK(skipped == NULL);
    usbtoken_buffer_free(&der);
    usbtoken_overview_free(&overview);
    EXPECT(USBTOKEN_BAD_ARGUMENT, context, usbtoken_overview_read(context, "nonsense", NUL, &overview));
}

int main(int count, char **arguments)
{
    usbtoken_context *context = NULL;
    usbtoken_token *token = NULL;
    usbtoken_session *session = NULL;
    usbtoken_preflight *preflight = NULL;
    usbtoken_renewal *renewal = NULL;
    usbtoken_installed *installed = NULL;
    usbtoken_pending_list *list = NULL;
    usbtoken_pending *key = NULL;
    usbtoken_buffer *request = NULL;
    CHECK(count == 12);
    signer.command = arguments[8];
    usbtoken_old_certificate old = { .struct_size = sizeof old }, other = { .struct_size = sizeof other };
    uint8_t *file = contents(arguments[5], &old.length), *other_file = contents(arguments[7], &other.length);
    old.data = file;
    other.data = other_file;

    CHECK(usbtoken_context_new(NULL, &context) == USBTOKEN_OK);
    OK(context, usbtoken_context_add_driver(context, arguments[1], NUL));
    OK(context, usbtoken_find(context, arguments[2], NUL, &token));

    /* A file with a password, without it, with a wrong one, and what is no certificate. */
    EXPECT(USBTOKEN_BAD_ARGUMENT, token, usbtoken_renewal_preflight_from(token, NULL, NULL, &preflight));
    EXPECT(USBTOKEN_PKCS12_PASSWORD_NEEDED, token, usbtoken_renewal_preflight_from(token, &old, NULL, &preflight));
    old.password = "wrong";
    old.password_length = NUL;
    EXPECT(USBTOKEN_PKCS12_PASSWORD_WRONG, token, usbtoken_renewal_preflight_from(token, &old, NULL, &preflight));
    usbtoken_old_certificate none = { .struct_size = sizeof none, .data = (const uint8_t *)"x", .length = 1 };
    EXPECT(USBTOKEN_OLD_FILE_UNUSABLE, token, usbtoken_renewal_preflight_from(token, &none, NULL, &preflight));
    old.password = arguments[6];
    OK(token, usbtoken_renewal_preflight_from(token, &old, NULL, &preflight));
    usbtoken_preflight_free(&preflight);
    of_several(token, arguments[10], arguments[11], arguments[9]);
    everything(context, arguments[7], arguments[9], 0);

    OK(token, usbtoken_login(token, arguments[3], NUL, 0, &session));
    signed_by_old_key(session, old);
    OK(session, usbtoken_renewal_begin_from(session, &old, NULL, &renewal));
    usbtoken_renewal_free(&renewal);

    /* As another process would go on. */
    OK(session, usbtoken_session_pending(session, &list));
    CHECK(usbtoken_pending_list_count(list) == 1);
    OK(list, usbtoken_pending_list_at(list, 0, &key));
    EXPECT(USBTOKEN_OLD_NOT_OF_JOB, session, usbtoken_renewal_resume_from(session, key, &other, NULL, &renewal));
    OK(session, usbtoken_renewal_resume_from(session, key, &old, NULL, &renewal));
    OK(renewal, usbtoken_renewal_request(renewal, USBTOKEN_FORMAT_PEM, &request));
    size_t size = 0;
    uint8_t *answer = (uint8_t *)ask_command(arguments[4], (const char *)usbtoken_buffer_data(request),
                                             usbtoken_buffer_size(request), &size);
    EXPECT(USBTOKEN_OLD_NOT_OF_JOB, session, usbtoken_install_from(session, &other, answer, size, NULL, &installed));
    OK(session, usbtoken_install_from(session, &old, answer, size, NULL, &installed));
    CHECK(usbtoken_installed_number(installed, USBTOKEN_INSTALLED_ISSUER) == USBTOKEN_ISSUER_SAME);
    usbtoken_renewal_free(&renewal);
    EXPECT(USBTOKEN_ALREADY_RENEWED, session, usbtoken_renewal_begin_from(session, &old, NULL, &renewal));

    free(answer);
    free(file);
    free(other_file);
    usbtoken_buffer_free(&request);
    usbtoken_installed_free(&installed);
    usbtoken_pending_free(&key);
    usbtoken_pending_list_free(&list);
    usbtoken_session_free(&session);
    usbtoken_token_free(&token);
    usbtoken_context_free(&context);
    return 0;
}
