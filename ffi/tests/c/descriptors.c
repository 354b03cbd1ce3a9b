/*
 * Programs that take away what driver hosts hang on: descriptors TEST MODULE URI PIN CA-COMMAND, where TEST is one of
 *   taken     the program closes every descriptor, and opens its own under their numbers
 *   few       at first there is no descriptor left
 *   crowded   there is no thread left
 *   left      a driver that hangs (HANGING) is searched, beside others and alone
 * DRIVER_HOST names the program of the host, where it is not beside the library.
 */
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

enum { MOST = 1024 };

static char **arguments;

static usbtoken_context *new_context(const char *first, uint32_t limit)
{
    usbtoken_context *context = NULL;
    usbtoken_options options = { .struct_size = sizeof options, .driver_milliseconds = limit };
    CHECK(usbtoken_context_new(&options, &context) == USBTOKEN_OK);
    if (first != NULL)
        OK(context, usbtoken_context_add_driver(context, first, NUL));
    if (getenv("DRIVER_HOST") != NULL)
        OK(context, usbtoken_context_set_driver_host(context, getenv("DRIVER_HOST"), NUL));
    return context;
}

static void look(usbtoken_context *context)
{
    usbtoken_token *token = NULL;
    usbtoken_credentials *list = NULL;
    OK(context, usbtoken_find(context, arguments[2], NUL, &token));
    OK(token, usbtoken_token_credentials(token, &list));
    CHECK(usbtoken_credentials_count(list) == 1);
    usbtoken_credentials_free(&list);
    usbtoken_token_free(&token);
}

/* Whether a fact of the last error is this; with NULL, whether it has one. */
static int has_fact(const void *handle, const char *wanted)
{
    usbtoken_error *error = NULL;
    int found = 0;
    CHECK(usbtoken_last_error(handle, &error) == USBTOKEN_OK && error != NULL);
    for (size_t at = 0; usbtoken_error_fact_kind(error, at) != 0; at++)
        found |= wanted == NULL || strcmp(usbtoken_error_fact(error, at), wanted) == 0;
    usbtoken_error_free(&error);
    return found;
}

static void taken(void)
{
    for (int replaced = 0; replaced < 2; replaced++) {
        usbtoken_context *context = new_context(arguments[1], 0);
        usbtoken_token *token = NULL;
        usbtoken_session *session = NULL;
        usbtoken_credentials *list = NULL;
        int own[2] = { -1, -1 };
        char got[4096];
        OK(context, usbtoken_find(context, arguments[2], NUL, &token));
        OK(token, usbtoken_reserve(token));
        OK(token, usbtoken_token_credentials(token, &list));
        usbtoken_credentials_free(&list);
        for (int at = 3; at < MOST; at++)
            close(at);
        if (replaced) {
            CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, own) == 0 && own[0] < own[1]);
            for (int at = own[1] + 1; at < MOST; at++)
                CHECK(dup2(own[1], at) == at);
        }
        EXPECT(USBTOKEN_DRIVER_CRASHED, token, usbtoken_login(token, arguments[3], NUL, 0, &session));
        CHECK(!has_fact(token, "pin_may_have_counted"));
        usbtoken_token_free(&token);
        usbtoken_context_free(&context);
        if (replaced) {
            /* Nothing came there, and nothing of it was closed. */
            CHECK(recv(own[0], got, sizeof got, MSG_DONTWAIT) == -1);
            for (int at = own[0]; at < MOST; at++) {
                CHECK(fcntl(at, F_GETFD) >= 0);
                close(at);
            }
        }
        CHECK(waitpid(-1, NULL, WNOHANG) == -1);
        context = new_context(arguments[1], 0);
        look(context);
        usbtoken_context_free(&context);
    }
}

static void few(void)
{
    usbtoken_context *context = new_context(arguments[1], 0);
    usbtoken_token *token = NULL;
    struct rlimit usual, none;
    int32_t in_process = -1;
    int next = dup(0);
    close(next);
    CHECK(getrlimit(RLIMIT_NOFILE, &usual) == 0);
    none = usual;
    none.rlim_cur = (rlim_t)next;
    CHECK(setrlimit(RLIMIT_NOFILE, &none) == 0);
    EXPECT(USBTOKEN_OUT_OF_MEMORY, context, usbtoken_context_is_in_process(context, &in_process));
    EXPECT(USBTOKEN_OUT_OF_MEMORY, context, usbtoken_find(context, arguments[2], NUL, &token));
    CHECK(has_fact(context, NULL));
    CHECK(setrlimit(RLIMIT_NOFILE, &usual) == 0);
    OK(context, usbtoken_context_is_in_process(context, &in_process));
    CHECK(in_process == 0);
    look(context);
    usbtoken_context_free(&context);
}

static void crowded(void)
{
    usbtoken_context *context = new_context(arguments[1], 0);
    usbtoken_token *token = NULL;
    struct rlimit one = { 1, 1 };
    if (geteuid() != 0)
        return;
    CHECK(setrlimit(RLIMIT_NPROC, &one) == 0 && setuid(65534) == 0);
    EXPECT(USBTOKEN_OUT_OF_MEMORY, context, usbtoken_find(context, arguments[2], NUL, &token));
    CHECK(has_fact(context, NULL));
    usbtoken_context_free(&context);
}

static void hangs_in(const char *function)
{
    char path[4096];
    snprintf(path, sizeof path, "%s.ends", getenv("SOFTHSM2_CONF"));
    FILE *file = fopen(path, "w");
    CHECK(file != NULL && fprintf(file, "hang:%s:1", function) > 0 && fclose(file) == 0);
}

static void left(void)
{
    static const char *const functions[] = { "C_GetSlotList", "C_Initialize" };
    for (int at = 0; at < 2; at++) {
        usbtoken_context *context = new_context(getenv("HANGING"), 1000);
        usbtoken_token *token = NULL;
        hangs_in(functions[at]);
        EXPECT(USBTOKEN_DRIVER_TIMEOUT, context, usbtoken_find(context, arguments[2], NUL, &token));
        CHECK(has_fact(context, functions[at]));
        CHECK(waitpid(-1, NULL, WNOHANG) == -1);
        usbtoken_context_free(&context);

        /* The token that is named whole is there; the other driver is not waited for. */
        char uri[1024];
        context = new_context(arguments[1], 0);
        OK(context, usbtoken_find(context, arguments[2], NUL, &token));
        CHECK((size_t)snprintf(uri, sizeof uri, "%s", usbtoken_token_text(token, USBTOKEN_TOKEN_URI)) < sizeof uri);
        usbtoken_token_free(&token);
        OK(context, usbtoken_context_add_driver(context, getenv("HANGING"), NUL));
        OK(context, usbtoken_find(context, uri, NUL, &token));
        usbtoken_token_free(&token);
        CHECK(waitpid(-1, NULL, WNOHANG) == 0);
        usbtoken_context_free(&context);
        CHECK(waitpid(-1, NULL, WNOHANG) == -1);
    }
}

int main(int count, char **given)
{
    CHECK(count >= 6);
    arguments = given + count - 5;
    const char *test = given[1];
    if (strcmp(test, "taken") == 0)
        taken();
    else if (strcmp(test, "few") == 0)
        few();
    else if (strcmp(test, "crowded") == 0)
        crowded();
    else if (strcmp(test, "left") == 0)
        left();
    else
        CHECK(!"no such test");
    return 0;
}
