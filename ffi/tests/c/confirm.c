/*
 * A login with the new certificate, and the removal that waits for it: confirm PROFILE URI PIN COMMAND. The profile lets
 * an old certificate go after a confirmed login only.
 */
#include "check.h"

static void check_texts(usbtoken_confirmed *confirmed)
{
    CHECK(strstr(usbtoken_confirmed_text(confirmed, USBTOKEN_CONFIRMED_HTTP_STATUS), "200") != NULL);
    CHECK(strncmp(usbtoken_confirmed_text(confirmed, USBTOKEN_CONFIRMED_TLS), "TLS 1.", 6) == 0);
    CHECK(strncmp(usbtoken_confirmed_text(confirmed, USBTOKEN_CONFIRMED_URL), "https://localhost:", 18) == 0);
    CHECK(usbtoken_confirmed_text_utf16(confirmed, USBTOKEN_CONFIRMED_TLS)[0] == 'T');
    CHECK(strstr(usbtoken_confirmed_text(confirmed, USBTOKEN_CONFIRMED_ACCEPTED_ISSUERS), "TEST") != NULL);
    CHECK(usbtoken_confirmed_text(confirmed, USBTOKEN_CONFIRMED_REDIRECTIONS) == NULL);
    CHECK(usbtoken_confirmed_text(confirmed, 99) == NULL);
    CHECK(usbtoken_confirmed_number(confirmed, USBTOKEN_CONFIRMED_AT) > 1700000000);
    CHECK(usbtoken_confirmed_number(confirmed, 99) == USBTOKEN_UNKNOWN);
    CHECK(usbtoken_confirmed_notice(confirmed, 0) == 0);
}

/* The record, to be freed: a program keeps it until the old certificate goes, perhaps days later. */
static char *record_of(usbtoken_session *session, usbtoken_credential *credential)
{
    usbtoken_confirmed *confirmed = NULL;
    OK(session, usbtoken_confirm(session, credential, NULL, &confirmed));
    check_texts(confirmed);
    char *record = strdup(usbtoken_confirmed_text(confirmed, USBTOKEN_CONFIRMED_RECORD));
    CHECK(record != NULL);
    usbtoken_confirmed_free(&confirmed);
    CHECK(confirmed == NULL);
    return record;
}

static void refusals(usbtoken_session *session, usbtoken_credential *credential)
{
    usbtoken_confirmed *confirmed = NULL;
    usbtoken_confirm_params params = {.struct_size = sizeof params, .timeout_seconds = 5};
    params.url = "https://other.example/";
    params.url_length = NUL;
    EXPECT(USBTOKEN_OVERRIDE_REFUSED, session, usbtoken_confirm(session, credential, &params, &confirmed));
    params.url = NULL;
    params.url_length = 0;
    params.proxy = "socks5://127.0.0.1:1";
    params.proxy_length = NUL;
    EXPECT(USBTOKEN_LOGIN_URL_UNUSABLE, session, usbtoken_confirm(session, credential, &params, &confirmed));
    params.proxy = "http://127.0.0.1:1";
    EXPECT(USBTOKEN_LOGIN_UNREACHABLE, session, usbtoken_confirm(session, credential, &params, &confirmed));
    params.proxy = NULL;
    params.proxy_length = 0;
    params.after_login = "https://localhost/menu";
    params.after_login_length = NUL;
    EXPECT(USBTOKEN_OVERRIDE_REFUSED, session, usbtoken_confirm(session, credential, &params, &confirmed));
    EXPECT(USBTOKEN_BAD_HANDLE, session, usbtoken_confirm(session, NULL, NULL, &confirmed));
    CHECK(confirmed == NULL);
}

int main(int count, char **arguments)
{
    usbtoken_context *context = NULL;
    usbtoken_bank *bank = NULL;
    usbtoken_token *token = NULL;
    usbtoken_session *session = NULL;
    usbtoken_credentials *list = NULL;
    usbtoken_credential *old = NULL, *new = NULL, *successor = NULL;
    usbtoken_renewal *renewal = NULL;
    usbtoken_installed *installed = NULL;
    usbtoken_buffer *request = NULL;
    CHECK(count == 5);
    CHECK(usbtoken_context_new(NULL, &context) == USBTOKEN_OK);
    OK(context, usbtoken_bank_open(context, arguments[1], NUL, &bank));
    OK(context, usbtoken_context_use_bank(context, bank));
    usbtoken_bank_free(&bank);
    OK(context, usbtoken_find(context, arguments[2], NUL, &token));
    OK(token, usbtoken_login(token, arguments[3], NUL, 0, &session));
    usbtoken_token_free(&token);
    OK(session, usbtoken_session_credentials(session, &list));
    OK(list, usbtoken_credentials_renewable(list, 0, 0, &old));
    OK(session, usbtoken_renewal_begin(session, old, NULL, &renewal));
    OK(renewal, usbtoken_renewal_request(renewal, USBTOKEN_FORMAT_PEM, &request));
    size_t size = 0;
    char *answer = ask_command(arguments[4], (const char *)usbtoken_buffer_data(request),
                               usbtoken_buffer_size(request), &size);
    OK(session, usbtoken_install(session, renewal, (const uint8_t *)answer, size, NULL, &installed));
    free(answer);
    OK(installed, usbtoken_installed_credential(installed, &new));

    refusals(session, new);
    EXPECT(USBTOKEN_RETIRE_NOT_CONFIRMED, session, usbtoken_session_retire(session, old, 0, &successor));
    char *of_old = record_of(session, old), *of_new = record_of(session, new);
    usbtoken_bytes record = {(const uint8_t *)"no record", 9};
    usbtoken_retire_params params = {.struct_size = sizeof params, .confirmations = &record};
    params.confirmation_count = 1;
    EXPECT(USBTOKEN_BAD_ARGUMENT, session, usbtoken_session_retire_with(session, old, &params, &successor));
    record.data = (const uint8_t *)of_old;
    record.size = strlen(of_old);
    EXPECT(USBTOKEN_RETIRE_NOT_CONFIRMED, session,
           usbtoken_session_retire_with(session, old, &params, &successor));
    record.data = (const uint8_t *)of_new;
    record.size = strlen(of_new);
    OK(session, usbtoken_session_retire_with(session, old, &params, &successor));
    free(of_old);
    free(of_new);

    usbtoken_credential_free(&successor);
    usbtoken_credential_free(&new);
    usbtoken_buffer_free(&request);
    usbtoken_installed_free(&installed);
    usbtoken_renewal_free(&renewal);
    usbtoken_credential_free(&old);
    usbtoken_credentials_free(&list);
    usbtoken_session_free(&session);
    usbtoken_context_free(&context);
    return 0;
}
