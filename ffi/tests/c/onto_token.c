/*
 * A renewal onto a token of a certificate that is not there:
 *   onto_token MODULE URI PIN CA-COMMAND FILE PASSWORD OTHER-FILE
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
    CHECK(count == 8);
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

    OK(token, usbtoken_login(token, arguments[3], NUL, 0, &session));
    OK(session, usbtoken_renewal_begin_from(session, &old, NULL, &renewal));
    usbtoken_renewal_free(&renewal);

    /* As another process would go on. */
    OK(session, usbtoken_session_pending(session, &list));
    CHECK(usbtoken_pending_list_count(list) == 1);
    OK(list, usbtoken_pending_list_at(list, 0, &key));
    EXPECT(USBTOKEN_NOT_PENDING, session, usbtoken_renewal_resume_from(session, key, &other, NULL, &renewal));
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
