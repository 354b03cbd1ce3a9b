/*
 * Renews the one renewable certificate on a token:  renew MODULE URI PIN CA-COMMAND
 *
 * CA-COMMAND is a shell command that reads the request (PEM) and prints the CA's answer. A real program asks for the
 * PIN with usbtoken_callbacks.pin; on a command line other users could see it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "usbtoken.h"

#define NUL USBTOKEN_NUL_TERMINATED

/* Shows what went wrong with the handle's last call, and ends. What is on the token needs no cleaning up. */
static void stop(const void *handle)
{
    usbtoken_error *error = NULL;
    if (usbtoken_last_error(handle, &error) == USBTOKEN_OK && error != NULL)
        fprintf(stderr, "%s\n", usbtoken_error_text(error, USBTOKEN_ERROR_REPORT, USBTOKEN_LANGUAGE_DEFAULT));
    usbtoken_error_free(&error);
    exit(1);
}

#define TRY(handle, call)             \
    do {                              \
        if ((call) != USBTOKEN_OK)    \
            stop(handle);             \
    } while (0)

static void show_step(void *user, uint32_t step, const char *sentence)
{
    (void)user, (void)step;
    printf("… %s\n", sentence);
}

/* Asks the CA with a shell command. */
static size_t ask(const char *command, const char *request, uint8_t *answer, size_t room)
{
    char line[4096];
    const char *file = "usbtoken-request.pem";
    FILE *stream = fopen(file, "w");
    if (stream == NULL || fputs(request, stream) < 0 || fclose(stream) != 0)
        exit(1);
    if ((size_t)snprintf(line, sizeof line, "%s < %s", command, file) >= sizeof line)
        exit(1);
    FILE *pipe = popen(line, "r");
    if (pipe == NULL)
        exit(1);
    size_t size = fread(answer, 1, room, pipe);
    if (pclose(pipe) != 0) {
        fprintf(stderr, "the command failed\n");
        exit(1);
    }
    remove(file);
    return size;
}

int main(int count, char **arguments)
{
    if (count != 5) {
        fprintf(stderr, "usage: renew MODULE URI PIN CA-COMMAND\n");
        return 2;
    }
    usbtoken_context *context = NULL;
    usbtoken_token *token = NULL;
    usbtoken_credentials *list = NULL;
    usbtoken_credential *old = NULL, *new = NULL;
    usbtoken_session *session = NULL;
    usbtoken_renewal *renewal = NULL;
    usbtoken_buffer *request = NULL;
    usbtoken_installed *installed = NULL;
    usbtoken_options options = { .struct_size = sizeof options, .language = USBTOKEN_LANGUAGE_DEFAULT };
    usbtoken_callbacks callbacks = { .struct_size = sizeof callbacks, .progress = show_step };
    static uint8_t answer[1 << 18];

    if (usbtoken_context_new(&options, &context) != USBTOKEN_OK)
        return 1;
    TRY(context, usbtoken_context_set_callbacks(context, &callbacks));
    TRY(context, usbtoken_context_add_driver(context, arguments[1], NUL));
    TRY(context, usbtoken_find(context, arguments[2], NUL, &token));
    /* So that nobody renews what is about to be renewed here. */
    TRY(token, usbtoken_reserve(token));
    TRY(token, usbtoken_token_credentials(token, &list));
    TRY(list, usbtoken_credentials_renewable(list, 0, 0, &old));

    TRY(token, usbtoken_login(token, arguments[3], NUL, 0, &session));
    TRY(session, usbtoken_renewal_begin(session, old, NULL, &renewal));
    TRY(renewal, usbtoken_renewal_request(renewal, USBTOKEN_FORMAT_PEM, &request));
    size_t size = ask(arguments[4], usbtoken_buffer_text(request), answer, sizeof answer);
    TRY(session, usbtoken_install(session, renewal, answer, size, NULL, &installed));

    TRY(installed, usbtoken_installed_credential(installed, &new));
    printf("%s\n", usbtoken_credential_text(new, USBTOKEN_CREDENTIAL_SUMMARY));

    usbtoken_credential_free(&new);
    usbtoken_installed_free(&installed);
    usbtoken_buffer_free(&request);
    usbtoken_renewal_free(&renewal);
    usbtoken_session_free(&session);
    usbtoken_credential_free(&old);
    usbtoken_credentials_free(&list);
    usbtoken_token_free(&token);
    usbtoken_context_free(&context);
    return 0;
}
