/* Lists the certificates on a token, without a PIN:  list MODULE [URI]   (see examples/c/README.md) */
#include <inttypes.h>
#include <stdio.h>

#include "usbtoken.h"

/* What went wrong, in the person's language, and what to do next. */
static int failed(const void *handle)
{
    usbtoken_error *error = NULL;
    if (usbtoken_last_error(handle, &error) == USBTOKEN_OK && error != NULL)
        fprintf(stderr, "%s\n", usbtoken_error_text(error, USBTOKEN_ERROR_REPORT, USBTOKEN_LANGUAGE_DEFAULT));
    usbtoken_error_free(&error);
    return 1;
}

static void show(const usbtoken_credential *one)
{
    static const char *const state[] = { "unknown", "yes", "not yet", "expired", "no private key" };
    printf("%s\n", usbtoken_credential_text(one, USBTOKEN_CREDENTIAL_COMMON_NAME));
    printf("  serial     %s\n", usbtoken_credential_text(one, USBTOKEN_CREDENTIAL_SERIAL));
    printf("  days left  %" PRId64 "\n", usbtoken_credential_days_left(one, 0));
    printf("  renewable  %s\n", state[usbtoken_credential_renewable(one, 0, 0)]);
}

int main(int count, char **arguments)
{
    usbtoken_context *context = NULL;
    usbtoken_token *token = NULL;
    usbtoken_credentials *list = NULL;
    int result = 0;
    if (count < 2) {
        fprintf(stderr, "usage: list MODULE [URI]\n");
        return 2;
    }
    if (usbtoken_context_new(NULL, &context) != USBTOKEN_OK)
        return 1;
    if (usbtoken_context_add_driver(context, arguments[1], USBTOKEN_NUL_TERMINATED) != USBTOKEN_OK ||
        usbtoken_find(context, count > 2 ? arguments[2] : NULL, USBTOKEN_NUL_TERMINATED, &token) != USBTOKEN_OK)
        result = failed(context);
    else if (usbtoken_token_credentials(token, &list) != USBTOKEN_OK)
        result = failed(token);
    for (size_t at = 0; at < usbtoken_credentials_count(list); at++) {
        usbtoken_credential *one = NULL;
        if (usbtoken_credentials_at(list, at, &one) == USBTOKEN_OK)
            show(one);
        usbtoken_credential_free(&one);
    }
    usbtoken_credentials_free(&list);
    usbtoken_token_free(&token);
    usbtoken_context_free(&context);
    return result;
}
